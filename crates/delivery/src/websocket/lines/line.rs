//! One topic on a shared socket, as an outlet of the hub: marks in, `pub` lines out.

use super::{LineKey, Lines};
use crate::websocket::frame::{self, Opcode};
use bytes::Bytes;
use podbell_hub::{Connection, Ending, Outlet};
use podbell_wire::solid_0_1::{MARK, Says};
use std::{
    io::{self, IoSlice},
    sync::{
        Arc, OnceLock, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

/// Most lines of one system call.
const FRAMES: usize = 64;

pub(super) struct Line {
    key: LineKey,
    /// The line, in a frame.
    told: Bytes,
    lines: Arc<Lines>,
    /// The client knows that it hears.
    is_open: AtomicBool,
    /// It waits for room.
    waits: AtomicBool,
    connection: OnceLock<Weak<Connection>>,
    this: Weak<Self>,
}

impl Line {
    pub(super) fn new(key: LineKey, uri: &str, lines: Arc<Lines>) -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            key,
            told: frame::frame(Opcode::Text, Says::Pub(uri).line().as_bytes()),
            lines,
            is_open: AtomicBool::new(false),
            waits: AtomicBool::new(false),
            connection: OnceLock::new(),
            this: this.clone(),
        })
    }

    pub(super) fn key(&self) -> LineKey {
        self.key
    }

    /// The connection that it is the outlet of; it does not keep it.
    pub(super) fn belongs_to(&self, connection: &Arc<Connection>) {
        let _ = self.connection.set(Arc::downgrade(connection));
    }

    pub(super) fn open(&self) {
        self.is_open.store(true, Ordering::Release);
    }

    /// There is room.
    pub(super) fn goes_on(&self) {
        self.waits.store(false, Ordering::Release);
        if let Some(connection) = self.connection.get().and_then(Weak::upgrade) {
            connection.writable();
        }
    }
}

impl Outlet for Line {
    /// Every part is a mark, and takes a whole line with it.
    fn try_write(&self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        if !self.is_open.load(Ordering::Acquire) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let marks = parts.iter().map(|part| part.len()).sum::<usize>() / MARK.len();
        let frames = [IoSlice::new(&self.told); FRAMES];
        let begun = self.lines.socket.send(&frames[..marks.min(FRAMES)])?;
        Ok(begun * MARK.len())
    }

    fn wake_when_writable(&self) {
        // One that is not open yet goes on by being opened.
        if self.is_open.load(Ordering::Acquire) && !self.waits.swap(true, Ordering::AcqRel) {
            self.lines.wait(self.this.clone());
        }
    }

    fn close(&self, ending: Ending, _mid_frame: bool) {
        self.lines.ended(self.key, ending);
    }
}

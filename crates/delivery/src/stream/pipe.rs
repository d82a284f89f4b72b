//! A stream's body as an outlet of the hub.
//!
//! What is handed over can be taken back no more, so nothing is handed over before it is asked for: the hub keeps what
//! waits, coalesces it, and judges it again. One piece is on its way at a time.
//!
//! The hub holds its own lock while it calls an outlet, so nothing here calls the hub with this one's lock held.

use super::beat::Kind;
use crate::{
    heart::{Beating, Heart},
    socket::ends_inside,
};
use bytes::Bytes;
use parking_lot::Mutex;
use podbell_hub::{Connection, Ending, Outlet};
use std::{
    io::{self, IoSlice},
    sync::{Arc, OnceLock, Weak},
    task::{Poll, Waker},
};

/// Most bytes of one piece; as many as one frame of HTTP/2 holds.
const PIECE: usize = 16 * 1_024;

/// Between the hub, which writes, and the server, which asks for more.
pub(super) struct Pipe {
    kind: Kind,
    state: Mutex<State>,
    connection: OnceLock<Weak<Connection>>,
}

#[derive(Debug, Default)]
struct State {
    /// Handed over, and not yet taken.
    piece: Bytes,
    /// The server has asked, and there was nothing.
    hungry: Option<Waker>,
    /// The hub is to be told when the server asks.
    is_awaited: bool,
    /// Part of a frame is handed over, the rest is with the hub.
    mid_frame: bool,
    ended: bool,
}

/// What there is for the server.
#[derive(Debug)]
pub(super) enum Asked {
    /// Nothing, and the hub waits for being told that it may write.
    Tell,
    /// This, or nothing yet, or nothing ever again.
    Answer(Poll<Option<Result<Bytes, CutShort>>>),
}

/// The stream ended inside a notification: whoever reads it must not take it for whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stream was cut inside a notification")]
pub struct CutShort;

impl Pipe {
    /// Begins the body.
    pub(super) fn open(kind: Kind, heart: &Heart) -> Arc<Self> {
        let state = State { piece: Bytes::from_static(kind.opening()), ..State::default() };
        let pipe = Arc::new(Self { kind, state: Mutex::new(state), connection: OnceLock::new() });
        let beating: Arc<dyn Beating> = Arc::<Self>::clone(&pipe);
        heart.watch(Arc::downgrade(&beating));
        pipe
    }

    /// Says by which connection the hub writes; the first call counts.
    pub(super) fn connect(&self, connection: &Arc<Connection>) {
        let _ = self.connection.set(Arc::downgrade(connection));
    }

    /// Says more at the beginning, before the server asks.
    pub(super) fn begin_with(&self, words: &[u8]) {
        let mut state = self.state.lock();
        state.piece = [&state.piece, words].concat().into();
    }

    /// The server asks for more.
    pub(super) fn ask(&self, waker: &Waker) -> Asked {
        let mut state = self.state.lock();
        if !state.piece.is_empty() {
            state.hungry = None;
            return Asked::Answer(Poll::Ready(Some(Ok(std::mem::take(&mut state.piece)))));
        }
        if state.ended {
            let cut = std::mem::take(&mut state.mid_frame).then_some(Err(CutShort));
            return Asked::Answer(Poll::Ready(cut));
        }
        match &mut state.hungry {
            Some(known) => known.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
        if std::mem::take(&mut state.is_awaited) { Asked::Tell } else { Asked::Answer(Poll::Pending) }
    }

    /// Nothing follows what was handed over; if that ends inside a frame, the stream is cut and not ended.
    pub(super) fn end(&self) {
        let mut state = self.state.lock();
        state.ended = true;
        let waker = state.hungry.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Whether nothing comes any more.
    pub(super) fn is_over(&self) -> bool {
        let state = self.state.lock();
        state.ended && state.piece.is_empty() && !state.mid_frame
    }

    /// Hands something over now, or not at all: neither inside a frame nor before it is asked for.
    fn mention(&self, words: &[u8]) {
        let mut state = self.state.lock();
        if state.ended || state.mid_frame {
            return;
        }
        let Some(waker) = state.hungry.take() else { return };
        state.piece = Bytes::copy_from_slice(words);
        drop(state);
        waker.wake();
    }
}

impl Beating for Pipe {
    fn beat(&self) {
        let connection = self.connection.get().and_then(Weak::upgrade);
        self.kind.beat(connection.as_deref(), |words| self.mention(words));
    }

    fn cut(&self) {
        self.end();
    }
}

impl Outlet for Pipe {
    fn try_write(&self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut state = self.state.lock();
        if state.ended {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let Some(waker) = state.hungry.take() else { return Err(io::ErrorKind::WouldBlock.into()) };
        // Receivers of documents may take each piece for one; events have marks of their own.
        let parts = if matches!(self.kind, Kind::Stream { .. }) { &parts[..parts.len().min(1)] } else { parts };
        let mut piece = Vec::with_capacity(parts.iter().map(|part| part.len()).sum::<usize>().min(PIECE));
        for part in parts {
            piece.extend_from_slice(&part[..part.len().min(PIECE - piece.len())]);
        }
        let written = piece.len();
        state.mid_frame = ends_inside(parts, written);
        state.piece = piece.into();
        drop(state);
        waker.wake();
        Ok(written)
    }

    fn wake_when_writable(&self) {
        let mut state = self.state.lock();
        state.is_awaited = true;
        // Asked meanwhile: it asks again, and the hub is told from there.
        let waker = state.hungry.clone();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn close(&self, _: Ending, mid_frame: bool) {
        if mid_frame {
            self.state.lock().piece = Bytes::new();
        }
        self.end();
    }
}

#[cfg(test)]
mod tests;

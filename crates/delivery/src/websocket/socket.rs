//! One client's socket as an outlet of the hub: finished frames go out without waking anybody.
//!
//! Nothing is kept per idle socket but the stream and a few words of state. Control frames (ping, pong, close) and
//! the hub's frames share the stream, so one lock knows whether part of a frame is out.

use super::{
    frame::{self, CloseCode, Opcode},
    heart::Heart,
};
use parking_lot::Mutex;
use podbell_hub::{Ending, Outlet};
use std::{
    io::{self, IoSlice},
    sync::{
        Arc, OnceLock, Weak,
        atomic::{AtomicU8, Ordering},
    },
};
use tokio::net::TcpStream;

/// Most bytes of control frames that wait for room; a peer that floods us with pings gets no more pongs than that.
const WAITING_CONTROL: usize = 256;

/// How a lost grant is said; the dialects differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Private close codes may be used.
    Solid,
    /// Registered close codes only.
    Ess,
}

impl Dialect {
    /// The close code and reason for an ending.
    pub fn close(self, ending: Ending) -> (CloseCode, &'static str) {
        match (ending, self) {
            (Ending::Expired, _) => (CloseCode::NORMAL, "the channel has ended"),
            (Ending::Unsubscribed, _) => (CloseCode::NORMAL, "the channel was deleted"),
            (Ending::Forbidden, Self::Solid) => (CloseCode::FORBIDDEN, "the topic may no longer be read"),
            (Ending::Forbidden, Self::Ess) => (CloseCode::POLICY, "the topic may no longer be read"),
            (Ending::Shutdown, _) => (CloseCode::AWAY, "the server stops; connect again"),
            _ => (CloseCode::TRY_AGAIN, "too slow; connect again"),
        }
    }
}

/// An open WebSocket, server side.
pub(super) struct Socket {
    stream: TcpStream,
    dialect: Dialect,
    writer: Mutex<Writer>,
    /// Heartbeats since the last sign of life.
    missed: AtomicU8,
    /// Told when there is room again.
    room: OnceLock<Box<dyn Fn() + Send + Sync>>,
    heart: Weak<Heart>,
    this: Weak<Self>,
}

#[derive(Debug, Default)]
struct Writer {
    /// Part of one of the hub's frames is out, the rest is with the hub.
    mid_frame: bool,
    /// A close frame was queued or sent: nothing may follow it.
    closing: bool,
    /// Someone waits for room already.
    waiting: bool,
    /// Control frames that wait for room; the first may be partly out.
    control: Vec<u8>,
}

impl Socket {
    /// Takes over the stream of an accepted opening.
    pub(super) fn new(stream: TcpStream, dialect: Dialect, heart: &Arc<Heart>) -> Arc<Self> {
        let socket = Arc::new_cyclic(|this| Self {
            stream,
            dialect,
            writer: Mutex::default(),
            missed: AtomicU8::new(0),
            room: OnceLock::new(),
            heart: Arc::downgrade(heart),
            this: this.clone(),
        });
        heart.watch(&socket);
        socket
    }

    /// Says who is told when there is room again; the first call counts.
    pub(super) fn on_room(&self, told: Box<dyn Fn() + Send + Sync>) {
        let _ = self.room.set(told);
    }

    pub(super) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// The peer said something: it lives.
    pub(super) fn alive(&self) {
        self.missed.store(0, Ordering::Relaxed);
    }

    /// One heartbeat: cuts a peer that has missed two, pings the others.
    pub(super) fn beat(&self) {
        if self.missed.fetch_add(1, Ordering::Relaxed) >= 2 {
            self.cut();
        } else {
            self.send_control(&frame::frame(Opcode::Ping, b""));
        }
    }

    /// Answers a ping.
    pub(super) fn pong(&self, payload: &[u8]) {
        self.send_control(&frame::frame(Opcode::Pong, payload));
    }

    /// Sends a close frame as the last one; the peer has a moment to answer it.
    pub(super) fn say_close(&self, code: CloseCode, reason: &str) {
        let mut writer = self.writer.lock();
        if writer.closing {
            return;
        }
        if writer.mid_frame {
            drop(writer);
            return self.cut();
        }
        writer.control.extend_from_slice(&frame::close(code, reason));
        writer.closing = true;
        self.flush_control(&mut writer);
        drop(writer);
        if let Some(heart) = self.heart.upgrade() {
            heart.expect_end(self.this.clone());
        }
    }

    /// Ends the connection without a word.
    pub(super) fn cut(&self) {
        self.give_up(&mut self.writer.lock());
    }

    /// Nothing is written any more, and nothing waits for room: what waits on a dead stream would wait for ever, or be
    /// woken again and again.
    fn give_up(&self, writer: &mut Writer) {
        writer.closing = true;
        writer.control = Vec::new();
        // The reader sees the end and lets the socket go.
        let _ = socket2::SockRef::from(&self.stream).shutdown(std::net::Shutdown::Both);
    }

    fn send_control(&self, bytes: &[u8]) {
        let mut writer = self.writer.lock();
        if writer.closing || writer.control.len() + bytes.len() > WAITING_CONTROL {
            return;
        }
        writer.control.extend_from_slice(bytes);
        self.flush_control(&mut writer);
    }

    /// Writes waiting control frames if no other frame is partly out.
    fn flush_control(&self, writer: &mut Writer) {
        if writer.mid_frame || writer.control.is_empty() {
            return;
        }
        match self.stream.try_write(&writer.control) {
            Ok(written) => drop(writer.control.drain(..written)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return self.give_up(writer),
        }
        if !writer.control.is_empty() {
            return self.wait_for_room(writer);
        }
        writer.control = Vec::new();
        if writer.closing {
            // Nothing follows a close frame; a peer that does not know of those sees the end too.
            let _ = socket2::SockRef::from(&self.stream).shutdown(std::net::Shutdown::Write);
        }
    }

    /// One task per socket that waits, and only while it waits.
    fn wait_for_room(&self, writer: &mut Writer) {
        if writer.waiting {
            return;
        }
        let Some(socket) = self.this.upgrade() else { return };
        writer.waiting = true;
        tokio::spawn(async move {
            let _ = socket.stream.writable().await;
            {
                let mut writer = socket.writer.lock();
                writer.waiting = false;
                socket.flush_control(&mut writer);
            }
            if let Some(told) = socket.room.get() {
                told();
            }
        });
    }
}

impl Outlet for Socket {
    fn try_write(&self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut writer = self.writer.lock();
        if !writer.closing {
            self.flush_control(&mut writer);
        }
        if writer.closing {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        if !writer.control.is_empty() && !writer.mid_frame {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let written = match parts {
            [part] => self.stream.try_write(part)?,
            parts => self.stream.try_write_vectored(parts)?,
        };
        writer.mid_frame = ends_inside(parts, written);
        self.flush_control(&mut writer);
        Ok(written)
    }

    fn wake_when_writable(&self) {
        self.wait_for_room(&mut self.writer.lock());
    }

    fn close(&self, ending: Ending, mid_frame: bool) {
        if mid_frame {
            return self.cut();
        }
        let (code, reason) = self.dialect.close(ending);
        self.say_close(code, reason);
    }
}

/// Whether writing stopped inside a part. Every part ends at the end of a frame.
fn ends_inside(parts: &[IoSlice<'_>], mut written: usize) -> bool {
    for part in parts {
        if written < part.len() {
            return written > 0;
        }
        written -= part.len();
    }
    false
}

#[cfg(test)]
mod tests;

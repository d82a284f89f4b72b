//! What a WebSocket says by itself: pings, pongs and the close frame.

use super::frame::{self, CloseCode, Opcode};
use crate::{
    heart::Heart,
    socket::{self, Voice},
};
use bytes::Bytes;
use podbell_hub::Ending;
use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};
use tokio::net::TcpStream;

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
pub(super) type Socket = socket::Socket<Control>;

/// Control frames.
pub(crate) struct Control {
    dialect: Dialect,
    /// Heartbeats since the last sign of life.
    missed: AtomicU8,
}

impl Voice for Control {
    /// Cuts a peer that has missed two, pings the others.
    fn beat(&self, socket: &Socket) {
        if self.missed.fetch_add(1, Ordering::Relaxed) >= 2 {
            socket.cut();
        } else {
            socket.say(&frame::frame(Opcode::Ping, b""));
        }
    }

    fn last_words(&self, ending: Ending) -> Bytes {
        let (code, reason) = self.dialect.close(ending);
        frame::close(code, reason)
    }
}

impl Socket {
    /// Takes over the stream of an accepted opening.
    pub(super) fn open(stream: TcpStream, dialect: Dialect, heart: &Arc<Heart>) -> Arc<Self> {
        Self::new(stream, Control { dialect, missed: AtomicU8::new(0) }, heart)
    }

    /// The peer said something: it lives.
    pub(super) fn alive(&self) {
        self.voice.missed.store(0, Ordering::Relaxed);
    }

    /// Answers a ping.
    pub(super) fn pong(&self, payload: &[u8]) {
        self.say(&frame::frame(Opcode::Pong, payload));
    }

    /// Sends a close frame as the last one; the peer has a moment to answer it.
    pub(super) fn say_close(&self, code: CloseCode, reason: &str) {
        self.finish(&frame::close(code, reason));
    }
}

#[cfg(test)]
mod tests;

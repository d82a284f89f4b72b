//! A stream on a bare socket: the body ends with the connection, or with its last chunk.
//!
//! A peer that has gone without a word is found by TCP, within two minutes: it takes no seat from those who come back
//! by another network.

use super::beat::Kind;
use crate::{
    heart::Heart,
    socket::{self, Voice},
};
use bytes::Bytes;
use podbell_hub::{Connection, Ending};
use socket2::{SockRef, TcpKeepalive};
use std::{
    io,
    sync::{Arc, OnceLock, Weak},
    time::Duration,
};
use tokio::net::TcpStream;

/// An idle peer is asked after so long whether it is still there, and again so often.
const KEEPALIVE: (Duration, Duration) = (Duration::from_mins(1), Duration::from_secs(15));
/// A peer that acknowledges nothing for so long is gone.
#[cfg(any(target_os = "linux", target_os = "android"))]
const UNACKNOWLEDGED: Duration = Duration::from_mins(2);

/// An open stream on a bare socket.
pub(super) type Socket = socket::Socket<Beats>;

/// What a stream says by itself.
pub(crate) struct Beats {
    kind: Kind,
    connection: OnceLock<Weak<Connection>>,
}

impl Voice for Beats {
    fn beat(&self, socket: &Socket) {
        let connection = self.connection.get().and_then(Weak::upgrade);
        self.kind.beat(connection.as_deref(), |words| socket.mention(words));
    }

    /// Events and chunks have marks of their own.
    fn one_by_one(&self) -> bool {
        matches!(self.kind, Kind::Stream { .. })
    }

    /// The end of the body says it all; why, the next request is told.
    fn last_words(&self, _: Ending) -> Bytes {
        Bytes::from_static(self.kind.ending())
    }
}

impl Socket {
    /// Takes over the stream behind a head that is written, and begins the body.
    pub(super) fn open(stream: TcpStream, kind: Kind, heart: &Arc<Heart>) -> Arc<Self> {
        if let Err(error) = watch(&stream) {
            tracing::debug!(%error, "a peer that is gone will be noticed late");
        }
        let socket = Self::new(stream, Beats { kind, connection: OnceLock::new() }, heart);
        socket.say(kind.opening());
        socket
    }

    /// Says by which connection the hub writes; the first call counts.
    pub(super) fn connect(&self, connection: &Arc<Connection>) {
        let _ = self.voice.connection.set(Arc::downgrade(connection));
    }
}

fn watch(stream: &TcpStream) -> io::Result<()> {
    let socket = SockRef::from(stream);
    let (time, interval) = KEEPALIVE;
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(time).with_interval(interval))?;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED))?;
    Ok(())
}

#[cfg(test)]
mod tests;

//! Connections that begin with a request for a capability, taken out before hyper sees them.
//!
//! hyper gives sockets back only after 101 and CONNECT; streams that answer 200 would keep its buffers for their whole
//! life. Only the first request of an HTTP/1.1 connection is recognised; what comes later goes through hyper as
//! everything else does.

use super::Connection;
use bytes::BytesMut;
use futures_util::future::BoxFuture;
use std::{fmt, io, sync::Arc, time::Duration};
use tokio::{
    io::AsyncReadExt as _,
    net::TcpStream,
    time::{sleep, timeout},
};

/// What a connection to be taken out begins with.
pub const CONNECT: &[u8] = b"GET /.notifications/connect/";

/// How long is waited for more of the beginning; the kernel tells only that there is something, not that there is more.
const PAUSE: Duration = Duration::from_millis(5);

/// A connection that was taken out.
#[derive(Debug)]
pub struct Diverted {
    /// The bare socket.
    pub stream: TcpStream,
    /// A whole request head, not yet judged, and what came after it; begins with [`CONNECT`].
    pub read: BytesMut,
    /// Counts as open while it is held.
    pub connection: Connection,
}

/// Takes connections over, and answers them itself.
#[derive(Clone)]
pub struct Divert(Arc<dyn Fn(Diverted) -> BoxFuture<'static, ()> + Send + Sync>);

impl Divert {
    /// Takes over with `take`. A stop does not wait for longer than the grace period for what it returns.
    pub fn new(take: impl Fn(Diverted) -> BoxFuture<'static, ()> + Send + Sync + 'static) -> Self {
        Self(Arc::new(take))
    }

    pub(super) async fn take(&self, diverted: Diverted) {
        (self.0)(diverted).await;
    }
}

impl fmt::Debug for Divert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Divert")
    }
}

/// Whether the connection begins with [`CONNECT`]; reads nothing. Answers as soon as the first differing byte is there.
pub(super) async fn is_for_capability(stream: &TcpStream, patience: Duration) -> bool {
    let mut beginning = [0; CONNECT.len()];
    let looking = async {
        loop {
            match stream.peek(&mut beginning).await {
                Ok(0) | Err(_) => return false,
                Ok(count) if beginning[..count] != CONNECT[..count] => return false,
                Ok(count) if count == CONNECT.len() => return true,
                Ok(_) => sleep(PAUSE).await,
            }
        }
    };
    timeout(patience, looking).await.unwrap_or(false)
}

/// Reads a whole head of at most `most` bytes within `patience`.
pub(super) async fn read_head(stream: &mut TcpStream, most: usize, patience: Duration) -> io::Result<BytesMut> {
    let reading = async {
        let mut read = BytesMut::with_capacity(1_024);
        loop {
            if read.windows(4).any(|four| four == b"\r\n\r\n") {
                return Ok(read);
            }
            if read.len() > most {
                return Err(io::Error::other("the head is too large"));
            }
            if stream.read_buf(&mut read).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    };
    timeout(patience, reading).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

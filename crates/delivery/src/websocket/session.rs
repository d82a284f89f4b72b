//! One WebSocket from its opening to its end: the listening half, and what the hub needs to send.
//!
//! A future written by hand, because of its size: it is what a server holds for each idle socket, and one made by
//! `async` keeps several copies of what passes through it.

use super::{
    decode::Decoder,
    hear::hear,
    socket::{Dialect, Socket},
};
use crate::{
    heart::Heart,
    register::{register, room},
};
use podbell_hub::{Admission, Begin, Connection, RenderingId};
use podbell_model::Sequence;
use std::{
    io,
    ops::ControlFlow,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};
use tokio::{net::TcpStream, sync::watch};

/// Reads of one wake-up, so that a flood on one socket leaves its thread to others.
const READS: usize = 16;

/// All WebSockets of this server.
#[derive(Clone)]
pub struct WebSockets {
    pub(super) heart: Arc<Heart>,
    /// Largest message of a client, in bytes.
    pub(super) limit: usize,
    /// Whether the server stops: for conversations, which may hear of nothing that would tell them.
    pub(super) stop: Arc<watch::Sender<bool>>,
}

/// An open WebSocket; done when either side has ended it. Dropping it ends it too.
#[must_use = "nobody listens to the client unless it is polled"]
pub struct Session<T> {
    socket: Arc<Socket>,
    /// Registered until the conversation is over; after that, what still comes is dropped until the peer ends too, for
    /// a socket that is closed with bytes unread would take back the close frame.
    connection: Option<Arc<Connection>>,
    /// Only while part of a message is here.
    decoder: Option<Box<Decoder>>,
    limit: usize,
    /// What lives as long as the socket does.
    _held: T,
}

impl WebSockets {
    /// Starts their heartbeat, on the current tokio runtime; each is pinged so often. A client that sends more than
    /// `limit` bytes in one message is cut off with 1009.
    pub fn start(ping_every: std::time::Duration, limit: usize) -> Self {
        Self { heart: Heart::start(ping_every), limit, stop: Arc::new(watch::Sender::new(false)) }
    }

    /// The server stops: conversations end. What hears of a channel is told by the hub.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Serves a stream whose opening has been answered with 101, until either side ends it; `held` lives as long.
    ///
    /// `early` is what the client sent after its opening. `since` is a head of the log that was read before the
    /// answer went out: what was committed after it is told, so the client may rely on the 101. `rendering`: if not the
    /// channel's.
    #[expect(clippy::too_many_arguments, reason = "each is something that only the opening knows")]
    pub fn serve<T>(
        &self,
        stream: TcpStream,
        early: &[u8],
        admission: Admission,
        dialect: Dialect,
        (begin, since): (Begin, Sequence),
        rendering: Option<RenderingId>,
        held: T,
    ) -> Session<T> {
        let socket = Socket::open(stream, dialect, &self.heart);
        let connection = register(admission, Arc::<Socket>::clone(&socket), (begin, since), rendering);
        socket.on_room(room(&connection));
        // Something may have waited for room before there was anybody to tell.
        connection.writable();
        let limit = self.limit;
        let mut session = Session { socket, connection: Some(connection), decoder: None, limit, _held: held };
        session.hear(early);
        session
    }
}

impl<T> Session<T> {
    /// Breaks when the stream has ended.
    fn read(&mut self) -> ControlFlow<()> {
        let mut buffer = [0; 4_096];
        for _ in 0..READS {
            match self.socket.stream().try_read(&mut buffer) {
                Ok(0) => return ControlFlow::Break(()),
                Ok(read) => self.hear(&buffer[..read]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return ControlFlow::Continue(()),
                Err(_) => return ControlFlow::Break(()),
            }
        }
        ControlFlow::Continue(())
    }

    fn hear(&mut self, input: &[u8]) {
        if self.connection.is_none() {
            return;
        }
        let mut decoder = self.decoder.take().unwrap_or_else(|| Box::new(Decoder::new(self.limit)));
        match hear(&self.socket, &mut decoder, input) {
            ControlFlow::Continue(()) => self.decoder = (!decoder.is_between_messages()).then_some(decoder),
            ControlFlow::Break(()) => self.connection = None,
        }
    }
}

impl<T> Drop for Session<T> {
    /// Whoever waits for room waits no longer than what is held here.
    fn drop(&mut self) {
        self.socket.cut();
    }
}

impl<T: Unpin> Future for Session<T> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        loop {
            // Yields by itself when this task has had its share.
            if ready!(self.socket.stream().poll_read_ready(context)).is_err() || self.read().is_break() {
                return Poll::Ready(());
            }
        }
    }
}

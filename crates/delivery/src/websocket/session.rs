//! One WebSocket from its opening to its end.

use super::{
    decode::Decoder,
    heart::Heart,
    listen::{hear, listen},
    socket::{Dialect, Socket},
};
use podbell_hub::Admission;
use podbell_model::Sequence;
use std::sync::Arc;
use tokio::net::TcpStream;

/// All WebSockets of this server.
#[derive(Clone)]
pub struct WebSockets {
    heart: Arc<Heart>,
    /// Largest message of a client, in bytes.
    limit: usize,
}

impl WebSockets {
    /// Starts their heartbeat, on the current tokio runtime; each is pinged so often. A client that sends more than
    /// `limit` bytes in one message is cut off with 1009.
    pub fn start(ping_every: std::time::Duration, limit: usize) -> Self {
        Self { heart: Heart::start(ping_every), limit }
    }

    /// Serves a stream whose opening has been answered with 101, until either side ends it.
    ///
    /// `early` is what the client sent after its opening. `since` is a head of the log that was read before the
    /// answer went out: what was committed after it is told, so the client may rely on the 101.
    pub fn serve(
        &self,
        stream: TcpStream,
        early: &[u8],
        admission: Admission,
        dialect: Dialect,
        since: Sequence,
    ) -> impl Future<Output = ()> + Send + use<> {
        let socket = Socket::new(stream, dialect, &self.heart);
        // A channel with a known state is told the difference, which covers what happened since.
        let resume_after = admission.channel().state.is_none().then_some(since);
        let connection = Arc::new(admission.register(Arc::<Socket>::clone(&socket), resume_after));
        socket.on_room({
            let connection = Arc::downgrade(&connection);
            Box::new(move || {
                if let Some(connection) = connection.upgrade() {
                    connection.writable();
                }
            })
        });
        // Something may have waited for room before there was anybody to tell.
        connection.writable();
        // Heard here, so that its buffer does not live as long as the connection.
        let mut decoder = Decoder::new(self.limit);
        let ended = hear(&socket, &mut decoder, early).is_break();
        async move {
            if !ended {
                listen(&socket, decoder).await;
            }
            drop(connection);
        }
    }
}

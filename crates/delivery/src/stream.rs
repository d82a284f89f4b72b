//! Event streams and streaming HTTP: response bodies without end as outlets of the hub.
//!
//! Over HTTP/1.1 a stream is a bare socket whose body ends with the connection ([`Streams::serve`]); over HTTP/2, and
//! wherever the server keeps the connection, it is a body that is polled ([`Streams::body`]). Both say the same, and a
//! notification is never broken by anything that is not part of it.
//!
//! Spec: <https://html.spec.whatwg.org/multipage/server-sent-events.html>,
//! <https://solidproject.org/TR/notifications-protocol> (EventSourceChannel2023, StreamingHTTPChannel2023)

mod beat;
mod body;
mod pipe;
mod session;
mod socket;

pub use beat::Kind;
pub use body::StreamBody;
pub use pipe::CutShort;
pub use session::Session;

use crate::{
    heart::Heart,
    register::{register, room},
};
use pipe::Pipe;
use podbell_hub::{Admission, Begin, RenderingId};
use podbell_model::Sequence;
use socket::Socket;
use std::{sync::Arc, time::Duration};
use tokio::net::TcpStream;

/// All streams of this server.
#[derive(Clone)]
pub struct Streams {
    heart: Arc<Heart>,
}

impl Streams {
    /// Starts their heartbeat, on the current tokio runtime; idle streams beat so often, if their kind does.
    pub fn start(beat_every: Duration) -> Self {
        Self { heart: Heart::start(beat_every) }
    }

    /// Serves a stream whose head (with `Connection: close`, without a length; chunked if `kind` is) is written, until
    /// either side ends it; `held` lives as long.
    ///
    /// `begin`: from where, and a head of the log that was read before the answer went out: what was committed after it
    /// is told, so the client may rely on the answer. `rendering`: if not the channel's; its framing is that of `kind`.
    pub fn serve<T>(
        &self,
        stream: TcpStream,
        admission: Admission,
        begin: (Begin, Sequence),
        rendering: Option<RenderingId>,
        kind: Kind,
        held: T,
    ) -> Session<T> {
        let socket = Socket::open(stream, kind, &self.heart);
        let connection = register(admission, Arc::<Socket>::clone(&socket), begin, rendering);
        socket.connect(&connection);
        kind.placed(&connection, |words| socket.say(words));
        socket.on_room(room(&connection));
        // Something may have waited for room before there was anybody to tell.
        connection.writable();
        Session::new(socket, connection, held)
    }

    /// The same as a body, for connections that the server keeps; dropping it ends the stream.
    pub fn body<T>(
        &self,
        admission: Admission,
        begin: (Begin, Sequence),
        rendering: Option<RenderingId>,
        kind: Kind,
        held: T,
    ) -> StreamBody<T> {
        let pipe = Pipe::open(kind, &self.heart);
        let connection = register(admission, Arc::<Pipe>::clone(&pipe), begin, rendering);
        pipe.connect(&connection);
        kind.placed(&connection, |words| pipe.begin_with(words));
        StreamBody::new(pipe, connection, held)
    }
}

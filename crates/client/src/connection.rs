//! One connection to a channel, in whichever way, and how it ends.

use crate::{
    answer::{failure, text},
    client::Client,
    error::WatchError,
    options::Transport,
    socket::Socket,
    stream::Stream,
    subscription::Channel,
};
use http::{HeaderMap, StatusCode, header};
use url::Url;

/// What comes over a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// A document, and the cursor behind it if that came beside its text.
    Message { text: String, cursor: Option<String> },
    /// Nothing, and how far that is.
    Place(String),
    /// No more.
    End(End),
}

/// How a connection ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Without the server's will, or with its wish to see us again.
    Cut(String),
    /// In order, but without a word why.
    Finished,
    /// With the word that the channel is over.
    Over(String),
    /// With the word that the topic may not be read any longer.
    Forbidden(String),
}

/// Why a channel cannot be connected to.
#[derive(Debug)]
pub(crate) enum NotOpen {
    /// It is there no longer, or never was.
    Gone,
    /// Something else.
    Failed(WatchError),
}

impl From<WatchError> for NotOpen {
    fn from(error: WatchError) -> Self {
        Self::Failed(error)
    }
}

/// An open connection.
pub(crate) enum Connection {
    Socket(Box<Socket>),
    Stream(Box<Stream>),
}

impl Connection {
    /// Connects, behind a cursor if there is one.
    pub(crate) async fn open(
        client: &Client,
        channel: &Channel,
        transport: Transport,
        cursor: Option<&str>,
    ) -> Result<Self, NotOpen> {
        let mut url = channel.receive_from.clone();
        if let Some(cursor) = cursor {
            url.query_pairs_mut().append_pair("since", cursor);
        }
        match transport {
            Transport::WebSocket => Ok(Self::Socket(Box::new(Socket::open(client, &url).await?))),
            Transport::EventSource => Ok(Self::Stream(Box::new(Stream::events(client, &url, cursor).await?))),
            Transport::Streaming => Ok(Self::Stream(Box::new(Stream::documents(client, &url).await?))),
        }
    }

    /// What comes next. May be dropped while it waits; nothing is lost by that.
    pub(crate) async fn next(&mut self) -> Heard {
        match self {
            Self::Socket(socket) => socket.next().await,
            Self::Stream(stream) => stream.next().await,
        }
    }
}

/// What an answer means that opens nothing.
pub(crate) fn not_open(url: &Url, status: StatusCode, headers: &HeaderMap) -> NotOpen {
    match status.as_u16() {
        204 | 404 | 410 => NotOpen::Gone,
        200..=299 => {
            let told = text(headers, &header::CONTENT_TYPE).unwrap_or("nothing");
            NotOpen::Failed(WatchError::not_understood(&shown(url), format!("it answers {told}")))
        }
        _ => NotOpen::Failed(failure(&shown(url), status, headers, String::new())),
    }
}

/// Where a connection leads, without what opens it.
pub(crate) fn shown(url: &Url) -> String {
    url.origin().unicode_serialization()
}

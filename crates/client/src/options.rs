//! What somebody wants to hear, and how.

use crate::{client::Client, error::WatchError, session, watch::Watch};
use podbell_wire::ChannelType;
use std::{fmt, str::FromStr, time::Duration};
use url::Url;

/// The most topics of one watch.
const MAX_TOPICS: usize = 256;

/// How notifications come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// `WebSocketChannel2023`
    WebSocket,
    /// `EventSourceChannel2023`
    EventSource,
    /// `StreamingHTTPChannel2023`
    Streaming,
}

impl Transport {
    /// All of them, the one that is taken if nobody says otherwise first.
    pub const ALL: [Self; 3] = [Self::WebSocket, Self::EventSource, Self::Streaming];

    /// In one word.
    pub fn name(self) -> &'static str {
        match self {
            Self::WebSocket => "websocket",
            Self::EventSource => "eventsource",
            Self::Streaming => "streaming",
        }
    }

    pub(crate) fn channel_type(self) -> ChannelType {
        match self {
            Self::WebSocket => ChannelType::WebSocket,
            Self::EventSource => ChannelType::EventSource,
            Self::Streaming => ChannelType::StreamingHttp,
        }
    }
}

/// What may have happened, in the words of Activity Streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ActivityType {
    /// It is new.
    Create,
    /// It is another one now.
    Update,
    /// It is gone.
    Delete,
    /// Something is new in it.
    Add,
    /// Something is gone from it.
    Remove,
}

impl ActivityType {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Create, Self::Update, Self::Delete, Self::Add, Self::Remove];

    /// The term.
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "Create",
            Self::Update => "Update",
            Self::Delete => "Delete",
            Self::Add => "Add",
            Self::Remove => "Remove",
        }
    }
}

/// A word that is none of those that are known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no {given:?}; it is one of {known}")]
pub struct UnknownWord {
    given: String,
    known: String,
}

fn find<T: Copy>(given: &str, known: &[T], name: impl Fn(T) -> &'static str) -> Result<T, UnknownWord> {
    let found = known.iter().copied().find(|one| name(*one).eq_ignore_ascii_case(given));
    let names = || known.iter().map(|one| name(*one)).collect::<Vec<_>>().join(", ");
    found.ok_or_else(|| UnknownWord { given: given.to_owned(), known: names() })
}

impl FromStr for Transport {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        find(text, &Self::ALL, Self::name)
    }
}

impl FromStr for ActivityType {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        find(text, &Self::ALL, Self::name)
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for ActivityType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What to listen to, and how: what [`Client::watch`] makes, and [`Self::listen`] begins.
#[derive(Clone)]
#[must_use = "nothing is heard before it is told to listen"]
pub struct Watching {
    pub(crate) client: Client,
    pub(crate) topics: Vec<String>,
    pub(crate) wants: Wants,
}

/// What is wanted of every topic.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wants {
    pub(crate) transport: Option<Transport>,
    pub(crate) recursive: bool,
    pub(crate) fallback: bool,
    pub(crate) types: Vec<ActivityType>,
    pub(crate) not_caused_by_me: bool,
    pub(crate) since: Option<String>,
    pub(crate) rate: Option<Duration>,
}

impl Watching {
    pub(crate) fn new(client: Client, topics: Vec<String>) -> Self {
        Self { client, topics, wants: Wants::default() }
    }

    /// In this way alone. Otherwise in the first way of [`Transport::ALL`] that the server offers.
    pub fn transport(mut self, transport: Transport) -> Self {
        self.wants.transport = Some(transport);
        self
    }

    /// Everything below the topics too, at any depth. Other servers than Podbell may not offer it.
    pub fn recursive(mut self) -> Self {
        self.wants.recursive = true;
        self
    }

    /// Where the server does not offer [`Self::recursive`], [`Self::rate`] or [`Self::not_caused_by_me`], goes on without
    /// and says so by [`State::Without`](crate::State::Without), instead of failing.
    pub fn fallback(mut self) -> Self {
        self.wants.fallback = true;
        self
    }

    /// Only activities of these types. Where the server does not sort them out, this client does.
    pub fn only(mut self, types: impl IntoIterator<Item = ActivityType>) -> Self {
        self.wants.types = types.into_iter().collect();
        self
    }

    /// Not what the person who is logged in has done.
    pub fn not_caused_by_me(mut self) -> Self {
        self.wants.not_caused_by_me = true;
        self
    }

    /// First what has happened since a cursor: of a notification that was heard earlier, or of the header
    /// `Podbell-Cursor` of what was read. A cursor is good for one storage, and for who it was given to.
    pub fn since(mut self, cursor: impl Into<String>) -> Self {
        self.wants.since = Some(cursor.into());
        self
    }

    /// Not oftener than this; the last state always comes.
    pub fn rate(mut self, rate: Duration) -> Self {
        self.wants.rate = Some(rate);
        self
    }

    /// Discovers, subscribes and connects. What keeps that from succeeding is told at once; from then on the watch comes
    /// back by itself, until [`Watch::close`] or until it is dropped.
    pub async fn listen(self) -> Result<Watch, WatchError> {
        let mut topics = Vec::new();
        for topic in &self.topics {
            let url = Url::parse(topic).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
            let mut url = url.ok_or_else(|| WatchError::unsupported(topic, "it is no http or https URL"))?;
            url.set_fragment(None);
            if !topics.contains(&url) {
                topics.push(url);
            }
        }
        if topics.is_empty() || topics.len() > MAX_TOPICS {
            return Err(WatchError::unsupported("nothing", format!("a watch has 1 to {MAX_TOPICS} topics")));
        }
        session::begin(self.client, topics, self.wants).await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn words_are_read_in_any_case_and_others_are_told_what_there_is() {
        assert_eq!("WebSocket".parse::<Transport>().unwrap(), Transport::WebSocket);
        assert_eq!("create".parse::<ActivityType>().unwrap(), ActivityType::Create);
        let told = "push".parse::<Transport>().unwrap_err().to_string();
        assert_eq!(told, "there is no \"push\"; it is one of websocket, eventsource, streaming");
    }

    #[tokio::test]
    async fn what_is_no_url_is_refused_before_anything_is_sent() {
        let client = Client::builder().build().unwrap();
        for topic in ["", "localhost:3000/alice/", "/alice/", "ftp://pod.example/"] {
            let refused = client.watch([topic]).listen().await.err().unwrap();
            assert!(matches!(refused, WatchError::Unsupported { .. }), "{refused}");
        }
        assert!(client.watch(Vec::<String>::new()).listen().await.is_err());
    }
}

//! A subscription request: the body of a POST to a subscription service, as what it asks for.
//!
//! JSON-LD in every form, Turtle and N-Triples become one graph, and the graph is read; only the spelling that the
//! answer echoes is taken from the text. What cannot be honoured is refused, never silently left out, except keys
//! that the protocol does not know and features that the service does not offer.
//!
//! Spec: <https://solidproject.org/TR/notifications-protocol#subscription-request>

mod error;
mod features;
mod json_ld;
mod reading;
mod receiver;
#[cfg(test)]
mod tests;

pub use error::RequestError;
pub use receiver::{Lifecycle, PushKeys, Receiver, SECRET_PREFIX, Secret, is_secret};

use crate::{BodyType, ChannelType, Feature, Framing, NotificationsContext, Rendering, Service, Syntax};
use podbell_model::{ResourceIri, Timestamp, rdf};
use std::time::Duration;

/// Largest body of a request, in bytes. It also bounds the topics: how many a channel may have is for the caller to say.
pub const MAX_BODY: usize = 64 * 1024;

/// What a subscription request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelRequest {
    /// The type; that of the service.
    pub channel_type: ChannelType,
    /// At least one, without duplicates and fragments, in the order of the request. Whether they are inside a storage
    /// of this server, and whether the client may read them, is for the caller to decide.
    pub topics: Vec<ResourceIri>,
    /// Those features that the service offers.
    pub features: Features,
    /// Where to push to, for the types that push.
    pub receiver: Option<Receiver>,
    /// The client's own spelling, for the answer.
    pub spelling: Spelling,
}

impl ChannelRequest {
    /// How the channel's notifications are to be written.
    pub fn rendering(&self, actor: bool) -> Rendering {
        let framing = Framing::of(self.channel_type);
        let (context, syntax) = (self.spelling.context.notifications(), self.features.syntax());
        Rendering::Solid { context, syntax, actor, framing, cursor: self.features.cursor }
    }
}

/// The notification features of a channel, as proposed or as granted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// Nothing committed before then is told.
    pub start_at: Option<Timestamp>,
    /// The channel ends then; may be in the past.
    pub end_at: Option<Timestamp>,
    /// The state of the one topic that the receiver knows, as sent: with or without the quotes of an entity-tag.
    pub state: Option<String>,
    /// Least time between two notifications; more than nothing.
    pub rate: Option<Duration>,
    /// Which media type notifications have.
    pub accept: Option<Accept>,
    /// Extension: everything below the topics too.
    pub recursive: bool,
    /// Extension: only activities of these types, as terms of Activity Streams; empty for all.
    pub activity_types: Vec<&'static str>,
    /// Extension: not what the subscriber has done.
    pub not_caused_by_me: bool,
    /// Extension: each notification tells its cursor, and gaps are told.
    pub cursor: bool,
}

impl Features {
    /// The syntax of the notifications.
    pub fn syntax(&self) -> Syntax {
        self.accept.as_ref().map_or(Syntax::JsonLd, |accept| accept.syntax)
    }

    /// The opaque part of the state: without `W/` and quotes.
    pub fn state_tag(&self) -> Option<&str> {
        let state = self.state.as_deref()?;
        let tag = state.strip_prefix("W/").unwrap_or(state);
        Some(tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).unwrap_or(state))
    }
}

/// An `accept` feature and what was chosen by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accept {
    /// As sent.
    pub sent: String,
    /// The best that can be made of it.
    pub syntax: Syntax,
}

/// How a client spells, so that it is answered in its own words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spelling {
    /// Its JSON-LD context.
    pub context: ContextSpelling,
    /// Its form of the type, a term or an IRI; none if it cannot be repeated outside its own context.
    pub type_name: Option<String>,
    /// The syntax of its request.
    pub syntax: Syntax,
}

/// A client's JSON-LD context, as far as it can be repeated: its built-in IRIs. Inline contexts are not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContextSpelling {
    /// In order; empty if there is no notifications context among them.
    iris: Vec<String>,
    /// Whether it was a list.
    list: bool,
}

impl ContextSpelling {
    pub(crate) fn new(iris: Vec<String>, list: bool) -> Self {
        let usable = iris.iter().any(|iri| NotificationsContext::from_iri(iri).is_some());
        if usable { Self { iris, list } } else { Self::default() }
    }

    /// The spelling of the notifications context to use.
    pub fn notifications(&self) -> NotificationsContext {
        self.iris.iter().find_map(|iri| NotificationsContext::from_iri(iri)).unwrap_or_default()
    }

    /// The `@context` of an answer.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        if self.list { self.iris.clone().into() } else { self.notifications().iri().into() }
    }
}

impl From<NotificationsContext> for ContextSpelling {
    fn from(context: NotificationsContext) -> Self {
        Self::new(vec![context.iri().to_owned()], true)
    }
}

/// Parses the body of a request to `service`; relative IRIs resolve against the service's URL.
pub fn parse(body: &[u8], body_type: BodyType, service: &Service) -> Result<ChannelRequest, RequestError> {
    bound(body)?;
    let format = body_type.syntax.rdf_format();
    let text = match body_type.syntax {
        Syntax::JsonLd => json_ld::prepare(body, body_type.plain_json)?,
        syntax => json_ld::Text::without_json(body, syntax),
    };
    let dataset = rdf::parse(format, &service.url, &text.bytes)?;
    reading::read(&dataset, text, service)
}

fn bound(body: &[u8]) -> Result<(), RequestError> {
    if body.len() > MAX_BODY {
        return Err(RequestError::TooComplex { what: "bytes", limit: MAX_BODY });
    }
    if body.trim_ascii().is_empty() { Err(RequestError::Empty) } else { Ok(()) }
}

/// What may be changed of a channel that stands, beside the target.
const CHANGEABLE: [Feature; 4] = [Feature::EndAt, Feature::Rate, Feature::Accept, Feature::ActivityType];

/// What is to change of a channel that stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Of `endAt`, `rate`, `accept` and `activityType`, those that are said.
    pub features: Features,
    /// Where it pushes to, if it does and that is said; see [`Receiver::send_to`].
    pub send_to: Option<String>,
}

/// Parses a part of a channel, as its owner posts it to the channel: what is to change of `endAt`, `rate`, `accept`,
/// `activityType`, and of `sendTo` for the types that push. What else it says must not differ from the channel, for the
/// caller to see: `topic` and `type` are not looked at.
pub fn parse_changes(
    body: &[u8],
    body_type: BodyType,
    channel: &str,
    channel_type: ChannelType,
) -> Result<Changes, RequestError> {
    bound(body)?;
    let text = match body_type.syntax {
        Syntax::JsonLd => json_ld::prepare(body, body_type.plain_json)?,
        syntax => json_ld::Text::without_json(body, syntax),
    };
    let dataset = rdf::parse(body_type.syntax.rdf_format(), channel, &text.bytes)?;
    let changeable = Service::new(channel.to_owned(), channel_type, CHANGEABLE.to_vec());
    reading::read_changes(&dataset, &text, &changeable)
}

impl Service {
    fn offers(&self, feature: Feature) -> bool {
        self.features.contains(&feature)
    }
}

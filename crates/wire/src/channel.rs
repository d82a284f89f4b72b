//! A channel as its owner reads it: the answer to a subscription request, and to a GET of the channel.
//!
//! JSON-LD repeats the client's context and its form of the type; Turtle has the channel's IRI as its only subject and
//! exactly one `rdf:type`, since clients take the first they find.
//!
//! Spec: <https://solidproject.org/TR/notifications-protocol#notification-channel-data-model>

use crate::{
    ChannelType, EXTENSIONS, Feature, Features, Representation, Spelling, Syntax, lexical,
    statements::{NOTIFY, Statements, XSD_PREFIX},
};
use podbell_model::{
    ResourceIri, Timestamp,
    vocab::{activitystreams, notify},
};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::{borrow::Cow, ops::Not};

/// How notifications get from the server to the receiver.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Endpoint<'a> {
    /// The receiver connects there. A capability: only for the answer to the one who subscribed.
    ReceiveFrom(&'a str),
    /// The server sends there.
    SendTo {
        /// The receiver's URL.
        target: &'a str,
        /// Identity of the server.
        sender: &'a str,
    },
    /// Not shown.
    Hidden,
}

impl std::fmt::Debug for Endpoint<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::ReceiveFrom(_) => "ReceiveFrom(..)",
            Self::SendTo { .. } => "SendTo(..)",
            Self::Hidden => "Hidden",
        })
    }
}

/// A channel, ready to be written.
#[derive(Clone, Debug)]
pub struct ChannelDocument<'a> {
    /// Its IRI.
    pub id: &'a str,
    /// Its type.
    pub channel_type: ChannelType,
    /// Its topics.
    pub topics: &'a [ResourceIri],
    /// As granted.
    pub features: &'a Features,
    /// How it is connected.
    pub endpoint: Endpoint<'a>,
    /// What else there is to say, each under its name in our namespace.
    pub more: &'a [(&'static str, Fact<'a>)],
}

/// One thing that is said of a channel beyond the protocol.
#[derive(Clone, PartialEq, Eq)]
pub enum Fact<'a> {
    /// It is so.
    True,
    /// When.
    At(Timestamp),
    /// How many.
    Count(u64),
    /// In words.
    Text(Cow<'a, str>),
    /// Where.
    Link(&'a str),
}

/// A secret may be among them.
impl std::fmt::Debug for Fact<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fact").finish_non_exhaustive()
    }
}

impl Fact<'_> {
    fn json(&self) -> Value {
        match self {
            Self::True => true.into(),
            Self::At(at) => lexical::date_time(*at).into(),
            Self::Count(count) => (*count).into(),
            Self::Text(text) => text.as_ref().into(),
            Self::Link(iri) => json!({ "id": iri }),
        }
    }

    fn state(&self, statements: &mut Statements, subject: &str, predicate: &str) {
        match self {
            Self::True => statements.typed(subject, predicate, "true", "boolean"),
            Self::At(at) => statements.text(subject, predicate, &lexical::date_time(*at)),
            Self::Count(count) => statements.typed(subject, predicate, &count.to_string(), "integer"),
            Self::Text(text) => statements.text(subject, predicate, text),
            Self::Link(iri) => statements.link(subject, predicate, iri),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Json<'a> {
    #[serde(rename = "@context")]
    context: Value,
    id: &'a str,
    #[serde(rename = "type")]
    type_name: &'a str,
    topic: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accept: Option<&'a str>,
    // The published context has no terms for extensions.
    #[serde(rename = "http://www.w3.org/ns/solid/notifications#activityType", skip_serializing_if = "Value::is_null")]
    activity_types: Value,
    #[serde(rename = "urn:podbell:terms#recursive", skip_serializing_if = "Not::not")]
    recursive: bool,
    #[serde(rename = "urn:podbell:terms#notCausedByMe", skip_serializing_if = "Not::not")]
    not_caused_by_me: bool,
    #[serde(rename = "urn:podbell:terms#cursor", skip_serializing_if = "Not::not")]
    cursor: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    receive_from: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    send_to: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sender: Option<&'a str>,
    #[serde(flatten)]
    more: Map<String, Value>,
}

impl ChannelDocument<'_> {
    /// Writes it, in the words of the client's `spelling`.
    pub fn write(&self, spelling: &Spelling, representation: Representation) -> Vec<u8> {
        match representation {
            Representation { syntax: Syntax::JsonLd, expanded: false } => self.json(spelling),
            Representation { syntax: Syntax::JsonLd, expanded: true } => self.statements().expanded_json_ld(),
            Representation { syntax: Syntax::Turtle, .. } => self.statements().turtle(&[NOTIFY, XSD_PREFIX]),
            Representation { syntax: Syntax::NTriples, .. } => self.statements().n_triples(),
        }
    }

    fn json(&self, spelling: &Spelling) -> Vec<u8> {
        let iri = self.channel_type.iri();
        let (receive_from, send_to, sender) = match self.endpoint {
            Endpoint::ReceiveFrom(url) => (Some(url), None, None),
            Endpoint::SendTo { target, sender } => (None, Some(target), Some(sender)),
            Endpoint::Hidden => (None, None, None),
        };
        crate::json(&Json {
            context: spelling.context.to_json(),
            id: self.id,
            type_name: spelling.type_name.as_deref().unwrap_or(&iri),
            topic: one_or_many(self.topics.iter().map(|topic| topic.as_str().into())),
            start_at: self.features.start_at.map(lexical::date_time),
            end_at: self.features.end_at.map(lexical::date_time),
            state: self.features.state.as_deref(),
            rate: self.features.rate.map(lexical::duration),
            accept: self.features.accept.as_ref().map(|accept| accept.sent.as_str()),
            activity_types: one_or_many(activity_types(self.features).map(|iri| json!({ "id": iri }))),
            recursive: self.features.recursive,
            not_caused_by_me: self.features.not_caused_by_me,
            cursor: self.features.cursor,
            receive_from,
            send_to,
            sender,
            more: self.more.iter().map(|(name, fact)| (format!("{EXTENSIONS}{name}"), fact.json())).collect(),
        })
    }

    fn statements(&self) -> Statements {
        let term = |name: &str| format!("{}{name}", notify::NS);
        let (features, id) = (self.features, self.id);
        let mut statements = Statements::default();
        statements.class(id, &self.channel_type.iri());
        for topic in self.topics {
            statements.link(id, &term("topic"), topic.as_str());
        }
        for (name, at) in [("startAt", features.start_at), ("endAt", features.end_at)] {
            if let Some(at) = at {
                statements.typed(id, &term(name), &lexical::date_time(at), "dateTime");
            }
        }
        if let Some(state) = &features.state {
            statements.text(id, &term("state"), state);
        }
        if let Some(rate) = features.rate {
            statements.typed(id, &term("rate"), &lexical::duration(rate), "duration");
        }
        if let Some(accept) = &features.accept {
            statements.text(id, &term("accept"), &accept.sent);
        }
        for iri in activity_types(features) {
            statements.link(id, &Feature::ActivityType.iri(), &iri);
        }
        for (feature, on) in [
            (Feature::Recursive, features.recursive),
            (Feature::NotCausedByMe, features.not_caused_by_me),
            (Feature::Cursor, features.cursor),
        ] {
            if on {
                statements.typed(id, &feature.iri(), "true", "boolean");
            }
        }
        match self.endpoint {
            Endpoint::ReceiveFrom(url) => statements.link(id, &term("receiveFrom"), url),
            Endpoint::SendTo { target, sender } => {
                statements.link(id, &term("sendTo"), target);
                statements.link(id, &term("sender"), sender);
            }
            Endpoint::Hidden => {}
        }
        for (name, fact) in self.more {
            fact.state(&mut statements, id, &format!("{EXTENSIONS}{name}"));
        }
        statements
    }
}

/// The IRIs of the types of activity that a channel is limited to.
fn activity_types(features: &Features) -> impl Iterator<Item = String> {
    features.activity_types.iter().map(|name| format!("{}{name}", activitystreams::NS))
}

/// Nothing, the one value, or a list.
fn one_or_many(values: impl Iterator<Item = Value>) -> Value {
    let mut values: Vec<_> = values.collect();
    match values.len() {
        0 => Value::Null,
        1 => values.remove(0),
        _ => values.into(),
    }
}

#[cfg(test)]
mod tests;

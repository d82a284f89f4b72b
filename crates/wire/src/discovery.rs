//! What clients discover: storage descriptions, the document of an origin, and subscription services.
//!
//! Clients match the Turtle with regular expressions and read the JSON without JSON-LD, so both have a fixed shape:
//! one statement per service, absolute service IRIs before any type IRI, one compact object. Those that look for
//! prefixed names find them too: the same statements under a second key. The ESS gateway stands on the first subject,
//! the only one that its client looks at.
//!
//! Spec: <https://solidproject.org/TR/notifications-protocol#discovery>

use crate::{
    ChannelType, Feature, NotificationsContext, Representation, Sender, Syntax, lexical, sender,
    statements::{NOTIFY, PIM, RDF, SECURITY, SOLID, Statements, XSD, XSD_PREFIX},
    terms::PUSH_NS,
};
use podbell_model::vocab::{notify, pim, solid};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::{borrow::Cow, collections::BTreeMap, time::Duration};

const PREFIX: &str = "notify:";
/// The second key of the services in a description: their IRIs.
const SUBSCRIPTION: &str = "notify:subscription";
/// The second key of the type in a service's own document.
const CHANNEL_TYPE: &str = "notify:channelType";
/// The key by which push services know this server, under the vocabularies of two drafts.
const VAPID: &str = "vapidPublicKey";

/// What a prefixed key means, so that its values are IRIs.
fn prefixed_term(key: &str, kind: &str) -> Value {
    json!({"@id": key.replacen(PREFIX, notify::NS, 1), "@type": kind})
}

/// The key of a service for Web Push, which the published context does not know.
fn vapid_term() -> Value {
    json!({"@id": format!("{}{VAPID}", notify::NS)})
}

/// A subscription service: makes channels of one type.
///
/// Spec: <https://solidproject.org/TR/notifications-protocol#subscription-service-data-model>
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Where to POST; absolute, contains the type's name.
    pub url: String,
    /// The type.
    pub channel_type: ChannelType,
    /// What it honours, and nothing else.
    pub features: Vec<Feature>,
    /// For Web Push: the key by which push services know this server, base64url of an uncompressed point of P-256.
    ///
    /// Spec: <https://www.rfc-editor.org/rfc/rfc8292#section-3.2>
    pub vapid_public_key: Option<String>,
}

impl Service {
    /// One without keys.
    pub fn new(url: String, channel_type: ChannelType, features: Vec<Feature>) -> Self {
        Self { url, channel_type, features, vapid_public_key: None }
    }

    /// Its own document.
    pub fn write(&self, representation: Representation) -> Vec<u8> {
        let mut statements = Statements::default();
        self.state(&mut statements);
        let prefixed = format!("{PREFIX}{}", self.channel_type.name());
        let mut terms = json!({CHANNEL_TYPE: prefixed_term(CHANNEL_TYPE, "@vocab")});
        if self.vapid_public_key.is_some() {
            terms[VAPID] = vapid_term();
        }
        let document = ServiceJson {
            context: Some(json!([NotificationsContext::default().iri(), terms])),
            prefixed_channel_type: Some(prefixed),
            ..self.json()
        };
        write(representation, &statements, &PREFIXES[..4], || crate::json(&document))
    }

    fn state(&self, statements: &mut Statements) {
        let term = |name: &str| format!("{}{name}", notify::NS);
        statements.link(&self.url, &term("channelType"), &self.channel_type.iri());
        for feature in &self.features {
            statements.link(&self.url, &term("feature"), &feature.iri());
        }
        if let Some(key) = &self.vapid_public_key {
            for namespace in [notify::NS, PUSH_NS] {
                statements.text(&self.url, &format!("{namespace}{VAPID}"), key);
            }
        }
    }

    fn json(&self) -> ServiceJson<'_> {
        ServiceJson {
            context: None,
            id: &self.url,
            channel_type: self.channel_type.name(),
            prefixed_channel_type: None,
            vapid_public_key: self.vapid_public_key.as_deref(),
            pushed_vapid_public_key: self.vapid_public_key.as_deref(),
            feature: self.features.iter().map(|feature| feature.compact()).collect(),
        }
    }

    #[cfg(test)]
    pub(crate) fn test() -> Self {
        let channel_type = ChannelType::WebSocket;
        let url = "https://pod.example/.notifications/WebSocketChannel2023/".into();
        Self::new(url, channel_type, Feature::of(channel_type))
    }
}

/// What a description describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Described {
    /// The origin of several storages: a `solid:DiscoveryDocument`.
    Origin,
    /// One storage of an origin: a `pim:Storage`.
    Storage,
    /// A storage that has its origin to itself: both.
    StorageAndOrigin,
}

impl Described {
    fn classes(self) -> &'static [&'static str] {
        match self {
            Self::Origin => &[solid::DISCOVERY_DOCUMENT],
            Self::Storage => &[pim::STORAGE_CLASS],
            Self::StorageAndOrigin => &[pim::STORAGE_CLASS, solid::DISCOVERY_DOCUMENT],
        }
    }
}

/// What the server promises about its memory and its judgement, so that clients know how long they may sleep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Namespace of the terms, an IRI of this server that ends in `#` or `/`.
    pub vocabulary: String,
    /// How long history is kept: `historyRetention`.
    pub retention: Duration,
    /// How old the members of a group on another server may be when they are judged: `remoteGroupBound`.
    pub remote_groups: Duration,
}

impl Bounds {
    fn terms(&self) -> [(String, String); 2] {
        [("historyRetention", self.retention), ("remoteGroupBound", self.remote_groups)]
            .map(|(name, bound)| (format!("{}{name}", self.vocabulary), lexical::duration(bound)))
    }
}

/// A storage description or the document of an origin.
///
/// Spec: <https://solidproject.org/TR/protocol#server-storage-description-resource>
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// Root container of the storage, or the origin with a slash: absolute.
    pub subject: String,
    /// What that is.
    pub described: Described,
    /// Every service that accepts topics there.
    pub services: Vec<Service>,
    /// URL of the ESS gateway.
    pub gateway: Option<String>,
    /// Stated bounds.
    pub bounds: Option<Bounds>,
    /// Who pushes what is told of it, with the keys that this verifies by.
    pub sender: Option<Sender>,
}

impl Description {
    /// Writes it.
    pub fn write(&self, representation: Representation) -> Vec<u8> {
        let prefixes = if self.sender.is_some() { &PREFIXES[..] } else { &PREFIXES[..4] };
        write(representation, &self.statements(), prefixes, || self.json())
    }

    fn statements(&self) -> Statements {
        let mut statements = Statements::default();
        for class in self.described.classes() {
            statements.class(&self.subject, class);
        }
        subscriptions(&mut statements, &self.subject, &self.services);
        if let Some(gateway) = &self.gateway {
            statements.link(&self.subject, solid::NOTIFICATION_GATEWAY, gateway);
        }
        for (term, bound) in self.bounds.iter().flat_map(Bounds::terms) {
            statements.typed(&self.subject, &term, &bound, "duration");
        }
        if let Some(sender) = &self.sender {
            sender.state_for(&self.subject, &mut statements);
        }
        self.services.iter().for_each(|service| service.state(&mut statements));
        if let Some(sender) = &self.sender {
            sender.state_keys(&mut statements);
        }
        statements
    }

    fn json(&self) -> Vec<u8> {
        // A key must be plain for clients that read JSON, and a term for those that read JSON-LD.
        let mut terms = json!({SUBSCRIPTION: prefixed_term(SUBSCRIPTION, "@id")});
        if self.services.iter().any(|service| service.vapid_public_key.is_some()) {
            terms[VAPID] = vapid_term();
        }
        if self.gateway.is_some() {
            terms["notificationGateway"] = json!({"@id": solid::NOTIFICATION_GATEWAY, "@type": "@id"});
        }
        if let Some(terms) = terms.as_object_mut().filter(|_| self.sender.is_some()) {
            terms.extend(sender::terms());
        }
        let typed = |bound: String| json!({"@type": format!("{XSD}duration"), "@value": bound});
        crate::json(&DescriptionJson {
            context: json!([NotificationsContext::default().iri(), terms]),
            id: &self.subject,
            class: match self.described.classes() {
                [class] => (*class).into(),
                classes => classes.to_vec().into(),
            },
            notification_gateway: self.gateway.as_deref(),
            subscription: self.services.iter().map(Service::json).collect(),
            prefixed_subscription: self.services.iter().map(|service| &*service.url).collect(),
            bounds: self.bounds.iter().flat_map(Bounds::terms).map(|(term, bound)| (term, typed(bound))).collect(),
            sender: self.sender.as_ref().map(|sender| &*sender.id),
            keys: self.sender.as_ref().map(Sender::members).unwrap_or_default(),
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ServiceJson<'a> {
    #[serde(rename = "@context", skip_serializing_if = "Option::is_none")]
    context: Option<Value>,
    id: &'a str,
    channel_type: &'a str,
    #[serde(rename = "notify:channelType", skip_serializing_if = "Option::is_none")]
    prefixed_channel_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vapid_public_key: Option<&'a str>,
    #[serde(rename = "https://purl.org/solid-web-push/vocab#vapidPublicKey", skip_serializing_if = "Option::is_none")]
    pushed_vapid_public_key: Option<&'a str>,
    feature: Vec<Cow<'static, str>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DescriptionJson<'a> {
    #[serde(rename = "@context")]
    context: Value,
    id: &'a str,
    #[serde(rename = "type")]
    class: Value,
    // Before the services: clients of ESS take the gateway from the subject that their parser tells of first, and that tells
    // of what is inside an object before it tells of its class.
    #[serde(skip_serializing_if = "Option::is_none")]
    notification_gateway: Option<&'a str>,
    subscription: Vec<ServiceJson<'a>>,
    #[serde(rename = "notify:subscription")]
    prefixed_subscription: Vec<&'a str>,
    #[serde(flatten)]
    bounds: BTreeMap<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sender: Option<&'a str>,
    #[serde(flatten)]
    keys: Map<String, Value>,
}

fn subscriptions(statements: &mut Statements, subject: &str, services: &[Service]) {
    for service in services {
        statements.link(subject, &format!("{}subscription", notify::NS), &service.url);
    }
}

/// The prefixes of a description; those of keys only where there are some, since the layout is part of the contract.
const PREFIXES: [(&str, &str); 6] = [NOTIFY, PIM, SOLID, XSD_PREFIX, RDF, SECURITY];

fn write(
    representation: Representation,
    statements: &Statements,
    prefixes: &[(&str, &str)],
    json: impl FnOnce() -> Vec<u8>,
) -> Vec<u8> {
    match representation {
        Representation { syntax: Syntax::JsonLd, expanded: false } => json(),
        Representation { syntax: Syntax::JsonLd, expanded: true } => statements.expanded_json_ld(),
        Representation { syntax: Syntax::Turtle, .. } => statements.turtle(prefixes),
        Representation { syntax: Syntax::NTriples, .. } => statements.n_triples(),
    }
}

#[cfg(test)]
mod tests;

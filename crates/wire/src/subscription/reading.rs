//! Reads a channel out of the graph of a request.
//!
//! Spec: <https://solidproject.org/TR/notifications-protocol#notification-channel-data-model>

use super::{Changes, ChannelRequest, RequestError, Spelling, features, json_ld::Text, receiver};
use crate::{ChannelType, Service, Syntax, statements::XSD, terms};
use oxiri::Iri;
use oxrdf::{Dataset, NamedNodeRef, NamedOrBlankNodeRef, TermRef};
use podbell_model::{ResourceIri, vocab};
use std::collections::{BTreeMap, BTreeSet};

/// Reads the one channel that the graph describes.
pub(super) fn read(dataset: &Dataset, text: Text, service: &Service) -> Result<ChannelRequest, RequestError> {
    let (subject, channel_type) = channel(dataset, &text, service)?;
    let node = Node { dataset, subject };
    for property in ["receiveFrom", "sender"] {
        if node.values(property).next().is_some() {
            return Err(RequestError::ServerControlled(property));
        }
    }
    let topics = topics(&node, &text, service)?;
    let features = features::read(&node, &text, service)?;
    if features.state.is_some() && topics.len() > 1 {
        return Err(RequestError::StateOfSeveralTopics);
    }
    let receiver = if channel_type.pushes() { Some(receiver::read(&node, service)?) } else { None };
    let type_name = text.types.into_iter().find(|name| echoed(name, channel_type));
    let spelling = Spelling { context: text.context, type_name, syntax: text.syntax };
    Ok(ChannelRequest { channel_type, topics, features, receiver, spelling })
}

/// Reads what is to change of a channel: said of it by its IRI, or of the one thing that anything is said of.
pub(super) fn read_changes(dataset: &Dataset, text: &Text, channel: &Service) -> Result<Changes, RequestError> {
    let subjects: BTreeSet<_> = dataset
        .iter()
        .filter(|quad| quad.graph_name.is_default_graph())
        .filter(|quad| terms::local_name(quad.predicate.as_str()).is_some())
        .map(|quad| quad.subject.to_string())
        .collect();
    if subjects.len() > 1 {
        return Err(RequestError::SeveralChannels);
    }
    let said = dataset.iter().find(|quad| subjects.contains(&quad.subject.to_string()));
    let Some(subject) = said.map(|quad| quad.subject) else {
        // Without a context terms say nothing, and nothing would change without a word.
        return if text.bare { Err(RequestError::MissingContext) } else { Ok(Changes::default()) };
    };
    let node = Node { dataset, subject };
    let send_to = if channel.channel_type.pushes() { receiver::read_target(&node)? } else { None };
    Ok(Changes { features: features::read(&node, text, channel)?, send_to })
}

/// One node of the graph; properties in any spelling of the vocabulary.
pub(super) struct Node<'d> {
    dataset: &'d Dataset,
    subject: NamedOrBlankNodeRef<'d>,
}

impl<'d> Node<'d> {
    /// Another node of the same graph.
    pub(super) fn other(&self, subject: NamedOrBlankNodeRef<'d>) -> Self {
        Self { dataset: self.dataset, subject }
    }

    pub(super) fn values(&self, property: &'static str) -> impl Iterator<Item = TermRef<'d>> + use<'d> {
        self.dataset
            .quads_for_subject(self.subject)
            .filter(move |quad| quad.graph_name.is_default_graph())
            .filter(move |quad| terms::spells(quad.predicate.as_str(), property))
            .map(|quad| quad.object)
    }

    pub(super) fn one(&self, property: &'static str) -> Result<Option<TermRef<'d>>, RequestError> {
        let mut values = self.values(property);
        let first = values.next();
        // The same under two names is one value.
        if values.any(|value| Some(value) != first) { Err(RequestError::SeveralValues(property)) } else { Ok(first) }
    }

    /// The one text of a property, plain or of that datatype.
    pub(super) fn text(
        &self,
        property: &'static str,
        datatype: &str,
        expected: &'static str,
    ) -> Result<Option<&'d str>, RequestError> {
        let Some(value) = self.one(property)? else { return Ok(None) };
        match value {
            TermRef::Literal(literal) => {
                let kind = literal.datatype().as_str().strip_prefix(XSD);
                let fits = literal.language().is_some() || kind == Some("string") || kind == Some(datatype);
                if fits { Ok(Some(literal.value())) } else { Err(RequestError::InvalidValue { property, expected }) }
            }
            _ => Err(RequestError::InvalidValue { property, expected }),
        }
    }
}

/// The subject that has a channel type; exactly one must.
fn channel<'d>(
    dataset: &'d Dataset,
    text: &Text,
    service: &Service,
) -> Result<(NamedOrBlankNodeRef<'d>, ChannelType), RequestError> {
    let (mut found, mut superseded, mut other) = (None, None, None);
    let is_a = NamedNodeRef::new_unchecked(vocab::rdf::TYPE);
    for quad in dataset.quads_for_predicate(is_a).filter(|quad| quad.graph_name.is_default_graph()) {
        let TermRef::NamedNode(class) = quad.object else { continue };
        if let Some(channel_type) = ChannelType::from_iri(class.as_str()) {
            if found.is_some_and(|known| known != (quad.subject, channel_type)) {
                return Err(RequestError::SeveralChannels);
            }
            found = Some((quad.subject, channel_type));
        } else if let Some(successor) = terms::successor(class.as_str()) {
            superseded = Some(RequestError::Superseded { asked: crate::clip(class.as_str()), successor });
        } else {
            let expected = service.channel_type;
            other = Some(RequestError::UnknownType { asked: crate::clip(class.as_str()), expected });
        }
    }
    let offered = service.channel_type;
    match found {
        Some((subject, channel_type)) if channel_type == offered => Ok((subject, channel_type)),
        Some((_, asked)) => Err(RequestError::WrongService { asked, offered }),
        None if superseded.is_none() && text.bare && text.types.iter().any(|name| !name.contains(':')) => {
            Err(RequestError::MissingContext)
        }
        None => Err(superseded.or(other).unwrap_or(if text.bare && text.syntax == Syntax::JsonLd {
            RequestError::MissingContext
        } else {
            RequestError::MissingType(offered)
        })),
    }
}

fn topics(node: &Node<'_>, text: &Text, service: &Service) -> Result<Vec<ResourceIri>, RequestError> {
    let base = Iri::parse(service.url.as_str()).ok();
    let mut order = BTreeMap::new();
    for (place, written) in text.topics.iter().enumerate() {
        let resolved = base.as_ref().and_then(|base| base.resolve(written).ok());
        // Expansion would have dropped it, and the channel would be silent about it.
        let resolved = resolved.ok_or_else(|| RequestError::InvalidTopic {
            topic: crate::clip(written),
            reason: "not a valid IRI".into(),
        })?;
        if let Ok(topic) = ResourceIri::parse(&resolved) {
            order.entry(topic).or_insert(place);
        }
    }
    let mut topics = Vec::new();
    for value in node.values("topic") {
        let topic = match value {
            TermRef::NamedNode(iri) => iri.as_str(),
            TermRef::Literal(literal) => literal.value(),
            TermRef::BlankNode(_) => {
                return Err(RequestError::InvalidTopic { topic: String::new(), reason: "not an IRI".into() });
            }
        };
        let resource = ResourceIri::parse(topic).map_err(|reason| RequestError::topic(topic, &reason))?;
        topics.push(resource);
    }
    if topics.is_empty() {
        return Err(RequestError::MissingTopic);
    }
    topics.sort_by_cached_key(|topic| (order.get(topic).copied().unwrap_or(usize::MAX), topic.clone()));
    topics.dedup();
    Ok(topics)
}

/// Whether a form of the type means the same in an answer, whose context is ours.
fn echoed(name: &str, channel_type: ChannelType) -> bool {
    let term = name.strip_prefix("notify:").unwrap_or(name);
    term == channel_type.name() || ChannelType::from_iri(name) == Some(channel_type)
}

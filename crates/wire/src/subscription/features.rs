//! Reads the features that a request proposes.
//!
//! A feature that the service offers has a valid value or the request is refused; one that it does not offer is not
//! looked at.
//!
//! Spec: <https://solidproject.org/TR/notifications-protocol#notification-features>

use super::{Accept, Features, RequestError, json_ld::Text, reading::Node};
use crate::{ACTIVITY_TYPES, Feature, Service, lexical, media, statements::XSD, terms};
use oxiri::IriRef;
use oxrdf::{LiteralRef, TermRef};
use podbell_model::Timestamp;

pub(super) fn read(node: &Node<'_>, text: &Text, service: &Service) -> Result<Features, RequestError> {
    let mut features = Features::default();
    for &feature in Feature::ALL.iter().filter(|feature| service.offers(**feature)) {
        match feature {
            Feature::StartAt => features.start_at = instant(node, "startAt")?,
            Feature::EndAt => features.end_at = instant(node, "endAt")?,
            Feature::State => {
                let state = node.text("state", "string", "a string: an entity-tag of the topic")?;
                features.state = state.map(str::to_owned);
            }
            Feature::Rate => {
                let expected = "an xsd:duration of more than nothing, such as \"PT10S\"";
                features.rate = parsed(node, "rate", ("duration", expected), |text| {
                    lexical::parse_duration(text).filter(|rate| !rate.is_zero())
                })?;
            }
            Feature::Accept => features.accept = accept(node)?,
            Feature::ActivityType => features.activity_types = activity_types(node, text)?,
            Feature::Recursive => features.recursive = boolean(node, "recursive")?,
            Feature::NotCausedByMe => features.not_caused_by_me = boolean(node, "notCausedByMe")?,
            Feature::Cursor => features.cursor = boolean(node, "cursor")?,
            // Of the receiver: not read here, and not among what every channel has.
            Feature::Secret | Feature::Lifecycle => {}
        }
    }
    match (features.start_at, features.end_at) {
        // By the millisecond, as the channel will tell them.
        (Some(start), Some(end)) if end.as_millisecond() <= start.as_millisecond() => Err(RequestError::EndBeforeStart),
        _ => Ok(features),
    }
}

fn instant(node: &Node<'_>, property: &'static str) -> Result<Option<Timestamp>, RequestError> {
    let expected = "an xsd:dateTime, such as \"2030-01-01T00:00:00Z\"";
    parsed(node, property, ("dateTime", expected), lexical::parse_date_time)
}

fn parsed<T>(
    node: &Node<'_>,
    property: &'static str,
    (datatype, expected): (&str, &'static str),
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, RequestError> {
    let Some(text) = node.text(property, datatype, expected)? else { return Ok(None) };
    parse(text).map(Some).ok_or(RequestError::InvalidValue { property, expected })
}

fn accept(node: &Node<'_>) -> Result<Option<Accept>, RequestError> {
    let expected = "a string: media ranges as in the Accept header";
    let Some(text) = node.text("accept", "string", expected)? else { return Ok(None) };
    let syntax = media::choose_rendering(text).map_err(RequestError::Accept)?;
    Ok(Some(Accept { sent: text.to_owned(), syntax }))
}

/// The types that are asked for, in the order in which they are written; terms may be texts, since the published
/// context does not make IRIs of them.
fn activity_types(node: &Node<'_>, text: &Text) -> Result<Vec<&'static str>, RequestError> {
    let known = |written: &str| {
        terms::activity_type(written).ok_or_else(|| RequestError::UnknownActivity(crate::clip(written)))
    };
    // Expansion would have dropped what can be no IRI, and the channel would hear of everything.
    if let Some(lost) = text.activities.iter().find(|written| IriRef::parse(written.as_str()).is_err()) {
        known(lost)?;
    }
    let mut asked = Vec::new();
    for value in node.values(Feature::ActivityType.name()) {
        asked.push(match value {
            TermRef::NamedNode(iri) => known(iri.as_str())?,
            TermRef::Literal(literal) => known(literal.value())?,
            TermRef::BlankNode(_) => return Err(RequestError::UnknownActivity(String::new())),
        });
    }
    Ok(ACTIVITY_TYPES.into_iter().filter(|name| asked.contains(name)).collect())
}

fn boolean(node: &Node<'_>, property: &'static str) -> Result<bool, RequestError> {
    let invalid = RequestError::InvalidValue { property, expected: "true or false" };
    match node.one(property)? {
        None => Ok(false),
        Some(TermRef::Literal(literal)) => boolean_of(literal).ok_or(invalid),
        Some(_) => Err(invalid),
    }
}

/// A truth value, also as a text; none if it is something else.
pub(super) fn boolean_of(literal: LiteralRef<'_>) -> Option<bool> {
    let datatype = literal.datatype().as_str().strip_prefix(XSD);
    match (literal.value(), datatype) {
        ("1", Some("boolean")) => Some(true),
        ("0", Some("boolean")) => Some(false),
        ("true", datatype) if plain(datatype) || literal.language().is_some() => Some(true),
        ("false", datatype) if plain(datatype) || literal.language().is_some() => Some(false),
        _ => None,
    }
}

fn plain(datatype: Option<&str>) -> bool {
    matches!(datatype, Some("boolean" | "string"))
}

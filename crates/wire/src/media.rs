//! Media types of requests and answers, and the `profile` parameter of JSON-LD.
//!
//! A profile is a list of IRIs, and every one of them must be supported: on `Content-Type` another one is refused, in
//! `Accept` it makes its range unacceptable.
//!
//! Spec: <https://solidproject.org/TR/notifications-protocol#subscription-server-subscription-request-profile-unrecognised>,
//! RFC 9110 §12.5.1.

use crate::problem::{Problem, Refusal};
use podbell_model::{contexts, rdf::RdfFormat};

/// What a service accepts in a POST: the `Accept-Post` header.
pub const ACCEPT_POST: &str = "application/ld+json, text/turtle, application/n-triples, application/json";

/// Asks for expanded JSON-LD.
const EXPANDED: &str = "http://www.w3.org/ns/json-ld#expanded";

const PROFILES: &[&str] = &[
    contexts::NOTIFICATIONS,
    contexts::NOTIFICATIONS_0_2,
    contexts::ACTIVITYSTREAMS,
    EXPANDED,
    "http://www.w3.org/ns/json-ld#compacted",
    "http://www.w3.org/ns/json-ld#flattened",
    "http://www.w3.org/ns/json-ld#context",
];

/// A syntax in which the protocol is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Syntax {
    /// `application/ld+json`
    #[default]
    JsonLd,
    /// `text/turtle`
    Turtle,
    /// `application/n-triples`
    NTriples,
}

impl Syntax {
    /// The same syntax as documents are parsed in.
    pub fn rdf_format(self) -> RdfFormat {
        match self {
            Self::JsonLd => RdfFormat::JsonLd,
            Self::Turtle => RdfFormat::Turtle,
            Self::NTriples => RdfFormat::NTriples,
        }
    }

    /// Its media type, without parameters.
    pub fn media_type(self) -> &'static str {
        self.rdf_format().media_type()
    }
}

/// The declared form of a request's body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BodyType {
    /// Its syntax.
    pub syntax: Syntax,
    /// Declared as `application/json`: the notifications context is assumed where none is given.
    pub plain_json: bool,
}

/// The form of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Representation {
    /// Its syntax.
    pub syntax: Syntax,
    /// JSON-LD as an array of expanded node objects.
    pub expanded: bool,
}

impl Representation {
    /// `Content-Type` of the answer, without parameters.
    pub fn media_type(self) -> &'static str {
        self.syntax.media_type()
    }
}

impl From<Syntax> for Representation {
    fn from(syntax: Syntax) -> Self {
        Self { syntax, expanded: false }
    }
}

/// Why a media type is not served.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MediaTypeError {
    /// No `Content-Type`, or one that does not parse.
    #[error("the request needs a valid Content-Type: {ACCEPT_POST}")]
    Missing,
    /// Another media type.
    #[error("bodies of type {0} are not understood; send one of: {ACCEPT_POST}")]
    Unsupported(String),
    /// A profile that is not supported.
    #[error("the profile {0} is not supported; leave the profile parameter out")]
    Profile(String),
    /// No range of `Accept` can be met.
    #[error("none of the accepted media types can be made; accept one of: {0}")]
    NotAcceptable(String),
    /// Not of the grammar of an `Accept` header.
    #[error("not a valid list of media ranges")]
    Grammar,
}

impl MediaTypeError {
    /// Its kind.
    pub fn problem(&self) -> Problem {
        match self {
            Self::Missing | Self::Unsupported(_) => {
                Problem::new("unsupported-media-type", "The media type is not supported", Refusal::MediaType)
            }
            Self::Profile(_) => Problem::new("unsupported-profile", "The profile is not supported", Refusal::MediaType),
            Self::NotAcceptable(_) => {
                Problem::new("not-acceptable", "No accepted media type can be made", Refusal::NotAcceptable)
            }
            Self::Grammar => Problem::new("bad-accept", "The media ranges cannot be read", Refusal::Unprocessable),
        }
    }
}

/// Judges the `Content-Type` of a subscription request.
pub fn body_type(content_type: Option<&str>) -> Result<BodyType, MediaTypeError> {
    let range = content_type.and_then(MediaRange::parse).ok_or(MediaTypeError::Missing)?;
    let syntax = match range.essence.as_str() {
        "application/json" => Syntax::JsonLd,
        essence => [Syntax::JsonLd, Syntax::Turtle, Syntax::NTriples]
            .into_iter()
            .find(|syntax| syntax.media_type() == essence)
            .ok_or_else(|| MediaTypeError::Unsupported(crate::clip(essence)))?,
    };
    match range.unsupported_profile() {
        Some(profile) => Err(MediaTypeError::Profile(crate::clip(profile))),
        None => Ok(BodyType { syntax, plain_json: range.essence == "application/json" }),
    }
}

/// Chooses among `offers` (best first) by an `Accept` header; without one, the first. Ranges that do not parse are
/// passed over, as intermediaries do.
pub fn negotiate(accept: Option<&str>, offers: &[Syntax]) -> Result<Representation, MediaTypeError> {
    choose(&ranges(accept.unwrap_or_default()), offers)
}

/// The ranges of an `Accept` header that parse.
pub(crate) fn ranges(accept: &str) -> Vec<MediaRange> {
    split(accept, ',').filter_map(MediaRange::parse).collect()
}

/// Chooses the syntax of notifications by the `accept` feature, which must be of the full grammar.
pub fn choose_rendering(accept: &str) -> Result<Syntax, MediaTypeError> {
    let ranges: Option<Vec<_>> =
        split(accept, ',').filter(|range| !range.trim().is_empty()).map(MediaRange::parse).collect();
    let ranges = ranges.filter(|ranges| !ranges.is_empty()).ok_or(MediaTypeError::Grammar)?;
    Ok(choose(&ranges, &[Syntax::JsonLd, Syntax::Turtle, Syntax::NTriples])?.syntax)
}

fn choose(ranges: &[MediaRange], offers: &[Syntax]) -> Result<Representation, MediaTypeError> {
    if ranges.is_empty() {
        return Ok(offers.first().copied().unwrap_or_default().into());
    }
    let mut best: Option<(u16, Representation)> = None;
    for &offer in offers {
        let matching = ranges.iter().filter(|range| range.unsupported_profile().is_none());
        // The most specific range decides about an offer, RFC 9110 §12.5.1.
        let decisive = matching.filter_map(|range| Some((range.specificity(offer)?, range.quality, range)));
        let Some((_, quality, range)) = decisive.max_by_key(|(specificity, quality, _)| (*specificity, *quality))
        else {
            continue;
        };
        if quality > best.map_or(0, |(quality, _)| quality) {
            let expanded = offer == Syntax::JsonLd && range.profiles().any(|profile| profile == EXPANDED);
            best = Some((quality, Representation { syntax: offer, expanded }));
        }
    }
    if let Some((_, representation)) = best {
        return Ok(representation);
    }
    let profile = ranges.iter().filter(|range| range.quality > 0).find_map(MediaRange::unsupported_profile);
    Err(match profile {
        Some(profile) => MediaTypeError::Profile(crate::clip(profile)),
        None => MediaTypeError::NotAcceptable(offers.iter().map(|o| o.media_type()).collect::<Vec<_>>().join(", ")),
    })
}

/// One media range, or a media type.
pub(crate) struct MediaRange {
    /// `type/subtype`, lower case.
    pub(crate) essence: String,
    profile: String,
    /// In thousandths.
    pub(crate) quality: u16,
}

impl MediaRange {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = split(text, ';').map(str::trim);
        let essence = parts.next()?.to_ascii_lowercase();
        let (class, name) = essence.split_once('/')?;
        if !token(class) || !token(name) || (class == "*" && name != "*") {
            return None;
        }
        let mut range = Self { essence, profile: String::new(), quality: 1_000 };
        for parameter in parts.filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=')?;
            let value = unquote(value)?;
            match name.to_ascii_lowercase().as_str() {
                "q" => range.quality = quality(&value)?,
                "profile" => range.profile = value,
                name => token(name).then_some(())?,
            }
        }
        Some(range)
    }

    pub(crate) fn profiles(&self) -> impl Iterator<Item = &str> {
        self.profile.split_ascii_whitespace()
    }

    fn unsupported_profile(&self) -> Option<&str> {
        self.profiles().find(|profile| !PROFILES.contains(profile))
    }

    /// How closely it names that syntax; none if it does not match.
    fn specificity(&self, syntax: Syntax) -> Option<u8> {
        let media_type = syntax.media_type();
        match self.essence.as_str() {
            "*/*" => Some(0),
            essence if essence == media_type => Some(if self.profile.is_empty() { 3 } else { 4 }),
            "application/json" if syntax == Syntax::JsonLd => Some(2),
            essence => {
                let class = essence.strip_suffix("/*")?;
                media_type.strip_prefix(class)?.starts_with('/').then_some(1)
            }
        }
    }
}

/// Splits at a separator that stands outside quoted strings.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |c: char| {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
        c == separator && !quoted
    })
}

fn unquote(value: &str) -> Option<String> {
    let value = value.trim();
    let Some(inner) = value.strip_prefix('"') else {
        // Some clients leave the quotes of an IRI out.
        return (!value.is_empty() && !value.contains(['"', ' '])).then(|| value.to_owned());
    };
    let (mut text, mut escaped) = (String::new(), false);
    let mut rest = inner.chars();
    for c in rest.by_ref() {
        match c {
            c if escaped => {
                text.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => return rest.as_str().is_empty().then_some(text),
            c => text.push(c),
        }
    }
    None
}

fn quality(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let thousandths = format!("{fraction:0<3}").parse::<u16>().ok()?;
    match (whole, thousandths) {
        ("0", thousandths) => Some(thousandths),
        ("1", 0) => Some(1_000),
        _ => None,
    }
}

fn token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Syntax::{JsonLd, NTriples, Turtle};

    #[test]
    fn content_types() {
        for (header, expected) in [
            ("application/ld+json", Some((JsonLd, false))),
            ("Application/LD+JSON; charset=utf-8", Some((JsonLd, false))),
            ("application/json", Some((JsonLd, true))),
            ("text/turtle;charset=\"utf-8\"", Some((Turtle, false))),
            ("application/n-triples", Some((NTriples, false))),
            ("text/plain", None),
            ("application", None),
            ("", None),
        ] {
            let found = body_type(Some(header)).ok().map(|body| (body.syntax, body.plain_json));
            assert_eq!(found, expected, "{header}");
        }
        assert_eq!(body_type(None), Err(MediaTypeError::Missing));
    }

    #[test]
    fn every_profile_of_the_list_must_be_supported() {
        let n1 = contexts::NOTIFICATIONS_0_2;
        let n2 = contexts::NOTIFICATIONS;
        for supported in [n1.to_owned(), n2.to_owned(), format!("{n2} http://www.w3.org/ns/json-ld#compacted")] {
            let header = format!("application/ld+json; profile=\"{supported}\"");
            assert!(body_type(Some(&header)).is_ok(), "{header}");
            assert!(negotiate(Some(&header), &[JsonLd]).is_ok(), "{header}");
        }
        for unsupported in ["https://example.org/unknown".to_owned(), format!("{n2} https://example.org/unknown")] {
            let header = format!("application/ld+json; profile=\"{unsupported}\"");
            let refused = body_type(Some(&header)).unwrap_err();
            assert_eq!(refused.problem().refusal, Refusal::MediaType);
            assert_eq!(negotiate(Some(&header), &[JsonLd, Turtle]).unwrap_err(), refused);
            assert!(negotiate(Some(&format!("{header}, text/turtle")), &[JsonLd, Turtle]).is_ok());
        }
    }

    #[test]
    fn accept_chooses_by_quality_then_by_the_order_of_offers() {
        for (header, expected) in [
            ("", Some(Turtle)),
            ("*/*", Some(Turtle)),
            ("application/ld+json", Some(JsonLd)),
            ("application/json", Some(JsonLd)),
            ("application/*", Some(JsonLd)),
            ("text/turtle;q=0.5, application/ld+json", Some(JsonLd)),
            ("text/turtle;q=0.5, application/ld+json;q=0.4", Some(Turtle)),
            ("*/*, text/turtle;q=0", Some(JsonLd)),
            ("text/*;q=0.1, */*;q=0.2", Some(JsonLd)),
            ("image/png", None),
            ("text/turtle;q=0", None),
            ("nonsense, text/turtle", Some(Turtle)),
            ("te/*", None),
        ] {
            let found = negotiate(Some(header), &[Turtle, JsonLd]).ok().map(|r| r.syntax);
            assert_eq!(found, expected, "{header}");
        }
        assert_eq!(negotiate(None, &[Turtle, JsonLd]), Ok(Turtle.into()));
        let expanded =
            negotiate(Some("application/ld+json;profile=\"http://www.w3.org/ns/json-ld#expanded\""), &[JsonLd]);
        assert_eq!(expanded, Ok(Representation { syntax: JsonLd, expanded: true }));
    }

    #[test]
    fn the_accept_feature_is_of_the_full_grammar() {
        assert_eq!(choose_rendering("text/turtle;q=0.5, application/ld+json"), Ok(JsonLd));
        assert_eq!(choose_rendering("text/turtle"), Ok(Turtle));
        assert_eq!(choose_rendering("application/n-triples, */*;q=0.1"), Ok(NTriples));
        assert_eq!(choose_rendering("application/json"), Ok(JsonLd));
        assert!(matches!(choose_rendering("image/png"), Err(MediaTypeError::NotAcceptable(_))));
        for malformed in ["", ",", "turtle", "text/turtle;q=2", "text/turtle;q", "text/turtle; profile=\"x", "*/turtle"]
        {
            assert_eq!(choose_rendering(malformed), Err(MediaTypeError::Grammar), "{malformed}");
        }
    }
}

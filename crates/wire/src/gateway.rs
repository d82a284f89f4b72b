//! The ESS notification gateway: two small JSON requests, before a WebSocket.
//!
//! The deployed client cannot react to refusals, sends any feature that its application was given, and needs exactly
//! 200; so unknown members are passed over, and of features only a value that cannot be meant is refused.

use crate::{
    lexical,
    media::{self, BodyType, MediaTypeError, Syntax},
    problem::{Problem, Refusal},
    subscription::MAX_BODY,
};
use podbell_model::{IriError, ResourceIri};
use serde::Serialize;
use serde_json::{Map, Value};
use std::{collections::BTreeSet, time::Duration};

/// The one protocol that is offered.
pub const PROTOCOL: &str = "ws";
/// The WebSocket subprotocol to offer.
pub const SUBPROTOCOL: &str = "solid-0.2";

/// The features of which the values are understood; `filter` has no known grammar.
pub const FEATURES: &[&str] = &["state", "ttl", "rate"];

/// Longest `ttl` or `rate` that is taken at its word, in seconds; more is cut down to it. 366 days.
const LONGEST: f64 = 366.0 * 86_400.0;

/// What a client asks of the gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Negotiation {
    /// The names of features it would like, as sent; not all need be known.
    pub features: Vec<String>,
}

/// What a client asks of the endpoint that the gateway named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GatewaySubscription {
    /// At least one (the deployed client sends one), without duplicates.
    pub topics: Vec<ResourceIri>,
    /// How long the channel is to live.
    pub ttl: Option<Duration>,
    /// Least time between two notifications of one object; more than nothing.
    pub rate: Option<Duration>,
    /// The state that the client knows, as sent.
    pub state: Option<String>,
    /// Of no known grammar: not honoured.
    pub filter: Option<String>,
}

/// Why a request is refused: a status of 400, or 415 for the media type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GatewayError {
    /// Neither `application/json` nor `application/ld+json`.
    #[error("send the request as application/json")]
    MediaType,
    /// No JSON, or too large.
    #[error("the body is not valid JSON: {0}")]
    Json(String),
    /// No JSON object.
    #[error("the body must be a JSON object")]
    NoObject,
    /// No common protocol.
    #[error("protocols must be a list that contains \"{PROTOCOL}\"")]
    Protocols,
    /// No list of names.
    #[error("features must be a list of strings")]
    Features,
    /// No topic, or of the wrong type.
    #[error("topic must be the absolute http(s) URL of a resource")]
    Topic,
    /// Names no resource.
    #[error("topic names no resource: {0}")]
    InvalidTopic(#[from] IriError),
    /// A feature's value cannot be meant.
    #[error("{feature} must be {expected}")]
    Feature {
        /// Its name.
        feature: &'static str,
        /// What to send.
        expected: &'static str,
    },
}

impl GatewayError {
    /// Its kind.
    pub fn problem(&self) -> Problem {
        let (slug, title, refusal) = match self {
            Self::MediaType => ("unsupported-media-type", "The media type is not supported", Refusal::MediaType),
            Self::Json(_) | Self::NoObject => ("malformed-body", "The body cannot be parsed", Refusal::Syntax),
            Self::Protocols => ("no-common-protocol", "No common protocol", Refusal::Syntax),
            Self::Features | Self::Feature { .. } => {
                ("invalid-feature", "A feature has no valid value", Refusal::Syntax)
            }
            Self::Topic | Self::InvalidTopic(_) => ("invalid-topic", "The topic names no resource", Refusal::Syntax),
        };
        Problem::new(slug, title, refusal)
    }

    /// The member of the request that is at fault, for `violations`; none if it is the whole.
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::MediaType | Self::Json(_) | Self::NoObject => None,
            Self::Protocols => Some("protocols"),
            Self::Features => Some("features"),
            Self::Topic | Self::InvalidTopic(_) => Some("topic"),
            Self::Feature { feature, .. } => Some(feature),
        }
    }
}

/// Judges the `Content-Type` of both requests.
pub fn check_content_type(content_type: Option<&str>) -> Result<(), GatewayError> {
    match media::body_type(content_type) {
        Ok(BodyType { syntax: Syntax::JsonLd, .. }) | Err(MediaTypeError::Profile(_)) => Ok(()),
        _ => Err(GatewayError::MediaType),
    }
}

/// Parses the request to the gateway.
pub fn parse_negotiation(body: &[u8]) -> Result<Negotiation, GatewayError> {
    let body = object(body)?;
    let protocols = body.get("protocols").and_then(Value::as_array).ok_or(GatewayError::Protocols)?;
    if !protocols.iter().any(|protocol| protocol == PROTOCOL) {
        return Err(GatewayError::Protocols);
    }
    let features = match body.get("features") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(features)) => features
            .iter()
            .map(|feature| feature.as_str().map(str::to_owned).ok_or(GatewayError::Features))
            .collect::<Result<_, _>>()?,
        Some(_) => return Err(GatewayError::Features),
    };
    Ok(Negotiation { features })
}

/// Parses the request to the endpoint.
pub fn parse_subscription(body: &[u8]) -> Result<GatewaySubscription, GatewayError> {
    let body = object(body)?;
    let topics = match body.get("topic") {
        Some(Value::Array(topics)) => topics.iter().map(topic).collect::<Result<Vec<_>, _>>()?,
        Some(value) => vec![topic(value)?],
        None => return Err(GatewayError::Topic),
    };
    let mut seen = BTreeSet::new();
    let unique: Vec<_> = topics.into_iter().filter(|topic| seen.insert(topic.clone())).collect();
    if unique.is_empty() {
        return Err(GatewayError::Topic);
    }
    let state = text(&body, "state")?;
    if state.is_some() && unique.len() > 1 {
        return Err(GatewayError::Feature { feature: "state", expected: "left out when there are several topics" });
    }
    Ok(GatewaySubscription {
        topics: unique,
        ttl: seconds(&body, "ttl")?,
        rate: seconds(&body, "rate")?,
        state,
        filter: text(&body, "filter")?,
    })
}

/// The gateway's answer. `features`: those that the server honours, at most [`FEATURES`], whatever was wanted.
///
/// `endpoint` is an absolute http(s) URL.
pub fn negotiation_answer(endpoint: &str, features: &[&str]) -> Vec<u8> {
    #[derive(Serialize)]
    struct Answer<'a> {
        endpoint: &'a str,
        protocol: &'a str,
        features: &'a [&'a str],
    }
    crate::json(&Answer { endpoint, protocol: PROTOCOL, features })
}

/// The endpoint's answer; `endpoint` is an absolute ws(s) URL without fragment, a capability.
pub fn subscription_answer(endpoint: &str) -> Vec<u8> {
    #[derive(Serialize)]
    struct Answer<'a> {
        endpoint: &'a str,
        protocol: &'a str,
        subprotocol: &'a str,
    }
    crate::json(&Answer { endpoint, protocol: PROTOCOL, subprotocol: SUBPROTOCOL })
}

fn object(body: &[u8]) -> Result<Map<String, Value>, GatewayError> {
    if body.len() > MAX_BODY {
        return Err(GatewayError::Json(format!("more than {MAX_BODY} bytes")));
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(GatewayError::NoObject),
        Err(error) => Err(GatewayError::Json(error.to_string())),
    }
}

fn topic(value: &Value) -> Result<ResourceIri, GatewayError> {
    Ok(ResourceIri::parse(value.as_str().ok_or(GatewayError::Topic)?)?)
}

fn text(body: &Map<String, Value>, feature: &'static str) -> Result<Option<String>, GatewayError> {
    match body.get(feature) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(GatewayError::Feature { feature, expected: "a string" }),
    }
}

/// A number of seconds, also as a string, or an `xsd:duration`; more than nothing.
fn seconds(body: &Map<String, Value>, feature: &'static str) -> Result<Option<Duration>, GatewayError> {
    let duration = match body.get(feature) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => number.as_f64().and_then(from_seconds),
        Some(Value::String(text)) => lexical::parse_duration(text).or_else(|| text.parse().ok().and_then(from_seconds)),
        Some(_) => None,
    };
    match duration.filter(|duration| !duration.is_zero()) {
        Some(duration) => Ok(Some(duration.min(Duration::from_secs_f64(LONGEST)))),
        None => Err(GatewayError::Feature { feature, expected: "a number of seconds of more than nothing" }),
    }
}

fn from_seconds(seconds: f64) -> Option<Duration> {
    // The least of NaN and a number would be the number.
    let seconds = Some(seconds).filter(|seconds| !seconds.is_nan())?;
    Duration::try_from_secs_f64(seconds.min(LONGEST)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_librarys_own_requests_are_answered() {
        let asked = parse_negotiation(br#"{"protocols":["ws"],"features":[]}"#).unwrap();
        assert_eq!(asked, Negotiation::default());
        assert_eq!(
            negotiation_answer("https://pod.example/.notifications/ess/", FEATURES),
            br#"{"endpoint":"https://pod.example/.notifications/ess/","protocol":"ws","features":["state","ttl","rate"]}"#
        );
        let asked = parse_subscription(br#"{"topic":"https://pod.example/alice/notes/"}"#).unwrap();
        assert_eq!(asked.topics[0].as_str(), "https://pod.example/alice/notes/");
        assert_eq!(
            subscription_answer("wss://pod.example/.notifications/connect/x"),
            br#"{"endpoint":"wss://pod.example/.notifications/connect/x","protocol":"ws","subprotocol":"solid-0.2"}"#
        );
    }

    #[test]
    fn unknown_members_and_missing_features_are_no_error() {
        let body = br#"{"@context":["x"],"type":["WebSocketSubscription2021"],"protocols":["sse","ws"]}"#;
        assert!(parse_negotiation(body).is_ok());
        assert!(parse_negotiation(br#"{"protocols":["ws"],"features":["zeal"]}"#).is_ok());
        assert!(parse_subscription(br#"{"topic":"https://p.example/a","zeal":{"a":1}}"#).is_ok());
    }

    #[test]
    fn no_common_protocol_is_refused() {
        for body in [
            r#"{"protocols":["smtp"]}"#,
            r#"{"protocols":[]}"#,
            r#"{"protocols":"ws"}"#,
            r#"{"protocols":[7]}"#,
            "{}",
            "[]",
            "7",
            "",
            r#"{"protocols":["ws"]"#,
            r#"{"protocols":["ws"],"features":"x"}"#,
            r#"{"protocols":["ws"],"features":[1]}"#,
        ] {
            let error = parse_negotiation(body.as_bytes()).unwrap_err();
            assert_eq!(error.problem().refusal, Refusal::Syntax, "{body}");
        }
    }

    #[test]
    fn what_names_no_resource_is_refused() {
        for topic in ["7", "null", "[]", "\"BAD\"", "\"ftp://p.example/\"", "\"https://u@p.example/\"", "[\"x\"]", "{}"]
        {
            let body = format!(r#"{{"topic":{topic}}}"#);
            assert_eq!(parse_subscription(body.as_bytes()).unwrap_err().field(), Some("topic"), "{topic}");
        }
        assert_eq!(parse_subscription(b"{}"), Err(GatewayError::Topic));
    }

    #[test]
    fn features_are_seconds_or_durations() {
        for (value, expected) in [
            ("5", Some(Duration::from_secs(5))),
            ("0.5", Some(Duration::from_millis(500))),
            ("\"5\"", Some(Duration::from_secs(5))),
            ("\"PT5S\"", Some(Duration::from_secs(5))),
            ("1e300", Some(Duration::from_hours(366 * 24))),
            ("\"P9999Y\"", Some(Duration::from_hours(366 * 24))),
            ("0", None),
            ("-1", None),
            ("\"nan\"", None),
            ("\"-inf\"", None),
            ("\"soon\"", None),
            ("[]", None),
        ] {
            for feature in ["ttl", "rate"] {
                let body = format!(r#"{{"topic":"https://p.example/a","{feature}":{value}}}"#);
                let found = parse_subscription(body.as_bytes());
                let found = found.map(|s| if feature == "ttl" { s.ttl } else { s.rate });
                assert_eq!(found.ok().flatten(), expected, "{feature} {value}");
            }
        }
        assert!(parse_subscription(br#"{"topic":"https://p.example/a","state":7}"#).is_err());
        assert!(parse_subscription(br#"{"topic":["https://p.example/a","https://p.example/b"],"state":"x"}"#).is_err());
    }

    #[test]
    fn the_media_type_is_json() {
        for accepted in ["application/json", "application/json; charset=utf-8", "application/ld+json"] {
            assert_eq!(check_content_type(Some(accepted)), Ok(()), "{accepted}");
        }
        for refused in [Some("text/turtle"), Some("text/plain"), None] {
            assert_eq!(check_content_type(refused).unwrap_err().problem().refusal, Refusal::MediaType);
        }
    }
}

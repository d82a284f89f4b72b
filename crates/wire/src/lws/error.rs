//! Why a request of Linked Web Storage is refused, and what it is told.

use super::{CONTEXT, SubscriptionType};
use crate::problem::{Problem, Refusal};
use podbell_model::IriError;

/// Why a request is refused: a status of 400, but for the media types.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LwsError {
    /// The body is of another type.
    #[error("send the body as {}", super::MEDIA_TYPE)]
    MediaType,
    /// No form that is accepted can be made.
    #[error("accept {}, application/ld+json or application/json", super::MEDIA_TYPE)]
    NotAcceptable,
    /// No JSON, or too large, or a member twice.
    #[error("the body is not valid JSON: {0}")]
    Json(String),
    /// No JSON object.
    #[error("the body must be a JSON object")]
    NoObject,
    /// Another vocabulary.
    #[error("@context must be left out, or be or contain \"{CONTEXT}\"")]
    Context,
    /// None of the types on offer.
    #[error("type must be one of: {}", SubscriptionType::ALL.map(SubscriptionType::name).join(", "))]
    Type,
    /// No topic, or of the wrong type.
    #[error("topic must be a list of absolute http(s) URLs of resources, at least one")]
    Topic,
    /// Names no resource.
    #[error("a topic names no resource: {0}")]
    InvalidTopic(#[from] IriError),
    /// Nowhere to send to.
    #[error("inbox must be the absolute URL that notifications are sent to")]
    Inbox,
    /// No instant.
    #[error("expires must be a date and time: 2030-01-01T00:00:00Z")]
    Expires,
}

impl LwsError {
    /// Its kind.
    pub fn problem(&self) -> Problem {
        let (slug, title, refusal) = match self {
            Self::MediaType => ("unsupported-media-type", "The media type is not supported", Refusal::MediaType),
            Self::NotAcceptable => ("not-acceptable", "No accepted media type can be made", Refusal::NotAcceptable),
            Self::Json(_) | Self::NoObject => ("malformed-body", "The body cannot be parsed", Refusal::Syntax),
            Self::Context => ("unknown-context", "The context is not known", Refusal::Syntax),
            Self::Type => ("unknown-type", "The subscription type is not offered", Refusal::Syntax),
            Self::Topic | Self::InvalidTopic(_) => ("invalid-topic", "The topic names no resource", Refusal::Syntax),
            Self::Inbox => ("invalid-target", "Nothing can be sent to this target", Refusal::Syntax),
            Self::Expires => ("invalid-feature", "A feature has no valid value", Refusal::Syntax),
        };
        Problem::new(slug, title, refusal)
    }
}

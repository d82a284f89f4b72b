//! Why a subscription request is refused: what is wrong, and what to send instead.

use crate::{
    ACTIVITY_TYPES, ChannelType,
    problem::{Problem, Refusal},
};
use podbell_model::{IriError, contexts, rdf::RdfError};

/// Why a subscription request is refused. Texts are for the client and repeat no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// Not of the declared syntax.
    #[error("the body is not valid {format}: {message}")]
    Syntax {
        /// Its media type.
        format: &'static str,
        /// Where and what.
        message: String,
    },
    /// Nothing at all.
    #[error("the body is empty; send a channel")]
    Empty,
    /// JSON, but not JSON-LD that can be processed.
    #[error("the JSON-LD cannot be processed: {0}")]
    JsonLd(String),
    /// A context that is not built in.
    #[error(
        "the JSON-LD context <{0}> is not known and is not fetched; use <{known}>",
        known = contexts::NOTIFICATIONS
    )]
    UnknownContext(String),
    /// No context, and keys that need one.
    #[error("the JSON-LD has no @context; use <{known}>", known = contexts::NOTIFICATIONS)]
    MissingContext,
    /// Past a bound.
    #[error("the request has more than {limit} {what}")]
    TooComplex {
        /// What there is too much of.
        what: &'static str,
        /// How much is accepted.
        limit: usize,
    },
    /// Nothing has a type.
    #[error("the request has no type; send \"type\": \"{expected}\", or in Turtle \"a notify:{expected}\"", expected = .0.name())]
    MissingType(ChannelType),
    /// The type is no channel type.
    #[error("<{asked}> is no channel type; send \"type\": \"{expected}\"", expected = .expected.name())]
    UnknownType {
        /// As it was understood.
        asked: String,
        /// The type of this service.
        expected: ChannelType,
    },
    /// A type of an earlier protocol.
    #[error("<{asked}> is superseded; use {successor} at the subscription service for that type", successor = .successor.name())]
    Superseded {
        /// As it was understood.
        asked: String,
        /// Its successor.
        successor: ChannelType,
    },
    /// The type belongs to another service.
    #[error(
        "this service makes channels of type {offered}, not {asked}; the storage description names the other services",
        offered = .offered.name(), asked = .asked.name()
    )]
    WrongService {
        /// What was asked for.
        asked: ChannelType,
        /// What this service makes.
        offered: ChannelType,
    },
    /// Two channels, or a channel of two types.
    #[error("the request describes more than one channel or channel type; send one channel of one type")]
    SeveralChannels,
    /// Nothing to be told about.
    #[error("the request has no topic; send the URL of at least one resource as topic")]
    MissingTopic,
    /// A topic that names no resource.
    #[error("the topic \"{topic}\" names no resource: {reason}")]
    InvalidTopic {
        /// As sent, or as resolved.
        topic: String,
        /// Why.
        reason: String,
    },
    /// What only the server decides.
    #[error("{0} is chosen by the server; leave it out")]
    ServerControlled(&'static str),
    /// A value of the wrong form.
    #[error("{property} must be {expected}")]
    InvalidValue {
        /// The term.
        property: &'static str,
        /// What to send.
        expected: &'static str,
    },
    /// An `activityType` that no notification has.
    #[error("activityType \"{0}\" is never told; send one or several of {known}", known = ACTIVITY_TYPES.join(", "))]
    UnknownActivity(String),
    /// Two values where one is allowed.
    #[error("{0} may have one value only")]
    SeveralValues(&'static str),
    /// It would end before it begins.
    #[error("endAt must be later than startAt")]
    EndBeforeStart,
    /// One state cannot be that of several topics.
    #[error("state is possible with a single topic only; subscribe to each topic on its own")]
    StateOfSeveralTopics,
    /// No accepted media type can be made.
    #[error("accept cannot be met: {0}")]
    Accept(crate::MediaTypeError),
    /// Nowhere to push to.
    #[error("a channel of this type needs {0}")]
    MissingProperty(&'static str),
    /// A target that nothing can be pushed to.
    #[error("{0} must be an absolute http(s) URL without user information and fragment")]
    InvalidTarget(&'static str),
}

impl RequestError {
    /// Its kind: stable slug, title and class.
    pub fn problem(&self) -> Problem {
        let (slug, title) = match self {
            Self::Syntax { .. } | Self::Empty => {
                return Problem::new("malformed-body", "The body cannot be parsed", Refusal::Syntax);
            }
            Self::JsonLd(_) => ("invalid-json-ld", "The JSON-LD cannot be processed"),
            Self::UnknownContext(_) => ("unknown-context", "The JSON-LD context is not known to this server"),
            Self::MissingContext => ("missing-context", "The JSON-LD has no context"),
            Self::TooComplex { .. } => ("too-complex", "The request is too large"),
            Self::MissingType(_) => ("missing-type", "The request has no channel type"),
            Self::UnknownType { .. } => ("unknown-type", "The channel type is not known"),
            Self::Superseded { .. } => ("superseded-type", "The channel type is superseded"),
            Self::WrongService { .. } => ("wrong-service", "This service makes channels of another type"),
            Self::SeveralChannels => ("several-channels", "The request describes more than one channel"),
            Self::MissingTopic => ("missing-topic", "The request has no topic"),
            Self::InvalidTopic { .. } => ("invalid-topic", "The topic names no resource"),
            Self::ServerControlled(_) => ("server-controlled", "A property is chosen by the server"),
            Self::InvalidValue { .. } | Self::UnknownActivity(_) | Self::SeveralValues(_) | Self::EndBeforeStart => {
                ("invalid-feature", "A feature has no valid value")
            }
            Self::StateOfSeveralTopics => ("state-of-several-topics", "A state needs a single topic"),
            Self::Accept(_) => ("unsupported-accept", "No accepted media type can be made"),
            Self::MissingProperty(_) => ("missing-property", "A required property is missing"),
            Self::InvalidTarget(_) => ("invalid-target", "Nothing can be sent to this target"),
        };
        Problem::new(slug, title, Refusal::Unprocessable)
    }

    pub(super) fn topic(topic: &str, reason: &IriError) -> Self {
        Self::InvalidTopic { topic: crate::clip(topic), reason: reason.to_string() }
    }
}

impl From<RdfError> for RequestError {
    fn from(error: RdfError) -> Self {
        match error {
            RdfError::Syntax { format, message } => Self::Syntax { format, message: crate::clip(&message) },
            RdfError::UnknownContext(context) => Self::UnknownContext(crate::clip(&context)),
            RdfError::TooComplex { what, limit } => Self::TooComplex { what, limit },
            other => Self::JsonLd(crate::clip(&other.to_string())),
        }
    }
}

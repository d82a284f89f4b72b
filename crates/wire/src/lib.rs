//! The grammars of the notification protocols: bytes to requests, and activities, channels and descriptions to bytes.
//!
//! Pure: no socket, clock, randomness or runtime; times and ids are arguments. What the bytes mean for a channel is
//! the hub's matter, which HTTP status they deserve is the server's.

pub mod channel;
pub mod discovery;
pub mod gateway;
pub mod lexical;
pub mod lifecycle;
pub mod lws;
pub mod media;
pub mod message;
pub mod problem;
#[cfg(any(test, feature = "fuzzing"))]
pub mod properties;
pub mod sender;
pub mod solid_0_1;
mod statements;
pub mod subscription;
pub mod terms;

pub use channel::{ChannelDocument, Endpoint, Fact};
pub use discovery::{Bounds, Described, Description, Service};
pub use media::{BodyType, MediaTypeError, Representation, Syntax};
pub use message::{Framing, Relation, Rendering};
pub use problem::{Problem, Refusal};
pub use sender::{Sender, VerificationMethod};
pub use subscription::{ChannelRequest, Features, RequestError, Spelling};
pub use terms::{ACTIVITY_TYPES, ChannelType, EXTENSIONS, Feature, NotificationsContext};

/// Serialises a value that is made of strings, lists and records only.
fn json(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_else(|error| unreachable!("strings and lists are JSON: {error}"))
}

/// The first of a text that a client sent, for a message that repeats it.
fn clip(text: &str) -> String {
    const LONGEST: usize = 200;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

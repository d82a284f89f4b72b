//! Signing, as the courier sees it: a message and its receiver in, a request out.

use bytes::Bytes;
use http::HeaderMap;
use podbell_hub::{PushKeys, Secret};
use podbell_model::{Timestamp, Uuid};
use url::Url;

/// In whose name something goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InName<'a> {
    /// In that of the server's sender, as receivers of Solid expect it.
    Sender,
    /// In that of a storage, as Linked Web Storage has it: a signature by a key that the storage's description shows.
    Storage {
        /// The URL of the description.
        description: &'a str,
    },
}

/// What is to be signed: one message to one receiver, at one moment.
#[derive(Clone, Copy)]
pub struct Parcel<'a> {
    /// Whose it is; a push service knows the sender alone.
    pub name: InName<'a>,
    /// Where it goes.
    pub target: &'a Url,
    /// The media type of the body.
    pub content_type: &'a str,
    /// The message.
    pub body: &'a Bytes,
    /// Its id: the same over all attempts.
    pub message: Uuid,
    /// Symmetric secrets that the receiver verifies by; each one that is still good signs.
    pub secrets: &'a [Secret],
    /// For a push service: the keys of who is behind it.
    pub keys: Option<&'a PushKeys>,
}

/// A request as it is sent.
#[derive(Clone)]
pub struct Signed {
    /// All header fields but those that belong to the connection; `Content-Type` among them.
    pub headers: HeaderMap,
    /// The body; another one than the message if it is encrypted.
    pub body: Bytes,
}

/// Why nothing is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The receiver's keys cannot be used, today or ever.
    #[error("the keys of the receiver cannot be used")]
    Receiver,
    /// Our own keys cannot be had: later perhaps.
    #[error("nothing can be signed now")]
    Unavailable,
}

/// Makes requests that receivers can verify.
pub trait Signer: Send + Sync + 'static {
    /// Signs a message for its receiver.
    fn sign(&self, parcel: &Parcel<'_>, now: Timestamp) -> Result<Signed, SignError>;
}

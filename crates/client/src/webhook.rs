//! Webhooks: is it from the server that I subscribed at, for me, unchanged, just now, and for the first time?
//!
//! [`Verifier`] asks the HTTP message signature, which every server of Podbell sends, and needs to know the `sender` that
//! the subscription was answered with. [`verify_secret`] asks the secret of a channel that has one. Each is enough.
//!
//! ```no_run
//! use podbell_client::{Client, webhook::Verifier};
//!
//! # async fn example(body: Vec<u8>) -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::builder().build()?;
//! let verifier = Verifier::new(&client, "https://pod.example/.notifications/sender")?;
//! // The URL as the server calls it, whatever proxies are in between; the body as the bytes that came.
//! let request = http::Request::post("https://hook.example/in").header("content-digest", "…").body(body)?;
//! match verifier.verify(&request).await {
//!     Ok(()) => println!("{}", String::from_utf8_lossy(request.body())),
//!     Err(refused) => println!("refused: {refused}"),
//! }
//! # Ok(()) }
//! ```
//!
//! What a message says is told at least once: after a lost answer it comes again, signed anew, under the same `id`.
//! Remember the ids. What is refused as [`Refused::Replayed`] is the very same request.
//!
//! Spec: <https://www.rfc-editor.org/rfc/rfc9421>, <https://www.rfc-editor.org/rfc/rfc9530>,
//! <https://www.standardwebhooks.com/>

mod keys;
mod replays;
mod secret;
mod signature;

use crate::{client::Client, error::WatchError, http::is_private};
use http::Request;
use jiff::Timestamp;
use keys::Keys;
use replays::Replays;
pub use secret::verify_secret;
use signature::Signed;
use std::sync::{Mutex, PoisonError};
use url::Url;

/// How long a request may be on its way, in seconds.
const PAST: i64 = 300;
/// How far the clock of the sender may be ahead, in seconds.
const FUTURE: i64 = 60;

/// Why a request is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// A field, or a part of it, is not there.
    #[error("{0} is missing")]
    Missing(String),
    /// A field is not written as it should be.
    #[error("{0} is not understood")]
    Malformed(&'static str),
    /// The body is not the one that was signed.
    #[error("the body is not the one that was signed")]
    Digest,
    /// Something that must be signed is not.
    #[error("{0} is not signed")]
    NotCovered(&'static str),
    /// It was signed more than five minutes ago, or the clocks do not agree.
    #[error("it was not signed just now")]
    NotRecent,
    /// It is signed by somebody else than the sender, or by nobody.
    #[error("it is not signed by the sender")]
    Stranger,
    /// The sender has no such key.
    #[error("the sender has no such key")]
    UnknownKey,
    /// The signature is not over what came, or not by that key.
    #[error("the signature is wrong")]
    Signature,
    /// The same request has come before.
    #[error("it has come before")]
    Replayed,
    /// More came within minutes than can be remembered.
    #[error("too much came at once")]
    TooMany,
    /// The keys of the sender cannot be had now.
    #[error("the keys of the sender cannot be had: {0}")]
    NoKeys(WatchError),
}

impl Refused {
    /// Whether the same request may be believed later: answer 503 then, 401 otherwise.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::NoKeys(_) | Self::TooMany)
    }
}

/// Verifies what one sender sends, by its HTTP message signatures.
///
/// It fetches the sender's document when it needs a key, and keeps it for as long as that says. One verifier serves for as
/// long as the program runs: it knows what has come.
pub struct Verifier {
    keys: Keys,
    replays: Mutex<Replays>,
}

impl Verifier {
    /// Of the `sender` that a subscription was answered with, or of the description of a storage whose subscriptions are
    /// those of Linked Web Storage. Its document is read as nobody in particular, over TLS or from this machine.
    pub fn new(client: &Client, sender: &str) -> Result<Self, WatchError> {
        let url = Url::parse(sender).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let url = url.ok_or_else(|| WatchError::unsupported(sender, "it is no http or https URL"))?;
        if !is_private(&url) {
            return Err(WatchError::unsupported(sender, "keys are not believed over http; use https"));
        }
        if url.fragment().is_some() {
            return Err(WatchError::unsupported(sender, "the sender has no fragment"));
        }
        let keys = Keys::new(client.anonymous(), url, sender.to_owned());
        Ok(Self { keys, replays: Mutex::default() })
    }

    /// Believes a request once.
    ///
    /// The request's URI is the whole URL as the server calls it; its path and query as they came, the rest from your own
    /// settings. What is believed is for that URL; whether you wanted to hear it is for you to know.
    pub async fn verify<B: AsRef<[u8]>>(&self, request: &Request<B>) -> Result<(), Refused> {
        self.verify_at(request, Timestamp::now()).await
    }

    async fn verify_at<B: AsRef<[u8]>>(&self, request: &Request<B>, now: Timestamp) -> Result<(), Refused> {
        let signed = Signed::read(request, self.keys.sender())?;
        if !is_recent(signed.created, now) || signed.expires.is_some_and(|expires| expires < now.as_second()) {
            return Err(Refused::NotRecent);
        }
        let key = self.keys.find(&signed.keyid).await?;
        signed.verify(&key)?;
        // Only what the sender has signed takes room, so that strangers cannot fill it.
        let mut replays = self.replays.lock().unwrap_or_else(PoisonError::into_inner);
        replays.admit(signed.base.as_bytes(), now.as_second())
    }
}

fn is_recent(seconds: i64, now: Timestamp) -> bool {
    (now.as_second().saturating_sub(PAST)..=now.as_second().saturating_add(FUTURE)).contains(&seconds)
}

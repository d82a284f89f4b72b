//! The one guarded way out: every document that this server fetches comes through here.
//!
//! Whoever can make this server connect to a place of their choice could look behind its firewall; so a URL is parsed
//! once, its addresses are resolved once and all judged, and the connection goes to one of them.

pub mod address;
mod client;
mod connection;
mod exchange;
mod gate;
mod guard;
mod kept;
mod line;
mod policy;
mod room;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use client::Client;
pub use exchange::{Answer, Exchange};
pub use gate::Gate;
pub use guard::{MAX_ADDRESSES, MAX_URL, Resolve, SystemResolver, parse};
pub use policy::{Policy, PolicyError, roots_from_pem};

use bytes::Bytes;
use std::time::Duration;
use url::Url;

/// What is fetched, and how far it may be followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Get {
    /// Where; http(s), no user information.
    pub url: Url,
    /// The `Accept` header.
    pub accept: &'static str,
    /// How many redirects are followed, each checked again: 0 for issuers and keys, at most 3 for documents.
    pub redirects: u8,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Document {
    /// Where it was found in the end; the base of relative IRIs.
    pub url: Url,
    /// Media type without parameters, lower case; empty if none was sent.
    pub media_type: String,
    /// At most the client's limit.
    pub body: Bytes,
    /// How long the origin lets it be kept (`Cache-Control: max-age`; 0 for `no-store` and `no-cache`).
    pub max_age: Option<Duration>,
}

/// Why nothing came back. Texts name no content and no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The URL may not be fetched from here: scheme, port, user information, or an address that is not public.
    #[error("the URL may not be fetched from this server")]
    Refused,
    /// The name does not resolve, nobody answers, TLS fails, or the answer is no HTTP.
    #[error("the host cannot be reached")]
    Unreachable,
    /// It took too long.
    #[error("the host took too long")]
    TimedOut,
    /// Larger than is read.
    #[error("the document is larger than {limit} bytes")]
    TooLarge {
        /// How much is read.
        limit: usize,
    },
    /// An answer that is neither 2xx nor a redirect that may be followed.
    #[error("the host answered {0}")]
    Status(u16),
    /// Too many fetches from that host at once; nothing was sent.
    #[error("too many requests to that host")]
    Busy,
    /// The gate was shut before all of it was sent.
    #[error("the request may not be sent any more")]
    Withheld,
}

/// Fetches documents. The guarded client implements it; `server` puts the documents of this server's own origins in
/// front of it, so that the server never connects to itself.
#[async_trait::async_trait]
pub trait Fetch: Send + Sync + 'static {
    /// Fetches a document; a success has status 200 and a body.
    async fn get(&self, get: &Get) -> Result<Document, FetchError>;
}

//! Who acts.

use std::{fmt, sync::Arc};

/// The IRI that names an agent, fragment included; compared as a string.
///
/// Spec: <https://solid.github.io/webid-profile/>
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WebId(Arc<str>);

impl WebId {
    /// Wraps an IRI that the caller has verified or read from trusted configuration.
    pub fn new(iri: impl Into<Arc<str>>) -> Self {
        Self(iri.into())
    }

    /// The IRI as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The document that describes the agent: the IRI without its fragment.
    pub fn document(&self) -> &str {
        self.0.split('#').next().unwrap_or(&self.0)
    }
}

impl fmt::Display for WebId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// On whose behalf something is asked: all that a rule of access control can look at.
///
/// Taken when a request is authenticated; a channel keeps the one it was subscribed with. The default is the
/// anonymous public.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Subject {
    /// The authenticated agent; none for the anonymous public.
    pub webid: Option<WebId>,
    /// The client application: `azp` or `client_id` of the access token.
    pub client: Option<Arc<str>>,
    /// The issuer of the access token.
    pub issuer: Option<Arc<str>>,
    /// The `Origin` header of the request, for `acl:origin`.
    pub origin: Option<Arc<str>>,
}

impl Subject {
    /// The anonymous public.
    pub fn public() -> Self {
        Self::default()
    }

    /// An agent without client, issuer or origin: the server's own view of somebody.
    pub fn agent(webid: WebId) -> Self {
        Self { webid: Some(webid), ..Self::default() }
    }
}

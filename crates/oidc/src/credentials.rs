//! What verification ends in, and where access control begins.

use podbell_model::{Subject, Timestamp, WebId};
use std::sync::Arc;

/// A verified agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Who it is; its own profile names the issuer.
    pub webid: WebId,
    /// Who says so.
    pub issuer: Arc<str>,
    /// Through which client: `azp`, else `client_id`. An opaque name.
    pub client: Option<Arc<str>>,
    /// The thumbprint of the key that the token is bound to; none for an unbound bearer token.
    pub jkt: Option<Arc<str>>,
    /// When the token ends: what was authenticated by it ends then, or is judged again.
    pub expires: Timestamp,
}

impl Credentials {
    /// The agent as access control sees it, with the `Origin` header of its request.
    pub fn subject(&self, origin: Option<Arc<str>>) -> Subject {
        Subject {
            webid: Some(self.webid.clone()),
            client: self.client.clone(),
            issuer: Some(Arc::clone(&self.issuer)),
            origin,
        }
    }
}

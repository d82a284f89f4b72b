//! The way to receivers: over the network by the guarded client, or in the process for those on this server.

use super::Lane;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header::RETRY_AFTER};
use podbell_egress::{Client, Exchange, FetchError, Gate};
use podbell_model::Uuid;
use std::{sync::Arc, time::Duration};
use url::Url;

/// The longest `Retry-After` that is looked at; dates are shorter.
const RETRY_AFTER_TEXT: usize = 64;

/// The header field that carries what led to a message, for those who act upon it.
pub const CAUSE: HeaderName = HeaderName::from_static("podbell-cause");

/// A signed message on its way to a receiver: always a POST.
#[derive(Clone)]
pub struct Outgoing {
    /// Where; no redirect is followed.
    pub url: Url,
    /// All header fields but those that belong to the connection.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// The channels whose deliveries led to what is told, the one that tells it included.
    pub causes: Arc<[Uuid]>,
    /// For all of it.
    pub total: Duration,
    /// How much of the answer's body is read.
    pub keep: usize,
    /// Asked at each system call that sends some of it.
    pub gate: Option<Arc<dyn Gate>>,
}

/// What a receiver answered; nothing of it is shown to anybody.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// `Retry-After`, as it was written.
    pub retry_after: Option<Box<str>>,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer").field("status", &self.status).finish_non_exhaustive()
    }
}

/// Carries messages to receivers.
#[async_trait::async_trait]
pub trait Transport: Send + Sync + 'static {
    /// Sends one message, and gives what was answered, of whatever status.
    async fn send(&self, outgoing: Outgoing) -> Result<Answer, FetchError>;

    /// Whether what goes there never leaves this server: many inboxes of its own are no one host to be spared.
    fn is_here(&self, _lane: &Lane) -> bool {
        false
    }
}

/// Seals chains of causes, so that this server alone can open them again.
pub trait SealCauses: Send + Sync + 'static {
    /// The value of [`CAUSE`]; none if there is nothing to say.
    fn seal(&self, causes: &[Uuid]) -> Option<HeaderValue>;
}

/// The way over the network.
pub struct Network {
    client: Client,
    causes: Option<Arc<dyn SealCauses>>,
}

impl Network {
    /// Through that client; with the causes of what is told, if they can be sealed.
    pub fn new(client: Client, causes: Option<Arc<dyn SealCauses>>) -> Self {
        Self { client, causes }
    }
}

impl std::fmt::Debug for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Network").finish_non_exhaustive()
    }
}

#[async_trait::async_trait]
impl Transport for Network {
    async fn send(&self, outgoing: Outgoing) -> Result<Answer, FetchError> {
        let Outgoing { url, mut headers, body, causes, total, keep, gate } = outgoing;
        if let Some(sealed) = self.causes.as_ref().and_then(|port| port.seal(&causes)) {
            headers.insert(CAUSE, sealed);
        }
        let exchange = Exchange { method: Method::POST, url, headers, body, total, keep, gate };
        let answer = self.client.exchange(exchange).await?;
        let retry_after = answer.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = retry_after.filter(|text| text.len() <= RETRY_AFTER_TEXT).map(Into::into);
        Ok(Answer { status: answer.status.as_u16(), retry_after })
    }
}

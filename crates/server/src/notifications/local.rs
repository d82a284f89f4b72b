//! Receivers on this very server: what is sent to them is written like any POST, with the sender as the agent, so that
//! Web Access Control applies. Nothing goes over the network.
//!
//! An inbox is a container: what is posted becomes a member of it.
//!
//! Spec: <https://www.w3.org/TR/ldn/#receiver>

use crate::{
    authorize::{Judge, NotPermitted},
    causes::note_storm,
    own_origins::{OwnOrigins, Owner},
    resources::{ATTEMPTS, Attempt, Denied, attempt, status},
};
use bytes::Bytes;
use http::StatusCode;
use podbell_egress::{FetchError, Gate};
use podbell_hub::Clock;
use podbell_log::Fence;
use podbell_model::{ResourceIri, Sequence, Subject, Uuid};
use podbell_pod::{Action, Applied, Content, Outcome, Pod, Preconditions, Request};
use podbell_wac::Refusal;
use std::{sync::Arc, task::Poll};
use url::Url;

/// Writes what is sent to receivers on this server.
pub struct Local {
    /// What leads to this server.
    pub origins: OwnOrigins,
    /// The resources.
    pub pod: Arc<Pod>,
    /// What is allowed.
    pub judge: Arc<Judge>,
    /// Raised when rules change.
    pub fence: Arc<Fence>,
    /// The time.
    pub clock: Clock,
    /// On whose behalf it is written.
    pub sender: Subject,
}

/// A message for a receiver on this server.
pub struct Posted {
    /// The receiver.
    pub url: Url,
    /// The media type of the message.
    pub content_type: Arc<str>,
    /// The message.
    pub body: Bytes,
    /// The channels whose deliveries led to what is told, the one that tells it included.
    pub causes: Arc<[Uuid]>,
    /// Whether it may still be told.
    pub gate: Option<Arc<dyn Gate>>,
}

/// What the receiver answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// What an HTTP client would have been answered.
    pub status: StatusCode,
    /// The member that was made of it.
    pub location: Option<ResourceIri>,
}

impl From<StatusCode> for Answered {
    fn from(status: StatusCode) -> Self {
        Self { status, location: None }
    }
}

impl Local {
    /// Whether a URL leads to this server, by any of its names.
    pub fn is_here(&self, url: &Url) -> bool {
        self.origins.owner(url) != Owner::Stranger
    }

    /// Writes a message to a receiver for which [`Local::is_here`] holds.
    ///
    /// # Errors
    /// [`FetchError::Withheld`] if it may not be told any more; nothing was written.
    pub async fn post(&self, posted: Posted) -> Result<Answered, FetchError> {
        // By another name than its own, and at the provider, nobody receives anything.
        let here = (self.origins.owner(&posted.url) == Owner::Pods).then_some(&posted.url);
        let plain = here.filter(|url| url.username().is_empty() && url.password().is_none());
        let Some(Ok(target)) = plain.map(|url| ResourceIri::parse(url.as_str())) else {
            return Ok(StatusCode::NOT_FOUND.into());
        };
        note_storm(&posted.causes, &target);
        let content = Content::bytes(Some(posted.content_type), posted.body);
        let mut asked = Request {
            target,
            action: Action::Post { content, slug: None, container: false },
            preconditions: Preconditions::default(),
            now: (self.clock)(),
            causes: posted.causes,
            rules_as_of: None,
        };
        for _ in 0..ATTEMPTS {
            asked.rules_as_of = match &posted.gate {
                Some(gate) => Some(self.leave(&**gate).ok_or(FetchError::Withheld)?),
                None => None,
            };
            let tried = attempt((&self.pod, &self.judge), asked, &self.sender, (self.clock)()).await;
            match tried {
                Ok(Attempt { applied: Ok(Applied::Again(again)), .. }) => asked = again,
                Ok(Attempt { applied: Ok(Applied::Done(outcome)), .. }) => return Ok(answered(outcome)),
                Ok(Attempt { applied: Err(problem), .. }) | Err(Denied::Request(problem)) => {
                    return Ok(status(problem.kind()).into());
                }
                Err(Denied::Rules(NotPermitted::Refused(Refusal::Unauthenticated))) => {
                    return Ok(StatusCode::UNAUTHORIZED.into());
                }
                Err(Denied::Rules(NotPermitted::Refused(Refusal::Forbidden))) => {
                    return Ok(StatusCode::FORBIDDEN.into());
                }
                Err(Denied::Rules(NotPermitted::Unknown(_))) => break,
            }
        }
        Ok(StatusCode::SERVICE_UNAVAILABLE.into())
    }

    /// The newest change of rules by which the gate is still open. The store writes nothing that comes after a newer one,
    /// so nothing is told by rules that are no more.
    fn leave(&self, gate: &dyn Gate) -> Option<Sequence> {
        let ruled = self.fence.enter().watermark();
        let _passed = gate.pass(&mut || Poll::Ready(Ok(0)))?;
        Some(ruled)
    }
}

fn answered(outcome: Outcome) -> Answered {
    match outcome {
        Outcome::Written(written) => Answered { status: StatusCode::CREATED, location: Some(written.resource) },
        Outcome::Read(_) | Outcome::NotModified(_) => StatusCode::OK.into(),
    }
}

#[cfg(test)]
mod tests;

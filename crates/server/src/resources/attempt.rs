//! One request about a resource: planned, authorized by the rules of one moment, applied.
//!
//! Who is refused whatever exists is refused before it is looked at.

use crate::authorize::{Judge, NotPermitted};
use podbell_model::{Subject, Timestamp};
use podbell_pod::{Action, Applied, Pod, Problem, Request};

/// What came of it.
pub(crate) struct Attempt {
    /// What the requester and the public may do with what is read, also when nothing is there.
    pub(crate) rights: Option<String>,
    /// What was done; handed back if the rules changed meanwhile.
    pub(crate) applied: Result<Applied, Problem>,
}

/// Why it was not even tried.
#[derive(Debug)]
pub(crate) enum Denied {
    /// The request makes no sense here.
    Request(Problem),
    /// The rules do not grant it.
    Rules(NotPermitted),
}

impl From<Problem> for Denied {
    fn from(problem: Problem) -> Self {
        Self::Request(problem)
    }
}

impl From<NotPermitted> for Denied {
    fn from(error: NotPermitted) -> Self {
        Self::Rules(error)
    }
}

/// Tries it once.
pub(crate) async fn attempt(
    (pod, judge): (&Pod, &Judge),
    asked: Request,
    subject: &Subject,
    now: Timestamp,
) -> Result<Attempt, Denied> {
    let read = matches!(asked.action, Action::Read(_)).then(|| asked.target.clone());
    let outline = pod.outline(asked).await?;
    // The time would tell what exists.
    let foreseen = judge.permit_any(outline.accesses(), subject, now).await?;
    let permitted = match foreseen.to(pod.settle(outline).await?) {
        Ok(permitted) => permitted,
        Err(operation) => judge.permit(operation, subject, now).await?,
    };
    let decision = read.as_ref().and_then(|read| Some((permitted.permit().decision(read)?, read)));
    let rights = decision.map(|(decision, read)| decision.wac_allow(read));
    Ok(Attempt { rights, applied: pod.apply(permitted).await })
}

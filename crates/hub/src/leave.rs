//! Leave to send: asked before each attempt, and checked again inside the fence at each system call.

use crate::{About, Channel, Hub, Question, engine::Inner};
use podbell_log::{At, Fence};
use podbell_model::{Sequence, Timestamp};
use std::sync::Arc;

/// Whether something that is owed may be sent now.
#[derive(Debug)]
pub enum Leave {
    /// As long as the rules do not change.
    Granted(Grant),
    /// The channel has ended, or its subject may not hear of it any longer: it is owed no more.
    Withheld,
    /// The rules cannot be read: later.
    Unavailable,
}

/// Leave to send one thing, by the rules of one moment.
pub struct Grant {
    fence: Arc<Fence>,
    as_of: Sequence,
    valid_until: Option<Timestamp>,
    inner: Arc<Inner>,
}

impl std::fmt::Debug for Grant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Grant").field("as_of", &self.as_of).finish_non_exhaustive()
    }
}

impl Grant {
    /// Makes a system call, which must not block, inside the fence; none if the rules have changed since, so that leave
    /// must be asked anew.
    pub fn within<R>(&self, send: impl FnOnce() -> R) -> Option<R> {
        let entered = self.fence.enter();
        let holds =
            entered.watermark() <= self.as_of && self.valid_until.is_none_or(|until| (self.inner.clock)() < until);
        holds.then(send)
    }
}

impl Hub {
    /// Asks whether a channel may be sent something now.
    pub async fn leave(&self, channel: &Channel, about: &About) -> Leave {
        let question = Question {
            subject: Arc::clone(&channel.subject),
            storage: about.topic.storage,
            resource: about.resource.clone(),
            generation: about.generation,
            need: about.need,
            at: At::Now,
        };
        match self.inner.judge(&question).await {
            Err(_) => Leave::Unavailable,
            Ok(answer) if !answer.allowed => Leave::Withheld,
            Ok(answer) => Leave::Granted(Grant {
                fence: Arc::clone(&self.inner.fence),
                as_of: answer.as_of,
                valid_until: answer.valid_until,
                inner: Arc::clone(&self.inner),
            }),
        }
    }
}

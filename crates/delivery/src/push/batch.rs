//! Several changes in one request, for receivers of Linked Web Storage: what waits for one channel goes in one envelope.
//!
//! Each change is judged on its own, and one gate holds for all that go: if leave for one is lost on the way, nothing
//! more is sent, and leave is asked anew for each. They are acknowledged together and fail together. One that would be
//! given up with its next failure goes alone, so that nothing is lost for what it went along with.
//!
//! Follows the draft of 2026-06-29 (`w3c/lws-protocol`, `lws10-notifications`).

use super::{
    Attempt, Delivery, Kind, Outcome, Permit, SignError,
    attempt::{Ended, LATER, LEAVES, NotSent, SOON, Step, Words},
    courier::Inner,
    outcome::NotTried,
    schedule::{is_last, is_too_old},
};
use bytes::Bytes;
use podbell_egress::Gate;
use podbell_model::Timestamp;
use podbell_wire::{Framing, Rendering, message::batch};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

/// Most changes in one request.
pub(super) const MOST: usize = 100;

impl Delivery {
    /// Whether others may go along with it.
    pub(super) fn leads(&self, now: Timestamp) -> bool {
        matches!(self.rendering(), Some(Rendering::Lws { framing: Framing::Webhook, .. }))
            && self.change().is_some()
            && self.goes_along(now)
    }

    fn goes_along(&self, now: Timestamp) -> bool {
        self.channel.state.is_none() && !is_last(self.attempts) && !is_too_old(self.owed, now)
    }

    /// A change: where it is in the log, and its words.
    fn change(&self) -> Option<(podbell_hub::Position, &Bytes)> {
        match &self.kind {
            Kind::Change { body, position, .. } => Some((*position, &body.bytes)),
            _ => None,
        }
    }
}

/// `lead` with as much of `along` as goes into one request of so many bytes, in the order of the commits. Where one stays
/// behind, what is younger does too.
pub(super) fn together(lead: Delivery, along: Vec<Delivery>, most: usize, now: Timestamp) -> Vec<Delivery> {
    let Some((head, first)) = lead.change().and_then(|(_, body)| batch::apart(body)) else { return vec![lead] };
    let (head, mut size) = (head.to_vec(), head.len() + first.len() + b"[]}".len());
    let causes = Arc::clone(&lead.causes);
    let mut chosen = vec![lead];
    for delivery in along {
        let Some((_, body)) = delivery.change() else { break };
        let activity = batch::apart(body).filter(|(other, _)| *other == head).map(|(_, activity)| activity.len() + 1);
        let more = activity.filter(|more| size + more <= most && chosen.len() < MOST);
        match more.filter(|_| delivery.causes == causes && delivery.goes_along(now)) {
            Some(more) => {
                size += more;
                chosen.push(delivery);
            }
            None => break,
        }
    }
    chosen.sort_by_key(|delivery| delivery.change().map(|(position, _)| position));
    chosen
}

impl Inner {
    /// Tries to deliver several changes at once, and notes what came of it.
    pub(super) async fn deliver_together(&self, mut batch: Vec<Delivery>) -> Ended {
        let (at, began) = ((self.clock)(), Instant::now());
        for _ in 0..LEAVES {
            let Some(gate) = self.leave_for(&mut batch).await else { return Ended::default() };
            let (lead, push) = match &*batch {
                [one] => return self.deliver(one).await,
                [lead, ..] => (lead, lead.channel.push.clone()),
                [] => return Ended::default(),
            };
            let (Some(push), Some(body)) = (push, envelope(&batch)) else {
                // Not of one kind: each as it is.
                return self.one_by_one(&batch).await;
            };
            let words = Words { body, rendering: lead.rendering(), gate: Some(gate), told: None };
            match self.send(lead, &push, &words, &words.body).await {
                // Too much for this receiver, of which less may do; or nothing can be signed for it, which is noted of each.
                Ok((Outcome::Refused(413), _)) | Err(NotSent::Unsigned(SignError::Receiver)) => {
                    return self.one_by_one(&batch).await;
                }
                Ok((outcome, asked)) => {
                    let attempt = Attempt { at, took: began.elapsed(), outcome };
                    self.conclude_together(&batch, &attempt, asked).await;
                    return Ended { strain: Some(outcome.strain()), asked };
                }
                Err(NotSent::Tried(NotTried::Withheld)) => {}
                Err(NotSent::Tried(NotTried::Busy)) => return self.later(&batch, SOON).await,
                Err(NotSent::Unsigned(SignError::Unavailable)) => return self.later(&batch, LATER).await,
            }
        }
        self.later(&batch, SOON).await
    }

    /// Asks leave for each; what may not be told is told no more, and forgotten. None if nothing is left to send now.
    async fn leave_for(&self, batch: &mut Vec<Delivery>) -> Option<Arc<dyn Gate>> {
        let channel = Arc::clone(&batch.first()?.channel);
        let abouts: Vec<_> = batch.iter().filter_map(Delivery::about).cloned().collect();
        let leave = self.rules.leave_together(&channel, &abouts).await;
        if leave.each.len() != batch.len() || leave.each.iter().any(|permit| matches!(permit, Permit::Unavailable)) {
            self.later(batch, LATER).await;
            return None;
        }
        let mut granted = Vec::with_capacity(batch.len());
        for (delivery, permit) in batch.drain(..).zip(leave.each) {
            match permit {
                Permit::Granted(()) => granted.push(delivery),
                Permit::Withheld(removal) => self.conclude(&delivery, Step::Withheld(removal)).await,
                Permit::Unavailable => {}
            }
        }
        *batch = granted;
        leave.gate
    }

    async fn one_by_one(&self, batch: &[Delivery]) -> Ended {
        let [first, rest @ ..] = batch else { return Ended::default() };
        let ended = self.deliver(first).await;
        self.later(rest, Duration::ZERO).await;
        ended
    }

    async fn later(&self, batch: &[Delivery], wait: Duration) -> Ended {
        for delivery in batch {
            self.conclude(delivery, Step::Later(wait)).await;
        }
        Ended::default()
    }
}

fn envelope(batch: &[Delivery]) -> Option<Bytes> {
    let bodies: Option<Vec<_>> = batch.iter().map(|delivery| delivery.change().map(|(_, body)| &**body)).collect();
    batch::batch(&bodies?).map(Bytes::from)
}

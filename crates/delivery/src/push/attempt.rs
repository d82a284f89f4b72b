//! One attempt at one delivery: leave, words, signature, request. What follows from it is in `conclusion`.
//!
//! Leave is asked before each attempt, and holds for each system call of it: if the rules change on the way, nothing more
//! is sent, and leave is asked anew. What was not sent at all is no attempt, and costs the delivery none of its ten.

use super::{
    Attempt, Delivery, Done, InName, Kind, Outcome, Outgoing, Parcel, Permit, Removal, SignError,
    courier::Inner,
    outcome::{Follows, NotTried, Receiver, Strain, outcome, retry_after},
    settings::Metrics,
};
use bytes::Bytes;
use podbell_egress::{FetchError, Gate, parse};
use podbell_hub::{About, Encoded, Position, Push, Told};
use podbell_model::Timestamp;
use podbell_wire::{Rendering, Syntax, message::minimal};
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, timeout};

/// How often leave is asked anew at once when the rules changed on the way.
pub(super) const LEAVES: usize = 4;
/// How long to wait after that, and when too much goes on.
pub(super) const SOON: Duration = Duration::from_secs(1);
/// How long to wait when the rules or the keys cannot be read.
pub(super) const LATER: Duration = Duration::from_secs(5);
/// Most bytes of a message to a push service, so that it fits when it is encrypted.
///
/// Spec: <https://www.rfc-editor.org/rfc/rfc8291#section-4>
const PUSH_PAYLOAD: usize = super::sign::web_push::MAX_PAYLOAD;

/// How the work on a delivery ended.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ended {
    /// What it says of the host; none if nothing was sent.
    pub strain: Option<Strain>,
    /// How long the receiver wants to be left alone.
    pub asked: Option<Duration>,
}

/// What is sent, and by whose leave.
pub(super) struct Words {
    pub(super) body: Bytes,
    /// None if it is of another version.
    pub(super) rendering: Option<Rendering>,
    pub(super) gate: Option<Arc<dyn Gate>>,
    /// What the receiver knows once it has it.
    pub(super) told: Option<Told>,
}

/// What came of an attempt.
pub(super) enum Step {
    Tried {
        attempt: Attempt,
        asked: Option<Duration>,
        told: Option<Told>,
    },
    /// It can never be sent.
    Unsendable(Attempt),
    /// It may not be told; and what the channel is removed for, if that is over.
    Withheld(Option<Removal>),
    /// Nothing was sent: again after so long.
    Later(Duration),
}

impl Delivery {
    /// Where it goes; none if its channel has no place for it.
    pub(super) fn target<'a>(&self, push: &'a Push) -> Option<&'a Arc<str>> {
        match self.kind {
            Kind::Lifecycle { .. } => push.lifecycle.as_ref(),
            _ => Some(&push.send_to),
        }
    }

    /// Whether it goes to the receiver of the channel's notifications.
    pub(super) fn to_receiver(&self) -> bool {
        self.channel.push.as_ref().is_some_and(|push| self.target(push) == Some(&push.send_to))
    }

    /// In which words its channel is told.
    pub(super) fn rendering(&self) -> Option<Rendering> {
        Rendering::from_code(self.channel.rendering.0)
    }

    /// By what it is judged; none for what tells of no resource.
    pub(super) fn about(&self) -> Option<&About> {
        self.kind.about()
    }

    pub(super) fn receiver(&self) -> Receiver {
        let keys = self.channel.push.as_ref().and_then(|push| push.keys.as_ref());
        if keys.is_some() && self.to_receiver() { Receiver::PushService } else { Receiver::Endpoint }
    }
}

impl Inner {
    /// Tries to deliver, and notes what came of it.
    pub(super) async fn deliver(&self, delivery: &Delivery) -> Ended {
        let step = self.attempt(delivery).await;
        let ended = match &step {
            Step::Tried { attempt, asked, .. } => Ended { strain: Some(attempt.outcome.strain()), asked: *asked },
            _ => Ended::default(),
        };
        self.conclude(delivery, step).await;
        ended
    }

    /// Puts a delivery off, without an attempt.
    pub(super) async fn put_off(&self, delivery: &Delivery, until: Timestamp) -> Ended {
        self.finish(delivery, None, Done::Again(until)).await;
        Ended::default()
    }

    /// Gives a delivery up, without another attempt.
    pub(super) async fn give_up(&self, delivery: &Delivery) -> Ended {
        Metrics::add(&self.metrics.dead);
        let done = if matches!(delivery.kind, Kind::Ping { .. }) { Done::Withheld } else { Done::Dead };
        self.finish(delivery, None, done).await;
        Ended::default()
    }

    async fn attempt(&self, delivery: &Delivery) -> Step {
        let Some(push) = delivery.channel.push.clone() else { return Step::Withheld(None) };
        let receiver = delivery.receiver();
        let most = if receiver == Receiver::PushService { PUSH_PAYLOAD } else { self.settings.payload };
        let (at, began) = ((self.clock)(), Instant::now());
        let ended = |outcome| Attempt { at, took: began.elapsed(), outcome };
        for _ in 0..LEAVES {
            let words = match self.words(delivery).await {
                Ok(words) => words,
                Err(step) => return step,
            };
            let Some(mut body) = fitting(&words, most) else {
                return Step::Unsendable(ended(Outcome::Refused(413)));
            };
            let mut sent = self.send(delivery, &push, &words, &body).await;
            if let Ok((outcome, _)) = &sent
                && outcome.follows(receiver) == Follows::Smaller
                && let Some(short) = words.short().filter(|short| short.len() < body.len())
            {
                body = short;
                sent = self.send(delivery, &push, &words, &body).await;
            }
            return match sent {
                Ok((outcome, asked)) => Step::Tried { attempt: ended(outcome), asked, told: words.told },
                Err(NotSent::Tried(NotTried::Withheld)) => continue,
                Err(NotSent::Tried(NotTried::Busy)) => Step::Later(SOON),
                Err(NotSent::Unsigned(SignError::Unavailable)) => Step::Later(LATER),
                Err(NotSent::Unsigned(SignError::Receiver)) => Step::Unsendable(ended(Outcome::Forbidden)),
            };
        }
        Step::Later(SOON)
    }

    /// What is to be said now, if it may.
    async fn words(&self, delivery: &Delivery) -> Result<Words, Step> {
        let channel = &delivery.channel;
        let rendering = delivery.rendering();
        match &delivery.kind {
            Kind::Change { about, body, position } => {
                let gate = self.leave(delivery, about).await?;
                let told = channel.state.is_some().then_some(Told::Change(*position));
                Ok(Words { body: self.sealed(delivery, body, *position), rendering, gate: Some(gate), told })
            }
            Kind::State { about } => {
                let gate = self.leave(delivery, about).await?;
                let shown = self.rules.standing(channel, about, delivery.message).await;
                let shown = shown.map_err(|_| Step::Later(LATER))?.ok_or(Step::Withheld(None))?;
                let body = self.sealed(delivery, &shown.body, shown.position);
                Ok(Words { body, rendering, gate: Some(gate), told: Some(Told::State(shown.state)) })
            }
            // Linked Web Storage has no words for what tells of no resource.
            _ if matches!(rendering, Some(Rendering::Lws { .. })) => Err(Step::Withheld(None)),
            Kind::Ping { body } => {
                let gate = allowed(self.rules.leave_to_speak(channel).await)?;
                Ok(Words { gate: Some(gate), ..Words::of(body, rendering) })
            }
            // The last one outlives its channel, and goes with it otherwise.
            Kind::Lifecycle { body } => Ok(Words::of(body, rendering)),
        }
    }

    /// With a cursor that stands before everything that is still owed.
    fn sealed(&self, delivery: &Delivery, body: &Encoded, position: Position) -> Bytes {
        let told = match delivery.oldest {
            Some(oldest) if oldest < position => oldest.before(),
            _ => position,
        };
        body.with(|| self.cursors.seal(&delivery.channel, told))
    }

    async fn leave(&self, delivery: &Delivery, about: &About) -> Result<Arc<dyn Gate>, Step> {
        allowed(self.rules.leave(&delivery.channel, about).await)
    }

    /// Signs and sends; how it ended, and how long the receiver wants us to wait.
    pub(super) async fn send(
        &self,
        delivery: &Delivery,
        push: &Push,
        words: &Words,
        body: &Bytes,
    ) -> Result<(Outcome, Option<Duration>), NotSent> {
        let Some(Ok(url)) = delivery.target(push).map(|target| parse(target)) else {
            return Ok((Outcome::Forbidden, None));
        };
        let keys = push.keys.as_ref().filter(|_| delivery.to_receiver());
        let description = self.description(delivery)?;
        let name = description.as_deref().map_or(InName::Sender, |description| InName::Storage { description });
        let (content_type, message) = (words.media_type(), delivery.message);
        let parcel = Parcel { name, target: &url, content_type, body, message, secrets: &push.secrets, keys };
        let signed = self.signer.sign(&parcel, (self.clock)()).map_err(NotSent::Unsigned)?;
        let outgoing = Outgoing {
            url,
            headers: signed.headers,
            body: signed.body,
            causes: Arc::clone(&delivery.causes),
            total: self.settings.timeout,
            keep: self.settings.answer,
            gate: words.gate.clone(),
        };
        let answer = timeout(self.settings.timeout, self.transport.send(outgoing)).await;
        let answer = answer.unwrap_or(Err(FetchError::TimedOut));
        let outcome = outcome(&answer).map_err(NotSent::Tried)?;
        Metrics::add(&self.metrics.attempts);
        let asked = match (&answer, outcome) {
            (Ok(answer), Outcome::Refused(400..)) => answer.retry_after.as_deref(),
            _ => None,
        };
        Ok((outcome, asked.and_then(|text| retry_after(text, (self.clock)()))))
    }
}

impl Inner {
    /// The description of the storage in whose name it goes; none if it goes in the sender's.
    fn description(&self, delivery: &Delivery) -> Result<Option<Arc<str>>, NotSent> {
        let (Some(Rendering::Lws { .. }), Some(about)) = (delivery.rendering(), delivery.about()) else {
            return Ok(None);
        };
        let found = (self.descriptions)(about.topic.storage);
        found.map(Some).ok_or(NotSent::Unsigned(SignError::Unavailable))
    }
}

/// Why nothing was sent.
pub(super) enum NotSent {
    Unsigned(SignError),
    Tried(NotTried),
}

impl Words {
    /// What says nothing of any resource: nobody has to give leave.
    fn of(body: &Arc<[u8]>, rendering: Option<Rendering>) -> Self {
        Self { body: Bytes::copy_from_slice(body), rendering, gate: None, told: None }
    }

    fn media_type(&self) -> &'static str {
        self.rendering.map_or(Syntax::JsonLd.media_type(), Rendering::media_type)
    }

    fn short(&self) -> Option<Bytes> {
        minimal(&self.body, self.rendering?).map(Bytes::from)
    }
}

fn allowed(permit: Permit) -> Result<Arc<dyn Gate>, Step> {
    match permit {
        Permit::Granted(gate) => Ok(gate),
        Permit::Withheld(removal) => Err(Step::Withheld(removal)),
        Permit::Unavailable => Err(Step::Later(LATER)),
    }
}

/// What is said, in short if it is too much; none if that is too much still.
fn fitting(words: &Words, most: usize) -> Option<Bytes> {
    if words.body.len() <= most {
        return Some(words.body.clone());
    }
    words.short().filter(|short| short.len() <= most)
}

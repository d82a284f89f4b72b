//! One attempt at one delivery: leave, words, signature, request, and what follows.
//!
//! Leave is asked before each attempt, and holds for each system call of it: if the rules change on the way, nothing more
//! is sent, and leave is asked anew. What was not sent at all is no attempt, and costs the delivery none of its ten.

use super::{
    Attempt, Delivery, Done, Kind, Outcome, Outgoing, Parcel, Permit, QueueError, Removal, SignError,
    courier::Inner,
    outcome::{Follows, NotTried, Receiver, Strain, outcome, retry_after},
    schedule::{self, after},
    settings::Metrics,
};
use bytes::Bytes;
use podbell_egress::{FetchError, Gate, parse};
use podbell_hub::{About, Encoded, Position, Push, Told};
use podbell_model::Timestamp;
use podbell_wire::{Rendering, Syntax, message::minimal};
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep, timeout};

/// How often leave is asked anew at once when the rules changed on the way.
const LEAVES: usize = 4;
/// How long to wait after that, and when too much goes on.
const SOON: Duration = Duration::from_secs(1);
/// How long to wait when the rules or the keys cannot be read.
const LATER: Duration = Duration::from_secs(5);
/// How long to wait at first when the queue fails, and at most.
const QUEUE_PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));
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
struct Words {
    body: Bytes,
    syntax: Syntax,
    gate: Option<Arc<dyn Gate>>,
    /// What the receiver knows once it has it.
    told: Option<Told>,
}

/// What came of it.
enum Step {
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
    fn target<'a>(&self, push: &'a Push) -> Option<&'a Arc<str>> {
        match self.kind {
            Kind::Lifecycle { .. } => push.lifecycle.as_ref(),
            _ => Some(&push.send_to),
        }
    }

    /// Whether it goes to the receiver of the channel's notifications.
    fn to_receiver(&self) -> bool {
        self.channel.push.as_ref().is_some_and(|push| self.target(push) == Some(&push.send_to))
    }

    fn receiver(&self) -> Receiver {
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
                && let Some(short) = minimal(&body, words.syntax).filter(|short| short.len() < body.len())
            {
                body = short.into();
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
        let syntax = match Rendering::from_code(channel.rendering.0) {
            Some(Rendering::Solid { syntax, .. }) => syntax,
            _ => Syntax::JsonLd,
        };
        match &delivery.kind {
            Kind::Change { about, body, position } => {
                let gate = self.leave(delivery, about).await?;
                let told = channel.state.is_some().then_some(Told::Change(*position));
                Ok(Words { body: self.sealed(delivery, body, *position), syntax, gate: Some(gate), told })
            }
            Kind::State { about } => {
                let gate = self.leave(delivery, about).await?;
                let shown = self.rules.standing(channel, about, delivery.message).await;
                let shown = shown.map_err(|_| Step::Later(LATER))?.ok_or(Step::Withheld(None))?;
                let body = self.sealed(delivery, &shown.body, shown.position);
                Ok(Words { body, syntax, gate: Some(gate), told: Some(Told::State(shown.state)) })
            }
            Kind::Ping { body } => {
                let gate = allowed(self.rules.leave_to_speak(channel).await)?;
                Ok(Words { gate: Some(gate), ..Words::of(body, syntax) })
            }
            // The last one outlives its channel, and goes with it otherwise.
            Kind::Lifecycle { body } => Ok(Words::of(body, syntax)),
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
    async fn send(
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
        let (content_type, message) = (words.syntax.media_type(), delivery.message);
        let parcel = Parcel { target: &url, content_type, body, message, secrets: &push.secrets, keys };
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

    async fn conclude(&self, delivery: &Delivery, step: Step) {
        match step {
            Step::Tried { attempt, asked, told } => {
                report(delivery, &attempt);
                match attempt.outcome.follows(delivery.receiver()) {
                    Follows::Delivered => self.delivered(delivery, &attempt, told).await,
                    Follows::Gone if delivery.to_receiver() => self.gone(delivery, &attempt).await,
                    Follows::Gone => self.dead(delivery, &attempt).await,
                    Follows::Smaller | Follows::Failed => self.failed(delivery, &attempt, asked).await,
                }
            }
            Step::Unsendable(attempt) => {
                report(delivery, &attempt);
                self.dead(delivery, &attempt).await;
            }
            Step::Withheld(removal) => {
                Metrics::add(&self.metrics.withheld);
                if let Some(removal) = removal {
                    self.keep_on(|| async { self.end(&delivery.channel, removal, true).await.map(drop) }).await;
                }
                self.finish(delivery, None, Done::Withheld).await;
            }
            Step::Later(wait) => self.finish(delivery, None, Done::Again(after((self.clock)(), wait))).await,
        }
    }

    async fn delivered(&self, delivery: &Delivery, attempt: &Attempt, told: Option<Told>) {
        Metrics::add(&self.metrics.acknowledged);
        let channel = &delivery.channel;
        if let Some(told) = told {
            // Before it is forgotten: the other way round, a receiver could know what is not kept as known.
            self.keep_on(|| async { self.rules.told(channel, &told).await.map_err(|error| QueueError(error.0)) }).await;
        }
        self.finish(delivery, Some(attempt), Done::Acknowledged).await;
        if let Kind::Ping { .. } = delivery.kind {
            // It works again, if it did not.
            self.keep_on(|| self.queue.enable(channel.id, (self.clock)())).await;
        }
    }

    /// The receiver said that it is gone, and is told nothing more.
    async fn gone(&self, delivery: &Delivery, attempt: &Attempt) {
        let channel = &delivery.channel;
        if let Permit::Unavailable = self.rules.leave_to_speak(channel).await {
            // The receiver moved meanwhile: that it is gone from here says nothing of where it is.
            return self.failed(delivery, attempt, None).await;
        }
        Metrics::add(&self.metrics.failed);
        let elsewhere = channel.push.as_ref().is_some_and(|push| push.lifecycle.as_ref() != Some(&push.send_to));
        self.keep_on(|| async { self.end(channel, Removal::Gone, elsewhere).await.map(drop) }).await;
        self.finish(delivery, Some(attempt), Done::Withheld).await;
    }

    async fn failed(&self, delivery: &Delivery, attempt: &Attempt, asked: Option<Duration>) {
        let failures = delivery.attempts.saturating_add(1);
        let next = schedule::next(failures, delivery.owed, (self.clock)(), asked, (self.random)());
        match (next, &delivery.kind) {
            (None, _) => self.dead(delivery, attempt).await,
            // Whoever asked for it looks at this attempt; the next one would come when nobody looks.
            (Some(_), Kind::Ping { .. }) => {
                Metrics::add(&self.metrics.failed);
                self.finish(delivery, Some(attempt), Done::Withheld).await;
            }
            (Some(next), _) => {
                Metrics::add(&self.metrics.failed);
                self.finish(delivery, Some(attempt), Done::Again(next)).await;
            }
        }
        if delivery.to_receiver() {
            self.keep_on(|| self.give_up_on(&delivery.channel)).await;
        }
    }

    async fn dead(&self, delivery: &Delivery, attempt: &Attempt) {
        Metrics::add(&self.metrics.failed);
        Metrics::add(&self.metrics.dead);
        self.finish(delivery, Some(attempt), Done::Dead).await;
    }

    async fn finish(&self, delivery: &Delivery, attempt: Option<&Attempt>, done: Done) {
        self.keep_on(|| self.queue.finish(delivery.id, attempt, &done)).await;
    }

    /// Does what is to be done in the queue until it succeeds. As long as it does not, the delivery keeps its place, so
    /// that it is not sent again, and less and less is begun.
    async fn keep_on<F>(&self, mut work: impl FnMut() -> F + Send)
    where
        F: Future<Output = Result<(), QueueError>> + Send,
    {
        let (mut pause, most) = QUEUE_PAUSE;
        while let Err(error) = work().await {
            tracing::error!(error = &error as &dyn std::error::Error, "the queue failed");
            sleep(pause).await;
            pause = (pause * 2).min(most);
        }
    }
}

/// Why nothing was sent.
enum NotSent {
    Unsigned(SignError),
    Tried(NotTried),
}

impl Words {
    /// What says nothing of any resource: nobody has to give leave.
    fn of(body: &Arc<[u8]>, syntax: Syntax) -> Self {
        Self { body: Bytes::copy_from_slice(body), syntax, gate: None, told: None }
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
    minimal(&words.body, words.syntax).map(Bytes::from).filter(|short| short.len() <= most)
}

fn report(delivery: &Delivery, attempt: &Attempt) {
    let (channel, message, number) = (delivery.channel.id.0, delivery.message, delivery.attempts.saturating_add(1));
    let (outcome, status) = (attempt.outcome.word(), attempt.outcome.status());
    let host = delivery.channel.push.as_ref().and_then(|push| delivery.target(push)).and_then(|url| parse(url).ok());
    let host = host.as_ref().and_then(|url| url.host_str());
    tracing::debug!(%channel, %message, host, attempt = number, outcome, status, "message {message}: {outcome}");
}

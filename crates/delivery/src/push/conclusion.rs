//! What follows from an attempt: what the queue is told, and what becomes of the channel.
//!
//! The queue is told until it takes it: a delivery keeps its place as long, so that nothing is sent again, and less and
//! less is begun.

use super::{
    Attempt, Delivery, Done, Kind, Lane, Permit, QueueError, Removal,
    attempt::Step,
    courier::Inner,
    outcome::Follows,
    schedule::{self, after},
    settings::Metrics,
};
use podbell_hub::Told;
use std::time::Duration;
use tokio::time::sleep;

/// How long to wait at first when the queue fails, and at most.
const QUEUE_PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));

impl Inner {
    /// Notes what came of an attempt, and does what follows.
    pub(super) async fn conclude(&self, delivery: &Delivery, step: Step) {
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

    /// Notes what came of an attempt at several changes in one request: of all of them at once, and each keeps its own
    /// count. As they failed together they come back together.
    pub(super) async fn conclude_together(&self, batch: &[Delivery], attempt: &Attempt, asked: Option<Duration>) {
        let [lead, ..] = batch else { return };
        for delivery in batch {
            report(delivery, attempt);
        }
        let (now, random) = ((self.clock)(), (self.random)());
        let failed = |delivery: &Delivery| {
            let next = schedule::next(delivery.attempts.saturating_add(1), delivery.owed, now, asked, random);
            next.map_or(Done::Dead, Done::Again)
        };
        let delivered = match attempt.outcome.follows(lead.receiver()) {
            Follows::Delivered => true,
            Follows::Gone => {
                // With its channel goes all that it is owed; unless the receiver moved, then each is tried again.
                for delivery in batch {
                    self.gone(delivery, attempt).await;
                }
                return;
            }
            Follows::Smaller | Follows::Failed => false,
        };
        let done = |delivery: &Delivery| if delivered { Done::Acknowledged } else { failed(delivery) };
        let done: Vec<_> = batch.iter().map(|delivery| (delivery.id, done(delivery))).collect();
        for (_, done) in &done {
            Metrics::add(if delivered { &self.metrics.acknowledged } else { &self.metrics.failed });
            if *done == Done::Dead {
                Metrics::add(&self.metrics.dead);
            }
        }
        for delivery in batch.iter().filter(|_| delivered) {
            self.count(delivery);
        }
        self.keep_on(|| self.queue.finish_together(&done, attempt)).await;
        if !delivered {
            self.keep_on(|| self.give_up_on(&lead.channel)).await;
        }
    }

    async fn delivered(&self, delivery: &Delivery, attempt: &Attempt, told: Option<Told>) {
        Metrics::add(&self.metrics.acknowledged);
        self.count(delivery);
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

    /// Counts what was acknowledged, where the owner of the storage that it tells of may see it.
    fn count(&self, delivery: &Delivery) {
        if let Some(about) = delivery.about() {
            self.traffic.delivered(about.topic.storage, 1, (self.clock)());
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

    /// Says in the queue what a delivery came to.
    pub(super) async fn finish(&self, delivery: &Delivery, attempt: Option<&Attempt>, done: Done) {
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

fn report(delivery: &Delivery, attempt: &Attempt) {
    let (channel, message, number) = (delivery.channel.id.0, delivery.message, delivery.attempts.saturating_add(1));
    let (outcome, status) = (attempt.outcome.word(), attempt.outcome.status());
    // Paths of receivers may be secret, as capabilities are.
    let lane = delivery.channel.push.as_ref().and_then(|push| delivery.target(push)).map(|url| Lane::of(url));
    let lane = lane.as_ref().map_or("", |lane| &*lane.0);
    let with = status.map(|status| format!(" with {status}")).unwrap_or_default();
    tracing::debug!(
        channel.id = %channel,
        message.id = %message,
        receiver.lane = lane,
        attempt.number = number,
        attempt.outcome = outcome,
        attempt.status = status,
        "attempt {number} at message {message} of channel {channel}, to {lane}: {outcome}{with}"
    );
}

//! The durable queue of what is pushed, and what channels that push are owed.
//!
//! Only the oldest delivery about each object of a channel, the head, is ever due, so that one that is retried holds up
//! what is younger about the same object and nothing else. A channel that waits for nothing is rows, and is in no index
//! that is looked through.

mod again;
mod along;
mod dead;
mod entering;
mod farewell;
mod finishing;
mod heads;
mod health;
mod owing;
mod pace;
pub(crate) mod receivers;
mod rows;
mod taking;
mod under_way;

pub(crate) use dead::sweep;
pub(crate) use owing::{any, derived};
pub(crate) use under_way::UnderWay;

use crate::{Sqlite, error, error::EngineError, step::Step};
use podbell_delivery::push::{
    Attempt, DeadLetter, Delivery, DeliveryId, Done, Health, Kind, Lane, Queue, QueueError, Reason, Wanted,
};
use podbell_hub::{Channel, ChannelId, ChannelLimits, InsertError, Secret};
use podbell_model::{Timestamp, Uuid};
use rusqlite::Connection;
use std::sync::Arc;

impl Sqlite {
    async fn asked<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, QueueError> {
        self.readers.read(question).await.map_err(error::queue)
    }

    async fn done<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Step<'_>) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, QueueError> {
        self.writer.write(work).await.map_err(error::queue)
    }
}

#[async_trait::async_trait]
impl Queue for Sqlite {
    async fn lanes(&self, now: Timestamp) -> Result<(Vec<Lane>, Option<Timestamp>), QueueError> {
        self.asked(move |db| Ok(taking::lanes(db, now)?)).await
    }

    async fn take(
        &self,
        lane: &Lane,
        now: Timestamp,
        limit: usize,
        under_way: &[DeliveryId],
    ) -> Result<Vec<Delivery>, QueueError> {
        let (lane, under_way, registry) = (lane.clone(), under_way.to_vec(), Arc::clone(&self.under_way));
        let take = move |db: &_| {
            let chosen = registry.take(&lane, under_way, |spoken| taking::choose(db, &lane, now, limit, spoken))?;
            taking::deliveries(db, &chosen)
        };
        self.asked(take).await
    }

    async fn take_along(
        &self,
        lane: &Lane,
        lead: &Delivery,
        now: Timestamp,
        limit: usize,
        under_way: &[DeliveryId],
    ) -> Result<Vec<Delivery>, QueueError> {
        let (lane, lead, under_way) = (lane.clone(), lead.id.0, under_way.to_vec());
        let registry = Arc::clone(&self.under_way);
        let take = move |db: &_| {
            let chosen =
                registry.take(&lane, under_way, |spoken| along::choose(db, &lane, lead, now, limit, spoken))?;
            taking::deliveries(db, &chosen)
        };
        self.asked(take).await
    }

    async fn finish_together(&self, done: &[(DeliveryId, Done)], attempt: &Attempt) -> Result<(), QueueError> {
        let (attempt, done, registry) = (attempt.clone(), done.to_vec(), Arc::clone(&self.under_way));
        self.done(move |step| {
            for (id, done) in &done {
                registry.give_back(id.0);
                finishing::finish(step.db, *id, Some(&attempt), done)?;
            }
            Ok(())
        })
        .await
    }

    async fn finish(&self, id: DeliveryId, attempt: Option<&Attempt>, done: &Done) -> Result<(), QueueError> {
        let (attempt, done, registry) = (attempt.cloned(), done.clone(), Arc::clone(&self.under_way));
        self.done(move |step| {
            registry.give_back(id.0);
            finishing::finish(step.db, id, attempt.as_ref(), &done)
        })
        .await
    }

    async fn add(&self, channel: ChannelId, message: Uuid, kind: &Kind, now: Timestamp) -> Result<(), QueueError> {
        let kind = kind.clone();
        self.done(move |step| farewell::add(step.db, channel, message, &kind, now)).await
    }

    async fn disable(&self, channel: ChannelId, reason: Reason, now: Timestamp) -> Result<(), QueueError> {
        self.done(move |step| health::disable(step.db, channel, reason, now)).await
    }

    async fn enable(&self, channel: ChannelId, now: Timestamp) -> Result<(), QueueError> {
        self.done(move |step| health::enable(step.db, channel, now)).await
    }

    async fn remove(
        &self,
        channel: ChannelId,
        farewell: Option<(Uuid, Arc<[u8]>)>,
        now: Timestamp,
    ) -> Result<bool, QueueError> {
        self.done(move |step| farewell::remove(step.db, channel, farewell, now)).await
    }

    async fn health(&self, channel: ChannelId) -> Result<Option<Health>, QueueError> {
        self.asked(move |db| Ok(health::read(db, channel)?)).await
    }

    async fn attempts(&self, channel: ChannelId, limit: usize) -> Result<Vec<(Uuid, Attempt)>, QueueError> {
        self.asked(move |db| Ok(finishing::attempts(db, channel, limit)?)).await
    }

    async fn dead_letters(
        &self,
        channel: ChannelId,
        after: Option<DeliveryId>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, QueueError> {
        self.asked(move |db| Ok(dead::read(db, channel, after, limit)?)).await
    }

    async fn redeliver(&self, channel: ChannelId, wanted: &Wanted, now: Timestamp) -> Result<u64, QueueError> {
        let wanted = wanted.clone();
        self.done(move |step| dead::redeliver(step.db, channel, &wanted, now)).await
    }

    async fn set_secrets(&self, channel: ChannelId, secrets: &[Secret]) -> Result<bool, QueueError> {
        let secrets = secrets.to_vec();
        self.done(move |step| receivers::set_secrets(step.db, channel, &secrets)).await
    }

    async fn redirect(&self, channel: ChannelId, send_to: &str, limits: &ChannelLimits) -> Result<bool, InsertError> {
        let (send_to, limits) = (send_to.to_owned(), limits.clone());
        let redirect = move |step: &mut Step<'_>| receivers::redirect(step.db, channel, &send_to, &limits);
        Ok(self.writer.write::<_, EngineError>(redirect).await.map_err(error::channel)??)
    }

    async fn expiring(&self, before: Timestamp, limit: usize) -> Result<Vec<Arc<Channel>>, QueueError> {
        self.done(move |step| farewell::expiring(step.db, before, limit)).await
    }

    async fn expired(&self, now: Timestamp, limit: usize) -> Result<Vec<Arc<Channel>>, QueueError> {
        self.asked(move |db| farewell::expired(db, now, limit)).await
    }

    async fn failing(&self, before: Timestamp, limit: usize) -> Result<Vec<Arc<Channel>>, QueueError> {
        self.asked(move |db| farewell::failing(db, before, limit)).await
    }

    async fn missed(&self, limit: usize) -> Result<Vec<Arc<Channel>>, QueueError> {
        self.done(move |step| farewell::missed(step.db, limit)).await
    }
}

#[cfg(test)]
mod tests {
    use crate::Options;
    use podbell_delivery::push::testing::{BOUND, Parts};
    use std::sync::Arc;

    async fn make() -> Parts {
        let store = Arc::new(crate::fresh::with(&Options { pending: BOUND, ..Options::default() }));
        Parts { channels: Arc::clone(&store) as _, owing: Arc::clone(&store) as _, queue: store }
    }

    podbell_delivery::queue_contract!(make);
}

//! A queue that lives as long as the process: for tests, and to show what a store has to do. It looks through all that it
//! has at every call.

mod looking;
mod queue;
mod state;

use crate::push::QueueError;
use parking_lot::Mutex;
use podbell_hub::{
    After, Anew, Channel, ChannelId, ChannelLimits, ChannelStore, ChannelStoreError, InsertError, Owed, Owing, Push,
    Renewal, Topic, Whose, testing::MemoryChannels,
};
use podbell_model::{Sequence, StorageId, Timestamp};
use state::{Entry, Receiver, State};
use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU64},
};

/// A store of channels and of what they are owed, in memory.
#[derive(Debug)]
pub struct MemoryQueue {
    channels: MemoryChannels,
    bound: u64,
    state: Mutex<State>,
    /// So many calls of `finish` fail.
    failing: AtomicI64,
    /// How often it was asked what is due.
    asked: AtomicU64,
}

impl MemoryQueue {
    /// Empty; a channel may be owed so much.
    pub fn new(bound: u64) -> Self {
        let (failing, asked) = Default::default();
        Self { channels: MemoryChannels::default(), bound, state: Mutex::default(), failing, asked }
    }

    /// Forgets what is owed to channels that are gone, and about topics that they have lost.
    async fn tidy(&self) {
        let known: Vec<ChannelId> = self.state.lock().receivers.keys().copied().collect();
        for id in known {
            let kept = self.channels.get(id).await.ok().flatten();
            let mut state = self.state.lock();
            if state.receivers.get(&id).is_some_and(|receiver| Some(&*receiver.channel) == kept.as_ref()) {
                continue;
            }
            if let Some(channel) = kept {
                let lost = |entry: &Entry| entry.topic().is_some_and(|topic| !channel.topics.contains(topic));
                state.entries.retain(|_, entry| entry.channel != id || !lost(entry));
                if let Some(receiver) = state.receivers.get_mut(&id) {
                    receiver.change(channel);
                }
            } else {
                state.entries.retain(|_, entry| entry.channel != id || entry.gone.is_some());
                state.receivers.remove(&id);
            }
        }
    }

    async fn change(&self, id: ChannelId, change: impl FnOnce(&mut Push)) -> Result<bool, QueueError> {
        let failed = |error: ChannelStoreError| QueueError(Box::new(error));
        let Some(mut channel) = self.channels.get(id).await.map_err(failed)? else { return Ok(false) };
        let Some(push) = channel.push.as_deref() else { return Ok(false) };
        let mut push = push.clone();
        change(&mut push);
        channel.push = Some(Arc::new(push));
        self.channels.keep(channel);
        Ok(true)
    }

    async fn ending(&self, chosen: impl Fn(&Receiver, Timestamp) -> bool, limit: usize) -> Vec<ChannelId> {
        self.tidy().await;
        let state = self.state.lock();
        let wants = |receiver: &Receiver| receiver.channel.push.as_ref().is_some_and(|push| push.lifecycle.is_some());
        let ends = |receiver: &Receiver| receiver.channel.end_at.is_some_and(|end| chosen(receiver, end));
        let found = state.receivers.iter().filter(|(_, receiver)| wants(receiver) && ends(receiver));
        found.map(|(id, _)| *id).take(limit).collect()
    }
}

#[async_trait::async_trait]
impl Owing for MemoryQueue {
    async fn derived(&self) -> Result<Sequence, ChannelStoreError> {
        Ok(self.state.lock().derived)
    }

    async fn any(&self) -> Result<bool, ChannelStoreError> {
        self.tidy().await;
        Ok(!self.state.lock().receivers.is_empty())
    }

    async fn candidates(&self, at: &[Topic], above: &[Topic]) -> Result<Vec<Arc<Channel>>, ChannelStoreError> {
        self.tidy().await;
        let state = self.state.lock();
        let concerned = |receiver: &&Receiver| {
            let channel = &receiver.channel;
            let above = channel.recursive && channel.topics.iter().any(|topic| above.contains(topic));
            receiver.health.disabled.is_none() && (above || channel.topics.iter().any(|topic| at.contains(topic)))
        };
        Ok(state.receivers.values().filter(concerned).map(|receiver| Arc::clone(&receiver.channel)).collect())
    }

    async fn owe(&self, owed: Vec<Owed>, through: Option<Sequence>) -> Result<(), ChannelStoreError> {
        self.tidy().await;
        let mut state = self.state.lock();
        for owed in owed {
            state.owe(owed, self.bound);
        }
        state.derived = state.derived.max(through.unwrap_or_default());
        Ok(())
    }

    async fn owe_again(&self, owed: Vec<Owed>) -> Result<Anew, ChannelStoreError> {
        self.tidy().await;
        Ok(self.state.lock().owe_again(owed, self.bound))
    }

    async fn missed(
        &self,
        storage: Option<StorageId>,
        before: Sequence,
        through: Option<Sequence>,
    ) -> Result<(), ChannelStoreError> {
        self.tidy().await;
        let mut state = self.state.lock();
        for receiver in state.receivers.values_mut() {
            let channel = &receiver.channel;
            let there = |storage| channel.topics.iter().any(|topic| topic.storage == storage);
            if channel.push.as_ref().is_some_and(|push| push.since < before) && storage.is_none_or(there) {
                receiver.health.missed += 1;
            }
        }
        state.derived = state.derived.max(through.unwrap_or_default());
        Ok(())
    }
}

#[async_trait::async_trait]
impl ChannelStore for MemoryQueue {
    async fn insert(&self, channel: &Channel, limits: &ChannelLimits) -> Result<(), InsertError> {
        self.channels.insert(channel, limits).await?;
        if channel.push.is_some() {
            self.state.lock().receivers.insert(channel.id, Receiver::new(channel.clone()));
        }
        Ok(())
    }

    async fn get(&self, id: ChannelId) -> Result<Option<Channel>, ChannelStoreError> {
        self.channels.get(id).await
    }

    async fn by_capability(&self, hash: &[u8; 32]) -> Result<Option<Channel>, ChannelStoreError> {
        self.channels.by_capability(hash).await
    }

    async fn page(&self, whose: &Whose, after: Option<After>, limit: usize) -> Result<Vec<Channel>, ChannelStoreError> {
        self.channels.page(whose, after, limit).await
    }

    async fn renew(&self, id: ChannelId, renewal: &Renewal) -> Result<bool, ChannelStoreError> {
        self.channels.renew(id, renewal).await
    }

    async fn narrow(&self, id: ChannelId, topics: &[Topic]) -> Result<bool, ChannelStoreError> {
        self.channels.narrow(id, topics).await
    }

    async fn use_capability(&self, id: ChannelId) -> Result<bool, ChannelStoreError> {
        self.channels.use_capability(id).await
    }

    async fn come_back(&self, id: ChannelId) -> Result<bool, ChannelStoreError> {
        self.channels.come_back(id).await
    }

    async fn strand(&self, now: Timestamp) -> Result<(), ChannelStoreError> {
        self.channels.strand(now).await
    }

    async fn advance_state(&self, id: ChannelId, state: Option<&str>) -> Result<(), ChannelStoreError> {
        self.channels.advance_state(id, state).await
    }

    async fn remove(&self, id: ChannelId) -> Result<bool, ChannelStoreError> {
        self.channels.remove(id).await
    }

    async fn sweep(&self, now: Timestamp) -> Result<Vec<ChannelId>, ChannelStoreError> {
        // Those that want to be told of their end stay for whoever tells them.
        let waiting = self.ending(|_, end| end <= now, usize::MAX).await;
        let mut kept = Vec::new();
        for id in waiting {
            kept.extend(self.channels.get(id).await?);
        }
        let mut swept = self.channels.sweep(now).await?;
        for channel in kept {
            swept.retain(|id| *id != channel.id);
            self.channels.keep(channel);
        }
        Ok(swept)
    }
}

#[cfg(test)]
mod tests {
    use super::MemoryQueue;
    use crate::push::testing::{BOUND, Parts};
    use std::sync::Arc;

    async fn make() -> Parts {
        let queue = Arc::new(MemoryQueue::new(BOUND));
        Parts { channels: Arc::clone(&queue) as _, owing: Arc::clone(&queue) as _, queue }
    }

    crate::queue_contract!(make);
}

//! Channels that live as long as the process: for tests, and to show what a store has to do.

use crate::{After, Channel, ChannelId, ChannelStore, ChannelStoreError, Renewal, Topic, Whose};
use parking_lot::Mutex;
use podbell_model::{Subject, Timestamp};
use std::collections::HashMap;

/// A channel store in memory.
#[derive(Debug, Default)]
pub struct MemoryChannels {
    kept: Mutex<HashMap<ChannelId, Kept>>,
}

#[derive(Debug)]
struct Kept {
    channel: Channel,
    uses: u32,
}

#[async_trait::async_trait]
impl ChannelStore for MemoryChannels {
    async fn insert(&self, channel: &Channel) -> Result<(), ChannelStoreError> {
        self.kept.lock().insert(channel.id, Kept { channel: channel.clone(), uses: 0 });
        Ok(())
    }

    async fn get(&self, id: ChannelId) -> Result<Option<Channel>, ChannelStoreError> {
        Ok(self.kept.lock().get(&id).map(|kept| kept.channel.clone()))
    }

    async fn by_capability(&self, hash: &[u8; 32]) -> Result<Option<Channel>, ChannelStoreError> {
        let kept = self.kept.lock();
        Ok(kept.values().find(|kept| kept.channel.capability.as_ref() == Some(hash)).map(|kept| kept.channel.clone()))
    }

    async fn page(&self, whose: &Whose, after: Option<After>, limit: usize) -> Result<Vec<Channel>, ChannelStoreError> {
        let kept = self.kept.lock();
        let theirs = |channel: &&Channel| match whose {
            Whose::Agent(webid) => channel.subject.webid.as_ref() == Some(webid),
            Whose::Storage(storage) => channel.topics.iter().any(|topic| topic.storage == *storage),
        };
        let behind = |channel: &&Channel| after.is_none_or(|after| (channel.created, channel.id) > after);
        let mut channels: Vec<_> =
            kept.values().map(|kept| &kept.channel).filter(theirs).filter(behind).cloned().collect();
        channels.sort_by_key(|channel| (channel.created, channel.id));
        channels.truncate(limit);
        Ok(channels)
    }

    async fn renew(&self, id: ChannelId, renewal: &Renewal) -> Result<bool, ChannelStoreError> {
        let mut kept = self.kept.lock();
        let Some(kept) = kept.get_mut(&id) else { return Ok(false) };
        renewal.apply(&mut kept.channel);
        Ok(true)
    }

    async fn narrow(&self, id: ChannelId, topics: &[Topic]) -> Result<(), ChannelStoreError> {
        if let Some(kept) = self.kept.lock().get_mut(&id) {
            // Those only: two that overtake each other leave what both keep.
            kept.channel.topics = kept.channel.topics.iter().filter(|kept| topics.contains(kept)).cloned().collect();
        }
        Ok(())
    }

    async fn use_capability(&self, id: ChannelId) -> Result<bool, ChannelStoreError> {
        let mut kept = self.kept.lock();
        let Some(kept) = kept.get_mut(&id) else { return Ok(false) };
        if kept.channel.connections.total.is_some_and(|total| kept.uses >= total) {
            return Ok(false);
        }
        kept.uses = kept.uses.saturating_add(1);
        Ok(true)
    }

    async fn advance_state(&self, id: ChannelId, state: Option<&str>) -> Result<(), ChannelStoreError> {
        if let Some(kept) = self.kept.lock().get_mut(&id) {
            kept.channel.state = state.map(Into::into);
        }
        Ok(())
    }

    async fn remove(&self, id: ChannelId) -> Result<bool, ChannelStoreError> {
        Ok(self.kept.lock().remove(&id).is_some())
    }

    async fn sweep(&self, now: Timestamp) -> Result<Vec<ChannelId>, ChannelStoreError> {
        let mut kept = self.kept.lock();
        let over = |kept: &Kept| {
            let unused = kept.uses == 0 && kept.channel.connect_by.is_some_and(|by| by <= now);
            unused || kept.channel.end_at.is_some_and(|end| end <= now)
        };
        let ended: Vec<_> = kept.iter().filter(|(_, kept)| over(kept)).map(|(id, _)| *id).collect();
        for id in &ended {
            kept.remove(id);
        }
        Ok(ended)
    }

    async fn count(&self, subject: &Subject) -> Result<u64, ChannelStoreError> {
        let kept = self.kept.lock();
        let same =
            |kept: &&Kept| kept.channel.subject.webid == subject.webid && kept.channel.subject.client == subject.client;
        Ok(kept.values().filter(same).count() as u64)
    }
}

#[cfg(test)]
mod tests {
    async fn make() -> super::MemoryChannels {
        super::MemoryChannels::default()
    }

    crate::channel_store_contract!(make);
}

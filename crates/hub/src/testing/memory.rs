//! Channels that live as long as the process: for tests, and to show what a store has to do.

use crate::{
    After, Channel, ChannelId, ChannelLimits, ChannelStore, ChannelStoreError, Crowd, InsertError, Push, Renewal,
    Topic, Whose,
};
use parking_lot::Mutex;
use podbell_model::{Sequence, Timestamp};
use std::collections::HashMap;
use tokio::sync::watch;

/// A channel store in memory.
#[derive(Debug, Default)]
pub struct MemoryChannels {
    kept: Mutex<HashMap<ChannelId, Kept>>,
    /// The head of the log, for [`Push::since`](crate::Push::since).
    head: Option<watch::Receiver<Sequence>>,
}

#[derive(Debug)]
struct Kept {
    channel: Channel,
    uses: u32,
    stranded: Option<Timestamp>,
}

impl MemoryChannels {
    /// Channels that push are told nothing of what is committed by then: the head of this log.
    pub fn following(head: watch::Receiver<Sequence>) -> Self {
        Self { head: Some(head), ..Self::default() }
    }

    /// Keeps a channel, in the place of what it was and however many there are.
    pub fn keep(&self, channel: Channel) {
        self.kept.lock().insert(channel.id, Kept { channel, uses: 0, stranded: None });
    }

    /// All of them, in any order.
    pub fn all(&self) -> Vec<Channel> {
        self.kept.lock().values().map(|kept| kept.channel.clone()).collect()
    }
}

#[async_trait::async_trait]
impl ChannelStore for MemoryChannels {
    async fn insert(&self, channel: &Channel, limits: &ChannelLimits) -> Result<(), InsertError> {
        let mut kept = self.kept.lock();
        let count = |crowd: &Crowd, _| {
            if *crowd == Crowd::Targets {
                return Ok(targets(kept.values().map(|kept| &kept.channel), channel));
            }
            let among = |kept: &&Kept| belongs(&kept.channel, channel, crowd);
            let topics = matches!(crowd, Crowd::TopicsOfAgent | Crowd::TopicsOfNetwork);
            let each = |kept: &Kept| if topics { kept.channel.topics.len() } else { 1 };
            Ok::<_, ChannelStoreError>(kept.values().filter(among).map(each).sum::<usize>() as u64)
        };
        limits.admit(channel, count)??;
        let mut channel = channel.clone();
        if let (Some(push), Some(head)) = (&channel.push, &self.head) {
            channel.push = Some(Push { since: *head.borrow(), ..(**push).clone() }.into());
        }
        kept.insert(channel.id, Kept { channel, uses: 0, stranded: None });
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

    async fn narrow(&self, id: ChannelId, topics: &[Topic]) -> Result<bool, ChannelStoreError> {
        let mut channels = self.kept.lock();
        let Some(kept) = channels.get_mut(&id) else { return Ok(false) };
        // Those only: two that overtake each other leave what both keep.
        let left: std::sync::Arc<[Topic]> =
            kept.channel.topics.iter().filter(|kept| topics.contains(kept)).cloned().collect();
        if !left.is_empty() {
            kept.channel.topics = left;
            return Ok(true);
        }
        if kept.channel.push.is_none() {
            channels.remove(&id);
        }
        Ok(false)
    }

    async fn use_capability(&self, id: ChannelId) -> Result<bool, ChannelStoreError> {
        let mut kept = self.kept.lock();
        let Some(kept) = kept.get_mut(&id) else { return Ok(false) };
        if kept.channel.connections.total.is_some_and(|total| kept.uses >= total) {
            return Ok(false);
        }
        (kept.uses, kept.stranded) = (kept.uses.saturating_add(1), None);
        Ok(true)
    }

    async fn come_back(&self, id: ChannelId) -> Result<bool, ChannelStoreError> {
        let mut kept = self.kept.lock();
        let Some(kept) = kept.get_mut(&id).filter(|kept| kept.uses > 0) else { return Ok(false) };
        kept.stranded = None;
        Ok(kept.channel.linger.is_some_and(|linger| !linger.is_zero()))
    }

    async fn strand(&self, now: Timestamp) -> Result<(), ChannelStoreError> {
        for kept in self.kept.lock().values_mut().filter(|kept| kept.uses > 0) {
            kept.stranded = kept.channel.linger.map(|linger| now.saturating_add(linger).unwrap_or(Timestamp::MAX));
        }
        Ok(())
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
            let stranded = kept.stranded.is_some_and(|until| until <= now);
            unused || stranded || kept.channel.end_at.is_some_and(|end| end <= now)
        };
        let ended: Vec<_> = kept.iter().filter(|(_, kept)| over(kept)).map(|(id, _)| *id).collect();
        for id in &ended {
            kept.remove(id);
        }
        Ok(ended)
    }
}

/// Whether a channel is in that crowd of another one's.
fn belongs(channel: &Channel, other: &Channel, crowd: &Crowd) -> bool {
    let (one, two) = (&channel.subject, &other.subject);
    match crowd {
        Crowd::Client => one.webid == two.webid && one.client == two.client,
        Crowd::Agent | Crowd::TopicsOfAgent => one.webid == two.webid,
        Crowd::Public => one.webid.is_none(),
        Crowd::Network | Crowd::TopicsOfNetwork => channel.network == other.network,
        Crowd::Topic(resource) => channel.topics.iter().any(|topic| topic.resource == *resource),
        Crowd::Pushed(resource) => {
            let about = channel.topics.iter().any(|topic| topic.resource == *resource);
            about && channel.push.is_some() && one.webid == two.webid
        }
        Crowd::Targets => false,
    }
}

/// How many hosts the channels of an agent push to, but for that of one.
fn targets<'a>(channels: impl Iterator<Item = &'a Channel>, but: &Channel) -> u64 {
    let host = |channel: &Channel| {
        let push = channel.push.as_ref()?;
        Some(push.send_to.split('/').take(3).collect::<Vec<_>>().join("/"))
    };
    let theirs = channels.filter(|channel| channel.subject.webid == but.subject.webid).filter_map(host);
    theirs.filter(|found| Some(found) != host(but).as_ref()).collect::<std::collections::HashSet<_>>().len() as u64
}

#[cfg(test)]
mod tests {
    async fn make() -> super::MemoryChannels {
        super::MemoryChannels::default()
    }

    crate::channel_store_contract!(make);
}

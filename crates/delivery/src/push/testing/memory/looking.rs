//! What tests see of a queue in memory, and the trouble that they make for those who use it.

use super::{
    MemoryQueue,
    state::{Entry, Receiver},
};
use crate::push::{DeliveryId, Kind};
use podbell_hub::{Channel, ChannelId};
use podbell_model::{ResourceIri, Timestamp, Uuid};
use std::sync::{Arc, atomic::Ordering::SeqCst};

impl MemoryQueue {
    /// Owes something about an object, whatever is owed already.
    pub fn owe_one(
        &self,
        channel: &Channel,
        object: &ResourceIri,
        message: Uuid,
        kind: Kind,
        now: Timestamp,
    ) -> DeliveryId {
        let mut state = self.state.lock();
        state.push(Entry {
            channel: channel.id,
            gone: None,
            object: Some(object.clone()),
            message,
            kind,
            mergeable: false,
            attempts: 0,
            owed: now,
            due: now,
            died: None,
            last: None,
            causes: [channel.id.0].into(),
        });
        DeliveryId(state.last)
    }

    /// How many are owed, dead letters apart.
    pub fn pending(&self) -> usize {
        self.state.lock().entries.values().filter(|entry| entry.died.is_none()).count()
    }

    /// When something is due; none if it is owed no more.
    pub fn due(&self, id: DeliveryId) -> Option<Timestamp> {
        self.state.lock().entries.get(&id.0).filter(|entry| entry.died.is_none()).map(|entry| entry.due)
    }

    /// How often something was tried.
    pub fn tried(&self, id: DeliveryId) -> Option<u32> {
        self.state.lock().entries.get(&id.0).map(|entry| entry.attempts)
    }

    /// Whether there is such a channel.
    pub fn has(&self, channel: ChannelId) -> bool {
        self.state.lock().receivers.contains_key(&channel)
    }

    /// A channel has missed something.
    pub fn miss(&self, channel: ChannelId) {
        if let Some(receiver) = self.state.lock().receivers.get_mut(&channel) {
            receiver.health.missed += 1;
        }
    }

    /// So many times it cannot be noted what became of something.
    pub fn fail(&self, times: i64) {
        self.failing.store(times, SeqCst);
    }

    /// How often it was asked what is due.
    pub fn asked(&self) -> u64 {
        self.asked.load(SeqCst)
    }

    /// Keeps a channel, however many there are.
    pub fn keep(&self, channel: Channel) -> Arc<Channel> {
        self.channels.keep(channel.clone());
        let receiver = Receiver::new(channel);
        let kept = Arc::clone(&receiver.channel);
        self.state.lock().receivers.insert(kept.id, receiver);
        kept
    }
}

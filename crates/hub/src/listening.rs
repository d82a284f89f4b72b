//! Who listens now, for the owners of storages: how many connections a channel has and when something was handed to it
//! last, and what listens without being kept.
//!
//! Nothing of this is written anywhere: times begin with the process, in whole seconds. For a channel that nobody is
//! connected to the time is kept as long as there is room for it.

use crate::{Channel, ChannelId, Hub, Topic, registry::Live, shard::Shard};
use podbell_model::{StorageId, Timestamp};
use std::{collections::HashMap, sync::Arc, sync::atomic::Ordering};

/// Most times that are kept of channels that nobody is connected to, in each of two halves.
const RESTED: usize = 8_192;

/// What is known of a channel beyond what is kept of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Listening {
    /// How many connections it has.
    pub connections: usize,
    /// When something was handed to one of them last, in whole seconds.
    pub delivered: Option<Timestamp>,
}

/// What listens without being kept: a stream without a subscription, or one topic of a shared socket.
#[derive(Clone, Debug)]
pub struct Attending {
    /// As it was admitted.
    pub channel: Arc<Channel>,
    /// How it fares.
    pub listening: Listening,
}

/// When something was handed last to channels that nobody is connected to. The older half goes when the younger is full.
#[derive(Debug, Default)]
pub(crate) struct Rested {
    young: HashMap<ChannelId, Rest>,
    old: HashMap<ChannelId, Rest>,
}

/// The time counts for so many topics: it tells nothing about those that were lost since.
#[derive(Clone, Copy, Debug)]
struct Rest {
    second: u32,
    topics: u32,
}

impl Rested {
    /// A channel rests.
    pub(crate) fn keep(&mut self, channel: &Channel, second: u32) {
        if second == 0 {
            return;
        }
        if self.young.len() >= RESTED {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(channel.id, Rest { second, topics: count(channel) });
    }

    /// When something was handed to it; 0 if that is not known.
    pub(crate) fn of(&self, channel: &Channel) -> u32 {
        let rest = self.young.get(&channel.id).or_else(|| self.old.get(&channel.id));
        rest.filter(|rest| rest.topics == count(channel)).map_or(0, |rest| rest.second)
    }

    /// The same, of one that rests no more.
    pub(crate) fn take(&mut self, channel: &Channel) -> u32 {
        let second = self.of(channel);
        self.young.remove(&channel.id);
        self.old.remove(&channel.id);
        second
    }
}

fn count(channel: &Channel) -> u32 {
    u32::try_from(channel.topics.len()).unwrap_or(u32::MAX)
}

/// The second that an instant is in.
pub(crate) fn second(at: Timestamp) -> u32 {
    u32::try_from(at.as_second()).unwrap_or(0)
}

fn instant(second: u32) -> Option<Timestamp> {
    if second == 0 { None } else { Timestamp::from_second(second.into()).ok() }
}

impl Live {
    /// Something was handed to one of its connections.
    pub(crate) fn handed(&self, second: u32) {
        // Those who look come seldom, and need no order with anything else. Written once a second, however much is told.
        if self.handed.load(Ordering::Relaxed) != second {
            self.handed.store(second, Ordering::Relaxed);
        }
    }

    fn listening(&self) -> Listening {
        let delivered = instant(self.handed.load(Ordering::Relaxed));
        Listening { connections: self.connections.len(), delivered }
    }
}

impl Shard {
    /// What listens without being kept, by its name, if it does.
    pub(crate) fn attended(&self, id: ChannelId) -> Option<&Live> {
        self.by_id.get(&id).and_then(|key| self.channels.get(key)).filter(|live| !live.channel.is_kept())
    }

    /// Ends topics of what listens without being kept; false if it is gone.
    pub(crate) fn dismiss(&mut self, id: ChannelId, part: &[Topic]) -> bool {
        let there = self.attended(id).is_some();
        if there {
            self.end_part(id, part);
        }
        there
    }
}

impl Hub {
    /// How channels fare, in their order.
    pub fn listening(&self, channels: &[Channel]) -> Vec<Listening> {
        let shard = self.inner.shard.lock();
        let fares = |channel: &Channel| {
            let live = shard.by_id.get(&channel.id).and_then(|key| shard.channels.get(key));
            let resting = || Listening { connections: 0, delivered: instant(shard.rested.of(channel)) };
            live.map_or_else(resting, Live::listening)
        };
        channels.iter().map(fares).collect()
    }

    /// What listens to a storage without being kept, in the order in which it came: at most `limit` behind `after`, and
    /// where to go on if there is more. Who may look at it is the caller's to decide.
    pub fn attending(&self, storage: StorageId, after: u64, limit: usize) -> (Vec<Attending>, Option<u64>) {
        let shard = self.inner.shard.lock();
        let mut keys = shard.attending.range((storage, after.saturating_add(1))..=(storage, u64::MAX));
        let mut last = after;
        let mut found = Vec::new();
        for (_, key) in keys.by_ref().take(limit) {
            last = *key;
            if let Some(live) = shard.channels.get(key) {
                found.push(Attending { channel: Arc::clone(&live.channel), listening: live.listening() });
            }
        }
        let more = keys.next().is_some();
        (found, more.then_some(last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RenderingId;
    use podbell_model::{ResourceIri, Subject, Uuid};

    fn channel(number: u128, topics: usize) -> Channel {
        let resource = ResourceIri::parse("https://pod.example/a").unwrap();
        let topics = vec![Topic { storage: StorageId(1), resource }; topics].into();
        let subject = Arc::new(Subject::default());
        Channel::new(ChannelId(Uuid::from_u128(number)), subject, topics, RenderingId(0), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn times_of_channels_that_rest_are_kept_within_bounds_the_newest_for_certain() {
        let mut rested = Rested::default();
        for number in 1..=u32::try_from(3 * RESTED).unwrap() {
            rested.keep(&channel(number.into(), 1), number);
        }
        assert!(rested.young.len() + rested.old.len() <= 2 * RESTED);
        let known = |number: usize| rested.of(&channel(number as u128, 1));
        assert_eq!((known(1), known(3 * RESTED), known(2 * RESTED)), (0, 24_576, 16_384));
        assert_eq!(rested.take(&channel(24_576, 1)), 24_576);
        assert_eq!(rested.of(&channel(24_576, 1)), 0);
    }

    #[test]
    fn a_time_tells_nothing_of_topics_that_were_lost() {
        let mut rested = Rested::default();
        rested.keep(&channel(1, 2), 7);
        assert_eq!((rested.of(&channel(1, 2)), rested.of(&channel(1, 1))), (7, 0));
    }
}

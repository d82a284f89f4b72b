//! Channels that end with their last connection, or a while after it: until then whoever comes back finds them.
//!
//! Nothing of that is written while the process lives; what it leaves behind when it ends, the store is told when the next
//! one begins ([`ChannelStore::strand`](crate::ChannelStore::strand)).

use crate::{
    Channel, ChannelId, Ending,
    flush::after,
    shard::{Chore, Shard, Timer},
};
use podbell_model::Timestamp;
use std::{sync::Arc, time::Duration};

/// Who is on the way when the time is over is waited for so long at a time.
const ON_THE_WAY: Duration = Duration::from_secs(1);

impl Shard {
    /// A channel was connected to, and is not any more.
    pub(crate) fn was_left(&mut self, channel: &Arc<Channel>) {
        if channel.linger.is_some() {
            self.left.push(Arc::clone(channel));
        }
    }

    /// Takes care of the channels that have lost their last connection.
    pub(crate) fn settle_left(&mut self, now: Timestamp) {
        for channel in std::mem::take(&mut self.left) {
            let Some(linger) = channel.linger.filter(|_| !self.by_id.contains_key(&channel.id)) else { continue };
            if linger.is_zero() {
                self.end_left(&channel);
                continue;
            }
            let (id, until) = (channel.id, after(now, linger));
            self.stays(id);
            self.lingering.insert(id, (channel, until));
            self.at(until, Timer::Linger(id));
        }
    }

    /// Somebody is connected again.
    pub(crate) fn stays(&mut self, id: ChannelId) {
        if let Some((_, until)) = self.lingering.remove(&id) {
            self.timers.remove(&(until, Timer::Linger(id)));
        }
    }

    /// Whether a channel was connected to, and waits for who was.
    pub(crate) fn waits_for_return(&self, id: ChannelId) -> bool {
        self.lingering.contains_key(&id)
    }

    /// Nobody has come back in time.
    pub(crate) fn lapsed(&mut self, id: ChannelId, now: Timestamp) {
        let Some((channel, _)) = self.lingering.remove(&id) else { return };
        if self.seats.contains_key(&id) {
            let until = after(now, ON_THE_WAY);
            self.lingering.insert(id, (channel, until));
            return self.at(until, Timer::Linger(id));
        }
        self.end_left(&channel);
    }

    fn end_left(&mut self, channel: &Arc<Channel>) {
        if let Some(seats) = self.seats.get_mut(&channel.id) {
            seats.ended = Some(Ending::Expired);
        }
        self.ended.remember(channel);
        self.chore(Chore::Remove(channel.id));
    }

    /// Lets the connections of a channel go, for one that comes back in their place.
    pub(crate) fn make_place(&mut self, id: ChannelId) {
        let live = self.by_id.get(&id).and_then(|key| self.channels.get(key));
        for connection in live.map(|live| live.connections.clone()).unwrap_or_default() {
            self.let_go(connection, Some(Ending::Shutdown));
        }
    }
}

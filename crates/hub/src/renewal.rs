//! Looking after channels: listing them, and changing what may be changed while they live.

use crate::{
    Channel, ChannelError, ChannelId, ChannelStoreError, Filter, Hub, RenderingId,
    flush::after,
    registry::Window,
    shard::{Shard, Timer},
};
use podbell_model::{StorageId, Subject, Timestamp, WebId};
use std::{sync::Arc, time::Duration};

/// Whose channels are looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Those that an agent has made, through whatever client.
    Agent(WebId),
    /// Those with a topic in a storage.
    Storage(StorageId),
}

/// Where in a list the next page begins: behind the channel made then, with that id.
pub type After = (Timestamp, ChannelId);

/// What may be changed of a channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Renewal {
    /// When it ends.
    pub end_at: Option<Timestamp>,
    /// Least time between two notifications about one topic.
    pub rate: Option<Duration>,
    /// How its notifications are written.
    pub rendering: Option<RenderingId>,
    /// Which of the changes it hears.
    pub filter: Option<Filter>,
}

impl Hub {
    /// Channels, oldest first, at most `limit` of them, and where the next page begins if there may be one. Who may look
    /// at them is the caller's to decide.
    pub async fn channels(
        &self,
        whose: &Whose,
        after: Option<After>,
        limit: usize,
    ) -> Result<(Vec<Channel>, Option<After>), ChannelStoreError> {
        let now = (self.inner.clock)();
        let mut channels = self.inner.channels.page(whose, after, limit).await?;
        let last = channels.last().filter(|_| channels.len() == limit).map(|last| (last.created, last.id));
        // The store may not have forgotten those that have ended.
        self.inner.with(|shard, _| {
            channels.retain(|channel| {
                channel.end_at.is_none_or(|end| end > now) && shard.ended.by_id(channel.id).is_none()
            });
        });
        Ok((channels, last))
    }

    /// Changes a channel, for the agent that made it; returns what it is then. Durable and in force when it returns.
    ///
    /// # Errors
    /// Also [`ChannelError::Ended`] if it was to end in the past: it does.
    pub async fn renew(&self, id: ChannelId, by: &Subject, renewal: Renewal) -> Result<Channel, ChannelError> {
        self.channel(id, by, |_| false).await?;
        if !self.inner.channels.renew(id, &renewal).await? {
            return Err(ChannelError::Ended);
        }
        let Some(channel) = self.inner.channels.get(id).await? else { return Err(ChannelError::Ended) };
        let ended = self.inner.with(|shard, now| {
            shard.renew(&channel, now);
            // It may have ended while this was written.
            channel.end_at.is_some_and(|end| end <= now) || shard.ended.by_id(id).is_some()
        });
        self.inner.void(id);
        if ended { Err(ChannelError::Ended) } else { Ok(channel) }
    }
}

impl Renewal {
    /// The channel with what is changed.
    pub fn apply(&self, channel: &mut Channel) {
        channel.end_at = self.end_at.or(channel.end_at);
        channel.rate = self.rate.or(channel.rate);
        channel.rendering = self.rendering.unwrap_or(channel.rendering);
        channel.filter = self.filter.unwrap_or(channel.filter);
    }
}

impl Shard {
    /// Puts what was changed of a channel in force for its connections.
    fn renew(&mut self, renewed: &Channel, now: Timestamp) {
        if let Some(seats) = self.seats.get_mut(&renewed.id) {
            let (rendering, filter) = (Some(renewed.rendering), Some(renewed.filter));
            let renewal = Renewal { end_at: renewed.end_at, rate: renewed.rate, rendering, filter };
            seats.renewed = Some(Box::new(renewal));
        }
        let Some(key) = self.by_id.get(&renewed.id).copied() else { return };
        let Some(live) = self.channels.get_mut(&key) else { return };
        let old = Arc::clone(&live.channel);
        let Channel { end_at, rate, rendering, filter, .. } = *renewed;
        live.set_channel(Arc::new(Channel { filter, rendering, end_at, rate, ..(*old).clone() }));
        let (connections, topics) = (live.connections.clone(), live.topics.len());
        if let Some(end) = old.end_at {
            self.timers.remove(&(end, Timer::End(key)));
        }
        if let Some(end) = end_at {
            self.at(end, Timer::End(key));
        }
        for connection in connections {
            let Some(connected) = self.connections.get_mut(&connection) else { continue };
            // One that was opened with a rendering of its own keeps it.
            if !connected.is_fixed {
                connected.rendering = rendering;
            }
            // What waits already need not wait longer than the rate says now.
            let sooner = rate.map(|rate| after(now, rate));
            for (topic, window) in connected.windows.iter_mut().flatten().enumerate() {
                let (Some(opens), Some(sooner)) = (window.opens, sooner) else { continue };
                if sooner < opens {
                    window.opens = Some(sooner);
                    if self.timers.remove(&(opens, Timer::Window(connection, topic))) {
                        self.timers.insert((sooner, Timer::Window(connection, topic)));
                        self.wake = true;
                    }
                }
            }
            if rate.is_some() && connected.windows.is_none() {
                connected.windows = Some((0..topics).map(|_| Window::default()).collect());
            }
        }
    }
}

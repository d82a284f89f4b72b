//! What becomes of channels: warned before they end, removed when they have, told when something could not be kept.
//!
//! The messages go to those who asked for them, and say nothing of any resource.

use super::{
    Kind, QueueError, Reason, Removal,
    courier::Inner,
    schedule::{after, before},
};
use podbell_hub::Channel;
use podbell_model::{Timestamp, Uuid};
use podbell_wire::{
    Rendering,
    lifecycle::{self, Lifecycle, Removed},
};
use std::{sync::Arc, time::Duration};

/// The end of a channel is told a day before; at once, if its life is shorter.
const NOTICE: Duration = Duration::from_hours(24);
/// Those that missed something are told so this often at most.
const MISSED: Duration = Duration::from_hours(1);
/// How many channels are looked at in one step.
const STEP: usize = 100;

impl From<Removal> for Removed {
    fn from(removal: Removal) -> Self {
        match removal {
            Removal::Expired => Self::Expired,
            Removal::Unauthorized => Self::Unauthorized,
            Removal::Gone => Self::Gone,
            Removal::Failing => Self::Failing,
            Removal::Ended => Self::Ended,
        }
    }
}

/// The last words to a channel, finished: why it was removed. `iri`: the channel's.
pub fn farewell(removal: Removal, channel: &Channel, iri: &str, message: Uuid, now: Timestamp) -> Arc<[u8]> {
    write(Lifecycle::Removed(removal.into()), channel, iri, message, now)
}

fn write(what: Lifecycle, channel: &Channel, iri: &str, message: Uuid, now: Timestamp) -> Arc<[u8]> {
    let words = match Rendering::from_code(channel.rendering.0) {
        Some(Rendering::Solid { context, syntax, .. }) => (context, syntax),
        _ => Default::default(),
    };
    lifecycle::write(what, words, iri, message, now).into()
}

impl Inner {
    /// Looks what has become of channels, until there is nothing left to do.
    pub(super) async fn look_after(&self) -> Result<(), QueueError> {
        let now = (self.clock)();
        loop {
            let expired = self.queue.expired(now, STEP).await?;
            for channel in &expired {
                self.end(channel, Removal::Expired, true).await?;
            }
            let failing = self.queue.failing(before(now, self.settings.remove_after), STEP).await?;
            for channel in &failing {
                self.end(channel, Removal::Failing, true).await?;
            }
            let expiring = self.queue.expiring(after(now, NOTICE), STEP).await?;
            for channel in &expiring {
                let Some(end_at) = channel.end_at else { continue };
                self.tell(channel, Lifecycle::Expiring { end_at }).await?;
            }
            if [&expired, &failing, &expiring].iter().all(|channels| channels.len() < STEP) {
                break;
            }
        }
        self.tell_missed(now).await
    }

    /// Tells those that missed something; not each time, for while much is missed, it is so again each time.
    async fn tell_missed(&self, now: Timestamp) -> Result<(), QueueError> {
        let due = |last: &Timestamp| now < *last || after(*last, MISSED) <= now;
        if !self.missed_told.lock().as_ref().is_none_or(due) {
            return Ok(());
        }
        loop {
            let missed = self.queue.missed(STEP).await?;
            for channel in &missed {
                self.tell(channel, Lifecycle::Missed).await?;
            }
            if missed.len() < STEP {
                break;
            }
        }
        *self.missed_told.lock() = Some(now);
        Ok(())
    }

    async fn tell(&self, channel: &Channel, what: Lifecycle) -> Result<(), QueueError> {
        let (message, now) = ((self.ids)(), (self.clock)());
        let body = write(what, channel, &(self.names)(channel.id), message, now);
        self.queue.add(channel.id, message, &Kind::Lifecycle { body }, now).await
    }

    /// Removes a channel; `told`: with a word to those who asked for it. True if there was one.
    pub(super) async fn end(&self, channel: &Arc<Channel>, removal: Removal, told: bool) -> Result<bool, QueueError> {
        let now = (self.clock)();
        let farewell = told.then(|| {
            let message = (self.ids)();
            (message, farewell(removal, channel, &(self.names)(channel.id), message, now))
        });
        let existed = self.queue.remove(channel.id, farewell, now).await?;
        self.rules.removed(channel);
        if existed {
            let (channel, reason) = (channel.id.0, Removed::from(removal).word());
            tracing::info!(channel.id = %channel, removal.reason = reason, "channel {channel} is removed: {reason}");
        }
        Ok(existed)
    }

    /// Switches a channel off that has done nothing but fail for too long.
    pub(super) async fn give_up_on(&self, channel: &Channel) -> Result<(), QueueError> {
        let now = (self.clock)();
        let health = self.queue.health(channel.id).await?;
        let failing = health.filter(|health| health.disabled.is_none()).and_then(|health| health.failing_since);
        if failing.is_some_and(|since| after(since, self.settings.disable_after) <= now) {
            self.queue.disable(channel.id, Reason::Failing, now).await?;
            let channel = channel.id.0;
            tracing::warn!(channel.id = %channel, "channel {channel} is switched off: all its deliveries fail");
        }
        Ok(())
    }
}

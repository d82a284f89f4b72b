//! The courier: carries what is due to its receivers.

use super::{
    Queue, QueueError, Removal, Rules, Signer, Transport,
    rounds::Rounds,
    settings::{Counts, Metrics, Settings},
};
use crate::Descriptions;
use parking_lot::Mutex;
use podbell_hub::{Channel, ChannelId, Clock, Cursors, Traffic};
use podbell_model::{Timestamp, Uuid};
use std::{fmt, sync::Arc, time::Duration};
use tokio::{
    sync::{Notify, watch},
    task::AbortHandle,
};

/// What the courier needs of others.
pub struct CourierPorts {
    /// What is owed.
    pub queue: Arc<dyn Queue>,
    /// Whether it may be told: the hub.
    pub rules: Arc<dyn Rules>,
    /// How positions are sealed.
    pub cursors: Arc<dyn Cursors>,
    /// How messages are signed.
    pub signer: Arc<dyn Signer>,
    /// What storages are called where messages go in their names.
    pub descriptions: Descriptions,
    /// How they get to their receivers.
    pub transport: Arc<dyn Transport>,
    /// The time.
    pub clock: Clock,
    /// Spreads what failed together.
    pub random: Arc<dyn Fn() -> u64 + Send + Sync>,
    /// Makes the ids of messages about channels.
    pub ids: Arc<dyn Fn() -> Uuid + Send + Sync>,
    /// The IRIs of channels.
    pub names: Arc<dyn Fn(ChannelId) -> String + Send + Sync>,
    /// Where it is counted what was acknowledged: the hub's.
    pub traffic: Arc<Traffic>,
    /// Tells that something is owed: the hub, and whoever adds to the queue or changes it.
    pub owed: Arc<Notify>,
}

/// What the courier's parts share.
pub(super) struct Inner {
    pub(super) queue: Arc<dyn Queue>,
    pub(super) rules: Arc<dyn Rules>,
    pub(super) cursors: Arc<dyn Cursors>,
    pub(super) signer: Arc<dyn Signer>,
    pub(super) descriptions: Descriptions,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) clock: Clock,
    pub(super) random: Arc<dyn Fn() -> u64 + Send + Sync>,
    pub(super) ids: Arc<dyn Fn() -> Uuid + Send + Sync>,
    pub(super) names: Arc<dyn Fn(ChannelId) -> String + Send + Sync>,
    pub(super) traffic: Arc<Traffic>,
    pub(super) settings: Settings,
    pub(super) metrics: Metrics,
    /// When those that missed something were told so last.
    pub(super) missed_told: Mutex<Option<Timestamp>>,
}

/// Carries what is due to its receivers. Dropping it stops its task, and cuts off what is under way.
pub struct Courier {
    inner: Arc<Inner>,
    owed: Arc<Notify>,
    moved: Arc<Notify>,
    stop: watch::Sender<Option<Duration>>,
    task: AbortHandle,
}

impl Courier {
    /// Starts the courier on the current tokio runtime.
    pub fn start(ports: CourierPorts, settings: Settings) -> Self {
        let CourierPorts { queue, rules, cursors, signer, descriptions, transport, .. } = ports;
        let CourierPorts { clock, random, ids, names, traffic, owed, .. } = ports;
        let (metrics, missed_told) = (Metrics::default(), Mutex::default());
        let inner = Arc::new(Inner {
            queue,
            rules,
            cursors,
            signer,
            descriptions,
            transport,
            clock,
            random,
            ids,
            names,
            traffic,
            settings,
            metrics,
            missed_told,
        });
        let (stop, stopped) = watch::channel(None);
        let moved = Arc::new(Notify::new());
        let rounds = Rounds::new(Arc::clone(&inner), Arc::clone(&owed), Arc::clone(&moved), stopped);
        let task = tokio::spawn(rounds.run()).abort_handle();
        Self { inner, owed, moved, stop, task }
    }

    /// Something in the queue has changed: it is looked at.
    pub fn wake(&self) {
        self.owed.notify_one();
    }

    /// The clock was moved: what is due is looked at again, and what becomes of channels.
    pub fn clock_moved(&self) {
        self.moved.notify_one();
    }

    /// Removes a channel, with a word to those who asked for one; true if there was one. When this returns, nothing of it
    /// is sent any more.
    pub async fn end(&self, channel: &Arc<Channel>, removal: Removal) -> Result<bool, QueueError> {
        let existed = self.inner.end(channel, removal, true).await?;
        self.wake();
        Ok(existed)
    }

    /// The counters.
    pub fn counts(&self) -> Counts {
        self.inner.metrics.counts()
    }

    /// Begins nothing any more, and waits for what is under way, at most so long; the rest is cut off, and will be sent
    /// again.
    pub async fn stop(&self, grace: Duration) {
        self.stop.send_replace(Some(grace));
        self.stop.closed().await;
    }
}

impl Drop for Courier {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for Courier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Courier").field("counts", &self.counts()).finish_non_exhaustive()
    }
}

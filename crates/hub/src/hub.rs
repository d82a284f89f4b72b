//! The hub, put together.

use crate::{
    Authorize, ChannelStore, Clock, Counts, Cursors, Encoder, Ending, Metrics, Owing, Settings, States, Traffic,
    deriving::Deriving,
    engine::Inner,
    shard::{Chore, Shard},
};
use podbell_log::{Fence, Log};
use std::{fmt, sync::Arc};
use tokio::task::AbortHandle;

/// What the hub needs of others.
pub struct Ports {
    /// What was committed.
    pub log: Arc<dyn Log>,
    /// Raised by the store of that log.
    pub fence: Arc<Fence>,
    /// Who may hear what.
    pub authorize: Arc<dyn Authorize>,
    /// How it is written.
    pub encoder: Arc<dyn Encoder>,
    /// How positions are sealed.
    pub cursors: Arc<dyn Cursors>,
    /// Where channels rest.
    pub channels: Arc<dyn ChannelStore>,
    /// Where it is kept what channels that push are owed; without it none pushes.
    pub owing: Option<Arc<dyn Owing>>,
    /// How topics stand.
    pub states: Arc<dyn States>,
    /// The time.
    pub clock: Clock,
}

/// Who listens to what, what may be told to whom, and what waits for whom. Dropping it stops its tasks.
pub struct Hub {
    pub(crate) inner: Arc<Inner>,
    pub(crate) settings: Settings,
    engine: AbortHandle,
    deriving: Option<AbortHandle>,
}

impl Hub {
    /// Starts the hub at the head of the log, on the current tokio runtime.
    pub fn start(ports: Ports, settings: Settings) -> Arc<Self> {
        let metrics = Arc::new(Metrics::default());
        let head = ports.log.head();
        let shard = Shard::new(settings.clone(), Arc::clone(&metrics), &ports, head);
        let inner = Arc::new(Inner::new(ports, metrics, shard));
        let engine = tokio::spawn(Arc::clone(&inner).run()).abort_handle();
        let deriving = inner.owing.clone().map(|owing| Deriving::new(Arc::clone(&inner), owing));
        let deriving = deriving.map(|deriving| tokio::spawn(deriving.run()).abort_handle());
        Arc::new(Self { inner, settings, engine, deriving })
    }

    /// The counters.
    pub fn counts(&self) -> Counts {
        self.inner.metrics.counts()
    }

    /// What was delivered lately, by storage; whoever pushes counts there too.
    pub fn traffic(&self) -> &Arc<Traffic> {
        &self.inner.metrics.traffic
    }

    /// The clock was moved: deadlines are looked at again.
    pub fn clock_moved(&self) {
        self.inner.changed.notify_one();
    }

    /// Admits nobody any more, closes every connection, and keeps what must outlive the process.
    pub async fn drain(&self) {
        let chores = self.inner.with(|shard, _| {
            shard.draining = true;
            for key in shard.connections.keys().copied().collect::<Vec<_>>() {
                shard.let_go(key, Some(Ending::Shutdown));
            }
            let mut chores = std::mem::take(&mut shard.chores);
            chores.append(&mut shard.failed_chores);
            chores.retain(|chore| !matches!(chore, Chore::Sweep));
            chores
        });
        for chore in chores {
            if let Err(error) = self.inner.perform(&chore).await {
                tracing::error!(error = &error as &dyn std::error::Error, "the channel store failed");
            }
        }
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.engine.abort();
        if let Some(deriving) = &self.deriving {
            deriving.abort();
        }
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("counts", &self.counts()).finish_non_exhaustive()
    }
}

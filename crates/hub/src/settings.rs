//! Limits and figures of the hub, and what it counts.

use crate::{ChannelLimits, Traffic};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// Limits of the hub; the defaults are those of the product.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Most bytes that wait for one connection; over half of it they are coalesced.
    pub outbox_bytes: usize,
    /// A connection that takes nothing for so long is closed.
    pub stuck_after: Duration,
    /// Most channels.
    pub channels: ChannelLimits,
    /// Most connections of one agent with one client.
    pub connections_per_client: u32,
    /// Most connections of one agent with all its clients.
    pub connections_per_agent: u32,
    /// Most connections of those who have not logged in, from one network.
    pub connections_per_network: u32,
    /// Most topics of one channel.
    pub topics_per_channel: usize,
    /// How often the judge is asked again before a connection that waits for it is closed.
    pub judge_attempts: u8,
    /// How long after the first failure the judge is asked again; doubles each time.
    pub judge_backoff: Duration,
    /// How often channels that ended are swept from the store.
    pub sweep_every: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            outbox_bytes: 256 * 1024,
            stuck_after: Duration::from_secs(30),
            channels: ChannelLimits::default(),
            connections_per_client: 1_000,
            connections_per_agent: 5_000,
            connections_per_network: 256,
            topics_per_channel: 128,
            judge_attempts: 5,
            judge_backoff: Duration::from_millis(100),
            sweep_every: Duration::from_mins(1),
        }
    }
}

/// What the hub has done since it started, and how many listen now.
#[derive(Debug, Default)]
pub struct Metrics {
    sent: AtomicU64,
    refused: AtomicU64,
    coalesced: AtomicU64,
    overloads: AtomicU64,
    connections: AtomicU64,
    derived: AtomicU64,
    /// What was delivered lately, by storage.
    pub(crate) traffic: Arc<Traffic>,
}

/// The counters at one instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Notifications that an outlet took whole.
    pub sent: u64,
    /// Notifications that the rules kept back.
    pub refused: u64,
    /// Notifications that a newer one took the place of.
    pub coalesced: u64,
    /// Connections closed because they were too slow, or because their rules could not be read.
    pub overloads: u64,
    /// Connections that are registered now.
    pub connections: u64,
    /// The commit up to which it is known what channels that push are owed.
    pub derived: u64,
}

impl Metrics {
    /// Reads all counters.
    pub fn counts(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            sent: read(&self.sent),
            refused: read(&self.refused),
            coalesced: read(&self.coalesced),
            overloads: read(&self.overloads),
            connections: read(&self.connections),
            derived: read(&self.derived),
        }
    }

    pub(crate) fn sent(&self, count: u64) {
        self.sent.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn coalesced(&self) {
        self.coalesced.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn overloaded(&self) {
        self.overloads.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn derived(&self, through: podbell_model::Sequence) {
        self.derived.store(through.0, Ordering::Relaxed);
    }

    pub(crate) fn connected(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn disconnected(&self) {
        self.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

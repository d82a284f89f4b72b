//! Limits and figures of the courier, and what it counts.

use std::{
    num::NonZeroU32,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Limits of the courier; the defaults are those of the product.
#[derive(Clone, Debug)]
pub struct Settings {
    /// For one attempt, from the first look at the receiver's name to the end of its answer.
    pub timeout: Duration,
    /// Most bytes of a message; what is larger is told in short.
    pub payload: usize,
    /// How much of an answer's body is read.
    pub answer: usize,
    /// Most attempts at once.
    pub at_once: usize,
    /// Most attempts at once in one lane.
    pub per_lane: usize,
    /// Most attempts at once for one channel.
    pub per_channel: usize,
    /// Most attempts in one lane in a second.
    pub per_second: NonZeroU32,
    /// Most attempts in one lane at a stroke, after a quiet time.
    pub burst: NonZeroU32,
    /// How many lanes are remembered.
    pub lanes: usize,
    /// A channel of which nothing was acknowledged for so long is switched off.
    pub disable_after: Duration,
    /// A channel that has been switched off for so long is removed.
    pub remove_after: Duration,
    /// How often it is looked what becomes of channels.
    pub upkeep: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(15),
            payload: 20_000,
            answer: 4 * 1024,
            at_once: 256,
            per_lane: 8,
            per_channel: 4,
            per_second: NonZeroU32::MIN.saturating_add(9),
            burst: NonZeroU32::MIN.saturating_add(49),
            lanes: 4_096,
            disable_after: Duration::from_hours(5 * 24),
            remove_after: Duration::from_hours(14 * 24),
            upkeep: Duration::from_mins(1),
        }
    }
}

/// What the courier has done since it started, and what it is doing.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    pub(crate) attempts: AtomicU64,
    pub(crate) acknowledged: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) withheld: AtomicU64,
    pub(crate) dead: AtomicU64,
    pub(crate) in_flight: AtomicU64,
}

/// The courier's counters at one instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Attempts that were made.
    pub attempts: u64,
    /// Those that were acknowledged.
    pub acknowledged: u64,
    /// Those that failed.
    pub failed: u64,
    /// Deliveries that were not to be told any more.
    pub withheld: u64,
    /// Deliveries that were given up.
    pub dead: u64,
    /// Deliveries that are under way now.
    pub in_flight: u64,
}

impl Metrics {
    pub(crate) fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Reads all counters.
    pub(crate) fn counts(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            attempts: read(&self.attempts),
            acknowledged: read(&self.acknowledged),
            failed: read(&self.failed),
            withheld: read(&self.withheld),
            dead: read(&self.dead),
            in_flight: read(&self.in_flight),
        }
    }
}

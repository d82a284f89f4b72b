//! Pushing: from the durable queue to receivers that somebody else runs.

mod queue;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use queue::{
    Attempt, DeadLetter, Delivery, DeliveryId, Done, Health, Kind, Lane, Outcome, Queue, QueueError, Reason, Removal,
    Wanted,
};

//! Pushing: from the durable queue to receivers that somebody else runs.

pub mod keys;
mod queue;
pub mod sign;
mod signer;

pub use queue::{
    Attempt, DeadLetter, Delivery, DeliveryId, Done, Health, Kind, Lane, Outcome, Queue, QueueError, Reason, Removal,
    Wanted,
};
pub use signer::{Parcel, SignError, Signed, Signer};

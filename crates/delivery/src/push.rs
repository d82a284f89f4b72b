//! Pushing: from the durable queue to receivers that somebody else runs.
//!
//! What is owed is in the [`Queue`]. The [`Courier`] takes what is due, asks the hub for leave, has it signed, sends it,
//! and notes what came of it. It keeps nothing of its own that matters: whatever is cut off is sent again.

mod attempt;
mod batch;
mod breaker;
mod conclusion;
mod courier;
pub mod keys;
mod lanes;
pub mod lifecycle;
mod outcome;
mod queue;
mod rounds;
mod rules;
pub mod schedule;
mod settings;
pub mod sign;
mod signer;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
mod transport;
mod waking;

pub use courier::{Courier, CourierPorts};
pub use outcome::LONGEST_WAIT;
pub use queue::{
    Attempt, DeadLetter, Delivery, DeliveryId, Done, Health, Kind, Lane, Outcome, Queue, QueueError, Reason, Removal,
    Wanted,
};
pub use rules::{Permit, Rules, Together};
pub use settings::{Counts, Settings};
pub use signer::{InName, Parcel, SignError, Signed, Signer};
pub use transport::{Answer, CAUSE, Network, Outgoing, SealCauses, Transport};
pub use waking::Waking;

//! Deliveries: what drains a channel onto a wire.

mod encoder;
mod heart;
#[cfg(any(test, feature = "fuzzing"))]
pub mod properties;
pub mod push;
mod register;
mod socket;
pub mod stream;
#[cfg(test)]
mod testing;
pub mod websocket;

pub use encoder::{Descriptions, Frames, rendering_id};
pub use stream::{StreamBody, Streams};

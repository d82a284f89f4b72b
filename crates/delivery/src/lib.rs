//! Deliveries: what drains a channel onto a wire.

mod encoder;
#[cfg(any(test, feature = "fuzzing"))]
pub mod properties;
pub mod websocket;

pub use encoder::{Frames, rendering_id};

//! Deliveries: what drains a channel onto a wire.

mod encoder;
pub mod websocket;

pub use encoder::{Frames, rendering_id};

//! Deliveries: what drains a channel onto a wire.

pub mod websocket;

//! `solid-0.1`, the lines of the legacy socket: one text frame is one message, and one message one line.
//!
//! Nothing that a client says is a subscription by accident: what does not follow the grammar to the letter is unknown.
//!
//! Spec: <https://github.com/solid/solid-spec/blob/master/api-websockets.md>

/// The name of the subprotocol.
pub const SUBPROTOCOL: &str = "solid-0.1";
/// One notification, of which the socket makes the line `pub` with the listener's spelling of the topic.
pub const MARK: &[u8] = b"!";

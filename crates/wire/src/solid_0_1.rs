//! `solid-0.1`, the lines of the legacy socket: one text frame is one message, and one message one line.
//!
//! Nothing that a client says is a subscription by accident: what does not follow the grammar to the letter subscribes
//! to nothing. Nothing that a client says breaks a line of the server's.
//!
//! Spec: <https://github.com/solid/solid-spec/blob/master/api-websockets.md>

mod said;
mod says;
#[cfg(test)]
mod tests;

pub use said::{Misheard, Said};
pub use says::Says;

/// The name of the subprotocol.
pub const SUBPROTOCOL: &str = "solid-0.1";
/// One notification, of which the socket makes the line `pub` with the listener's spelling of the topic. As long as such
/// a line is, about: what waits for a slow listener is bounded by its bytes.
pub const MARK: &[u8] = &[b'!'; 128];
/// Most characters of a URI.
pub const MAX_URI: usize = 2_048;

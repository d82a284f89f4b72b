//! WebSockets: openings, frames both ways, sockets as outlets of the hub.
//!
//! Our own server side of RFC 6455, because one finished frame is shared by all who listen.
//!
//! Spec: <https://www.rfc-editor.org/rfc/rfc6455>

pub mod decode;
pub mod frame;
pub mod handshake;
mod hear;
pub mod lines;
mod session;
mod socket;

pub use session::{Session, WebSockets};
pub use socket::Dialect;

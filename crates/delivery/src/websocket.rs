//! WebSockets: openings, frames both ways, sockets as outlets of the hub.
//!
//! Our own server side of RFC 6455, because one finished frame is shared by all who listen.
//!
//! Spec: <https://www.rfc-editor.org/rfc/rfc6455>

pub mod decode;
pub mod frame;
pub mod handshake;
mod heart;
mod listen;
mod session;
mod socket;

pub use session::WebSockets;
pub use socket::Dialect;

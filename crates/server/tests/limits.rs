//! The limits of those who listen, each at its setting and one past it, over HTTP and sockets.
//!
//! Servers are started with small limits, so that a test can go past each. Who is past one is told so in a way that a
//! program can act on; who is not goes on.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "tests")]

mod limits {
    mod channels;
    mod connections;
    mod heads;
    #[path = "../it/socket.rs"]
    #[allow(dead_code, reason = "each test binary uses a part of it")]
    mod socket;
    mod sockets;
    #[path = "../it/world.rs"]
    #[allow(dead_code, reason = "each test binary uses a part of it")]
    mod world;

    /// Whether each pod has an origin of its own.
    const SUBDOMAINS: bool = false;
}

//! The server as a stranger meets it: over HTTP and sockets. One server for all tests; the modules mirror its URLs.
//!
//! Bad input gets a clear problem and loses nothing.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "tests")]

mod it {
    mod channels;
    mod connect;
    mod cors;
    mod credentials;
    mod discovery;
    mod gateway;
    mod hearing;
    mod http2;
    mod issuer;
    mod names;
    mod pages;
    mod reading;
    mod services;
    mod slow;
    mod socket;
    mod streams;
    mod transcript;
    mod two_worlds;
    #[allow(dead_code, reason = "each test binary uses a part of it")]
    mod world;
    mod writing;

    /// Whether each pod has an origin of its own.
    const SUBDOMAINS: bool = false;
}

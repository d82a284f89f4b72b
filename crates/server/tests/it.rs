//! The server as a stranger meets it: over HTTP and sockets. One server for all tests; the modules mirror its URLs.
//!
//! Bad input gets a clear problem and loses nothing.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "tests")]

mod it {
    mod cases;
    mod channels;
    mod connect;
    mod cors;
    mod credentials;
    mod discovery;
    mod every_type;
    mod features;
    mod field;
    mod gateway;
    mod hearing;
    mod http2;
    mod issuer;
    mod many_topics;
    mod names;
    mod own_origins;
    mod pace;
    mod pages;
    mod reading;
    mod refused;
    mod requests;
    mod services;
    mod slow;
    mod socket;
    mod streams;
    mod subscribers;
    #[allow(dead_code, reason = "each test binary uses a part of it")]
    mod world;
    mod writing;

    /// Whether each pod has an origin of its own.
    const SUBDOMAINS: bool = false;
}

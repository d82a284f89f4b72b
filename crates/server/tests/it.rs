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
    mod names;
    mod pages;
    mod reading;
    mod services;
    mod slow;
    mod socket;
    mod world;
    mod writing;
}

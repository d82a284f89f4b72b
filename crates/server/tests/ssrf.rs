//! Every kind of request that this server makes to others, against every spelling of a place that it must not reach:
//! no listener on this machine is touched.
//!
//! The ports are open to it, so that only its look at addresses protects. One address of loopback is opened by name: there
//! stands what leads on to forbidden places, over TLS.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "tests")]

mod ssrf {
    mod bench;
    mod delivery;
    mod kinds;
}

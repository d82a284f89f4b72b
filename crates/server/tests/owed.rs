//! What is owed to receivers, whatever happens: the server is killed again and again, receivers are away for an hour or
//! for days, a hundred of them hang, and ten thousand channels ask for the same.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "resume/history.rs"]
#[allow(dead_code, reason = "each test binary uses a part of it")]
mod history;
mod support;

mod owed {
    mod envelopes;
    mod fair;
    mod killed;
    mod many;
    mod patient;
    mod subscribing;
    mod world;
}

//! `podbell watch` as its users run it: the binary, at a terminal and in a pipe, beside a server that comes and goes.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

#[path = "watch/authority.rs"]
mod authority;
#[path = "watch/coming_back.rs"]
mod coming_back;
#[path = "watch/ending.rs"]
mod ending;
#[path = "watch/examples.rs"]
mod examples;
#[path = "watch/refused.rs"]
mod refused;
#[path = "watch/watcher.rs"]
mod watcher;
#[path = "watch/words.rs"]
mod words;

//! For tests: channels in memory and what they are owed, and the contract that every channel store keeps.
//!
//! A store runs the contract in a test module of its own:
//! `podbell_hub::channel_store_contract!(make)`, where `make().await` is a fresh, empty store.

#![allow(clippy::unwrap_used, reason = "all of it is test code, compiled for the tests of other crates")]

pub mod contract;
mod memory;
mod owing;

pub use memory::MemoryChannels;
pub use owing::{MemoryOwing, Trouble};

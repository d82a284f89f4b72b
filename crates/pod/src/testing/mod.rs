//! For tests: a store in memory, and the contract that every store keeps.
//!
//! The contract is a list of facts. `store_contract!(MyFixture)` makes a test of each.

#![allow(clippy::unwrap_used, reason = "all of it is test code, compiled for the tests of other crates")]

pub mod contract;
mod memory;
mod state;
mod writing;

pub use contract::Fixture;
pub use memory::MemoryStore;

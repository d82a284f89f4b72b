//! A store in memory, and the contract that every store keeps.

mod contract;
mod memory;

pub use contract::store_contract;
pub use memory::MemoryStore;

//! The pod as the server uses it: plan, authorize by the ACLs that are stored, apply; over the store in memory.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "all of it is test code")]

mod auxiliaries;
mod budget;
mod deleting;
mod patching;
mod quotas;
mod reading;
mod tree;
mod world;
mod writing;

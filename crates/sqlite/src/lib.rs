//! Every store of the server in one directory: resources, rules, the log, channels, and what the provider keeps.
//!
//! One thread writes; whatever arrives while it waits for the disk goes into the next transaction together. Reads go
//! through a pool of their own and never wait for the writer. Large bodies are files beside the database.

mod accounts;
mod bodies;
mod channels;
mod columns;
mod crowds;
mod error;
#[cfg(test)]
mod fresh;
mod keys;
mod log;
mod look;
mod open;
mod policy;
mod queue;
mod quota;
mod readers;
mod recent;
mod records;
mod resources;
mod retention;
mod sender_keys;
mod step;
mod storages;
mod store;
mod writer;
mod writing;

pub use error::{EngineError, OpenError};
pub use look::{is_new, roots};
pub use open::{Options, Sqlite};

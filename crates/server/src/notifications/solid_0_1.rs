//! `solid-0.1`, the legacy socket: SolidOS, rdflib and what is built on them speak nothing else.
//!
//! In files of its own, so that it can one day be removed.
//!
//! Spec: <https://github.com/solid/solid-spec/blob/master/api-websockets.md>

mod capability;
mod updates_via;

pub use capability::{Capabilities, Opened};
pub(crate) use updates_via::advertised;

/// Where the socket is, on every host of this server; a capability may follow after a slash.
pub const SOCKET: &str = "/.notifications/solid-0.1";

//! A storage (pod): a disjoint URI space with one root container and an owner.
//!
//! Spec: <https://solidproject.org/TR/protocol#storage>

use crate::{ResourceIri, WebId};

/// Internal number of a storage; never used again, so nothing bound to a deleted storage opens a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StorageId(pub u64);

/// A storage of this server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Storage {
    /// Its internal number.
    pub id: StorageId,
    /// Its root container.
    pub root: ResourceIri,
    /// Has Control over everything in it, whatever the ACLs say.
    pub owner: WebId,
}

impl Storage {
    /// Whether `resource` is the root or below it.
    pub fn contains(&self, resource: &ResourceIri) -> bool {
        resource.as_str().starts_with(self.root.as_str())
    }
}

//! The storages of a server, in memory: every request asks which one its target is in.

use parking_lot::RwLock;
use podbell_model::{ResourceIri, Storage, StorageId};
use std::{collections::HashMap, sync::Arc};

/// The storages of a server, by root and by number.
#[derive(Debug, Default)]
pub struct Storages(RwLock<Index>);

#[derive(Debug, Default)]
struct Index {
    by_root: HashMap<ResourceIri, Arc<Storage>>,
    by_id: HashMap<StorageId, Arc<Storage>>,
}

impl Storages {
    /// Every storage, by the spelling of its root.
    pub fn all(&self) -> Vec<Arc<Storage>> {
        let mut all: Vec<_> = self.0.read().by_id.values().cloned().collect();
        all.sort_by(|one, other| one.root.cmp(&other.root));
        all
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.read().by_id.is_empty()
    }

    /// The storage that a name is in, whether anything has that name or not.
    pub fn containing(&self, resource: &ResourceIri) -> Option<Arc<Storage>> {
        let index = self.0.read();
        std::iter::once(resource.clone()).chain(resource.ancestors()).find_map(|root| index.by_root.get(&root).cloned())
    }

    /// The storage with that root.
    pub fn rooted(&self, root: &ResourceIri) -> Option<Arc<Storage>> {
        self.0.read().by_root.get(root).cloned()
    }

    /// The storage with that number; none once it has been deleted.
    pub fn get(&self, id: StorageId) -> Option<Arc<Storage>> {
        self.0.read().by_id.get(&id).cloned()
    }

    /// Whether some storage has that origin (scheme and authority without a slash).
    pub fn has_origin(&self, origin: &str) -> bool {
        self.0.read().by_root.keys().any(|root| root.origin() == origin)
    }

    pub(crate) fn replace(&self, storages: Vec<Storage>) {
        *self.0.write() = Self::from_iter(storages).0.into_inner();
    }

    pub(crate) fn insert(&self, storage: Storage) {
        self.0.write().insert(storage);
    }

    pub(crate) fn remove(&self, storage: &Storage) {
        let mut index = self.0.write();
        index.by_root.remove(&storage.root);
        index.by_id.remove(&storage.id);
    }
}

impl Index {
    fn insert(&mut self, storage: Storage) {
        let storage = Arc::new(storage);
        self.by_root.insert(storage.root.clone(), Arc::clone(&storage));
        self.by_id.insert(storage.id, storage);
    }
}

impl FromIterator<Storage> for Storages {
    fn from_iter<I: IntoIterator<Item = Storage>>(storages: I) -> Self {
        let mut index = Index::default();
        for storage in storages {
            index.insert(storage);
        }
        Self(RwLock::new(index))
    }
}

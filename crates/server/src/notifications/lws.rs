//! The front door of Linked Web Storage: follows a draft (2026-06-29), and stands behind one adapter, so that it can
//! change with it.

use podbell_delivery::Descriptions;
use podbell_model::ResourceIri;
use podbell_pod::Storages;
use std::sync::Arc;

/// Where a storage is described, below its root.
pub const DESCRIPTION: &str = ".notifications/LWS/storage";

/// The description of the storage with that root: what Linked Web Storage calls the storage.
pub fn description_of(root: &ResourceIri) -> String {
    format!("{root}{DESCRIPTION}")
}

/// What the storages of this server are called.
pub fn descriptions(storages: Arc<Storages>) -> Descriptions {
    Arc::new(move |storage| storages.get(storage).map(|storage| description_of(&storage.root).into()))
}

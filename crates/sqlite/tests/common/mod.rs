//! A storage to write to, and short words for writing.

#![allow(dead_code, reason = "each test uses what it needs")]

use bytes::Bytes;
use podbell_model::{ResourceClass, ResourceIri, Sequence, Storage, Timestamp, Uuid, WebId};
use podbell_pod::store::{Body, Change, Store, WriteSet};
use podbell_sqlite::{Options, Sqlite};
use std::{path::Path, sync::Arc};

pub(crate) const ROOT: &str = "https://pod.example/";

pub(crate) fn open(directory: &Path) -> Arc<Sqlite> {
    Sqlite::open(directory, &Options::default()).unwrap()
}

pub(crate) fn iri(path: &str) -> ResourceIri {
    ResourceIri::parse(&format!("{ROOT}{path}")).unwrap()
}

pub(crate) fn time(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).unwrap()
}

#[derive(Clone)]
pub(crate) struct Writer {
    pub(crate) storage: Storage,
}

impl Writer {
    /// Makes the storage, or finds it.
    pub(crate) async fn new(store: &Sqlite) -> Self {
        if let Some(storage) = store.storages().await.unwrap().pop() {
            return Self { storage };
        }
        let owner = WebId::new("https://owner.example/#me");
        let rules = acl(&iri(""), "root rules");
        let (storage, _) = store.create_storage(iri(""), owner, vec![rules], time(0)).await.unwrap();
        Self { storage }
    }

    pub(crate) fn set(&self, changes: Vec<Change>) -> WriteSet {
        WriteSet {
            storage: self.storage.id,
            permitted_as_of: Sequence(0),
            depends_on: Arc::new([]),
            expected: Vec::new(),
            changes,
            actor: None,
            now: time(0),
            causes: Arc::default(),
            rules_as_of: None,
        }
    }

    pub(crate) fn put(&self, path: &str, bytes: &[u8]) -> WriteSet {
        self.set(vec![change(path, bytes)])
    }

    pub(crate) fn put_body(&self, path: &str, body: Body) -> WriteSet {
        self.set(vec![put(path, body)])
    }

    pub(crate) fn acl(&self, subject: &str, policy: &str) -> WriteSet {
        self.set(vec![acl(&iri(subject), policy)])
    }
}

pub(crate) fn change(path: &str, bytes: &[u8]) -> Change {
    put(path, Body::Inline(Bytes::copy_from_slice(bytes)))
}

pub(crate) fn delete(path: &str) -> Change {
    Change::Delete { id: Uuid::new_v4(), resource: iri(path) }
}

fn put(path: &str, body: Body) -> Change {
    Change::Put {
        id: Uuid::new_v4(),
        resource: iri(path),
        class: ResourceClass::NonRdfSource,
        content_type: "application/octet-stream".into(),
        body,
        group: None,
    }
}

fn acl(subject: &ResourceIri, policy: &str) -> Change {
    Change::PutAcl {
        id: Uuid::new_v4(),
        subject: subject.clone(),
        content_type: "text/turtle".into(),
        body: Body::Inline(Bytes::new()),
        policy: policy.into(),
    }
}

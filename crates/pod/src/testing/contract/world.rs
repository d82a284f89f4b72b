//! A fresh store with one storage, and short words for writing to it.

use super::Fixture;
use crate::store::{Body, Change, CommitError, Committed, Expectation, Resource, Store, WriteSet};
use bytes::Bytes;
use podbell_log::{Fact, Log, Record};
use podbell_model::{Activity, ResourceClass, ResourceIri, Sequence, Storage, Timestamp, Uuid, WebId};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

pub(in crate::testing) struct World<F> {
    pub(super) fixture: F,
    pub(super) storage: Storage,
    ids: AtomicU64,
}

pub(super) const ROOT: &str = "https://pod.example/";

impl<F: Fixture> World<F> {
    pub(super) async fn new() -> Self {
        let fixture = F::fresh().await;
        let ids = AtomicU64::new(1);
        let changes = vec![acl(next(&ids), &iri(""), "root rules")];
        let created = fixture.store().create_storage(iri(""), owner(), changes, time(0)).await;
        Self { fixture, storage: created.unwrap().0, ids }
    }

    pub(super) fn store(&self) -> &F::Store {
        self.fixture.store()
    }

    pub(super) fn id(&self) -> Uuid {
        next(&self.ids)
    }

    pub(super) fn put(&self, path: &str, text: &'static str) -> Change {
        self.write(path, text, None)
    }

    pub(super) fn group(&self, path: &str, members: &str) -> Change {
        self.write(path, "group", Some(members.into()))
    }

    pub(super) fn delete(&self, path: &str) -> Change {
        Change::Delete { id: self.id(), resource: iri(path) }
    }

    pub(super) fn acl(&self, subject: &str, policy: &str) -> Change {
        acl(self.id(), &iri(subject), policy)
    }

    pub(super) fn delete_acl(&self, subject: &str) -> Change {
        Change::DeleteAcl { id: self.id(), subject: iri(subject) }
    }

    pub(super) fn describe(&self, subject: &str) -> Change {
        let body = Body::Inline(b"description".as_slice().into());
        Change::PutDescription { id: self.id(), subject: iri(subject), content_type: "text/turtle".into(), body }
    }

    /// A write set with nothing to expect, allowed as of now.
    pub(super) fn set(&self, changes: Vec<Change>) -> WriteSet {
        WriteSet {
            storage: self.storage.id,
            permitted_as_of: self.store().head(),
            depends_on: Arc::new([]),
            expected: Vec::new(),
            now: time(self.ids.load(Ordering::Relaxed)),
            actor: Some(owner()),
            changes,
            causes: Arc::default(),
            rules_as_of: None,
        }
    }

    pub(super) async fn try_commit(&self, changes: Vec<Change>) -> Result<Committed, CommitError> {
        self.store().commit(self.set(changes)).await
    }

    pub(super) async fn commit(&self, changes: Vec<Change>) -> Committed {
        self.try_commit(changes).await.unwrap()
    }

    pub(super) async fn expecting(&self, expected: Expectation, change: Change) -> Result<Committed, CommitError> {
        let mut writes = self.set(vec![change]);
        writes.expected.push(expected);
        self.store().commit(writes).await
    }

    pub(super) async fn resource(&self, path: &str) -> Resource {
        self.find(path).await.unwrap()
    }

    pub(super) async fn find(&self, path: &str) -> Option<Resource> {
        self.store().resource(&iri(path)).await.unwrap()
    }

    fn write(&self, path: &str, text: &'static str, group: Option<Arc<str>>) -> Change {
        let resource = iri(path);
        let (class, body) = if resource.is_container() {
            (ResourceClass::Container, Body::Inline(Bytes::new()))
        } else {
            (ResourceClass::RdfSource, Body::Inline(text.as_bytes().into()))
        };
        Change::Put { id: self.id(), resource, class, content_type: "text/turtle".into(), body, group }
    }
}

pub(super) fn iri(path: &str) -> ResourceIri {
    ResourceIri::parse(&format!("{ROOT}{path}")).unwrap()
}

pub(super) fn owner() -> WebId {
    WebId::new("https://owner.example/#me")
}

pub(super) fn time(second: u64) -> Timestamp {
    // With a fraction, so that a store which rounds is found out.
    Timestamp::new(1_790_000_000 + i64::try_from(second).unwrap(), 123_456_789).unwrap()
}

pub(super) fn acl(id: Uuid, subject: &ResourceIri, policy: &str) -> Change {
    Change::PutAcl {
        id,
        subject: subject.clone(),
        content_type: "text/turtle".into(),
        body: Body::Inline(b"acl".as_slice().into()),
        policy: policy.into(),
    }
}

pub(super) fn activity(record: &Record) -> &Activity {
    record.fact.activity().unwrap()
}

/// The one record of a commit that has one, which is a change and no policy.
pub(super) fn only(committed: &Committed) -> &Activity {
    match committed.records.as_slice() {
        [Record { fact: Fact::Change(activity), .. }] => activity,
        records => panic!("not one change: {records:?}"),
    }
}

pub(super) fn conflict<T: std::fmt::Debug>(result: Result<T, CommitError>) -> ResourceIri {
    match result {
        Err(CommitError::Conflict(iri)) => iri,
        other => panic!("no conflict: {other:?}"),
    }
}

pub(super) async fn whole_log<F: Fixture>(world: &World<F>) -> Vec<Record> {
    let commits = world.store().read(Sequence(0), usize::MAX).await.unwrap();
    commits.iter().flat_map(|commit| commit.records.clone()).collect()
}

fn next(ids: &AtomicU64) -> Uuid {
    let n = ids.fetch_add(1, Ordering::Relaxed);
    Uuid::from_u64_pair(n, n.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

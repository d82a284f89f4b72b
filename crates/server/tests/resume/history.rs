//! What happened, as the database says.

use crate::support::Place;
use bytes::Bytes;
use podbell_log::Log as _;
use podbell_model::{ActivityKind, ResourceClass, ResourceIri, Sequence, Storage, Timestamp, Uuid};
use podbell_pod::store::{Body, Change, Store as _, WriteSet};
use podbell_sqlite::{Options, Sqlite};
use std::sync::Arc;

/// Records that are kept: fewer than one who is away for two rounds has missed.
pub(crate) const KEPT: usize = 24_000;
/// Folders below the one that all is in.
pub(crate) const FOLDERS: usize = 4;
/// Who writes at the same time, each to resources of their own.
const WRITERS: usize = 64;
const RESOURCES: usize = 4;

pub(crate) struct Event {
    pub(crate) sequence: Sequence,
    /// Below the common folder.
    pub(crate) path: String,
    pub(crate) kind: &'static str,
    pub(crate) id: Uuid,
}

/// Everything since the listeners subscribed.
pub(crate) struct History {
    pub(crate) storage: Storage,
    read: Sequence,
    pub(crate) events: Vec<Event>,
    /// The newest commit that was forgotten, each time that the server was up.
    pub(crate) forgotten: Vec<Sequence>,
    standing: Vec<[bool; RESOURCES]>,
}

pub(crate) async fn open(place: &Place) -> Arc<Sqlite> {
    let path = place.data().to_owned();
    let options = Options { history_records: KEPT as u64 * 100, ..Options::default() };
    tokio::task::spawn_blocking(move || Sqlite::open(&path, &options)).await.unwrap().unwrap()
}

impl History {
    pub(crate) async fn new(place: &Place) -> Self {
        let store = open(place).await;
        let storages = store.storages().await.unwrap();
        let storage = storages.into_iter().find(|storage| storage.root.as_str().ends_with("/alice/")).unwrap();
        let standing = vec![[false; RESOURCES]; WRITERS];
        Self { storage, read: store.head(), events: Vec::new(), forgotten: Vec::new(), standing }
    }

    pub(crate) fn len(&self) -> usize {
        self.events.len()
    }

    /// Commits so many changes, while nobody serves them.
    pub(crate) async fn write(&mut self, place: &Place, count: usize) {
        let store = open(place).await;
        let writers = self.standing.iter().enumerate().map(|(writer, standing)| {
            let (store, storage, mut standing) = (Arc::clone(&store), self.storage.clone(), *standing);
            tokio::spawn(async move {
                for number in 0..count / WRITERS {
                    let place = number % RESOURCES;
                    let name = format!("log/{}/o{writer}-{place}", writer % FOLDERS);
                    let resource = ResourceIri::parse(&format!("{}{name}", storage.root)).unwrap();
                    let gone = standing[place] && number % 7 == 3;
                    standing[place] = !gone;
                    let id = Uuid::new_v4();
                    let change = if gone {
                        Change::Delete { id, resource: resource.clone() }
                    } else {
                        Change::Put {
                            id,
                            resource: resource.clone(),
                            class: ResourceClass::NonRdfSource,
                            content_type: "text/plain".into(),
                            body: Body::Inline(Bytes::from_static(b"x")),
                            group: None,
                        }
                    };
                    let writes = WriteSet {
                        storage: storage.id,
                        permitted_as_of: Sequence(u64::MAX),
                        depends_on: [storage.root.acl()].into(),
                        expected: Vec::new(),
                        changes: vec![change],
                        actor: None,
                        now: Timestamp::now(),
                        causes: Arc::default(),
                        rules_as_of: None,
                    };
                    store.commit(writes).await.unwrap();
                }
                standing
            })
        });
        let mut standing = Vec::new();
        for writer in writers.collect::<Vec<_>>() {
            standing.push(writer.await.unwrap());
        }
        self.standing = standing;
        self.read_from(&store).await;
    }

    /// Reads what is new, and what has been forgotten since.
    pub(crate) async fn read(&mut self, place: &Place) {
        let store = open(place).await;
        self.read_from(&store).await;
        let oldest = store.horizon(self.storage.id).await.unwrap().oldest;
        let forgotten = store.read_storage(self.storage.id, oldest, 1).await.unwrap();
        self.forgotten.push(forgotten[0].sequence.before());
    }

    async fn read_from(&mut self, store: &Sqlite) {
        let folder = format!("{}log/", self.storage.root);
        loop {
            let commits = store.read(self.read, 1_000).await.unwrap();
            let Some(last) = commits.last() else { return };
            self.read = last.sequence;
            for record in commits.iter().flat_map(|commit| &commit.records) {
                let Some(activity) = record.fact.activity() else { continue };
                let Some(path) = activity.object.as_str().strip_prefix(&folder) else { continue };
                let kind = match activity.kind {
                    ActivityKind::Create => "Create",
                    ActivityKind::Update => "Update",
                    ActivityKind::Delete => "Delete",
                };
                self.events.push(Event { sequence: record.sequence, path: path.to_owned(), kind, id: activity.id });
            }
        }
    }
}

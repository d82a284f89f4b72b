//! What happened, as the database says, and whether a listener was told so.

use crate::{
    KEPT,
    listener::{Listener, Note, Pace},
    support::Place,
};
use bytes::Bytes;
use podbell_hub::{Position, Topic};
use podbell_log::Log as _;
use podbell_model::{ActivityKind, ResourceClass, ResourceIri, Sequence, Storage, Subject, Timestamp, Uuid};
use podbell_pod::store::{Body, Change, Store as _, WriteSet};
use podbell_server::notifications::Seals;
use podbell_sqlite::{Options, Sqlite};
use std::{collections::HashMap, sync::Arc};

/// Folders below the one that all is in.
pub(crate) const FOLDERS: usize = 4;
/// Who writes at the same time, each to resources of their own.
const WRITERS: usize = 64;
const RESOURCES: usize = 4;

struct Event {
    sequence: Sequence,
    /// Below the common folder.
    path: String,
    kind: &'static str,
    id: Uuid,
}

/// Everything since the listeners subscribed.
pub(crate) struct History {
    storage: Storage,
    read: Sequence,
    events: Vec<Event>,
    /// The newest commit that was forgotten, each time that the server was up.
    forgotten: Vec<Sequence>,
    standing: Vec<[bool; RESOURCES]>,
}

async fn open(place: &Place) -> Arc<Sqlite> {
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

    /// What opens the cursors.
    pub(crate) async fn cursors(&self, place: &Place) -> Seals {
        Seals::new(&open(place).await.key("cursors").await.unwrap()).unwrap()
    }

    /// Compares what a listener noted down with what happened.
    pub(crate) fn check(&self, listener: &Listener, seals: &Seals, webid: &str) {
        let who = format!("{:?} {:?} {:?}", listener.voice, listener.folder, listener.pace);
        let folder = listener.folder.map(|folder| format!("{folder}/")).unwrap_or_default();
        let mine: Vec<_> = self.events.iter().filter(|event| event.path.starts_with(&folder)).collect();
        let mut check =
            Check { by_id: HashMap::new(), by_path: HashMap::new(), conflates: listener.pace == Pace::Slow };
        for (index, event) in mine.iter().enumerate() {
            let line = check.by_path.entry(&event.path).or_insert_with(|| Line { events: Vec::new(), told: 0 });
            line.events.push(event);
            check.by_id.insert(event.id, (index, &event.path, line.events.len()));
        }
        let subject = Subject::agent(podbell_model::WebId::new(webid.to_owned()));
        let topics = [Topic { storage: self.storage.id, resource: self.storage.root.clone() }];
        let open = |cursor: &str| seals.open(cursor, &subject, &topics).unwrap_or_else(|| panic!("{who}: {cursor}"));
        let (mut gap, mut came, mut newest) = (false, (Position::after(Sequence(0)), 0), None);
        for note in listener.notes() {
            match note {
                Note::Connected { cursor, round } => {
                    assert!(!gap, "{who}: a gap ends by telling how things stand");
                    let place = open(&cursor);
                    check.come_back(place, &who);
                    (came, newest) = ((place, round), None);
                }
                Note::Gap => {
                    let (place, round) = came;
                    let forgotten = self.forgotten[round];
                    assert!(place.sequence < forgotten, "{who}: a gap after {place:?}, which nothing was forgotten of");
                    gap = true;
                }
                Note::Told { cursor, object, .. } if gap => {
                    let topic = format!("{}log/{folder}", self.storage.root);
                    assert_eq!(object, topic, "{who}: after a gap the topic is shown");
                    check.skip(open(&cursor));
                    gap = false;
                }
                Note::Told { kind, id, object, .. } => {
                    let index = check.told(kind, id, &format!("{who}: {object}"));
                    assert!(check.conflates || newest < Some(index), "{who}: out of order: {object}");
                    newest = Some(index);
                }
            }
        }
        for (path, line) in &check.by_path {
            assert_eq!(line.told, line.events.len(), "{who}: the end of {path} is told");
        }
    }
}

/// The events of one resource, and up to which of them are told.
struct Line<'e> {
    events: Vec<&'e Event>,
    told: usize,
}

struct Check<'e> {
    by_id: HashMap<Uuid, (usize, &'e str, usize)>,
    by_path: HashMap<&'e str, Line<'e>>,
    conflates: bool,
}

impl Check<'_> {
    /// What is before the cursor is told, or is part of what was told.
    fn come_back(&mut self, place: Position, who: &str) {
        for (path, line) in &mut self.by_path {
            let before = line.events.partition_point(|event| event.sequence <= place.sequence);
            assert!(line.told >= before, "{who}: comes back behind what was not told of {path}");
            assert!(self.conflates || line.told == before, "{who}: comes back before what was told of {path}");
            line.told = before;
        }
    }

    /// What is before that place is lost.
    fn skip(&mut self, place: Position) {
        for line in self.by_path.values_mut() {
            line.told = line.told.max(line.events.partition_point(|event| event.sequence <= place.sequence));
        }
    }

    /// The next of its resource, or the net effect of several; its place among all events.
    fn told(&mut self, kind: &str, id: Uuid, what: &str) -> usize {
        let (index, path, upto) = *self.by_id.get(&id).unwrap_or_else(|| panic!("{what} never happened"));
        let line = self.by_path.get_mut(path).unwrap();
        assert!(upto > line.told, "{what} is told again");
        assert!(self.conflates || upto == line.told + 1, "{what}: {} are missing before it", upto - line.told - 1);
        let mut kinds = line.events[line.told..upto].iter().map(|event| event.kind);
        let first = kinds.next().unwrap();
        let net = kinds.fold(first, |old, new| match (old, new) {
            (_, "Delete") => "Delete",
            ("Delete", _) => panic!("{what}: a deletion before it is not told"),
            ("Create", "Update") => "Create",
            (_, new) => new,
        });
        assert_eq!(kind, net, "{what}");
        line.told = upto;
        index
    }
}

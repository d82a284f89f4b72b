//! Whether a listener was told what happened.

use crate::{
    history::{Event, History, open},
    listener::{Listener, Note, Pace},
    support::Place,
};
use podbell_hub::{Position, Topic};
use podbell_model::{Sequence, Subject, Uuid};
use podbell_server::notifications::Seals;
use std::collections::HashMap;

impl History {
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

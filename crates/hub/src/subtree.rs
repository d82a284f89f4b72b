//! Topics that stand for everything below them.
//!
//! A record's candidates are the recursive topics on its object and on each container above it: as many look-ups as the
//! path is deep, whatever the number of channels. Read on the topic keeps the channel; what it hears of an object below
//! is judged by Read on that object. Answers about such objects rest in the object's own entry, where direct listeners
//! have theirs, and are forgotten, oldest first, when nothing waits on them.

use crate::{
    Need, Relation, Topic,
    matching::Concern,
    outbox::Below,
    rules::{EntryKey, SubjectKey},
    shard::Shard,
};
use podbell_log::{Fact, PolicyKind, Record};
use podbell_model::Activity;
use std::{collections::VecDeque, sync::Arc};

/// Most answers about objects below recursive topics that are kept while nothing waits on them.
pub(crate) const KEPT: usize = if cfg!(test) { 256 } else { 16_384 };

/// Who was asked about as the reader of an object below a recursive topic, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Visitors(VecDeque<(EntryKey, SubjectKey)>);

impl Shard {
    /// The recursive topics that a record concerns. ACLs are told to nobody but listeners of their own.
    pub(crate) fn concerns_above(&self, record: &Record, activity: &Activity) -> Vec<Concern> {
        if self.by_root.is_empty() {
            return Vec::new();
        }
        let acl = matches!(record.fact, Fact::Policy { kind: PolicyKind::Acl, .. });
        let object = &activity.object;
        let above = object.ancestors().take_while(|_| !acl);
        let concern = |resource: podbell_model::ResourceIri| {
            let entry = *self.by_root.get(&Topic { storage: record.storage, resource: resource.clone() })?;
            let reads = self.entries.get(&entry)?.need == Need::Read;
            let below = (resource != *object).then(|| Topic { storage: record.storage, resource: object.clone() });
            let generation = reads.then_some(activity.generation);
            Some(Concern { entry, relation: Relation::Object, generation, below })
        };
        std::iter::once(object.clone()).chain(above).filter_map(concern).collect()
    }

    /// Makes room for answers about an object below a topic, for every subject that listens to the topic.
    pub(crate) fn visit(&mut self, topic: EntryKey, object: &Topic) -> Option<Below> {
        let entry = self.entry(object, false);
        let (listened, visited) = (self.entries.get(&topic)?, self.entries.get(&entry)?);
        let new: Vec<_> =
            listened.parties.keys().filter(|subject| !visited.parties.contains_key(subject)).copied().collect();
        let visited = self.entries.get_mut(&entry)?;
        let visit = Arc::clone(&visited.visited);
        for subject in new {
            visited.parties.entry(subject).or_default();
            self.visitors.0.push_back((entry, subject));
        }
        Some(Below { entry, _visit: visit })
    }

    /// Forgets answers that nobody waits on, until there are as few as are kept.
    pub(crate) fn forget_visitors(&mut self) {
        for _ in 0..self.visitors.0.len().saturating_sub(KEPT) {
            let Some((entry, subject)) = self.visitors.0.pop_front() else { return };
            self.leave(entry, subject);
        }
    }

    /// A subject may listen to a topic no more: what is kept for it goes, unless something still waits on that.
    pub(crate) fn leave(&mut self, entry: EntryKey, subject: SubjectKey) {
        let Some(found) = self.entries.get_mut(&entry) else { return };
        if found.parties.get(&subject).is_some_and(|party| party.channels.is_empty()) {
            if Arc::strong_count(&found.visited) > 1 {
                return self.visitors.0.push_back((entry, subject));
            }
            found.parties.remove(&subject);
        }
        if found.parties.is_empty() {
            let known = if found.recursive { &mut self.by_root } else { &mut self.by_topic };
            known.remove(&found.topic);
            self.entries.remove(&entry);
            self.affected.remove(&entry);
            self.failing.remove(&entry);
            self.end_lease(entry);
        }
    }
}

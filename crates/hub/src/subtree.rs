//! Topics that stand for everything below them.
//!
//! A record's candidates are the recursive topics on its object and on each container above it: as many look-ups as the
//! path is deep, whatever the number of channels. Read on the topic keeps the channel; what it hears of an object below
//! is judged by Read on that object. Answers about such objects rest in the object's own entry, where direct listeners
//! have theirs, and are forgotten, oldest first, when nothing waits on them.

use crate::{
    Need, Relation, Topic,
    concern::roots,
    matching::Concern,
    outbox::{Below, Item},
    registry::{ConnectionKey, Party, Reach},
    rules::{EntryKey, SubjectKey},
    shard::Shard,
};
use podbell_log::Record;
use podbell_model::{Activity, Timestamp};
use std::{collections::VecDeque, sync::Arc};

/// Most answers about objects below recursive topics that are kept while nothing waits on them.
pub(crate) const KEPT: usize = if cfg!(test) { 256 } else { 16_384 };

/// How many of them each commit looks at that brings no newcomer.
pub(crate) const LOOKS: usize = 64;

/// Who was asked about as the reader of an object below a recursive topic, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Visitors {
    pub(crate) queue: VecDeque<(EntryKey, SubjectKey)>,
    /// How many have come since some were forgotten.
    came: usize,
}

impl Shard {
    /// The recursive topics that a record concerns.
    pub(crate) fn concerns_above(&self, record: &Record, activity: &Activity) -> Vec<Concern> {
        let below = self.by_topic.of(Reach::Below);
        if below.is_empty() {
            return Vec::new();
        }
        let object = &activity.object;
        let concern = |resource: podbell_model::ResourceIri| {
            let entry = *below.get(&Topic { storage: record.storage, resource: resource.clone() })?;
            let reads = self.entries.get(&entry)?.need == Need::Read;
            let object = (resource != *object).then(|| Topic { storage: record.storage, resource: object.clone() });
            let generation = reads.then_some(activity.generation);
            Some(Concern { entry, relation: Relation::Object, generation, below: object })
        };
        roots(record, activity).filter_map(concern).collect()
    }

    /// Makes room for answers about an object below a topic, for subjects that listen to the topic.
    pub(crate) fn visit(&mut self, subjects: &[SubjectKey], object: &Topic) -> Option<Below> {
        let entry = self.entry(object, Reach::Itself);
        let visited = self.entries.get_mut(&entry)?;
        let visit = Arc::clone(&visited.visited);
        for subject in subjects {
            visited.parties.entry(*subject).or_insert_with(|| {
                self.visitors.queue.push_back((entry, *subject));
                self.visitors.came += 1;
                Party::default()
            });
        }
        Some(Below { entry, _visit: visit })
    }

    /// Forgets answers that nobody waits on, until there are as few as are kept. Those that somebody waits on cost a look
    /// each, so no more are looked at than the newcomers pay for, whatever waits.
    pub(crate) fn forget_visitors(&mut self) {
        let looks = std::mem::take(&mut self.visitors.came) * 2 + LOOKS;
        for _ in 0..self.visitors.queue.len().saturating_sub(KEPT).min(looks) {
            let Some((entry, subject)) = self.visitors.queue.pop_front() else { return };
            self.leave(entry, subject);
        }
    }

    /// A notification of an object below a topic that is lost, as another topic further up tells it, if the channel has
    /// one: it was put under one topic alone, before the loss was known.
    pub(crate) fn told_above(&self, key: ConnectionKey, item: &Item, now: Timestamp) -> Option<Item> {
        item.below.as_ref()?;
        let live = self.channels.get(&self.connections.get(&key)?.channel)?;
        let topic = self.entries.get(&item.entry)?;
        let held = topic.parties.get(&live.subject).and_then(|party| party.answer(None)?.now(now));
        let is_above = |entry: &EntryKey| {
            let above = self.entries.get(entry).map(|entry| &entry.topic);
            let same = above.filter(|above| above.storage == topic.topic.storage);
            same.is_some_and(|above| topic.topic.resource.ancestors().any(|ancestor| ancestor == above.resource))
        };
        let heard = live.topics.iter().filter(|(_, heard)| *heard).map(|(entry, _)| *entry);
        let entry = heard.filter(|_| held != Some(true)).find(is_above)?;
        Some(Item { entry, ..item.clone() })
    }

    /// A subject may listen to a topic no more: what is kept for it goes, unless something still waits on that.
    pub(crate) fn leave(&mut self, entry: EntryKey, subject: SubjectKey) {
        let Some(found) = self.entries.get_mut(&entry) else { return };
        if found.parties.get(&subject).is_some_and(|party| party.channels.is_empty()) {
            if Arc::strong_count(&found.visited) > 1 {
                return self.visitors.queue.push_back((entry, subject));
            }
            found.parties.remove(&subject);
        }
        if found.parties.is_empty() {
            self.by_topic.of_mut(found.reach).remove(&found.topic);
            self.entries.remove(&entry);
            self.affected.remove(&entry);
            self.failing.remove(&entry);
            self.end_lease(entry);
        }
    }
}

//! From the log to the outboxes.
//!
//! Candidates are the channels on the object and on the container that it was added to or removed from: a few look-ups
//! per record, whatever the number of channels. One answer serves all listeners of one subject, and one encoding all
//! of one rendering.

use crate::{
    Ending, Need, Relation, Topic,
    concern::{Concerned, concerned, listing},
    flush::encode_change,
    outbox::{Change, Item, Outbox},
    registry::{ConnectionKey, Reach},
    rules::EntryKey,
    shard::Shard,
};
use podbell_log::{Commit, Fact, Record, StorageChange};
use podbell_model::{Activity, Generation, Sequence, Timestamp};
use std::{collections::HashSet, sync::Arc};

/// Most commits that are matched while the lock is held once.
const COMMITS: usize = 64;

/// A topic that a record may concern.
pub(crate) struct Concern {
    pub(crate) entry: EntryKey,
    pub(crate) relation: Relation,
    pub(crate) generation: Option<Generation>,
    /// The object, if it is below the topic: the rules of the object decide.
    pub(crate) below: Option<Topic>,
}

impl Shard {
    /// Takes note of the next commit: its policy counts from now on, its changes are matched later.
    pub(crate) fn learn(&mut self, commit: Arc<Commit>) {
        if commit.records.iter().any(|record| matches!(record.fact, Fact::Storage(StorageChange::Deleted, _))) {
            // Before the rules of that commit count as known: until then the fence holds back what they rule.
            self.grants.void_all();
        }
        let affected = self.rules.learn(&commit);
        let listeners = affected.iter().filter_map(|entry| self.entries.get(entry));
        let channels = listeners.flat_map(|entry| entry.parties.values().flat_map(|party| &party.channels));
        let connections = channels.filter_map(|key| self.channels.get(key)).flat_map(|live| &live.connections);
        let busy = |key: &&ConnectionKey| self.connections.get(key).is_some_and(|found| found.outbox.is_some());
        let busy: Vec<_> = connections.filter(busy).copied().collect();
        self.dirty.extend(busy);
        for entry in &affected {
            // New rules are a new chance for a judge that had failed.
            self.failing.remove(entry);
        }
        self.affected.extend(affected);
        self.pending.push_back(commit);
    }

    /// Forgets all that was derived from a log that can no longer be followed: everybody has to come again.
    pub(crate) fn lose_track(&mut self, head: Sequence) {
        self.grants.void_all();
        self.rules.skip_to(head);
        self.applied = self.rules.known();
        self.pending.clear();
        for key in self.connections.keys().copied().collect::<Vec<_>>() {
            self.let_go(key, Some(Ending::Overload));
        }
        for party in self.entries.values_mut().flat_map(|entry| entry.parties.values_mut()) {
            party.forget_answers();
        }
    }

    /// Matches the next commits; true if there may be more.
    pub(crate) fn match_pending(&mut self, now: Timestamp) -> bool {
        for _ in 0..COMMITS {
            let Some(commit) = self.pending.pop_front() else { return false };
            self.ring(&commit, None, now);
            self.applied = commit.sequence;
        }
        true
    }

    /// Tells a commit: to all that hear it live, or to one that catches up.
    pub(crate) fn ring(&mut self, commit: &Arc<Commit>, only: Option<ConnectionKey>, now: Timestamp) {
        for (index, record) in commit.records.iter().enumerate() {
            if let (Fact::Storage(StorageChange::Deleted, _), None) = (&record.fact, only) {
                self.end_storage(record.storage, now);
            }
            let Some(activity) = record.fact.activity() else { continue };
            let mut got = HashSet::new();
            let concerns = [
                self.concerns(Reach::Itself, record, activity),
                self.concerns(Reach::Members, record, activity),
                self.concerns_above(record, activity),
            ];
            for concerns in concerns {
                got.clear();
                let twice = concerns.len() > 1;
                for concern in concerns {
                    let change = Change {
                        commit: Arc::clone(commit),
                        record: index,
                        relation: concern.relation,
                        second: false,
                        kind: activity.kind,
                    };
                    self.tell(&concern, &change, only, twice.then_some(&mut got), now);
                }
            }
        }
        self.forget_visitors();
    }

    fn concerns(&self, reach: Reach, record: &Record, activity: &Activity) -> Vec<Concern> {
        let known = self.by_topic.of(reach);
        if known.is_empty() {
            return Vec::new();
        }
        let find = |Concerned { resource, relation, generation }: Concerned<'_>| {
            let entry = *known.get(&Topic { storage: record.storage, resource: resource.clone() })?;
            let reads = self.entries.get(&entry)?.need == Need::Read;
            Some(Concern { entry, relation, generation: generation.filter(|_| reads), below: None })
        };
        let listing = listing(record, activity).filter(|_| reach == Reach::Members);
        let updated = listing.as_ref().map(|container| Concerned {
            resource: container,
            relation: Relation::Member,
            generation: None,
        });
        concerned(record, activity).chain(updated).filter_map(find).collect()
    }

    /// Puts an item into an outbox within its bound: over half of it coalesced, over all of it too slow.
    pub(crate) fn enqueue(&mut self, key: ConnectionKey, item: Item, now: Timestamp) {
        let bound = self.settings.outbox_bytes;
        let encoder = Arc::clone(&self.encoder);
        let Some(connected) = self.connections.get_mut(&key) else { return };
        let full = connected.waiting_bytes() + item.bytes.len() > bound / 2;
        let outbox = connected.outbox.get_or_insert_with(|| Box::new(Outbox::new(now)));
        let fresh = outbox.is_empty();
        if full && item.judged {
            let rendering = connected.rendering;
            if outbox.queue.coalesce(item, |change| encode_change(&*encoder, rendering, change)) {
                self.metrics.coalesced();
            }
        } else {
            outbox.queue.push(item);
        }
        let idle = !outbox.blocked && outbox.waiting.is_none();
        // What is missed is read bit by bit, as there is room, and one bit may be larger than the bound.
        let catches_up = connected.replay.is_some();
        if (if catches_up { connected.held_bytes() } else { connected.waiting_bytes() }) > bound {
            self.let_go(key, Some(Ending::Overload));
        } else if fresh || idle {
            self.mark(key);
        }
    }
}

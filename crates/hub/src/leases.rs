//! Grants that hold for a while: those that rest on a group document elsewhere.
//!
//! No commit tells when such a document changes, so the judge is asked again when its answer lapses, also for those who
//! are idle: whoever lost the grant is let go then, and not at the next event. There is one timer for each topic with
//! such a grant, and nothing for the others.

use crate::{
    rules::EntryKey,
    shard::{Shard, Timer},
};
use podbell_model::Timestamp;

impl Shard {
    /// A grant of that topic holds until then: its listeners are judged again at the latest when the first one lapses.
    pub(crate) fn lease(&mut self, entry: EntryKey, until: Timestamp) {
        let earlier = self.leases.get(&entry).copied();
        if earlier.is_none_or(|earlier| until < earlier) {
            self.end_lease(entry);
            self.leases.insert(entry, until);
            self.at(until, Timer::Lapse(entry));
        }
    }

    /// The first grant of that topic has lapsed.
    pub(crate) fn lapse(&mut self, entry: EntryKey, now: Timestamp) {
        self.leases.remove(&entry);
        self.affected.insert(entry);
        let parties = self.entries.get(&entry).into_iter().flat_map(|entry| entry.parties.values());
        let others = parties.filter_map(|party| party.answer(None)?.granted_until()).filter(|until| *until > now);
        if let Some(next) = others.min() {
            self.lease(entry, next);
        }
    }

    /// Nobody listens to that topic any more.
    pub(crate) fn end_lease(&mut self, entry: EntryKey) {
        if let Some(until) = self.leases.remove(&entry) {
            self.timers.remove(&(until, Timer::Lapse(entry)));
        }
    }
}

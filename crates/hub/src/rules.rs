//! What the judge said, and whether it still holds.
//!
//! An answer holds until a commit touches a document that it depends on. Answers that depend on the same documents
//! share one [`Dependencies`], so a policy record costs a few look-ups, whatever the number of listeners. An answer
//! that was under way while its documents were touched is not taken.

use crate::Answer;
use parking_lot::Mutex;
use podbell_log::Commit;
use podbell_model::{Generation, ResourceIri, Sequence, Timestamp};
use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

/// How many policy changes are remembered for answers that are under way.
const REMEMBERED: usize = 4_096;

/// Names a topic that somebody listens to.
pub(crate) type EntryKey = u64;
/// Names an interned subject.
pub(crate) type SubjectKey = u64;

/// One question, by the names of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Asked {
    pub(crate) entry: EntryKey,
    pub(crate) subject: SubjectKey,
    pub(crate) generation: Option<Generation>,
    /// By the rules of that commit; none for those of now.
    pub(crate) at: Option<Sequence>,
}

/// The documents that answers depend on.
#[derive(Debug)]
pub(crate) struct Dependencies {
    touched: AtomicU64,
    entries: Mutex<HashSet<EntryKey>>,
}

/// The newest commit whose policy changes have been applied, for those who may not wait for the rules.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known(Arc<AtomicU64>);

impl Known {
    /// What [`Dependencies`] tell when asked after this includes every touch up to that commit.
    pub(crate) fn get(&self) -> Sequence {
        Sequence(self.0.load(Ordering::Acquire))
    }

    fn set(&self, known: Sequence) {
        self.0.store(known.0, Ordering::Release);
    }
}

/// An answer that was taken.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) allowed: bool,
    since: Sequence,
    pub(crate) as_of: Sequence,
    valid_until: Option<Timestamp>,
    dependencies: Arc<Dependencies>,
}

impl Held {
    fn holds(&self, now: Timestamp) -> bool {
        self.as_of.0 >= self.dependencies.touched.load(Ordering::Relaxed)
            && self.valid_until.is_none_or(|until| now < until)
    }

    /// Has the topic judged again when a document that this answer depends on is touched next.
    ///
    /// An answer can be newer than the commits that are just being learned: these take the topic off the list and
    /// leave the answer as it is.
    pub(crate) fn watch(&self, entry: EntryKey) {
        self.dependencies.entries.lock().insert(entry);
    }

    /// Whether it still holds when rules were changed last by the commit `watermark`, and all changes up to the commit
    /// `known` have been applied.
    pub(crate) fn holds_at(&self, watermark: Sequence, known: Sequence, now: Timestamp) -> bool {
        self.allowed && watermark <= known.max(self.as_of) && self.holds(now)
    }

    /// Until when a grant holds that rests on a document elsewhere.
    pub(crate) fn granted_until(&self) -> Option<Timestamp> {
        self.valid_until.filter(|_| self.allowed)
    }

    /// The answer by the newest rules that are known; none if it must be asked.
    pub(crate) fn now(&self, now: Timestamp) -> Option<bool> {
        self.holds(now).then_some(self.allowed)
    }

    /// The answer by the rules of commit `at`, which is not newer than `known`; none if it must be asked.
    pub(crate) fn then(&self, at: Sequence, known: Sequence, now: Timestamp) -> Option<bool> {
        (self.holds(now) && self.since <= at && at <= known.max(self.as_of)).then_some(self.allowed)
    }
}

/// The rules as far as the log has been read.
#[derive(Debug)]
pub(crate) struct Rules {
    known: Sequence,
    /// The same, for all to see.
    shown: Known,
    sets: HashMap<Arc<[ResourceIri]>, Weak<Dependencies>>,
    by_document: HashMap<ResourceIri, Vec<Weak<Dependencies>>>,
    recent: VecDeque<(Sequence, ResourceIri)>,
    /// Touches up to here are no longer remembered.
    floor: Sequence,
    prune_at: usize,
}

impl Rules {
    pub(crate) fn new(known: Sequence) -> Self {
        let shown = Known::default();
        shown.set(known);
        Self {
            known,
            shown,
            sets: HashMap::new(),
            by_document: HashMap::new(),
            recent: VecDeque::new(),
            floor: known,
            prune_at: 1_024,
        }
    }

    /// The newest commit whose policy changes have been applied.
    pub(crate) fn known(&self) -> Sequence {
        self.known
    }

    /// The same, as it goes on.
    pub(crate) fn shown(&self) -> Known {
        self.shown.clone()
    }

    /// Applies the policy changes of the next commit; returns the topics whose answers may have changed.
    pub(crate) fn learn(&mut self, commit: &Commit) -> HashSet<EntryKey> {
        let mut affected = HashSet::new();
        for document in commit.records.iter().filter_map(|record| record.fact.policy()) {
            for set in self.by_document.get(document).into_iter().flatten().filter_map(Weak::upgrade) {
                set.touched.fetch_max(commit.sequence.0, Ordering::Relaxed);
                affected.extend(set.entries.lock().drain());
            }
            if self.recent.len() == REMEMBERED
                && let Some((forgotten, _)) = self.recent.pop_front()
            {
                self.floor = self.floor.max(forgotten);
            }
            self.recent.push_back((commit.sequence, document.clone()));
        }
        self.known = self.known.max(commit.sequence);
        self.shown.set(self.known);
        affected
    }

    /// Forgets what can no longer be trusted: the log could not be read up to `head`. Every answer from before is
    /// refused from now on; the caller drops those that it holds.
    pub(crate) fn skip_to(&mut self, head: Sequence) {
        for set in self.sets.values().filter_map(Weak::upgrade) {
            set.touched.store(u64::MAX, Ordering::Relaxed);
        }
        let shown = self.shown();
        *self = Self { shown, ..Self::new(head.max(self.known)) };
        self.shown.set(self.known);
    }

    /// Takes an answer about a topic; none if it no longer holds, so that it must be asked again.
    pub(crate) fn take(&mut self, entry: EntryKey, answer: &Answer, now: Timestamp) -> Option<Held> {
        let held = self.vouch(answer, now)?;
        held.watch(entry);
        Some(held)
    }

    /// Takes an answer that nobody listens for; none if it no longer holds.
    pub(crate) fn vouch(&mut self, answer: &Answer, now: Timestamp) -> Option<Held> {
        let touched_since = |document| answer.depends_on.contains(document);
        let newer = self.recent.iter().rev().take_while(|(sequence, _)| *sequence > answer.as_of);
        if answer.as_of < self.floor || newer.map(|(_, document)| document).any(touched_since) {
            return None;
        }
        if answer.valid_until.is_some_and(|until| until <= now) {
            return None;
        }
        let dependencies = self.dependencies(&answer.depends_on);
        let Answer { allowed, since, as_of, valid_until, .. } = *answer;
        Some(Held { allowed, since, as_of, valid_until, dependencies })
    }

    fn dependencies(&mut self, documents: &Arc<[ResourceIri]>) -> Arc<Dependencies> {
        if let Some(set) = self.sets.get(documents).and_then(Weak::upgrade) {
            return set;
        }
        self.prune();
        let newest = self.recent.iter().rev().find(|(_, document)| documents.contains(document));
        let touched = newest.map_or(0, |(sequence, _)| sequence.0);
        let set = Arc::new(Dependencies { touched: AtomicU64::new(touched), entries: Mutex::default() });
        self.sets.insert(Arc::clone(documents), Arc::downgrade(&set));
        for document in documents.iter() {
            self.by_document.entry(document.clone()).or_default().push(Arc::downgrade(&set));
        }
        set
    }

    /// Forgets sets that no answer depends on, whenever their number has doubled.
    fn prune(&mut self) {
        if self.sets.len() < self.prune_at {
            return;
        }
        self.sets.retain(|_, set| set.strong_count() > 0);
        self.by_document.retain(|_, sets| {
            sets.retain(|set| set.strong_count() > 0);
            !sets.is_empty()
        });
        self.prune_at = (self.sets.len() * 2).max(1_024);
    }
}

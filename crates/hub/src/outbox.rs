//! What waits for one connection.
//!
//! An outbox exists only while something waits. It counts bytes, and when asked keeps only the newest notification
//! of one resource: what happened stays true (a creation followed by changes is a creation, anything followed by a
//! deletion is a deletion, a deletion followed by a creation is both), and the order per resource stays.

use crate::{
    Encoded, Position, Relation,
    rules::{Asked, EntryKey},
};
use podbell_log::{Commit, Record};
use podbell_model::{Activity, ActivityKind, Generation, ResourceIri, Sequence, Timestamp};
use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

/// A change as one topic sees it.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) commit: Arc<Commit>,
    pub(crate) record: usize,
    pub(crate) relation: Relation,
    /// The same channel also got the other projection.
    pub(crate) second: bool,
    /// What is told: the net effect of what was coalesced.
    pub(crate) kind: ActivityKind,
}

impl Change {
    pub(crate) fn record(&self) -> &Record {
        &self.commit.records[self.record]
    }

    /// Where in the log it is.
    pub(crate) fn position(&self) -> Position {
        Position::of(self.commit.sequence, self.record, self.relation)
    }

    pub(crate) fn activity(&self) -> Option<&Activity> {
        self.record().fact.activity()
    }
}

/// The object of a notification for listeners of a container above it.
#[derive(Clone, Debug)]
pub(crate) struct Below {
    pub(crate) entry: EntryKey,
    /// While it is held, the answers about the object stay.
    pub(crate) _visit: Arc<()>,
}

/// What an item tells.
#[derive(Clone, Debug)]
pub(crate) enum What {
    /// That a resource changed.
    Change(Change),
    /// The state of a topic on connecting; none if nothing stands there.
    State(Option<Arc<str>>),
    /// That the log no longer holds what was missed.
    Gap,
}

/// One notification that waits, with all that is needed to judge it again.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) bytes: Encoded,
    pub(crate) entry: EntryKey,
    /// Judged by the answers about the object, which is below the topic.
    pub(crate) below: Option<Below>,
    pub(crate) generation: Option<Generation>,
    pub(crate) what: What,
    /// The rules of the record's time have allowed it.
    pub(crate) judged: bool,
    /// The rate has let it pass.
    pub(crate) paced: bool,
}

/// Items about the same life of the same resource, as one topic sees them.
type Key = (EntryKey, Relation, Option<ResourceIri>, Option<Generation>);

impl Item {
    /// What is told of a topic on connecting: judged by the rules of now alone, and past every rate.
    pub(crate) fn on_connecting(bytes: Encoded, entry: EntryKey, what: What) -> Self {
        Self { bytes, entry, below: None, generation: None, what, judged: true, paced: true }
    }

    /// The commit that it tells of; none if the rules of now alone decide.
    pub(crate) fn sequence(&self) -> Option<Sequence> {
        match &self.what {
            What::Change(change) => Some(change.commit.sequence),
            What::State(_) | What::Gap => None,
        }
    }

    /// Where in the log it is.
    pub(crate) fn position(&self) -> Option<Position> {
        match &self.what {
            What::Change(change) => Some(change.position()),
            What::State(_) | What::Gap => None,
        }
    }

    fn key(&self) -> Option<Key> {
        let What::Change(change) = &self.what else { return None };
        let activity = change.activity()?;
        // Members of one container share its generation, so their own tells their lives apart.
        let generation = Some(activity.generation);
        Some((self.entry, change.relation, Some(activity.object.clone()), generation))
    }

    /// The kind that tells both, or none if both must be told.
    fn net_effect(&self, newer: &Self) -> Option<ActivityKind> {
        let (What::Change(old), What::Change(new)) = (&self.what, &newer.what) else { return None };
        match (old.kind, new.kind) {
            // What the rate has let pass stands ahead of what it holds back, which is older than `newer`.
            _ if !self.judged || !newer.judged || old.second != new.second || self.paced != newer.paced => None,
            (_, ActivityKind::Delete) => Some(ActivityKind::Delete),
            (ActivityKind::Delete, _) => None,
            (ActivityKind::Create, ActivityKind::Update) => Some(ActivityKind::Create),
            (_, kind) => Some(kind),
        }
    }
}

/// Items in order, with their bytes counted.
#[derive(Debug)]
pub(crate) struct Queue {
    items: VecDeque<Item>,
    /// Place of the first item; places survive pops.
    base: u64,
    bytes: usize,
    /// Newest place per key; exists once coalescing began.
    latest: Option<HashMap<Key, u64>>,
}

impl Default for Queue {
    fn default() -> Self {
        // Far from zero, because items are also put back in front.
        Self { items: VecDeque::new(), base: 1 << 32, bytes: 0, latest: None }
    }
}

impl Queue {
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Where in the log the items are.
    pub(crate) fn positions(&self) -> impl Iterator<Item = Position> {
        self.items.iter().filter_map(Item::position)
    }

    /// Whether it tells how a topic stands.
    pub(crate) fn shows(&self) -> bool {
        self.items.iter().any(|item| matches!(item.what, What::State(_)))
    }

    pub(crate) fn front(&self) -> Option<&Item> {
        self.items.front()
    }

    pub(crate) fn pop(&mut self) -> Option<Item> {
        let item = self.items.pop_front()?;
        self.base += 1;
        self.bytes -= item.bytes.len();
        if self.items.is_empty() {
            self.latest = None;
        }
        Some(item)
    }

    /// Puts back in front what was popped last.
    pub(crate) fn put_back(&mut self, item: Item) {
        self.base -= 1;
        self.bytes += item.bytes.len();
        self.items.push_front(item);
    }

    pub(crate) fn push(&mut self, item: Item) {
        if let Some(latest) = &mut self.latest
            && let Some(key) = item.key()
        {
            latest.insert(key, self.base + self.items.len() as u64);
        }
        self.bytes += item.bytes.len();
        self.items.push_back(item);
    }

    /// Drops what is not to be told any more.
    pub(crate) fn retain(&mut self, keep: impl FnMut(&Item) -> bool) {
        self.items.retain(keep);
        self.bytes = self.items.iter().map(|item| item.bytes.len()).sum();
        self.latest = None;
    }

    /// Takes over what the rate held back. It goes behind what the rate has let pass and ahead of what it has not
    /// seen yet, which is newer.
    pub(crate) fn release(&mut self, held: &mut Self) {
        let seen = self.items.iter().take_while(|item| item.paced).count();
        for place in seen.. {
            let Some(mut item) = held.pop() else { break };
            item.paced = true;
            self.bytes += item.bytes.len();
            self.items.insert(place, item);
        }
        self.latest = None;
    }

    /// Adds an item, in the place of an older one if that leaves the net effect; true if it did.
    pub(crate) fn coalesce(&mut self, mut item: Item, encode: impl FnOnce(&Change) -> Encoded) -> bool {
        let Some(key) = item.key() else {
            self.push(item);
            return false;
        };
        let place = self.index().get(&key).copied();
        let old = place.and_then(|place| place.checked_sub(self.base)).and_then(|at| usize::try_from(at).ok());
        let Some(old) = old.and_then(|at| self.items.get_mut(at)) else {
            self.push(item);
            return false;
        };
        let Some(kind) = old.net_effect(&item) else {
            self.push(item);
            return false;
        };
        if let What::Change(change) = &mut item.what
            && change.kind != kind
        {
            change.kind = kind;
            item.bytes = encode(change);
        }
        self.bytes = self.bytes - old.bytes.len() + item.bytes.len();
        *old = item;
        true
    }

    fn index(&mut self) -> &HashMap<Key, u64> {
        let (items, base) = (&self.items, self.base);
        self.latest.get_or_insert_with(|| {
            let keyed = |(place, item): (u64, &Item)| Some((item.key()?, place));
            (base..).zip(items).filter_map(keyed).collect()
        })
    }
}

/// What waits for one connection.
#[derive(Debug)]
pub(crate) struct Outbox {
    pub(crate) queue: Queue,
    /// An item of which so many bytes are out.
    pub(crate) partial: Option<(Item, usize)>,
    /// The outlet had no room; it tells when it has.
    pub(crate) blocked: bool,
    /// The outlet last took something then.
    pub(crate) progress: Timestamp,
    /// It waits for the judge.
    pub(crate) waiting: Option<Asked>,
    /// How often the judge has failed it.
    pub(crate) attempts: u8,
}

impl Outbox {
    pub(crate) fn new(now: Timestamp) -> Self {
        let queue = Queue::default();
        Self { queue, partial: None, blocked: false, progress: now, waiting: None, attempts: 0 }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.queue.bytes() + self.partial.as_ref().map_or(0, |(item, _)| item.bytes.len())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.partial.is_none() && self.queue.is_empty()
    }
}

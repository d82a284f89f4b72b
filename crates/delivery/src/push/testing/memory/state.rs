//! What is remembered of channels that push and of what they are owed, and by which rules it changes.

use crate::push::{Attempt, Delivery, DeliveryId, Health, Kind, Lane, Outcome};
use podbell_hub::{Anew, Channel, ChannelId, Owed, Position, Topic, What};
use podbell_model::{ResourceIri, Sequence, Timestamp, Uuid};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) derived: Sequence,
    pub(super) last: i64,
    pub(super) entries: BTreeMap<i64, Entry>,
    pub(super) receivers: HashMap<ChannelId, Receiver>,
    pub(super) taken: HashSet<i64>,
}

/// A channel that pushes.
#[derive(Debug)]
pub(super) struct Receiver {
    pub(super) channel: Arc<Channel>,
    /// For each purpose, where it goes.
    lanes: [Option<Lane>; 3],
    pub(super) health: Health,
    pub(super) attempts: Vec<(Uuid, Attempt)>,
    pub(super) told: Option<Timestamp>,
    pub(super) missed_told: u64,
    pub(super) due: HashMap<Topic, Timestamp>,
    pub(super) served: HashMap<Purpose, Timestamp>,
}

impl Receiver {
    pub(super) fn new(channel: Channel) -> Self {
        Self {
            lanes: Purpose::ALL.map(|purpose| lane(&channel, purpose)),
            channel: Arc::new(channel),
            health: Health::default(),
            attempts: Vec::new(),
            told: None,
            missed_told: 0,
            due: HashMap::new(),
            served: HashMap::new(),
        }
    }

    /// It is kept otherwise by now.
    pub(super) fn change(&mut self, channel: Channel) {
        self.lanes = Purpose::ALL.map(|purpose| lane(&channel, purpose));
        let is_left = |topic: &Topic| channel.topics.iter().all(|kept| kept.storage != topic.storage);
        if self.channel.topics.iter().any(is_left) {
            // What was tried there is not for those who own the rest.
            self.attempts.clear();
            let Health { disabled, missed, .. } = self.health;
            self.health = Health { disabled, missed, ..Health::default() };
        }
        self.channel = Arc::new(channel);
    }
}

fn lane(channel: &Channel, purpose: Purpose) -> Option<Lane> {
    let push = channel.push.as_ref()?;
    match purpose {
        Purpose::Changes | Purpose::Pings => Some(Lane::of(&push.send_to)),
        Purpose::Lifecycle => push.lifecycle.as_deref().map(Lane::of),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Purpose {
    Changes,
    Pings,
    Lifecycle,
}

impl Purpose {
    const ALL: [Self; 3] = [Self::Changes, Self::Pings, Self::Lifecycle];
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) channel: ChannelId,
    /// For last words.
    pub(super) gone: Option<Arc<Channel>>,
    pub(super) object: Option<ResourceIri>,
    pub(super) message: Uuid,
    pub(super) kind: Kind,
    pub(super) mergeable: bool,
    pub(super) attempts: u32,
    pub(super) owed: Timestamp,
    pub(super) due: Timestamp,
    pub(super) died: Option<Timestamp>,
    pub(super) last: Option<Outcome>,
    pub(super) causes: Arc<[Uuid]>,
}

impl Entry {
    pub(super) fn purpose(&self) -> Purpose {
        match self.kind {
            Kind::Change { .. } | Kind::State { .. } => Purpose::Changes,
            Kind::Ping { .. } => Purpose::Pings,
            Kind::Lifecycle { .. } => Purpose::Lifecycle,
        }
    }

    pub(super) fn topic(&self) -> Option<&Topic> {
        match &self.kind {
            Kind::Change { about, .. } | Kind::State { about } => Some(&about.topic),
            Kind::Ping { .. } | Kind::Lifecycle { .. } => None,
        }
    }

    pub(super) fn position(&self) -> Option<Position> {
        match self.kind {
            Kind::Change { position, .. } => Some(position),
            _ => None,
        }
    }

    /// Of those about one object, one goes after the other.
    pub(super) fn row(&self) -> (ChannelId, bool, Purpose, Option<&ResourceIri>) {
        (self.channel, self.gone.is_some(), self.purpose(), self.object.as_ref())
    }
}

impl State {
    pub(super) fn channel(&self, entry: &Entry) -> Option<Arc<Channel>> {
        let live = || self.receivers.get(&entry.channel).map(|receiver| Arc::clone(&receiver.channel));
        entry.gone.clone().or_else(live)
    }

    /// As somebody takes it.
    pub(super) fn delivery(&self, id: i64) -> Option<Delivery> {
        let entry = self.entries.get(&id)?;
        let owed = self.entries.values().filter(|other| other.channel == entry.channel && other.died.is_none());
        Some(Delivery {
            id: DeliveryId(id),
            channel: self.channel(entry)?,
            message: entry.message,
            kind: entry.kind.clone(),
            attempts: entry.attempts,
            owed: entry.owed,
            causes: Arc::clone(&entry.causes),
            oldest: owed.filter_map(Entry::position).min(),
        })
    }

    pub(super) fn lane(&self, entry: &Entry) -> Option<Lane> {
        let purpose = entry.purpose();
        match &entry.gone {
            Some(gone) => lane(gone, purpose),
            None => self.receivers.get(&entry.channel)?.lanes[purpose as usize].clone(),
        }
    }

    pub(super) fn is_off(&self, entry: &Entry) -> bool {
        let receiver = self.receivers.get(&entry.channel);
        entry.purpose() == Purpose::Changes && receiver.is_some_and(|receiver| receiver.health.disabled.is_some())
    }

    /// The oldest of each object, of those that are not switched off.
    pub(super) fn heads(&self) -> Vec<(i64, &Entry)> {
        let mut rows = HashSet::new();
        let live = self.entries.iter().filter(|(_, entry)| entry.died.is_none() && !self.is_off(entry));
        live.filter(|(_, entry)| rows.insert(entry.row())).map(|(id, entry)| (*id, entry)).collect()
    }

    pub(super) fn served(&self, entry: &Entry) -> Option<Timestamp> {
        self.receivers.get(&entry.channel)?.served.get(&entry.purpose()).copied()
    }

    pub(super) fn pending(&self, channel: ChannelId) -> u64 {
        let owed = |entry: &&Entry| entry.channel == channel && entry.gone.is_none() && entry.died.is_none();
        self.entries.values().filter(owed).count() as u64
    }

    pub(super) fn push(&mut self, entry: Entry) {
        self.last += 1;
        self.entries.insert(self.last, entry);
    }

    /// What waits already goes behind, so that all is in its order; what is under way stays.
    pub(super) fn owe_again(&mut self, owed: Vec<Owed>, bound: u64) -> Anew {
        let mut anew = Anew { taken: 0, owed: 0 };
        for owed in owed {
            let same = |entry: &Entry| entry.channel == owed.channel && entry.message == owed.message;
            let known =
                self.entries.iter().find(|(_, entry)| same(entry)).map(|(id, entry)| (*id, entry.died.is_some()));
            let room = self.pending(owed.channel) < bound;
            match known {
                Some((id, false)) => {
                    if !self.taken.contains(&id)
                        && let Some(entry) = self.entries.remove(&id)
                    {
                        self.push(entry);
                    }
                }
                _ if !room => break,
                dead => {
                    if let Some((id, _)) = dead {
                        self.entries.remove(&id);
                    }
                    let last = self.last;
                    self.owe(owed, bound);
                    anew.owed += u64::from(self.last > last);
                }
            }
            anew.taken += 1;
        }
        anew
    }

    pub(super) fn owe(&mut self, owed: Owed, bound: u64) {
        let pending = self.pending(owed.channel);
        let is_same = |entry: &Entry| entry.channel == owed.channel && entry.message == owed.message;
        let is_queued = self.entries.values().any(is_same);
        let Some(receiver) = self.receivers.get_mut(&owed.channel) else { return };
        let topic = owed.about.topic.clone();
        if is_queued || receiver.health.disabled.is_some() || !receiver.channel.topics.contains(&topic) {
            return;
        }
        let position = owed.position();
        let (kind, mergeable) = match owed.what {
            What::Change { body, position, mergeable } => {
                (Kind::Change { about: owed.about, body, position }, mergeable)
            }
            What::State => (Kind::State { about: owed.about }, false),
        };
        if mergeable && owed.rate.is_some() && !owed.in_order {
            let about = |entry: &Entry| entry.channel == owed.channel && entry.object.as_ref() == Some(&owed.object);
            let newest = self.entries.iter_mut().rev().find(|(_, entry)| entry.died.is_none() && about(entry));
            let newest = newest.filter(|(id, entry)| {
                let may = entry.mergeable && entry.attempts == 0 && entry.topic() == Some(&topic);
                may && entry.position() < position && !self.taken.contains(*id)
            });
            if let Some((_, entry)) = newest {
                (entry.message, entry.kind, entry.causes) = (owed.message, kind, owed.causes);
                return;
            }
        }
        if pending >= bound {
            receiver.health.missed += 1;
            return;
        }
        let mut due = owed.due;
        if let Some(rate) = owed.rate {
            let next = receiver.due.get(&topic).and_then(|last| last.checked_add(rate).ok());
            due = next.map_or(due, |next| next.max(due));
            receiver.due.insert(topic, due);
        }
        self.push(Entry {
            channel: owed.channel,
            gone: None,
            object: (!owed.in_order).then_some(owed.object),
            message: owed.message,
            kind,
            mergeable,
            attempts: 0,
            owed: owed.due,
            due,
            died: None,
            last: None,
            causes: owed.causes,
        });
    }

    /// What waits to be told of the same topic, and is due before the rate allows, is put off, one behind the other.
    pub(super) fn pace(&mut self, told: &Entry, at: Timestamp) {
        let Some(receiver) = self.receivers.get_mut(&told.channel).filter(|_| told.gone.is_none()) else { return };
        let (Some(rate), Some(topic)) = (receiver.channel.rate, told.topic()) else { return };
        let last = receiver.due.entry(topic.clone()).or_insert(at);
        *last = at.max(*last);
        let waits = |entry: &&(i64, &Entry)| entry.1.channel == told.channel && entry.1.topic() == Some(topic);
        let mut waiting: Vec<_> = self.heads().iter().filter(waits).map(|(id, entry)| (entry.due, *id)).collect();
        waiting.sort();
        let mut free = at;
        for (_, id) in waiting {
            free = free.saturating_add(rate).unwrap_or(Timestamp::MAX);
            if let Some(entry) = self.entries.get_mut(&id) {
                entry.due = entry.due.max(free);
            }
        }
    }

    pub(super) fn say(
        &mut self,
        channel: ChannelId,
        gone: Option<Arc<Channel>>,
        message: Uuid,
        kind: Kind,
        now: Timestamp,
    ) {
        self.push(Entry {
            channel,
            gone,
            object: None,
            message,
            kind,
            mergeable: false,
            attempts: 0,
            owed: now,
            due: now,
            died: None,
            last: None,
            causes: [channel.0].into(),
        });
    }

    pub(super) fn note(&mut self, id: i64, attempt: &Attempt) {
        let Some(entry) = self.entries.get(&id) else { return };
        let (purpose, message) = (entry.purpose(), entry.message);
        let Some(receiver) = self.receivers.get_mut(&entry.channel).filter(|_| entry.gone.is_none()) else { return };
        receiver.served.insert(purpose, attempt.at);
        receiver.attempts.insert(0, (message, attempt.clone()));
        receiver.attempts.truncate(100);
        let elsewhere =
            receiver.channel.push.as_ref().is_some_and(|push| push.lifecycle.as_ref() != Some(&push.send_to));
        if purpose == Purpose::Lifecycle && elsewhere {
            return;
        }
        let health = &mut receiver.health;
        if matches!(attempt.outcome, Outcome::Acknowledged(_)) {
            (health.last_success, health.failing_since) = (Some(attempt.at), None);
        } else {
            health.last_failure = Some(attempt.clone());
            health.failing_since.get_or_insert(attempt.at);
        }
    }
}

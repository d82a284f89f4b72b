//! The state of the hub, behind one lock that is never held across an `await`.
//!
//! Its rule: nothing is written to an outlet except by [`flush`](crate::flush) and [`telling`](crate::telling), inside
//! the fence, and nothing that was judged by rules older than the fence's watermark.

use crate::{
    Answer, Channel, ChannelId, Cursors, Ending, Metrics, Outlet, Ports, Position, RenderingId, Settings, Topic,
    crowds::Holder,
    grants::Grants,
    outbox::Item,
    ports::Encoder,
    registry::{
        ByTopic, ChannelKey, Connected, ConnectionKey, Ended, Entry, Live, Party, Reach, Seats, Subjects, Window,
    },
    replay::Compare,
    rules::{Asked, EntryKey, Held, Rules},
    subtree::Visitors,
};
use podbell_log::{Commit, Fence};
use podbell_model::{Sequence, StorageId, Timestamp};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::{
    collections::{BTreeSet, HashMap, HashSet, VecDeque},
    sync::Arc,
};
use tokio::sync::Notify;

/// Something to do at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// The window of a topic of a connection opens.
    Window(ConnectionKey, usize),
    /// A channel ends.
    End(ChannelKey),
    /// A channel begins, so its state is compared.
    Start(ConnectionKey),
    /// A connection may be stuck.
    Stuck(ConnectionKey),
    /// The judge is asked again for a connection.
    Retry(ConnectionKey),
    /// The judge is asked again whether a topic may be kept.
    Rejudge(EntryKey),
    /// A grant that rests on a document elsewhere lapses.
    Lapse(EntryKey),
    /// What the store failed to do is tried again.
    Chores,
    /// Nobody has come back to a channel.
    Linger(ChannelId),
    /// Ended channels are swept.
    Sweep,
}

/// Something to do in the channel store.
#[derive(Clone, Debug)]
pub(crate) enum Chore {
    /// The channel has ended.
    Remove(ChannelId),
    /// It has lost topics.
    Narrow(ChannelId, Vec<Topic>),
    /// Its last state was told.
    Advance(ChannelId, Arc<str>),
    /// The storage was deleted.
    EndStorage(StorageId),
    /// Time to sweep.
    Sweep,
}

/// How often the judge of a topic has failed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failing {
    pub(crate) attempts: u8,
    /// It is asked again when its timer fires, not before.
    pub(crate) paused: bool,
}

/// An outlet that is let go, outside the lock.
pub(crate) struct Farewell {
    outlet: Arc<dyn Outlet>,
    words: Option<(Ending, bool)>,
}

impl Farewell {
    pub(crate) fn say(self) {
        if let Some((ending, mid_frame)) = self.words {
            self.outlet.close(ending, mid_frame);
        }
    }
}

/// The state of the hub.
pub(crate) struct Shard {
    pub(crate) settings: Settings,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) encoder: Arc<dyn Encoder>,
    pub(crate) cursors: Arc<dyn Cursors>,
    pub(crate) fence: Arc<Fence>,

    pub(crate) rules: Rules,
    /// Leave that was given to those who push.
    pub(crate) grants: Arc<Grants>,
    /// The newest commit that was matched and put into outboxes.
    pub(crate) applied: Sequence,
    /// Commits that are known and not yet applied.
    pub(crate) pending: VecDeque<Arc<Commit>>,

    pub(crate) subjects: Subjects,
    pub(crate) by_topic: ByTopic,
    /// Answers about objects below topics that stand for them too.
    pub(crate) visitors: Visitors,
    // Keys made here are counted up, so nobody can choose them to collide.
    pub(crate) entries: FxHashMap<EntryKey, Entry>,
    pub(crate) by_id: HashMap<ChannelId, ChannelKey>,
    pub(crate) channels: FxHashMap<ChannelKey, Live>,
    pub(crate) connections: FxHashMap<ConnectionKey, Connected>,
    pub(crate) seats: HashMap<ChannelId, Seats>,
    /// Seats that are taken, by whose they are.
    pub(crate) seated: HashMap<Holder, u32>,
    pub(crate) ended: Ended,
    /// Channels that have just lost their last connection.
    pub(crate) left: Vec<Arc<Channel>>,
    /// Those of them that linger, and until when.
    pub(crate) lingering: HashMap<ChannelId, (Arc<Channel>, Timestamp)>,
    next: u64,

    /// Connections with something that may be sent.
    pub(crate) dirty: VecDeque<ConnectionKey>,
    /// Topics whose listeners are judged again.
    pub(crate) affected: HashSet<EntryKey>,
    /// Topics whose judge has failed.
    pub(crate) failing: HashMap<EntryKey, Failing>,
    /// When the first grant of a topic lapses, of those that rest on documents elsewhere.
    pub(crate) leases: FxHashMap<EntryKey, Timestamp>,
    /// Questions that are asked, and the connections that wait for the answer.
    pub(crate) waiting: HashMap<Asked, Vec<ConnectionKey>>,
    /// Questions to ask.
    pub(crate) to_ask: Vec<Asked>,
    /// Answers by the rules of one commit, while somebody needs them.
    pub(crate) thens: HashMap<Asked, bool>,
    pub(crate) replays: Vec<(ConnectionKey, Compare)>,
    pub(crate) chores: Vec<Chore>,
    pub(crate) failed_chores: Vec<Chore>,
    /// States that were told last, on their way to the store.
    advancing: HashMap<ChannelId, Arc<str>>,
    pub(crate) timers: BTreeSet<(Timestamp, Timer)>,
    pub(crate) farewells: Vec<Farewell>,
    /// The engine has something to do.
    pub(crate) wake: bool,
    /// Nobody may come any more.
    pub(crate) draining: bool,
}

impl Shard {
    pub(crate) fn new(settings: Settings, metrics: Arc<Metrics>, ports: &Ports, head: Sequence) -> Self {
        Self {
            settings,
            metrics,
            encoder: Arc::clone(&ports.encoder),
            cursors: Arc::clone(&ports.cursors),
            fence: Arc::clone(&ports.fence),
            rules: Rules::new(head),
            grants: Arc::default(),
            applied: head,
            pending: VecDeque::new(),
            subjects: Subjects::default(),
            by_topic: ByTopic::default(),
            visitors: Visitors::default(),
            entries: FxHashMap::default(),
            by_id: HashMap::new(),
            channels: FxHashMap::default(),
            connections: FxHashMap::default(),
            seats: HashMap::new(),
            seated: HashMap::new(),
            ended: Ended::default(),
            left: Vec::new(),
            lingering: HashMap::new(),
            next: 0,
            dirty: VecDeque::new(),
            affected: HashSet::new(),
            failing: HashMap::new(),
            leases: FxHashMap::default(),
            waiting: HashMap::new(),
            to_ask: Vec::new(),
            thens: HashMap::new(),
            replays: Vec::new(),
            chores: Vec::new(),
            failed_chores: Vec::new(),
            advancing: HashMap::new(),
            timers: BTreeSet::new(),
            farewells: Vec::new(),
            wake: false,
            draining: false,
        }
    }

    fn key(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    pub(crate) fn chore(&mut self, chore: Chore) {
        self.chores.push(chore);
        self.wake = true;
    }

    pub(crate) fn at(&mut self, when: Timestamp, timer: Timer) {
        self.timers.insert((when, timer));
        self.wake = true;
    }

    pub(crate) fn ask(&mut self, asked: Asked) -> &mut Vec<ConnectionKey> {
        let (to_ask, wake) = (&mut self.to_ask, &mut self.wake);
        self.waiting.entry(asked).or_insert_with(|| {
            to_ask.push(asked);
            *wake = true;
            Vec::new()
        })
    }

    pub(crate) fn mark(&mut self, connection: ConnectionKey) {
        self.dirty.push_back(connection);
        self.wake = true;
    }

    pub(crate) fn party(&mut self, asked: &Asked) -> Option<&mut Party> {
        self.entries.get_mut(&asked.entry)?.parties.get_mut(&asked.subject)
    }

    /// Registers a connection whose seat was taken; what it hears begins after `position`.
    pub(crate) fn register(
        &mut self,
        channel: &Arc<Channel>,
        answers: &[Answer],
        (outlet, own): (Arc<dyn Outlet>, Option<RenderingId>),
        position: Position,
        now: Timestamp,
    ) -> Option<ConnectionKey> {
        let seats = self.seats.get(&channel.id);
        let without = seats.map(|seats| seats.without.clone()).unwrap_or_default();
        let nothing = channel.topics.iter().all(|topic| without.contains(topic));
        let ended = seats.and_then(|seats| seats.ended).or(nothing.then_some(Ending::Unsubscribed));
        let key = self.by_id.get(&channel.id).copied();
        let leaving = key.and_then(|key| self.channels.get(&key)).and_then(|live| live.ending);
        let draining = self.draining.then_some(Ending::Shutdown);
        if let Some(ending) = ended.or(leaving).or(draining) {
            self.leave_seat(channel);
            self.farewells.push(Farewell { outlet, words: Some((ending, false)) });
            return None;
        }
        let renewed = self.seats.get(&channel.id).and_then(|seats| seats.renewed.as_ref());
        let renewed = renewed.map(|renewal| {
            let mut renewed = (**channel).clone();
            renewal.apply(&mut renewed);
            Arc::new(renewed)
        });
        let channel = renewed.as_ref().unwrap_or(channel);
        let key = key.unwrap_or_else(|| self.enter(channel));
        self.stays(channel.id);
        if let Some(live) = self.channels.get_mut(&key).filter(|_| !without.is_empty()) {
            for (topic, (_, heard)) in live.channel.topics.iter().zip(&mut live.topics) {
                *heard &= !without.contains(topic);
            }
        }
        self.remember(key, channel, answers, now);
        let windows = channel.rate.map(|_| {
            let topics = self.channels.get(&key).map_or(0, |live| live.topics.len());
            (0..topics).map(|_| Window::default()).collect()
        });
        let connection = self.key();
        let heard = (position.part < u32::MAX).then_some(position);
        let position = if heard.is_some() { position.sequence.before() } else { position.sequence };
        let connected = Connected {
            outlet,
            channel: key,
            rendering: own.unwrap_or(channel.rendering),
            position,
            heard: heard.map(Box::new),
            replay: None,
            outbox: None,
            unshown: false,
            watched: false,
            is_fixed: own.is_some(),
            windows,
        };
        self.connections.insert(connection, connected);
        if let Some(live) = self.channels.get_mut(&key) {
            live.connections.push(connection);
        }
        self.metrics.connected();
        Some(connection)
    }

    /// Begins to catch up, and first to compare the state if asked.
    pub(crate) fn begin_replay(&mut self, connection: ConnectionKey, compare: Compare) {
        if let Some(connected) = self.connections.get_mut(&connection) {
            connected.replay = Some(Arc::new(Notify::new()));
            self.replays.push((connection, compare));
            self.wake = true;
        }
    }

    /// Makes a channel live, with its subject and topics interned.
    fn enter(&mut self, channel: &Arc<Channel>) -> ChannelKey {
        let key = self.key();
        let (subject, shared) = self.subjects.intern(&channel.subject);
        let mut topics = Vec::with_capacity(channel.topics.len());
        let mut entries = SmallVec::with_capacity(channel.topics.len());
        for topic in channel.topics.iter() {
            let entry = self.listen(topic, Reach::of(channel), subject, key);
            topics.push(self.entries.get(&entry).map_or_else(|| topic.clone(), |entry| entry.topic.clone()));
            entries.push((entry, true));
        }
        let channel = Arc::new(Channel { subject: shared, topics: topics.into(), ..(**channel).clone() });
        self.by_id.insert(channel.id, key);
        if let Some(end) = channel.end_at {
            self.at(end, Timer::End(key));
        }
        let told =
            self.advancing.get(&channel.id).or(self.seats.get(&channel.id).and_then(|seats| seats.told.as_ref()));
        let told = told.cloned();
        let mut live = Live::new(channel, subject, entries);
        live.told = told;
        self.channels.insert(key, live);
        key
    }

    fn listen(&mut self, topic: &Topic, reach: Reach, subject: u64, channel: ChannelKey) -> EntryKey {
        let entry = self.entry(topic, reach);
        if let Some(found) = self.entries.get_mut(&entry) {
            found.parties.entry(subject).or_default().channels.push(channel);
        }
        entry
    }

    /// The entry of a topic; made if nobody has listened yet.
    pub(crate) fn entry(&mut self, topic: &Topic, reach: Reach) -> EntryKey {
        if let Some(entry) = self.by_topic.of(reach).get(topic) {
            return *entry;
        }
        let entry = self.key();
        self.by_topic.of_mut(reach).insert(topic.clone(), entry);
        self.entries.insert(entry, Entry::new(topic, reach));
        entry
    }

    /// Keeps the answers of the admission; what no longer holds is asked again.
    fn remember(&mut self, key: ChannelKey, admitted: &Channel, answers: &[Answer], now: Timestamp) {
        let Some(live) = self.channels.get(&key) else { return };
        let subject = live.subject;
        let topics: Vec<EntryKey> = live.topics.iter().map(|(entry, _)| *entry).collect();
        for (topic, answer) in admitted.topics.iter().zip(answers) {
            let Some(entry) = self.by_topic.of(Reach::of(admitted)).get(topic).copied() else { continue };
            match self.rules.take(entry, answer, now) {
                Some(held) => self.hold(&Asked { entry, subject, generation: None, at: None }, held),
                None => drop(self.affected.insert(entry)),
            }
        }
        // Topics that an older connection of the channel still has, and this admission lost.
        self.affected.extend(topics.into_iter().filter(|entry| {
            let party = self.entries.get(entry).and_then(|entry| entry.parties.get(&subject));
            party.is_some_and(|party| party.answer(None).is_none())
        }));
        self.wake |= !self.affected.is_empty();
    }

    pub(crate) fn hold(&mut self, asked: &Asked, held: Held) {
        let until = held.granted_until().filter(|_| asked.generation.is_none());
        let Some(party) = self.party(asked) else { return };
        party.remember(asked.generation, held);
        if let Some(until) = until {
            self.lease(asked.entry, until);
        }
    }

    /// Lets a connection go; `words` are what its outlet is told, if anything.
    pub(crate) fn let_go(&mut self, key: ConnectionKey, words: Option<Ending>) {
        let Some(connected) = self.connections.remove(&key) else { return };
        let mid_frame = connected.mid_frame();
        if let Some(replay) = &connected.replay {
            replay.notify_one();
        }
        if words == Some(Ending::Overload) {
            self.metrics.overloaded();
        }
        self.metrics.disconnected();
        self.farewells.push(Farewell { outlet: connected.outlet, words: words.map(|ending| (ending, mid_frame)) });
        for (topic, window) in connected.windows.iter().flatten().enumerate() {
            if let Some(opens) = window.opens {
                self.timers.remove(&(opens, Timer::Window(key, topic)));
            }
        }
        let Some(live) = self.channels.get_mut(&connected.channel) else { return };
        if let Some(start) = live.channel.start_at {
            self.timers.remove(&(start, Timer::Start(key)));
        }
        live.connections.retain(|other| *other != key);
        let (channel, empty) = (Arc::clone(&live.channel), live.connections.is_empty());
        self.leave_seat(&channel);
        if empty {
            self.retire(connected.channel);
        }
    }

    /// The store has the state of a channel; whoever is on the way may have read it before.
    pub(crate) fn advanced(&mut self, id: ChannelId, told: &Arc<str>) {
        if self.advancing.get(&id) == Some(told) {
            self.advancing.remove(&id);
            if let Some(seats) = self.seats.get_mut(&id) {
                seats.told = Some(Arc::clone(told));
            }
        }
    }

    /// Forgets a channel that has no connection left; it rests in the store.
    fn retire(&mut self, key: ChannelKey) {
        let Some(live) = self.channels.remove(&key) else { return };
        self.by_id.remove(&live.channel.id);
        if live.ending.is_none() && live.channel.linger.is_some() {
            self.left.push(Arc::clone(&live.channel));
        }
        if let Some(end) = live.channel.end_at {
            self.timers.remove(&(end, Timer::End(key)));
        }
        if let (Some(told), None) = (live.told, live.ending) {
            self.advancing.insert(live.channel.id, Arc::clone(&told));
            self.chore(Chore::Advance(live.channel.id, told));
        }
        for (entry, _) in &live.topics {
            let Some(found) = self.entries.get_mut(entry) else { continue };
            if let Some(party) = found.parties.get_mut(&live.subject) {
                party.channels.retain(|other| *other != key);
            }
            self.leave(*entry, live.subject);
        }
        self.subjects.release(live.subject);
    }

    /// Which of its channel's topics an item is about.
    pub(crate) fn topic_of(&self, connection: &Connected, item: &Item) -> Option<usize> {
        let live = self.channels.get(&connection.channel)?;
        live.topics.iter().position(|(entry, _)| *entry == item.entry)
    }
}

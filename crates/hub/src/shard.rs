//! The state of the hub, behind one lock that is never held across an `await`.
//!
//! Its rule: nothing is written to an outlet except by [`flush`](crate::flush) and [`telling`](crate::telling), inside
//! the fence, and nothing that was judged by rules older than the fence's watermark.

use crate::{
    Channel, ChannelId, Cursors, Ending, Metrics, Outlet, Ports, Settings, Topic,
    crowds::Holder,
    grants::Grants,
    listening::Rested,
    outbox::Item,
    ports::Encoder,
    registry::{ByTopic, ChannelKey, Connected, ConnectionKey, Ended, Entry, Live, Party, Seats, Subjects},
    replay::Compare,
    rules::{Asked, EntryKey, Rules},
    subtree::Visitors,
};
use podbell_log::{Commit, Fence};
use podbell_model::{Sequence, StorageId, Timestamp};
use rustc_hash::FxHashMap;
use std::{
    collections::{BTreeSet, HashMap, HashSet, VecDeque},
    sync::Arc,
};

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
    pub(crate) outlet: Arc<dyn Outlet>,
    /// Why, and whether a frame has begun; nothing if it knows.
    pub(crate) words: Option<(Ending, bool)>,
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
    /// Channels that are not kept, by the storages of their topics.
    pub(crate) attending: BTreeSet<(StorageId, ChannelKey)>,
    /// When something was handed last to channels that nobody is connected to.
    pub(crate) rested: Rested,
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
    pub(crate) advancing: HashMap<ChannelId, Arc<str>>,
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
            attending: BTreeSet::new(),
            rested: Rested::default(),
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

    /// A new one, never given again.
    pub(crate) fn key(&mut self) -> u64 {
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

    /// Which of its channel's topics an item is about.
    pub(crate) fn topic_of(&self, connection: &Connected, item: &Item) -> Option<usize> {
        let live = self.channels.get(&connection.channel)?;
        live.topics.iter().position(|(entry, _)| *entry == item.entry)
    }
}

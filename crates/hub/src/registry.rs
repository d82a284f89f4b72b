//! Who listens to what: topics, subjects, channels and connections, interned and small.
//!
//! Only channels with a connection are here; the others rest in the channel store. Listeners of a topic are grouped
//! by subject, so that one answer of the judge serves all of one subject.

use crate::{
    Channel, ChannelId, Ending, Filter, Need, Outlet, Position, Relation, RenderingId, Renewal, Topic,
    outbox::{Outbox, Queue},
    rules::{EntryKey, Held, SubjectKey},
};
use podbell_log::Record;
use podbell_model::{ActivityKind, Auxiliary, Generation, Sequence, Subject, Timestamp};
use smallvec::SmallVec;
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, atomic::AtomicU32},
};
use tokio::sync::Notify;

/// Names a connection; never used again.
pub(crate) type ConnectionKey = u64;
/// Names a channel that has a connection; never used again.
pub(crate) type ChannelKey = u64;

/// Most answers about one subject and topic that are kept: one about what stands there, the others about lives.
const ANSWERS: usize = 4;
/// Most ended channels that are remembered, so that their owners and users are told so.
const REMEMBERED: usize = 10_000;
/// Most bytes that they take, about.
const REMEMBERED_BYTES: usize = 16 * 1_024 * 1_024;

/// What a topic stands for. Listeners of each kind have entries of their own, so that none costs the others anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Itself, and what is added to it or removed from it.
    Itself,
    /// The same, and the updates of its members.
    Members,
    /// Itself and everything below.
    Below,
}

impl Reach {
    pub(crate) fn of(channel: &Channel) -> Self {
        match channel.recursive {
            true => Self::Below,
            false if channel.filter.has(Relation::Member, ActivityKind::Update) => Self::Members,
            false => Self::Itself,
        }
    }
}

/// The topics that somebody listens to, by what they stand for.
#[derive(Debug, Default)]
pub(crate) struct ByTopic {
    itself: HashMap<Topic, EntryKey>,
    members: HashMap<Topic, EntryKey>,
    below: HashMap<Topic, EntryKey>,
}

impl ByTopic {
    pub(crate) fn of(&self, reach: Reach) -> &HashMap<Topic, EntryKey> {
        match reach {
            Reach::Itself => &self.itself,
            Reach::Members => &self.members,
            Reach::Below => &self.below,
        }
    }

    pub(crate) fn of_mut(&mut self, reach: Reach) -> &mut HashMap<Topic, EntryKey> {
        match reach {
            Reach::Itself => &mut self.itself,
            Reach::Members => &mut self.members,
            Reach::Below => &mut self.below,
        }
    }
}

/// A topic that somebody listens to.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) topic: Topic,
    pub(crate) reach: Reach,
    pub(crate) need: Need,
    pub(crate) parties: HashMap<SubjectKey, Party>,
    /// Held by notifications about it for listeners of a container above, which are judged by the answers kept here.
    pub(crate) visited: Arc<()>,
}

impl Entry {
    pub(crate) fn new(topic: &Topic, reach: Reach) -> Self {
        Self { topic: topic.clone(), reach, need: need(topic), parties: HashMap::new(), visited: Arc::default() }
    }
}

/// The listeners of one subject to one topic.
#[derive(Debug, Default)]
pub(crate) struct Party {
    pub(crate) channels: Vec<ChannelKey>,
    answers: Vec<(Option<Generation>, Held)>,
}

impl Party {
    pub(crate) fn answer(&self, generation: Option<Generation>) -> Option<&Held> {
        self.answers.iter().find(|(about, _)| *about == generation).map(|(_, held)| held)
    }

    pub(crate) fn remember(&mut self, generation: Option<Generation>, held: Held) {
        if let Some(place) = self.answers.iter_mut().find(|(about, _)| *about == generation) {
            place.1 = held;
            return;
        }
        if self.answers.len() == ANSWERS
            && let Some(oldest) = self.answers.iter().position(|(about, _)| about.is_some())
        {
            self.answers.remove(oldest);
        }
        self.answers.reserve_exact(1);
        self.answers.push((generation, held));
    }

    pub(crate) fn forget_answers(&mut self) {
        self.answers.clear();
    }
}

/// What a subject needs to hear of a topic.
pub(crate) fn need(topic: &Topic) -> Need {
    match topic.resource.as_auxiliary() {
        Some((Auxiliary::Acl, _)) => Need::Control,
        _ => Need::Read,
    }
}

/// A channel that has a connection.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) channel: Arc<Channel>,
    pub(crate) subject: SubjectKey,
    // What follows is looked at for every message to every listener, so it lies here and not behind a pointer.
    /// The channel's topics in order, and whether they are still heard.
    pub(crate) topics: SmallVec<[(EntryKey, bool); 1]>,
    pub(crate) connections: SmallVec<[ConnectionKey; 1]>,
    /// Whether the channel has neither `startAt` nor `endAt` nor `state`.
    pub(crate) is_plain: bool,
    /// Whether it has a filter.
    is_filtered: bool,
    /// The second in which something was handed to one of its connections last; 0 for never.
    pub(crate) handed: AtomicU32,
    /// It ends as soon as what waits is out.
    pub(crate) ending: Option<Ending>,
    /// The last state that was told, if the channel asks for the `state` feature and it has advanced.
    pub(crate) told: Option<Arc<str>>,
}

impl Live {
    pub(crate) fn new(
        channel: Arc<Channel>,
        subject: SubjectKey,
        topics: SmallVec<[(EntryKey, bool); 1]>,
        handed: u32,
    ) -> Self {
        let (is_plain, is_filtered) = (is_plain(&channel), is_filtered(&channel));
        let (connections, handed) = (SmallVec::new(), AtomicU32::new(handed));
        Self { channel, subject, topics, connections, is_plain, is_filtered, handed, ending: None, told: None }
    }

    /// Puts another state of the same channel in its place.
    pub(crate) fn set_channel(&mut self, channel: Arc<Channel>) {
        (self.is_plain, self.is_filtered) = (is_plain(&channel), is_filtered(&channel));
        self.channel = channel;
    }

    /// Whether the channel hears of a topic in that record.
    pub(crate) fn hears(&self, entry: EntryKey, record: &Record, relation: Relation) -> bool {
        let heard = self.topics.iter().any(|(topic, heard)| *topic == entry && *heard);
        let takes_all = self.is_plain && !self.is_filtered;
        heard && self.ending.is_none() && (takes_all || self.channel.wants(record, relation))
    }
}

fn is_plain(channel: &Channel) -> bool {
    channel.start_at.is_none() && channel.end_at.is_none() && channel.state.is_none()
}

fn is_filtered(channel: &Channel) -> bool {
    channel.filter != Filter::default()
}

/// One connection. Idle ones are this small and nothing more.
pub(crate) struct Connected {
    pub(crate) outlet: Arc<dyn Outlet>,
    pub(crate) channel: ChannelKey,
    pub(crate) rendering: RenderingId,
    /// It has heard, or need not hear, everything up to here.
    pub(crate) position: Sequence,
    /// It came back in the midst of a commit, of which it has heard so much.
    pub(crate) heard: Option<Box<Position>>,
    /// It is catching up; told when its outbox is empty, or when it is gone.
    pub(crate) replay: Option<Arc<Notify>>,
    pub(crate) outbox: Option<Box<Outbox>>,
    /// More topics are to be shown as they stand.
    pub(crate) unshown: bool,
    /// A timer looks whether it is stuck.
    pub(crate) watched: bool,
    /// It was opened with a rendering of its own, and keeps it.
    pub(crate) is_fixed: bool,
    /// By topic, if the channel has a rate.
    pub(crate) windows: Option<Box<[Window]>>,
}

/// The rate of one topic on one connection.
#[derive(Debug, Default)]
pub(crate) struct Window {
    /// The next one may be sent then.
    pub(crate) opens: Option<Timestamp>,
    /// What waits for that.
    pub(crate) held: Queue,
}

impl Connected {
    /// Bytes that wait, for the socket or for the rate.
    pub(crate) fn waiting_bytes(&self) -> usize {
        self.held_bytes() + self.outbox.as_ref().map_or(0, |outbox| outbox.bytes())
    }

    /// Bytes that wait for the rate.
    pub(crate) fn held_bytes(&self) -> usize {
        self.windows.iter().flatten().map(|window| window.held.bytes()).sum()
    }

    /// Whether more than half of that bound waits.
    pub(crate) fn is_half_full(&self, bound: usize) -> bool {
        self.waiting_bytes() > bound / 2
    }

    /// Whether part of a frame is out.
    pub(crate) fn mid_frame(&self) -> bool {
        self.outbox.as_ref().is_some_and(|outbox| outbox.partial.is_some())
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.outbox.is_none() && self.windows.iter().flatten().all(|window| window.held.is_empty())
    }
}

/// Connections of one channel, those on their way included.
#[derive(Debug, Default)]
pub(crate) struct Seats {
    pub(crate) taken: u32,
    /// It ended while somebody was on the way.
    pub(crate) ended: Option<Ending>,
    /// These topics of it ended while somebody was on the way.
    pub(crate) without: Vec<Topic>,
    /// The state that was told last, kept in the store while somebody was on the way.
    pub(crate) told: Option<Arc<str>>,
    /// It was changed to this while somebody was on the way, who may have read it before.
    pub(crate) renewed: Option<Box<Renewal>>,
}

/// Subjects, each once.
#[derive(Debug, Default)]
pub(crate) struct Subjects {
    keys: HashMap<Arc<Subject>, SubjectKey>,
    kept: HashMap<SubjectKey, (Arc<Subject>, u32)>,
    next: SubjectKey,
}

impl Subjects {
    /// Interns a subject and counts one use.
    pub(crate) fn intern(&mut self, subject: &Arc<Subject>) -> (SubjectKey, Arc<Subject>) {
        if let Some(key) = self.keys.get(subject)
            && let Some((subject, uses)) = self.kept.get_mut(key)
        {
            *uses += 1;
            return (*key, Arc::clone(subject));
        }
        self.next += 1;
        self.keys.insert(Arc::clone(subject), self.next);
        self.kept.insert(self.next, (Arc::clone(subject), 1));
        (self.next, Arc::clone(subject))
    }

    pub(crate) fn get(&self, key: SubjectKey) -> Option<&Arc<Subject>> {
        self.kept.get(&key).map(|(subject, _)| subject)
    }

    /// Gives one use back.
    pub(crate) fn release(&mut self, key: SubjectKey) {
        let Some((subject, uses)) = self.kept.get_mut(&key) else { return };
        *uses -= 1;
        if *uses == 0 {
            self.keys.remove(subject);
            self.kept.remove(&key);
        }
    }
}

/// Channels that have ended, as long as they are remembered.
#[derive(Debug, Default)]
pub(crate) struct Ended {
    order: VecDeque<(ChannelId, Option<[u8; 32]>)>,
    by_id: HashMap<ChannelId, Arc<Channel>>,
    by_capability: HashMap<[u8; 32], ChannelId>,
    bytes: usize,
}

impl Ended {
    pub(crate) fn remember(&mut self, channel: &Arc<Channel>) {
        if let Some(known) = self.by_id.insert(channel.id, Arc::clone(channel)) {
            self.bytes = (self.bytes + weight(channel)).saturating_sub(weight(&known));
            return;
        }
        if let Some(capability) = channel.capability {
            self.by_capability.insert(capability, channel.id);
        }
        self.order.push_back((channel.id, channel.capability));
        self.bytes += weight(channel);
        while self.order.len() > REMEMBERED || self.bytes > REMEMBERED_BYTES {
            let Some((id, capability)) = self.order.pop_front() else { return };
            if let Some(forgotten) = self.by_id.remove(&id) {
                self.bytes = self.bytes.saturating_sub(weight(&forgotten));
            }
            capability.map(|capability| self.by_capability.remove(&capability));
        }
    }

    pub(crate) fn by_id(&self, id: ChannelId) -> Option<&Arc<Channel>> {
        self.by_id.get(&id)
    }

    pub(crate) fn by_capability(&self, hash: &[u8; 32]) -> Option<&Arc<Channel>> {
        self.by_id.get(self.by_capability.get(hash)?)
    }

    pub(crate) fn has_capability(&self, hash: &[u8; 32]) -> bool {
        self.by_capability.contains_key(hash)
    }
}

/// How many bytes a channel takes, about.
fn weight(channel: &Channel) -> usize {
    let topics = channel.topics.iter().map(|topic| size_of::<Topic>() + topic.resource.as_str().len());
    size_of::<Channel>() + topics.sum::<usize>()
}

//! Channels that somebody is connected to: they come alive with their first connection, and rest in the store again after
//! the last.

use crate::{
    Answer, Channel, ChannelId, Ending, Outlet, Position, RenderingId, Topic,
    registry::{ChannelKey, Connected, ConnectionKey, Entry, Live, Reach, Window},
    replay::Compare,
    rules::{Asked, EntryKey, Held},
    shard::{Chore, Farewell, Shard, Timer},
};
use podbell_model::Timestamp;
use smallvec::SmallVec;
use std::sync::Arc;
use tokio::sync::Notify;

impl Shard {
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
        let handed = self.rested.take(&channel);
        if !channel.is_kept() {
            self.attending.extend(channel.topics.iter().map(|topic| (topic.storage, key)));
        }
        let mut live = Live::new(channel, subject, entries, handed);
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
        if live.ending.is_none() {
            self.was_left(&live.channel);
        }
        if !live.channel.is_kept() {
            for topic in live.channel.topics.iter() {
                self.attending.remove(&(topic.storage, key));
            }
        } else if live.ending.is_none() {
            self.rested.keep(&live.channel, live.handed.into_inner());
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
}

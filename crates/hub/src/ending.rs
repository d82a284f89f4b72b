//! How channels end and topics are lost.
//!
//! A channel whose subject lost its last topic, or whose time is over, first gets out what waits and is still
//! allowed (the deletion of the topic may be among it); one that its owner deleted sends nothing more. Of a channel over
//! several storages, the owner of one ends what is there.

use crate::{
    Channel, ChannelId, Ending, Topic,
    flush::after,
    outbox::Outbox,
    registry::{ChannelKey, ConnectionKey},
    rules::{Asked, EntryKey},
    shard::{Chore, Shard, Timer},
};
use podbell_model::{StorageId, Timestamp};
use std::{collections::HashSet, sync::Arc};

impl Shard {
    /// Ends a channel now: nothing is sent to it from here on. Also one that is only on its way.
    pub(crate) fn end_now(&mut self, id: ChannelId, ending: Ending) {
        if let Some(seats) = self.seats.get_mut(&id) {
            seats.ended = Some(ending);
        }
        let Some(live) = self.by_id.get(&id).and_then(|key| self.channels.get_mut(key)) else { return };
        live.ending = Some(ending);
        for connection in live.connections.clone() {
            self.let_go(connection, Some(ending));
        }
    }

    /// Ends some topics of a channel now: nothing is sent of them from here on, and what waits is dropped. Also of one
    /// that is only on its way.
    pub(crate) fn end_part(&mut self, id: ChannelId, part: &[Topic]) {
        if let Some(seats) = self.seats.get_mut(&id) {
            seats.without.extend_from_slice(part);
        }
        let Some(live) = self.by_id.get(&id).and_then(|key| self.channels.get_mut(key)) else { return };
        let mut gone = HashSet::new();
        for (topic, (entry, heard)) in live.channel.topics.iter().zip(&mut live.topics) {
            if part.contains(topic) {
                *heard = false;
                gone.insert(*entry);
            }
        }
        // It may have been about these.
        live.handed(0);
        let (channel, connections) = (Arc::clone(&live.channel), live.connections.clone());
        if live.topics.iter().all(|(_, heard)| !heard) {
            self.ended.remember(&channel);
            if channel.is_kept() {
                self.chore(Chore::Remove(id));
            }
            return self.end_now(id, Ending::Unsubscribed);
        }
        for key in connections {
            let Some(connected) = self.connections.get_mut(&key) else { continue };
            for window in connected.windows.iter_mut().flatten() {
                window.held.retain(|item| !gone.contains(&item.entry));
            }
            let Some(outbox) = connected.outbox.as_mut() else { continue };
            outbox.queue.retain(|item| !gone.contains(&item.entry));
            if outbox.partial.as_ref().is_some_and(|(item, _)| gone.contains(&item.entry)) {
                // The rest of that frame may not follow.
                self.let_go(key, Some(Ending::Unsubscribed));
            } else {
                self.finish(key);
            }
        }
    }

    /// Ends a channel of which a new connection may hear no topic. If it has connections, these are judged again: they
    /// still get what was committed before the loss (the deletion of the topic may be among it), and it ends with them.
    pub(crate) fn refuse(&mut self, channel: &Arc<Channel>) {
        if let Some(live) = self.by_id.get(&channel.id).and_then(|key| self.channels.get(key)) {
            self.affected.extend(live.topics.iter().map(|(entry, _)| *entry));
            self.wake = true;
            return;
        }
        if let Some(seats) = self.seats.get_mut(&channel.id) {
            seats.ended = Some(Ending::Forbidden);
        }
        // One without a capability is kept nowhere, and asking for it costs nothing to keep.
        if channel.capability.is_some() {
            self.ended.remember(channel);
            self.chore(Chore::Remove(channel.id));
        }
    }

    /// Ends a channel once what waits for it is out.
    pub(crate) fn end_drained(&mut self, key: ChannelKey, ending: Ending, now: Timestamp) {
        let Some(live) = self.channels.get_mut(&key) else { return };
        if live.ending.is_some() {
            return;
        }
        live.ending = Some(ending);
        let (channel, connections) = (Arc::clone(&live.channel), live.connections.clone());
        if let Some(seats) = self.seats.get_mut(&channel.id) {
            seats.ended = Some(ending);
        }
        self.ended.remember(&channel);
        self.chore(Chore::Remove(channel.id));
        for connection in connections {
            self.release_held(connection, now);
            self.finish(connection);
            let Some(connected) = self.connections.get_mut(&connection) else { continue };
            let Some(outbox) = &connected.outbox else { continue };
            let patience = after(outbox.progress, self.settings.stuck_after);
            if !std::mem::replace(&mut connected.watched, true) {
                self.at(patience, Timer::Stuck(connection));
            }
            self.mark(connection);
        }
    }

    /// Lets a connection go if its channel has ended and nothing waits; wakes one that catches up.
    pub(crate) fn finish(&mut self, key: ConnectionKey) {
        let Some(connected) = self.connections.get_mut(&key) else { return };
        if connected.outbox.as_ref().is_some_and(|outbox| outbox.is_empty()) {
            connected.outbox = None;
        }
        if connected.outbox.is_some() {
            return;
        }
        if let Some(replay) = &connected.replay {
            replay.notify_one();
        }
        let idle = connected.is_idle();
        let ending = self.channels.get(&connected.channel).and_then(|live| live.ending);
        if let (true, Some(ending)) = (idle, ending) {
            self.let_go(key, Some(ending));
        }
    }

    /// Puts what the rate held back into the outbox, to go out at once.
    fn release_held(&mut self, key: ConnectionKey, now: Timestamp) {
        let Some(connected) = self.connections.get_mut(&key) else { return };
        for window in connected.windows.iter_mut().flatten() {
            if !window.held.is_empty() {
                let outbox = connected.outbox.get_or_insert_with(|| Box::new(Outbox::new(now)));
                outbox.queue.release(&mut window.held);
            }
        }
    }

    /// Judges again the listeners of topics whose rules have changed; those who lost a topic hear of it no more.
    ///
    /// A loss counts only once everything committed up to the answer has been matched: the deletion that took the
    /// topic away is still told by the rules just before it.
    pub(crate) fn losses(&mut self, now: Timestamp) {
        for entry in std::mem::take(&mut self.affected) {
            if self.failing.get(&entry).is_some_and(|failing| failing.paused) {
                continue;
            }
            let Some(found) = self.entries.get(&entry) else { continue };
            let (mut lost, mut unknown) = (Vec::new(), Vec::new());
            let mut later = false;
            for (subject, party) in found.parties.iter().filter(|(_, party)| !party.channels.is_empty()) {
                match party.answer(None) {
                    Some(held) if held.now(now).is_some() => {
                        held.watch(entry);
                        let refused = !held.allowed;
                        later |= refused && held.as_of > self.applied;
                        if refused && held.as_of <= self.applied {
                            lost.extend_from_slice(&party.channels);
                        }
                    }
                    _ => unknown.push(Asked { entry, subject: *subject, generation: None, at: None }),
                }
            }
            if later || !unknown.is_empty() {
                self.affected.insert(entry);
            }
            for asked in unknown {
                self.ask(asked);
            }
            for channel in lost {
                self.lose(channel, entry, now);
            }
        }
    }

    /// A channel no longer hears of a topic; the last one lost ends it.
    fn lose(&mut self, key: ChannelKey, entry: EntryKey, now: Timestamp) {
        let Some(live) = self.channels.get_mut(&key) else { return };
        let mut changed = false;
        for (_, heard) in live.topics.iter_mut().filter(|(lost, heard)| *lost == entry && *heard) {
            (*heard, changed) = (false, true);
        }
        if !changed || live.ending.is_some() {
            return;
        }
        live.handed(0);
        let topics = live.channel.topics.iter().zip(&live.topics);
        let left: Vec<_> = topics.filter(|(_, (_, heard))| *heard).map(|(topic, _)| topic.clone()).collect();
        if left.is_empty() {
            self.end_drained(key, Ending::Forbidden, now);
        } else {
            let id = live.channel.id;
            self.chore(Chore::Narrow(id, left));
        }
    }

    /// A storage is gone, and with it every topic in it.
    pub(crate) fn end_storage(&mut self, storage: StorageId, now: Timestamp) {
        let gone = self.entries.iter().filter(|(_, entry)| entry.topic.storage == storage);
        let gone = gone.flat_map(|(key, entry)| {
            entry.parties.values().flat_map(|party| &party.channels).map(move |channel| (*channel, *key))
        });
        for (channel, entry) in gone.collect::<Vec<_>>() {
            self.lose(channel, entry, now);
        }
        self.chore(Chore::EndStorage(storage));
    }
}

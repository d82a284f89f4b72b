//! The sending of what waits.
//!
//! Everything is judged here, immediately before its system call and inside the fence, by rules that are not older
//! than the fence's watermark; also what has waited, and the rest of a frame of which part is out. What cannot be
//! judged yet waits, and everything behind it.

use crate::{
    Encoded, Ending,
    concern::state_after,
    listening::second,
    outbox::{Change, Item, Outbox, What},
    registry::{ConnectionKey, Entry},
    rules::{Asked, SubjectKey},
    shard::{Shard, Timer},
};
use podbell_model::{StorageId, Timestamp};
use std::{
    collections::VecDeque,
    io::{ErrorKind, IoSlice},
    sync::Arc,
    time::Duration,
};

/// Most parts of one write.
const PARTS: usize = 64;
/// Most connections that are served inside the fence at a time, so that a policy write waits briefly.
pub(crate) const BATCH: usize = 128;

enum Judgement {
    Allowed,
    Refused,
    Unknown(Asked),
}

impl Shard {
    /// Serves the next connections that have something to send; true if there may be more. False also if the rules
    /// must be learned first.
    pub(crate) fn flush_some(&mut self, now: Timestamp) -> bool {
        let fence = Arc::clone(&self.fence);
        let entered = fence.enter();
        if entered.watermark() > self.rules.known() {
            self.wake |= !self.dirty.is_empty();
            return false;
        }
        for _ in 0..BATCH {
            let Some(key) = self.dirty.pop_front() else { return false };
            self.flush(key, now);
        }
        true
    }

    /// There is room again.
    pub(crate) fn writable(&mut self, key: ConnectionKey, now: Timestamp) {
        let Some(outbox) = self.connections.get_mut(&key).and_then(|found| found.outbox.as_mut()) else { return };
        outbox.blocked = false;
        let fence = Arc::clone(&self.fence);
        let entered = fence.enter();
        if entered.watermark() > self.rules.known() {
            self.mark(key);
        } else {
            self.flush(key, now);
        }
    }

    fn flush(&mut self, key: ConnectionKey, now: Timestamp) {
        loop {
            let Some(subject) = self.subject_of(key) else { return };
            if !self.judge_partial(key, subject, now) {
                return;
            }
            let Some(outbox) = self.connections.get(&key).and_then(|found| found.outbox.as_ref()) else {
                return self.finish(key);
            };
            if outbox.blocked {
                return;
            }
            let mut going = self.ready(key, subject, now);
            let partial = self.connections.get(&key).and_then(|found| found.outbox.as_ref()?.partial.as_ref());
            if going.is_empty() && partial.is_none() {
                return self.finish(key);
            }
            if !self.write(key, &mut going, now) {
                return;
            }
        }
    }

    pub(crate) fn subject_of(&self, key: ConnectionKey) -> Option<SubjectKey> {
        Some(self.channels.get(&self.connections.get(&key)?.channel)?.subject)
    }

    /// Judges a frame of which part is out; false if nothing may be written.
    fn judge_partial(&mut self, key: ConnectionKey, subject: SubjectKey, now: Timestamp) -> bool {
        let outbox = self.connections.get(&key).and_then(|found| found.outbox.as_ref());
        let Some((item, _)) = outbox.and_then(|outbox| outbox.partial.as_ref()) else { return true };
        match self.judge(subject, item, now) {
            Judgement::Allowed => true,
            Judgement::Refused => {
                self.metrics.refused();
                let ending = self.connections.get(&key).and_then(|found| self.channels.get(&found.channel)?.ending);
                self.let_go(key, Some(ending.unwrap_or(Ending::Forbidden)));
                false
            }
            Judgement::Unknown(asked) => {
                self.wait(key, asked);
                false
            }
        }
    }

    /// Takes from the outbox, in order, what may be sent now.
    fn ready(&mut self, key: ConnectionKey, subject: SubjectKey, now: Timestamp) -> VecDeque<Item> {
        let mut going = VecDeque::new();
        while going.len() < PARTS {
            let Some(connected) = self.connections.get(&key) else { break };
            let Some(item) = connected.outbox.as_ref().and_then(|outbox| outbox.queue.front()) else { break };
            let judgement = self.judge(subject, item, now);
            if let Judgement::Unknown(asked) = judgement {
                self.wait(key, asked);
                break;
            }
            let Some(mut item) = self.pop(key) else { break };
            if matches!(judgement, Judgement::Refused) {
                let above = self.told_above(key, &item, now);
                let outbox = self.connections.get_mut(&key).and_then(|found| found.outbox.as_mut());
                match (above, outbox) {
                    (Some(item), Some(outbox)) => outbox.queue.put_back(item),
                    _ => self.metrics.refused(),
                }
                continue;
            }
            item.judged = true;
            if let Some(item) = self.pace(key, item, now) {
                going.push_back(item);
            }
        }
        self.seal(key, &mut going);
        going
    }

    fn pop(&mut self, key: ConnectionKey) -> Option<Item> {
        self.connections.get_mut(&key)?.outbox.as_mut()?.queue.pop()
    }

    /// Lets an item pass if the rate does; else it waits for its window, merged with what waits there.
    fn pace(&mut self, key: ConnectionKey, mut item: Item, now: Timestamp) -> Option<Item> {
        if item.paced || !matches!(item.what, What::Change(_)) {
            return Some(item);
        }
        let connected = self.connections.get(&key)?;
        let live = self.channels.get(&connected.channel)?;
        let (Some(rate), rendering, ending) = (live.channel.rate, connected.rendering, live.ending) else {
            return Some(item);
        };
        let topic = self.topic_of(connected, &item)?;
        let encoder = Arc::clone(&self.encoder);
        let window = self.connections.get_mut(&key)?.windows.as_mut()?.get_mut(topic)?;
        if ending.is_some() || window.opens.is_none_or(|opens| opens <= now) && window.held.is_empty() {
            let opens = after(now, rate);
            window.opens = Some(opens);
            item.paced = true;
            return Some(item);
        }
        let opens = window.opens.unwrap_or(now);
        if window.held.coalesce(item, |change| encode_change(&*encoder, rendering, change)) {
            self.metrics.coalesced();
        }
        self.at(opens, Timer::Window(key, topic));
        None
    }

    /// The window of a topic opens: what waits there goes out, as one burst of different facts.
    pub(crate) fn open_window(&mut self, key: ConnectionKey, topic: usize, now: Timestamp) {
        let Some(connected) = self.connections.get_mut(&key) else { return };
        let rate = self.channels.get(&connected.channel).and_then(|live| live.channel.rate);
        let Some(window) = connected.windows.as_mut().and_then(|windows| windows.get_mut(topic)) else { return };
        if window.held.is_empty() {
            return;
        }
        window.opens = rate.map(|rate| after(now, rate));
        let outbox = connected.outbox.get_or_insert_with(|| Box::new(Outbox::new(now)));
        outbox.queue.release(&mut window.held);
        self.mark(key);
    }

    /// Writes in one system call; true if everything went and there may be more.
    fn write(&mut self, key: ConnectionKey, going: &mut VecDeque<Item>, now: Timestamp) -> bool {
        let Some(connected) = self.connections.get_mut(&key) else { return false };
        let Some(outbox) = connected.outbox.as_mut() else { return false };
        let partial = outbox.partial.take();
        let rest = partial.iter().map(|(item, sent)| IoSlice::new(&item.bytes.bytes[*sent..]));
        let parts: Vec<_> = rest.chain(going.iter().map(|item| IoSlice::new(&item.bytes.bytes))).collect();
        let result = connected.outlet.try_write(&parts);
        drop(parts);
        let mut taken = match result {
            Ok(taken) => taken,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => 0,
            Err(error) => {
                tracing::debug!(%error, "a connection broke");
                self.let_go(key, None);
                return false;
            }
        };
        if taken > 0 {
            outbox.progress = now;
        }
        let mut out = Vec::new();
        if let Some((item, sent)) = partial {
            let left = item.bytes.len() - sent;
            if taken >= left {
                taken -= left;
                out.push(item);
            } else {
                outbox.partial = Some((item, sent + taken));
                taken = 0;
            }
        }
        while outbox.partial.is_none() && going.front().is_some_and(|item| item.bytes.len() <= taken) {
            let Some(item) = going.pop_front() else { break };
            taken -= item.bytes.len();
            out.push(item);
        }
        if outbox.partial.is_none()
            && taken > 0
            && let Some(item) = going.pop_front()
        {
            outbox.partial = Some((item, taken));
        }
        let blocked = outbox.partial.is_some() || !going.is_empty();
        while let Some(item) = going.pop_back() {
            outbox.queue.put_back(item);
        }
        if blocked {
            self.block(key);
        }
        self.told(key, &out, now);
        !blocked
    }

    /// The outlet took less than there was: it tells when it has room, and has a while to do so.
    fn block(&mut self, key: ConnectionKey) {
        let Some(connected) = self.connections.get_mut(&key) else { return };
        let Some(outbox) = connected.outbox.as_mut() else { return };
        outbox.blocked = true;
        let patience = after(outbox.progress, self.settings.stuck_after);
        connected.outlet.wake_when_writable();
        if !std::mem::replace(&mut connected.watched, true) {
            self.at(patience, Timer::Stuck(key));
        }
    }

    /// Keeps the rest of an item of which so many bytes went out past the outbox.
    pub(crate) fn keep_rest(&mut self, key: ConnectionKey, item: Item, sent: usize, now: Timestamp) {
        let Some(connected) = self.connections.get_mut(&key) else { return };
        connected.outbox.get_or_insert_with(|| Box::new(Outbox::new(now))).partial = Some((item, sent));
        self.block(key);
    }

    /// Counts what went out, and advances the channel's state.
    fn told(&mut self, key: ConnectionKey, out: &[Item], now: Timestamp) {
        self.metrics.sent(out.iter().filter(|item| !matches!(item.what, What::Gap)).count() as u64);
        // Nearly always one run: what waits for a connection is of one storage.
        for run in out.chunk_by(|one, next| self.told_of(one) == self.told_of(next)) {
            if let Some(storage) = run.first().and_then(|item| self.told_of(item)) {
                self.metrics.traffic.delivered(storage, run.len() as u64, now);
            }
        }
        let Some(connected) = self.connections.get(&key) else { return };
        let Some(live) = self.channels.get_mut(&connected.channel) else { return };
        if !out.is_empty() {
            live.handed(second(now));
        }
        if live.channel.state.is_none() {
            return;
        }
        for item in out {
            let state = match &item.what {
                What::State(state) => Some(state.clone().unwrap_or_else(|| "".into())),
                What::Change(change) => {
                    change.activity().map(|activity| state_after(activity, change.kind, change.relation))
                }
                What::Gap => None,
            };
            live.told = state.or(live.told.take());
        }
    }

    /// The storage that an item tells of.
    fn told_of(&self, item: &Item) -> Option<StorageId> {
        match &item.what {
            What::Change(change) => Some(change.record().storage),
            What::State(_) => self.entries.get(&item.entry).map(|entry| entry.topic.storage),
            What::Gap => None,
        }
    }

    /// Waits for an answer of the judge.
    fn wait(&mut self, key: ConnectionKey, asked: Asked) {
        let Some(outbox) = self.connections.get_mut(&key).and_then(|found| found.outbox.as_mut()) else { return };
        if outbox.waiting != Some(asked) {
            outbox.waiting = Some(asked);
            self.ask(asked).push(key);
        }
    }

    fn judge(&self, subject: SubjectKey, item: &Item, now: Timestamp) -> Judgement {
        if matches!(item.what, What::Gap) {
            return Judgement::Allowed;
        }
        let party = |entry| self.entries.get(&entry).and_then(|entry: &Entry| entry.parties.get(&subject));
        let mut entry = item.entry;
        if let Some(below) = &item.below {
            // Whoever may no longer read the topic has lost it, with all below.
            let Some(party) = party(entry) else { return Judgement::Refused };
            match party.answer(None).and_then(|held| held.now(now)) {
                None => return Judgement::Unknown(Asked { entry, subject, generation: None, at: None }),
                Some(false) => return Judgement::Refused,
                Some(true) => entry = below.entry,
            }
        }
        let Some(party) = party(entry) else { return Judgement::Refused };
        let asked = Asked { entry, subject, generation: item.generation, at: None };
        let Some(held) = party.answer(item.generation) else { return Judgement::Unknown(asked) };
        match held.now(now) {
            None => return Judgement::Unknown(asked),
            Some(false) => return Judgement::Refused,
            Some(true) => {}
        }
        let Some(sequence) = item.sequence().filter(|_| !item.judged) else { return Judgement::Allowed };
        let asked = Asked { at: Some(sequence), ..asked };
        match held.then(sequence, self.rules.known(), now).or_else(|| self.thens.get(&asked).copied()) {
            Some(true) => Judgement::Allowed,
            Some(false) => Judgement::Refused,
            None => Judgement::Unknown(asked),
        }
    }

    /// Whether an item may be sent by everything known now; none if the judge must be asked.
    pub(crate) fn verdict(&self, subject: SubjectKey, item: &Item, now: Timestamp) -> Option<bool> {
        match self.judge(subject, item, now) {
            Judgement::Allowed => Some(true),
            Judgement::Refused => Some(false),
            Judgement::Unknown(_) => None,
        }
    }
}

/// The instant that much later.
pub(crate) fn after(now: Timestamp, wait: Duration) -> Timestamp {
    now.saturating_add(wait).unwrap_or(Timestamp::MAX)
}

/// The bytes of a change, in the words of a rendering, with its net effect.
pub(crate) fn encode_change(encoder: &dyn crate::Encoder, rendering: crate::RenderingId, change: &Change) -> Encoded {
    let Some(activity) = change.activity() else { return Encoded::default() };
    let (relation, second, storage) = (change.relation, change.second, change.record().storage);
    if activity.kind == change.kind {
        return encoder.encode(rendering, &crate::Projection { storage, activity, relation, second });
    }
    let merged = podbell_model::Activity { kind: change.kind, ..activity.clone() };
    encoder.encode(rendering, &crate::Projection { storage, activity: &merged, relation, second })
}

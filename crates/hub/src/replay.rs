//! Catching up: resuming, and comparing the state.
//!
//! Register first, replay second. A connection that catches up hears nothing live; it reads the log from its own
//! position, judged record by record as live ones are, and goes live under the lock that matching holds, when it has
//! everything that was matched. Nothing falls between. It is told no faster than it is taken: however much was missed,
//! little waits.

use crate::{
    Ending, Topic,
    engine::Inner,
    outbox::{Item, What},
    registry::{Connected, ConnectionKey, Live},
    rules::EntryKey,
    shard::Shard,
};
use podbell_log::{Commit, LogError};
use podbell_model::{Sequence, StorageId, Timestamp, Uuid};
use std::{sync::Arc, time::Duration};
use tokio::sync::Notify;

/// How many commits are read at a time; each batch is out before the next is read. As soon as what was read fills a part
/// of the outbox, the rest is left for the next time: nobody who comes back is too slow for what they have missed.
const READ: usize = 128;
/// How often a failing source is tried before the connection is closed.
const ATTEMPTS: u32 = 5;
/// How long to wait after the first failure; doubles each time.
const BACKOFF: Duration = Duration::from_millis(50);

/// What a connection is told before the log is read for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compare {
    /// Nothing.
    Nothing,
    /// The state of the channel's one topic, if it is another one than the receiver knows.
    State,
    /// How every topic stands.
    Show,
    /// That something may have been missed, and how every topic stands.
    Gap,
}

enum Step {
    /// Live, or gone.
    Over,
    /// Wait until the outbox is empty.
    Wait(Arc<Notify>),
    /// Read on after that commit, in the logs of these storages; everything up to `until` has been matched.
    Read { after: Sequence, until: Sequence, storages: Vec<StorageId> },
}

impl Inner {
    /// Brings a connection up to date, and first tells what it is to be told before.
    pub(crate) async fn catch_up(&self, key: ConnectionKey, compare: Compare) {
        if !self.compare(key, compare).await {
            return self.with(|shard, _| shard.let_go(key, Some(Ending::Overload)));
        }
        let mut failures = 0;
        loop {
            match self.with(|shard, _| shard.step(key)) {
                Step::Over => return,
                Step::Wait(drained) => drained.notified().await,
                Step::Read { after, until, storages } => {
                    match self.in_turn(key, self.log.read_of(&storages, after, READ)).await {
                        None => return,
                        Some(Ok(commits)) => {
                            failures = 0;
                            self.with(|shard, now| shard.tell_missed(key, &commits, (after, until), now));
                        }
                        Some(Err(LogError::Gap)) => {
                            if !self.compare(key, Compare::Gap).await {
                                return self.with(|shard, _| shard.let_go(key, Some(Ending::Overload)));
                            }
                        }
                        Some(Err(_)) if failures < ATTEMPTS => {
                            tokio::time::sleep(BACKOFF * 2_u32.pow(failures)).await;
                            failures += 1;
                        }
                        Some(Err(_)) => return self.with(|shard, _| shard.let_go(key, Some(Ending::Overload))),
                    }
                }
            }
        }
    }

    /// Tells what comes before the log; false if that cannot be read, or there is no word for it.
    async fn compare(&self, key: ConnectionKey, compare: Compare) -> bool {
        if compare == Compare::Gap && !self.with(|shard, _| shard.tells_gaps(key)) {
            return false;
        }
        let topics = self.with(|shard, _| shard.compared(key, compare));
        // As of before the first topic is looked at: what follows may be told twice, and is not missed.
        let (mut as_of, count) = (None, topics.len());
        for (number, (entry, topic)) in topics.into_iter().enumerate() {
            let mut failures = 0;
            let standing = loop {
                match self.in_turn(key, self.states.standing(&topic)).await {
                    None => return true,
                    Some(Ok(standing)) => break standing,
                    Some(Err(_)) if failures < ATTEMPTS => tokio::time::sleep(BACKOFF * 2_u32.pow(failures)).await,
                    Some(Err(_)) => return false,
                }
                failures += 1;
            };
            let as_of = *as_of.get_or_insert(standing.as_of);
            self.with(|shard, now| {
                if let Some(connected) = shard.connections.get_mut(&key) {
                    connected.unshown = number + 1 < count;
                }
                if number == 0 {
                    shard.stand_at(key, as_of);
                    if compare == Compare::Gap {
                        shard.tell_gap(key, entry, now);
                    }
                }
                shard.tell_state(key, (entry, &topic), standing.version, compare == Compare::State, now);
            });
        }
        true
    }
}

impl Shard {
    fn step(&mut self, key: ConnectionKey) -> Step {
        let applied = self.applied;
        let Some(connected) = self.connections.get_mut(&key) else { return Step::Over };
        let Some(replay) = &connected.replay else { return Step::Over };
        if connected.position >= applied {
            (connected.replay, connected.heard) = (None, None);
            return Step::Over;
        }
        if connected.outbox.is_some() || connected.is_half_full(self.settings.outbox_bytes) {
            return Step::Wait(Arc::clone(replay));
        }
        let after = connected.position;
        let Some(live) = self.channels.get(&connected.channel) else { return Step::Over };
        let mut storages: Vec<_> = live.channel.topics.iter().map(|topic| topic.storage).collect();
        storages.sort_unstable();
        storages.dedup();
        Step::Read { after, until: applied, storages }
    }

    /// Tells what was read behind `after`, as far as there is room. If it was all there is, that goes up to `until`.
    fn tell_missed(
        &mut self,
        key: ConnectionKey,
        commits: &[Arc<Commit>],
        (after, until): (Sequence, Sequence),
        now: Timestamp,
    ) {
        let (applied, mut told) = (self.applied, after);
        for commit in commits.iter().take_while(|commit| commit.sequence <= applied) {
            if self.is_half_full(key) {
                // The rest is read again when this is out: nothing is coalesced, and nobody is let go for having
                // missed much.
                return self.stand_at(key, told);
            }
            self.ring(commit, Some(key), now);
            told = commit.sequence;
        }
        // Fewer than asked for: that was all up to the head, so at least up to `until`.
        let end = if commits.len() < READ { told.max(until) } else { told };
        self.stand_at(key, end);
    }

    /// Whether half of what may wait for a connection does.
    pub(crate) fn is_half_full(&self, key: ConnectionKey) -> bool {
        self.connections.get(&key).is_some_and(|connected| connected.is_half_full(self.settings.outbox_bytes))
    }

    /// What was committed up to there is not told any more.
    pub(crate) fn stand_at(&mut self, key: ConnectionKey, position: Sequence) {
        if let Some(connected) = self.connections.get_mut(&key) {
            connected.position = connected.position.max(position);
        }
    }

    /// The topics to be looked at.
    fn compared(&self, key: ConnectionKey, compare: Compare) -> Vec<(EntryKey, Topic)> {
        let Some((_, live)) = self.find(key).filter(|_| compare != Compare::Nothing) else { return Vec::new() };
        let heard = live.topics.iter().zip(live.channel.topics.iter()).filter(|((_, heard), _)| *heard);
        heard.map(|((entry, _), topic)| (*entry, topic.clone())).collect()
    }

    fn tells_gaps(&self, key: ConnectionKey) -> bool {
        self.connections.get(&key).is_none_or(|connected| self.encoder.tells_gaps(connected.rendering))
    }

    /// Says that something may have been missed, to receivers that would understand.
    fn tell_gap(&mut self, key: ConnectionKey, entry: EntryKey, now: Timestamp) {
        let Some((connected, live)) = self.find(key) else { return };
        let id = Uuid::new_v5(&live.channel.id.0, format!("gap {} {now}", connected.position.0).as_bytes());
        let bytes = self.encoder.encode_gap(connected.rendering, id, now);
        if !bytes.is_empty() {
            self.enqueue(key, Item::on_connecting(bytes, entry, What::Gap), now);
        }
    }

    fn find(&self, key: ConnectionKey) -> Option<(&Connected, &Live)> {
        let connected = self.connections.get(&key)?;
        Some((connected, self.channels.get(&connected.channel)?))
    }

    /// Tells how a topic stands; if it is `compared`, only when that is another state than the receiver knows.
    fn tell_state(
        &mut self,
        key: ConnectionKey,
        (entry, topic): (EntryKey, &Topic),
        version: Option<Arc<str>>,
        compared: bool,
        now: Timestamp,
    ) {
        let Some((connected, live)) = self.find(key) else { return };
        let known = live.told.as_deref().or(live.channel.state.as_deref());
        let stands = version.as_deref().unwrap_or("");
        let heard = live.topics.iter().any(|(topic, heard)| *topic == entry && *heard);
        if !heard || compared && known == Some(stands) {
            return;
        }
        let (rendering, topic) = (connected.rendering, &topic.resource);
        // Of the state, not of the moment: telling it again is the same notification.
        let id = Uuid::new_v5(&live.channel.id.0, format!("{topic} {stands}").as_bytes());
        let bytes = self.encoder.encode_state(rendering, topic, version.as_deref(), id, now);
        if !bytes.is_empty() {
            self.enqueue(key, Item::on_connecting(bytes, entry, What::State(version)), now);
        }
    }
}

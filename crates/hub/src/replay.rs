//! Catching up: resuming, and comparing the state.
//!
//! Register first, replay second. A connection that catches up hears nothing live; it reads the log from its own
//! position, judged record by record as live ones are, and goes live under the lock that matching holds, when it has
//! everything that was matched. Nothing falls between.

use crate::{
    Ending, Topic,
    engine::Inner,
    outbox::{Item, What},
    registry::{Connected, ConnectionKey},
    shard::Shard,
};
use podbell_log::LogError;
use podbell_model::{Sequence, Timestamp, Uuid};
use std::{sync::Arc, time::Duration};
use tokio::sync::Notify;

/// How many commits are read at a time; each batch is out before the next is read.
const READ: usize = 128;
/// How often a failing source is tried before the connection is closed.
const ATTEMPTS: u32 = 5;
/// How long to wait after the first failure; doubles each time.
const BACKOFF: Duration = Duration::from_millis(50);

enum Step {
    /// Live, or gone.
    Over,
    /// Wait until the outbox is empty.
    Wait(Arc<Notify>),
    /// Read on after that commit.
    Read(Sequence),
}

impl Inner {
    /// Brings a connection up to date, and first compares its state if asked.
    pub(crate) async fn catch_up(&self, key: ConnectionKey, compare: bool) {
        if compare && !self.compare(key).await {
            return self.with(|shard, _| shard.let_go(key, Some(Ending::Overload)));
        }
        let mut failures = 0;
        loop {
            match self.with(|shard, _| shard.step(key)) {
                Step::Over => return,
                Step::Wait(drained) => drained.notified().await,
                Step::Read(after) => match self.log.read(after, READ).await {
                    Ok(commits) => {
                        failures = 0;
                        self.with(|shard, now| {
                            let applied = shard.applied;
                            let end = commits.last().map_or(applied, |commit| commit.sequence).min(applied);
                            for commit in commits.iter().filter(|commit| commit.sequence <= applied) {
                                shard.ring(commit, Some(key), now);
                            }
                            shard.stand_at(key, end);
                        });
                    }
                    Err(LogError::Gap) => self.with(|shard, now| shard.gap(key, now)),
                    Err(_) if failures < ATTEMPTS => {
                        tokio::time::sleep(BACKOFF * 2_u32.pow(failures)).await;
                        failures += 1;
                    }
                    Err(_) => return self.with(|shard, _| shard.let_go(key, Some(Ending::Overload))),
                },
            }
        }
    }

    /// Compares the channel's state with what stands, and tells another one; false if that cannot be read.
    async fn compare(&self, key: ConnectionKey) -> bool {
        let Some(topic) = self.with(|shard, _| shard.stated_topic(key)) else { return true };
        for failures in 0..ATTEMPTS {
            if let Ok(standing) = self.states.standing(&topic).await {
                self.with(|shard, now| shard.tell_state(key, standing.version, standing.as_of, now));
                return true;
            }
            tokio::time::sleep(BACKOFF * 2_u32.pow(failures)).await;
        }
        false
    }
}

impl Shard {
    fn step(&mut self, key: ConnectionKey) -> Step {
        let applied = self.applied;
        let Some(connected) = self.connections.get_mut(&key) else { return Step::Over };
        let Some(replay) = &connected.replay else { return Step::Over };
        if connected.position >= applied {
            connected.replay = None;
            return Step::Over;
        }
        if connected.outbox.is_some() { Step::Wait(Arc::clone(replay)) } else { Step::Read(connected.position) }
    }

    pub(crate) fn stand_at(&mut self, key: ConnectionKey, position: Sequence) {
        if let Some(connected) = self.connections.get_mut(&key) {
            connected.position = connected.position.max(position);
        }
    }

    /// What was missed can no longer be read: says so if the receiver would understand, and goes on from here.
    fn gap(&mut self, key: ConnectionKey, now: Timestamp) {
        self.stand_at(key, self.applied);
        let Some((connected, live)) = self.find(key) else { return };
        let bytes = self.encoder.encode_gap(live.channel.rendering, now);
        let Some((entry, _)) = live.topics.first().copied() else { return };
        debug_assert!(connected.replay.is_some(), "only who catches up meets a gap");
        if !bytes.is_empty() {
            let item = Item { bytes, entry, generation: None, what: What::Gap, judged: true, paced: true };
            self.enqueue(key, item, now);
        }
    }

    fn find(&self, key: ConnectionKey) -> Option<(&Connected, &crate::registry::Live)> {
        let connected = self.connections.get(&key)?;
        Some((connected, self.channels.get(&connected.channel)?))
    }

    fn stated_topic(&self, key: ConnectionKey) -> Option<Topic> {
        let (_, live) = self.find(key)?;
        live.channel.topics.first().cloned()
    }

    fn tell_state(&mut self, key: ConnectionKey, version: Option<Arc<str>>, as_of: Sequence, now: Timestamp) {
        self.stand_at(key, as_of);
        let Some((_, live)) = self.find(key) else { return };
        let known = live.told.as_deref().or(live.channel.state.as_deref());
        let stands = version.as_deref().unwrap_or("");
        let Some((entry, true)) = live.topics.first().copied() else { return };
        if known == Some(stands) {
            return;
        }
        let (rendering, topic) = (live.channel.rendering, &live.channel.topics[0].resource);
        // Of the state, not of the moment: telling it again is the same notification.
        let id = Uuid::new_v5(&live.channel.id.0, format!("{topic} {stands}").as_bytes());
        let bytes = self.encoder.encode_state(rendering, topic, version.as_deref(), id, now);
        if !bytes.is_empty() {
            let what = What::State(version);
            self.enqueue(key, Item { bytes, entry, generation: None, what, judged: true, paced: true }, now);
        }
    }
}

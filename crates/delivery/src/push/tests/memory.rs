//! A queue in memory that keeps what [`Queue`] promises, as far as the courier relies on it.

use crate::push::{
    Attempt, DeadLetter, Delivery, DeliveryId, Done, Health, Kind, Lane, Outcome, Queue, QueueError, Reason, Wanted,
};
use parking_lot::Mutex;
use podbell_hub::{Channel, ChannelId, ChannelLimits, InsertError, Secret};
use podbell_model::{Timestamp, Uuid};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering::SeqCst},
    },
};

#[derive(Default)]
pub(super) struct MemoryQueue {
    state: Mutex<State>,
    /// So many calls of `finish` fail.
    pub(super) failing: AtomicI64,
    /// How often it was asked what is due.
    pub(super) asked: AtomicU64,
    pub(super) clock: AtomicI64,
}

#[derive(Default)]
struct State {
    channels: BTreeMap<ChannelId, Kept>,
    rows: BTreeMap<i64, Row>,
    next: i64,
}

struct Kept {
    channel: Arc<Channel>,
    health: Health,
    attempts: Vec<(Uuid, Attempt)>,
    told_end: bool,
    told_missed: u64,
}

#[derive(Clone)]
struct Row {
    channel: Arc<Channel>,
    /// What goes in order.
    object: String,
    message: Uuid,
    kind: Kind,
    attempts: u32,
    owed: Timestamp,
    due: Timestamp,
    dead: Option<(Timestamp, Option<Outcome>)>,
    farewell: bool,
}

impl Row {
    fn url(&self) -> &str {
        let push = self.channel.push.as_ref().unwrap();
        match self.kind {
            Kind::Lifecycle { .. } => push.lifecycle.as_ref().unwrap(),
            _ => &push.send_to,
        }
    }
}

impl State {
    /// What may be taken, whenever it is due.
    fn heads(&self) -> Vec<(i64, &Row)> {
        let mut heads: BTreeMap<(ChannelId, &str), (i64, &Row)> = BTreeMap::new();
        for (id, row) in self.rows.iter().filter(|(_, row)| row.dead.is_none()) {
            heads.entry((row.channel.id, &row.object)).or_insert((*id, row));
        }
        let on = |row: &Row| {
            let disabled = self.channels.get(&row.channel.id).is_some_and(|kept| kept.health.disabled.is_some());
            !disabled || matches!(row.kind, Kind::Ping { .. } | Kind::Lifecycle { .. })
        };
        heads.into_values().filter(|(_, row)| on(row)).collect()
    }

    fn push(&mut self, row: Row) -> DeliveryId {
        self.next += 1;
        self.rows.insert(self.next, row);
        DeliveryId(self.next)
    }
}

impl MemoryQueue {
    pub(super) fn now(&self) -> Timestamp {
        Timestamp::from_second(self.clock.load(SeqCst)).unwrap()
    }

    pub(super) fn keep(&self, channel: Channel) -> Arc<Channel> {
        let channel = Arc::new(channel);
        let (health, attempts) = (Health::default(), Vec::new());
        let kept = Kept { channel: Arc::clone(&channel), health, attempts, told_end: false, told_missed: 0 };
        self.state.lock().channels.insert(channel.id, kept);
        channel
    }

    /// Owes something about an object.
    pub(super) fn owe(&self, channel: &Arc<Channel>, object: &str, message: Uuid, kind: Kind) -> DeliveryId {
        let (channel, object, now) = (Arc::clone(channel), object.to_owned(), self.now());
        let (attempts, dead, farewell) = (0, None, false);
        let row = Row { channel, object, message, kind, attempts, owed: now, due: now, dead, farewell };
        self.state.lock().push(row)
    }

    /// How many are owed, dead letters apart.
    pub(super) fn pending(&self) -> usize {
        self.state.lock().rows.values().filter(|row| row.dead.is_none()).count()
    }

    pub(super) fn due(&self, id: DeliveryId) -> Option<Timestamp> {
        self.state.lock().rows.get(&id.0).filter(|row| row.dead.is_none()).map(|row| row.due)
    }

    pub(super) fn tried(&self, id: DeliveryId) -> Option<u32> {
        self.state.lock().rows.get(&id.0).map(|row| row.attempts)
    }

    pub(super) fn has(&self, channel: ChannelId) -> bool {
        self.state.lock().channels.contains_key(&channel)
    }

    pub(super) fn miss(&self, channel: ChannelId) {
        self.state.lock().channels.get_mut(&channel).unwrap().health.missed += 1;
    }

    fn some(&self, mut which: impl FnMut(&mut Kept) -> bool, limit: usize) -> Vec<Arc<Channel>> {
        let mut state = self.state.lock();
        let found = state.channels.values_mut().filter_map(|kept| which(kept).then(|| Arc::clone(&kept.channel)));
        found.take(limit).collect()
    }
}

#[async_trait::async_trait]
impl Queue for MemoryQueue {
    async fn lanes(&self, now: Timestamp) -> Result<(Vec<Lane>, Option<Timestamp>), QueueError> {
        self.asked.fetch_add(1, SeqCst);
        let state = self.state.lock();
        let heads = state.heads();
        let mut lanes: Vec<_> =
            heads.iter().filter(|(_, row)| row.due <= now).map(|(_, row)| Lane::of(row.url())).collect();
        lanes.sort();
        lanes.dedup();
        Ok((lanes, heads.iter().map(|(_, row)| row.due).filter(|due| *due > now).min()))
    }

    async fn take(
        &self,
        lane: &Lane,
        now: Timestamp,
        limit: usize,
        under_way: &[DeliveryId],
    ) -> Result<Vec<Delivery>, QueueError> {
        let state = self.state.lock();
        let mut due: Vec<_> = state.heads();
        due.retain(|(id, row)| row.due <= now && Lane::of(row.url()) == *lane && !under_way.contains(&DeliveryId(*id)));
        due.sort_by_key(|(id, row)| (row.due, *id));
        let mut turns: BTreeMap<ChannelId, usize> = BTreeMap::new();
        let mut taken: Vec<_> = due
            .into_iter()
            .map(|(id, row)| {
                let turn = turns.entry(row.channel.id).or_default();
                *turn += 1;
                (*turn, id, row)
            })
            .collect();
        taken.sort_by_key(|(turn, id, _)| (*turn, *id));
        let delivery = |(_, id, row): (usize, i64, &Row)| {
            let owed = state.rows.values().filter(|other| other.dead.is_none() && other.channel.id == row.channel.id);
            let position = |row: &Row| match row.kind {
                Kind::Change { position, .. } => Some(position),
                _ => None,
            };
            Delivery {
                id: DeliveryId(id),
                channel: Arc::clone(&row.channel),
                message: row.message,
                kind: row.kind.clone(),
                attempts: row.attempts,
                owed: row.owed,
                causes: [row.channel.id.0].into(),
                oldest: owed.filter_map(position).min(),
            }
        };
        Ok(taken.into_iter().take(limit).map(delivery).collect())
    }

    async fn finish(&self, id: DeliveryId, attempt: Option<&Attempt>, done: &Done) -> Result<(), QueueError> {
        if self.failing.fetch_sub(1, SeqCst) > 0 {
            return Err(QueueError("no room".into()));
        }
        self.failing.store(0, SeqCst);
        let now = self.now();
        let mut state = self.state.lock();
        let Some(row) = state.rows.get_mut(&id.0) else { return Ok(()) };
        row.attempts += u32::from(attempt.is_some());
        match done {
            Done::Acknowledged | Done::Withheld => {}
            Done::Again(due) => row.due = *due,
            Done::Dead => row.dead = Some((now, attempt.map(|attempt| attempt.outcome))),
        }
        let row = row.clone();
        if matches!(done, Done::Acknowledged | Done::Withheld)
            || matches!(done, Done::Dead) && !matches!(row.kind, Kind::Change { .. } | Kind::State { .. })
        {
            state.rows.remove(&id.0);
        }
        if let (Some(attempt), Some(kept)) = (attempt, state.channels.get_mut(&row.channel.id)) {
            kept.attempts.push((row.message, attempt.clone()));
            if row.url() == &*row.channel.push.as_ref().unwrap().send_to {
                if let Outcome::Acknowledged(_) = attempt.outcome {
                    (kept.health.last_success, kept.health.failing_since) = (Some(attempt.at), None);
                } else {
                    kept.health.last_failure = Some(attempt.clone());
                    kept.health.failing_since.get_or_insert(attempt.at);
                }
            }
        }
        Ok(())
    }

    async fn add(&self, channel: ChannelId, message: Uuid, kind: &Kind, now: Timestamp) -> Result<(), QueueError> {
        let mut state = self.state.lock();
        let Some(kept) = state.channels.get(&channel) else { return Ok(()) };
        let channel = Arc::clone(&kept.channel);
        if matches!(kind, Kind::Lifecycle { .. }) && channel.push.as_ref().unwrap().lifecycle.is_none() {
            return Ok(());
        }
        let (object, attempts, dead, farewell) = (message.to_string(), 0, None, false);
        let kind = kind.clone();
        state.push(Row { channel, object, message, kind, attempts, owed: now, due: now, dead, farewell });
        Ok(())
    }

    async fn disable(&self, channel: ChannelId, reason: Reason, now: Timestamp) -> Result<(), QueueError> {
        if let Some(kept) = self.state.lock().channels.get_mut(&channel) {
            kept.health.disabled = Some((now, reason));
        }
        Ok(())
    }

    async fn enable(&self, channel: ChannelId, now: Timestamp) -> Result<(), QueueError> {
        let mut state = self.state.lock();
        let Some(kept) = state.channels.get_mut(&channel).filter(|kept| kept.health.disabled.is_some()) else {
            return Ok(());
        };
        (kept.health.disabled, kept.health.failing_since) = (None, None);
        for row in state.rows.values_mut().filter(|row| row.channel.id == channel) {
            row.due = now;
        }
        Ok(())
    }

    async fn remove(
        &self,
        channel: ChannelId,
        farewell: Option<(Uuid, Arc<[u8]>)>,
        now: Timestamp,
    ) -> Result<bool, QueueError> {
        let mut state = self.state.lock();
        let Some(kept) = state.channels.remove(&channel) else { return Ok(false) };
        state.rows.retain(|_, row| row.channel.id != channel || row.farewell);
        let wanted = kept.channel.push.as_ref().unwrap().lifecycle.is_some();
        if let Some((message, body)) = farewell.filter(|_| wanted) {
            let (object, kind, attempts) = (message.to_string(), Kind::Lifecycle { body }, 0);
            let (channel, dead, farewell) = (kept.channel, None, true);
            state.push(Row { channel, object, message, kind, attempts, owed: now, due: now, dead, farewell });
        }
        Ok(true)
    }

    async fn health(&self, channel: ChannelId) -> Result<Option<Health>, QueueError> {
        Ok(self.state.lock().channels.get(&channel).map(|kept| kept.health.clone()))
    }

    async fn attempts(&self, channel: ChannelId, limit: usize) -> Result<Vec<(Uuid, Attempt)>, QueueError> {
        let state = self.state.lock();
        let attempts = state.channels.get(&channel).map(|kept| kept.attempts.iter().rev().take(limit).cloned());
        Ok(attempts.map(Iterator::collect).unwrap_or_default())
    }

    async fn dead_letters(
        &self,
        channel: ChannelId,
        after: Option<DeliveryId>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, QueueError> {
        let state = self.state.lock();
        let behind = |id: &i64| after.is_none_or(|after| *id > after.0);
        let of = state.rows.iter().filter(|(id, row)| row.channel.id == channel && behind(id));
        let dead = of.filter_map(|(id, row)| {
            let (died, last) = row.dead?;
            let (id, message, attempts, owed) = (DeliveryId(*id), row.message, row.attempts, row.owed);
            Some(DeadLetter { id, message, attempts, owed, died, last })
        });
        Ok(dead.take(limit).collect())
    }

    async fn redeliver(&self, channel: ChannelId, wanted: &Wanted, now: Timestamp) -> Result<u64, QueueError> {
        let mut state = self.state.lock();
        let mut owed = 0;
        for (id, row) in state.rows.iter_mut().filter(|(_, row)| row.channel.id == channel && row.dead.is_some()) {
            if matches!(wanted, Wanted::All) || matches!(wanted, Wanted::These(ids) if ids.contains(&DeliveryId(*id))) {
                (row.dead, row.attempts, row.owed, row.due) = (None, 0, now, now);
                owed += 1;
            }
        }
        Ok(owed)
    }

    async fn set_secrets(&self, _: ChannelId, _: &[Secret]) -> Result<bool, QueueError> {
        Ok(false)
    }

    async fn redirect(&self, _: ChannelId, _: &str, _: &ChannelLimits) -> Result<bool, InsertError> {
        Ok(false)
    }

    async fn expiring(&self, before: Timestamp, limit: usize) -> Result<Vec<Arc<Channel>>, QueueError> {
        let ends = |kept: &Kept| kept.channel.end_at.is_some_and(|end| end < before);
        let which = |kept: &mut Kept| ends(kept) && !std::mem::replace(&mut kept.told_end, true);
        Ok(self.some(which, limit))
    }

    async fn expired(&self, now: Timestamp, limit: usize) -> Result<Vec<Arc<Channel>>, QueueError> {
        Ok(self.some(|kept| kept.channel.end_at.is_some_and(|end| end <= now), limit))
    }

    async fn failing(&self, before: Timestamp, limit: usize) -> Result<Vec<Arc<Channel>>, QueueError> {
        Ok(self.some(|kept| kept.health.disabled.is_some_and(|(since, _)| since <= before), limit))
    }

    async fn missed(&self, limit: usize) -> Result<Vec<Arc<Channel>>, QueueError> {
        let which = |kept: &mut Kept| std::mem::replace(&mut kept.told_missed, kept.health.missed) < kept.health.missed;
        Ok(self.some(which, limit))
    }
}

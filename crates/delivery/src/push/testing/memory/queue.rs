//! The queue of it.

use super::{
    MemoryQueue,
    state::{Entry, Purpose, Receiver},
};
use crate::push::{
    Attempt, DeadLetter, Delivery, DeliveryId, Done, Health, Kind, Lane, Queue, QueueError, Reason, Wanted,
};
use podbell_hub::{
    Channel, ChannelId, ChannelLimits, ChannelStore as _, ChannelStoreError, Crowd, InsertError, Secret, TooMany,
};
use podbell_model::{Timestamp, Uuid};
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, atomic::Ordering::SeqCst},
};

#[async_trait::async_trait]
impl Queue for MemoryQueue {
    async fn lanes(&self, now: Timestamp) -> Result<(Vec<Lane>, Option<Timestamp>), QueueError> {
        self.asked.fetch_add(1, SeqCst);
        self.tidy().await;
        let state = self.state.lock();
        let heads = state.heads();
        let mut due: Vec<_> = heads.iter().filter(|(_, entry)| entry.due <= now).collect();
        due.sort_by_key(|(_, entry)| entry.due);
        let mut lanes = Vec::new();
        for lane in due.into_iter().filter_map(|(_, entry)| state.lane(entry)) {
            if !lanes.contains(&lane) {
                lanes.push(lane);
            }
        }
        Ok((lanes, heads.iter().map(|(_, entry)| entry.due).filter(|due| *due > now).min()))
    }

    async fn take(
        &self,
        lane: &Lane,
        now: Timestamp,
        limit: usize,
        under_way: &[DeliveryId],
    ) -> Result<Vec<Delivery>, QueueError> {
        self.tidy().await;
        let mut state = self.state.lock();
        let mut heads = state.heads();
        heads.retain(|(_, entry)| entry.due <= now && state.lane(entry).as_ref() == Some(lane));
        heads.sort_by_key(|(id, entry)| (entry.due, *id));
        let mut rounds: HashMap<(ChannelId, bool, Purpose), usize> = HashMap::new();
        let mut first: HashMap<(ChannelId, bool, Purpose), Timestamp> = HashMap::new();
        let mut turns = Vec::new();
        for (id, entry) in heads {
            let (channel, gone, purpose, _) = entry.row();
            let target = (channel, gone, purpose);
            let ready = *first.entry(target).or_insert_with(|| entry.due.max(state.served(entry).unwrap_or(entry.due)));
            let round = rounds.entry(target).or_default();
            if !under_way.contains(&DeliveryId(id)) {
                turns.push((*round, ready, channel, id));
            }
            *round += 1;
        }
        turns.sort();
        turns.truncate(limit);
        let given: Vec<_> = turns.into_iter().filter_map(|(_, _, _, id)| state.delivery(id)).collect();
        state.taken.extend(given.iter().map(|delivery| delivery.id.0));
        Ok(given)
    }

    async fn take_along(
        &self,
        lane: &Lane,
        lead: &Delivery,
        now: Timestamp,
        limit: usize,
        under_way: &[DeliveryId],
    ) -> Result<Vec<Delivery>, QueueError> {
        self.tidy().await;
        let mut state = self.state.lock();
        let Some((channel, storage)) = state.entries.get(&lead.id.0).and_then(|lead| {
            Some((lead.channel, lead.topic()?.storage)).filter(|_| state.lane(lead).as_ref() == Some(lane))
        }) else {
            return Ok(Vec::new());
        };
        let heads: HashSet<i64> = state.heads().into_iter().map(|(id, _)| id).collect();
        let mut waiting: Vec<_> = state.entries.iter().collect();
        waiting.retain(|(_, entry)| entry.channel == channel && entry.position().is_some() && entry.died.is_none());
        waiting.sort_by_key(|(id, entry)| (entry.position(), **id));
        let (mut open, mut given) = (HashSet::new(), Vec::new());
        let mut left = HashSet::new();
        for (id, entry) in waiting {
            let is_next = (heads.contains(id) || open.contains(&entry.object)) && !left.contains(&entry.object);
            // What goes in order waits for what is before it, and for nothing else.
            let waits = entry.object.is_some() && entry.due > now;
            let is_due = !waits && !under_way.contains(&DeliveryId(*id));
            let of_storage = entry.topic().is_some_and(|topic| topic.storage == storage);
            if *id == lead.id.0 {
                open.insert(&entry.object);
            } else if is_next && is_due && of_storage && given.len() < limit {
                open.insert(&entry.object);
                given.push(*id);
            } else {
                left.insert(&entry.object);
            }
        }
        let given: Vec<_> = given.into_iter().filter_map(|id| state.delivery(id)).collect();
        state.taken.extend(given.iter().map(|delivery| delivery.id.0));
        Ok(given)
    }

    async fn finish_together(&self, done: &[(DeliveryId, Done)], attempt: &Attempt) -> Result<(), QueueError> {
        for (id, done) in done {
            self.finish(*id, Some(attempt), done).await?;
        }
        Ok(())
    }

    async fn finish(&self, id: DeliveryId, attempt: Option<&Attempt>, done: &Done) -> Result<(), QueueError> {
        if self.failing.fetch_sub(1, SeqCst) > 0 {
            return Err(QueueError("no room".into()));
        }
        self.failing.store(0, SeqCst);
        self.tidy().await;
        let mut state = self.state.lock();
        state.taken.remove(&id.0);
        if state.entries.get(&id.0).is_none_or(|entry| entry.died.is_some()) {
            return Ok(());
        }
        if let Some(attempt) = attempt {
            state.note(id.0, attempt);
        }
        let Some(entry) = state.entries.get_mut(&id.0) else { return Ok(()) };
        entry.attempts += u32::from(attempt.is_some());
        entry.last = attempt.map(|attempt| attempt.outcome).or(entry.last);
        match done {
            Done::Again(due) => entry.due = *due,
            Done::Dead if entry.purpose() == Purpose::Changes => {
                let ended = attempt.and_then(|attempt| attempt.at.checked_add(attempt.took).ok());
                entry.died = Some(ended.unwrap_or(entry.due));
            }
            Done::Acknowledged | Done::Withheld | Done::Dead => {
                let finished = state.entries.remove(&id.0);
                let ended = attempt.and_then(|attempt| attempt.at.checked_add(attempt.took).ok());
                if let (Some(finished), Some(ended), Done::Acknowledged) = (finished, ended, done) {
                    state.pace(&finished, ended);
                }
            }
        }
        Ok(())
    }

    async fn add(&self, channel: ChannelId, message: Uuid, kind: &Kind, now: Timestamp) -> Result<(), QueueError> {
        self.tidy().await;
        let mut state = self.state.lock();
        let Some(receiver) = state.receivers.get(&channel) else { return Ok(()) };
        let wants = receiver.channel.push.as_ref().is_some_and(|push| push.lifecycle.is_some());
        if wants || matches!(kind, Kind::Ping { .. }) {
            state.say(channel, None, message, kind.clone(), now);
        }
        Ok(())
    }

    async fn disable(&self, channel: ChannelId, reason: Reason, now: Timestamp) -> Result<(), QueueError> {
        if let Some(receiver) = self.state.lock().receivers.get_mut(&channel) {
            receiver.health.disabled.get_or_insert((now, reason));
        }
        Ok(())
    }

    async fn enable(&self, channel: ChannelId, now: Timestamp) -> Result<(), QueueError> {
        let mut state = self.state.lock();
        let Some(receiver) = state.receivers.get_mut(&channel) else { return Ok(()) };
        if receiver.health.disabled.take().is_some() {
            receiver.health.failing_since = None;
            for entry in state.entries.values_mut().filter(|entry| entry.channel == channel) {
                entry.due = entry.due.min(now);
            }
        }
        Ok(())
    }

    async fn remove(
        &self,
        channel: ChannelId,
        farewell: Option<(Uuid, Arc<[u8]>)>,
        now: Timestamp,
    ) -> Result<bool, QueueError> {
        self.tidy().await;
        let before = self.state.lock().receivers.get(&channel).map(|receiver| Arc::clone(&receiver.channel));
        let removed = self.channels.remove(channel).await.map_err(|error| QueueError(Box::new(error)))?;
        let wants = before.filter(|before| before.push.as_ref().is_some_and(|push| push.lifecycle.is_some()));
        if let (true, Some((message, body)), Some(before)) = (removed, farewell, wants) {
            let gone = Channel { topics: Arc::new([]), ..(*before).clone() };
            let kind = Kind::Lifecycle { body };
            self.state.lock().say(channel, Some(Arc::new(gone)), message, kind, now);
        }
        self.tidy().await;
        Ok(removed)
    }

    async fn health(&self, channel: ChannelId) -> Result<Option<Health>, QueueError> {
        self.tidy().await;
        let state = self.state.lock();
        let Some(receiver) = state.receivers.get(&channel) else { return Ok(None) };
        let mut health = receiver.health.clone();
        health.pending = state.pending(channel);
        let dead = |entry: &&Entry| entry.channel == channel && entry.died.is_some();
        health.dead_letters = state.entries.values().filter(dead).count() as u64;
        let heads = state.heads();
        let own = heads.iter().filter(|(_, entry)| entry.channel == channel && entry.purpose() != Purpose::Lifecycle);
        health.next_attempt = own.map(|(_, entry)| entry.due).min().filter(|_| health.disabled.is_none());
        Ok(Some(health))
    }

    async fn attempts(&self, channel: ChannelId, limit: usize) -> Result<Vec<(Uuid, Attempt)>, QueueError> {
        self.tidy().await;
        let state = self.state.lock();
        let attempts = state.receivers.get(&channel).map(|receiver| receiver.attempts.iter().take(limit).cloned());
        Ok(attempts.into_iter().flatten().collect())
    }

    async fn dead_letters(
        &self,
        channel: ChannelId,
        after: Option<DeliveryId>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, QueueError> {
        self.tidy().await;
        let state = self.state.lock();
        let letters = state.entries.iter().filter(|(id, entry)| {
            entry.channel == channel && entry.died.is_some() && after.is_none_or(|after| **id > after.0)
        });
        let letter = |(id, entry): (&i64, &Entry)| DeadLetter {
            id: DeliveryId(*id),
            message: entry.message,
            kind: entry.kind.clone(),
            attempts: entry.attempts,
            owed: entry.owed,
            died: entry.died.unwrap_or_default(),
            last: entry.last,
        };
        Ok(letters.map(letter).take(limit).collect())
    }

    async fn redeliver(&self, channel: ChannelId, wanted: &Wanted, now: Timestamp) -> Result<u64, QueueError> {
        self.tidy().await;
        let mut state = self.state.lock();
        let mut revived = 0;
        for (id, entry) in &mut state.entries {
            let is_wanted = match wanted {
                Wanted::All => true,
                Wanted::These(these) => these.contains(&DeliveryId(*id)),
            };
            if entry.channel == channel && entry.died.is_some() && is_wanted {
                (entry.died, entry.attempts, entry.last, entry.due) = (None, 0, None, now);
                revived += 1;
            }
        }
        Ok(revived)
    }

    async fn set_secrets(&self, channel: ChannelId, secrets: &[Secret]) -> Result<bool, QueueError> {
        self.change(channel, |push| push.secrets = secrets.to_vec()).await
    }

    async fn redirect(&self, channel: ChannelId, send_to: &str, limits: &ChannelLimits) -> Result<bool, InsertError> {
        let Some(kept) = self.channels.get(channel).await?.filter(|kept| kept.push.is_some()) else { return Ok(false) };
        let lane = |channel: &Channel| channel.push.as_ref().map(|push| Lane::of(&push.send_to));
        let mut others = self.channels.all();
        others.retain(|other| other.id != kept.id && other.subject.webid == kept.subject.webid);
        let mut lanes: HashSet<Lane> = others.iter().filter_map(lane).collect();
        lanes.insert(Lane::of(send_to));
        if lanes.len() as u64 > limits.targets {
            return Err(InsertError::TooMany(TooMany { crowd: Crowd::Targets, limit: limits.targets }));
        }
        let changed = self.change(channel, |push| {
            if push.lifecycle.as_ref() == Some(&push.send_to) {
                push.lifecycle = Some(send_to.into());
            }
            push.send_to = send_to.into();
        });
        changed.await.map_err(|error| ChannelStoreError(error.0).into())
    }

    async fn expiring(&self, before: Timestamp, limit: usize) -> Result<Vec<Arc<Channel>>, QueueError> {
        let ids = self.ending(|receiver, end| end < before && receiver.told != Some(end), limit).await;
        let mut state = self.state.lock();
        let mut channels = Vec::new();
        for id in ids {
            if let Some(receiver) = state.receivers.get_mut(&id) {
                receiver.told = receiver.channel.end_at;
                channels.push(Arc::clone(&receiver.channel));
            }
        }
        Ok(channels)
    }

    async fn expired(&self, now: Timestamp, limit: usize) -> Result<Vec<Arc<Channel>>, QueueError> {
        let ids = self.ending(|_, end| end <= now, limit).await;
        let state = self.state.lock();
        let channels = ids.iter().filter_map(|id| state.receivers.get(id));
        Ok(channels.map(|receiver| Arc::clone(&receiver.channel)).collect())
    }

    async fn failing(&self, before: Timestamp, limit: usize) -> Result<Vec<Arc<Channel>>, QueueError> {
        self.tidy().await;
        let state = self.state.lock();
        let off = |receiver: &&Receiver| receiver.health.disabled.is_some_and(|(since, _)| since <= before);
        let channels = state.receivers.values().filter(off).map(|receiver| Arc::clone(&receiver.channel));
        Ok(channels.take(limit).collect())
    }

    async fn missed(&self, limit: usize) -> Result<Vec<Arc<Channel>>, QueueError> {
        self.tidy().await;
        let mut state = self.state.lock();
        let wants = |receiver: &Receiver| receiver.channel.push.as_ref().is_some_and(|push| push.lifecycle.is_some());
        let untold = state.receivers.values_mut();
        let untold = untold.filter(|receiver| wants(receiver) && receiver.health.missed > receiver.missed_told);
        let told = untold.take(limit).map(|receiver| {
            receiver.missed_told = receiver.health.missed;
            Arc::clone(&receiver.channel)
        });
        Ok(told.collect())
    }
}

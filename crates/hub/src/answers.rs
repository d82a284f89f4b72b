//! What the judge says, put to use.
//!
//! Who waits for an answer is served when it comes. When the judge fails, everybody who waits goes on waiting in
//! order, is asked for again with growing pauses, and leaves if that does not help: never unjudged, never skipped.

use crate::{
    Answer, Ending, Question,
    flush::after,
    rules::Asked,
    shard::{Failing, Shard, Timer},
};
use podbell_log::At;
use podbell_model::Timestamp;
use std::sync::Arc;

impl Shard {
    pub(crate) fn question(&self, asked: &Asked) -> Option<Question> {
        let entry = self.entries.get(&asked.entry)?;
        Some(Question {
            subject: Arc::clone(self.subjects.get(asked.subject)?),
            storage: entry.topic.storage,
            resource: entry.topic.resource.clone(),
            generation: asked.generation,
            need: entry.need,
            at: asked.at.map_or(At::Now, At::Commit),
        })
    }

    fn waiters(&mut self, asked: &Asked) -> Vec<u64> {
        let waiters = self.waiting.remove(asked).unwrap_or_default();
        for key in &waiters {
            if let Some(outbox) = self.connections.get_mut(key).and_then(|found| found.outbox.as_mut())
                && outbox.waiting == Some(*asked)
            {
                outbox.waiting = None;
            }
        }
        waiters
    }

    pub(crate) fn answered(&mut self, asked: &Asked, answer: &Answer, now: Timestamp) {
        if let Some(_commit) = asked.at {
            self.thens.insert(*asked, answer.allowed);
        } else if let Some(held) = self.rules.take(asked.entry, answer, now) {
            self.hold(asked, held);
            if asked.generation.is_none() {
                self.failing.remove(&asked.entry);
            }
        } else if answer.as_of < self.rules.known() {
            // Newer rules overtook it: that is no failure of the judge, and the next answer will know them.
            self.to_ask.push(*asked);
            self.wake = true;
            return;
        } else {
            return self.unanswered(asked, now);
        }
        for key in self.waiters(asked) {
            if let Some(outbox) = self.connections.get_mut(&key).and_then(|found| found.outbox.as_mut()) {
                outbox.attempts = 0;
            }
            self.mark(key);
        }
        self.wake = true;
    }

    /// The judge has failed: everybody who waits goes on waiting, and leaves if that does not help.
    pub(crate) fn unanswered(&mut self, asked: &Asked, now: Timestamp) {
        let (most, backoff) = (self.settings.judge_attempts, self.settings.judge_backoff);
        let pause = |attempts: u8| backoff.saturating_mul(1 << attempts.min(10));
        for key in self.waiters(asked) {
            let Some(outbox) = self.connections.get_mut(&key).and_then(|found| found.outbox.as_mut()) else { continue };
            outbox.attempts += 1;
            let attempts = outbox.attempts;
            if attempts > most {
                self.let_go(key, Some(Ending::Overload));
            } else {
                self.at(after(now, pause(attempts - 1)), Timer::Retry(key));
            }
        }
        if asked.generation.is_some() || asked.at.is_some() || !self.affected.contains(&asked.entry) {
            return;
        }
        let attempts = self.failing.get(&asked.entry).map_or(1, |failing| failing.attempts.saturating_add(1));
        if attempts > most {
            self.failing.remove(&asked.entry);
            let party = self.entries.get(&asked.entry).and_then(|entry| entry.parties.get(&asked.subject));
            let channels = party.into_iter().flat_map(|party| &party.channels);
            let connections = channels.filter_map(|key| self.channels.get(key)).flat_map(|live| &live.connections);
            for key in connections.copied().collect::<Vec<_>>() {
                self.let_go(key, Some(Ending::Overload));
            }
        } else {
            self.affected.remove(&asked.entry);
            self.failing.insert(asked.entry, Failing { attempts, paused: true });
            self.at(after(now, pause(attempts - 1)), Timer::Rejudge(asked.entry));
        }
    }
}

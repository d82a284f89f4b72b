//! What is due when the clock says so.

use crate::{
    Ending,
    flush::after,
    replay::Compare,
    shard::{Chore, Shard, Timer},
};
use podbell_model::Timestamp;

impl Shard {
    /// Does what is due.
    pub(crate) fn fire(&mut self, now: Timestamp) {
        while let Some((due, timer)) = self.timers.first().copied().filter(|(due, _)| *due <= now) {
            self.timers.remove(&(due, timer));
            match timer {
                Timer::Window(key, topic) => self.open_window(key, topic, now),
                Timer::End(key) => self.end_drained(key, Ending::Expired, now),
                Timer::Start(key) => {
                    self.stand_at(key, self.applied);
                    self.begin_replay(key, Compare::State);
                }
                Timer::Stuck(key) => self.stuck(key, now),
                Timer::Retry(key) => self.mark(key),
                Timer::Rejudge(entry) => {
                    if let Some(failing) = self.failing.get_mut(&entry) {
                        failing.paused = false;
                    }
                    self.affected.insert(entry);
                }
                Timer::Lapse(entry) => self.lapse(entry, now),
                Timer::Chores => {
                    let again = std::mem::take(&mut self.failed_chores);
                    self.chores.extend(again);
                }
                Timer::Linger(id) => self.lapsed(id, now),
                Timer::Sweep => {
                    self.chore(Chore::Sweep);
                    self.at(after(now, self.settings.sweep_every), Timer::Sweep);
                }
            }
        }
    }

    /// Closes a connection that has taken nothing for too long.
    fn stuck(&mut self, key: u64, now: Timestamp) {
        let Some(connected) = self.connections.get_mut(&key) else { return };
        connected.watched = false;
        let ending = self.channels.get(&connected.channel).and_then(|live| live.ending);
        let Some(outbox) = connected.outbox.as_ref().filter(|outbox| outbox.blocked || ending.is_some()) else {
            return;
        };
        let patience = after(outbox.progress, self.settings.stuck_after);
        if patience <= now {
            self.let_go(key, Some(ending.unwrap_or(Ending::Overload)));
        } else {
            connected.watched = true;
            self.at(patience, Timer::Stuck(key));
        }
    }
}

//! How much was delivered lately: for each storage, by the minute, over the last hour.
//!
//! A number for the storage's owner, and nothing of who heard what. Counted where something has gone out already, once for
//! all who heard it at once. Bounded: a storage of which nothing was delivered for an hour is not remembered.

use parking_lot::Mutex;
use podbell_model::{StorageId, Timestamp};
use rustc_hash::FxHashMap;

/// Minutes that are remembered, the one that runs among them.
pub const MINUTES: usize = 60;
/// The same number.
const HOUR: i64 = 60;

/// Deliveries since the process began: notifications that a connection took whole, and those that a receiver has
/// acknowledged.
#[derive(Debug, Default)]
pub struct Traffic {
    counted: Mutex<Counted>,
}

#[derive(Debug, Default)]
struct Counted {
    storages: FxHashMap<StorageId, Minutes>,
    /// The minute in which what is over was forgotten last.
    swept: i64,
}

/// A ring: the count of a minute stands at its number, modulo their number.
#[derive(Debug)]
struct Minutes {
    newest: i64,
    counts: [u32; MINUTES],
}

impl Traffic {
    /// Counts what was delivered of one storage.
    pub fn delivered(&self, storage: StorageId, count: u64, now: Timestamp) {
        if count == 0 {
            return;
        }
        let minute = minute_of(now);
        let mut counted = self.counted.lock();
        if counted.swept != minute {
            counted.swept = minute;
            counted.storages.retain(|_, minutes| minutes.reaches(minute));
        }
        let fresh = || Minutes { newest: minute, counts: [0; MINUTES] };
        counted.storages.entry(storage).or_insert_with(fresh).add(minute, count);
    }

    /// What was delivered of a storage in each of the last minutes, the oldest first; the last one runs.
    pub fn lately(&self, storage: StorageId, now: Timestamp) -> [u32; MINUTES] {
        let minute = minute_of(now);
        let counted = self.counted.lock();
        let Some(minutes) = counted.storages.get(&storage) else { return [0; MINUTES] };
        let mut looked_at = minute - HOUR;
        [(); MINUTES].map(|()| {
            looked_at += 1;
            minutes.of(looked_at)
        })
    }
}

impl Minutes {
    /// Whether it says something of the hour before that minute. Not so either if the clock was set back by more.
    fn reaches(&self, minute: i64) -> bool {
        (self.newest - minute).abs() < HOUR
    }

    fn add(&mut self, minute: i64, count: u64) {
        if !self.reaches(minute) {
            *self = Self { newest: minute, counts: [0; MINUTES] };
        }
        while self.newest < minute {
            self.newest += 1;
            self.counts[place(self.newest)] = 0;
        }
        let counted = &mut self.counts[place(minute)];
        *counted = counted.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
    }

    fn of(&self, minute: i64) -> u32 {
        let age = self.newest - minute;
        if (0..HOUR).contains(&age) { self.counts[place(minute)] } else { 0 }
    }
}

/// Minutes since 1970.
fn minute_of(now: Timestamp) -> i64 {
    now.as_second().div_euclid(60)
}

fn place(minute: i64) -> usize {
    usize::try_from(minute.rem_euclid(HOUR)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: StorageId = StorageId(1);
    const OTHER: StorageId = StorageId(2);

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 * 60 + minute * 60 + 59).unwrap()
    }

    fn shown(traffic: &Traffic, storage: StorageId, minute: i64) -> Vec<(usize, u32)> {
        let counts = traffic.lately(storage, at(minute));
        counts.into_iter().enumerate().filter(|(_, count)| *count > 0).collect()
    }

    #[test]
    fn each_minute_of_each_storage_counts_apart() {
        let traffic = Traffic::default();
        for (storage, count, minute) in [(ONE, 2, 0), (ONE, 3, 0), (OTHER, 7, 0), (ONE, 0, 1), (ONE, 1, 5)] {
            traffic.delivered(storage, count, at(minute));
        }
        assert_eq!(shown(&traffic, ONE, 5), [(54, 5), (59, 1)]);
        assert_eq!(shown(&traffic, ONE, 59), [(0, 5), (5, 1)]);
        assert_eq!(shown(&traffic, ONE, 60), [(4, 1)]);
        assert_eq!(shown(&traffic, OTHER, 0), [(59, 7)]);
        assert_eq!(shown(&traffic, StorageId(3), 0), []);
    }

    #[test]
    fn a_minute_that_comes_round_begins_at_nothing() {
        let traffic = Traffic::default();
        for minute in 0..200 {
            traffic.delivered(ONE, 1, at(minute));
        }
        assert_eq!(traffic.lately(ONE, at(199)), [1; MINUTES]);
        traffic.delivered(ONE, 1, at(240));
        assert_eq!(shown(&traffic, ONE, 240).len(), 20);
        assert_eq!(shown(&traffic, ONE, 259), [(40, 1)]);
    }

    #[test]
    fn a_storage_of_which_nothing_goes_out_for_an_hour_is_forgotten() {
        let traffic = Traffic::default();
        for storage in 0..1_000 {
            traffic.delivered(StorageId(storage), 1, at(0));
        }
        traffic.delivered(ONE, 1, at(30));
        traffic.delivered(OTHER, 1, at(59));
        assert_eq!(traffic.counted.lock().storages.len(), 1_000);
        traffic.delivered(OTHER, 1, at(60));
        assert_eq!(traffic.counted.lock().storages.len(), 2);
        assert_eq!(shown(&traffic, ONE, 60), [(29, 1)]);
    }

    #[test]
    fn a_clock_that_is_set_back_loses_the_hour_and_nothing_else() {
        let traffic = Traffic::default();
        traffic.delivered(ONE, 1, at(10));
        traffic.delivered(ONE, 1, at(8));
        assert_eq!(shown(&traffic, ONE, 10), [(57, 1), (59, 1)]);
        traffic.delivered(ONE, 1, at(-500));
        assert_eq!(shown(&traffic, ONE, -500), [(59, 1)]);
        assert_eq!(shown(&traffic, ONE, 10), []);
        traffic.delivered(ONE, u64::MAX, at(-500));
        assert_eq!(shown(&traffic, ONE, -500), [(59, u32::MAX)]);
    }
}

//! How often a password may be guessed: per account, known or not, and altogether.
//!
//! An attempt counts before the password is looked at, so that parallel guesses count too; a success takes it back.

use crate::{config::Limits, random};
use parking_lot::Mutex;
use podbell_model::Timestamp;
use std::collections::HashMap;

/// The window in which attempts are counted, in seconds.
const WINDOW: i64 = 15 * 60;

#[derive(Clone, Copy)]
struct Count {
    since: Timestamp,
    failures: u32,
}

#[derive(Default)]
struct Counts {
    accounts: HashMap<[u8; 32], Count>,
    all: Option<Count>,
}

/// Counts of the last window. Bounded by the limit for everybody: an entry costs an attempt.
pub(crate) struct Attempts {
    limits: Limits,
    counts: Mutex<Counts>,
}

impl Attempts {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, counts: Mutex::default() }
    }

    /// Whether one more may be made now; if so, it is counted.
    pub(crate) fn begin(&self, name: &str, now: Timestamp) -> bool {
        let mut counts = self.counts.lock();
        let all = current(counts.all, now);
        let key = random::sha256(name.as_bytes());
        let account = current(counts.accounts.get(&key).copied(), now);
        if all.failures >= self.limits.failures || account.failures >= self.limits.failures_per_account {
            return false;
        }
        if counts.accounts.len() >= self.limits.failures as usize {
            counts.accounts.retain(|_, count| is_current(count, now));
        }
        counts.all = Some(Count { failures: all.failures + 1, ..all });
        counts.accounts.insert(key, Count { failures: account.failures + 1, ..account });
        true
    }

    /// The attempt was good: it and the account's earlier ones do not count.
    pub(crate) fn succeeded(&self, name: &str) {
        let mut counts = self.counts.lock();
        counts.accounts.remove(&random::sha256(name.as_bytes()));
        if let Some(all) = &mut counts.all {
            all.failures = all.failures.saturating_sub(1);
        }
    }
}

fn is_current(count: &Count, now: Timestamp) -> bool {
    now.duration_since(count.since).as_secs() < WINDOW
}

fn current(count: Option<Count>, now: Timestamp) -> Count {
    count.filter(|count| is_current(count, now)).unwrap_or(Count { since: now, failures: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn guesses_at_one_account_end_and_do_not_touch_another() {
        let attempts = Attempts::new(Limits { failures_per_account: 2, ..Limits::default() });
        assert!(attempts.begin("alice", at(0)) && attempts.begin("alice", at(1)));
        assert!(!attempts.begin("alice", at(2)));
        assert!(attempts.begin("bob", at(2)));
        assert!(attempts.begin("alice", at(WINDOW)), "a new window");
    }

    #[test]
    fn success_clears_the_account() {
        let attempts = Attempts::new(Limits { failures_per_account: 2, ..Limits::default() });
        for second in 0..10 {
            assert!(attempts.begin("alice", at(second)), "{second}");
            attempts.succeeded("alice");
        }
    }

    #[test]
    fn guesses_at_many_accounts_end_too_and_keep_little() {
        let attempts = Attempts::new(Limits { failures: 3, ..Limits::default() });
        let made = (0..100).filter(|n| attempts.begin(&n.to_string(), at(0))).count();
        assert_eq!(made, 3);
        assert!(attempts.counts.lock().accounts.len() <= 3);
    }
}

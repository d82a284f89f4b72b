//! When a delivery that failed is tried again, and when it is given up.
//!
//! Ten attempts over about three days, as Standard Webhooks has it; each wait is up to a fifth shorter or longer, so that
//! what failed together does not come back together.
//!
//! Spec: <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#deliverability-and-reliability>

use podbell_model::Timestamp;
use std::time::Duration;

/// The waits after the first failure, the second, and so on.
pub const WAITS: [Duration; 9] = [
    Duration::from_secs(5),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(5),
    Duration::from_hours(10),
    Duration::from_hours(14),
    Duration::from_hours(20),
    Duration::from_hours(24),
];

/// What has been owed for so long is given up with its next failure.
pub const OLDEST: Duration = Duration::from_hours(5 * 24);

/// Parts of a thousand that a wait differs by at most.
const JITTER: u32 = 200;

/// When the next attempt is due after `failures` failed ones, at `now`; none if there is none. What the receiver asked
/// for is waited at least.
pub(crate) fn next(
    failures: u32,
    owed: Timestamp,
    now: Timestamp,
    asked: Option<Duration>,
    random: u64,
) -> Option<Timestamp> {
    if is_too_old(owed, now) {
        return None;
    }
    let wait = WAITS.get((failures as usize).checked_sub(1)?)?;
    Some(after(now, jittered(*wait, random).max(asked.unwrap_or_default())))
}

/// Whether an attempt after so many failed ones is the last.
pub(crate) fn is_last(failures: u32) -> bool {
    WAITS.get(failures as usize).is_none()
}

/// Whether what has been owed since then is given up if it fails once more.
pub(crate) fn is_too_old(owed: Timestamp, now: Timestamp) -> bool {
    after(owed, OLDEST) <= now
}

/// So much later, or the end of time.
pub(crate) fn after(now: Timestamp, wait: Duration) -> Timestamp {
    now.saturating_add(wait).unwrap_or(Timestamp::MAX)
}

/// So much earlier, or the beginning of time.
pub(crate) fn before(now: Timestamp, wait: Duration) -> Timestamp {
    now.saturating_sub(wait).unwrap_or(Timestamp::MIN)
}

fn jittered(wait: Duration, random: u64) -> Duration {
    let among = u64::from(2 * JITTER + 1);
    let parts = u32::try_from(random % among).unwrap_or(JITTER) + 1_000 - JITTER;
    wait * parts / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;
    const MIDDLE: u64 = JITTER as u64;

    #[test]
    fn ten_attempts_take_seventy_five_hours_and_thirty_five_minutes() {
        let total: Duration = WAITS.iter().sum();
        assert_eq!(total, Duration::from_secs(75 * 3_600 + 35 * 60 + 5));
        let mut at = NOW;
        for failures in 1..=9 {
            at = next(failures, NOW, at, None, MIDDLE).unwrap();
        }
        assert_eq!(at, after(NOW, total));
        assert_eq!(next(10, NOW, at, None, MIDDLE), None, "the tenth failure is the last");
    }

    #[test]
    fn what_is_five_days_old_is_given_up() {
        let almost = after(NOW, OLDEST.saturating_sub(Duration::from_secs(1)));
        assert!(next(1, NOW, almost, None, 0).is_some());
        assert_eq!(next(1, NOW, after(NOW, OLDEST), None, 0), None);
        assert!(next(1, NOW, before(NOW, OLDEST), None, 0).is_some(), "a clock that was put back gives nothing up");
    }

    #[test]
    fn what_the_receiver_asks_for_is_waited_at_least() {
        let hour = Duration::from_hours(1);
        assert_eq!(next(1, NOW, NOW, Some(hour), MIDDLE), Some(after(NOW, hour)));
        assert_eq!(next(4, NOW, NOW, Some(hour), MIDDLE), Some(after(NOW, WAITS[3])));
    }

    proptest! {
        #[test]
        fn a_wait_differs_by_a_fifth_at_most(failures in 1u32..=9, random: u64) {
            let wait = WAITS[failures as usize - 1];
            let at = next(failures, NOW, NOW, None, random).unwrap();
            prop_assert!(at >= after(NOW, wait * 4 / 5) && at <= after(NOW, wait * 6 / 5));
        }
    }
}

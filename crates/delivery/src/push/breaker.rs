//! The circuit breaker of a lane: a host that does not work is left alone for a while, then tried by one delivery.
//!
//! What waits meanwhile was not tried, so it loses none of its attempts.

use std::time::Duration;
use tokio::time::Instant;

/// So many failures in a row, with no success in between, open it.
const FAILURES: u32 = 5;
/// How long it is open at first; doubles with each probe that fails.
const SHORTEST: Duration = Duration::from_secs(30);
/// The longest that it is open.
const LONGEST: Duration = Duration::from_mins(10);

/// Whether anything may be tried. Takes the time as an argument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Breaker {
    failures: u32,
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Closed,
    Open {
        until: Instant,
        pause: Duration,
    },
    /// One delivery is under way to see whether it works again.
    Probing {
        pause: Duration,
    },
}

/// What it lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lets {
    /// Everything.
    All,
    /// One delivery.
    One,
    /// Nothing, until then.
    Until(Instant),
    /// Nothing, until the one under way has ended.
    Nothing,
}

impl Breaker {
    pub(crate) fn lets(&self, now: Instant) -> Lets {
        match self.state {
            State::Closed => Lets::All,
            State::Open { until, .. } if until <= now => Lets::One,
            State::Open { until, .. } => Lets::Until(until),
            State::Probing { .. } => Lets::Nothing,
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    /// Something is tried; the caller asked before whether it may.
    pub(crate) fn begun(&mut self) {
        if let State::Open { pause, .. } = self.state {
            self.state = State::Probing { pause };
        }
    }

    /// The host works.
    pub(crate) fn worked(&mut self) {
        *self = Self::default();
    }

    /// The host answered, and said nothing of how it fares.
    pub(crate) fn answered(&mut self) {
        if let State::Probing { .. } = self.state {
            self.worked();
        }
    }

    /// The host does not work.
    pub(crate) fn failed(&mut self, now: Instant) {
        self.failures = self.failures.saturating_add(1);
        let pause = match self.state {
            State::Closed if self.failures < FAILURES => return,
            // Those that were on the way when it opened say nothing new.
            State::Open { .. } => return,
            State::Closed => SHORTEST,
            State::Probing { pause } => (pause * 2).min(LONGEST),
        };
        self.state = State::Open { until: now + pause, pause };
    }

    /// The clock was moved: whatever pause there was is over.
    pub(crate) fn clock_moved(&mut self, now: Instant) {
        if let State::Open { until, .. } = &mut self.state {
            *until = now.min(*until);
        }
    }

    /// What was begun ended without an attempt: the next one may be tried.
    pub(crate) fn abandoned(&mut self, now: Instant) {
        if let State::Probing { pause } = self.state {
            self.state = State::Open { until: now, pause };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_failures_in_a_row_open_it_and_a_success_between_them_does_not() {
        let now = Instant::now();
        let mut breaker = Breaker::default();
        for _ in 0..4 {
            breaker.failed(now);
        }
        breaker.answered();
        assert_eq!(breaker.lets(now), Lets::All);
        breaker.worked();
        for _ in 0..4 {
            breaker.failed(now);
        }
        assert_eq!(breaker.lets(now), Lets::All);
        breaker.failed(now);
        assert_eq!(breaker.lets(now), Lets::Until(now + Duration::from_secs(30)));
    }

    #[test]
    fn then_one_is_let_through_and_each_failure_doubles_the_pause() {
        let mut now = Instant::now();
        let mut breaker = Breaker::default();
        for _ in 0..9 {
            breaker.failed(now);
        }
        for pause in [30, 60, 120, 240, 480, 600, 600] {
            let pause = Duration::from_secs(pause);
            assert_eq!(breaker.lets(now), Lets::Until(now + pause), "late failures do not prolong it");
            now += pause;
            assert_eq!(breaker.lets(now), Lets::One);
            breaker.begun();
            assert_eq!(breaker.lets(now), Lets::Nothing);
            breaker.failed(now);
        }
    }

    #[test]
    fn a_probe_that_is_answered_closes_it_and_one_that_was_none_is_followed_by_another() {
        let now = Instant::now();
        for end in [Breaker::worked as fn(&mut Breaker), Breaker::answered] {
            let mut breaker = Breaker { failures: 7, state: State::Open { until: now, pause: SHORTEST } };
            breaker.begun();
            breaker.abandoned(now);
            assert_eq!(breaker.lets(now), Lets::One);
            breaker.begun();
            end(&mut breaker);
            assert_eq!(breaker, Breaker::default());
        }
    }
}

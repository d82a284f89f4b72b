//! How a channel that pushes fares, as facts about it that its own agent reads with it.
//!
//! Of what a receiver answered, its status alone is told.

use super::pushing::Facts;
use podbell_delivery::push::{Health, Outcome, Reason};
use podbell_wire::Fact;
use std::borrow::Cow;

/// A word for how an attempt ended, and the status if there was one.
pub(super) fn outcome(outcome: Outcome) -> (&'static str, Option<u16>) {
    match outcome {
        Outcome::Acknowledged(status) => ("acknowledged", Some(status)),
        Outcome::Refused(status) => ("refused", Some(status)),
        Outcome::Forbidden => ("forbidden", None),
        Outcome::Unreachable => ("unreachable", None),
        Outcome::TimedOut => ("timed-out", None),
    }
}

/// The facts; those that there is nothing to say of are left out.
pub(super) fn facts(health: &Health) -> Facts<'static> {
    let mut facts = Facts::new();
    let mut at = |name, time: Option<_>| facts.extend(time.map(|time| (name, Fact::At(time))));
    at("lastSuccess", health.last_success);
    at("lastFailure", health.last_failure.as_ref().map(|attempt| attempt.at));
    at("failingSince", health.failing_since);
    at("nextAttempt", health.next_attempt);
    at("disabled", health.disabled.map(|(since, _)| since));
    if let Some(attempt) = &health.last_failure {
        let why = match outcome(attempt.outcome) {
            (word, Some(status)) => Cow::Owned(format!("{word} with {status}")),
            (word, None) => Cow::Borrowed(word),
        };
        facts.push(("lastFailureReason", Fact::Text(why)));
    }
    if let Some((_, Reason::Failing)) = health.disabled {
        facts.push(("disabledReason", Fact::Text(Cow::Borrowed("nothing was acknowledged for too long"))));
    }
    facts.push(("pending", Fact::Count(health.pending)));
    facts.push(("deadLetters", Fact::Count(health.dead_letters)));
    facts.push(("missed", Fact::Count(health.missed)));
    facts
}

#[cfg(test)]
mod tests {
    use super::*;
    use podbell_delivery::push::Attempt;
    use podbell_model::Timestamp;
    use std::time::Duration;

    #[test]
    fn a_channel_that_is_well_says_little() {
        let names: Vec<_> = facts(&Health::default()).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["pending", "deadLetters", "missed"]);
    }

    #[test]
    fn a_channel_that_is_switched_off_says_why() {
        let at = Timestamp::UNIX_EPOCH;
        let health = Health {
            last_failure: Some(Attempt { at, took: Duration::ZERO, outcome: Outcome::Refused(503) }),
            disabled: Some((at, Reason::Failing)),
            ..Health::default()
        };
        let facts = facts(&health);
        assert!(facts.contains(&("lastFailureReason", Fact::Text("refused with 503".into()))));
        assert!(facts.contains(&("disabled", Fact::At(at))));
        assert!(facts.iter().any(|(name, _)| *name == "disabledReason"));
    }
}

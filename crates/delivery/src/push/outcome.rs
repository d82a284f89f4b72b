//! What follows from how an attempt ended.
//!
//! Any 2xx acknowledges. A receiver that is gone ends the channel: 410, and of push services 404 too. A redirect is a
//! failure, since what is signed for one place must not be carried to another. All else is tried again.
//!
//! Spec: <https://www.rfc-editor.org/rfc/rfc8030#section-5>, <https://www.rfc-editor.org/rfc/rfc9110#field.retry-after>

use super::{Answer, Outcome};
use podbell_egress::FetchError;
use podbell_model::Timestamp;
use std::time::{Duration, SystemTime};

/// No receiver makes us wait longer.
pub const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// Who is at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Receiver {
    /// A webhook or an inbox.
    Endpoint,
    /// A push service.
    PushService,
}

/// What follows for the delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Follows {
    /// It has arrived.
    Delivered,
    /// The receiver is gone: the channel ends.
    Gone,
    /// It is too large for the receiver: a smaller one may do.
    Smaller,
    /// It failed: again, or never.
    Failed,
}

/// What follows for all that goes the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strain {
    /// The host works.
    Good,
    /// The host works, and this receiver refused: says nothing about others.
    Neutral,
    /// The host is overloaded.
    SlowDown,
    /// The host does not work.
    Bad,
}

/// Why there was no attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotTried {
    /// The rules changed before all was sent.
    Withheld,
    /// Too much goes on.
    Busy,
}

/// How an attempt ended, by what came back; or that there was none.
pub(crate) fn outcome(result: &Result<Answer, FetchError>) -> Result<Outcome, NotTried> {
    Ok(match result {
        Ok(Answer { status, .. }) | Err(FetchError::Status(status)) => match status {
            200..300 => Outcome::Acknowledged(*status),
            _ => Outcome::Refused(*status),
        },
        Err(FetchError::Refused) => Outcome::Forbidden,
        Err(FetchError::TimedOut) => Outcome::TimedOut,
        Err(FetchError::Withheld) => return Err(NotTried::Withheld),
        Err(FetchError::Busy) => return Err(NotTried::Busy),
        Err(_) => Outcome::Unreachable,
    })
}

impl Outcome {
    pub(crate) fn follows(self, receiver: Receiver) -> Follows {
        match (self, receiver) {
            (Self::Acknowledged(_), _) => Follows::Delivered,
            (Self::Refused(410), _) | (Self::Refused(404), Receiver::PushService) => Follows::Gone,
            (Self::Refused(413), Receiver::PushService) => Follows::Smaller,
            _ => Follows::Failed,
        }
    }

    pub(crate) fn strain(self) -> Strain {
        match self {
            Self::Acknowledged(_) => Strain::Good,
            Self::Refused(429 | 502 | 503 | 504) => Strain::SlowDown,
            Self::Refused(500..) | Self::Unreachable | Self::TimedOut => Strain::Bad,
            Self::Refused(_) | Self::Forbidden => Strain::Neutral,
        }
    }

    /// In a word, for the log.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Acknowledged(_) => "acknowledged",
            Self::Refused(_) => "refused",
            Self::Forbidden => "forbidden",
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed out",
        }
    }

    /// The status, if there was one.
    pub(crate) fn status(self) -> Option<u16> {
        match self {
            Self::Acknowledged(status) | Self::Refused(status) => Some(status),
            _ => None,
        }
    }
}

/// How long a receiver wants us to wait: seconds or a date, at most [`LONGEST_WAIT`]. What cannot be read asks for
/// nothing.
pub(crate) fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are longer than the longest.
        let seconds = text.parse().unwrap_or(u64::MAX);
        return Some(Duration::from_secs(seconds).min(LONGEST_WAIT));
    }
    let at = httpdate::parse_http_date(text).ok()?;
    let wait = at.duration_since(SystemTime::from(now)).unwrap_or_default();
    Some(wait.min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Outcome::{Acknowledged, Forbidden, Refused, TimedOut, Unreachable};

    #[test]
    fn what_follows_is_a_table() {
        use Follows::{Delivered, Failed, Gone, Smaller};
        for (outcome, endpoint, push_service, strain) in [
            (Acknowledged(200), Delivered, Delivered, Strain::Good),
            (Acknowledged(201), Delivered, Delivered, Strain::Good),
            (Acknowledged(299), Delivered, Delivered, Strain::Good),
            (Refused(301), Failed, Failed, Strain::Neutral),
            (Refused(307), Failed, Failed, Strain::Neutral),
            (Refused(401), Failed, Failed, Strain::Neutral),
            (Refused(403), Failed, Failed, Strain::Neutral),
            (Refused(404), Failed, Gone, Strain::Neutral),
            (Refused(410), Gone, Gone, Strain::Neutral),
            (Refused(413), Failed, Smaller, Strain::Neutral),
            (Refused(429), Failed, Failed, Strain::SlowDown),
            (Refused(500), Failed, Failed, Strain::Bad),
            (Refused(502), Failed, Failed, Strain::SlowDown),
            (Refused(503), Failed, Failed, Strain::SlowDown),
            (Refused(504), Failed, Failed, Strain::SlowDown),
            (Refused(999), Failed, Failed, Strain::Bad),
            (Forbidden, Failed, Failed, Strain::Neutral),
            (Unreachable, Failed, Failed, Strain::Bad),
            (TimedOut, Failed, Failed, Strain::Bad),
        ] {
            let found = (outcome.follows(Receiver::Endpoint), outcome.follows(Receiver::PushService), outcome.strain());
            assert_eq!(found, (endpoint, push_service, strain), "{outcome:?}");
        }
    }

    #[test]
    fn what_came_back_is_an_outcome_or_no_attempt() {
        let answer = |status| Ok(Answer { status, retry_after: None });
        for (came, expected) in [
            (answer(204), Ok(Acknowledged(204))),
            (answer(302), Ok(Refused(302))),
            (answer(199), Ok(Refused(199))),
            (Err(FetchError::Refused), Ok(Forbidden)),
            (Err(FetchError::Unreachable), Ok(Unreachable)),
            (Err(FetchError::TimedOut), Ok(TimedOut)),
            (Err(FetchError::Busy), Err(NotTried::Busy)),
            (Err(FetchError::Withheld), Err(NotTried::Withheld)),
        ] {
            assert_eq!(outcome(&came), expected, "{came:?}");
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_bounded() {
        let now: Timestamp = "2026-07-18T09:12:03Z".parse().unwrap();
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        for (text, expected) in [
            ("5", seconds(5)),
            (" 120 ", seconds(120)),
            ("0", seconds(0)),
            ("86401", Some(LONGEST_WAIT)),
            ("99999999999999999999999999", Some(LONGEST_WAIT)),
            ("Sat, 18 Jul 2026 09:13:03 GMT", seconds(60)),
            ("Sat, 18 Jul 2026 09:00:00 GMT", seconds(0)),
            ("Sun, 18 Jul 2066 09:00:00 GMT", Some(LONGEST_WAIT)),
            ("", None),
            ("-5", None),
            ("1.5", None),
            ("soon", None),
        ] {
            assert_eq!(retry_after(text, now), expected, "{text:?}");
        }
    }
}

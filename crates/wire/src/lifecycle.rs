//! Messages about a channel, not about its topics: that it is about to end, that it has ended, that something could not
//! be kept for it, and the test that a subscriber asks for. An extension.
//!
//! They have the keys of a notification; the object is the channel. They say nothing of any resource.

use crate::{EXTENSIONS, NotificationsContext, lexical};
use podbell_model::{Timestamp, Uuid, vocab::activitystreams};
use serde::Serialize;

/// What is said of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifecycle {
    /// Nothing: the subscriber wants to see whether messages arrive.
    Ping,
    /// It ends soon.
    Expiring {
        /// When.
        end_at: Timestamp,
    },
    /// It has ended.
    Removed(Removed),
    /// Too much was owed to it, and something was not kept: its topics are to be read anew.
    Missed,
}

/// Why a channel has ended, in general terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removed {
    /// Its time is over.
    Expired,
    /// Its subscriber may hear of none of its topics any longer.
    Unauthorized,
    /// The receiver said that it is gone.
    Gone,
    /// It failed for too long.
    Failing,
    /// Somebody who looks after a storage that it listened to ended it, or the storage is gone.
    Ended,
}

impl Lifecycle {
    /// The class of such a message.
    pub fn class(self) -> String {
        let name = match self {
            Self::Ping => "Ping",
            Self::Expiring { .. } => "Expiring",
            Self::Removed(_) => "Removed",
            Self::Missed => "Missed",
        };
        format!("{EXTENSIONS}{name}")
    }
}

impl Removed {
    /// The reason in a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Unauthorized => "unauthorized",
            Self::Gone => "gone",
            Self::Failing => "failing",
            Self::Ended => "ended",
        }
    }
}

#[derive(Serialize)]
struct Json<'a> {
    #[serde(rename = "@context")]
    context: [&'a str; 2],
    id: String,
    #[serde(rename = "type")]
    class: String,
    object: &'a str,
    #[serde(rename = "endAt", skip_serializing_if = "Option::is_none")]
    end_at: Option<String>,
    #[serde(rename = "urn:podbell:terms#reason", skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    published: String,
}

/// Writes a message about the channel with that IRI, as JSON-LD.
pub fn write(what: Lifecycle, context: NotificationsContext, channel: &str, id: Uuid, now: Timestamp) -> Vec<u8> {
    let (end_at, reason) = match what {
        Lifecycle::Expiring { end_at } => (Some(lexical::date_time(end_at)), None),
        Lifecycle::Removed(reason) => (None, Some(reason.word())),
        Lifecycle::Ping | Lifecycle::Missed => (None, None),
    };
    crate::json(&Json {
        context: [activitystreams::CONTEXT, context.iri()],
        id: id.urn().to_string(),
        class: what.class(),
        object: channel,
        end_at,
        reason,
        published: lexical::date_time(now),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_have_exactly_these_keys() {
        const HEAD: &str = r#"{"@context":["https://www.w3.org/ns/activitystreams","https://www.w3.org/ns/solid/notification/v1"],"id":"urn:uuid:00000000-0000-0000-0000-000000000007","type":"urn:podbell:terms#"#;
        let (now, end_at) = (Timestamp::UNIX_EPOCH, "2026-07-18T09:12:03Z".parse().unwrap());
        for (what, class, rest) in [
            (Lifecycle::Ping, "Ping", ""),
            (Lifecycle::Expiring { end_at }, "Expiring", r#""endAt":"2026-07-18T09:12:03.000Z","#),
            (Lifecycle::Removed(Removed::Gone), "Removed", r#""urn:podbell:terms#reason":"gone","#),
            (Lifecycle::Missed, "Missed", ""),
        ] {
            let text = write(what, NotificationsContext::V0_2, "https://pod.example/c", Uuid::from_u128(7), now);
            let expected = format!(
                r#"{HEAD}{class}","object":"https://pod.example/c",{rest}"published":"1970-01-01T00:00:00.000Z"}}"#
            );
            assert_eq!(String::from_utf8(text).unwrap(), expected);
        }
    }
}

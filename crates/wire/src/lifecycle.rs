//! Messages about a channel, not about its topics: that it is about to end, that it has ended, that something could not
//! be kept for it. An extension.
//!
//! They have the keys of a notification; the object is the channel. They say nothing of any resource.

use crate::{
    EXTENSIONS, NotificationsContext, Syntax, lexical,
    statements::{AS, NOTIFY, Statements, XSD_PREFIX},
};
use podbell_model::{
    Timestamp, Uuid,
    vocab::{activitystreams, notify},
};
use serde::Serialize;

/// What is said of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifecycle {
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

/// Writes a message about the channel with that IRI.
pub fn write(
    what: Lifecycle,
    (context, syntax): (NotificationsContext, Syntax),
    channel: &str,
    id: Uuid,
    now: Timestamp,
) -> Vec<u8> {
    let (end_at, reason) = match what {
        Lifecycle::Expiring { end_at } => (Some(lexical::date_time(end_at)), None),
        Lifecycle::Removed(reason) => (None, Some(reason.word())),
        Lifecycle::Missed => (None, None),
    };
    let words = Json {
        context: [activitystreams::CONTEXT, context.iri()],
        id: id.urn().to_string(),
        class: what.class(),
        object: channel,
        end_at,
        reason,
        published: lexical::date_time(now),
    };
    match syntax {
        Syntax::JsonLd => crate::json(&words),
        Syntax::Turtle => words.statements().turtle(&[AS, NOTIFY, XSD_PREFIX]),
        Syntax::NTriples => words.statements().n_triples(),
    }
}

impl Json<'_> {
    fn statements(&self) -> Statements {
        let mut statements = Statements::default();
        statements.class(&self.id, &self.class);
        statements.link(&self.id, &format!("{}object", activitystreams::NS), self.object);
        if let Some(end_at) = &self.end_at {
            statements.typed(&self.id, &format!("{}endAt", notify::NS), end_at, "dateTime");
        }
        if let Some(reason) = self.reason {
            statements.text(&self.id, &format!("{EXTENSIONS}reason"), reason);
        }
        statements.typed(&self.id, &format!("{}published", activitystreams::NS), &self.published, "dateTime");
        statements
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use podbell_model::rdf;

    const CHANNEL: &str = "https://pod.example/c";
    const END: &str = "2026-07-18T09:12:03Z";

    #[test]
    fn they_have_exactly_these_keys() {
        const HEAD: &str = r#"{"@context":["https://www.w3.org/ns/activitystreams","https://www.w3.org/ns/solid/notification/v1"],"id":"urn:uuid:00000000-0000-0000-0000-000000000007","type":"urn:podbell:terms#"#;
        let (now, end_at) = (Timestamp::UNIX_EPOCH, END.parse().unwrap());
        for (what, class, rest) in [
            (Lifecycle::Expiring { end_at }, "Expiring", r#""endAt":"2026-07-18T09:12:03.000Z","#),
            (Lifecycle::Removed(Removed::Gone), "Removed", r#""urn:podbell:terms#reason":"gone","#),
            (Lifecycle::Missed, "Missed", ""),
        ] {
            let words = (NotificationsContext::V0_2, Syntax::JsonLd);
            let text = write(what, words, CHANNEL, Uuid::from_u128(7), now);
            let expected = format!(
                r#"{HEAD}{class}","object":"https://pod.example/c",{rest}"published":"1970-01-01T00:00:00.000Z"}}"#
            );
            assert_eq!(String::from_utf8(text).unwrap(), expected);
        }
    }

    #[test]
    fn every_syntax_says_the_same() {
        let end_at = END.parse().unwrap();
        for what in [Lifecycle::Expiring { end_at }, Lifecycle::Removed(Removed::Failing), Lifecycle::Missed] {
            let graph = |syntax: Syntax| {
                let words = (NotificationsContext::V0_2, syntax);
                let text = write(what, words, CHANNEL, Uuid::from_u128(7), Timestamp::UNIX_EPOCH);
                rdf::parse(syntax.rdf_format(), "https://base.example/", &text).unwrap()
            };
            assert_eq!(graph(Syntax::JsonLd), graph(Syntax::Turtle), "{what:?}");
            assert_eq!(graph(Syntax::JsonLd), graph(Syntax::NTriples), "{what:?}");
        }
    }
}

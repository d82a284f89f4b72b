//! What is told, as it came and as it is read.
//!
//! The members are read by their plain keys, as every server writes them; what else a notification holds is in its text.
//!
//! Spec: <https://solidproject.org/TR/notifications-protocol#notification-message-data-model>

use crate::answer::misleads;
use podbell_model::vocab::activitystreams;
use podbell_wire::{EXTENSIONS, lexical};
use serde_json::Value;
use std::fmt::Write as _;

/// The key under which a notification holds its cursor.
pub(crate) const CURSOR: &str = "urn:podbell:terms#cursor";

/// One notification.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Notification {
    /// Its own id.
    pub id: String,
    /// What happened: `Create`, `Update`, `Delete`, `Add`, `Remove`, or another word of the server's.
    pub kind: String,
    /// To what.
    pub object: String,
    /// The container that something joined or left.
    pub target: Option<String>,
    /// The state since then, an entity-tag.
    pub state: Option<String>,
    /// Who has done it, if that is told.
    pub actor: Option<String>,
    /// When.
    pub published: Option<jiff::Timestamp>,
    /// From where [`since`](crate::Watching::since) goes on after it.
    pub cursor: Option<String>,
    /// Its text as it came, in one line.
    pub raw: String,
}

/// Something was not told, and cannot be any more: what matters is to be read again.
///
/// Podbell tells next how each topic stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Gap {
    /// What is known of it.
    pub reason: String,
    /// From where [`since`](crate::Watching::since) goes on after it.
    pub cursor: Option<String>,
    /// Its text as it came, in one line; none where the server does not tell.
    pub raw: Option<String>,
}

/// What a message is.
pub(crate) enum Read {
    Notification(Notification),
    Gap(Gap),
    Other,
}

/// Reads a message. `cursor`: what came with it, beside its text.
pub(crate) fn read(text: &str, cursor: Option<&str>) -> Read {
    let Ok(message) = serde_json::from_str::<Value>(text) else { return Read::Other };
    let raw = in_one_line(text.trim());
    let cursor = message[CURSOR].as_str().or(cursor).map(str::to_owned);
    let kinds = texts(&message["type"]);
    if kinds.iter().any(|kind| kind.strip_prefix(EXTENSIONS) == Some("Gap")) {
        let reason = "the history that was missed is no longer kept".to_owned();
        return Read::Gap(Gap { reason, cursor, raw: Some(raw) });
    }
    let terms = kinds.iter().map(|kind| {
        kind.strip_prefix(activitystreams::NS).or_else(|| kind.strip_prefix("as:")).unwrap_or(kind).to_owned()
    });
    // The word of Activity Streams, beside classes of others.
    let kind = terms.clone().find(|kind| !kind.contains(':')).or_else(|| terms.clone().next());
    let one = |key: &str| texts(&message[key]).into_iter().next();
    let (Some(kind), Some(object)) = (kind, one("object")) else { return Read::Other };
    Read::Notification(Notification {
        id: message["id"].as_str().unwrap_or_default().to_owned(),
        kind,
        object,
        target: one("target"),
        state: one("state").or_else(|| message["object"]["state"].as_str().map(str::to_owned)),
        actor: one("actor"),
        published: one("published").and_then(|at| lexical::parse_date_time(&at)),
        cursor,
        raw,
    })
}

/// The same JSON in one line, whoever reads it: white space stands between tokens, and everything else that ends lines for
/// some readers, or steers a terminal, stands in texts, where it can be escaped.
fn in_one_line(json: &str) -> String {
    let mut line = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '\n' | '\r' | '\t' => line.push(' '),
            c if misleads(c) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(line, "\\u{unit:04x}");
                }
            }
            c => line.push(c),
        }
    }
    line
}

/// The texts of a member, or the ids of what stands there.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(values) => values.iter().flat_map(texts).collect(),
        Value::Object(node) => node.get("id").or_else(|| node.get("@id")).map(texts).unwrap_or_default(),
        _ => Vec::new(),
    }
}

impl Notification {
    /// [`Self::raw`] with the cursor in it, also where it came beside the text.
    pub fn raw_with_cursor(&self) -> String {
        with_cursor(&self.raw, self.cursor.as_deref())
    }
}

impl Gap {
    /// A gap of which the server tells nothing.
    pub(crate) fn untold(reason: &str) -> Self {
        Self { reason: reason.to_owned(), cursor: None, raw: None }
    }

    /// [`Self::raw`] with the cursor in it; where there is none, a text of the same form.
    pub fn raw_with_cursor(&self) -> String {
        let own = || format!("{{\"type\":\"{EXTENSIONS}Gap\",\"summary\":{}}}", Value::from(self.reason.clone()));
        with_cursor(&self.raw.clone().unwrap_or_else(own), self.cursor.as_deref())
    }
}

fn with_cursor(raw: &str, cursor: Option<&str>) -> String {
    let has_one = serde_json::from_str::<Value>(raw).is_ok_and(|message| message.get(CURSOR).is_some());
    match (raw.strip_suffix('}'), cursor) {
        (Some(open), Some(cursor)) if !has_one => format!("{open},\"{CURSOR}\":{}}}", Value::from(cursor)),
        _ => raw.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_notification_is_read_and_kept_as_it_came() {
        let text = r#"{"id":"urn:uuid:1","type":"Add","object":"http://x/a/b",
            "target":"http://x/a/","published":"2026-11-22T00:16:33.180Z"}"#;
        let Read::Notification(told) = read(text, Some("c")) else { panic!("no notification") };
        assert_eq!((&*told.kind, &*told.object, told.target.as_deref()), ("Add", "http://x/a/b", Some("http://x/a/")));
        assert_eq!(told.published.map(jiff::Timestamp::as_second), Some(1_795_306_593));
        assert!(!told.raw.contains('\n') && told.raw.starts_with(r#"{"id":"urn:uuid:1","type":"Add""#));
        assert!(
            told.raw_with_cursor().ends_with(r#"Z","urn:podbell:terms#cursor":"c"}"#),
            "{}",
            told.raw_with_cursor()
        );
        assert!(serde_json::from_str::<Value>(&told.raw_with_cursor()).is_ok());
    }

    #[test]
    fn other_servers_write_types_and_objects_in_other_ways() {
        let text = r#"{"type":["http://www.w3.org/ns/prov#Activity","Update"],"object":{"id":"http://x/a","state":"s"},
            "actor":["http://x/me"]}"#;
        let Read::Notification(told) = read(text, None) else { panic!("no notification") };
        assert_eq!((&*told.kind, &*told.object, told.actor.as_deref()), ("Update", "http://x/a", Some("http://x/me")));
        assert_eq!(told.state.as_deref(), Some("s"));
        assert_eq!(told.raw_with_cursor(), told.raw);
    }

    #[test]
    fn a_line_stays_one_and_steers_nothing_and_says_the_same() {
        let nasty = "a\u{9b}2J\u{85}b\u{2028}c\u{202e}d\u{7f}e\u{e0041}";
        let text = format!("{{\"type\":\"Update\",\n\t\"object\":\"{nasty}\"}}");
        let Read::Notification(told) = read(&text, None) else { panic!("no notification") };
        assert!(!told.raw.chars().any(misleads), "{:?}", told.raw);
        assert_eq!(serde_json::from_str::<Value>(&told.raw).unwrap()["object"], nasty);
        assert_eq!(told.object, nasty);
    }

    #[test]
    fn gaps_and_what_is_no_notification_are_told_apart() {
        let text = r#"{"type":"urn:podbell:terms#Gap","urn:podbell:terms#cursor":"c"}"#;
        let Read::Gap(gap) = read(text, None) else { panic!("no gap") };
        assert_eq!((gap.cursor.as_deref(), gap.raw_with_cursor().as_str()), (Some("c"), text));
        assert!(Gap::untold("x").raw_with_cursor().contains("#Gap\",\"summary\":\"x\""));
        for other in ["", "[]", "{}", r#"{"type":"Update"}"#, "<a> <b> <c> ."] {
            assert!(matches!(read(other, None), Read::Other), "{other}");
        }
    }
}

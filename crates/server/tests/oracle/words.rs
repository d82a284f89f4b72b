//! What bytes say: frames of WebSockets, events, lines and documents, each with its cursor.

use crate::{
    model::{Message, Voice},
    world::{description, name},
};
use podbell_model::{Timestamp, rdf};
use podbell_wire::{Syntax, solid_0_1::MARK};
use serde_json::Value;
use std::ops::Range;

const GAP: &str = "urn:podbell:terms#Gap";
const CURSOR: &str = "urn:podbell:terms#cursor";
const AS: &str = "https://www.w3.org/ns/activitystreams#";

/// A notification that was heard whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) id: String,
    pub(crate) at: i64,
    pub(crate) cursor: Option<String>,
    /// None for a gap.
    pub(crate) message: Option<Message>,
}

/// The first whole notification in these bytes, and where the next one begins; none if it was cut.
pub(crate) fn first(bytes: &[u8], voice: Voice) -> Option<(usize, Told)> {
    let (end, body) = match voice {
        Voice::WebSocket | Voice::Ess | Voice::Lws => frame(bytes)?,
        Voice::Solid01 => mark(bytes)?,
        Voice::Events | Voice::Turtle | Voice::LwsEvents => until(bytes, b"\n\n")?,
        Voice::Lines => until(bytes, b"\n")?,
    };
    let body = &bytes[body];
    let told = match voice {
        Voice::WebSocket | Voice::Lines => solid(body),
        Voice::Ess => ess(body),
        Voice::Turtle => turtle(body),
        Voice::Events => event(body, solid),
        Voice::Lws => one(body),
        Voice::LwsEvents => event(body, one),
        Voice::Solid01 => line(),
    };
    Some((end, told))
}

fn frame(bytes: &[u8]) -> Option<(usize, Range<usize>)> {
    let (head, length) = match bytes {
        [_, 126, high, low, ..] => (4, usize::from(u16::from_be_bytes([*high, *low]))),
        [_, short @ ..126, ..] => (2, usize::from(*short)),
        _ => return None,
    };
    assert!(bytes[0] == 0x81, "every notification is one text frame");
    let end = head + length;
    (end <= bytes.len()).then_some((end, head..end))
}

/// What a socket makes a line of.
fn mark(bytes: &[u8]) -> Option<(usize, Range<usize>)> {
    let mark = bytes.get(..MARK.len())?;
    assert_eq!(mark, MARK, "a line is a mark");
    Some((MARK.len(), 0..MARK.len()))
}

fn until(bytes: &[u8], mark: &[u8]) -> Option<(usize, Range<usize>)> {
    let found = bytes.windows(mark.len()).position(|window| window == mark)?;
    Some((found + mark.len(), 0..found))
}

fn time(text: &str) -> i64 {
    text.parse::<Timestamp>().unwrap().as_millisecond()
}

fn path(iri: &Value) -> String {
    name(iri.as_str().unwrap())
}

fn unquoted(state: &str) -> String {
    state.strip_prefix('"').unwrap().strip_suffix('"').unwrap().to_owned()
}

fn kind(value: &str) -> &'static str {
    let kinds = ["Create", "Update", "Delete", "Add", "Remove"];
    kinds.into_iter().find(|kind| value == *kind).unwrap()
}

fn ess(body: &[u8]) -> Told {
    let json: Value = serde_json::from_slice(body).unwrap();
    assert_eq!(json["actor"], serde_json::json!([]), "nobody asked for the actor");
    let message = Message {
        kind: kind(json["type"][1].as_str().unwrap()),
        object: path(&json["object"]["id"]),
        target: None,
        origin: None,
        state: json["object"]["state"].as_str().map(str::to_owned),
    };
    let (id, at) = (json["id"].as_str().unwrap().to_owned(), time(json["published"].as_str().unwrap()));
    Told { id, at, cursor: None, message: Some(message) }
}

pub(crate) fn solid(body: &[u8]) -> Told {
    let json: Value = serde_json::from_slice(body).unwrap();
    let keys = ["@context", "id", "type", "object", "target", "state", "published", CURSOR];
    assert!(json.as_object().unwrap().keys().all(|key| keys.contains(&key.as_str())), "{json}");
    let message = (json["type"] != GAP).then(|| Message {
        kind: kind(json["type"].as_str().unwrap()),
        object: path(&json["object"]),
        target: json.get("target").map(path),
        origin: None,
        state: json["state"].as_str().map(unquoted),
    });
    let cursor = json.get(CURSOR).map(|cursor| cursor.as_str().unwrap().to_owned());
    let (id, at) = (json["id"].as_str().unwrap().to_owned(), time(json["published"].as_str().unwrap()));
    Told { id, at, cursor, message }
}

fn event(block: &[u8], data: fn(&[u8]) -> Told) -> Told {
    let block = std::str::from_utf8(block).unwrap();
    let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
    let told = data(field("data: ").unwrap().as_bytes());
    assert_eq!(field("event: "), told.message.is_none().then_some("gap"), "{block}");
    let cursor = field("id: ").expect("every event has its cursor").to_owned();
    Told { cursor: Some(cursor), ..told }
}

/// A line says nothing but that it is one.
fn line() -> Told {
    let message = Message { kind: "Pub", object: String::new(), target: None, origin: None, state: None };
    Told { id: String::new(), at: 0, cursor: None, message: Some(message) }
}

/// The body of a request to a receiver.
pub(crate) fn pushed(body: &[u8]) -> Vec<Told> {
    let json: Value = serde_json::from_slice(body).unwrap();
    if json["type"] == "Notification" { enveloped(&json) } else { vec![solid(body)] }
}

/// An envelope on a stream, which holds one activity.
fn one(body: &[u8]) -> Told {
    let mut all = enveloped(&serde_json::from_slice(body).unwrap());
    assert_eq!(all.len(), 1, "streams wait for nothing");
    all.remove(0)
}

/// The activities of an envelope of Linked Web Storage.
fn enveloped(json: &Value) -> Vec<Told> {
    let keys: Vec<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
    assert!(
        keys.len() == 4 && ["@context", "type", "storage", "activity"].iter().all(|key| keys.contains(key)),
        "{json}"
    );
    assert_eq!(json["type"], "Notification");
    let all = match &json["activity"] {
        Value::Array(all) => {
            assert!(all.len() > 1, "one alone stands by itself");
            all.clone()
        }
        one => vec![one.clone()],
    };
    all.iter().map(|activity| activity_of(&json["storage"], activity)).collect()
}

fn activity_of(storage: &Value, json: &Value) -> Told {
    let keys = ["id", "type", "object", "target", "origin", "published"];
    assert!(json.as_object().unwrap().keys().all(|key| keys.contains(&key.as_str())), "{json}");
    let (types, object) = (json["type"].as_array().unwrap(), path(&json["object"]["id"]));
    assert_eq!(types.len(), 1, "{json}");
    let class = if object.ends_with('/') { "Container" } else { "DataResource" };
    assert_eq!(json["object"]["type"], serde_json::json!([class]));
    assert_eq!(*storage, description(&object), "an envelope speaks for one storage");
    let message = Message {
        kind: kind(types[0].as_str().unwrap()),
        object,
        target: json.get("target").map(path),
        origin: json.get("origin").map(path),
        state: None,
    };
    let (id, at) = (json["id"].as_str().unwrap().to_owned(), time(json["published"].as_str().unwrap()));
    Told { id, at, cursor: None, message: Some(message) }
}

fn turtle(body: &[u8]) -> Told {
    let graph = rdf::parse(Syntax::Turtle.rdf_format(), "urn:none:", body).unwrap();
    let find = |property: &str| {
        let mut values =
            graph.iter().filter(|quad| quad.predicate.as_str() == property).map(|quad| match quad.object {
                oxrdf::TermRef::NamedNode(node) => node.as_str().to_owned(),
                oxrdf::TermRef::Literal(literal) => literal.value().to_owned(),
                oxrdf::TermRef::BlankNode(node) => panic!("{node}"),
            });
        values.next().inspect(|_| assert!(values.next().is_none(), "{property} stands there once"))
    };
    let class = find("http://www.w3.org/1999/02/22-rdf-syntax-ns#type").unwrap();
    let term = |name: &str| find(&format!("{AS}{name}"));
    let message = (class != GAP).then(|| Message {
        kind: kind(class.strip_prefix(AS).unwrap()),
        object: name(&term("object").unwrap()),
        target: term("target").map(|target| name(&target)),
        origin: None,
        state: find("http://www.w3.org/ns/solid/notifications#state").map(|state| unquoted(&state)),
    });
    let subject = graph.iter().next().unwrap().subject.to_string();
    let id = subject.trim_matches(['<', '>']).to_owned();
    Told { id, at: time(&term("published").unwrap()), cursor: find(CURSOR), message }
}

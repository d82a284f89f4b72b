//! What of a JSON-LD request must be seen before it becomes a graph: its spelling, its bounds, and keys that the
//! published context does not define.
//!
//! Expansion drops what a context does not define and IRIs that do not parse; whatever would be lost that way without
//! a word is collected here.

use super::{ContextSpelling, MAX_BODY, RequestError};
use crate::{Feature, Syntax, terms};
use podbell_model::{contexts, vocab::notify};
use serde_json::{Map, Value};

/// Most references to contexts, inline ones included, in one request.
pub(super) const MAX_CONTEXTS: usize = 16;
/// Most node objects and other records in one request.
pub(super) const MAX_OBJECTS: usize = 256;

/// Terms of the protocol's drafts and of our extensions that the published context leaves undefined.
const UNDEFINED: &[&str] =
    &["keys", "auth", "p256dh", "activityType", "recursive", "notCausedByMe", "cursor", "secret", "lifecycle"];

/// A request before it becomes a graph.
#[derive(Debug)]
pub(super) struct Text {
    /// What the parser is given.
    pub(super) bytes: Vec<u8>,
    pub(super) syntax: Syntax,
    pub(super) context: ContextSpelling,
    /// Whether it is JSON-LD without any context.
    pub(super) bare: bool,
    /// Every type of a root, as written.
    pub(super) types: Vec<String>,
    /// Every topic of a root, as written and in order.
    pub(super) topics: Vec<String>,
    /// Every type of activity of a root, as written.
    pub(super) activities: Vec<String>,
}

impl Text {
    /// Turtle or N-Triples, which have no context.
    pub(super) fn without_json(body: &[u8], syntax: Syntax) -> Self {
        Self {
            bytes: body.to_vec(),
            syntax,
            context: ContextSpelling::default(),
            bare: false,
            types: Vec::new(),
            topics: Vec::new(),
            activities: Vec::new(),
        }
    }
}

/// Reads JSON-LD, or JSON that is taken for it.
pub(super) fn prepare(body: &[u8], plain_json: bool) -> Result<Text, RequestError> {
    let mut document: Value = serde_json::from_slice(body)
        .map_err(|error| RequestError::Syntax { format: "JSON", message: error.to_string() })?;
    if !document.is_object() && !document.is_array() {
        return Err(RequestError::JsonLd("the document is neither an object nor a list".into()));
    }
    bound(&document)?;
    let mut text = Text::without_json(b"", Syntax::JsonLd);
    text.bare = true;
    match &mut document {
        Value::Array(items) => {
            for item in items {
                if let Value::Object(root) = item {
                    root_object(root, plain_json, &mut text);
                }
            }
        }
        Value::Object(root) => root_object(root, plain_json, &mut text),
        _ => {}
    }
    text.bytes = crate::json(&document);
    debug_assert!(text.bytes.len() < 8 * MAX_BODY, "terms grow by their namespace at most");
    Ok(text)
}

fn root_object(root: &mut Map<String, Value>, plain_json: bool, text: &mut Text) {
    if plain_json && !root.contains_key("@context") {
        root.insert("@context".into(), contexts::NOTIFICATIONS_0_2.into());
    }
    if let Some(context) = root.get("@context") {
        if text.context == ContextSpelling::default() {
            text.context = spelling(context);
        }
        text.bare = false;
    }
    let terms = undefined(root, UNDEFINED);
    node(root, &terms, text);
    let mut inner = |node_object: &mut Map<String, Value>| {
        let terms = undefined(node_object, &terms);
        node(node_object, &terms, text);
    };
    match root.get_mut("@graph") {
        Some(Value::Array(nodes)) => nodes.iter_mut().filter_map(Value::as_object_mut).for_each(inner),
        Some(Value::Object(node_object)) => inner(node_object),
        _ => {}
    }
}

fn node(node: &mut Map<String, Value>, terms: &[&'static str], text: &mut Text) {
    define(node, terms);
    for (key, value) in node.iter() {
        if matches!(key.as_str(), "type" | "@type") {
            strings(value, &mut text.types);
        } else if spells(key, "topic") {
            strings(value, &mut text.topics);
        } else if spells(key, Feature::ActivityType.name()) {
            strings(value, &mut text.activities);
        }
    }
}

/// Whether a key is that property, as far as can be seen without its context.
fn spells(key: &str, property: &str) -> bool {
    key.strip_prefix("notify:").unwrap_or(key) == property || terms::spells(key, property)
}

/// Those of the terms that the context of a node does not define: what the client says itself holds.
fn undefined(node: &Map<String, Value>, terms: &[&'static str]) -> Vec<&'static str> {
    fn defines(context: &Value, term: &str) -> bool {
        match context {
            Value::Object(inline) => inline.contains_key(term),
            Value::Array(contexts) => contexts.iter().any(|context| defines(context, term)),
            _ => false,
        }
    }
    let context = node.get("@context");
    terms.iter().copied().filter(|term| !context.is_some_and(|context| defines(context, term))).collect()
}

/// Gives undefined terms their IRI, on a node and the keys below it. What is said twice is kept twice, to be refused.
fn define(node: &mut Map<String, Value>, terms: &[&'static str]) {
    for term in terms {
        let Some(value) = node.remove(*term) else { continue };
        let iri = Feature::extension(term).map_or_else(|| format!("{}{term}", notify::NS), Feature::iri);
        let value = match node.remove(&iri) {
            Some(other) => Value::Array(vec![other, value]),
            None => value,
        };
        node.insert(iri, value);
    }
    for (key, value) in node.iter_mut() {
        if key.ends_with("keys") {
            match value {
                Value::Object(keys) => define(keys, terms),
                Value::Array(items) => {
                    items.iter_mut().filter_map(Value::as_object_mut).for_each(|keys| define(keys, terms));
                }
                _ => {}
            }
        }
    }
}

/// The strings of a value, a list, or references.
fn strings(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| strings(item, found)),
        Value::Object(object) => {
            ["@id", "id", "@value", "@set", "@list"]
                .iter()
                .filter_map(|key| object.get(*key))
                .for_each(|value| strings(value, found));
        }
        _ => {}
    }
}

fn spelling(context: &Value) -> ContextSpelling {
    match context {
        Value::String(iri) => ContextSpelling::new(vec![iri.clone()], false),
        Value::Array(items) => {
            let iris = items.iter().filter_map(Value::as_str).filter(|iri| contexts::built_in(iri).is_some());
            ContextSpelling::new(iris.map(str::to_owned).collect(), true)
        }
        _ => ContextSpelling::default(),
    }
}

/// Refuses what would make expansion slow.
fn bound(document: &Value) -> Result<(), RequestError> {
    let (mut objects, mut contexts) = (0, 0);
    let mut waiting = vec![document];
    while let Some(value) = waiting.pop() {
        match value {
            Value::Object(object) => {
                objects += 1;
                for (key, value) in object {
                    if key == "@context" || key == "@import" {
                        contexts += value.as_array().map_or(1, Vec::len);
                    }
                    waiting.push(value);
                }
            }
            Value::Array(items) => waiting.extend(items),
            _ => {}
        }
    }
    if contexts > MAX_CONTEXTS {
        return Err(RequestError::TooComplex { what: "JSON-LD contexts", limit: MAX_CONTEXTS });
    }
    if objects > MAX_OBJECTS {
        return Err(RequestError::TooComplex { what: "JSON objects", limit: MAX_OBJECTS });
    }
    Ok(())
}

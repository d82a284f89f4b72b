//! A notification in short, for receivers that take no more: its context, id, type and object; an envelope without the
//! members that are optional.

use super::Rendering;
use crate::Syntax;
use oxrdf::{Dataset, QuadRef, vocab::rdf::TYPE};
use podbell_model::{rdf, vocab::activitystreams};
use serde::{Deserialize, Serialize};

#[derive(Deserialize, Serialize)]
struct Minimal {
    #[serde(rename = "@context")]
    context: serde_json::Value,
    id: String,
    #[serde(rename = "type")]
    class: String,
    object: String,
}

/// The same notification with nothing but its context, id, type and object, and of an envelope what its receivers
/// require; none if it is no notification in those words.
pub fn minimal(text: &[u8], rendering: Rendering) -> Option<Vec<u8>> {
    let syntax = match rendering {
        Rendering::Solid { syntax, .. } => syntax,
        Rendering::Lws { .. } => return envelope(text),
        Rendering::Ess { .. } | Rendering::Solid01 => return None,
    };
    if syntax == Syntax::JsonLd {
        return Some(crate::json(&serde_json::from_slice::<Minimal>(text).ok()?));
    }
    let graph = rdf::parse(syntax.rdf_format(), "urn:none:", text).ok()?;
    let object = format!("{}object", activitystreams::NS);
    let kept = |quad: &QuadRef<'_>| quad.predicate == TYPE || quad.predicate.as_str() == object;
    let short: Dataset = graph.iter().filter(kept).collect();
    (!short.is_empty()).then(|| rdf::serialize(syntax.rdf_format(), &short, &[]))
}

fn envelope(text: &[u8]) -> Option<Vec<u8>> {
    let mut envelope: serde_json::Value = serde_json::from_slice(text).ok()?;
    let activity = envelope.get_mut("activity")?.as_object_mut()?;
    activity.retain(|name, _| !matches!(name.as_str(), "actor" | "target" | "origin"));
    Some(crate::json(&envelope))
}

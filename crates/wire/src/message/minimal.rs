//! A notification in short, for receivers that take no more: its context, id, type and object.

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

/// The same notification with nothing but its context, id, type and object; none if it is no notification in that
/// syntax.
pub fn minimal(text: &[u8], syntax: Syntax) -> Option<Vec<u8>> {
    if syntax == Syntax::JsonLd {
        return Some(crate::json(&serde_json::from_slice::<Minimal>(text).ok()?));
    }
    let graph = rdf::parse(syntax.rdf_format(), "urn:none:", text).ok()?;
    let object = format!("{}object", activitystreams::NS);
    let kept = |quad: &QuadRef<'_>| quad.predicate == TYPE || quad.predicate.as_str() == object;
    let short: Dataset = graph.iter().filter(kept).collect();
    (!short.is_empty()).then(|| rdf::serialize(syntax.rdf_format(), &short, &[]))
}

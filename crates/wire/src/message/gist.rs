//! What a finished notification that is pushed says: which kind of activity, of what.

use super::Rendering;
use crate::Syntax;
use oxrdf::{Term, vocab::rdf::TYPE};
use podbell_model::{rdf, vocab::activitystreams};
use serde_json::Value;

/// The kind of the activity, as the rendering calls it, and the IRI of its object; none if it is no notification in those
/// words.
pub fn gist(text: &[u8], rendering: Rendering) -> Option<(String, String)> {
    match rendering {
        Rendering::Solid { syntax: Syntax::JsonLd, .. } => plain(&serde_json::from_slice(text).ok()?),
        Rendering::Solid { syntax, .. } => statements(text, syntax),
        Rendering::Lws { .. } => plain(serde_json::from_slice::<Value>(text).ok()?.get("activity")?),
        Rendering::Ess { .. } | Rendering::Solid01 => None,
    }
}

fn plain(activity: &Value) -> Option<(String, String)> {
    let first = |value: &Value| value.as_array().map_or(Some(value), |all| all.first()).cloned();
    let kind = first(activity.get("type")?)?;
    let object = first(activity.get("object")?)?;
    let object = object.get("id").unwrap_or(&object);
    Some((kind.as_str()?.to_owned(), object.as_str()?.to_owned()))
}

fn statements(text: &[u8], syntax: Syntax) -> Option<(String, String)> {
    let graph = rdf::parse(syntax.rdf_format(), "urn:none:", text).ok()?;
    let named = |is_it: &dyn Fn(&str) -> bool| {
        graph.iter().find(|quad| is_it(quad.predicate.as_str())).and_then(|quad| match quad.object.into_owned() {
            Term::NamedNode(name) => Some(name.into_string()),
            _ => None,
        })
    };
    let kind = named(&|predicate| predicate == TYPE.as_str())?;
    let object = format!("{}object", activitystreams::NS);
    Some((kind.strip_prefix(activitystreams::NS).unwrap_or(&kind).to_owned(), named(&|predicate| predicate == object)?))
}

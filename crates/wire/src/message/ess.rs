//! Notifications in the words of the ESS WebSocket service.
//!
//! The type is a list, the object a record with its state unquoted inside, and there is no `Add` or `Remove`: a
//! membership is the container's own `Update`.

use super::Notice;
use podbell_model::{ActivityKind, ResourceClass, vocab::activitystreams, vocab::ldp};
use serde::Serialize;

const ACTIVITY: &str = "http://www.w3.org/ns/prov#Activity";

#[derive(Serialize)]
struct Json<'a> {
    #[serde(rename = "@context")]
    context: (&'a str, StateContext),
    id: String,
    #[serde(rename = "type")]
    types: [&'a str; 2],
    actor: Vec<&'a str>,
    object: Object<'a>,
    published: String,
}

#[derive(Serialize)]
struct StateContext {
    state: StateTerm,
}

#[derive(Serialize)]
struct StateTerm {
    #[serde(rename = "@id")]
    id: &'static str,
}

#[derive(Serialize)]
struct Object<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'a str>,
    #[serde(rename = "type")]
    types: &'static [&'static str],
}

pub(super) fn write(notice: &Notice<'_>, actor: bool) -> Vec<u8> {
    let (kind, id, class, state) = match notice.container {
        Some((container, state)) => {
            (ActivityKind::Update, container.as_str(), Some(ResourceClass::Container), Some(state))
        }
        None => (notice.kind, notice.object.as_str(), notice.class, notice.state),
    };
    let kind = match kind {
        ActivityKind::Create => "Create",
        ActivityKind::Update => "Update",
        ActivityKind::Delete => "Delete",
    };
    let term = StateTerm { id: "http://www.w3.org/2011/http-headers#etag" };
    crate::json(&Json {
        context: (activitystreams::CONTEXT, StateContext { state: term }),
        id: notice.urn(),
        types: [ACTIVITY, kind],
        // An empty string, as some deployments send, would resolve to the base IRI.
        actor: notice.actor.filter(|_| actor).into_iter().collect(),
        object: Object { id, state, types: types(class) },
        published: format!("{:.6}", notice.published),
    })
}

fn types(class: Option<ResourceClass>) -> &'static [&'static str] {
    match class {
        Some(ResourceClass::Container) => &[ldp::BASIC_CONTAINER, ldp::CONTAINER, ldp::RDF_SOURCE, ldp::RESOURCE],
        Some(ResourceClass::RdfSource) => &[ldp::RDF_SOURCE, ldp::RESOURCE],
        Some(ResourceClass::NonRdfSource) => &[ldp::NON_RDF_SOURCE, ldp::RESOURCE],
        None => &[ldp::RESOURCE],
    }
}

//! Notifications in the words of Linked Web Storage: an envelope that speaks for one storage, around an activity.
//!
//! Plain JSON, never expanded: under the contexts that the drafts print, a processor would refuse it. There is no `Add` or
//! `Remove`: a creation names the container that it was in as `target`, a deletion as `origin`. An ACL is in none.
//!
//! Follows the draft of 2026-06-29 (`w3c/lws-protocol`, `lws10-notifications`).

use crate::lws;
use podbell_model::{Activity, ActivityKind, ResourceClass, ResourceIri, vocab::activitystreams};
use serde::Serialize;

#[derive(Serialize)]
struct Envelope<'a> {
    #[serde(rename = "@context")]
    context: [&'a str; 2],
    #[serde(rename = "type")]
    kind: &'a str,
    storage: &'a str,
    activity: Told<'a>,
}

#[derive(Serialize)]
struct Told<'a> {
    id: String,
    #[serde(rename = "type")]
    types: [&'a str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<&'a str>,
    object: Object<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<String>,
    published: String,
}

#[derive(Serialize)]
struct Object<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    types: [&'a str; 1],
}

pub(super) fn write(activity: &Activity, storage: &str, actor: bool) -> Vec<u8> {
    let object = Some(&activity.object).filter(|object| object.as_auxiliary().is_none());
    let container = || object.and_then(ResourceIri::parent).map(|parent| parent.to_string());
    let (kind, target, origin) = match activity.kind {
        ActivityKind::Create => ("Create", container(), None),
        ActivityKind::Update => ("Update", None, None),
        ActivityKind::Delete => ("Delete", None, container()),
    };
    let class = match activity.class {
        ResourceClass::Container => "Container",
        ResourceClass::RdfSource | ResourceClass::NonRdfSource => "DataResource",
    };
    let actor = activity.actor.as_ref().filter(|_| actor).map(podbell_model::WebId::as_str);
    crate::json(&Envelope {
        context: [lws::CONTEXT, activitystreams::CONTEXT],
        kind: "Notification",
        storage,
        activity: Told {
            id: activity.id.urn().to_string(),
            types: [kind],
            actor,
            object: Object { id: activity.object.as_str(), types: [class] },
            target,
            origin,
            published: format!("{:.3}", activity.published),
        },
    })
}

//! Links, one to a line: `rel` directly after the target, absolute targets. Clients that split naively depend on all of
//! that, and on the storage description coming before `describedby`. A comma is in a target only where it is in the name
//! of the resource: written otherwise it would be the name of another.

use crate::{
    app::App,
    notifications::{CURSOR, discovery::description_of, lws, streams},
};
use axum::response::Response;
use http::{HeaderMap, HeaderValue, header};
use podbell_model::{
    Auxiliary, ResourceIri, Sequence, Subject,
    vocab::{acl, ldp, solid},
};
use podbell_pod::Links;
use podbell_wac::CONDITION_TYPES;
use podbell_wire::ChannelType;

/// Puts the links on an answer.
pub(super) fn put(headers: &mut HeaderMap, links: &Links) {
    let mut link = |target: &str, rel: &str| {
        if let Ok(value) = HeaderValue::from_str(&format!("<{target}>; rel=\"{rel}\"")) {
            headers.append(header::LINK, value);
        }
    };
    for class in &links.types {
        link(class, "type");
    }
    link(&description_of(&links.storage), solid::STORAGE_DESCRIPTION);
    if let Some(acl) = &links.acl {
        link(acl.as_str(), "acl");
    }
    if let Some(description) = &links.describedby {
        link(description.as_str(), "describedby");
    }
    if let Some(subject) = &links.describes {
        link(subject.as_str(), "describes");
    }
    if let Some(inbox) = &links.inbox {
        link(inbox, ldp::INBOX);
    }
}

/// The links that a name alone has: on refusals too, so that clients find their way from a 401 or a 404.
pub(super) fn with_names(mut response: Response, app: &App, target: &ResourceIri) -> Response {
    if let Some(links) = app.pod.links(target) {
        put(response.headers_mut(), &links);
    }
    response
}

/// With the description that Linked Web Storage has of the storage, wherever the other one is linked.
pub(super) fn with_lws(mut response: Response, app: &App, target: &ResourceIri) -> Response {
    if let Some(link) = app.pod.storage_of(target).and_then(|storage| lws::link(app, &storage.root)) {
        response.headers_mut().append(header::LINK, link);
    }
    response
}

/// With what was read: where its changes are streamed.
pub(super) fn with_streams(mut response: Response, app: &App, target: &ResourceIri, reads: bool) -> Response {
    if !reads || app.pod.storage_of(target).is_none() {
        return response;
    }
    let stream = streams::url(app, ChannelType::StreamingHttp, target);
    if let Ok(link) = HeaderValue::from_str(&format!("<{stream}>; rel=\"{}\"", solid::UPDATES_VIA_STREAMING_HTTP)) {
        response.headers_mut().append(header::LINK, link);
    }
    response
}

/// For who may read: the cursor from which the changes follow, also if nothing is there yet.
pub(super) fn with_cursor(
    mut response: Response,
    app: &App,
    target: &ResourceIri,
    (subject, head): (&Subject, Option<Sequence>),
) -> Response {
    let (Some(storage), Some(head)) = (app.pod.storage_of(target), head) else { return response };
    let headers = response.headers_mut();
    if let Some(cursor) = app.cursors.at(subject, storage.id, head).and_then(|text| HeaderValue::from_bytes(&text).ok())
    {
        headers.insert(CURSOR, cursor);
    }
    response
}

/// With an ACL, the conditions that are evaluated in it.
///
/// Spec: <https://solid.github.io/web-access-control-spec/#authorization-conditions>
pub(super) fn with_conditions(mut response: Response, app: &App, target: &ResourceIri) -> Response {
    let is_acl = matches!(target.as_auxiliary(), Some((Auxiliary::Acl, _)));
    if is_acl && app.settings.wac.conditions {
        for kind in CONDITION_TYPES {
            if let Ok(value) = HeaderValue::from_str(&format!("<{kind}>; rel=\"{}\"", acl::CONDITION)) {
                response.headers_mut().append(header::LINK, value);
            }
        }
    }
    response
}

//! Links, one to a line: `rel` directly after the target, absolute targets, no comma inside one. Clients that split
//! naively depend on all of that, and on the storage description coming before `describedby`.

use crate::{app::App, notifications::discovery::description_of};
use axum::response::Response;
use http::{HeaderMap, HeaderValue, header};
use podbell_model::{
    ResourceIri,
    vocab::{ldp, solid},
};
use podbell_pod::Links;

/// Puts the links on an answer.
pub(super) fn put(headers: &mut HeaderMap, links: &Links) {
    let mut link = |target: &str, rel: &str| {
        let target = target.replace(',', "%2C");
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

//! Links, one to a line: `rel` directly after the target, absolute targets, no comma inside one. Clients that split
//! naively depend on all of that, and on the storage description coming before `describedby`.

use crate::{app::App, notifications::discovery::description_of};
use axum::response::Response;
use http::{HeaderMap, HeaderValue, header};
use podbell_model::{
    Auxiliary, ResourceIri,
    vocab::{acl, ldp, solid},
};
use podbell_pod::Links;
use podbell_wac::CONDITION_TYPES;

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

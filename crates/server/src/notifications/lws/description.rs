//! The description of a storage. Public: receivers have no credentials for it, and verify by the keys in it.

use super::{DESCRIPTION, ENDPOINT, answer, description_of};
use crate::{
    app::App,
    notifications::answer::{kept, options},
    problem::Problem,
    request::Target,
};
use axum::{
    body::Body,
    extract::{Extension, State},
    response::Response,
};
use http::{HeaderMap, HeaderValue, Method, Request, header};
use podbell_delivery::push::{keys::Purpose, sign::key_id};
use podbell_model::ResourceIri;
use podbell_wire::lws::{self, Key, StorageDescription, SubscriptionType};
use std::sync::Arc;

const ALLOW: &str = "GET, HEAD, OPTIONS";

/// The root of the storage that is described at a path of an origin, if it is the place of such a description.
pub fn described_at(app: &App, origin: &str, path: &str) -> Option<ResourceIri> {
    if !app.settings.lws.enabled {
        return None;
    }
    let root = ResourceIri::at(origin, path.strip_suffix(DESCRIPTION)?).ok()?;
    app.storages.rooted(&root).map(|_| root)
}

/// The link to the description of a storage; none on a server without this door.
pub fn link(app: &App, root: &ResourceIri) -> Option<HeaderValue> {
    let link = format!("<{}>; rel=\"{}\"", description_of(root), lws::STORAGE_DESCRIPTION);
    HeaderValue::from_str(&link).ok().filter(|_| app.settings.lws.enabled)
}

/// The description of a storage that has its origin to itself.
pub(super) async fn at_root(
    State(app): State<Arc<App>>,
    Extension(target): Extension<Target>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let nowhere = || Problem::not_found().detail("each storage is described below its own root");
    let root = described_at(&app, &target.origin, target.path()).ok_or_else(nowhere)?;
    describe(&app, &root, request.method(), request.headers())
}

/// Answers a request for the description of the storage with that root.
pub fn describe(app: &App, root: &ResourceIri, method: &Method, headers: &HeaderMap) -> Result<Response, Problem> {
    let mut response = match *method {
        Method::OPTIONS => options(ALLOW, None),
        Method::GET | Method::HEAD => {
            let form = answer::form(headers)?;
            let mut response = kept(headers, form.media_type(), document(app, root))?;
            response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept"));
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(ALLOW));
            response
        }
        _ => return Err(Problem::method_not_allowed(ALLOW)),
    };
    if let Some(link) = link(app, root) {
        response.headers_mut().append(header::LINK, link);
    }
    Ok(response)
}

fn document(app: &App, root: &ResourceIri) -> Vec<u8> {
    let id = description_of(root);
    let keys = app.sender.keys().published(Purpose::HttpSignature, app.now());
    let keys: Vec<_> = keys.iter().map(|key| Key { id: key_id(&id, key), public_key_jwk: key.published() }).collect();
    StorageDescription { id: &id, endpoint: &app.url(ENDPOINT), offers: &SubscriptionType::ALL, keys: &keys }.write()
}

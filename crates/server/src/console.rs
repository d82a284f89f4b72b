//! The console: pages for people, on an origin that holds no pod.
//!
//! Static files in the executable and two documents about this server; whatever a page does, it does by the protocols,
//! as any client would, with tokens that its own browser got. Nothing here has a cookie or looks into a pod, and what
//! pods hold can never run here: no inline script, no other origin's script, no HTML from text
//! (`require-trusted-types-for`), no frame.
//!
//! Spec: <https://solidproject.org/TR/oidc#clientids-document>, <https://www.w3.org/TR/CSP3/>

mod assets;
mod documents;

pub use documents::{CLIENT, Facts};

use crate::{cors::Unshared, problem::Problem};
use axum::{
    Router,
    extract::{Path, State},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use std::sync::Arc;

/// The page of the owner's view is the root; this is the other.
pub const NOTIFICATIONS: &str = "notifications.html";

/// The routes of the console.
pub fn routes(facts: Facts) -> Router {
    let facts = Arc::new(facts);
    Router::new()
        .route(
            "/",
            get(async |headers: HeaderMap, State(facts): State<Arc<Facts>>| page("index.html", &headers, &facts)),
        )
        .route(
            "/notifications.html",
            get(async |headers: HeaderMap, State(facts): State<Arc<Facts>>| page(NOTIFICATIONS, &headers, &facts)),
        )
        .route("/favicon.ico", get(async |headers: HeaderMap| shown(assets::console("icon.svg"), &headers)))
        .route(
            CLIENT,
            get(async |State(facts): State<Arc<Facts>>| json("application/ld+json", facts.client().to_string())),
        )
        .route(
            "/console/config.json",
            get(async |State(facts): State<Arc<Facts>>| json("application/json", facts.config().to_string())),
        )
        .route(
            "/console/{*path}",
            get(async |Path(path): Path<String>, headers: HeaderMap| shown(assets::console(&path), &headers)),
        )
        .route(
            "/client/{*path}",
            get(async |Path(path): Path<String>, headers: HeaderMap| shown(assets::client(&path), &headers)),
        )
        .with_state(facts)
}

fn page(name: &str, headers: &HeaderMap, facts: &Facts) -> Response {
    let mut response = shown(assets::console(name), headers);
    if let Ok(policy) = HeaderValue::from_str(&facts.policy()) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

fn json(media_type: &'static str, body: String) -> Response {
    guard(
        (StatusCode::OK, [(header::CONTENT_TYPE, media_type), (header::CACHE_CONTROL, "no-cache")], body)
            .into_response(),
    )
}

/// A file, or 304 if the browser has it. Pages name their parts without a version, so each is asked for anew.
fn shown(file: Option<assets::File>, asked: &HeaderMap) -> Response {
    let Some(file) = file else { return guard(Problem::not_found().into_response()) };
    let tag = HeaderValue::from_str(&file.tag).ok();
    let is_known = tag.is_some() && asked.get(header::IF_NONE_MATCH) == tag.as_ref();
    let mut response = if is_known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, file.media_type)], file.body).into_response()
    };
    let headers = response.headers_mut();
    headers.extend(tag.map(|tag| (header::ETAG, tag)));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    guard(response)
}

/// What every answer says: nobody frames it or reads it from elsewhere, and it is what its type says.
fn guard(mut response: Response) -> Response {
    response.extensions_mut().insert(Unshared);
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'; sandbox"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

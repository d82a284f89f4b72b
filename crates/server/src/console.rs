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
    extract::State,
    handler::Handler,
    middleware::map_response,
    response::{IntoResponse, Response},
    routing::{MethodRouter, get},
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use std::sync::Arc;

/// The page of the owner's view is the root; this is the other.
pub const NOTIFICATIONS: &str = "notifications.html";

/// What is taken here, everywhere: nothing can be written.
const ALLOW: &str = "GET, HEAD, OPTIONS";

/// The routes of the console, to stand beside others on the origin.
pub fn routes(facts: Facts) -> Router {
    files(facts).layer(map_response(guard))
}

/// The routes of an origin that holds the console alone.
pub fn alone(facts: Facts) -> Router {
    files(facts).fallback(async || Problem::not_found()).layer(map_response(guard))
}

fn files(facts: Facts) -> Router {
    Router::new()
        .route(
            "/",
            read(async |headers: HeaderMap, State(facts): State<Arc<Facts>>| page("index.html", &headers, &facts)),
        )
        .route(
            "/notifications.html",
            read(async |headers: HeaderMap, State(facts): State<Arc<Facts>>| page(NOTIFICATIONS, &headers, &facts)),
        )
        .route("/favicon.ico", read(async |headers: HeaderMap| shown(assets::console("icon.svg"), &headers)))
        .route(
            CLIENT,
            read(async |State(facts): State<Arc<Facts>>| json("application/ld+json", facts.client().to_string())),
        )
        .route(
            "/console/config.json",
            read(async |State(facts): State<Arc<Facts>>| json("application/json", facts.config().to_string())),
        )
        .route("/console/{*path}", read(async |uri: Uri, headers: HeaderMap| below("/console/", &uri, &headers)))
        .route("/client/{*path}", read(async |uri: Uri, headers: HeaderMap| below("/client/", &uri, &headers)))
        .method_not_allowed_fallback(async || Problem::method_not_allowed(ALLOW))
        .with_state(Arc::new(facts))
}

/// What can be read and nothing else.
fn read<H: Handler<T, Arc<Facts>>, T: 'static>(handler: H) -> MethodRouter<Arc<Facts>> {
    get(handler).options(async || (StatusCode::NO_CONTENT, [(header::ALLOW, ALLOW)]))
}

fn page(name: &str, headers: &HeaderMap, facts: &Facts) -> Response {
    let mut response = shown(assets::console(name), headers);
    if let Ok(policy) = HeaderValue::from_str(&facts.policy()) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// A part of a page, by its path as it was sent: names here need no escapes, so one that has any names nothing. Pages
/// have their own places, with their own policy.
fn below(folder: &str, uri: &Uri, headers: &HeaderMap) -> Response {
    let find = if folder == "/client/" { assets::client } else { assets::console };
    // The look-up takes `\` for `/`.
    let name = uri.path().strip_prefix(folder).filter(|name| !name.contains('\\'));
    let file = name.and_then(find);
    shown(file.filter(|file| !file.is_page()), headers)
}

fn json(media_type: &'static str, body: String) -> Response {
    ([(header::CONTENT_TYPE, media_type), (header::CACHE_CONTROL, "no-cache")], body).into_response()
}

/// A file, or 304 if the browser has it. Pages name their parts without a version, so each is asked for anew.
fn shown(file: Option<assets::File>, asked: &HeaderMap) -> Response {
    let Some(file) = file else { return Problem::not_found().into_response() };
    let mut response = if is_known(asked, &file.tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, file.media_type)], file.body).into_response()
    };
    let headers = response.headers_mut();
    headers.extend(HeaderValue::from_str(&file.tag).ok().map(|tag| (header::ETAG, tag)));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// Whether `If-None-Match` names the tag, compared weakly, or any. Tags here hold no comma.
///
/// Spec: RFC 9110 §13.1.2
fn is_known(asked: &HeaderMap, tag: &str) -> bool {
    let lines = asked.get_all(header::IF_NONE_MATCH).iter().filter_map(|line| line.to_str().ok());
    lines
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

/// What every answer says, a refusal too: nobody frames it or reads it from elsewhere, and it is what its type says.
async fn guard(mut response: Response) -> Response {
    response.extensions_mut().insert(Unshared);
    let headers = response.headers_mut();
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; sandbox"));
    for (name, value) in [
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_known_in_a_list_on_several_lines_and_weakly() {
        for (lines, known) in [
            (&["\"a\""][..], true),
            (&["W/\"a\""], true),
            (&["\"b\", \"a\""], true),
            (&["\"b\",W/\"a\""], true),
            (&["\"b\"", "\"a\""], true),
            (&["*"], true),
            (&[], false),
            (&["\"b\""], false),
            (&["a"], false),
            (&["\"aa\""], false),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(header::IF_NONE_MATCH, line.parse().unwrap());
            }
            assert_eq!(is_known(&headers, "\"a\""), known, "{lines:?}");
        }
    }
}

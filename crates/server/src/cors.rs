//! Cross-origin requests: every answer can be read by the app that asked, whatever its status.
//!
//! A preflight is answered here and touches nothing below. The requested header names are echoed as they were
//! written, and nothing else is listed: a static list with `Accept` fails an official test.
//!
//! Spec: <https://solidproject.org/TR/protocol#cors>

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

/// The methods that some resource of this server takes.
pub const METHODS: &str = "GET, HEAD, OPTIONS, PUT, POST, PATCH, DELETE";

/// The response headers that an app may read.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "Accept-Patch, Accept-Post, Accept-Put, Allow, Content-Location, Content-Range, DPoP-Nonce, ETag, Last-Modified, \
     Link, Location, Podbell-Cursor, Preference-Applied, Retry-After, Updates-Via, WAC-Allow, WWW-Authenticate",
);

/// The request headers that apps send; told beside what was granted, never in a preflight.
const USUAL: HeaderValue = HeaderValue::from_static(
    "Accept, Authorization, Content-Type, DPoP, If-Match, If-Modified-Since, If-None-Match, If-Unmodified-Since, \
     Last-Event-ID, Link, Prefer, Range, Slug",
);

/// An extension of answers that no other origin may read: pages with forms, whose tokens are for the person in front of
/// them. Cookies do not protect them, since browsers send them along between ports and names of one site.
#[derive(Clone, Copy, Debug)]
pub struct Unshared;

/// Answers preflights and marks all other answers. Stands outside of everything that may fail.
pub async fn cors(request: Request, next: Next) -> Response {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let is_preflight =
        request.method() == Method::OPTIONS && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = if is_preflight { preflight(request.headers()) } else { next.run(request).await };
    let granted = !is_preflight && (response.status().is_success() || response.status().is_redirection());
    if response.extensions().get::<Unshared>().is_some() {
        vary(response.headers_mut(), &["Origin"]);
        return response;
    }
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        if granted {
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, USUAL);
        }
    } else {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        headers.remove(header::ACCESS_CONTROL_ALLOW_CREDENTIALS);
    }
    vary(headers, &["Accept", "Authorization", "Origin"]);
    response
}

fn preflight(asked: &HeaderMap) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS));
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("7200"));
    for names in asked.get_all(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.append(header::ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
    }
    vary(headers, &["Access-Control-Request-Headers"]);
    response
}

/// Adds names to `Vary` that are not there yet.
pub fn vary(headers: &mut HeaderMap, names: &[&'static str]) {
    for name in names {
        let mut present = headers.get_all(header::VARY).iter().filter_map(|value| value.to_str().ok());
        if !present.any(|value| value.split(',').any(|one| one.trim().eq_ignore_ascii_case(name))) {
            headers.append(header::VARY, HeaderValue::from_static(name));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{Router, body::Body, middleware, routing::get};
    use tower::ServiceExt as _;

    async fn ask(method: &str, path: &str, headers: &[(&str, &str)]) -> String {
        let router = Router::new()
            .route("/ok", get(|| async { ([("vary", "accept"), ("access-control-allow-origin", "*")], "body") }))
            .route("/missing", get(|| async { StatusCode::NOT_FOUND }))
            .route("/broken", get(|| async { StatusCode::INTERNAL_SERVER_ERROR }))
            .layer(middleware::from_fn(cors));
        let mut request = http::Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let mut lines: Vec<_> = response
            .headers()
            .iter()
            .filter(|(name, _)| name.as_str().starts_with("access-control") || *name == header::VARY)
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        lines.sort();
        format!("{}\n{}", response.status().as_u16(), lines.join("\n"))
    }

    const EXPOSE: &str = "access-control-expose-headers: Accept-Patch, Accept-Post, Accept-Put, Allow, Content-Location, \
        Content-Range, DPoP-Nonce, ETag, Last-Modified, Link, Location, Podbell-Cursor, Preference-Applied, \
        Retry-After, Updates-Via, WAC-Allow, WWW-Authenticate";

    #[tokio::test]
    async fn a_preflight_echoes_the_names_as_written_and_touches_nothing() {
        let asked = [
            ("origin", "https://app.example"),
            ("access-control-request-method", "PATCH"),
            ("access-control-request-headers", "X-CUSTOM, Content-Type"),
        ];
        // No route takes OPTIONS: the answer comes from the layer.
        assert_eq!(
            ask("OPTIONS", "/ok", &asked).await,
            format!(
                "204\naccess-control-allow-credentials: true\naccess-control-allow-headers: X-CUSTOM, Content-Type\n\
                 access-control-allow-methods: GET, HEAD, OPTIONS, PUT, POST, PATCH, DELETE\n\
                 access-control-allow-origin: https://app.example\n{EXPOSE}\naccess-control-max-age: 7200\n\
                 vary: Accept\nvary: Access-Control-Request-Headers\nvary: Authorization\nvary: Origin"
            )
        );
    }

    #[tokio::test]
    async fn a_preflight_lists_no_header_that_was_not_asked_for() {
        let asked = [("origin", "https://app.example"), ("access-control-request-method", "GET")];
        assert!(!ask("OPTIONS", "/ok", &asked).await.contains("allow-headers"));
    }

    #[tokio::test]
    async fn a_granted_request_is_marked() {
        let answer = ask("GET", "/ok", &[("origin", "https://app.example")]).await;
        assert_eq!(
            answer,
            format!(
                "200\naccess-control-allow-credentials: true\naccess-control-allow-headers: Accept, Authorization, \
                 Content-Type, DPoP, If-Match, If-Modified-Since, If-None-Match, If-Unmodified-Since, Last-Event-ID, \
                 Link, Prefer, Range, Slug\naccess-control-allow-origin: https://app.example\n{EXPOSE}\n\
                 vary: Authorization\nvary: Origin\nvary: accept"
            )
        );
    }

    #[tokio::test]
    async fn errors_are_marked_too() {
        for (method, path, status) in
            [("GET", "/missing", 404), ("GET", "/broken", 500), ("POST", "/ok", 405), ("GET", "/nowhere", 404)]
        {
            assert_eq!(
                ask(method, path, &[("origin", "null")]).await,
                format!(
                    "{status}\naccess-control-allow-credentials: true\naccess-control-allow-origin: null\n{EXPOSE}\n\
                     vary: Accept\nvary: Authorization\nvary: Origin"
                )
            );
        }
    }

    #[tokio::test]
    async fn without_an_origin_everybody_may_read_and_nobody_has_credentials() {
        assert_eq!(
            ask("GET", "/ok", &[]).await,
            format!("200\naccess-control-allow-origin: *\n{EXPOSE}\nvary: Authorization\nvary: Origin\nvary: accept")
        );
    }

    #[tokio::test]
    async fn a_page_for_people_is_not_shared() {
        let page = || async { (axum::Extension(Unshared), "a form with its token") };
        let router = Router::new().route("/page", get(page)).layer(middleware::from_fn(cors));
        let request = http::Request::get("/page").header("origin", "http://localhost:8080");
        let response = router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert!(!response.headers().keys().any(|name| name.as_str().starts_with("access-control")));
    }

    #[tokio::test]
    async fn options_without_a_requested_method_is_an_ordinary_request() {
        assert!(ask("OPTIONS", "/ok", &[("origin", "https://app.example")]).await.starts_with("405"));
    }
}

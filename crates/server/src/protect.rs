//! Headers that keep pod content harmless: what a pod holds is written by strangers.
//!
//! Every answer of the pods' origin is sandboxed, so a page stored in one pod cannot act as another pod, nor with the
//! logged-in user's rights on this origin.

use axum::{extract::Request, middleware::Next, response::Response};
use http::{HeaderValue, header};

/// What a page of Podbell's own may do besides: an extension of its response. No content of a pod can have it.
#[derive(Clone, Debug)]
pub struct OwnPage(pub HeaderValue);

/// Puts the headers on every answer of the pods' origin.
pub async fn protect(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let own = response.extensions_mut().remove::<OwnPage>();
    let policy = own.map_or(HeaderValue::from_static("sandbox"), |OwnPage(policy)| policy);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// The `Content-Disposition` that a browser needs for content of that type: content that it would run as a page is
/// saved instead. A pod with an origin of its own needs none.
pub fn disposition(content_type: &str) -> Option<HeaderValue> {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    // What names no type is guessed by browsers; `nosniff` does not cover navigation in all of them.
    let is_type = essence.parse::<mime::Mime>().is_ok();
    let is_page = matches!(
        essence.as_str(),
        "text/html"
            | "application/xhtml+xml"
            | "image/svg+xml"
            | "text/xml"
            | "application/xml"
            | "text/xsl"
            | "multipart/x-mixed-replace"
    );
    (is_page || !is_type || essence.ends_with("+xml")).then(|| HeaderValue::from_static("attachment"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{Router, body::Body, middleware, routing::get};
    use tower::ServiceExt as _;

    #[tokio::test]
    async fn no_answer_goes_without_the_sandbox() {
        let router = Router::new()
            .route("/page", get(|| async { ([("content-security-policy", "default-src *")], "<script>") }))
            .layer(middleware::from_fn(protect));
        for path in ["/page", "/missing"] {
            let request = http::Request::get(path).body(Body::empty()).unwrap();
            let response = router.clone().oneshot(request).await.unwrap();
            let policies: Vec<_> = response.headers().get_all("content-security-policy").iter().collect();
            assert_eq!(policies, ["sandbox"], "{path}");
            assert_eq!(response.headers()["x-content-type-options"], "nosniff", "{path}");
            assert_eq!(response.headers()["referrer-policy"], "no-referrer", "{path}");
        }
    }

    #[test]
    fn pages_are_saved_and_data_is_shown() {
        for page in [
            "text/html",
            "Text/HTML; charset=utf-8",
            "image/svg+xml",
            "application/xhtml+xml",
            "application/rss+xml",
            "",
            "html",
        ] {
            assert!(disposition(page).is_some(), "{page}");
        }
        for data in
            ["text/turtle", "application/ld+json", "image/png", "text/plain;charset=utf-8", "application/octet-stream"]
        {
            assert!(disposition(data).is_none(), "{data}");
        }
    }
}

//! The page of a problem, for browsers: what is the matter, in a sentence, and what can be done.
//!
//! Status and headers stay those of the problem; only its JSON is replaced. Nothing is told that the JSON does not
//! tell.

use super::{
    frame::{self, END, begin},
    text::isolated,
};
use crate::problem::Problem;
use axum::{body::Body, extract::Request, middleware::Next, response::Response};
use http::{HeaderMap, HeaderValue, Method, header};
use std::fmt::Write as _;

/// Shows problems as pages to those who prefer pages, when they read.
pub async fn problems(request: Request, next: Next) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let is_head = *request.method() == Method::HEAD;
    let wanted = reads && prefers_page(request.headers());
    let mut response = next.run(request).await;
    let Some(problem) = response.extensions_mut().remove::<Problem>().filter(|_| wanted) else { return response };
    let page = page(&problem);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(page.len()));
    *response.body_mut() = if is_head { Body::empty() } else { Body::from(page) };
    frame::own(&mut response);
    response
}

fn prefers_page(headers: &HeaderMap) -> bool {
    let values: Vec<_> = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    podbell_pod::prefers_page(&values.join(","))
}

fn page(problem: &Problem) -> String {
    let (title, advice) = match problem.status().as_u16() {
        401 => (
            "This is private",
            "Only people whom its owner lets in can see it. A browser alone cannot log in to a pod: open a Solid app, \
             log in there, and give it this address.",
        ),
        403 => ("This is not open to you", "You are logged in, but the owner has not given you access to it."),
        404 => ("There is nothing here", "Either it was never here, or it has been deleted."),
        406 => {
            ("This cannot be shown as a page", "It is not a document of data. Open it with an app that reads its kind.")
        }
        429 => ("Too many requests", "Please wait a little, then try again."),
        500..=599 => ("Something went wrong", "That is a fault of this server, not yours. Please try again later."),
        _ => ("This did not work", ""),
    };
    let mut page = begin(title);
    let _ = write!(page, "<h1>{title}</h1>");
    if !advice.is_empty() {
        let _ = write!(page, "<p>{advice}</p>");
    }
    let body = problem.body();
    let text = |member: &str| body[member].as_str().map(isolated);
    let told = [text("title"), text("detail"), text("instance")].into_iter().flatten().collect::<Vec<_>>().join(" · ");
    let _ = write!(page, "<p class=\"soft\">{} · {told}</p>{END}", problem.status().as_u16());
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protect;
    use axum::{Router, middleware, response::IntoResponse as _, routing::get};
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    const BROWSER: &str = "text/html,application/xhtml+xml,*/*;q=0.8";

    async fn ask(method: &str, accept: Option<&str>) -> (http::response::Parts, String) {
        let problem = || async {
            Problem::not_found()
                .detail("<script>alert(1)</script> \u{202e}")
                .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("DPoP"))
        };
        let routes = Router::new()
            .route("/", get(problem).put(problem))
            .route("/ok", get(|| async { "ok" }))
            .layer(middleware::from_fn(problems))
            .layer(middleware::from_fn(protect::protect));
        let mut request = http::Request::builder().method(method).uri("/");
        if let Some(accept) = accept {
            request = request.header("accept", accept);
        }
        let response = routes.oneshot(request.body(Body::empty()).unwrap()).await.into_response();
        let (parts, body) = response.into_parts();
        (parts, String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap())
    }

    #[tokio::test]
    async fn browsers_get_a_page_and_programs_the_problem() {
        let (page, body) = ask("GET", Some(BROWSER)).await;
        assert_eq!(
            (page.status.as_u16(), &page.headers["content-type"]),
            (404, &"text/html; charset=utf-8".parse().unwrap())
        );
        assert_eq!(page.headers["www-authenticate"], "DPoP");
        assert_eq!(page.headers["cache-control"], "no-store");
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("sandbox; default-src 'none'; style-src 'sha256-"), "{policy}");
        assert!(body.contains("There is nothing here") && body.contains("&lt;script&gt;"), "{body}");
        assert!(!body.contains("<script") && !body.contains('\u{202e}'), "{body}");
        let (head, nothing) = ask("HEAD", Some(BROWSER)).await;
        assert_eq!(head.headers["content-length"], body.len().to_string());
        assert_eq!((head.headers["content-type"].clone(), &*nothing), (page.headers["content-type"].clone(), ""));
        for (method, accept) in [
            ("GET", None),
            ("GET", Some("*/*")),
            ("GET", Some("application/json, text/html;q=0.9")),
            ("GET", Some("text/turtle, text/html")),
            ("PUT", Some(BROWSER)),
        ] {
            let (told, body) = ask(method, accept).await;
            assert_eq!(told.headers["content-type"], "application/problem+json", "{method} {accept:?}");
            assert_eq!(told.headers["content-security-policy"], "sandbox");
            assert!(body.starts_with('{'), "{body}");
        }
    }
}

//! The page of a problem, for browsers: what is the matter, in a sentence, and what can be done.
//!
//! Status and headers stay those of the problem; only its JSON is replaced. Nothing is told that the JSON does not
//! tell.

use super::{
    frame::{self, END, begin},
    text::{isolated, link},
};
use crate::problem::Problem;
use axum::{
    body::Body,
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use std::{fmt::Write as _, sync::Arc};

/// Where apps are found.
const APPS: &str = "https://solidproject.org/apps";

/// Shows problems as pages to those who prefer pages, when they read. `issuer` is the provider that is served beside.
pub async fn problems(State(issuer): State<Option<Arc<str>>>, request: Request, next: Next) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let is_head = *request.method() == Method::HEAD;
    let wanted = reads && prefers_page(request.headers());
    let mut response = next.run(request).await;
    let Some(problem) = response.extensions_mut().remove::<Problem>().filter(|_| wanted) else { return response };
    let page = page(&problem, issuer.as_deref());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(page.len()));
    *response.body_mut() = if is_head { Body::empty() } else { Body::from(page) };
    frame::own(&mut response);
    response
}

/// Whether whoever asks likes a page better than what programs read.
pub fn prefers_page(headers: &HeaderMap) -> bool {
    let values: Vec<_> = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    podbell_pod::prefers_page(&values.join(","))
}

/// How somebody who may see it gets to see it.
fn ways_in(issuer: Option<&str>) -> String {
    let apps = link(APPS, "a Solid app");
    let mut ways =
        format!("<p>A browser alone cannot log in to a pod. Open {apps}, log in there, and give it this address.</p>");
    if let Some(issuer) = issuer {
        let (provider, account) = (link(issuer, issuer), link(&format!("{issuer}account"), "your account page"));
        let _ = write!(
            ways,
            "<p>If your account is on this server, your provider is {provider}: the app asks for it. Your password and \
             the apps that you let in are on {account}.</p>"
        );
    }
    ways
}

fn page(problem: &Problem, issuer: Option<&str>) -> String {
    let (title, advice) = match problem.status().as_u16() {
        401 => ("This is private", "Only people whom its owner lets in can see it."),
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
    if problem.status() == StatusCode::UNAUTHORIZED {
        page.push_str(&ways_in(issuer));
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
            .layer(middleware::from_fn_with_state(None, problems))
            .layer(middleware::from_fn(protect::protect));
        let mut request = http::Request::builder().method(method).uri("/");
        if let Some(accept) = accept {
            request = request.header("accept", accept);
        }
        let response = routes.oneshot(request.body(Body::empty()).unwrap()).await.into_response();
        let (parts, body) = response.into_parts();
        (parts, String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap())
    }

    #[test]
    fn a_private_place_says_how_to_get_in() {
        let private = Problem::blank(StatusCode::UNAUTHORIZED);
        let with = page(&private, Some("https://id.example/"));
        for place in [APPS, "https://id.example/", "https://id.example/account"] {
            assert!(with.contains(&format!("<a href=\"{place}\" ")), "{place}: {with}");
        }
        let without = page(&private, None);
        assert!(
            without.contains("cannot log in") && without.contains(APPS) && !without.contains("account"),
            "{without}"
        );
        assert!(!page(&Problem::not_found(), Some("https://id.example/")).contains("<a "));
        let hostile = page(&private, Some("javascript:alert(1)//\"><script>"));
        assert!(!hostile.contains("<script") && !hostile.contains("href=\"javascript"), "{hostile}");
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

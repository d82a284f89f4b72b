//! The layers around the routes of an origin, in their one right order.
//!
//! From the outside: the log sees every answer; every answer is marked for CORS; errors get a body, and browsers a page
//! of it; then the rules of every request. So an error of any layer can be read by the app that asked.

use crate::{
    cors, page, protect,
    request::{self, Rules},
    telemetry,
};
use axum::{Router, middleware};
use std::sync::Arc;

/// The pods' origin: its content is untrusted, so every answer is sandboxed. `issuer` is the provider, if it is served.
pub fn pods(routes: Router, rules: Rules, issuer: Option<Arc<str>>) -> Router {
    let routes = inner(routes, rules).layer(middleware::from_fn_with_state(issuer, page::problems));
    outer(routes.layer(middleware::from_fn(protect::protect)))
}

/// An origin that serves Podbell's own pages and no pod: the provider's. Its pages say their own policy.
pub fn pages(routes: Router, rules: Rules) -> Router {
    outer(inner(routes, rules))
}

fn inner(routes: Router, rules: Rules) -> Router {
    routes
        .layer(middleware::from_fn_with_state(Arc::new(rules), request::receive))
        .layer(middleware::from_fn(request::complete))
}

fn outer(routes: Router) -> Router {
    routes.layer(middleware::from_fn(cors::cors)).layer(middleware::from_fn(telemetry::access))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;
    use axum::{body::Body, routing::get};
    use tower::ServiceExt as _;

    #[tokio::test]
    async fn every_answer_of_the_pods_can_be_read_and_is_sandboxed() {
        let routes = Router::new()
            .route("/ok", get(|| async { "ok" }))
            .route("/panic", get(|| async { panic!("with a secret") as () }));
        let router = pods(routes, Rules::new("http://localhost:3000", &Settings::default()), None);
        let long = format!("/{}", "a".repeat(3_000));
        for (method, path, status) in [
            ("GET", "/ok", 200),
            ("GET", "/nowhere", 404),
            ("PUT", "/ok", 405),
            ("TRACE", "/ok", 405),
            ("GET", "/panic", 500),
            ("GET", &long, 414),
        ] {
            let request = http::Request::builder().method(method).uri(path);
            let request = request.header("host", "x").header("origin", "https://app.example");
            let response = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
            assert_eq!(response.status().as_u16(), status, "{method} {path}");
            assert_eq!(response.headers()["access-control-allow-origin"], "https://app.example", "{method} {path}");
            assert_eq!(response.headers()["content-security-policy"], "sandbox", "{method} {path}");
            if status >= 400 {
                assert_eq!(response.headers()["content-type"], "application/problem+json", "{method} {path}");
            }
        }
    }
}

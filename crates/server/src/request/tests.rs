//! Each rule at its limit and one past it.

use super::*;
use axum::{Router, extract::Extension, middleware, routing::get};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

fn router() -> Router {
    router_with(false)
}

fn router_with(names_below: bool) -> Router {
    router_behind(Vec::new(), names_below)
}

fn router_behind(trusted: Vec<IpNet>, names_below: bool) -> Router {
    let rules = Rules {
        origin: "https://pod.example".into(),
        url_bytes: 64,
        header_bytes: 1_024,
        header_lines: 5,
        trusted,
        names_below,
    };
    Router::new()
        .route("/panic", get(|| async { panic!("with a secret") as () }))
        .route("/get", get(|| async { "content" }))
        .fallback(|Extension(target): Extension<Target>| async move { target.uri() })
        .layer(middleware::from_fn_with_state(Arc::new(rules), receive))
        .layer(middleware::from_fn(complete))
}

fn asked(method: &str, target: &str) -> http::request::Builder {
    http::Request::builder().method(method).uri(target).header("host", "evil.example")
}

async fn answer(request: http::request::Builder) -> (http::response::Parts, String) {
    let response = router().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    (parts, String::from_utf8(bytes.to_vec()).unwrap())
}

async fn status(request: http::request::Builder) -> u16 {
    answer(request).await.0.status.as_u16()
}

#[tokio::test]
async fn names_come_from_the_base_url_and_the_raw_target_is_kept() {
    for target in ["/a%2fb/../c?x=%20y", "http://other.example/a%2fb/../c?x=%20y"] {
        let request =
            asked("GET", target).header("x-forwarded-host", "a.pod.example").header("x-forwarded-for", "6.6.6.6");
        assert_eq!(answer(request).await.1, "https://pod.example/a%2fb/../c?x=%20y");
    }
}

#[tokio::test]
async fn a_target_at_the_limit_is_taken_and_one_byte_more_is_not() {
    let target = |length: usize| format!("/{}", "a".repeat(length - 1));
    assert_eq!(status(asked("GET", &target(64))).await, 200);
    assert_eq!(status(asked("GET", &target(65))).await, 414);
}

#[tokio::test]
async fn a_head_past_its_limits_is_refused() {
    let lines = |count: usize| (1..count).fold(asked("GET", "/"), |request, n| request.header(format!("x-{n}"), "a"));
    assert_eq!(status(lines(5)).await, 200);
    assert_eq!(status(lines(6)).await, 431);
    assert_eq!(status(asked("GET", "/").header("x", "a".repeat(900))).await, 200);
    assert_eq!(status(asked("GET", "/").header("x", "a".repeat(1_024))).await, 431);
}

#[tokio::test]
async fn there_is_exactly_one_host() {
    assert_eq!(status(asked("GET", "/").header("host", "evil.example")).await, 400);
    assert_eq!(status(http::Request::builder().uri("/")).await, 400);
    assert_eq!(status(http::Request::builder().uri("/").version(Version::HTTP_2)).await, 200);
}

#[tokio::test]
async fn unknown_methods_are_answered_as_clients_expect() {
    for method in ["TRACE", "INVALID", "CONNECT", "PROPFIND"] {
        let (parts, body) = answer(asked(method, if method == "CONNECT" { "evil.example:80" } else { "/" })).await;
        assert_eq!(
            (parts.status.as_u16(), &parts.headers["allow"]),
            (405, &HeaderValue::from_static(METHODS)),
            "{method}"
        );
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!((&body["title"], &body["type"]), (&"Method Not Allowed".into(), &"about:blank".into()));
    }
    assert_eq!(status(asked("OPTIONS", "*")).await, 204);
    assert_eq!(status(asked("GET", "*")).await, 400);
}

#[tokio::test]
async fn a_panic_is_a_problem_that_tells_nothing() {
    let (parts, body) = answer(asked("GET", "/panic")).await;
    assert_eq!((parts.status.as_u16(), &parts.headers["content-type"]), (500, &crate::problem::PROBLEM_JSON));
    assert!(!body.contains("secret"));
}

#[tokio::test]
async fn bare_errors_get_a_body_and_keep_their_headers() {
    let (parts, body) = answer(asked("PUT", "/get")).await;
    assert_eq!((parts.status.as_u16(), &parts.headers["allow"]), (405, &HeaderValue::from_static("GET,HEAD")));
    assert_eq!(parts.headers.get_all("content-type").iter().collect::<Vec<_>>(), ["application/problem+json"]);
    assert!(body.contains("Method Not Allowed"), "{body}");
}

#[tokio::test]
async fn head_has_the_headers_and_no_body() {
    let (parts, body) = answer(asked("HEAD", "/get")).await;
    assert_eq!(
        (parts.status.as_u16(), &parts.headers["content-length"], body.as_str()),
        (200, &HeaderValue::from(7), "")
    );
    let (parts, body) = answer(asked("HEAD", &format!("/{}", "a".repeat(99)))).await;
    assert_eq!((parts.status.as_u16(), body.as_str()), (414, ""));
    assert!(parts.headers.contains_key("content-length"));
}

#[tokio::test]
async fn a_name_below_the_base_is_an_origin_where_pods_have_such() {
    let asked = |host: &str| http::Request::builder().uri("/x").header("host", host).body(Body::empty()).unwrap();
    for (host, origin) in [
        ("alice.pod.example", "https://alice.pod.example"),
        ("ALICE.Pod.Example:443", "https://alice.pod.example"),
        ("pod.example", "https://pod.example"),
        ("evil.example", "https://pod.example"),
        ("alice.pod.example.evil.example", "https://pod.example"),
        ("alicepod.example", "https://pod.example"),
        ("a.b.pod.example", "https://pod.example"),
        (".pod.example", "https://pod.example"),
        ("-a.pod.example", "https://pod.example"),
        ("alice.pod.example:8443", "https://pod.example"),
        ("x@alice.pod.example", "https://pod.example"),
        ("alice.pod.example/x", "https://pod.example"),
    ] {
        for (names_below, expected) in [(true, origin), (false, "https://pod.example")] {
            let response = router_with(names_below).oneshot(asked(host)).await.unwrap();
            let body = response.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(body, format!("{expected}/x"), "{host}");
        }
    }
}

#[tokio::test]
async fn a_request_that_names_two_pods_is_refused() {
    let asked = |host: &str| http::Request::builder().uri("https://alice.pod.example/x").header("host", host);
    for (host, status) in [("alice.pod.example", 200), ("bob.pod.example", 400), ("pod.example", 400)] {
        let response = router_with(true).oneshot(asked(host).body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{host}");
    }
}

#[tokio::test]
async fn a_proxy_names_a_pod_only_where_pods_have_names() {
    for (names_below, expected) in [(true, "https://alice.pod.example/x"), (false, "https://pod.example/x")] {
        let asked = asked("GET", "/x").header("x-forwarded-host", "alice.pod.example").body(Body::empty()).unwrap();
        // Without a connection the peer counts as 0.0.0.0.
        let router = router_behind(vec!["0.0.0.0/32".parse().unwrap()], names_below);
        let body = router.oneshot(asked).await.unwrap().into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, expected);
    }
}

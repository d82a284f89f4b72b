//! Receivers of notifications (webhooks, inboxes, push services): judged when somebody subscribes, over HTTP, and anew for
//! each attempt of the running courier.
//!
//! T-K13.

use super::bench::{Bench, Push};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use podbell_egress::{Exchange, FetchError};
use std::time::Duration;

const KINDS: [&str; 3] = ["WebhookChannel2023", "LDNChannel2023", "WebPushChannel2023"];

fn post(url: &str) -> Exchange {
    Exchange {
        method: Method::POST,
        url: url.parse().unwrap(),
        headers: HeaderMap::new(),
        body: Bytes::from_static(b"{}"),
        total: Duration::from_secs(15),
        keep: 4_096,
        gate: None,
    }
}

#[tokio::test]
async fn no_receiver_in_a_forbidden_place_can_be_subscribed() {
    let bench = Bench::new().await;
    let hook = format!("{}/hook", bench.elsewhere.origin);
    for kind in KINDS {
        let told = bench.subscribe(kind, &Push { send_to: &hook, lifecycle: Some(&hook) }).await;
        assert!(told.0.is_success(), "what is elsewhere can be: {told:?}");
    }
    for url in bench.forbidden() {
        for kind in KINDS {
            for push in [Push { send_to: &url, lifecycle: None }, Push { send_to: &hook, lifecycle: Some(&url) }] {
                let (status, told) = bench.subscribe(kind, &push).await;
                assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{url}: {told}");
                assert!(!told.to_string().contains("127.0.0"), "nothing is said of what a name leads to: {told}");
            }
        }
    }
    // Nor can one that stands be led there.
    let (_, told) = bench.subscribe(KINDS[0], &Push { send_to: &hook, lifecycle: None }).await;
    let id = told["id"].as_str().unwrap();
    for url in bench.forbidden() {
        // What is no IRI at all says nothing in JSON-LD.
        let (status, told) = bench.lead(id, &url).await;
        assert!(status == StatusCode::UNPROCESSABLE_ENTITY || told["sendTo"] == hook, "{url}: {status} {told}");
    }
    bench.assert_untouched();
}

#[tokio::test]
async fn no_receiver_is_told_in_a_forbidden_place() {
    let bench = Bench::new().await;
    let client = bench.client.with_room(8, 64);
    let hook = format!("{}/hook", bench.elsewhere.origin);
    assert_eq!(client.exchange(post(&hook)).await.unwrap().status, 204, "what is elsewhere is reached");
    let mut told = 0;
    for url in bench.forbidden() {
        // What was kept before a rule was made stricter, or by another parser, is judged all the same.
        if url.parse::<url::Url>().is_ok() {
            told += 1;
            assert!(client.exchange(post(&url)).await.is_err(), "{url}");
        }
    }
    assert!(told >= 250, "{told}");
    bench.assert_untouched();
}

/// R-WH-3.
#[tokio::test]
async fn t_k13_a_receiver_whose_name_moves_after_the_subscription_is_not_told() {
    let bench = Bench::new().await;
    for kind in KINDS {
        bench.names.lead("rebinding.example", &[&["127.0.0.2"], &["127.0.0.1"]]);
        let url = format!("https://rebinding.example:{}/{kind}", bench.elsewhere.port);
        let (status, told) = bench.subscribe(kind, &Push { send_to: &url, lifecycle: None }).await;
        assert!(status.is_success(), "{told}");
        let before = bench.elsewhere.posts();
        bench.change().await;
        let attempts = bench.attempts(told["id"].as_str().unwrap(), 1).await;
        assert_eq!(attempts, ["forbidden"]);
        assert_eq!(bench.elsewhere.posts(), before, "{kind}");
        bench.unsubscribe(told["id"].as_str().unwrap()).await;
    }
    bench.assert_untouched();
}

#[tokio::test]
async fn t_k13_nor_over_a_connection_that_stands_from_before_it_moved() {
    let bench = Bench::new().await;
    for kind in KINDS {
        bench.names.lead("moving.example", &[&["127.0.0.2"], &["127.0.0.2"], &["127.0.0.1"]]);
        let url = format!("https://moving.example:{}/{kind}", bench.elsewhere.port);
        let (status, told) = bench.subscribe(kind, &Push { send_to: &url, lifecycle: None }).await;
        assert!(status.is_success(), "{told}");
        let id = told["id"].as_str().unwrap();
        let before = bench.elsewhere.posts();
        bench.change().await;
        assert_eq!(bench.attempts(id, 1).await, ["acknowledged"]);
        bench.change().await;
        assert_eq!(bench.attempts(id, 2).await, ["forbidden", "acknowledged"]);
        assert_eq!(bench.elsewhere.posts(), before + 1, "{kind}");
        bench.unsubscribe(id).await;
    }
    // The same without a server around it.
    let client = bench.client.with_room(8, 64);
    bench.names.lead("moving.example", &[&["127.0.0.2"], &["127.0.0.1"]]);
    let url = format!("https://moving.example:{}/hook", bench.elsewhere.port);
    assert_eq!(client.exchange(post(&url)).await.unwrap().status, 204);
    assert_eq!(client.exchange(post(&url)).await.unwrap_err(), FetchError::Refused);
    bench.assert_untouched();
}

/// The inboxes of Linked Web Storage: refused like whatever else cannot be done there, and judged anew at each attempt.
#[tokio::test]
async fn no_inbox_in_a_forbidden_place_is_subscribed_or_told() {
    let bench = Bench::new().await;
    let hook = format!("{}/inbox", bench.elsewhere.origin);
    let (status, told, id) = bench.subscribe_inbox(&hook).await;
    assert!(status.is_success(), "what is elsewhere can be: {told}");
    let mut refusals = std::collections::BTreeSet::new();
    for url in bench.forbidden() {
        let (status, told, _) = bench.subscribe_inbox(&url).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{url}: {told}");
        refusals.insert(told.to_string());
        // Nor is one that stands led there by the words of another door.
        let (status, told) = bench.lead(&id, &url).await;
        assert!(!status.is_success() || told["sendTo"] == hook, "{url}: {status} {told}");
    }
    assert_eq!(refusals.len(), 1, "nothing is said of what a name leads to: {refusals:?}");
    bench.change().await;
    assert_eq!(bench.attempts(&id, 1).await, ["acknowledged"]);
    bench.unsubscribe(&id).await;
    bench.names.lead("turning.example", &[&["127.0.0.2"], &["127.0.0.1"]]);
    let url = format!("https://turning.example:{}/inbox", bench.elsewhere.port);
    let (status, told, id) = bench.subscribe_inbox(&url).await;
    assert!(status.is_success(), "{told}");
    let before = bench.elsewhere.posts();
    bench.change().await;
    assert_eq!(bench.attempts(&id, 1).await, ["forbidden"]);
    assert_eq!(bench.elsewhere.posts(), before);
    bench.assert_untouched();
}

/// Names that lead to this very server are not asked for: what is sent there is written in process, or nowhere.
#[tokio::test]
async fn this_server_is_not_reached_by_way_of_a_receiver() {
    let bench = Bench::new().await;
    for (send_to, taken) in [
        ("https://pods.example/pod/inbox/", true),
        ("https://PODS.example:443/pod/inbox/", true),
        ("https://pods.example/.notifications/WebhookChannel2023/", false),
        ("https://pods.example/pod/.notifications/WebhookChannel2023/", false),
        ("https://pods.example/pod/../.notifications/issuer/jwks", false),
        ("https://pods.example/pod/%2e%2e/.notifications/sender", false),
        ("https://pods.example./pod/inbox/", false),
        ("https://pods.example:80/pod/inbox/", false),
        ("http://pods.example/pod/inbox/", false),
        ("https://idp.example/.oidc/token", false),
    ] {
        let (status, told) = bench.subscribe(KINDS[0], &Push { send_to, lifecycle: None }).await;
        assert_eq!(status.is_success(), taken, "{send_to}: {told}");
        let (status, told, _) = bench.subscribe_inbox(send_to).await;
        assert_eq!(status.is_success(), taken, "{send_to}, as an inbox: {told}");
    }
    bench.assert_untouched();
}

/// Each look-up takes a place until the system gives it up, long after whoever asked has.
#[tokio::test]
async fn receivers_whose_names_nobody_answers_for_keep_nobody_from_logging_in() {
    let bench = Bench::new().await;
    let ask = async |number: usize| {
        let url = format!("https://n{number}.hanging.example:{}/", bench.elsewhere.port);
        bench.subscribe(KINDS[0], &Push { send_to: &url, lifecycle: None }).await.0
    };
    let told = futures_util::future::join_all((0..80).map(ask)).await;
    assert!(told.iter().all(|status| *status == StatusCode::UNPROCESSABLE_ENTITY), "{told:?}");
    let (somebody, good) = (bench.elsewhere.person("somebody", &bench.good()), bench.good());
    let read = bench.ask("GET", "/pod/", (&somebody, &good), String::new()).await;
    assert_eq!(read, StatusCode::FORBIDDEN, "it is known who asks");
}

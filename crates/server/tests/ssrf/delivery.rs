//! Receivers of notifications (webhooks, inboxes, push services) go one way: judged when somebody subscribes, and anew
//! for each attempt.

use super::bench::Bench;
use bytes::Bytes;
use http::{HeaderMap, Method};
use podbell_egress::{Exchange, FetchError};
use std::time::Duration;

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
async fn no_receiver_is_taken_or_told_in_a_forbidden_place() {
    let bench = Bench::new().await;
    let client = bench.client.with_room(8, 64);
    let hook = format!("{}/hook", bench.elsewhere.origin);
    client.check(&hook.parse().unwrap()).await.unwrap();
    assert_eq!(client.exchange(post(&hook)).await.unwrap().status, 204, "what is elsewhere is reached");
    let mut told = 0;
    for url in bench.forbidden() {
        let parsed = podbell_egress::parse(&url);
        if let Ok(parsed) = &parsed {
            assert_eq!(client.check(parsed).await, Err(FetchError::Refused), "{url}");
        }
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
async fn t_k13_a_receiver_whose_name_moves_after_the_check_is_not_told() {
    let bench = Bench::new().await;
    let client = bench.client.with_room(8, 64);
    bench.names.lead("rebinding.example", &[&["127.0.0.2"], &["127.0.0.1"]]);
    let url = format!("https://rebinding.example:{}/hook", bench.elsewhere.port);
    client.check(&url.parse().unwrap()).await.unwrap();
    assert_eq!(client.exchange(post(&url)).await.unwrap_err(), FetchError::Refused);
    // Nor over a connection that stands from before.
    bench.names.lead("moving.example", &[&["127.0.0.2"], &["127.0.0.2"], &["127.0.0.1"]]);
    let url = format!("https://moving.example:{}/hook", bench.elsewhere.port);
    client.check(&url.parse().unwrap()).await.unwrap();
    assert_eq!(client.exchange(post(&url)).await.unwrap().status, 204);
    let before = bench.elsewhere.served();
    assert_eq!(client.exchange(post(&url)).await.unwrap_err(), FetchError::Refused);
    assert_eq!(bench.elsewhere.served(), before);
    bench.assert_untouched();
}

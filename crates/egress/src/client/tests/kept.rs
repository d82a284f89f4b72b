//! Connections that are kept serve the place that was judged this time, and no other.

use super::*;
use crate::kept::PER_LANE;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// Answers every request on a connection; counts connections.
async fn listen(address: &str, answer: &'static str, closes: bool) -> (u16, Arc<AtomicUsize>, JoinSet<()>) {
    let listener = TcpListener::bind(address).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (count, mut task) = (Arc::<AtomicUsize>::default(), JoinSet::new());
    let counter = Arc::clone(&count);
    task.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            counter.fetch_add(1, SeqCst);
            connections.spawn(async move {
                let mut request = [0; 4_096];
                while stream.read(&mut request).await.is_ok_and(|came| came > 0) {
                    if stream.write_all(answer.as_bytes()).await.is_err() || closes {
                        return;
                    }
                }
            });
        }
    });
    (port, count, task)
}

const EMPTY: &str = "HTTP/1.1 204 No Content\r\n\r\n";

async fn twice(answer: &'static str, closes: bool) -> usize {
    let (port, count, _task) = listen("127.0.0.1:0", answer, closes).await;
    let client = Client::new(development()).unwrap();
    for _ in 0..2 {
        client.exchange(exchange_to(&format!("http://127.0.0.1:{port}/"), "{}".into())).await.unwrap();
        while closes && client.kept.len() > 0 {
            tokio::task::yield_now().await;
        }
    }
    count.load(SeqCst)
}

#[tokio::test]
async fn a_connection_serves_again_if_its_answer_was_read_to_the_end() {
    assert_eq!(twice(EMPTY, false).await, 1);
    assert_eq!(twice("HTTP/1.1 200 OK\r\ncontent-length: 16\r\n\r\nsixteen letters!", false).await, 1);
    assert_eq!(twice("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", false).await, 1);
    for not in [
        "HTTP/1.1 200 OK\r\ncontent-length: 17\r\n\r\nseventeen letters",
        "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n",
        "HTTP/1.1 204 No Content\r\nkeep-alive: timeout=1\r\n\r\n",
        "HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n",
        // What comes unasked is no answer to the next request.
        "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
    ] {
        assert_eq!(twice(not, false).await, 2, "{not}");
    }
}

#[tokio::test]
async fn what_the_peer_has_closed_is_made_anew() {
    assert_eq!(twice(EMPTY, true).await, 2);
}

// Elsewhere loopback has one address.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_name_that_leads_elsewhere_is_not_served_by_an_old_connection() {
    let (port, first, _one) = listen("127.0.0.1:0", EMPTY, false).await;
    let (_, second, _two) = listen(&format!("127.0.0.2:{port}"), EMPTY, false).await;
    let resolver = Answers::new([&["127.0.0.1"][..], &["127.0.0.2"], &["127.0.0.1"], &["10.0.0.1"]]);
    let client = Client::with_resolver(development(), resolver).unwrap();
    let url = format!("http://moving.example:{port}/");
    for expected in [(1, 0), (1, 1), (1, 1)] {
        client.exchange(exchange_to(&url, "{}".into())).await.unwrap();
        assert_eq!((first.load(SeqCst), second.load(SeqCst)), expected);
    }
    let refused = client.exchange(exchange_to(&url, "{}".into())).await.unwrap_err();
    assert_eq!((refused, client.kept.len()), (FetchError::Refused, 2));
    // Nor is another name, though it leads to the same address.
    let resolver = Answers::new([&["127.0.0.1"][..]]);
    let client = Client::with_resolver(development(), resolver).unwrap();
    for name in ["a", "b"] {
        client.exchange(exchange_to(&format!("http://{name}.example:{port}/"), "{}".into())).await.unwrap();
    }
    assert_eq!(first.load(SeqCst), 3);
}

#[tokio::test]
async fn few_are_kept_and_not_for_long() {
    let (port, _, _task) = listen("127.0.0.1:0", EMPTY, false).await;
    let client = Client::new(development()).unwrap();
    let mut many = JoinSet::new();
    for _ in 0..2 * PER_LANE {
        let client = client.clone();
        many.spawn(async move { client.exchange(exchange_to(&format!("http://127.0.0.1:{port}/"), "x".into())).await });
    }
    while let Some(told) = many.join_next().await {
        told.unwrap().unwrap();
    }
    let kept = client.kept.len();
    assert!((1..=PER_LANE).contains(&kept), "{kept}");
    tokio::time::pause();
    tokio::time::advance(IDLE).await;
    assert_eq!(client.kept.len(), 0);
}

#[tokio::test]
async fn who_hangs_in_one_room_keeps_nobody_from_another() {
    let canary = Canary::sing(vec![Vec::new()], true).await;
    let client = Client::new(Policy { per_host: 1, at_once: 1, ..development() }).unwrap();
    let hooks = client.with_room(2, 2);
    let mut hanging = JoinSet::new();
    for _ in 0..2 {
        let (hooks, url) = (hooks.clone(), canary.url("/"));
        hanging.spawn(async move { hooks.exchange(exchange_to(&url, "{}".into())).await });
        canary.came.notified().await;
    }
    let more = hooks.exchange(exchange_to(&canary.url("/"), "{}".into())).await;
    assert_eq!(more.unwrap_err(), FetchError::Busy);
    let free = Canary::answering(ok("", "x")).await;
    get(&client, &free.url("/"), 0).await.unwrap();
}

/// Hangs for names that hang.
struct Slow(HashMap<&'static str, std::net::IpAddr>);

#[async_trait::async_trait]
impl Resolve for Slow {
    async fn resolve(&self, name: &str) -> std::io::Result<Vec<std::net::IpAddr>> {
        match self.0.get(name) {
            Some(address) => Ok(vec![*address]),
            None => std::future::pending().await,
        }
    }
}

#[tokio::test]
async fn names_that_hang_keep_nobody_in_another_room_from_resolving() {
    let free = Canary::answering(ok("", "x")).await;
    let resolver = Slow([("good.example", "127.0.0.1".parse().unwrap())].into());
    let client = Client::with_resolver(development(), Arc::new(resolver)).unwrap();
    let hooks = client.with_room(10_000, 10_000);
    for _ in 0..100 {
        let mut exchange = exchange_to("http://hanging.example/", "{}".into());
        exchange.total = Duration::from_millis(1);
        assert_eq!(hooks.exchange(exchange).await.unwrap_err(), FetchError::TimedOut);
    }
    get(&client, &format!("http://good.example:{}/", free.port), 0).await.unwrap();
}

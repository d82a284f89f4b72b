//! A thousand listeners that stop reading among a thousand that go on: what waits for the stopped ones is bounded as it
//! is set, and those who go on hear everything, each change once and in order.
//!
//! Who reads again hears how things stand: of what waited for one listener, a newer change of a resource takes the place
//! of an older one.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "support/mod.rs"]
mod support;

use http::Method;
use podbell_test_client::Client;
use serde_json::{Value, json};
use std::sync::Arc;
use support::Place;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpSocket, TcpStream},
    sync::watch,
    task::JoinSet,
};

const HEALTHY: usize = 1_000;
const STOPPED: usize = 1_000;
const CHANGES: usize = 150;
/// What may wait for one listener, in bytes.
const QUEUE: usize = 32 * 1024;
/// What the server may grow by beside the queues: what 2,000 sockets and the requests take.
const BESIDE: usize = 48 * 1024 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_that_stop_reading_cost_what_is_set_and_delay_nobody() {
    let place = Place::new();
    let beside = tempfile::tempdir().unwrap();
    let settings = beside.path().join("settings.toml");
    let limits = format!("[limits]\nsend_queue = {QUEUE}\nchannels_per_client = 5000\nconnections_per_client = 5000\n");
    std::fs::write(&settings, limits).unwrap();
    let server = place.start_with(&["--config", settings.to_str().unwrap()]).await;
    let alice = server.log_in("ALICE").await;
    // A long name makes long notifications, so that queues are full soon.
    let topic = format!("{}alice/{}topic", server.base, format!("{}/", "x".repeat(200)).repeat(6));
    put(&alice, &topic, 0).await;
    let urls = subscribe(&alice, &server.base, &topic, HEALTHY + STOPPED).await;
    let mut stopped = Vec::with_capacity(STOPPED);
    for url in &urls[..STOPPED] {
        stopped.push(open(url, 4 * 1024).await);
    }
    let (told, heard_by) = watch::channel(0_usize);
    let (heard, mut hearing) = tokio::sync::mpsc::unbounded_channel();
    let mut healthy = JoinSet::new();
    for url in &urls[STOPPED..] {
        let stream = open(url, 64 * 1024).await;
        healthy.spawn(listen(stream, heard.clone(), heard_by.clone()));
    }
    let before = resident(server.pid());
    let mut states = Vec::new();
    for change in 1..=CHANGES {
        states.push(put(&alice, &topic, change).await);
        // All who read have heard of it before the next one: nothing of theirs ever waits.
        for _ in 0..HEALTHY {
            hearing.recv().await.unwrap();
        }
    }
    let grown = resident(server.pid()).saturating_sub(before);
    assert!(grown <= STOPPED * QUEUE + BESIDE, "grown by {grown}");
    told.send(CHANGES).unwrap();
    while let Some(states_heard) = healthy.join_next().await {
        assert_eq!(states_heard.unwrap(), states);
    }
    // Some of those who stopped read again.
    for stream in stopped.iter_mut().step_by(100) {
        let mut heard = Vec::new();
        while heard.last() != states.last() {
            heard.push(next(stream).await["state"].as_str().unwrap().to_owned());
        }
        let mut all = states.iter();
        assert!(heard.iter().all(|state| all.any(|made| made == state)), "in order, each once");
        assert!(heard.len() < CHANGES, "this one was too slow for all of them");
    }
}

/// Writes, and gives the version.
async fn put(client: &Client, url: &str, number: usize) -> String {
    let body = format!("<#it> <http://purl.org/dc/terms/title> \"{number}\" .");
    let answer = client.request(Method::PUT, url, Some("text/turtle"), body).await.unwrap().success("PUT").unwrap();
    answer.headers["etag"].to_str().unwrap().to_owned()
}

async fn subscribe(client: &Client, base: &str, topic: &str, count: usize) -> Vec<String> {
    let service = format!("{base}.notifications/WebSocketChannel2023/");
    let context = "https://www.w3.org/ns/solid/notification/v1";
    let body: Arc<str> =
        json!({ "@context": [context], "type": "WebSocketChannel2023", "topic": topic }).to_string().into();
    let mut urls = Vec::with_capacity(count);
    while urls.len() < count {
        let mut some = JoinSet::new();
        for _ in 0..16.min(count - urls.len()) {
            let (client, service, body) = (client.clone(), service.clone(), body.to_string());
            some.spawn(async move {
                let told = client.request(Method::POST, &service, Some("application/ld+json"), body).await.unwrap();
                told.success("subscribe").unwrap().json().unwrap()["receiveFrom"].as_str().unwrap().to_owned()
            });
        }
        urls.append(&mut some.join_all().await);
    }
    urls
}

async fn open(url: &str, buffer: u32) -> BufReader<TcpStream> {
    let (authority, path) = url.strip_prefix("ws://localhost:").unwrap().split_once('/').unwrap();
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(buffer).unwrap();
    let mut stream = socket.connect(format!("127.0.0.1:{authority}").parse().unwrap()).await.unwrap();
    let request = format!(
        "GET /{path} HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
    BufReader::with_capacity(4 * 1024, stream)
}

/// The next notification.
async fn next(stream: &mut BufReader<TcpStream>) -> Value {
    loop {
        let opcode = stream.read_u8().await.unwrap() & 15;
        let length = match stream.read_u8().await.unwrap() {
            126 => usize::from(stream.read_u16().await.unwrap()),
            length => usize::from(length),
        };
        let mut payload = vec![0; length];
        stream.read_exact(&mut payload).await.unwrap();
        match opcode {
            1 => return serde_json::from_slice(&payload).unwrap(),
            9 => {}
            other => panic!("opcode {other}"),
        }
    }
}

/// Hears all changes; which versions they told.
async fn listen(
    mut stream: BufReader<TcpStream>,
    heard: tokio::sync::mpsc::UnboundedSender<()>,
    mut over: watch::Receiver<usize>,
) -> Vec<String> {
    let mut states = Vec::new();
    loop {
        tokio::select! {
            message = next(&mut stream) => states.push(message["state"].as_str().unwrap().to_owned()),
            _ = over.changed() => return states,
        }
        heard.send(()).unwrap();
    }
}

/// What a process has in memory, in bytes.
fn resident(pid: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}

//! What is pushed: how fast, beside plain requests; what channels cost that have nothing to tell; and how long those wait
//! who answer while others hang.

use crate::{
    measure::{Figures, as_f64, kib, put, settle},
    peers::{Peer, Receivers},
    server::{Place, Server},
};
use anyhow::{Context, Result};
use http::Method;
use podbell_test_client::Client;
use std::{
    path::Path,
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

/// Deliveries of one measurement.
const DELIVERIES: usize = 10_000;
/// Channels, and the changes that each is told of.
const SPREADS: [(usize, usize, &str); 3] = [
    (1, DELIVERIES, "deliveries/s, 1 channel"),
    (100, DELIVERIES / 100, "deliveries/s, 100 channels"),
    (10_000, DELIVERIES / 10_000, "deliveries/s, 10,000 channels"),
];
/// Requests that one host is sent at once, as the server has it by default.
const AT_ONCE: usize = 8;
/// Bytes of a message.
const MESSAGE: usize = 600;
/// Channels that have nothing to tell.
const IDLE: usize = 100_000;
/// Writes of which the time is taken.
const WRITES: usize = 500;
/// Receivers that answer, and those that hang.
const HEALTHY: usize = 10;
const HUNG: usize = 100;
/// Changes that they are told of, and how many of them are made a second.
const CHANGES: u32 = 300;
const RATE: u32 = 10;

/// So large that nothing is counted.
const NO_LIMIT: &str = "9223372036854775807";

/// No limits that are there to protect others.
const UNBOUND: [(&str, &str); 8] = [
    ("PODBELL_LIMITS_CHANNELS_PER_AGENT", NO_LIMIT),
    ("PODBELL_LIMITS_CHANNELS_PER_CLIENT", NO_LIMIT),
    ("PODBELL_LIMITS_CHANNELS_PER_TOPIC", NO_LIMIT),
    ("PODBELL_WEBHOOKS_CHANNELS_PER_TOPIC", NO_LIMIT),
    ("PODBELL_WEBHOOKS_TARGETS_PER_AGENT", NO_LIMIT),
    ("PODBELL_WEBHOOKS_PER_SECOND", "1000000"),
    ("PODBELL_WEBHOOKS_BURST", "1000000"),
    ("PODBELL_WEBHOOKS_PENDING", "1000000"),
];

pub(crate) async fn deliveries(binary: &Path, figures: &mut Figures) -> Result<()> {
    let least = floor().await.context("floor")?;
    for (channels, changes, name) in SPREADS {
        figures.push((name, throughput(binary, channels, changes).await.context(name)?));
    }
    figures.push(("plain requests/s, the floor", least));
    hanging(binary, figures).await.context("receivers that hang")?;
    // It takes long, so what is known by then is told before.
    for (name, value) in &*figures {
        eprintln!("{name}: {value:.2}");
    }
    idle(binary, figures).await.context("idle channels")
}

/// How many deliveries a second arrive, all of them owed when the server starts.
async fn throughput(binary: &Path, channels: usize, changes: usize) -> Result<f64> {
    let place = Place::new(binary)?;
    let mut receivers = Receivers::start(1, 0).await?;
    let total = u64::try_from(channels * changes)?;
    // Hardly anything is sent before everything is owed.
    let held: Vec<_> = UNBOUND.iter().copied().map(hold).collect();
    let server = place.start_with(&held).await?;
    let alice = server.alice().await?;
    let topic = container(&server, &alice).await?;
    subscribe(&server, &alice, &[&topic], &receivers.healthy[..1], channels).await?;
    write(&alice, &topic, changes).await?;
    server.stop().await?;
    receivers.heard.expect(0).await?;
    let before = receivers.heard.reached().await?.frames;
    receivers.heard.expect(total.saturating_sub(before)).await?;
    let server = place.start_with(&UNBOUND).await?;
    let reached = receivers.heard.reached().await?;
    server.stop().await?;
    Ok(as_f64(total.saturating_sub(before)) * 1e9 / as_f64(reached.last.saturating_sub(reached.first).max(1)))
}

fn hold((name, value): (&'static str, &'static str)) -> (&'static str, &'static str) {
    let slow = ["PODBELL_WEBHOOKS_PER_SECOND", "PODBELL_WEBHOOKS_BURST"].contains(&name);
    (name, if slow { "1" } else { value })
}

/// The same number of plain requests, without queue, signature or judgement.
async fn floor() -> Result<f64> {
    let mut receivers = Receivers::start(1, 0).await?;
    receivers.heard.expect(DELIVERIES as u64).await?;
    let [count, at_once, bytes] = [DELIVERIES, AT_ONCE, MESSAGE].map(|number| number.to_string());
    let mut peer = Peer::start(&["post", &receivers.healthy[0], &count, &at_once, &bytes])?;
    peer.hear("done").await?;
    let reached = receivers.heard.reached().await?;
    Ok(as_f64(DELIVERIES as u64) * 1e9 / as_f64(reached.last.saturating_sub(reached.first).max(1)))
}

/// The floor program: so many requests over kept connections.
pub(crate) async fn post(url: &str, count: usize, at_once: usize, bytes: usize) -> Result<()> {
    let client = Client::new()?;
    let mut underway = JoinSet::new();
    for part in 0..at_once {
        let (client, url, body) = (client.clone(), url.to_owned(), "x".repeat(bytes));
        let mine = (count + part) / at_once;
        underway.spawn(async move {
            for _ in 0..mine {
                let told = client.request(Method::POST, &url, Some("application/ld+json"), body.clone()).await?;
                told.success("POST")?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(done) = underway.join_next().await {
        done??;
    }
    println!("done");
    Ok(())
}

/// What a hundred thousand channels cost that have nothing to tell.
async fn idle(binary: &Path, figures: &mut Figures) -> Result<()> {
    let mut measured = Vec::new();
    for channels in [0, IDLE] {
        let place = Place::new(binary)?;
        let server = place.start_with(&UNBOUND).await?;
        let alice = server.alice().await?;
        let topic = container(&server, &alice).await?;
        let topics: Vec<_> = (0..100).map(|number| format!("{topic}idle-{number}")).collect();
        for topic in &topics {
            put(&alice, topic).await?;
        }
        let topics: Vec<_> = topics.iter().map(String::as_str).collect();
        // Nobody is there, and nothing is sent.
        subscribe(&server, &alice, &topics, &["http://localhost:9/".to_owned()], channels).await?;
        server.stop().await?;
        let server = place.start_with(&UNBOUND).await?;
        let alice = server.alice().await?;
        let mut micros = Vec::with_capacity(WRITES);
        for _ in 0..WRITES {
            let begun = Instant::now();
            put(&alice, &format!("{topic}busy")).await?;
            micros.push(begun.elapsed().as_secs_f64() * 1e6);
        }
        micros.sort_by(f64::total_cmp);
        settle().await;
        measured.push((kib(server.process()?.pss()?), micros[WRITES / 2]));
        server.stop().await?;
    }
    let ((before, alone), (after, among)) = (measured[0], measured[1]);
    figures.push(("memory for 100,000 idle channels, MiB", (after - before) / 1024.0));
    figures.push(("one PUT without them, p50, µs", alone));
    figures.push(("one PUT among them, p50, µs", among));
    Ok(())
}

/// How long it takes until those have heard who answer, without and with a hundred who do not.
async fn hanging(binary: &Path, figures: &mut Figures) -> Result<()> {
    let place = Place::new(binary)?;
    let mut receivers = Receivers::start(HEALTHY, HUNG).await?;
    let server = place.start_with(&UNBOUND).await?;
    let alice = server.alice().await?;
    let topic = container(&server, &alice).await?;
    subscribe(&server, &alice, &[&topic], &receivers.healthy, HEALTHY).await?;
    change(&alice, &topic, CHANGES / 10, &mut receivers).await?;
    let alone = change(&alice, &topic, CHANGES, &mut receivers).await?;
    subscribe(&server, &alice, &[&topic], &receivers.hung, HUNG).await?;
    let among = change(&alice, &topic, CHANGES, &mut receivers).await?;
    figures.push(("change to receiver, p50, ms", alone.0 / 1e3));
    figures.push(("change to receiver, p99, ms", alone.1 / 1e3));
    figures.push(("the same while 100 others hang, p50, ms", among.0 / 1e3));
    figures.push(("the same while 100 others hang, p99, ms", among.1 / 1e3));
    figures.push(("p99 among those / p99", among.1 / alone.1));
    server.stop().await
}

/// Makes so many changes at the rate, and waits until all who answer have heard them; half of them, and 99 of a hundred,
/// took at most so many microseconds.
async fn change(alice: &Client, topic: &str, changes: u32, receivers: &mut Receivers) -> Result<(f64, f64)> {
    receivers.heard.delays().await?;
    receivers.heard.expect(u64::from(changes) * HEALTHY as u64).await?;
    let begun = Instant::now();
    let mut underway = JoinSet::new();
    for number in 0..changes {
        tokio::time::sleep_until((begun + Duration::from_secs(1) / RATE * number).into()).await;
        let (alice, url) = (alice.clone(), format!("{topic}{}", number % 100));
        underway.spawn(async move { put(&alice, &url).await });
    }
    while let Some(done) = underway.join_next().await {
        done??;
    }
    receivers.heard.reached().await?;
    receivers.heard.delays().await
}

async fn container(server: &Server, alice: &Client) -> Result<String> {
    let url = format!("{}alice/bench/", server.base);
    alice.request(Method::PUT, &url, Some("text/turtle"), "").await?.success("PUT")?;
    Ok(url)
}

/// Makes new resources.
async fn write(alice: &Client, topic: &str, count: usize) -> Result<()> {
    many(count, |number| {
        let (alice, url) = (alice.clone(), format!("{topic}new-{number}"));
        async move { put(&alice, &url).await }
    })
    .await
}

/// Makes channels that push, with topics and receivers in turn.
async fn subscribe(
    server: &Server,
    client: &Client,
    topics: &[&str],
    receivers: &[String],
    count: usize,
) -> Result<()> {
    let service = format!("{}.notifications/WebhookChannel2023/", server.base);
    many(count, |number| {
        let (topic, receiver) = (topics[number % topics.len()], &receivers[number % receivers.len()]);
        let body = serde_json::json!({
            "@context": ["https://www.w3.org/ns/solid/notification/v1"],
            "type": "WebhookChannel2023",
            "topic": topic,
            "sendTo": format!("{receiver}{number}"),
            "urn:podbell:terms#recursive": topic.ends_with('/'),
        });
        let (client, service) = (client.clone(), service.clone());
        async move {
            let told = client.request(Method::POST, &service, Some("application/ld+json"), body.to_string()).await?;
            told.success("subscribe").map(drop)
        }
    })
    .await
}

/// Does so many things, some at once.
async fn many<F>(count: usize, mut one: impl FnMut(usize) -> F) -> Result<()>
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    let mut underway = JoinSet::new();
    for number in 0..count {
        while underway.len() >= 16 {
            underway.join_next().await.context("nothing is under way")???;
        }
        underway.spawn(one(number));
    }
    while let Some(done) = underway.join_next().await {
        done??;
    }
    Ok(())
}

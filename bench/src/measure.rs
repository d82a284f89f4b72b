//! The measurements, each with a server of its own.

use crate::{
    deliveries,
    listen::now,
    peers::{Listener, Peer, Reached},
    refusals, resources,
    server::{Place, Process, Server},
    stopped,
};
use anyhow::{Context, Result};
use http::Method;
use podbell_test_client::Client;
use std::{path::Path, time::Duration};
use tokio::task::JoinSet;

/// Sockets of the idle measurement.
pub(crate) const IDLE: usize = 5_000;
/// Sockets of the fan-out.
pub(crate) const FAN: usize = 1_000;
/// Changes that are fanned out in one measurement.
const CHANGES: u64 = 100;
/// Writes of which the latency is taken.
const LATENCIES: usize = 1_000;
const BODY: usize = 1_000;

/// The figures of one run, by name, with their units in the name.
pub(crate) type Figures = Vec<(&'static str, f64)>;

/// A group of measurements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Group {
    /// Start-up and idle sockets.
    Idle,
    /// One change to many sockets.
    FanOut,
    /// Durable writes of small documents.
    Writes,
    /// Reads of small documents.
    Reads,
    /// A container with many members.
    Listing,
    /// A change of a middling document.
    Patch,
    /// A large file, in and out.
    Transfer,
    /// From the write to the frame.
    Latency,
    /// Listeners that stop reading, among others.
    Stopped,
    /// What is pushed to receivers; only when it is asked for.
    Deliveries,
    /// Whether refusals tell by their time what they refuse; only when it is asked for.
    Refusals,
}

/// One run of everything, or of one group.
pub(crate) async fn run(binary: &Path, only: Option<Group>) -> Result<Figures> {
    let mut figures = Figures::new();
    let wanted = |group| only.is_none_or(|only| only == group);
    if wanted(Group::Idle) {
        idle(binary, &mut figures).await.context("idle sockets")?;
    }
    if wanted(Group::FanOut) {
        fan_out(binary, &mut figures).await.context("fan-out")?;
    }
    if wanted(Group::Writes) {
        resources::small(binary, &Method::PUT, &mut figures).await.context("writes")?;
    }
    if wanted(Group::Reads) {
        resources::small(binary, &Method::GET, &mut figures).await.context("reads")?;
    }
    if wanted(Group::Listing) {
        resources::listing(binary, &mut figures).await.context("listing")?;
    }
    if wanted(Group::Patch) {
        resources::patch(binary, &mut figures).await.context("patch")?;
    }
    if wanted(Group::Transfer) {
        resources::transfer(binary, &mut figures).await.context("transfer")?;
    }
    if wanted(Group::Latency) {
        latency(binary, &mut figures).await.context("latency")?;
    }
    if wanted(Group::Stopped) {
        stopped::stopped(binary, &mut figures).await.context("listeners that stop")?;
    }
    if only == Some(Group::Deliveries) {
        deliveries::deliveries(binary, &mut figures).await.context("deliveries")?;
    }
    if only == Some(Group::Refusals) {
        refusals::refusals(binary, &mut figures).await.context("refusals")?;
    }
    Ok(figures)
}

async fn idle(binary: &Path, figures: &mut Figures) -> Result<()> {
    let place = Place::new(binary)?;
    let first = place.start().await?;
    figures.push(("first start, ms", millis(first.started_in)));
    first.stop().await?;
    let server = place.start().await?;
    figures.push(("start, ms", millis(server.started_in)));
    settle().await;
    figures.push(("idle RSS, MiB", kib(server.process()?.rss()?) / 1024.0));
    let alice = server.alice().await?;
    let topic = document(&server, &alice).await?;
    // What the first requests leave behind is not what a socket costs.
    let warm = Listener::open(&subscribe(&server, &alice, &topic, 2_000).await?).await?;
    settle().await;
    let before = server.process()?.pss()?;
    let urls = subscribe(&server, &alice, &topic, IDLE).await?;
    settle().await;
    let waiting = server.process()?.pss()?;
    let listener = Listener::open(&urls).await?;
    settle().await;
    let after = server.process()?.pss()?;
    drop((listener, warm));
    figures.push(("PSS per idle socket, KiB", (kib(after) - kib(before)) / as_f64(IDLE as u64)));
    figures.push(("of it for the channel alone, KiB", (kib(waiting) - kib(before)) / as_f64(IDLE as u64)));
    server.stop().await
}

async fn fan_out(binary: &Path, figures: &mut Figures) -> Result<()> {
    let place = Place::new(binary)?;
    let server = place.start().await?;
    let alice = server.alice().await?;
    let topic = document(&server, &alice).await?;
    let mut listener = Listener::open(&subscribe(&server, &alice, &topic, FAN).await?).await?;
    let process = server.process()?;
    // Once to warm up, and to learn how long a frame is.
    let (_, frame) = fan(&mut listener, process, FAN as u64, 1, || put(&alice, &topic)).await?;
    let (burst, _) = fan(&mut listener, process, FAN as u64, CHANGES, || put(&alice, &topic)).await?;
    let mut single = Total::default();
    for _ in 0..CHANGES {
        let (begun, cpu) = (now(), process.cpu()?);
        listener.expect(FAN as u64).await?;
        put(&alice, &topic).await?;
        let reached = listener.reached().await?;
        single.add(begun, &reached, process.cpu()?.saturating_sub(cpu));
    }
    let cost = single.cost(FAN as u64 * CHANGES);
    drop(listener);
    server.stop().await?;

    // A frame of that size has a head of four bytes.
    let frame = frame.saturating_sub(4).to_string();
    let mut floor = Peer::start(&["floor", &FAN.to_string(), &frame])?;
    let address = floor.hear("listening").await?;
    let mut listener = Listener::begin(&vec![format!("ws://{address}/"); FAN]).await?;
    floor.hear("ready").await?;
    listener.ready().await?;
    let process = floor.process()?;
    listener.expect(FAN as u64).await?;
    floor.say("fire 1").await?;
    listener.reached().await?;
    let mut floor_single = Total::default();
    for _ in 0..CHANGES {
        let (begun, cpu) = (now(), process.cpu()?);
        listener.expect(FAN as u64).await?;
        floor.say("fire 1").await?;
        let reached = listener.reached().await?;
        floor_single.add(begun, &reached, process.cpu()?.saturating_sub(cpu));
    }
    let least = floor_single.cost(FAN as u64 * CHANGES);

    figures.push(("fan-out, messages/s", cost.per_second));
    figures.push(("fan-out of the floor, messages/s", least.per_second));
    figures.push(("fan-out / floor", cost.per_second / least.per_second));
    figures.push(("CPU per message, µs", cost.cpu_micros));
    figures.push(("CPU per message of the floor, µs", least.cpu_micros));
    figures.push(("CPU per message / floor", cost.cpu_micros / least.cpu_micros));
    figures.push(("one change, from PUT to the last frame, ms", single.whole_millis(CHANGES)));
    figures.push(("the same of the floor, ms", floor_single.whole_millis(CHANGES)));
    figures.push(("100 changes at once, messages/s", burst.per_second));
    figures.push(("100 changes at once, CPU per message, µs", burst.cpu_micros));
    Ok(())
}

struct Cost {
    per_second: f64,
    cpu_micros: f64,
}

impl Cost {
    fn of(begun: u64, ended: u64, cpu: Duration, messages: u64) -> Self {
        let seconds = as_f64(ended.saturating_sub(begun).max(1)) / 1e9;
        Self { per_second: as_f64(messages) / seconds, cpu_micros: cpu.as_secs_f64() * 1e6 / as_f64(messages) }
    }
}

/// Changes that were made one after the other, each when everybody had heard the one before.
#[derive(Default)]
struct Total {
    /// From the first frame to the last.
    spread: u64,
    /// From the request to the last frame.
    whole: u64,
    cpu: Duration,
}

impl Total {
    fn add(&mut self, begun: u64, reached: &Reached, cpu: Duration) {
        self.spread += reached.last.saturating_sub(reached.first);
        self.whole += reached.last.saturating_sub(begun);
        self.cpu += cpu;
    }

    fn cost(&self, messages: u64) -> Cost {
        Cost::of(0, self.spread, self.cpu, messages)
    }

    fn whole_millis(&self, changes: u64) -> f64 {
        as_f64(self.whole) / 1e6 / as_f64(changes)
    }
}

/// Makes changes one after the other and waits until everybody has heard all; also the bytes of one frame.
async fn fan<F: Future<Output = Result<()>>>(
    listener: &mut Listener,
    process: Process,
    sockets: u64,
    changes: u64,
    mut change: impl FnMut() -> F,
) -> Result<(Cost, u64)> {
    listener.expect(0).await?;
    let before = listener.reached().await?;
    let cpu = process.cpu()?;
    let begun = now();
    listener.expect(sockets * changes).await?;
    for _ in 0..changes {
        change().await?;
    }
    let reached = listener.reached().await?;
    let cost = Cost::of(begun, reached.last, process.cpu()?.saturating_sub(cpu), sockets * changes);
    Ok((cost, (reached.bytes - before.bytes) / (sockets * changes)))
}

async fn latency(binary: &Path, figures: &mut Figures) -> Result<()> {
    let place = Place::new(binary)?;
    let server = place.start().await?;
    let alice = server.alice().await?;
    let topic = document(&server, &alice).await?;
    let mut listener = Listener::open(&subscribe(&server, &alice, &topic, 1).await?).await?;
    let mut micros = Vec::with_capacity(LATENCIES);
    for _ in 0..LATENCIES {
        listener.expect(1).await?;
        let begun = now();
        put(&alice, &topic).await?;
        let reached = listener.reached().await?;
        micros.push(as_f64(reached.last.saturating_sub(begun)) / 1e3);
    }
    micros.sort_by(f64::total_cmp);
    figures.push(("write to frame, p50, µs", micros[micros.len() / 2]));
    figures.push(("write to frame, p99, µs", micros[micros.len() * 99 / 100]));
    server.stop().await
}

async fn document(server: &Server, alice: &Client) -> Result<String> {
    let url = format!("{}alice/bench/topic", server.base);
    put(alice, &url).await?;
    Ok(url)
}

pub(crate) async fn put(client: &Client, url: &str) -> Result<()> {
    let body = format!("<#it> <http://purl.org/dc/terms/title> \"{}\" .", "x".repeat(BODY - 48));
    client.request(Method::PUT, url, Some("text/turtle"), body).await?.success("PUT")?;
    Ok(())
}

/// Makes channels and returns where to connect.
pub(crate) async fn subscribe(server: &Server, client: &Client, topic: &str, count: usize) -> Result<Vec<String>> {
    let service = format!("{}.notifications/WebSocketChannel2023/", server.base);
    let body = serde_json::json!({
        "@context": ["https://www.w3.org/ns/solid/notification/v1"],
        "type": "http://www.w3.org/ns/solid/notifications#WebSocketChannel2023",
        "topic": topic,
    })
    .to_string();
    let mut urls = Vec::with_capacity(count);
    let mut tasks = JoinSet::new();
    while urls.len() < count {
        while tasks.len() < 16 && urls.len() + tasks.len() < count {
            let (client, service, body) = (client.clone(), service.clone(), body.clone());
            tasks.spawn(async move {
                let answer = client.request(Method::POST, &service, Some("application/ld+json"), body).await?;
                let answer = answer.success("subscribe")?.json()?;
                answer["receiveFrom"].as_str().map(str::to_owned).context("no receiveFrom")
            });
        }
        urls.push(tasks.join_next().await.context("no task")???);
    }
    Ok(urls)
}

/// Lets allocators and caches come to rest before memory is read.
pub(crate) async fn settle() {
    tokio::time::sleep(Duration::from_secs(2)).await;
}

pub(crate) fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

pub(crate) fn kib(kib: u64) -> f64 {
    as_f64(kib)
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
pub(crate) fn as_f64(value: u64) -> f64 {
    value as f64
}

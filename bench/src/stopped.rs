//! A thousand listeners that stop reading among a thousand that go on, while a thousand changes a second are made.

use crate::{
    measure::{Figures, as_f64, kib, put, subscribe},
    peers::Listener,
    server::{Place, Server},
};
use anyhow::{Context, Result};
use podbell_test_client::Client;
use std::{
    path::Path,
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

const TOPICS: usize = 10;
/// Of each kind, about each topic.
const LISTENERS: usize = 100;
/// Changes a second, of all topics together.
const RATE: u32 = 1_000;
const CHANGES: u32 = 10 * RATE;
/// Changes that are underway at once, at the most.
const AT_ONCE: usize = 64;

pub(crate) async fn stopped(binary: &Path, figures: &mut Figures) -> Result<()> {
    let place = Place::new(binary)?;
    let server = place.start().await?;
    let alice = server.alice().await?;
    let topics: Vec<_> = (0..TOPICS).map(|number| format!("{}alice/bench/{number}", server.base)).collect();
    let healthy = urls(&server, &alice, &topics).await?;
    let mut listener = Listener::timed(&healthy).await?;
    change(&alice, &topics, CHANGES / 10, &mut listener).await?;
    let rate = change(&alice, &topics, CHANGES, &mut listener).await?;
    let alone = listener.delays().await?;
    let stopped: Vec<_> = urls(&server, &alice, &topics).await?.iter().map(|url| format!("!{url}")).collect();
    let unread = Listener::open(&stopped).await?;
    let before = server.process()?.pss()?;
    let rate_among = change(&alice, &topics, CHANGES, &mut listener).await?;
    let among = listener.delays().await?;
    let grown = kib(server.process()?.pss()?) - kib(before);
    drop(unread);
    figures.push(("changes a second, 1,000 listeners", rate));
    figures.push(("change to frame, p50, ms", alone.0 / 1e3));
    figures.push(("change to frame, p99, ms", alone.1 / 1e3));
    figures.push(("changes a second, 1,000 more that do not read", rate_among));
    figures.push(("change to frame among those, p50, ms", among.0 / 1e3));
    figures.push(("change to frame among those, p99, ms", among.1 / 1e3));
    figures.push(("p99 among those / p99", among.1 / alone.1));
    figures.push(("memory for one that does not read, KiB", grown / as_f64((TOPICS * LISTENERS) as u64)));
    server.stop().await
}

async fn urls(server: &Server, alice: &Client, topics: &[String]) -> Result<Vec<String>> {
    let mut urls = Vec::new();
    for topic in topics {
        urls.append(&mut subscribe(server, alice, topic, LISTENERS).await?);
    }
    Ok(urls)
}

/// Makes so many changes at the rate, topic after topic, and waits until everybody who reads has heard all; how many a
/// second were made. What was noted before is forgotten.
async fn change(alice: &Client, topics: &[String], changes: u32, listener: &mut Listener) -> Result<f64> {
    listener.delays().await?;
    listener.expect(u64::from(changes) * LISTENERS as u64).await?;
    let begun = Instant::now();
    let mut underway = JoinSet::new();
    for (number, topic) in (0..changes).zip(topics.iter().cycle()) {
        let due = begun + Duration::from_secs(1) / RATE * number;
        tokio::time::sleep_until(due.into()).await;
        while underway.len() >= AT_ONCE {
            underway.join_next().await.context("no change")???;
        }
        let (alice, topic) = (alice.clone(), topic.clone());
        underway.spawn(async move { put(&alice, &topic).await });
    }
    while let Some(done) = underway.join_next().await {
        done??;
    }
    let seconds = begun.elapsed().as_secs_f64();
    listener.reached().await?;
    Ok(f64::from(changes) / seconds)
}

//! What the queue costs with many channels: `cargo run --release --example queue [channels]`.
//!
//! Channels are spread over receivers, a hundred at each; each is owed one change. Times are of one call each, on an
//! otherwise idle machine, in a directory that is removed afterwards.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "it is run by hand")]

use futures_util::future::join_all;
use podbell_delivery::push::{
    Done, Lane, Outcome, Queue,
    testing::{at, attempt, change},
};
use podbell_hub::{Channel, ChannelId, ChannelLimits, ChannelStore, Owed, Owing, Push, RenderingId, Topic};
use podbell_model::{ResourceIri, Sequence, StorageId, Subject, Uuid, WebId};
use podbell_sqlite::{Options, Sqlite};
use std::{sync::Arc, time::Instant};

fn topic(number: u32) -> Topic {
    let resource = ResourceIri::parse(&format!("https://pod{number}.example/notes/")).unwrap();
    Topic { storage: StorageId(u64::from(number) + 1), resource }
}

fn receiver(number: u32) -> String {
    format!("https://hook{}.example/", number / 100)
}

fn channel(number: u32) -> Channel {
    let id = ChannelId(Uuid::from_u128(u128::from(number) << 32 | 1));
    let subject = Arc::new(Subject::agent(WebId::new(format!("https://agent{}.example/#me", number / 100))));
    let mut channel = Channel::new(id, subject, [topic(number)].into(), RenderingId(7), at(0));
    channel.push = Some(Arc::new(Push::to(receiver(number))));
    channel
}

fn owed(number: u32) -> Owed {
    let channel = channel(number);
    let mut owed = change(&channel, "a", u64::from(number) + 1);
    owed.about.topic = topic(number);
    owed.about.resource = topic(number).resource;
    owed.object = topic(number).resource;
    owed
}

async fn timed<T>(what: &str, work: impl Future<Output = T>) -> T {
    let begin = Instant::now();
    let result = work.await;
    println!("{what:<60} {:>12.2?}", begin.elapsed());
    result
}

#[tokio::main]
async fn main() {
    let count: u32 = std::env::args().nth(1).map_or(100_000, |count| count.parse().unwrap());
    let directory = tempfile::tempdir().unwrap();
    let store = Sqlite::open(directory.path(), &Options::default()).unwrap();
    timed("keep the channels", async {
        let limits = ChannelLimits::default();
        for first in (0..count).step_by(1_000) {
            let channels: Vec<_> = (first..count.min(first + 1_000)).map(channel).collect();
            for kept in join_all(channels.iter().map(|channel| store.insert(channel, &limits))).await {
                kept.unwrap();
            }
        }
    })
    .await;
    let found = timed("who is concerned by a change", store.candidates(&[topic(count / 2)], &[])).await.unwrap();
    assert_eq!(found.len(), 1);
    timed("who is concerned by a change, again", store.candidates(&[topic(count / 3)], &[])).await.unwrap();
    timed("lanes, nothing owed", store.lanes(at(0))).await.unwrap();
    timed("owe each one change, a thousand at once", async {
        for first in (0..count).step_by(1_000) {
            let owed = (first..count.min(first + 1_000)).map(owed).collect();
            store.owe(owed, Some(Sequence(u64::from(first)))).await.unwrap();
        }
    })
    .await;
    let (lanes, _) = timed("lanes, all due", store.lanes(at(0))).await.unwrap();
    println!("{} lanes", lanes.len());
    let lane = Lane::of(&receiver(count / 2));
    let taken = timed("take 64 of a lane", store.take(&lane, at(0), 64, &[])).await.unwrap();
    let taken = timed(&format!("take {} again", taken.len()), store.take(&lane, at(0), 64, &[])).await.unwrap();
    timed("finish them together", async {
        let (attempt, done) = (attempt(0, Outcome::Acknowledged(200)), Done::Acknowledged);
        for finished in join_all(taken.iter().map(|taken| store.finish(taken.id, Some(&attempt), &done))).await {
            finished.unwrap();
        }
    })
    .await;
    let big = channel(0);
    timed("owe one channel 9,990 more", async {
        let more = |number: u32| {
            let mut owed = owed(0);
            owed.message = Uuid::from_u128(u128::from(number) << 64 | 2);
            owed.object = topic(number).resource;
            owed
        };
        store.owe((1..9_991).map(more).collect(), None).await.unwrap();
    })
    .await;
    let lane = Lane::of(&receiver(0));
    let taken = timed("take 64 of its lane, 100 channels", store.take(&lane, at(0), 64, &[])).await.unwrap();
    assert_eq!(taken.iter().filter(|taken| taken.channel.id == big.id).count(), 1);
    let taken = timed("take 500 of its lane", store.take(&lane, at(0), 500, &[])).await.unwrap();
    assert_eq!(taken.len(), 500);
    timed("finish one", async {
        let attempt = attempt(0, Outcome::Acknowledged(200));
        store.finish(taken[0].id, Some(&attempt), &Done::Acknowledged).await.unwrap();
    })
    .await;
    timed("its health", store.health(big.id)).await.unwrap();
    timed("remove it", Queue::remove(&*store, big.id, None, at(0))).await.unwrap();
    let mut wide = channel(count);
    wide.topics = (0..1_000).map(|number| topic(count + 1 + number)).collect();
    store.insert(&wide, &ChannelLimits { per_agent: 1_000_000, ..ChannelLimits::default() }).await.unwrap();
    let one = [topic(count + 500)];
    timed("who is concerned, by one of its thousand topics", store.candidates(&one, &[])).await.unwrap();
    timed("the same again", store.candidates(&one, &[])).await.unwrap();
    let mut waits = change(&wide, "a", 1);
    (waits.about.topic, waits.about.resource) = (one[0].clone(), one[0].resource.clone());
    store.owe(vec![waits], None).await.unwrap();
    let lane = Lane::of(&receiver(count));
    timed("take what it is owed", store.take(&lane, at(0), 64, &[])).await.unwrap();
    let taken = timed("take what it is owed, again", store.take(&lane, at(0), 64, &[])).await.unwrap();
    assert_eq!(taken.len(), 1);
    let many: Vec<_> = (0..5_000)
        .map(|number| {
            let mut channel = channel(count + 10_000 + number);
            channel.topics = [topic(count + 9_999)].into();
            channel
        })
        .collect();
    for some in many.chunks(500) {
        let limits = ChannelLimits::default();
        for kept in join_all(some.iter().map(|channel| store.insert(channel, &limits))).await {
            kept.unwrap();
        }
    }
    let popular = [topic(count + 9_999)];
    let found = timed("who is concerned: five thousand", store.candidates(&popular, &[])).await.unwrap();
    let owed = found.iter().map(|channel| {
        let mut owed = change(channel, "a", 1);
        (owed.about.topic, owed.about.resource) = (popular[0].clone(), popular[0].resource.clone());
        owed
    });
    timed("owe all of them", store.owe(owed.collect(), None)).await.unwrap();
    let file = std::fs::metadata(directory.path().join("podbell.sqlite3")).unwrap().len();
    println!("{} MB in the database", file / 1_000_000);
}

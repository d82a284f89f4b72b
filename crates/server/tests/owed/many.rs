//! Ten thousand channels of one topic, and one change: each is told once, in little memory.

use super::subscribing::{put, subscribe};
use crate::{
    history,
    support::{self, Place},
};
use podbell_delivery::push::Queue as _;
use podbell_hub::{Channel, ChannelId, ChannelLimits, ChannelStore as _, Push};
use podbell_model::{Timestamp, Uuid};
use podbell_test_client::receiver::{Receiver, Reply};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

const CHANNELS: usize = 10_000;
/// Most memory that one change to all of them may take, in KiB: some 6 KiB for each of those that are found together.
const MEMORY: u64 = 64 * 1_024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_change_is_told_once_to_each_of_ten_thousand_channels() {
    let place = Place::new();
    let beside = tempfile::tempdir().unwrap();
    let settings = beside.path().join("settings.toml");
    std::fs::write(&settings, "[webhooks]\nper_second = 1000000\nburst = 1000000\n").unwrap();
    let start = async || place.start_with(&["--config", settings.to_str().unwrap()]).await;
    let came = Arc::new(Mutex::new(HashMap::<String, usize>::new()));
    let noting = Arc::clone(&came);
    let receiver = Receiver::http(move |_, request| {
        *noting.lock().unwrap().entry(request.target.clone()).or_default() += 1;
        Reply::status(204)
    });
    let receiver = receiver.unwrap();

    let mut server = start().await;
    let alice = server.log_in("ALICE").await;
    let topic = format!("{}alice/many", server.base);
    put(&alice, &topic).await;
    let first = subscribe(&alice, &server.base, &topic, &receiver.url("/0")).await;
    server.kill_9().await;
    more_like(&place, &first, |number| receiver.url(&format!("/{number}"))).await;

    let mut server = start().await;
    let alice = server.log_in("ALICE").await;
    let process = format!("/proc/{}", server.pid());
    std::fs::write(format!("{process}/clear_refs"), "5").unwrap();
    let before = memory(&process, "VmRSS:");
    put(&alice, &topic).await;
    // As long as it goes on, it may take its time.
    let told = || came.lock().unwrap().len();
    let mut so_far = told();
    while so_far < CHANNELS {
        support::until("more are told", || told() > so_far).await;
        so_far = told();
    }
    let grown = memory(&process, "VmHWM:").saturating_sub(before);
    // What is under way is noted before it ends.
    server.terminate().await;
    assert!(came.lock().unwrap().values().all(|count| *count == 1), "once each");
    let left = history::open(&place).await.lanes(Timestamp::MAX).await.unwrap();
    assert_eq!(left, (vec![], None), "nothing is owed any more");
    assert!(grown < MEMORY, "it took {grown} KiB");
}

/// Keeps channels that differ from one in nothing but their receivers, while nobody serves them.
async fn more_like(place: &Place, first: &str, send_to: impl Fn(usize) -> String) {
    let store = history::open(place).await;
    let id: Uuid = first.rsplit('/').next().unwrap().parse().unwrap();
    let first = store.get(ChannelId(id)).await.unwrap().unwrap();
    let (per_client, per_agent, per_topic) = (u64::MAX, u64::MAX, u64::MAX);
    let limits =
        ChannelLimits { per_client, per_agent, per_topic, pushed_per_topic: u64::MAX, ..ChannelLimits::default() };
    let numbers: Vec<_> = (1..CHANNELS).collect();
    for some in numbers.chunks(500) {
        let kept = some.iter().map(|number| {
            let push = Some(Arc::new(Push::to(send_to(*number))));
            let channel = Channel { id: ChannelId(Uuid::new_v4()), push, ..first.clone() };
            let (store, limits) = (Arc::clone(&store), limits.clone());
            tokio::spawn(async move { store.insert(&channel, &limits).await.unwrap() })
        });
        for kept in kept.collect::<Vec<_>>() {
            kept.await.unwrap();
        }
    }
}

/// What the kernel says about the memory of a process, in KiB.
fn memory(process: &str, field: &str) -> u64 {
    let text = std::fs::read_to_string(format!("{process}/status")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(field)).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

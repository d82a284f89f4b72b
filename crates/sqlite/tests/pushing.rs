//! What is owed to channels that push, over restarts, beside retention, and at the end of channels.

#![allow(clippy::unwrap_used, reason = "all of it is test code")]

mod common;

use common::{Writer, open};
use podbell_delivery::push::{
    Done, Kind, Outcome, Queue,
    testing::{at, attempt, change, channel, lane, message, told},
};
use podbell_hub::{Channel, ChannelId, ChannelLimits, ChannelStore, Owed, Owing, What};
use podbell_log::{Log, LogError};
use podbell_model::{Sequence, Subject, Uuid, WebId};
use podbell_pod::store::Store;
use podbell_sqlite::{Options, Sqlite};
use std::{collections::HashMap, sync::Arc, time::Duration};

async fn keep(store: &Sqlite, channel: &Channel) {
    store.insert(channel, &ChannelLimits::default()).await.unwrap();
}

#[tokio::test]
async fn a_restart_owes_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let channel = channel(1, "hook.example", &["a", "b"]);
    keep(&store, &channel).await;
    let owed: Vec<Owed> = [("a", 1), ("a", 2), ("b", 3)].map(|(path, number)| change(&channel, path, number)).into();
    store.owe(owed, Some(Sequence(3))).await.unwrap();
    let taken = store.take(&lane("hook.example"), at(0), 9, &[]).await.unwrap();
    store.finish(taken[0].id, Some(&attempt(0, Outcome::Refused(503))), &Done::Again(at(5))).await.unwrap();
    store.finish(taken[1].id, Some(&attempt(0, Outcome::Refused(503))), &Done::Dead).await.unwrap();
    let seen = async |store: &Sqlite| {
        let taken = store.take(&lane("hook.example"), at(9), 9, &[]).await.unwrap();
        (
            format!("{taken:?}"),
            store.lanes(at(0)).await.unwrap(),
            store.health(channel.id).await.unwrap(),
            store.attempts(channel.id, 9).await.unwrap(),
            store.dead_letters(channel.id, None, 9).await.unwrap(),
            store.derived().await.unwrap(),
        )
    };
    let before = seen(&store).await;
    drop(store);
    assert_eq!(seen(&*open(directory.path())).await, before);
    assert!(before.0.contains(&message(1).to_string()), "{}", before.0);
}

#[tokio::test]
async fn what_nobody_has_looked_at_is_not_pruned() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { history: Duration::from_hours(1), ..Options::default() };
    let store = Sqlite::open(directory.path(), &options).unwrap();
    let writer = Writer::new(&store).await;
    store.commit(writer.put("a", b"1")).await.unwrap();
    let since = store.head();
    let channel = channel(1, "hook.example", &["a"]);
    keep(&store, &channel).await;
    // It is told nothing of what was before it.
    assert_eq!(store.get(channel.id).await.unwrap().unwrap().push.unwrap().since, since);
    assert_eq!(store.derived().await.unwrap(), since);
    let wanted = store.commit(writer.put("a", b"2")).await.unwrap();
    store.tend(at(9 * 3600)).await.unwrap();
    let kept = store.read(since, 9).await.unwrap();
    assert_eq!(kept[0].records, wanted.records);
    assert!(matches!(store.read(Sequence(0), 9).await, Err(LogError::Gap)));
    store.owe(Vec::new(), Some(wanted.sequence)).await.unwrap();
    store.tend(at(9 * 3600)).await.unwrap();
    drop(store);
    let store = Sqlite::open(directory.path(), &options).unwrap();
    assert!(matches!(store.read(since, 9).await, Err(LogError::Gap)));
}

#[tokio::test]
async fn a_restored_copy_owes_what_it_owed_and_looks_at_what_is_new() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let channel = channel(1, "hook.example", &["a"]);
    keep(&store, &channel).await;
    let writer = Writer::new(&store).await;
    let last = store.commit(writer.put("a", b"1")).await.unwrap();
    store.owe(vec![change(&channel, "a", 1)], None).await.unwrap();
    drop(store);
    let options = Options { restored: Some(at(9)), ..Options::default() };
    let store = Sqlite::open(directory.path(), &options).unwrap();
    assert_eq!(store.derived().await.unwrap(), last.sequence);
    assert_eq!(store.take(&lane("hook.example"), at(0), 9, &[]).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_channel_that_wants_to_be_told_of_its_end_stays_until_it_can_be() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let ending = |number| Channel { end_at: Some(at(100)), ..channel(number, "hook.example", &["a"]) };
    let (plain, wanting) = (ending(1), told(ending(2), "life.example"));
    keep(&store, &plain).await;
    keep(&store, &wanting).await;
    store.owe(vec![change(&wanting, "a", 1)], None).await.unwrap();
    assert_eq!(store.expired(at(99), 9).await.unwrap(), []);
    assert_eq!(store.sweep(at(100)).await.unwrap(), [plain.id]);
    let expired = store.expired(at(100), 9).await.unwrap();
    assert_eq!(expired.iter().map(|channel| channel.id).collect::<Vec<_>>(), [wanting.id]);
    assert!(store.remove_with(&wanting, b"over").await);
    assert_eq!(store.lanes(at(100)).await.unwrap().0, [lane("life.example")]);
    assert_eq!(store.expired(at(100), 9).await.unwrap(), []);

    // Nobody said anything to this one.
    keep(&store, &told(ending(3), "life.example")).await;
    assert_eq!(store.sweep(at(100)).await.unwrap(), []);
    assert_eq!(store.sweep(at(9_000_000)).await.unwrap(), [], "however long nobody tells it");
    assert_eq!(store.expired(at(9_000_000), 9).await.unwrap().len(), 1);
}

trait RemoveWith {
    async fn remove_with(&self, channel: &Channel, words: &[u8]) -> bool;
}

impl RemoveWith for Sqlite {
    async fn remove_with(&self, channel: &Channel, words: &[u8]) -> bool {
        Queue::remove(self, channel.id, Some((message(99), Arc::from(words))), at(100)).await.unwrap()
    }
}

#[tokio::test]
async fn dead_letters_are_bounded_in_number_and_in_age() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let channel = channel(1, "hook.example", &["a"]);
    keep(&store, &channel).await;
    for batch in 0..11_u64 {
        let numbered = |number: u64| {
            let mut owed = change(&channel, "a", 1 + batch * 100 + number);
            owed.object = common::iri(&number.to_string());
            owed
        };
        store.owe((0..100).map(numbered).collect(), None).await.unwrap();
        let taken = store.take(&lane("hook.example"), at(0), 100, &[]).await.unwrap();
        assert_eq!(taken.len(), 100);
        for delivery in taken {
            store.finish(delivery.id, Some(&attempt(0, Outcome::Unreachable)), &Done::Dead).await.unwrap();
        }
    }
    let letters = store.dead_letters(channel.id, None, 9_999).await.unwrap();
    assert_eq!((letters.len(), letters[0].message), (1_000, message(101)));
    let day = 24 * 3600;
    ChannelStore::sweep(&*store, at(30 * day)).await.unwrap();
    assert_eq!(store.health(channel.id).await.unwrap().unwrap().dead_letters, 1_000);
    ChannelStore::sweep(&*store, at(30 * day + 2)).await.unwrap();
    assert_eq!(store.health(channel.id).await.unwrap().unwrap().dead_letters, 0);
}

#[tokio::test]
async fn another_end_is_told_anew() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let ending = Channel { end_at: Some(at(100)), ..told(channel(1, "hook.example", &["a"]), "life.example") };
    keep(&store, &ending).await;
    assert_eq!(store.expiring(at(101), 9).await.unwrap().len(), 1);
    let renewal = podbell_hub::Renewal { end_at: Some(at(200)), ..podbell_hub::Renewal::default() };
    assert!(store.renew(ending.id, &renewal).await.unwrap());
    assert_eq!(store.expiring(at(101), 9).await.unwrap().len(), 0);
    assert_eq!(store.expiring(at(201), 9).await.unwrap().len(), 1);
}

/// One who finds what is owed, so often that updates replace each other, and one who delivers, as fast as they can.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn updates_that_replace_each_other_while_others_are_sent_lose_nothing_and_overtake_nothing() {
    const LAST: u64 = 1_500;
    const PATHS: [&str; 3] = ["a", "b", "c"];
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let channel = channel(1, "hook.example", &PATHS);
    keep(&store, &channel).await;
    let deriving = tokio::spawn({
        let (store, channel) = (Arc::clone(&store), channel.clone());
        async move {
            for number in 1..=LAST {
                let path = PATHS[usize::try_from(number % 3).unwrap()];
                let rate = Some(Duration::ZERO);
                store.owe(vec![Owed { rate, ..change(&channel, path, number) }], Some(Sequence(number))).await.unwrap();
            }
        }
    });
    let mut heard: HashMap<_, Vec<Sequence>> = HashMap::new();
    loop {
        let over = deriving.is_finished();
        let taken = store.take(&lane("hook.example"), at(0), 9, &[]).await.unwrap();
        if over && taken.is_empty() {
            break;
        }
        let under_way: Vec<_> = taken.iter().map(|taken| taken.id).collect();
        // Whoever asks again while these are sent gets nothing about the same objects.
        let others = store.take(&lane("hook.example"), at(0), 9, &under_way).await.unwrap();
        for delivery in taken.iter().chain(&others) {
            let Kind::Change { about, position, .. } = &delivery.kind else { panic!("a change") };
            let before = heard.entry(about.resource.clone()).or_default();
            assert!(before.last().is_none_or(|last| *last < position.sequence), "{before:?} {position:?}");
            before.push(position.sequence);
        }
        for delivery in taken.iter().chain(&others) {
            let attempt = attempt(0, Outcome::Acknowledged(204));
            store.finish(delivery.id, Some(&attempt), &Done::Acknowledged).await.unwrap();
        }
    }
    deriving.await.unwrap();
    let mut last: Vec<u64> = heard.values().map(|heard| heard.last().unwrap().0).collect();
    last.sort_unstable();
    assert_eq!(last, [LAST - 2, LAST - 1, LAST]);
    let told: usize = heard.values().map(Vec::len).sum();
    assert!(told < usize::try_from(LAST).unwrap(), "some were replaced");
}

/// Channels of somebody else than those of the other tests.
fn of_mallory(number: u8, paths: &[&str]) -> Channel {
    let subject = Arc::new(Subject::agent(WebId::new("https://mallory.example/#me")));
    Channel { subject, ..channel(number, "hook.example", paths) }
}

/// Deletions, of which none takes the place of another.
fn deletions(channel: &Channel, count: u64) -> Vec<Owed> {
    let deletion = |number| {
        let owed = change(channel, "a", number);
        let What::Change { body, position, .. } = owed.what else { panic!("a change") };
        Owed { what: What::Change { body, position, mergeable: false }, ..owed }
    };
    (1..=count).map(deletion).collect()
}

#[tokio::test]
async fn many_channels_of_one_agent_share_what_may_be_pending() {
    let directory = tempfile::tempdir().unwrap();
    let store = Sqlite::open(directory.path(), &Options { pending: 40, ..Options::default() }).unwrap();
    let limits = ChannelLimits { pushed_per_topic: 1_000, ..ChannelLimits::default() };
    let many: Vec<_> = (1..=200).map(|number| of_mallory(number, &["a"])).collect();
    let alone = channel(201, "hook.example", &["a"]);
    for kept in futures_util::future::join_all(many.iter().map(|channel| store.insert(channel, &limits))).await {
        kept.unwrap();
    }
    keep(&store, &alone).await;
    for (channel, pending) in [(&many[0], 20), (&many[199], 20), (&alone, 40)] {
        store.owe(deletions(channel, 50), None).await.unwrap();
        let health = store.health(channel.id).await.unwrap().unwrap();
        assert_eq!((health.pending, health.missed), (pending, 50 - pending));
    }
}

/// Channels that are gone are in no count; making and ending them all day must not fill the disk.
#[tokio::test]
async fn last_words_that_wait_for_one_agent_are_bounded() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let end = async |channel: Channel| {
        keep(&store, &channel).await;
        let farewell = Some((channel.id.0, Arc::from(*b"gone")));
        assert!(Queue::remove(&*store, channel.id, farewell, at(0)).await.unwrap());
    };
    let of_mallory = |number: u128| {
        let id = ChannelId(Uuid::from_u128(number << 32));
        told(Channel { id, ..of_mallory(1, &["a"]) }, "victim.example")
    };
    for some in (1..=1_005).collect::<Vec<_>>().chunks(50) {
        futures_util::future::join_all(some.iter().map(|number| end(of_mallory(*number)))).await;
    }
    end(told(channel(2, "hook.example", &["a"]), "victim.example")).await;
    let waiting = store.take(&lane("victim.example"), at(0), 2_000, &[]).await.unwrap();
    assert_eq!(waiting.len(), 1_001, "a thousand, and somebody else's");
}

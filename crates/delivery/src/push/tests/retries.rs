//! Trying again: when, how often, and with which words.

use super::world::{World, retry, status};
use crate::push::{Done, Kind, Outcome, Queue as _, Settings, Wanted, schedule::WAITS};
use bytes::Bytes;
use podbell_hub::{CURSOR, Encoded, Push, PushKeys};
use podbell_model::{Timestamp, Uuid};
use std::{sync::Arc, time::Duration};

const A: &str = "https://pod.example/a";
const HOOK: &str = "https://hook.example/";

#[tokio::test(start_paused = true)]
async fn ten_attempts_with_one_id_and_then_a_dead_letter() {
    let world = World::new(Settings::default());
    world.post.answer(|_| status(500));
    let channel = world.channel(HOOK);
    let id = world.owe(&channel, A, "first");
    let next = world.owe(&channel, A, "second");
    for (tried, wait) in (1..).zip(WAITS) {
        world.until(|world| world.queue.tried(id) == Some(tried)).await;
        let now = world.now();
        assert_eq!(world.queue.due(id).unwrap(), now + wait, "{tried}");
        world.pass(wait.saturating_sub(Duration::from_secs(1)));
        world.quiet().await;
        assert_eq!(world.queue.tried(id), Some(tried), "not before its time");
        world.pass(Duration::from_secs(1));
    }
    world.until(|world| world.courier.counts().dead == 1).await;
    world.pass(Duration::from_mins(10));
    world.until(|world| world.queue.tried(next) == Some(1)).await;
    let dead = world.queue.dead_letters(channel.id, None, 9).await.unwrap();
    assert_eq!((dead.len(), dead[0].id, dead[0].attempts), (1, id, 10));
    assert_eq!(dead[0].last, Some(Outcome::Refused(500)));
    let came = world.post.came.lock().clone();
    assert!(came[..10].iter().all(|one| *one == came[0]), "the same id and words each time: {came:?}");
    assert_eq!(came[10].2, "second", "what follows goes on");
    assert_eq!(world.courier.counts().dead, 1);

    world.post.answer(|_| status(204));
    world.queue.redeliver(channel.id, &Wanted::All, world.now()).await.unwrap();
    world.pass(Duration::ZERO);
    world.until(|world| world.queue.pending() == 1).await;
    assert_eq!(world.post.came.lock().last(), Some(&came[0]));
}

#[tokio::test(start_paused = true)]
async fn what_fails_holds_up_its_own_object_and_no_other() {
    let world = World::new(Settings::default());
    world.post.answer(|outgoing| status(if outgoing.body.starts_with(b"a") { 400 } else { 204 }));
    let channel = world.channel(HOOK);
    for number in 0..10 {
        world.owe(&channel, A, &format!("a{number}"));
        world.owe(&channel, "https://pod.example/b", &format!("b{number}"));
    }
    world.until(|world| world.queue.pending() == 10).await;
    let bodies = world.post.bodies();
    let b: Vec<_> = bodies.iter().filter(|body| body.starts_with('b')).cloned().collect();
    assert_eq!(b, (0..10).map(|number| format!("b{number}")).collect::<Vec<_>>());
    assert_eq!(bodies.iter().filter(|body| body.starts_with('a')).collect::<Vec<_>>(), ["a0"]);
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_asks_for_a_pause_has_it_for_the_whole_channel() {
    let world = World::new(Settings::default());
    world.post.answer(|_| retry(429, "120"));
    let channel = world.channel(HOOK);
    let id = world.owe(&channel, A, "a");
    world.until(|world| world.queue.tried(id) == Some(1)).await;
    world.post.answer(|_| status(204));
    let other = world.owe(&channel, "https://pod.example/b", "b");
    world.pass(Duration::from_mins(1));
    world.until(|world| world.queue.due(other).is_some_and(|due| due.as_second() == 120)).await;
    assert_eq!((world.post.count(), world.queue.tried(other)), (1, Some(0)), "put off, and no attempt");
    world.pass(Duration::from_mins(1));
    world.until(|world| world.queue.pending() == 0).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_not_sent_is_no_attempt() {
    use super::world::Reply;
    use podbell_egress::FetchError;
    let world = World::new(Settings::default());
    world.post.answer(|_| Reply::Is(Err(FetchError::Busy)));
    let id = world.owe(&world.channel(HOOK), A, "a");
    world.until(|world| world.post.count() == 1).await;
    world.quiet().await;
    assert_eq!((world.queue.tried(id), world.queue.due(id)), (Some(0), Some(Timestamp::from_second(1).unwrap())));
    world.post.answer(|_| status(204));
    world.pass(Duration::from_secs(1));
    world.until(|world| world.queue.pending() == 0).await;
    assert_eq!(world.courier.counts().attempts, 1);
}

fn push_service() -> Arc<Push> {
    let keys = PushKeys { auth: "a".into(), p256dh: "p".into() };
    Arc::new(Push { keys: Some(keys), ..Push::to("https://push.example/") })
}

fn long(length: usize) -> String {
    let pad = "x".repeat(length);
    format!(r#"{{"@context":"c","id":"urn:uuid:1","type":"Update","object":"https://pod.example/a","pad":"{pad}"}}"#)
}

const SHORT: &str = r#"{"@context":"c","id":"urn:uuid:1","type":"Update","object":"https://pod.example/a"}"#;

#[tokio::test(start_paused = true)]
async fn what_is_too_large_is_told_in_short() {
    for (push, length, short) in [
        (Arc::new(Push::to(HOOK)), 19_000, false),
        (Arc::new(Push::to(HOOK)), 20_000, true),
        (push_service(), 3_850, false),
        (push_service(), 3_967, true),
    ] {
        let world = World::new(Settings::default());
        let channel = world.channel_with(HOOK, |channel| channel.push = Some(push));
        world.owe(&channel, A, &long(length));
        world.until(|world| world.queue.pending() == 0).await;
        let expected = if short { SHORT.to_owned() } else { long(length) };
        assert_eq!(world.post.bodies(), [expected]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_push_service_that_finds_it_too_large_gets_it_in_short_at_once() {
    let world = World::new(Settings::default());
    world.post.answer(|outgoing| status(if outgoing.body.len() > 100 { 413 } else { 201 }));
    let channel = world.channel_with(HOOK, |channel| channel.push = Some(push_service()));
    world.owe(&channel, A, &long(1_000));
    world.until(|world| world.queue.pending() == 0).await;
    assert_eq!(world.post.bodies(), [long(1_000), SHORT.to_owned()]);
    let attempts = world.queue.attempts(channel.id, 9).await.unwrap();
    assert_eq!(attempts.len(), 1, "it counts as one attempt");
}

#[tokio::test(start_paused = true)]
async fn what_can_never_be_sent_is_given_up_at_once() {
    let world = World::new(Settings { payload: 50, ..Settings::default() });
    let channel = world.channel(HOOK);
    world.owe(&channel, A, &long(100));
    world.until(|world| world.courier.counts().dead == 1).await;
    assert_eq!(world.post.count(), 0);
    assert_eq!(world.queue.dead_letters(channel.id, None, 9).await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_cursor_stands_before_everything_that_is_still_owed() {
    let world = World::new(Settings::default());
    world.post.answer(|outgoing| status(if outgoing.body.starts_with(b"a") { 400 } else { 204 }));
    let channel = world.channel(HOOK);
    let place = "<".repeat(CURSOR);
    let encoded = |text: &str| Encoded { bytes: Bytes::from(format!("{text}{place}")), cursor_at: Some(1) };
    let a = world.owe_quietly(&channel, A, encoded("a"));
    world.owe_quietly(&channel, "https://pod.example/b", encoded("b"));
    world.courier.wake();
    world.until(|world| world.queue.pending() == 1).await;
    world.queue.finish(a, None, &Done::Withheld).await.unwrap();
    world.owe_quietly(&channel, "https://pod.example/b", encoded("b"));
    world.courier.wake();
    world.until(|world| world.queue.pending() == 0).await;
    let cursors: Vec<u64> = world.post.bodies().iter().map(|body| body[1..].parse().unwrap()).collect();
    let first = cursors[0];
    assert_eq!(cursors, [first, first - 1, first + 2], "behind it, before the oldest, behind it");
}

#[tokio::test(start_paused = true)]
async fn a_ping_that_fails_is_not_tried_again() {
    let world = World::new(Settings::default());
    world.post.answer(|_| status(500));
    let channel = world.channel(HOOK);
    let kind = Kind::Ping { body: b"ping"[..].into() };
    world.queue.add(channel.id, Uuid::nil(), &kind, world.now()).await.unwrap();
    world.courier.wake();
    world.until(|world| world.queue.pending() == 0).await;
    assert_eq!(world.post.bodies(), ["ping"]);
    let attempts = world.queue.attempts(channel.id, 9).await.unwrap();
    assert_eq!(attempts[0].1.outcome, Outcome::Refused(500), "its owner sees how it ended");
}

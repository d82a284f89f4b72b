//! Nothing is sent without leave, and nothing after it was taken back.

use super::world::{World, about, status};
use crate::push::{Kind, Queue as _, Settings};
use bytes::Bytes;
use podbell_hub::{Position, Shown, Told};
use podbell_model::{Sequence, Timestamp, Uuid};
use std::{sync::atomic::Ordering::SeqCst, time::Duration};

const A: &str = "https://pod.example/a";
const HOOK: &str = "https://hook.example/";

#[tokio::test(start_paused = true)]
async fn what_may_not_be_told_any_more_is_forgotten() {
    let world = World::new(Settings::default());
    world.rules.withheld.store(true, SeqCst);
    let channel = world.channel(HOOK);
    world.owe(&channel, A, "a");
    world.until(|world| world.queue.pending() == 0).await;
    assert_eq!((world.post.count(), world.courier.counts().withheld), (0, 1));
    assert!(world.queue.attempts(channel.id, 9).await.unwrap().is_empty(), "and nobody learns of it");
}

#[tokio::test(start_paused = true)]
async fn leave_is_asked_before_each_attempt() {
    let world = World::new(Settings::default());
    world.post.answer(|_| status(500));
    let id = world.owe(&world.channel(HOOK), A, "a");
    world.until(|world| world.queue.tried(id) == Some(1)).await;
    world.rules.withheld.store(true, SeqCst);
    world.pass(Duration::from_hours(1));
    world.until(|world| world.queue.pending() == 0).await;
    assert_eq!(world.post.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_gate_that_shuts_on_the_way_makes_it_ask_anew() {
    let world = World::new(Settings::default());
    world.rules.shut.store(2, SeqCst);
    world.owe(&world.channel(HOOK), A, "a");
    world.until(|world| world.queue.pending() == 0).await;
    assert_eq!((world.post.count(), world.rules.asked.load(SeqCst)), (1, 3));
    assert_eq!(world.courier.counts().attempts, 1);
}

#[tokio::test(start_paused = true)]
async fn rules_that_change_all_the_time_delay_it_and_cost_no_attempt() {
    let world = World::new(Settings::default());
    world.rules.shut.store(i64::MAX, SeqCst);
    let id = world.owe(&world.channel(HOOK), A, "a");
    world.until(|world| world.queue.due(id) == Some(Timestamp::from_second(1).unwrap())).await;
    assert_eq!((world.post.count(), world.queue.tried(id)), (0, Some(0)));
    world.rules.shut.store(0, SeqCst);
    world.pass(Duration::from_secs(1));
    world.until(|world| world.queue.pending() == 0).await;
}

#[tokio::test(start_paused = true)]
async fn withdrawal_between_leave_and_sending_sends_nothing() {
    let world = World::new(Settings::default());
    world.rules.withdrawn_on_the_way.store(true, SeqCst);
    world.owe(&world.channel(HOOK), A, "a");
    world.until(|world| world.queue.pending() == 0).await;
    assert_eq!((world.post.count(), world.rules.asked.load(SeqCst)), (0, 2));
    assert_eq!((world.courier.counts().attempts, world.courier.counts().withheld), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn rules_that_cannot_be_read_are_asked_later() {
    let world = World::new(Settings::default());
    world.rules.unavailable.store(true, SeqCst);
    let id = world.owe(&world.channel(HOOK), A, "a");
    world.until(|world| world.queue.due(id) == Some(Timestamp::from_second(5).unwrap())).await;
    assert_eq!((world.post.count(), world.queue.tried(id)), (0, Some(0)));
    world.rules.unavailable.store(false, SeqCst);
    world.pass(Duration::from_secs(5));
    world.until(|world| world.queue.pending() == 0).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_tried_after_its_channel_is_removed() {
    let world = World::new(Settings::default());
    world.post.answer(|_| status(500));
    let channel = world.channel(HOOK);
    let ids: Vec<_> =
        (0..3).map(|number| world.owe(&channel, &format!("https://pod.example/{number}"), "{}")).collect();
    world.until(|world| ids.iter().all(|id| world.queue.tried(*id) == Some(1))).await;
    let ping = Kind::Ping { body: b"ping"[..].into() };
    world.queue.add(channel.id, Uuid::nil(), &ping, Timestamp::from_second(9).unwrap()).await.unwrap();
    world.queue.remove(channel.id, None, world.now()).await.unwrap();
    for _ in 0..10 {
        world.pass(Duration::from_hours(10));
        world.quiet().await;
    }
    assert_eq!(world.post.count(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_ping_is_not_sent_after_its_channel_is_removed() {
    let world = World::new(Settings::default());
    let channel = world.channel(HOOK);
    world.rules.removed.lock().push(channel.id);
    let ping = Kind::Ping { body: b"ping"[..].into() };
    world.queue.add(channel.id, Uuid::nil(), &ping, world.now()).await.unwrap();
    world.courier.wake();
    world.until(|world| world.queue.pending() == 0).await;
    assert_eq!(world.post.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn how_a_topic_stands_is_told_if_the_receiver_does_not_know() {
    let world = World::new(Settings::default());
    let channel = world.channel_with(HOOK, |channel| channel.state = Some("old".into()));
    let owe = || {
        world.owe_kind(&channel, A, Uuid::nil(), Kind::State { about: about(A) });
        world.courier.wake();
    };
    owe();
    world.until(|world| world.queue.pending() == 0).await;
    assert_eq!(world.post.count(), 0, "it stands as the receiver knows it");
    let (body, position) = (Bytes::from_static(b"state").into(), Position::after(Sequence(7)));
    *world.rules.standing.lock() = Some(Shown { body, position, state: "new".into() });
    owe();
    world.until(|world| world.queue.pending() == 0).await;
    assert_eq!(world.post.bodies(), ["state"]);
    world.owe(&channel, A, "change");
    world.until(|world| world.queue.pending() == 0).await;
    let told = world.rules.told.lock().clone();
    assert!(matches!(&told[0], Told::State(state) if &**state == "new"), "{told:?}");
    assert!(matches!(&told[1], Told::Change(_)), "{told:?}");
}

//! What becomes of channels: switched off, switched on, removed, and who is told.

use super::world::{Reply, World, status};
use crate::push::{Kind, Queue as _, Settings};
use podbell_hub::{Channel, ChannelLimits, Push};
use podbell_model::Uuid;
use std::{
    sync::{Arc, atomic::Ordering::SeqCst},
    time::Duration,
};

const A: &str = "https://pod.example/a";
const HOOK: &str = "https://hook.example/";
const LIFE: &str = "https://life.example/";
const DAY: Duration = Duration::from_hours(24);

fn told(channel: &mut Channel) {
    channel.push = Some(Arc::new(Push { lifecycle: Some(LIFE.into()), ..Push::to(HOOK) }));
}

fn of_life(world: &World) -> Vec<String> {
    let came = world.post.came.lock();
    came.iter().filter(|(host, ..)| host == "life.example").map(|(.., body)| body.clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_is_gone_ends_its_channel() {
    for (keys, answer, ends) in [(false, 410, true), (true, 410, true), (true, 404, true), (false, 404, false)] {
        let world = World::new(Settings::default());
        world.post.answer(move |_| status(answer));
        let channel = world.channel_with(HOOK, |channel| {
            let keys = keys.then(|| podbell_hub::PushKeys { auth: "a".into(), p256dh: "p".into() });
            channel.push = Some(Arc::new(Push { keys, ..Push::to(HOOK) }));
        });
        world.owe(&channel, A, "first");
        world.owe(&channel, A, "second");
        world.until(|world| world.courier.counts().failed == 1).await;
        world.quiet().await;
        assert_eq!(world.queue.has(channel.id), !ends, "{answer}");
        assert_eq!(world.queue.pending(), if ends { 0 } else { 2 });
        assert_eq!(world.rules.removed.lock().contains(&channel.id), ends);
        assert_eq!(world.post.bodies(), ["first"]);
    }
}

#[tokio::test(start_paused = true)]
async fn who_asked_is_told_why_a_channel_was_removed() {
    let world = World::new(Settings::default());
    world.post.answer(|outgoing| status(if outgoing.url.as_str() == HOOK { 410 } else { 204 }));
    let channel = world.channel_with(HOOK, told);
    world.owe(&channel, A, "a");
    world.until(|world| of_life(world).len() == 1 && world.queue.pending() == 0).await;
    let farewell = of_life(&world).remove(0);
    assert!(farewell.contains(r#""type":"urn:podbell:terms#Removed""#), "{farewell}");
    assert!(farewell.contains(r#""urn:podbell:terms#reason":"gone""#), "{farewell}");
    assert!(!farewell.contains(A), "it says nothing of any resource: {farewell}");
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_is_gone_hears_no_farewell() {
    let world = World::new(Settings::default());
    world.post.answer(|_| status(410));
    let push = Push { lifecycle: Some(HOOK.into()), ..Push::to(HOOK) };
    let channel = world.channel_with(HOOK, |channel| channel.push = Some(Arc::new(push)));
    world.owe(&channel, A, "a");
    world.until(|world| !world.queue.has(channel.id)).await;
    world.quiet().await;
    assert_eq!((world.post.count(), world.queue.pending()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_second_address_that_is_gone_ends_nothing() {
    let world = World::new(Settings::default());
    world.post.answer(|_| status(410));
    let channel = world.channel_with(HOOK, told);
    let kind = Kind::Lifecycle { body: b"{}"[..].into() };
    world.queue.add(channel.id, Uuid::nil(), &kind, world.now()).await.unwrap();
    world.courier.wake();
    world.until(|world| world.queue.pending() == 0).await;
    assert!(world.queue.has(channel.id));
}

#[tokio::test(start_paused = true)]
async fn five_days_of_failures_switch_a_channel_off_a_ping_switches_it_on_and_fourteen_days_more_remove_it() {
    let world = World::new(Settings::default());
    world.post.answer(|outgoing| status(if outgoing.url.as_str() == HOOK { 400 } else { 204 }));
    let channel = world.channel_with(HOOK, told);
    let disabled = async || world.queue.health(channel.id).await.unwrap().unwrap().disabled;
    let fail_for_days = async |days: u32| {
        for day in 0..days {
            assert_eq!(disabled().await, None, "day {day}");
            world.owe(&channel, &format!("https://pod.example/{day}"), "{}");
            world.quiet().await;
            world.pass(DAY);
            world.quiet().await;
        }
    };
    fail_for_days(5).await;
    assert!(disabled().await.is_some());
    let count = world.post.count();
    world.owe(&channel, "https://pod.example/more", "{}");
    world.pass(DAY);
    world.quiet().await;
    assert_eq!(world.post.count(), count, "nothing is tried while it is off");

    let ping = async || {
        let ping = Kind::Ping { body: b"ping"[..].into() };
        world.queue.add(channel.id, Uuid::nil(), &ping, world.now()).await.unwrap();
        world.courier.wake();
        world.quiet().await;
    };
    ping().await;
    assert!(disabled().await.is_some(), "a ping that fails switches nothing on");
    world.post.answer(|_| status(204));
    ping().await;
    assert_eq!(disabled().await, None);
    world.until(|world| world.queue.pending() == 0).await;

    world.post.answer(|outgoing| status(if outgoing.url.as_str() == HOOK { 400 } else { 204 }));
    fail_for_days(5).await;
    assert!(disabled().await.is_some());
    world.pass(13 * DAY);
    world.quiet().await;
    assert!(world.queue.has(channel.id));
    world.pass(DAY);
    world
        .until(|world| of_life(world).iter().any(|body| body.contains(r#""urn:podbell:terms#reason":"failing""#)))
        .await;
    assert!(!world.queue.has(channel.id));
}

#[tokio::test(start_paused = true)]
async fn an_end_is_told_once_a_day_before_and_once_when_it_has_come() {
    let world = World::new(Settings::default());
    let end = world.now() + 3 * DAY;
    let channel = world.channel_with(HOOK, |channel| {
        told(channel);
        channel.end_at = Some(end);
    });
    world.pass((2 * DAY).saturating_sub(Duration::from_secs(1)));
    world.quiet().await;
    assert_eq!(of_life(&world), [""; 0]);
    for _ in 0..3 {
        world.pass(Duration::from_mins(1));
        world.quiet().await;
    }
    let expiring = of_life(&world);
    assert_eq!(expiring.len(), 1, "{expiring:?}");
    assert!(expiring[0].contains(r#"#Expiring""#) && expiring[0].contains(r#""endAt":"1970-01-04T00:00:00.000Z""#));
    world.pass(DAY);
    world.until(|world| of_life(world).len() == 2).await;
    assert!(of_life(&world)[1].contains(r#""urn:podbell:terms#reason":"expired""#));
    assert!(!world.queue.has(channel.id));
}

#[tokio::test(start_paused = true)]
async fn what_was_missed_is_told_once_an_hour_at_most() {
    let world = World::new(Settings::default());
    let channel = world.channel_with(HOOK, told);
    world.quiet().await;
    for missed in 1..=2 {
        for _ in 0..3 {
            world.queue.miss(channel.id);
            world.pass(Duration::from_mins(20));
            world.quiet().await;
        }
        assert_eq!(of_life(&world).len(), missed);
    }
    assert!(of_life(&world)[0].contains(r#""type":"urn:podbell:terms#Missed""#));
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_moved_meanwhile_is_not_gone() {
    let world = World::new(Settings::default());
    world.post.answer(|_| status(410));
    world.rules.moved.store(true, SeqCst);
    let channel = world.channel_with(HOOK, told);
    let id = world.owe(&channel, A, "a");
    world.until(|world| world.queue.tried(id) == Some(1)).await;
    world.quiet().await;
    assert!(world.queue.has(channel.id));
    assert_eq!(of_life(&world), [""; 0]);
}

/// The attempt under way goes to where it began; neither is it repeated where the receiver is now, nor is it lost.
#[tokio::test(start_paused = true)]
async fn a_receiver_that_moves_is_sent_nothing_twice_and_misses_nothing() {
    let world = World::new(Settings::default());
    world.post.answer(|outgoing| {
        if outgoing.url.as_str() == HOOK && outgoing.body.starts_with(b"a") { Reply::Hangs } else { status(204) }
    });
    let channel = world.channel_with(HOOK, told);
    let first = world.owe(&channel, A, "a");
    world.until(|world| world.post.count() == 1).await;
    assert!(world.queue.redirect(channel.id, "https://new.example/", &ChannelLimits::default()).await.unwrap());
    world.owe(&channel, A, "a2");
    world.owe(&channel, "https://pod.example/b", "b");
    world.until(|world| world.post.bodies().contains(&"b".to_owned())).await;
    world.quiet_but_for(1).await;
    assert_eq!(world.post.bodies(), ["a", "b"]);
    // It is given up after a while, and goes to the new place with what waited for it.
    tokio::time::sleep(Duration::from_secs(20)).await;
    world.until(|world| world.queue.tried(first) == Some(1)).await;
    world.pass(Duration::from_mins(5));
    world.until(|world| world.queue.pending() == 0).await;
    let hosts: Vec<_> = world.post.came.lock().iter().map(|(host, _, body)| format!("{host} {body}")).collect();
    assert_eq!(hosts, ["hook.example a", "new.example b", "new.example a", "new.example a2"]);
}

#[tokio::test(start_paused = true)]
async fn who_asked_is_told_once_that_somebody_else_ended_a_channel() {
    let world = World::new(Settings::default());
    let (told_of, other) = (world.channel_with(HOOK, told), world.channel(HOOK));
    for channel in [&told_of, &other] {
        assert!(world.courier.end(channel, crate::push::Removal::Ended).await.unwrap());
        assert!(!world.courier.end(channel, crate::push::Removal::Ended).await.unwrap());
    }
    world.until(|world| of_life(world).len() == 1 && world.queue.pending() == 0).await;
    world.quiet().await;
    assert!(of_life(&world)[0].contains(r#""urn:podbell:terms#reason":"ended""#));
    assert_eq!((world.post.count(), world.rules.removed.lock().len()), (1, 4));
}

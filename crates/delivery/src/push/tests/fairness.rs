//! Nobody delays others, and nobody is flooded.

use super::world::{Reply, World, status};
use crate::push::{Kind, Settings};
use bytes::Bytes;
use podbell_hub::{About, Position};
use podbell_model::{Sequence, Uuid};
use std::{num::NonZeroU32, time::Duration};

const FAST: NonZeroU32 = NonZeroU32::new(1_000_000).unwrap();

#[tokio::test(start_paused = true)]
async fn a_hundred_receivers_that_hang_delay_none_that_works() {
    let world = World::new(Settings { per_second: FAST, burst: FAST, ..Settings::default() });
    world.post.answer(
        |outgoing| {
            if outgoing.url.host_str().unwrap().starts_with("hung") { Reply::Hangs } else { status(204) }
        },
    );
    let channels = |kind: &str, count: u32| -> Vec<_> {
        (0..count).map(|number| world.channel(&format!("https://{kind}{number}.example/"))).collect()
    };
    let (hung, good) = (channels("hung", 100), channels("good", 20));
    for channel in hung.iter().chain(&good) {
        for number in 0..20 {
            world.owe(channel, &format!("https://pod.example/{number}"), "{}");
        }
    }
    world.until(|world| world.courier.counts().acknowledged == 400).await;
    let counts = world.courier.counts();
    assert_eq!(counts.failed, 0, "no time had to pass for that");
    world.quiet_but_for(100).await;
    let of_hung = world.post.came.lock().iter().filter(|(host, ..)| host.starts_with("hung")).count();
    assert_eq!(of_hung, 100, "each that hangs holds one place");
}

#[tokio::test(start_paused = true)]
async fn more_that_hang_than_there_are_places_leave_some_for_those_that_work() {
    let world = World::new(Settings { at_once: 16, per_second: FAST, burst: FAST, ..Settings::default() });
    let good = world.channel("https://good.example/");
    world.owe(&good, "https://pod.example/first", "{}");
    world.until(|world| world.courier.counts().acknowledged == 1).await;
    world.post.answer(
        |outgoing| {
            if outgoing.url.host_str().unwrap().starts_with("hung") { Reply::Hangs } else { status(204) }
        },
    );
    for number in 0..100 {
        world.owe(&world.channel(&format!("https://hung{number}.example/")), "https://pod.example/a", "{}");
    }
    world.until(|world| world.post.count() == 1 + 14).await;
    for number in 0..50 {
        world.owe(&good, &format!("https://pod.example/{number}"), "{}");
    }
    world.until(|world| world.courier.counts().acknowledged == 51).await;
    assert_eq!(world.courier.counts().failed, 0);
}

#[tokio::test(start_paused = true)]
async fn a_host_sees_no_more_than_its_rate_whoever_subscribed() {
    let world = World::new(Settings::default());
    for number in 0..400 {
        let channel = world.channel(&format!("https://victim.example/{number}"));
        world.owe_quietly(&channel, "https://pod.example/a", bytes::Bytes::from_static(b"{}").into());
    }
    world.courier.wake();
    world.quiet().await;
    assert_eq!(world.post.count(), 50, "a burst");
    for second in 1..=20 {
        for _ in 0..20 {
            tokio::time::advance(Duration::from_millis(50)).await;
            world.quiet().await;
        }
        let count = world.post.count();
        assert!(count <= 50 + 10 * second && count >= 45 + 10 * second, "{count} after {second} s");
    }
}

#[tokio::test(start_paused = true)]
async fn one_channel_and_one_host_have_only_so_much_under_way() {
    let world = World::new(Settings { per_second: FAST, burst: FAST, ..Settings::default() });
    let channels: Vec<_> = (0..3).map(|_| world.channel("https://hook.example/")).collect();
    for number in 0..20 {
        world.owe(&channels[0], &format!("https://pod.example/warm{number}"), "{}");
    }
    world.until(|world| world.queue.pending() == 0).await;
    world.post.answer(|_| Reply::Hangs);
    for channel in &channels[..1] {
        for number in 0..20 {
            world.owe(channel, &format!("https://pod.example/{number}"), "{}");
        }
    }
    world.quiet_but_for(4).await;
    assert_eq!(world.post.count(), 24, "four for one channel");
    for channel in &channels[1..] {
        for number in 0..20 {
            world.owe(channel, &format!("https://pod.example/{number}"), "{}");
        }
    }
    world.quiet_but_for(8).await;
    assert_eq!(world.post.count(), 28, "eight for one host, others' turn among them");
}

#[tokio::test(start_paused = true)]
async fn a_host_that_does_not_work_is_left_alone_and_then_tried_by_one() {
    let world = World::new(Settings::default());
    world.post.answer(|_| status(500));
    let channels: Vec<_> = (0..20).map(|number| world.channel(&format!("https://down.example/{number}"))).collect();
    let ids: Vec<_> = channels.iter().map(|channel| world.owe(channel, "https://pod.example/a", "{}")).collect();
    world.quiet().await;
    assert_eq!(world.post.count(), 5, "then the breaker opens");
    let untried = ids.iter().filter(|id| world.queue.tried(**id) == Some(0)).count();
    assert_eq!(untried, 15, "what waits loses no attempt");
    for (pause, count) in [(29, 5), (1, 6), (59, 6), (1, 7)] {
        tokio::time::advance(Duration::from_secs(pause)).await;
        world.quiet().await;
        assert_eq!(world.post.count(), count);
    }
    world.post.answer(|_| status(204));
    tokio::time::advance(Duration::from_mins(2)).await;
    world.quiet().await;
    world.pass(Duration::from_hours(1));
    world.until(|world| world.queue.pending() == 0).await;
}

#[tokio::test(start_paused = true)]
async fn what_grew_old_while_its_host_did_not_work_is_given_up_untried() {
    let world = World::new(Settings::default());
    world.post.answer(|_| status(500));
    let channels: Vec<_> = (0..30).map(|number| world.channel(&format!("https://down.example/{number}"))).collect();
    for channel in &channels {
        world.owe(channel, "https://pod.example/a", "{}");
    }
    world.quiet().await;
    assert_eq!(world.post.count(), 5);
    world.pass(Duration::from_hours(5 * 24));
    world.until(|world| world.queue.pending() == 0).await;
    assert!(world.post.count() <= 6, "{}", world.post.count());
    assert_eq!(world.courier.counts().dead, 30);
}

#[tokio::test(start_paused = true)]
async fn what_became_due_together_keeps_the_rate_of_its_topic() {
    let world = World::new(Settings::default());
    let channel = world.channel_with("https://hook.example/", |channel| channel.rate = Some(Duration::from_mins(1)));
    for number in 0..4 {
        let position = Position { sequence: Sequence(number), part: 0 };
        let about = About::topic(channel.topics[0].clone());
        let kind = Kind::Change { about, body: Bytes::from_static(b"{}").into(), position };
        world.owe_kind(&channel, &format!("https://pod.example/a/{number}"), Uuid::from_u128(number.into()), kind);
    }
    world.courier.wake();
    for told in 1..=4 {
        world.quiet().await;
        assert_eq!(world.post.count(), told, "one a minute");
        world.pass(Duration::from_secs(30));
        world.quiet().await;
        assert_eq!(world.post.count(), told);
        world.pass(Duration::from_secs(31));
    }
}

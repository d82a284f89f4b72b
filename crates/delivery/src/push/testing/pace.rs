//! What every queue keeps of rates and bounds, and of what may take the place of what, one function per fact.

use super::{BOUND, NOTHING, Parts, at, body, change, channel, message, topic};
use crate::push::Done;
use podbell_hub::{About, Channel, Owed, Position, What};
use podbell_model::Sequence;
use std::time::Duration;

/// See its name.
pub async fn the_rate_keeps_what_is_told_of_a_topic_apart(parts: &Parts) {
    let channel = Channel { rate: Some(Duration::from_secs(10)), ..channel(1, "hook.example", &["a", "b"]) };
    parts.keep(&channel).await;
    let rated = |path: &str, number, second, mergeable| {
        let owed = change(&channel, path, number);
        let What::Change { body, position, .. } = owed.what else { panic!("a change") };
        let what = What::Change { body, position, mergeable };
        Owed { what, due: at(second), rate: Some(Duration::from_secs(10)), ..owed }
    };
    parts.owe(vec![rated("a", 1, 0, false), rated("b", 2, 1, false)]).await;
    for delivery in parts.take("hook.example", 1, 9).await {
        parts.acknowledge(delivery.id, 1).await;
    }
    // The one before counts though it is delivered; a deletion waits and replaces nothing.
    parts.owe(vec![rated("a", 3, 2, false), rated("a", 4, 3, false), rated("b", 5, 30, false)]).await;
    // Counted from when it had arrived: an attempt takes a second.
    assert_eq!(parts.messages("hook.example", 11).await, NOTHING);
    let third = parts.one("hook.example", 12).await;
    parts.acknowledge(third.id, 12).await;
    assert_eq!(parts.messages("hook.example", 22).await, NOTHING);
    assert_eq!(parts.messages("hook.example", 23).await, [message(4)]);
    assert_eq!(parts.messages("hook.example", 30).await, [message(4), message(5)]);
}

/// See its name.
pub async fn what_is_late_keeps_the_rate_too(parts: &Parts) {
    let channel = Channel { rate: Some(Duration::from_secs(10)), ..channel(1, "hook.example", &["c/"]) };
    parts.keep(&channel).await;
    // Three members of one container.
    let added = |path: &str, number| {
        let mut owed = rated(change(&channel, path, number));
        owed.about = About::topic(topic("c/"));
        owed
    };
    parts.owe(vec![added("c/1", 1), added("c/2", 2), added("c/3", 3)]).await;
    // Nobody was there for an hour, all of it is due, and whoever delivers puts off what would come at once.
    let waiting = parts.take("hook.example", 3_600, 9).await;
    let [first, others @ ..] = &waiting[..] else { panic!("nothing is due") };
    for other in others {
        parts.queue.finish(other.id, None, &Done::Again(at(3_610))).await.unwrap();
    }
    parts.acknowledge(first.id, 3_600).await;
    assert_eq!(parts.messages("hook.example", 3_610).await, NOTHING);
    let second = parts.one("hook.example", 3_611).await;
    assert_eq!(second.message, message(2));
    parts.acknowledge(second.id, 3_611).await;
    assert_eq!(parts.messages("hook.example", 3_621).await, NOTHING);
    assert_eq!(parts.one("hook.example", 3_622).await.message, message(3));
}

fn rated(owed: Owed) -> Owed {
    Owed { rate: Some(Duration::from_secs(10)), ..owed }
}

/// See its name.
pub async fn an_update_takes_the_place_of_one_that_waits(parts: &Parts) {
    let channel = channel(1, "hook.example", &["a"]);
    parts.keep(&channel).await;
    parts.owe(vec![rated(change(&channel, "a", 1))]).await;
    let first = parts.one("hook.example", 0).await;
    parts.acknowledge(first.id, 0).await;
    for number in 2..5 {
        parts.owe(vec![rated(Owed { due: at(5), ..change(&channel, "a", number) })]).await;
    }
    assert_eq!(parts.queue.health(channel.id).await.unwrap().unwrap().pending, 1);
    let merged = parts.one("hook.example", 10).await;
    assert_eq!((merged.message, body(&merged)), (message(4), b"change 4".to_vec()));
    assert_eq!(merged.oldest, Some(Position { sequence: Sequence(4), part: 0 }));
}

/// See its name.
pub async fn what_is_under_way_is_never_replaced(parts: &Parts) {
    let channel = channel(1, "hook.example", &["a"]);
    parts.keep(&channel).await;
    parts.owe(vec![rated(change(&channel, "a", 1))]).await;
    let first = parts.one("hook.example", 0).await;
    parts.owe(vec![rated(change(&channel, "a", 2))]).await;
    parts.acknowledge(first.id, 0).await;
    let second = parts.one("hook.example", 10).await;
    assert_eq!(second.message, message(2));
    // Nothing was done with it, and it is nobody's any longer.
    parts.queue.finish(second.id, None, &Done::Again(at(20))).await.unwrap();
    parts.owe(vec![rated(change(&channel, "a", 3))]).await;
    assert_eq!(parts.one("hook.example", 20).await.message, message(3));
}

/// See its name.
pub async fn what_was_tried_or_is_no_update_is_never_replaced(parts: &Parts) {
    let channel = channel(1, "hook.example", &["a", "b"]);
    parts.keep(&channel).await;
    parts.owe(vec![rated(change(&channel, "a", 1))]).await;
    let first = parts.one("hook.example", 0).await;
    parts.fail(first.id, 0, Done::Again(at(100))).await;
    parts.owe(vec![rated(change(&channel, "a", 2))]).await;
    let mut deleted = rated(change(&channel, "b", 3));
    if let What::Change { mergeable, .. } = &mut deleted.what {
        *mergeable = false;
    }
    parts.owe(vec![deleted, rated(change(&channel, "b", 4))]).await;
    assert_eq!(parts.queue.health(channel.id).await.unwrap().unwrap().pending, 4);
    let mut heard = Vec::new();
    while let Some(next) = parts.take("hook.example", 1_000, 1).await.pop() {
        heard.push(next.message);
        parts.acknowledge(next.id, 1_000).await;
    }
    let place = |number| heard.iter().position(|heard| *heard == message(number)).unwrap();
    assert!(place(1) < place(2) && place(3) < place(4), "{heard:?}");
}

/// See its name.
pub async fn beyond_the_bound_nothing_is_queued_and_that_is_counted(parts: &Parts) {
    let channel = channel(1, "hook.example", &["a"]);
    parts.keep(&channel).await;
    let deleted = |number| {
        let mut owed = change(&channel, "a", number);
        if let What::Change { mergeable, .. } = &mut owed.what {
            *mergeable = false;
        }
        owed
    };
    parts.owe((1..=BOUND + 3).map(deleted).collect()).await;
    let health = parts.queue.health(channel.id).await.unwrap().unwrap();
    assert_eq!((health.pending, health.missed), (BOUND, 3));
    let first = parts.one("hook.example", 0).await;
    parts.acknowledge(first.id, 0).await;
    parts.owe(vec![deleted(100)]).await;
    let health = parts.queue.health(channel.id).await.unwrap().unwrap();
    assert_eq!((health.pending, health.missed), (BOUND, 3));
}

/// See its name.
pub async fn nothing_takes_the_place_of_anything_without_a_rate(parts: &Parts) {
    let channel = channel(1, "hook.example", &["a"]);
    parts.keep(&channel).await;
    for number in 1..=BOUND + 3 {
        parts.owe(vec![change(&channel, "a", number)]).await;
    }
    let health = parts.queue.health(channel.id).await.unwrap().unwrap();
    assert_eq!((health.pending, health.missed), (BOUND, 3));
    for number in 1..=BOUND {
        let next = parts.one("hook.example", 0).await;
        assert_eq!(next.message, message(number));
        parts.acknowledge(next.id, 0).await;
    }
}

//! Receivers that are away for an hour, for days, for good. The clock is passed in; the store is on disk.

use super::{subscribing::Ear, world::World};
use podbell_delivery::push::{DeadLetter, Outcome, Queue as _, Reason, Wanted, schedule::WAITS};
use podbell_model::Uuid;
use std::{collections::HashMap, time::Duration};

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// R-WH-6, R-WH-7: everything arrives once it is back, in order per resource, with the ids that were tried before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t_rc3_a_receiver_that_was_away_for_an_hour_hears_everything_in_order() {
    let mut world = World::new().await;
    let ear = Ear::new();
    let channel = world.channel(&ear.url()).await;
    ear.go_away();
    let mut happened = HashMap::<_, Vec<_>>::new();
    for pause in [5, 10, 20, 25].map(Duration::from_mins) {
        for name in ["a", "b", "c", "d", "e", "f"] {
            let (object, id) = world.put(name).await;
            happened.entry(object).or_default().push(id);
        }
        world.pass(pause).await;
        if pause == Duration::from_mins(10) {
            world.restart().await;
        }
    }
    assert_eq!(ear.count(), 0);
    let tried = ear.tried();
    let heads: Vec<_> = happened.values().map(|ids| ids[0]).collect();
    assert!(tried.iter().all(|id| heads.contains(id)), "what is later waits for what is before it");
    assert!(heads.iter().all(|head| tried.iter().filter(|id| *id == head).count() >= 3), "each was tried repeatedly");
    let health = world.queue().health(channel).await.unwrap().unwrap();
    assert_eq!((health.pending, health.last_success), (24, None));

    ear.come_back();
    // At the latest with the fifth attempt, which is two hours after the fourth, more or less.
    world.pass(3 * HOUR).await;
    let mut heard = HashMap::<_, Vec<_>>::new();
    for (object, id) in ear.all() {
        heard.entry(object).or_default().push(id);
    }
    assert_eq!(heard, happened, "each once, in order");
    let health = world.queue().health(channel).await.unwrap().unwrap();
    assert_eq!((health.pending, health.failing_since), (0, None));
}

/// R-WH-6: ten attempts over three days, a dead letter; switched off after five days of failures, removed after fourteen
/// more. Over restarts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_is_away_for_good_leaves_dead_letters_and_then_no_channel() {
    let mut world = World::new().await;
    let ear = Ear::new();
    let channel = world.channel(&ear.url()).await;
    ear.go_away();
    let (object, first) = world.put("a").await;
    let (_, second) = world.put("a").await;
    world.pass(HOUR).await;
    world.restart().await;
    let letters = async |world: &World| world.queue().dead_letters(channel, None, 9).await.unwrap();
    let began = world.now();
    while letters(&world).await.is_empty() {
        assert!(world.now() < began + 5 * DAY, "{:?}", ear.tried());
        world.pass(HOUR).await;
    }
    let letter = letters(&world).await.remove(0);
    let DeadLetter { message, attempts, last, .. } = letter;
    assert_eq!((message, attempts, last), (first, 10, Some(Outcome::Unreachable)));
    let is_first = |id: &&Uuid| **id == first;
    assert_eq!(ear.tried().iter().filter(is_first).count(), 10, "the same id each time");
    let noted = world.queue().attempts(channel, 50).await.unwrap();
    let times: Vec<_> = noted.iter().rev().filter(|(id, _)| is_first(&id)).map(|(_, attempt)| attempt.at).collect();
    for (two, wait) in times.windows(2).zip(WAITS) {
        let waited = Duration::try_from(two[1].duration_since(two[0])).unwrap();
        assert!(waited >= wait * 4 / 5 && waited <= wait * 6 / 5 + Duration::from_secs(1), "{waited:?} for {wait:?}");
    }

    // Redelivered, it goes before what is younger.
    world.restart().await;
    ear.come_back();
    assert_eq!(world.queue().redeliver(channel, &Wanted::All, world.now()).await.unwrap(), 1);
    world.pass(3 * HOUR).await;
    assert_eq!(ear.all(), [(object.clone(), first), (object, second)]);

    ear.go_away();
    let began = world.now();
    let mut days = 0;
    while world.queue().health(channel).await.unwrap().unwrap().disabled.is_none() {
        assert!(days < 6, "it is switched off");
        world.put(&format!("day-{days}")).await;
        world.pass(DAY).await;
        days += 1;
    }
    world.restart().await;
    let health = world.queue().health(channel).await.unwrap().unwrap();
    let (since, reason) = health.disabled.unwrap();
    assert!(since >= began + 5 * DAY && since <= began + 6 * DAY, "{began} {since}");
    assert_eq!(reason, Reason::Failing);
    let tried = ear.tried().len();
    world.put("later").await;
    world.pass((since + 14 * DAY).duration_since(world.now()).try_into().unwrap()).await;
    assert_eq!(ear.tried().len(), tried, "nothing is tried while it is off");
    assert_eq!(ear.count(), 2);
    let deadline = std::time::Instant::now() + Duration::from_mins(1);
    while world.has(channel).await {
        assert!(std::time::Instant::now() < deadline, "it is removed");
    }
}

//! Cursors: what goes out with a notification brings a listener back to exactly the next one.

use super::world::*;
use crate::{Begin, Channel, Position};
use std::time::Duration;

fn with_cursor(world: &World, name: &str, paths: &[&str]) -> Channel {
    Channel { rendering: WITH_CURSOR, ..world.channel(name, paths) }
}

fn facts(listener: &Listener) -> Vec<(Position, String)> {
    let lines = listener.ear.heard();
    lines.iter().map(|line| opened(line)).map(|(position, fact)| (position, fact.to_owned())).collect()
}

/// Whatever was heard last, coming back with its cursor gives the rest: nothing twice, nothing left out.
async fn every_cut_is_whole(world: &World, channel: &Channel, listener: &Listener) {
    let all = facts(listener);
    for (index, (cursor, _)) in all.iter().enumerate() {
        let again = world.begin(channel, Begin::After(*cursor)).await;
        world.quiet().await;
        let rest: Vec<_> = facts(&again).into_iter().map(|(_, fact)| fact).collect();
        let expected: Vec<_> = all[index + 1..].iter().map(|(_, fact)| fact.clone()).collect();
        assert_eq!(rest, expected, "after {:?}", all[index]);
    }
}

#[tokio::test]
async fn a_cursor_leads_to_the_next_notification_wherever_the_cut_is() {
    let world = World::new();
    let channel = with_cursor(&world, "bob", &["/c/x", "/c/", "/a"]);
    let bob = world.listen(&channel).await;
    for _ in 0..3 {
        world.write("/c/x");
        world.write("/a");
        world.delete("/c/x");
        world.quiet().await;
    }
    assert!(facts(&bob).len() > 9, "both the object and its container are told");
    every_cut_is_whole(&world, &channel, &bob).await;
}

#[tokio::test]
async fn a_cursor_of_a_burst_leads_to_the_next_notification() {
    let world = World::new();
    let channel = with_cursor(&world, "bob", &["/c/x", "/c/", "/a"]);
    let bob = world.listen(&channel).await;
    for _ in 0..100 {
        world.write("/c/x");
        world.write("/a");
    }
    world.quiet().await;
    every_cut_is_whole(&world, &channel, &bob).await;
}

#[tokio::test]
async fn what_the_rate_holds_back_is_not_behind_the_cursor() {
    let world = World::new();
    let rate = Some(Duration::from_secs(10));
    let channel = Channel { rate, ..with_cursor(&world, "bob", &["/a", "/b"]) };
    let bob = world.listen(&channel).await;
    let first = world.write("/a");
    let held = world.write("/a");
    let later = world.write("/b");
    world.quiet().await;
    let told = facts(&bob);
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(told[0].0.sequence, first);
    assert!(told[1].0 < Position::after(held), "the cursor with {later:?} leads back to what is held");
    drop(bob);
    let again = world.begin(&channel, Begin::After(told[1].0)).await;
    world.quiet().await;
    world.pass(Duration::from_secs(11));
    world.quiet().await;
    assert!(facts(&again).iter().any(|(_, fact)| *fact == format!("Update /a {}", held.0)));
}

#[tokio::test]
async fn a_place_in_the_future_and_one_that_is_gone_begin_with_a_gap_and_how_things_stand() {
    let world = World::new();
    let channel = with_cursor(&world, "bob", &["/a", "/b"]);
    world.hub.subscribe(channel.clone()).await.unwrap();
    let head = world.write("/a");
    world.quiet().await;
    let future = Begin::After(Position::after(podbell_model::Sequence(head.0 + 1)));
    for begin in [future, Begin::Lost] {
        let bob = world.begin(&channel, begin).await;
        world.quiet().await;
        let lines: Vec<_> = facts(&bob).into_iter().map(|(_, fact)| fact).collect();
        assert_eq!(lines[0], "Gap");
        assert!(lines[1].starts_with("State /a") && lines[2].starts_with("State /b"), "{lines:?}");
        assert_eq!(facts(&bob).last().unwrap().0, Position::after(head));
    }
    let bob = world.begin(&channel, Begin::Standing).await;
    world.quiet().await;
    assert_eq!(facts(&bob).len(), 2, "no gap where none was");
}

#[tokio::test]
async fn who_cannot_be_told_of_a_gap_is_let_go_instead() {
    let world = World::new();
    let channel = Channel { rendering: super::world::WITHOUT_GAPS, ..world.channel("bob", &["/a"]) };
    world.hub.subscribe(channel.clone()).await.unwrap();
    world.write("/a");
    world.quiet().await;
    let bob = world.begin(&channel, Begin::Lost).await;
    world.quiet().await;
    assert!(!bob.connection.is_open() && bob.ear.facts().is_empty());
    let bob = world.begin(&channel, Begin::Now).await;
    world.quiet().await;
    assert!(bob.connection.is_open());
}

#[tokio::test]
async fn an_idle_connection_has_a_cursor_behind_everything() {
    let world = World::new();
    let channel = with_cursor(&world, "bob", &["/a"]);
    let bob = world.listen(&channel).await;
    let head = world.write("/elsewhere");
    world.quiet().await;
    let mut cursor = None;
    bob.connection.when_idle(|sealed| cursor = Some(opened(std::str::from_utf8(sealed).unwrap()).0));
    assert_eq!(cursor, Some(Position::after(head)));
    bob.block();
    world.write("/a");
    world.quiet().await;
    bob.connection.when_idle(|_| panic!("something waits"));
}

#[tokio::test]
async fn a_channel_that_is_kept_nowhere_is_judged_and_limited_as_others() {
    let world = World::new();
    let channel = Channel { capability: None, ..world.channel("bob", &["/a"]) };
    let ear = std::sync::Arc::new(Ear { room: usize::MAX.into(), ..Ear::default() });
    let admission = world.hub.attend(channel.clone()).await.unwrap();
    let connection = admission.register(std::sync::Arc::clone(&ear) as _, Begin::Standing, None);
    world.quiet().await;
    world.write("/a");
    world.quiet().await;
    assert_eq!(ear.facts().len(), 2);
    world.allow("/a", &["alice"]);
    world.write("/a");
    world.quiet().await;
    assert_eq!(ear.facts().len(), 2);
    assert!(!connection.is_open());
    assert!(world.hub.attend(channel).await.is_err());
}

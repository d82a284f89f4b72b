//! History that is owed anew: the same messages, by the same rules, as far as it is known.

use super::world::*;
use crate::{Again, AgainError, Channel, ChannelStore, Leave, Position, What};
use podbell_model::Sequence;
use std::sync::atomic::Ordering::SeqCst;

/// What a channel is owed once history since a place is owed anew, after everything before was delivered.
async fn again(world: &World, channel: &Channel, after: Position) -> (Again, Vec<String>) {
    world.owed(channel).await;
    world.owing.take();
    let again = world.hub.owe_again(channel, after).await.unwrap();
    (again, world.words(channel).await)
}

fn all(owed: u64) -> Again {
    Again { owed, ..Again::default() }
}

#[tokio::test]
async fn what_was_told_since_a_place_is_owed_anew_under_the_same_ids() {
    let world = World::new();
    let bob = world.push("bob", &["/a", "/c/"]).await;
    let first = world.write("/a");
    world.write("/b");
    world.write("/c/x");
    world.write("/a");
    let before = world.owed(&bob).await;
    let (told, words) = again(&world, &bob, Position::after(first)).await;
    assert_eq!((told, words), (all(2), vec!["Add /c/x".to_owned(), "Update /a".to_owned()]));
    let facts = |owed: &crate::Owed| (owed.message, owed.object.clone(), owed.about.clone(), owed.position());
    let after = world.owed(&bob).await;
    assert_eq!(after.iter().map(facts).collect::<Vec<_>>(), before[1..].iter().map(facts).collect::<Vec<_>>());
    let (told, words) = again(&world, &bob, Position::after(Sequence(0))).await;
    assert_eq!((told, words.len()), (all(3), 3));
    let head = podbell_log::Log::head(&*world.past);
    assert_eq!(again(&world, &bob, Position::after(head)).await, (all(0), vec![]));
}

#[tokio::test]
async fn what_is_owed_already_is_owed_once() {
    let world = World::new();
    let bob = world.push("bob", &["/a"]).await;
    world.write("/a");
    world.write("/a");
    let before = world.owed(&bob).await;
    assert_eq!(world.hub.owe_again(&bob, Position::after(Sequence(0))).await.unwrap(), all(0));
    assert_eq!(world.owed(&bob).await.len(), before.len());
}

#[tokio::test]
async fn of_a_commit_that_was_heard_in_part_the_rest_is_owed() {
    let world = World::new();
    let bob = world.push("bob", &["/c/", "/c/x"]).await;
    world.write("/c/x");
    let first = world.owed(&bob).await[0].position().unwrap();
    assert_eq!(again(&world, &bob, first).await, (all(1), vec!["Add /c/x".to_owned()]));
    assert_eq!(again(&world, &bob, first.before()).await.0, all(2));
}

/// Both are asked: what was closed then is not told because it is open now, nor what is closed now because it was open.
#[tokio::test]
async fn the_rules_of_then_and_of_now_are_kept() {
    let world = World::new();
    let bob = world.push("bob", &["/a", "/b"]).await;
    world.write("/a");
    world.allow("/b", &["alice"]);
    world.write("/b");
    world.allow("/b", &["alice", "bob"]);
    world.write("/b");
    let start = Position::after(Sequence(0));
    let (told, words) = again(&world, &bob, start).await;
    assert_eq!((told, words), (all(2), vec!["Create /a".to_owned(), "Update /b".to_owned()]));
    let owed = world.owed(&bob).await;
    world.allow("/a", &["alice"]);
    let leave = world.hub.leave(&bob, &owed[0].about).await;
    assert!(matches!(leave, Leave::Withheld { .. }), "{leave:?}");
    assert!(owed.iter().all(|owed| matches!(owed.what, What::Change { .. })));
}

#[tokio::test]
async fn what_the_channel_led_to_itself_rings_it_as_little_as_before() {
    let world = World::new();
    let bob = world.push("bob", &["/a"]).await;
    world.past.causes.lock().push(bob.id.0);
    world.write("/a");
    world.past.causes.lock().clear();
    world.write("/a");
    let (told, words) = again(&world, &bob, Position::after(Sequence(0))).await;
    assert_eq!((told, words), (all(1), vec!["Update /a".to_owned()]));
}

#[tokio::test]
async fn what_was_before_the_channel_is_told_too() {
    let world = World::new();
    world.write("/a");
    let bob = world.push("bob", &["/a"]).await;
    let (told, words) = again(&world, &bob, Position::after(Sequence(0))).await;
    assert_eq!((told, words), (all(1), vec!["Create /a".to_owned()]));
}

#[tokio::test]
async fn history_that_is_gone_is_a_gap() {
    let world = World::new();
    let bob = world.push("bob", &["/a"]).await;
    let pruned = (0..5).map(|_| world.write("/a")).last().unwrap();
    world.write("/a");
    world.owed(&bob).await;
    world.quiet().await;
    world.past.pruned.store(pruned.0, SeqCst);
    let gap = Again { gap: true, ..all(1) };
    assert_eq!(again(&world, &bob, Position::after(Sequence(2))).await.0, gap);
    assert_eq!(again(&world, &bob, Position::after(pruned)).await.0, all(1));
    let never = Position { sequence: Sequence(u64::MAX), part: 7 };
    assert_eq!(again(&world, &bob, never).await.0, gap, "of a place that never was, nothing is known");
}

#[tokio::test]
async fn without_room_for_all_of_it_is_told_where_to_go_on() {
    let world = World::new();
    let bob = world.push("bob", &["/a"]).await;
    for _ in 0..200 {
        world.write("/a");
    }
    world.owed(&bob).await;
    world.owing.take();
    world.owing.room(150);
    let told = world.hub.owe_again(&bob, Position::after(Sequence(0))).await.unwrap();
    assert_eq!((told.owed, told.gap), (150, false));
    let (rest, words) = again(&world, &bob, told.next.unwrap()).await;
    assert_eq!((rest, words.len()), (all(50), 50));
}

#[tokio::test]
async fn without_rules_nothing_is_owed_anew() {
    let world = World::new();
    let bob = world.push("bob", &["/a"]).await;
    world.write("/a");
    world.owed(&bob).await;
    world.owing.take();
    world.past.failing.store(true, SeqCst);
    let told = world.hub.owe_again(&bob, Position::after(Sequence(0))).await;
    assert!(matches!(told, Err(AgainError::Rules(_))), "{told:?}");
    assert!(world.owing.take().is_empty());
}

/// Two deliveries find two topics lost, and each keeps the other's: the last one is left for its last words.
#[tokio::test]
async fn topics_that_are_lost_together_leave_the_channel_to_whoever_removes_it() {
    let world = World::new();
    let bob = world.push("bob", &["/a", "/b"]).await;
    assert!(world.store.narrow(bob.id, &bob.topics[1..]).await.unwrap());
    assert!(!world.store.narrow(bob.id, &bob.topics[..1]).await.unwrap());
    assert_eq!(*world.store.get(bob.id).await.unwrap().unwrap().topics, bob.topics[1..]);
}

#[tokio::test]
async fn who_has_lost_history_has_missed_something() {
    let mut world = World::new();
    let (bob, other) = (world.push("bob", &["/a"]).await, world.push("bob", &["/b"]).await);
    world.write("/a");
    world.owed(&bob).await;
    world.hub = std::sync::Arc::clone(&World::new().hub);
    let pruned = (0..5).map(|_| world.write("/a")).last().unwrap();
    world.past.pruned.store(pruned.0, SeqCst);
    world.restart();
    world.write("/a");
    world.owed(&bob).await;
    let late = world.push("bob", &["/a"]).await;
    assert_eq!(world.words(&late).await, [""; 0]);
    let mut missed = world.owing.missed();
    missed.sort_unstable();
    assert_eq!(missed, [bob.id, other.id]);
}

//! What is counted as delivered, for the owner of a storage.

use super::world::*;
use crate::{Begin, Channel};
use podbell_model::{StorageId, Timestamp};
use std::time::Duration;

fn delivered(world: &World) -> u32 {
    let now: Timestamp = world.past.time();
    world.hub.traffic().lately(world.channel("bob", &["/"]).topics[0].storage, now).iter().sum()
}

#[tokio::test]
async fn each_connection_that_takes_a_notification_counts_once() {
    let world = World::new();
    let _listeners =
        (world.hear("bob", &["/a"]).await, world.hear("bob", &["/a"]).await, world.hear("alice", &["/b"]).await);
    assert_eq!(delivered(&world), 0);
    world.write("/a");
    world.quiet().await;
    assert_eq!(delivered(&world), 2);
    world.write("/b");
    world.quiet().await;
    assert_eq!(delivered(&world), 3);
    assert_eq!(world.hub.traffic().lately(StorageId(77), world.past.time()), [0; crate::MINUTES]);
}

#[tokio::test]
async fn what_a_slow_socket_takes_counts_when_it_takes_it_and_what_is_refused_never() {
    let world = World::new();
    let bob = world.hear("bob", &["/a"]).await;
    bob.block();
    world.write("/a");
    world.quiet().await;
    assert_eq!(delivered(&world), 0);
    bob.unblock();
    world.quiet().await;
    assert_eq!((delivered(&world), bob.ear.heard().len()), (1, 1));
    world.allow("/a", &["alice"]);
    world.write("/a");
    world.quiet().await;
    assert_eq!(delivered(&world), 1);
}

#[tokio::test]
async fn what_was_missed_counts_when_it_is_told_and_so_does_the_state_on_connecting() {
    let world = World::new();
    let channel = world.channel("bob", &["/a"]);
    let bob = world.listen(&channel).await;
    let heard = world.write("/a");
    world.quiet().await;
    drop(bob);
    world.write("/a");
    world.write("/a");
    world.quiet().await;
    assert_eq!(delivered(&world), 1);
    let bob = world.connect(&channel, Some(heard)).await;
    world.quiet().await;
    assert_eq!((delivered(&world), bob.ear.heard().len()), (3, 2));
    let stated = Channel { state: Some("old".into()), ..world.channel("bob", &["/a"]) };
    world.hub.subscribe(stated.clone()).await.unwrap();
    let bob = world.begin(&stated, Begin::Now).await;
    world.quiet().await;
    assert_eq!(delivered(&world), 3 + u32::try_from(bob.ear.heard().len()).unwrap());
    world.pass(Duration::from_hours(1));
    assert_eq!(delivered(&world), 0);
}

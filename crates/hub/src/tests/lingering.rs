//! Channels that end with their last connection.

use super::world::World;
use crate::{Begin, Channel, ChannelStore as _, ConnectError, ConnectionLimit, Ending, Position};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn lingers(world: &World, linger: Duration) -> Channel {
    let connections = ConnectionLimit { concurrent: 1, total: Some(1) };
    Channel { linger: Some(linger), connections, ..world.channel("bob", &["/a"]) }
}

async fn gone(world: &World, channel: &Channel) {
    while world.store.get(channel.id).await.unwrap().is_some() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_channel_without_grace_ends_with_its_connection() {
    let world = World::new();
    let channel = lingers(&world, Duration::ZERO);
    let bob = world.listen(&channel).await;
    world.write("/a");
    world.quiet().await;
    assert_eq!(bob.ear.facts(), ["Create /a"]);
    drop(bob);
    gone(&world, &channel).await;
    let hash = channel.capability.unwrap();
    assert!(matches!(world.hub.admit(&hash).await, Err(ConnectError::Ended)));
    assert!(matches!(world.hub.admit_again(&hash).await, Err(ConnectError::Ended)));
}

#[tokio::test]
async fn whoever_comes_back_in_time_goes_on_and_the_grace_begins_anew() {
    let world = World::new();
    let channel = lingers(&world, 60 * SECOND);
    let hash = channel.capability.unwrap();
    let mut bob = world.listen(&channel).await;
    for _ in 0..3 {
        let heard = world.write("/a");
        world.quiet().await;
        drop(bob);
        world.quiet().await;
        world.write("/a");
        world.pass(59 * SECOND);
        assert!(matches!(world.hub.admit(&hash).await, Err(ConnectError::Ended)), "it opens once");
        bob = world.again(&channel, Begin::After(Position::after(heard))).await;
        world.quiet().await;
        assert_eq!(bob.ear.facts(), ["Update /a"]);
    }
    world.pass(120 * SECOND);
    world.quiet().await;
    assert!(world.store.get(channel.id).await.unwrap().is_some(), "as long as somebody is connected");
    drop(bob);
    world.pass(60 * SECOND);
    gone(&world, &channel).await;
    assert!(matches!(world.hub.admit_again(&hash).await, Err(ConnectError::Ended)));
}

#[tokio::test]
async fn who_comes_back_takes_the_place_of_the_connection_that_was() {
    let world = World::new();
    let channel = lingers(&world, 60 * SECOND);
    let one = world.listen(&channel).await;
    let heard = world.write("/a");
    world.quiet().await;
    let two = world.again(&channel, Begin::After(Position::after(heard))).await;
    world.until(|| one.ear.closed().is_some()).await;
    assert_eq!(one.ear.closed(), Some((Ending::Shutdown, false)));
    drop(one);
    world.pass(120 * SECOND);
    world.write("/a");
    world.quiet().await;
    assert_eq!(two.ear.facts(), ["Update /a"]);
}

/// However often somebody tries who has only found the URL, the place is kept for who was connected.
#[tokio::test]
async fn nobody_else_takes_the_place_of_who_comes_back_not_even_for_a_moment() {
    let world = World::new();
    let channel = lingers(&world, 60 * SECOND);
    let hash = channel.capability.unwrap();
    drop(world.listen(&channel).await);
    world.quiet().await;
    for _ in 0..3 {
        let tried = async { tokio::join!(world.hub.admit(&hash), world.hub.admit(&hash)) };
        let (tried, back) = tokio::join!(tried, world.hub.admit_again(&hash));
        assert!(matches!(tried, (Err(ConnectError::Ended), Err(ConnectError::Ended))), "{tried:?}");
        assert!(back.is_ok(), "{back:?}");
        drop(back);
        world.quiet().await;
    }
    world.pass(60 * SECOND);
    gone(&world, &channel).await;
}

#[tokio::test]
async fn who_lost_read_meanwhile_does_not_come_back() {
    let world = World::new();
    let channel = lingers(&world, 60 * SECOND);
    drop(world.listen(&channel).await);
    world.quiet().await;
    world.allow("/", &[]);
    world.allow("/a", &[]);
    let refused = world.hub.admit_again(&channel.capability.unwrap()).await;
    assert!(matches!(refused, Err(ConnectError::Forbidden)), "{refused:?}");
    gone(&world, &channel).await;
}

#[tokio::test]
async fn one_that_nobody_has_opened_is_not_opened_by_coming_back_twice() {
    let world = World::new();
    let channel =
        Channel { connections: ConnectionLimit { concurrent: 2, total: Some(1) }, ..world.channel("bob", &["/a"]) };
    world.hub.subscribe(channel.clone()).await.unwrap();
    let hash = channel.capability.unwrap();
    let first = world.hub.admit_again(&hash).await;
    assert!(first.is_ok());
    assert!(matches!(world.hub.admit_again(&hash).await, Err(ConnectError::Ended)), "it does not linger");
}

//! How topics stand, for channels that push and asked for that.

use super::world::*;
use crate::{Channel, Position, SubscribeError, Told, What, testing::Trouble};
use std::time::Duration;

async fn with_state(world: &World, state: &str) -> Channel {
    world.pushes(Channel { state: Some(state.into()), ..world.channel("bob", &["/a"]) }).await
}

async fn shown(world: &World, channel: &Channel) -> Option<String> {
    let owed = world.owed(channel).await.remove(0);
    assert!(matches!(owed.what, What::State));
    let shown = world.hub.standing_for(channel, &owed.about, owed.message).await.unwrap()?;
    Some(std::str::from_utf8(&shown.body.bytes).unwrap().trim().to_owned())
}

#[tokio::test]
async fn another_state_than_the_receiver_knows_is_told_at_once() {
    let world = World::new();
    let channel = with_state(&world, "").await;
    assert_eq!(shown(&world, &channel).await, None, "nothing stands there, as it knows");
    world.write("/a");
    let stands = shown(&world, &channel).await.expect("something stands there now");
    let state = stands.strip_prefix("State /a ").unwrap().to_owned();
    let same = with_state(&world, &state).await;
    assert_eq!(shown(&world, &same).await, None);
    world.delete("/a");
    assert_eq!(shown(&world, &same).await.as_deref(), Some("State /a gone"));
    let due = world.owed(&same).await[0].due;
    assert_eq!(due, world.past.time());
}

#[tokio::test]
async fn the_state_is_compared_when_the_channel_begins() {
    let world = World::new();
    let start_at = Some(world.past.time() + Duration::from_mins(1));
    let channel = Channel { start_at, state: Some("x".into()), ..world.channel("bob", &["/a"]) };
    let channel = world.pushes(channel).await;
    assert_eq!(Some(world.owed(&channel).await[0].due), start_at);
}

#[tokio::test]
async fn who_asked_for_no_state_is_told_none() {
    let world = World::new();
    world.write("/a");
    let channel = world.push("bob", &["/a"]).await;
    assert!(world.owed(&channel).await.is_empty());
    let about = crate::About::topic(channel.topics[0].clone());
    let shown = world.hub.standing_for(&channel, &about, channel.id.0).await.unwrap();
    assert!(shown.is_none());
}

#[tokio::test]
async fn the_state_goes_along_with_what_was_told() {
    let world = World::new();
    let channel = with_state(&world, "x").await;
    let kept = async |told| {
        world.hub.told(&channel, &told).await.unwrap();
        crate::ChannelStore::get(&*world.store, channel.id).await.unwrap().unwrap().state
    };
    assert_eq!(kept(Told::State("y".into())).await.as_deref(), Some("y"));
    let created = world.write("/a");
    let of = |sequence| Told::Change(Position { sequence, part: 0 });
    let version = podbell_model::activity::version(podbell_model::Uuid::from_u128(u128::from(created.0) | 0xF00 << 64));
    assert_eq!(kept(of(created)).await, Some(version));
    let elsewhere = world.write("/b");
    assert_ne!(kept(of(elsewhere)).await.as_deref(), Some(""), "something else");
    let deleted = world.delete("/a");
    assert_eq!(kept(of(deleted)).await.as_deref(), Some(""));
}

#[tokio::test]
async fn a_removal_tells_how_the_container_stands_and_not_that_it_is_gone() {
    let world = World::new();
    world.write("/c/");
    world.write("/c/x");
    let pushed = Channel { state: Some("x".into()), ..world.channel("bob", &["/c/"]) };
    let pushed = world.pushes(pushed).await;
    let pulled = Channel { state: Some("x".into()), ..world.channel("bob", &["/c/"]) };
    let listener = world.listen(&pulled).await;
    world.quiet().await;
    let removed = world.delete("/c/x");
    world.quiet().await;
    drop(listener);
    world.hub.drain().await;
    let id = podbell_model::Uuid::from_u128(u128::from(removed.0) | 0xF00 << 64);
    let stands = podbell_model::activity::membership_version(id, &iri("/c/"));
    let told = Told::Change(Position { sequence: removed, part: 1 });
    world.hub.told(&pushed, &told).await.unwrap();
    for channel in [pulled, pushed] {
        let kept = crate::ChannelStore::get(&*world.store, channel.id).await.unwrap().unwrap();
        assert_eq!(kept.state.as_ref(), Some(&stands));
    }
}

#[tokio::test]
async fn what_cannot_be_owed_was_not_subscribed_to() {
    let world = World::new();
    world.owing.trouble(Trouble::Before);
    let push = Some(std::sync::Arc::new(crate::Push::to("https://hook.example/")));
    let channel = Channel { capability: None, push, state: Some("x".into()), ..world.channel("bob", &["/a"]) };
    let refused = world.hub.subscribe(channel).await;
    assert!(matches!(refused, Err(SubscribeError::Store(_))), "{refused:?}");
    assert!(world.store.all().is_empty());
}

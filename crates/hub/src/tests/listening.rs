//! What the owner of a storage sees of who listens there, and ends: also what is not kept.

use super::world::*;
use crate::{Begin, Channel, ChannelError, Connection, Ending, Hub, Topic};
use podbell_model::{StorageId, Subject, Timestamp};
use std::{
    sync::{Arc, atomic::Ordering::SeqCst},
    time::Duration,
};

const OTHER: StorageId = StorageId(2);

fn ours(storage: StorageId) -> bool {
    storage == POD
}

fn nobodys(_: StorageId) -> bool {
    false
}

fn ear() -> Arc<Ear> {
    Arc::new(Ear { room: usize::MAX.into(), ..Ear::default() })
}

/// Somebody listens without a channel that is kept.
async fn attend(world: &World, name: &str, path: &str) -> (Channel, Arc<Ear>, Connection) {
    let channel = Channel { capability: None, ..world.channel(name, &[path]) };
    let (ear, admission) = (ear(), world.hub.attend(channel.clone()).await.unwrap());
    let connection = admission.register(Arc::clone(&ear) as _, Begin::Now, None);
    (channel, ear, connection)
}

fn attending(hub: &Hub) -> Vec<crate::ChannelId> {
    hub.attending(POD, 0, 10).0.iter().map(|attending| attending.channel.id).collect()
}

/// A channel of bob with `/a` in one storage and `/b` in another.
fn over_two(world: &World) -> Channel {
    let topic = |storage, path| Topic { storage, resource: iri(path) };
    Channel { topics: Arc::new([topic(POD, "/a"), topic(OTHER, "/b")]), ..world.channel("bob", &["/a"]) }
}

fn fares(world: &World, channel: &Channel) -> (usize, Option<Timestamp>) {
    let listening = world.hub.listening(std::slice::from_ref(channel))[0];
    (listening.connections, listening.delivered)
}

/// The instant without what is less than a second.
fn whole(at: Timestamp) -> Option<Timestamp> {
    Timestamp::from_second(at.as_second()).ok()
}

#[tokio::test]
async fn when_something_was_handed_over_last_is_known_also_when_nobody_is_connected() {
    let world = World::new();
    world.pass(Duration::from_millis(1_700_000_500_300));
    let channel = world.channel("bob", &["/a"]);
    let bob = world.listen(&channel).await;
    assert_eq!(fares(&world, &channel), (1, None));
    world.write("/a");
    world.quiet().await;
    let first = whole(world.past.time());
    assert_eq!(fares(&world, &channel), (1, first));
    world.pass(Duration::from_mins(1));
    world.write("/b");
    world.quiet().await;
    let also = world.connect(&channel, None).await;
    assert_eq!(fares(&world, &channel), (2, first), "it heard nothing of that");
    drop((bob, also));
    assert_eq!(fares(&world, &channel), (0, first));
    let bob = world.connect(&channel, None).await;
    assert_eq!(fares(&world, &channel), (1, first));
    // What waits counts when it goes.
    bob.block();
    world.write("/a");
    world.quiet().await;
    assert_eq!(fares(&world, &channel), (1, first));
    world.pass(Duration::from_secs(5));
    bob.unblock();
    world.quiet().await;
    assert_eq!(fares(&world, &channel), (1, whole(world.past.time())));
}

#[tokio::test]
async fn a_time_is_forgotten_that_may_be_of_a_topic_that_was_lost() {
    let world = World::new();
    world.pass(Duration::from_hours(10_000));
    let channel = over_two(&world);
    let bob = world.listen(&channel).await;
    world.write("/a");
    world.quiet().await;
    assert!(fares(&world, &channel).1.is_some());
    world.hub.unsubscribe(channel.id, &agent("owner"), ours).await.unwrap();
    assert_eq!(fares(&world, &channel), (1, None));
    drop(bob);
    // The same while nobody is connected.
    let channel = over_two(&world);
    let bob = world.listen(&channel).await;
    world.write("/a");
    world.quiet().await;
    drop(bob);
    world.hub.unsubscribe(channel.id, &agent("owner"), ours).await.unwrap();
    let narrowed = world.hub.channel(channel.id, &agent("bob"), nobodys).await.unwrap();
    assert_eq!(fares(&world, &narrowed), (0, None));
}

#[tokio::test]
async fn what_is_not_kept_is_seen_and_ended_by_the_owner_of_the_storage_alone() {
    let world = World::new();
    let (channel, bob, connection) = attend(&world, "bob", "/a").await;
    let id = channel.id;
    assert_eq!(attending(&world.hub), [id]);
    assert!(world.hub.attending(OTHER, 0, 10).0.is_empty());
    assert!(world.kept().await.is_empty());
    let seen = world.hub.channel(id, &agent("owner"), ours).await.unwrap();
    assert_eq!((&seen.topics, seen.is_kept()), (&channel.topics, false));
    // Not by who listens either: nobody tells them a name.
    for stranger in ["bob", "carol"] {
        let seen = world.hub.channel(id, &agent(stranger), nobodys).await;
        assert!(matches!(seen, Err(ChannelError::Stranger)), "{seen:?}");
        let ended = world.hub.unsubscribe(id, &agent(stranger), |storage| storage == OTHER).await;
        assert!(matches!(ended, Err(ChannelError::Stranger)), "{ended:?}");
    }
    let seen = world.hub.channel(id, &Subject::default(), nobodys).await;
    assert!(matches!(seen, Err(ChannelError::Anonymous)), "{seen:?}");
    assert!(connection.is_open());
    world.hub.unsubscribe(id, &agent("owner"), ours).await.unwrap();
    assert_eq!(bob.closed(), Some((Ending::Unsubscribed, false)));
    world.write("/a");
    world.quiet().await;
    assert_eq!((bob.heard(), bob.late.load(SeqCst)), (vec![], 0));
    assert!(attending(&world.hub).is_empty());
    let again = world.hub.unsubscribe(id, &agent("owner"), ours).await;
    assert!(matches!(again, Err(ChannelError::Ended)), "{again:?}");
    let told = world.hub.channel(id, &agent("bob"), nobodys).await;
    assert!(matches!(told, Err(ChannelError::Stranger)), "{told:?}");
    // Whoever may read may come again.
    let (_, bob, _connection) = attend(&world, "bob", "/a").await;
    world.write("/a");
    world.quiet().await;
    assert_eq!(bob.facts(), ["Update /a"]);
}

#[tokio::test]
async fn what_is_not_kept_is_listed_in_order_part_by_part_and_gone_with_its_connection() {
    let world = World::new();
    let mut open = Vec::new();
    for _ in 0..5 {
        open.push(attend(&world, "bob", "/a").await);
    }
    let ids: Vec<_> = open.iter().map(|(channel, ..)| channel.id).collect();
    let (mut seen, mut after) = (Vec::new(), Some(0));
    while let Some(place) = after {
        let (found, next) = world.hub.attending(POD, place, 2);
        seen.push(found.len());
        after = next;
    }
    assert_eq!((seen, attending(&world.hub)), (vec![2, 2, 1], ids));
    open.clear();
    assert!(attending(&world.hub).is_empty());
    assert!(world.hub.inner.shard.lock().attending.is_empty());
}

#[tokio::test]
async fn of_two_who_end_the_same_one_has() {
    let world = World::new();
    let (channel, ..) = attend(&world, "bob", "/a").await;
    assert!(world.hub.withdraw_from(POD, channel.id, &agent("owner")).await.is_err(), "its connection was dropped");
    let (channel, _ear, _connection) = attend(&world, "bob", "/a").await;
    let owner = agent("owner");
    let end = || world.hub.withdraw_from(POD, channel.id, &owner);
    let (one, other) = tokio::join!(end(), end());
    assert_eq!(usize::from(one.is_ok()) + usize::from(other.is_ok()), 1);
}

#[tokio::test]
async fn what_is_ended_in_one_storage_leaves_the_others_whoever_asks() {
    let world = World::new();
    let channel = over_two(&world);
    let bob = world.listen(&channel).await;
    // Also for who made it.
    assert!(world.hub.withdraw_from(OTHER, channel.id, &agent("bob")).await.unwrap().is_none());
    world.write("/a");
    world.quiet().await;
    assert_eq!((bob.ear.facts(), bob.ear.closed()), (vec!["Create /a".to_owned()], None));
    let again = world.hub.withdraw_from(OTHER, channel.id, &agent("bob")).await;
    assert!(matches!(again, Err(ChannelError::Stranger)), "{again:?}");
    let rest = world.hub.withdraw_from(POD, channel.id, &agent("owner")).await.unwrap().unwrap();
    world.hub.remove(&rest).await.unwrap();
    assert_eq!(bob.ear.closed(), Some((Ending::Unsubscribed, false)));
    assert!(matches!(world.hub.remove(&rest).await, Err(ChannelError::Ended)));
}

#[tokio::test]
async fn what_cannot_be_told_apart_by_topics_is_for_who_owns_all_of_them() {
    let world = World::new();
    let channel = over_two(&world);
    world.hub.subscribe(channel.clone()).await.unwrap();
    for (who, owns) in [("bob", nobodys as fn(StorageId) -> bool), ("owner", |_| true)] {
        assert_eq!(world.hub.whole(channel.id, &agent(who), owns).await.unwrap().topics, channel.topics);
    }
    for owns in [ours as fn(StorageId) -> bool, nobodys] {
        let told = world.hub.whole(channel.id, &agent("owner"), owns).await;
        assert!(matches!(told, Err(ChannelError::Stranger)), "{told:?}");
    }
}

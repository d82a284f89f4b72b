//! Channels over several storages: the owner of one ends what is there, at once, and nothing else.

use super::world::*;
use crate::{Begin, Channel, ChannelError, Ending, Topic};
use podbell_model::StorageId;
use std::sync::{Arc, atomic::Ordering::SeqCst};

const OTHER: StorageId = StorageId(2);

fn ours(storage: StorageId) -> bool {
    storage == POD
}

fn theirs(storage: StorageId) -> bool {
    storage == OTHER
}

/// A channel of bob with `/a` in one storage and `/b` in another.
fn over_two(world: &World) -> Channel {
    let topic = |storage, path| Topic { storage, resource: iri(path) };
    Channel { topics: Arc::new([topic(POD, "/a"), topic(OTHER, "/b")]), ..world.channel("bob", &["/a"]) }
}

#[tokio::test]
async fn an_owner_sees_and_ends_what_is_in_their_storage_and_no_more() {
    let world = World::new();
    let channel = over_two(&world);
    let bob = world.listen(&channel).await;
    let seen = world.hub.channel(channel.id, &agent("owner"), theirs).await.unwrap();
    assert_eq!(*seen.topics, channel.topics[1..]);
    world.hub.unsubscribe(channel.id, &agent("owner"), theirs).await.unwrap();
    world.write("/a");
    world.quiet().await;
    assert_eq!(bob.ear.facts(), ["Create /a"], "the rest goes on");
    assert_eq!(*world.kept().await[0].topics, channel.topics[..1]);
    let again = world.hub.unsubscribe(channel.id, &agent("owner"), theirs).await;
    assert!(matches!(again, Err(ChannelError::Stranger)));
    world.hub.unsubscribe(channel.id, &agent("owner"), ours).await.unwrap();
    assert_eq!(bob.ear.closed(), Some((Ending::Unsubscribed, false)));
}

#[tokio::test]
async fn what_waits_of_an_ended_part_is_dropped() {
    let world = World::new();
    let channel = over_two(&world);
    let bob = world.listen(&channel).await;
    bob.block();
    world.write("/a");
    world.quiet().await;
    world.hub.unsubscribe(channel.id, &agent("owner"), ours).await.unwrap();
    bob.unblock();
    world.write("/a");
    world.quiet().await;
    assert_eq!((bob.ear.heard(), bob.ear.closed()), (vec![], None));
    assert_eq!(bob.ear.late.load(SeqCst), 0);
}

#[tokio::test]
async fn a_frame_of_an_ended_part_is_not_finished() {
    let world = World::new();
    let channel = over_two(&world);
    let bob = world.listen(&channel).await;
    bob.room(3);
    world.write("/a");
    world.quiet().await;
    world.hub.unsubscribe(channel.id, &agent("owner"), ours).await.unwrap();
    assert_eq!(bob.ear.closed(), Some((Ending::Unsubscribed, true)));
}

#[tokio::test]
async fn a_part_ended_between_admission_and_registration_stays_silent() {
    let world = World::new();
    let channel = over_two(&world);
    world.hub.subscribe(channel.clone()).await.unwrap();
    let admission = world.admit(&channel).await.unwrap();
    world.hub.unsubscribe(channel.id, &agent("owner"), ours).await.unwrap();
    let ear = Arc::new(Ear { room: usize::MAX.into(), ..Ear::default() });
    let connection = admission.register(Arc::clone(&ear) as _, Begin::Now, None);
    world.write("/a");
    world.quiet().await;
    assert_eq!(ear.heard(), [""; 0]);
    assert!(connection.is_open());
}

#[tokio::test]
async fn two_owners_who_end_their_parts_end_the_channel() {
    let world = World::new();
    let channel = over_two(&world);
    let bob = world.listen(&channel).await;
    world.hub.unsubscribe(channel.id, &agent("owner"), ours).await.unwrap();
    world.hub.unsubscribe(channel.id, &agent("other"), theirs).await.unwrap();
    assert_eq!(bob.ear.closed(), Some((Ending::Unsubscribed, false)));
    assert!(world.admit(&channel).await.is_err());
    assert!(matches!(world.hub.channel(channel.id, &agent("bob"), |_| false).await, Err(ChannelError::Ended)));
}

//! What one listener costs: no more than its share, and nothing that others can make dear.

use super::world::*;
use crate::{Channel, ConnectError, Settings, engine::READERS, registry::Ended, subtree};
use std::{
    sync::{Arc, atomic::Ordering::SeqCst},
    time::Duration,
};

fn below(world: &World, name: &str, paths: &[&str]) -> Channel {
    Channel { recursive: true, ..world.channel(name, paths) }
}

#[tokio::test]
async fn whoever_comes_back_is_not_too_slow_for_what_was_missed() {
    for outbox_bytes in [400, 10] {
        come_back(World::with(Settings { outbox_bytes, ..Settings::default() })).await;
    }
}

async fn come_back(world: World) {
    let channel = below(&world, "bob", &["/c/"]);
    let bob = world.listen(&channel).await;
    let cut = world.write("/c/first");
    world.quiet().await;
    drop(bob);
    for number in 0..100 {
        world.write(&format!("/c/{number}"));
    }
    let again = world.connect(&channel, Some(cut)).await;
    world.quiet().await;
    assert_eq!(again.ear.closed(), None);
    let expected: Vec<_> = (0..100).map(|number| format!("Create /c/{number}")).collect();
    assert_eq!(again.ear.facts(), expected);
}

#[tokio::test]
async fn one_that_catches_up_is_told_without_a_look_at_the_others() {
    let world = World::new();
    world.allow("/c/x", &["bob"]);
    let _others = [world.listen(&below(&world, "alice", &["/c/"])).await];
    let channel = below(&world, "bob", &["/c/"]);
    let cut = world.past.head.borrow().to_owned();
    for _ in 0..20 {
        world.write("/c/x");
    }
    world.quiet().await;
    let refused = world.hub.counts().refused;
    assert!(refused > 0, "live, everybody is judged");
    world.hub.subscribe(channel.clone()).await.unwrap();
    let bob = world.connect(&channel, Some(cut)).await;
    world.quiet().await;
    assert_eq!(bob.ear.facts().len(), 20);
    assert_eq!(world.hub.counts().refused, refused, "alice is not judged again for what bob missed");
}

#[tokio::test]
async fn a_lost_topic_takes_nothing_from_the_one_around_it() {
    let world = World::new();
    world.allow("/c/d/x", &["bob"]);
    let bob = world.listen(&below(&world, "bob", &["/c/", "/c/d/"])).await;
    world.quiet().await;
    // No await between the two: the change is matched before the loss is known.
    world.allow("/c/d/", &["alice"]);
    world.write("/c/d/x");
    world.write("/c/d/y");
    world.quiet().await;
    world.write("/c/d/x");
    world.quiet().await;
    assert_eq!(bob.ear.facts(), ["Create /c/d/x", "Update /c/d/x"]);
}

#[tokio::test]
async fn what_waits_does_not_make_every_commit_dearer() {
    let world = World::with(Settings { outbox_bytes: 1 << 20, ..Settings::default() });
    let bob = world.listen(&below(&world, "bob", &["/c/"])).await;
    bob.block();
    for number in 0..subtree::KEPT * 4 {
        world.write(&format!("/c/{number}"));
    }
    world.quiet().await;
    let queue = || world.hub.inner.shard.lock().visitors.queue.clone();
    let before = queue();
    assert!(before.len() >= subtree::KEPT * 4, "all of it is waited on");
    world.write("/elsewhere");
    world.quiet().await;
    let after = queue();
    let looked = after.len() - after.iter().position(|visitor| *visitor == before[0]).unwrap();
    assert!(looked <= subtree::LOOKS, "{looked}");
    bob.unblock();
    world.quiet().await;
    assert_eq!(bob.ear.facts().len(), subtree::KEPT * 4);
    for number in 0..subtree::KEPT * 4 {
        world.write(&format!("/c/again{number}"));
        world.quiet().await;
    }
    assert!(queue().len() <= subtree::KEPT, "what nobody waits on is forgotten");
}

#[tokio::test]
async fn a_connection_leaves_no_timer_behind() {
    let world = World::new();
    let far = Duration::from_hours(1_000);
    let start = world.channel("bob", &["/a"]).created + far;
    let start_at = Some(start);
    let late = Channel { start_at, state: Some("x".into()), ..world.channel("bob", &["/a"]) };
    let paced = Channel { rate: Some(far), ..world.channel("bob", &["/a"]) };
    let (late, paced) = (world.listen(&late).await, world.listen(&paced).await);
    for _ in 0..3 {
        world.write("/a");
        world.quiet().await;
    }
    let timers = || world.hub.inner.shard.lock().timers.iter().filter(|(due, _)| *due >= start).count();
    assert_eq!(timers(), 2);
    drop((late, paced));
    assert_eq!(timers(), 0);
}

#[tokio::test]
async fn a_refused_stream_leaves_nothing_behind() {
    let world = World::new();
    let channel = Channel { capability: None, ..world.channel("mallory", &["/a"]) };
    let id = channel.id;
    assert!(matches!(world.hub.attend(channel).await, Err(ConnectError::Forbidden)));
    let shard = world.hub.inner.shard.lock();
    assert!(shard.chores.is_empty() && shard.ended.by_id(id).is_none());
}

#[test]
fn ended_channels_are_remembered_within_bounds() {
    let (mut ended, mut all) = (Ended::default(), Vec::new());
    let topic = |number| crate::Topic { storage: POD, resource: iri(&format!("/{number:0200}/{number:0200}")) };
    for number in 0..1_000_u128 {
        let topics = (0..128).map(topic).collect();
        let id = crate::ChannelId(podbell_model::Uuid::from_u128(number));
        let created = podbell_model::Timestamp::UNIX_EPOCH;
        all.push(Channel::new(id, agent("bob"), topics, crate::RenderingId(1), created));
        ended.remember(&Arc::new(all[all.len() - 1].clone()));
    }
    let remembered = all.iter().filter(|channel| ended.by_id(channel.id).is_some()).count();
    assert!((100..400).contains(&remembered), "{remembered}");
    assert!(ended.by_id(all[999].id).is_some());
}

#[tokio::test]
async fn a_shorter_rate_holds_for_what_waits_already() {
    let world = World::new();
    let channel = Channel { rate: Some(Duration::from_hours(1)), ..world.channel("bob", &["/a"]) };
    let bob = world.listen(&channel).await;
    for _ in 0..3 {
        world.write("/a");
    }
    world.quiet().await;
    assert_eq!(bob.ear.facts(), ["Create /a"]);
    let renewal = crate::Renewal { rate: Some(Duration::from_secs(1)), ..crate::Renewal::default() };
    world.hub.renew(channel.id, &channel.subject, renewal).await.unwrap();
    world.pass(Duration::from_secs(2));
    world.quiet().await;
    assert_eq!(bob.ear.facts(), ["Create /a", "Update /a"]);
}

#[tokio::test]
async fn a_rendering_that_was_announced_stays() {
    let world = World::new();
    let channel = world.channel("bob", &["/a"]);
    let follows = world.listen(&channel).await;
    let ear = Arc::new(Ear { room: (1 << 40).into(), ..Ear::default() });
    let admission = world.admit(&channel).await.unwrap();
    let _stays = admission.register(Arc::clone(&ear) as _, crate::Begin::Now, Some(channel.rendering));
    let renewal = crate::Renewal { rendering: Some(crate::RenderingId(2)), ..crate::Renewal::default() };
    world.hub.renew(channel.id, &channel.subject, renewal).await.unwrap();
    world.write("/a");
    world.quiet().await;
    assert!(follows.ear.heard()[0].ends_with("other"));
    assert!(!ear.heard()[0].ends_with("other"));
}

#[tokio::test]
async fn a_crowd_at_a_topic_keeps_its_owner_from_nothing() {
    let limits = crate::ChannelLimits { per_topic: 2, ..crate::ChannelLimits::default() };
    let world = World::with(Settings { channels: limits, ..Settings::default() });
    let _crowd = [world.hear("bob", &["/a"]).await, world.hear("bob", &["/a"]).await];
    let late = world.hub.subscribe(world.channel("alice", &["/a"])).await;
    assert!(matches!(late, Err(crate::SubscribeError::TooMany(_))));
    world.hub.subscribe_as(world.channel("alice", &["/a"]), |storage| storage == POD).await.unwrap();
}

#[tokio::test]
async fn a_renewal_between_admission_and_registration_counts() {
    let world = World::new();
    let made = world.channel("bob", &["/a"]);
    let soon = made.created + Duration::from_mins(1);
    let channel = Channel { end_at: Some(soon), ..made };
    world.hub.subscribe(channel.clone()).await.unwrap();
    let admission = world.admit(&channel).await.unwrap();
    let end_at = Some(soon + Duration::from_hours(1));
    let renewal = crate::Renewal { end_at, ..crate::Renewal::default() };
    world.hub.renew(channel.id, &channel.subject, renewal).await.unwrap();
    let ear = Arc::new(Ear { room: (1 << 40).into(), ..Ear::default() });
    let connection = admission.register(Arc::clone(&ear) as _, crate::Begin::Now, None);
    world.pass(Duration::from_mins(2));
    world.write("/a");
    world.quiet().await;
    assert_eq!((ear.facts(), connection.is_open()), (vec!["Create /a".to_owned()], true));
    assert_eq!(world.kept().await[0].end_at, end_at);
}

#[tokio::test]
async fn those_who_come_back_leave_the_store_to_others() {
    for (names, most) in [(&["bob"][..], 1), (&["alice", "bob", "carol"], READERS)] {
        let world = World::new();
        let listeners = all_come_back(&world, names).await;
        world.until(|| listeners.iter().all(|(ear, _)| ear.facts().len() == 20)).await;
        assert_eq!(world.past.most_reading.load(SeqCst), most);
    }
}

#[tokio::test]
async fn nothing_is_read_for_those_who_come_back_and_go() {
    let world = World::new();
    let listeners = all_come_back(&world, &["bob"]).await;
    world.until(|| world.past.reads.load(SeqCst) > 0).await;
    drop(listeners);
    let bob = world.hear("bob", &["/a"]).await;
    world.write("/a");
    world.until(|| bob.ear.facts().len() == 1).await;
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    assert!(world.past.reads.load(SeqCst) < 5, "{:?}", world.past.reads);
}

/// Twenty connections of each, all at once, that have missed twenty changes.
async fn all_come_back(world: &World, names: &[&str]) -> Vec<(Arc<Ear>, crate::Connection)> {
    world.allow("/", &["alice", "bob", "carol"]);
    let cut = world.write("/a");
    for _ in 0..20 {
        world.write("/a");
    }
    let mut admitted = Vec::new();
    for name in names {
        for _ in 0..20 {
            let channel = world.channel(name, &["/a"]);
            world.hub.subscribe(channel.clone()).await.unwrap();
            admitted.push((Arc::new(Ear { room: (1 << 40).into(), ..Ear::default() }), world.admit(&channel).await));
        }
    }
    // No await in between: all come at once.
    let begin = crate::Begin::After(crate::Position::after(cut));
    let register = |(ear, admission): (Arc<Ear>, Result<crate::Admission, _>)| {
        (Arc::clone(&ear), admission.unwrap().register(ear, begin, None))
    };
    admitted.into_iter().map(register).collect()
}

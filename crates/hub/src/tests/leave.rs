//! Leave to send: what takes it back, and that nothing else does.

use super::world::*;
use crate::{About, Channel, ChannelStore, Ending, Grant, Leave, Topic};
use podbell_model::{Generation, StorageId};
use std::{
    sync::{Arc, atomic::Ordering::SeqCst, mpsc},
    time::Duration,
};

fn nothing(_: StorageId) -> bool {
    false
}

fn topic(path: &str) -> Topic {
    Topic { storage: POD, resource: iri(path) }
}

async fn granted(world: &World, channel: &Channel, about: &About) -> Grant {
    match world.hub.leave(channel, about).await {
        Leave::Granted(grant) => grant,
        other => panic!("{other:?}"),
    }
}

async fn ended(world: &World, channel: &Channel, about: &About) -> Option<Ending> {
    match world.hub.leave(channel, about).await {
        Leave::Withheld { ended } => ended,
        other => panic!("{other:?}"),
    }
}

fn sends(grant: &Grant) -> bool {
    grant.within(|| ()).is_some()
}

fn about_of(path: &str) -> About {
    About::topic(topic(path))
}

/// A channel of bob's about `/a`, and what it is about.
async fn bob(world: &World) -> (Channel, About) {
    world.write("/a");
    (world.push("bob", &["/a"]).await, About::topic(topic("/a")))
}

#[tokio::test]
async fn a_withdrawal_before_leave_was_asked_for_withholds() {
    let world = World::new();
    let (bob, about) = bob(&world).await;
    assert!(sends(&granted(&world, &bob, &about).await));
    world.allow("/a", &["alice"]);
    assert_eq!(ended(&world, &bob, &about).await, Some(Ending::Forbidden));
    assert_eq!(ended(&world, &bob, &about).await, Some(Ending::Forbidden), "until it is removed");
}

#[tokio::test]
async fn leave_for_two_ends_with_leave_for_either() {
    for lost in ["/a", "/b"] {
        let world = World::new();
        world.write("/a");
        world.write("/b");
        let bob = world.push("bob", &["/a", "/b"]).await;
        let [a, b] = [granted(&world, &bob, &about_of("/a")).await, granted(&world, &bob, &about_of("/b")).await];
        let both = a.and(b);
        assert!(sends(&both));
        world.allow(lost, &["alice"]);
        assert!(!sends(&both), "{lost}");
    }
    let world = World::new();
    let (bob, about) = bob(&world).await;
    let both = granted(&world, &bob, &about).await.and(granted(&world, &bob, &about).await);
    world.hub.removed(&Arc::new(bob));
    assert!(!sends(&both), "the channel is gone");
}

#[tokio::test]
async fn a_withdrawal_after_leave_was_given_takes_it_back_at_once() {
    let world = World::new();
    let (bob, about) = bob(&world).await;
    let grant = granted(&world, &bob, &about).await;
    world.allow("/a", &["alice"]);
    // Without an await: the hub has not learned of it.
    assert!(!sends(&grant));
    world.quiet().await;
    assert!(!sends(&grant), "nor when it has");
}

#[tokio::test]
async fn rules_of_other_resources_take_nothing_back() {
    let world = World::new();
    let (bob, about) = bob(&world).await;
    let grant = granted(&world, &bob, &about).await;
    for number in 0..5_000 {
        world.allow(&format!("/x{number}"), &["alice"]);
    }
    world.quiet().await;
    assert!(sends(&grant));
    world.allow("/a", &["alice", "bob"]);
    world.quiet().await;
    assert!(!sends(&grant), "whatever they say now");
    assert!(sends(&granted(&world, &bob, &about).await));
}

#[tokio::test]
async fn leave_is_given_while_rules_change_all_the_time() {
    let world = World::new();
    let (bob, about) = bob(&world).await;
    for number in 0..200 {
        world.allow(&format!("/x{number}"), &["alice"]);
        assert!(sends(&granted(&world, &bob, &about).await), "{number}");
    }
}

#[tokio::test]
async fn the_judge_is_asked_once_as_long_as_the_rules_stand() {
    let world = World::new();
    let (bob, about) = bob(&world).await;
    world.quiet().await;
    granted(&world, &bob, &about).await;
    let before = world.past.questions.load(SeqCst);
    for _ in 0..10 {
        assert!(sends(&granted(&world, &bob, &about).await));
    }
    assert_eq!(world.past.questions.load(SeqCst), before);
    world.allow("/a", &["alice"]);
    world.quiet().await;
    assert_eq!(ended(&world, &bob, &about).await, Some(Ending::Forbidden));
}

#[tokio::test]
async fn once_unsubscribed_nothing_is_sent() {
    let world = World::new();
    let (bob, about) = bob(&world).await;
    let grant = granted(&world, &bob, &about).await;
    world.hub.unsubscribe(bob.id, &bob.subject, nothing).await.unwrap();
    assert!(!sends(&grant));
    assert_eq!(ended(&world, &bob, &about).await, Some(Ending::Unsubscribed));
}

#[tokio::test]
async fn once_who_delivers_has_removed_it_nothing_is_sent_and_its_owner_is_told_so() {
    let world = World::new();
    let (bob, about) = bob(&world).await;
    let grant = granted(&world, &bob, &about).await;
    assert!(world.store.remove(bob.id).await.unwrap());
    world.hub.removed(&Arc::new(bob.clone()));
    assert!(!sends(&grant));
    let found = world.hub.channel(bob.id, &bob.subject, nothing).await;
    assert!(matches!(found, Err(crate::ChannelError::Ended)), "{found:?}");
}

#[tokio::test]
async fn there_is_no_leave_for_a_receiver_that_was_replaced() {
    let world = World::new();
    let (bob, about) = bob(&world).await;
    let push = Some(Arc::new(crate::Push::to("https://old.example/")));
    let before = Channel { push, ..bob.clone() };
    let leave = world.hub.leave(&before, &about).await;
    assert!(matches!(leave, Leave::Unavailable), "{leave:?}");
    assert!(sends(&granted(&world, &bob, &about).await));
}

#[tokio::test]
async fn what_tells_of_no_resource_needs_the_channel_alone() {
    fn is_shared<T: Send + Sync + 'static>(_: &T) {}
    let world = World::new();
    let (bob, _) = bob(&world).await;
    world.allow("/a", &["alice"]);
    let Leave::Granted(grant) = world.hub.leave_to_speak(&bob).await else { panic!("the channel is there") };
    is_shared(&grant);
    assert!(sends(&grant));
    world.hub.unsubscribe(bob.id, &bob.subject, nothing).await.unwrap();
    assert!(!sends(&grant));
    let leave = world.hub.leave_to_speak(&bob).await;
    assert!(matches!(leave, Leave::Withheld { ended: Some(Ending::Unsubscribed) }), "{leave:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unsubscribing_waits_for_those_who_are_sending() {
    let world = World::new();
    let (bob, about) = bob(&world).await;
    let grant = granted(&world, &bob, &about).await;
    let ((inside, is_inside), (go, may_go)) = (mpsc::channel(), mpsc::channel::<()>());
    let sending = std::thread::spawn(move || {
        grant.within(|| {
            inside.send(()).unwrap();
            may_go.recv().unwrap();
        })
    });
    is_inside.recv().unwrap();
    let (hub, id, subject) = (Arc::clone(&world.hub), bob.id, Arc::clone(&bob.subject));
    let unsubscribed = tokio::spawn(async move { hub.unsubscribe(id, &subject, nothing).await });
    // It is gone from the store, and yet it is not said before the last call is over.
    while world.store.get(bob.id).await.unwrap().is_some() {
        tokio::task::yield_now().await;
    }
    for _ in 0..100 {
        tokio::task::yield_now().await;
        assert!(!unsubscribed.is_finished());
    }
    go.send(()).unwrap();
    assert!(sending.join().unwrap().is_some());
    unsubscribed.await.unwrap().unwrap();
}

#[tokio::test]
async fn of_a_part_that_its_owner_ended_nothing_is_sent_and_the_rest_goes_on() {
    let world = World::new();
    let elsewhere = Topic { storage: StorageId(2), resource: iri("/b") };
    let topics = [topic("/a"), elsewhere.clone()].into();
    let bob = world.pushes(Channel { topics, ..world.channel("bob", &["/a"]) }).await;
    let (about, other) = (About::topic(topic("/a")), About::topic(elsewhere));
    let grant = granted(&world, &bob, &about).await;
    world.hub.unsubscribe(bob.id, &agent("alice"), |storage| storage == POD).await.unwrap();
    assert!(!sends(&grant));
    assert_eq!(ended(&world, &bob, &about).await, None);
    assert!(sends(&granted(&world, &bob, &other).await));
}

#[tokio::test]
async fn a_storage_that_is_gone_takes_leave_back() {
    let world = World::new();
    let (bob, about) = bob(&world).await;
    let grant = granted(&world, &bob, &about).await;
    world.end_storage();
    assert!(!sends(&grant));
    world.quiet().await;
    assert!(!sends(&grant));
    assert_eq!(ended(&world, &bob, &about).await, Some(Ending::Unsubscribed));
}

#[tokio::test]
async fn when_its_time_is_over_nothing_is_sent() {
    let world = World::new();
    let end_at = Some(world.past.time() + Duration::from_secs(10));
    let bob = world.pushes(Channel { end_at, ..world.channel("bob", &["/a"]) }).await;
    let about = About::topic(topic("/a"));
    let grant = granted(&world, &bob, &about).await;
    assert!(sends(&grant));
    world.pass(Duration::from_secs(10));
    assert!(!sends(&grant));
    // Swept or not, it is over.
    assert!(matches!(ended(&world, &bob, &about).await, Some(Ending::Expired | Ending::Unsubscribed)));
}

#[tokio::test]
async fn a_sooner_end_takes_leave_back() {
    let world = World::new();
    let (bob, about) = bob(&world).await;
    let grant = granted(&world, &bob, &about).await;
    let end_at = Some(world.past.time());
    let renewal = crate::Renewal { end_at, ..crate::Renewal::default() };
    world.hub.renew(bob.id, &bob.subject, renewal).await.unwrap_err();
    assert!(!sends(&grant));
}

#[tokio::test]
async fn an_object_below_that_is_closed_is_no_lost_topic() {
    let world = World::new();
    let bob = world.pushes(Channel { recursive: true, ..world.channel("bob", &["/c/"]) }).await;
    let about = About { resource: iri("/c/x"), ..About::topic(topic("/c/")) };
    let grant = granted(&world, &bob, &about).await;
    world.allow("/c/x", &["alice"]);
    assert!(!sends(&grant));
    assert_eq!(ended(&world, &bob, &about).await, None);
    world.allow("/c/x", &["bob"]);
    let grant = granted(&world, &bob, &about).await;
    world.allow("/c/", &["alice"]);
    assert!(!sends(&grant), "the container is asked about too");
    assert_eq!(ended(&world, &bob, &about).await, Some(Ending::Forbidden));
}

#[tokio::test]
async fn a_life_that_is_closed_is_no_lost_topic_and_what_ended_it_is_still_told() {
    let world = World::new();
    world.allow("/a", &["alice"]);
    let born = world.write("/a");
    world.delete("/a");
    let bob = world.push("bob", &["/a"]).await;
    let about = About { generation: Some(Generation(born)), ..About::topic(topic("/a")) };
    assert_eq!(ended(&world, &bob, &about).await, None, "its own rules kept it closed");
    let alice = world.push("alice", &["/a"]).await;
    world.allow("/", &["bob"]);
    assert!(sends(&granted(&world, &alice, &about).await), "its own rules kept it open");
}

#[tokio::test]
async fn a_channel_goes_on_with_the_topics_that_are_left() {
    let world = World::new();
    let bob = world.push("bob", &["/a", "/b"]).await;
    let other = granted(&world, &bob, &About::topic(topic("/b"))).await;
    world.allow("/a", &["alice"]);
    assert_eq!(ended(&world, &bob, &About::topic(topic("/a"))).await, None);
    let left = world.store.get(bob.id).await.unwrap().unwrap();
    assert_eq!(*left.topics, [topic("/b")]);
    assert!(!sends(&other), "what was found of the channel holds no more");
    assert!(sends(&granted(&world, &left, &About::topic(topic("/b"))).await));
    world.allow("/b", &["alice"]);
    assert_eq!(ended(&world, &left, &About::topic(topic("/b"))).await, Some(Ending::Forbidden));
}

#[tokio::test]
async fn leave_that_rests_on_a_group_elsewhere_lapses() {
    let world = World::new();
    world.allow("/a", &["@far"]);
    world.past.far.lock().insert("bob".to_owned());
    let (bob, about) = bob(&world).await;
    let grant = granted(&world, &bob, &about).await;
    world.past.far.lock().clear();
    world.pass(Duration::from_millis(59_999));
    assert!(sends(&grant));
    world.pass(Duration::from_millis(1));
    assert!(!sends(&grant));
    assert_eq!(ended(&world, &bob, &about).await, Some(Ending::Forbidden));
}

#[tokio::test]
async fn without_rules_there_is_no_leave() {
    let world = World::new();
    let (bob, about) = bob(&world).await;
    world.past.failing.store(true, SeqCst);
    let leave = world.hub.leave(&bob, &about).await;
    assert!(matches!(leave, Leave::Unavailable), "{leave:?}");
}

#[tokio::test]
async fn when_the_log_cannot_be_followed_all_leave_is_taken_back() {
    let world = World::new();
    let (bob, about) = bob(&world).await;
    let grant = granted(&world, &bob, &about).await;
    world.quiet().await;
    world.past.pruned.store(podbell_log::Log::head(&*world.past).0 + 1, SeqCst);
    world.write("/b");
    world.allow("/a", &["alice"]);
    world.quiet().await;
    assert!(!sends(&grant));
    assert_eq!(ended(&world, &bob, &about).await, Some(Ending::Forbidden));
}

#[tokio::test]
async fn what_was_changed_of_a_channel_takes_leave_back() {
    let world = World::new();
    let (bob, about) = bob(&world).await;
    let grant = granted(&world, &bob, &about).await;
    world.hub.changed(bob.id);
    assert!(!sends(&grant));
    assert!(sends(&granted(&world, &bob, &about).await));
}

#[tokio::test]
async fn who_is_given_a_channel_to_remove_ends_it_with_its_last_words() {
    let world = World::new();
    let (bob, about) = bob(&world).await;
    let grant = granted(&world, &bob, &about).await;
    let given = world.hub.withdraw(bob.id, &agent("alice"), |storage| storage == POD).await.unwrap().unwrap();
    assert_eq!(given.id, bob.id);
    assert!(world.store.remove(bob.id).await.unwrap());
    world.hub.removed(&given);
    assert!(!sends(&grant));
    let found = world.hub.channel(bob.id, &bob.subject, nothing).await;
    assert!(matches!(found, Err(crate::ChannelError::Ended)), "{found:?}");
}

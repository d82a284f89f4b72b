//! What channels that push are owed: each change that their rules let through, once, by the rules as of its commit.

use super::world::*;
use crate::{
    Channel, ChannelLimits, ChannelStore, Ending, Filter, Leave, Push, Relation, Topic, What, testing::Trouble,
};
use podbell_model::{ActivityKind, Uuid, activity::secondary_id};
use std::{sync::Arc, sync::atomic::Ordering::SeqCst, time::Duration};

/// The activity of a commit of the test world.
fn activity(sequence: podbell_model::Sequence) -> Uuid {
    Uuid::from_u128(u128::from(sequence.0) | 0xF00 << 64)
}

#[tokio::test]
async fn each_change_is_owed_once_and_in_order() {
    let world = World::new();
    world.write("/a");
    let (bob, other) = (world.push("bob", &["/a"]).await, world.push("bob", &["/b"]).await);
    let update = world.write("/a");
    world.delete("/a");
    world.write("/a");
    assert_eq!(world.words(&bob).await, ["Update /a", "Delete /a", "Create /a"], "and nothing from before");
    assert_eq!(world.words(&other).await, [""; 0]);
    let owed = world.owed(&bob).await;
    assert_eq!((owed[0].message, owed[0].object.path()), (activity(update), "/a"));
    let mergeable = |owed: &crate::Owed| matches!(owed.what, What::Change { mergeable: true, .. });
    assert_eq!(owed.iter().map(mergeable).collect::<Vec<_>>(), [true, false, false]);
    assert_eq!(*owed[0].causes, [bob.id.0]);
}

#[tokio::test]
async fn what_was_committed_before_the_channel_was_made_is_not_owed_however_late_that_is_looked_at() {
    let world = World::new();
    let early = world.push("bob", &["/a"]).await;
    world.owed(&early).await;
    let push = Some(Arc::new(Push::to("https://hook.example/")));
    let late = Channel { push, capability: None, ..world.channel("bob", &["/a"]) };
    // Without an await that waits: nothing has been looked at.
    world.write("/a");
    world.store.insert(&late, &ChannelLimits::default()).await.unwrap();
    world.write("/a");
    assert_eq!(world.words(&early).await, ["Create /a", "Update /a"]);
    assert_eq!(world.words(&late).await, ["Update /a"]);
}

#[tokio::test]
async fn the_second_projection_has_an_id_of_its_own() {
    let world = World::new();
    world.write("/c/");
    let (both, container) = (world.push("bob", &["/c/x", "/c/"]).await, world.push("bob", &["/c/"]).await);
    let at = world.write("/c/x");
    let owed = world.owed(&both).await;
    let ids: Vec<_> = owed.iter().map(|owed| (owed.message, owed.about.resource.path().to_owned())).collect();
    let second = secondary_id(activity(at), &iri("/c/"));
    assert_eq!(ids, [(activity(at), "/c/x".to_owned()), (second, "/c/".to_owned())]);
    assert_eq!(owed[1].object, iri("/c/x"), "in order with what else concerns the member");
    assert!(matches!(&owed[1].what, What::Change { mergeable: false, .. }));
    assert_eq!(world.owed(&container).await[0].message, activity(at), "alone it is no second");
    world.write("/c/x");
    assert_eq!(world.words(&container).await, ["Add /c/x"], "a change of a member is none of the container");
}

#[tokio::test]
async fn a_container_above_is_told_of_the_object_once_and_by_its_rules() {
    let world = World::new();
    world.allow("/c/secret", &["alice"]);
    let topics = ["/c/", "/c/d/"];
    let bob = world.pushes(Channel { recursive: true, ..world.channel("bob", &topics) }).await;
    for path in ["/c/d/e", "/c/secret", "/a", "/c/"] {
        world.write(path);
    }
    world.allow("/c/d/e", &["alice", "bob", "bob!"]);
    assert_eq!(world.words(&bob).await, ["Create /c/d/e", "Create /c/"], "no ACL, nothing that is closed");
    let about = world.owed(&bob).await[0].about.clone();
    assert_eq!((about.topic.resource.path(), about.resource.path()), ("/c/d/", "/c/d/e"));
}

#[tokio::test]
async fn whoever_lost_the_container_is_owed_nothing_below_it() {
    let world = World::new();
    world.allow("/c/x", &["bob"]);
    let bob = world.pushes(Channel { recursive: true, ..world.channel("bob", &["/c/"]) }).await;
    world.allow("/c/", &["alice"]);
    world.write("/c/x");
    assert_eq!(world.words(&bob).await, ["? /c/"], "only a look at the topic, which ends the channel");
}

#[tokio::test]
async fn an_acl_is_told_to_holders_of_control_alone() {
    let world = World::new();
    world.allow("/a", &["alice", "alice!", "bob"]);
    let acl = iri("/a").acl();
    let alice = world.push("alice", &[acl.path()]).await;
    world.allow("/a", &["alice", "alice!"]);
    world.allow("/a", &["alice"]);
    let words = world.words(&alice).await;
    assert_eq!(words[0], format!("Update {}", acl.path()));
    assert_eq!(words[1], format!("? {}", acl.path()), "what took it away is not told");
    assert_eq!(words.len(), 2);
}

#[tokio::test]
async fn filters_and_times_are_kept() {
    let world = World::new();
    let soon = world.past.time() + Duration::from_secs(10);
    let later = world.channel("bob", &["/a"]);
    let begins = world.pushes(Channel { start_at: Some(soon), ..later }).await;
    let ends = world.pushes(Channel { end_at: Some(soon), ..world.channel("bob", &["/a"]) }).await;
    let filter = Filter::only([(Relation::Object, ActivityKind::Delete)]);
    let deletes = world.pushes(Channel { filter, ..world.channel("bob", &["/a"]) }).await;
    world.write("/a");
    world.owed(&begins).await;
    world.pass(Duration::from_secs(10));
    world.write("/a");
    world.delete("/a");
    assert_eq!(world.words(&begins).await, ["Update /a", "Delete /a"]);
    assert_eq!(world.words(&ends).await, ["Create /a"]);
    assert_eq!(world.words(&deletes).await, ["Delete /a"]);
}

#[tokio::test]
async fn a_renewed_filter_counts_from_then_on() {
    let world = World::new();
    let bob = world.push("bob", &["/a"]).await;
    world.write("/a");
    world.owed(&bob).await;
    let filter = Filter::only([(Relation::Object, ActivityKind::Delete)]);
    let renewal = crate::Renewal { filter: Some(filter), ..crate::Renewal::default() };
    assert_eq!(world.hub.renew(bob.id, &bob.subject, renewal).await.unwrap().filter, filter);
    world.write("/a");
    world.delete("/a");
    assert_eq!(world.words(&bob).await, ["Create /a", "Delete /a"]);
}

#[tokio::test]
async fn who_is_in_the_chain_of_causes_is_not_rung() {
    let world = World::new();
    let (a, b) = (world.push("bob", &["/a"]).await, world.push("bob", &["/a"]).await);
    *world.past.causes.lock() = vec![a.id.0];
    world.write("/a");
    assert_eq!(world.words(&a).await, [""; 0]);
    assert_eq!(*world.owed(&b).await[0].causes, [a.id.0, b.id.0]);
    world.past.causes.lock().clear();
    world.write("/a");
    assert_eq!(world.words(&a).await, ["Update /a"]);
}

/// Whoever has many channels can make a chain of any length, and could hide his writes from everybody behind it.
#[tokio::test]
async fn a_storm_is_hidden_from_those_who_made_it_and_from_nobody_else() {
    let world = World::new();
    world.allow("/a", &["bob", "mallory"]);
    world.allow("/b", &["mallory"]);
    let (bob, mallory) = (world.push("bob", &["/a"]).await, world.push("mallory", &["/a"]).await);
    let other = world.push("mallory", &["/b"]).await;
    let chain: Vec<_> = (100..116).map(Uuid::from_u128).chain([other.id.0]).collect();
    *world.past.causes.lock() = chain.clone();
    world.write("/a");
    let told = world.owed(&bob).await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].causes[..], [&chain[1..], &[bob.id.0]].concat(), "the newest are kept, and it stays a storm");
    assert_eq!(world.words(&mallory).await, [""; 0], "all of those who made it rest");
    // One whose channels are gone hides nothing.
    *world.past.causes.lock() = (100..117).map(Uuid::from_u128).collect();
    world.write("/a");
    assert_eq!(world.words(&mallory).await, ["Update /a"]);
}

#[tokio::test]
async fn a_change_is_judged_by_the_rules_of_its_commit_however_late_that_is() {
    let world = World::new();
    let bob = world.push("bob", &["/a", "/b"]).await;
    world.past.failing.store(true, SeqCst);
    world.allow("/a", &["alice"]);
    let first = world.write("/a");
    world.write("/b");
    world.allow("/a", &["alice", "bob"]);
    world.write("/a");
    world.allow("/b", &["alice"]);
    world.quiet().await;
    assert!(world.owing.owed().is_empty());
    assert!(world.owing.through() < first, "what cannot be judged is not passed over");
    world.past.failing.store(false, SeqCst);
    assert_eq!(world.words(&bob).await, ["Create /b", "Update /a"]);
    let owed = world.owed(&bob).await;
    let leave = world.hub.leave(&bob, &owed[0].about).await;
    assert!(matches!(leave, Leave::Withheld { ended: None }), "the rules of now are asked besides: {leave:?}");
}

#[tokio::test]
async fn however_much_was_committed_meanwhile_all_of_it_is_owed_once_the_rules_can_be_read() {
    let world = World::new();
    let bob = world.push("bob", &["/a"]).await;
    world.past.failing.store(true, SeqCst);
    let before = world.past.questions.load(SeqCst);
    for _ in 0..200 {
        world.write("/a");
        world.write("/b");
    }
    // Asked in vain, and asked again: everything has been passed over by then.
    world.until(|| world.past.questions.load(SeqCst) >= before + 2).await;
    world.past.failing.store(false, SeqCst);
    world.write("/a");
    let owed = world.owed(&bob).await;
    let commits = owed.iter().map(|owed| match &owed.what {
        What::Change { position, .. } => position.sequence,
        What::State => panic!("the topic is theirs"),
    });
    let commits: Vec<_> = commits.collect();
    assert_eq!(commits.len(), 201);
    assert!(commits.is_sorted());
}

#[tokio::test]
async fn slow_rules_of_one_storage_delay_nobody_else() {
    let world = World::new();
    let bob = world.push("bob", &["/a"]).await;
    let slow = Topic { storage: SLOW, resource: iri("/slow") };
    let push = Some(Arc::new(Push::to("https://hook.example/")));
    let stuck = Channel { topics: [slow].into(), capability: None, push, ..world.channel("bob", &["/slow"]) };
    world.store.insert(&stuck, &ChannelLimits::default()).await.unwrap();
    *world.past.storage.lock() = SLOW;
    let at = world.write("/slow");
    *world.past.storage.lock() = POD;
    world.write("/a");
    world.until(|| !world.owing.owed().is_empty()).await;
    world.write("/a");
    world.until(|| world.owing.owed().len() == 2).await;
    assert!(world.owing.owed().iter().all(|owed| owed.channel == bob.id));
    assert!(world.owing.through() < at, "what is behind is looked at again after a restart");
}

#[tokio::test]
async fn a_crash_between_reading_and_owing_loses_nothing_and_repeats_nothing() {
    for trouble in [Trouble::Before, Trouble::After] {
        let mut world = World::new();
        let bob = world.push("bob", &["/a", "/c/"]).await;
        world.write("/c/");
        world.owed(&bob).await;
        world.owing.trouble(trouble);
        world.write("/a");
        world.write("/c/x");
        world.restart();
        world.write("/a");
        assert_eq!(world.words(&bob).await, ["Create /c/", "Create /a", "Add /c/x", "Update /a"], "{trouble:?}");
    }
}

#[tokio::test]
async fn a_store_that_fails_is_asked_again() {
    for trouble in [Trouble::Before, Trouble::After] {
        let world = World::new();
        let bob = world.push("bob", &["/a"]).await;
        world.owing.trouble(trouble);
        world.write("/a");
        world.write("/a");
        assert_eq!(world.words(&bob).await, ["Create /a", "Update /a"], "{trouble:?}");
    }
}

#[tokio::test]
async fn as_long_as_nobody_pushes_nothing_is_written_for_each_commit() {
    let mut world = World::new();
    for _ in 0..100 {
        world.write("/a");
    }
    let head = podbell_log::Log::head(&*world.past);
    world.until(|| world.hub.counts().derived == head.0).await;
    assert_eq!(world.owing.transactions(), 0);
    let bob = world.push("bob", &["/a"]).await;
    world.write("/b");
    world.owed(&bob).await;
    assert!(world.owing.through() >= head, "the cursor is durable as soon as somebody pushes");
    world.restart();
    world.write("/a");
    assert_eq!(world.words(&bob).await, ["Update /a"]);
}

#[tokio::test]
async fn of_lost_history_only_what_is_lost_is_passed_over() {
    let mut world = World::new();
    let bob = world.push("bob", &["/a"]).await;
    world.write("/b");
    world.owed(&bob).await;
    world.hub = Arc::clone(&World::new().hub);
    let pruned = (0..5).map(|_| world.write("/a")).last().unwrap();
    world.write("/a");
    world.past.pruned.store(pruned.0, SeqCst);
    world.restart();
    world.write("/a");
    assert_eq!(world.words(&bob).await, ["Update /a", "Update /a"]);
}

#[tokio::test]
async fn a_lost_topic_is_looked_at_once_and_found_lost_by_who_delivers() {
    let world = World::new();
    let bob = world.push("bob", &["/a"]).await;
    world.allow("/a", &["alice"]);
    world.write("/a");
    world.write("/a");
    assert_eq!(world.words(&bob).await, ["? /a"]);
    let leave = world.hub.leave(&bob, &world.owed(&bob).await[0].about).await;
    assert!(matches!(leave, Leave::Withheld { ended: Some(Ending::Forbidden) }), "{leave:?}");
}

#[tokio::test]
async fn of_a_storage_that_is_gone_nothing_is_owed_and_its_channels_end() {
    let world = World::new();
    let bob = world.push("bob", &["/a", "/b"]).await;
    world.write("/a");
    world.owed(&bob).await;
    world.past.failing.store(true, SeqCst);
    world.write("/a");
    world.end_storage();
    world.past.failing.store(false, SeqCst);
    world.owed(&bob).await;
    world.quiet().await;
    let words = world.words(&bob).await;
    assert_eq!(words, ["Create /a", "? /a", "? /b"]);
    let owed = world.owed(&bob).await;
    let first = world.hub.leave(&bob, &owed[0].about).await;
    let last = world.hub.leave(&bob, &owed[2].about).await;
    assert!(matches!(first, Leave::Withheld { ended: None }), "{first:?}");
    assert!(matches!(last, Leave::Withheld { ended: Some(Ending::Unsubscribed) }), "{last:?}");
}

#[tokio::test]
async fn one_question_serves_all_channels_of_one_subject() {
    let world = World::new();
    for _ in 0..100 {
        world.push("bob", &["/a"]).await;
    }
    let before = world.past.questions.load(SeqCst);
    world.write("/a");
    let head = podbell_log::Log::head(&*world.past);
    world.until(|| world.hub.counts().derived >= head.0).await;
    assert_eq!(world.owing.owed().len(), 100);
    assert!(world.past.questions.load(SeqCst) - before <= 2);
    assert!(world.owing.transactions() <= 2, "all in one transaction, and one when the first began to push");
}

#[tokio::test]
async fn nobody_connects_to_a_channel_that_pushes() {
    let world = World::new();
    let bob = world.push("bob", &["/a"]).await;
    let attended = world.hub.attend(bob).await;
    assert!(matches!(attended, Err(crate::ConnectError::Unknown)), "{attended:?}");
}

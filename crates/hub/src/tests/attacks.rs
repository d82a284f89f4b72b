//! Nobody hears what they may not read: the attacks, one by one.

use super::world::*;
use crate::{ConnectError, Ending, SubscribeError};
use podbell_model::Sequence;
use std::{sync::atomic::Ordering::SeqCst, time::Duration};

fn closed_forbidden(listener: &Listener) {
    assert_eq!(listener.ear.closed(), Some((Ending::Forbidden, false)));
    assert!(!listener.connection.is_open());
}

#[tokio::test]
async fn a_withdrawn_reader_hears_nothing_after() {
    let world = World::new();
    let bob = world.hear("bob", &["/a"]).await;
    let alice = world.hear("alice", &["/a"]).await;
    world.write("/a");
    world.quiet().await;
    world.allow("/a", &["alice"]);
    world.write("/a");
    world.quiet().await;
    assert_eq!(bob.ear.facts(), ["Create /a"]);
    assert_eq!(alice.ear.facts(), ["Create /a", "Update /a"]);
    closed_forbidden(&bob);
}

#[tokio::test]
async fn a_withdrawal_closes_without_waiting_for_an_event_and_forgets_the_channel() {
    let world = World::new();
    let channel = world.channel("bob", &["/a"]);
    let bob = world.listen(&channel).await;
    world.allow("/", &["alice"]);
    world.quiet().await;
    closed_forbidden(&bob);
    let gone = async || crate::ChannelStore::get(&*world.store, channel.id).await.unwrap().is_none();
    while !gone().await {
        tokio::task::yield_now().await;
    }
    assert!(matches!(world.admit(&channel).await, Err(ConnectError::Ended)));
}

#[tokio::test]
async fn the_slow_rules_of_one_storage_delay_no_other() {
    let world = World::new();
    for _ in 0..500 {
        let mut channel = world.channel("mallory", &["/a"]);
        channel.topics = [crate::Topic { storage: SLOW, resource: iri("/a") }].into();
        let hub = std::sync::Arc::clone(&world.hub);
        tokio::spawn(async move { hub.subscribe(channel).await });
    }
    tokio::task::yield_now().await;
    let served = tokio::time::timeout(Duration::from_secs(30), world.hear("bob", &["/a"])).await;
    assert!(served.unwrap().connection.is_open());
}

#[tokio::test]
async fn what_is_queued_is_judged_again() {
    let world = World::new();
    let bob = world.hear("bob", &["/a"]).await;
    bob.block();
    world.write("/a");
    world.quiet().await;
    world.allow("/a", &["alice"]);
    bob.unblock();
    world.quiet().await;
    assert_eq!(bob.ear.heard(), [""; 0]);
    closed_forbidden(&bob);
}

#[tokio::test]
async fn room_between_the_policy_write_and_the_hub_sends_nothing() {
    let world = World::new();
    let bob = world.hear("bob", &["/a"]).await;
    bob.block();
    world.write("/a");
    world.quiet().await;
    // No await between the two: the hub's task cannot have learned of the policy, only the fence knows.
    world.allow("/a", &[]);
    bob.unblock();
    assert_eq!(bob.ear.heard(), [""; 0]);
    world.quiet().await;
    assert_eq!(bob.ear.heard(), [""; 0]);
}

#[tokio::test]
async fn the_rest_of_a_frame_is_cut_off() {
    let world = World::new();
    let bob = world.hear("bob", &["/a"]).await;
    bob.room(4);
    world.write("/a");
    world.quiet().await;
    assert_eq!(bob.ear.heard(), ["Crea"]);
    world.allow("/a", &["alice"]);
    world.quiet().await;
    assert_eq!(bob.ear.heard(), ["Crea"]);
    assert_eq!(bob.ear.closed(), Some((Ending::Forbidden, true)));
}

#[tokio::test]
async fn the_rest_of_a_frame_is_cut_off_at_once_though_another_topic_is_left() {
    let world = World::new();
    let bob = world.hear("bob", &["/a", "/b"]).await;
    bob.room(4);
    world.write("/a");
    world.quiet().await;
    world.allow("/a", &["alice"]);
    world.quiet().await;
    assert_eq!(bob.ear.heard(), ["Crea"]);
    assert_eq!(bob.ear.closed(), Some((Ending::Forbidden, true)));
}

#[tokio::test]
async fn what_the_rate_holds_back_is_judged_again() {
    let world = World::new();
    let mut channel = world.channel("bob", &["/a", "/b"]);
    channel.rate = Some(Duration::from_secs(10));
    let bob = world.listen(&channel).await;
    world.write("/a");
    world.write("/a");
    world.quiet().await;
    world.allow("/a", &["alice"]);
    world.quiet().await;
    world.pass(Duration::from_secs(11));
    world.quiet().await;
    assert_eq!(bob.ear.facts(), ["Create /a"]);
}

#[tokio::test]
async fn what_was_coalesced_is_judged_again() {
    let settings = crate::Settings { outbox_bytes: 60, ..crate::Settings::default() };
    let world = World::with(settings);
    let bob = world.hear("bob", &["/a"]).await;
    bob.block();
    for _ in 0..6 {
        world.write("/a");
        world.quiet().await;
    }
    assert!(world.hub.counts().coalesced > 0);
    world.allow("/a", &["alice"]);
    bob.unblock();
    world.quiet().await;
    assert_eq!(bob.ear.heard(), [""; 0]);
    closed_forbidden(&bob);
}

#[tokio::test]
async fn a_replay_tells_nothing_from_before_the_grant() {
    let world = World::new();
    world.allow("/a", &["alice"]);
    world.write("/a");
    world.allow("/a", &["alice", "bob"]);
    world.write("/a");
    world.quiet().await;
    let channel = world.channel("bob", &["/a"]);
    world.hub.subscribe(channel.clone()).await.unwrap();
    let bob = world.connect(&channel, Some(Sequence(0))).await;
    world.quiet().await;
    assert_eq!(bob.ear.facts(), ["Update /a"]);
}

#[tokio::test]
async fn a_replay_tells_nothing_that_may_no_longer_be_read() {
    let world = World::new();
    let channel = world.channel("bob", &["/a", "/b"]);
    world.hub.subscribe(channel.clone()).await.unwrap();
    world.write("/a");
    world.write("/b");
    world.allow("/a", &["alice"]);
    let bob = world.connect(&channel, Some(Sequence(0))).await;
    world.quiet().await;
    assert_eq!(bob.ear.facts(), ["Create /b"]);
    let kept = crate::ChannelStore::get(&*world.store, channel.id).await.unwrap().unwrap();
    assert_eq!(kept.topics.len(), 1);
}

#[tokio::test]
async fn an_event_is_judged_by_the_rules_of_its_time() {
    let world = World::new();
    let channel = world.channel("bob", &["/a", "/b"]);
    let bob = world.listen(&channel).await;
    // No await between: when the hub looks, bob may read again.
    world.allow("/a", &["alice"]);
    world.write("/a");
    world.allow("/a", &["alice", "bob"]);
    world.write("/a");
    world.quiet().await;
    assert_eq!(bob.ear.facts(), ["Update /a"]);
}

#[tokio::test]
async fn a_deletion_is_judged_by_the_rules_just_before() {
    let world = World::new();
    world.write("/a");
    world.allow("/a", &["bob"]);
    world.allow("/", &["alice"]);
    world.quiet().await;
    let bob = world.hear("bob", &["/a"]).await;
    world.delete("/a");
    world.quiet().await;
    assert_eq!(bob.ear.facts(), ["Delete /a"]);
    closed_forbidden(&bob);
}

#[tokio::test]
async fn a_deletion_that_waits_outlives_the_grant_it_took_with_it() {
    let world = World::new();
    world.write("/a");
    world.allow("/a", &["bob"]);
    world.allow("/", &["alice"]);
    world.quiet().await;
    let bob = world.hear("bob", &["/a"]).await;
    bob.block();
    world.delete("/a");
    world.quiet().await;
    assert_eq!(bob.ear.closed(), None);
    bob.unblock();
    world.quiet().await;
    assert_eq!(bob.ear.facts(), ["Delete /a"]);
    closed_forbidden(&bob);
}

#[tokio::test]
async fn a_name_made_anew_opens_nothing_old() {
    let world = World::new();
    world.write("/a");
    world.allow("/a", &["alice"]);
    world.write("/a");
    world.delete("/a");
    world.write("/a");
    world.allow("/a", &["bob"]);
    world.write("/a");
    world.quiet().await;
    let channel = world.channel("bob", &["/a"]);
    world.hub.subscribe(channel.clone()).await.unwrap();
    let bob = world.connect(&channel, Some(Sequence(2))).await;
    world.quiet().await;
    // Everything of the life that alice alone might read stays hidden; the new one was open by the root's ACL.
    assert_eq!(bob.ear.facts(), ["Create /a", "Update /a"]);
}

#[tokio::test]
async fn two_readers_of_one_topic_have_their_own_rights() {
    let world = World::new();
    world.allow("/a", &["alice", "bob"]);
    let (alice, bob) = (world.hear("alice", &["/a", "/b"]).await, world.hear("bob", &["/a", "/b"]).await);
    world.allow("/a", &["alice"]);
    world.write("/a");
    world.write("/b");
    world.quiet().await;
    assert_eq!(alice.ear.facts(), ["Create /a", "Create /b"]);
    assert_eq!(bob.ear.facts(), ["Create /b"]);
    assert!(bob.connection.is_open());
}

#[tokio::test]
async fn only_holders_of_control_hear_of_an_acl() {
    let world = World::new();
    world.write("/a");
    world.allow("/a", &["alice", "alice!", "bob"]);
    world.quiet().await;
    let refused = world.hub.subscribe(world.channel("bob", &["/a.acl"])).await;
    assert!(matches!(refused, Err(SubscribeError::Forbidden { .. })));
    let (alice, bob) = (world.hear("alice", &["/a.acl"]).await, world.hear("bob", &["/a"]).await);
    world.allow("/a", &["alice", "alice!", "bob"]);
    world.quiet().await;
    assert_eq!(alice.ear.facts(), ["Update /a.acl"]);
    assert_eq!(bob.ear.heard(), [""; 0]);
}

#[tokio::test]
async fn rules_that_cannot_be_read_say_nothing_and_skip_nothing() {
    let world = World::new();
    let bob = world.hear("bob", &["/a"]).await;
    world.past.failing.store(true, SeqCst);
    world.write("/a");
    world.until(|| world.past.questions.load(SeqCst) > 2).await;
    assert_eq!(bob.ear.heard(), [""; 0]);
    world.write("/a");
    world.past.failing.store(false, SeqCst);
    world.pass(Duration::from_secs(1));
    world.until(|| bob.ear.heard().len() == 2).await;
    assert_eq!(bob.ear.facts(), ["Create /a", "Update /a"]);
}

#[tokio::test]
async fn rules_that_stay_unreadable_close_the_connection() {
    let world = World::new();
    let bob = world.hear("bob", &["/a"]).await;
    world.past.failing.store(true, SeqCst);
    world.write("/a");
    world
        .until(|| {
            world.pass(Duration::from_secs(10));
            bob.ear.closed().is_some()
        })
        .await;
    assert_eq!(bob.ear.heard(), [""; 0]);
    assert_eq!(bob.ear.closed(), Some((Ending::Overload, false)));
}

#[tokio::test]
async fn a_channel_with_one_forbidden_topic_is_not_made_at_all() {
    let world = World::new();
    world.allow("/secret", &["alice"]);
    let channel = world.channel("bob", &["/a", "/secret"]);
    let refused = world.hub.subscribe(channel.clone()).await;
    assert!(matches!(refused, Err(SubscribeError::Forbidden { topic }) if topic == iri("/secret")));
    assert!(matches!(world.admit(&channel).await, Err(ConnectError::Unknown)));
}

#[tokio::test]
async fn a_capability_is_judged_anew_on_every_connect() {
    let world = World::new();
    let channel = world.channel("bob", &["/a"]);
    world.hub.subscribe(channel.clone()).await.unwrap();
    world.allow("/a", &["alice"]);
    assert!(matches!(world.admit(&channel).await, Err(ConnectError::Forbidden)));
    assert!(matches!(world.admit(&channel).await, Err(ConnectError::Ended)));
}

#[tokio::test]
async fn a_grant_withdrawn_between_admission_and_registration_counts() {
    let world = World::new();
    let channel = world.channel("bob", &["/a"]);
    world.hub.subscribe(channel.clone()).await.unwrap();
    let admission = world.admit(&channel).await.unwrap();
    world.allow("/a", &["alice"]);
    world.quiet().await;
    let ear = std::sync::Arc::new(Ear { room: usize::MAX.into(), ..Ear::default() });
    let connection = admission.register(std::sync::Arc::clone(&ear) as _, crate::Begin::Now, None);
    world.write("/a");
    world.quiet().await;
    assert_eq!(ear.heard(), [""; 0]);
    assert_eq!(ear.closed(), Some((Ending::Forbidden, false)));
    assert!(!connection.is_open());
}

#[tokio::test]
async fn a_loss_waits_for_what_was_committed_before_it() {
    let world = World::new();
    world.write("/a");
    world.allow("/a", &["bob"]);
    world.allow("/", &["alice"]);
    world.quiet().await;
    let bob = world.hear("bob", &["/a"]).await;
    world.quiet().await;
    let deleted = world.delete("/a");
    {
        // The judge already knows of the deletion, the hub has not matched it yet.
        let mut shard = world.hub.inner.shard.lock();
        let (entry, subject) = {
            let (entry, found) = shard.entries.iter().next().unwrap();
            (*entry, *found.parties.keys().next().unwrap())
        };
        let asked = crate::rules::Asked { entry, subject, generation: None, at: None };
        let depends_on = [iri("/a").acl()].into();
        let answer = crate::Answer { allowed: false, since: deleted, as_of: deleted, depends_on, valid_until: None };
        let now = podbell_model::Timestamp::UNIX_EPOCH;
        let held = shard.rules.take(entry, &answer, now).unwrap();
        shard.hold(&asked, held);
        shard.affected.insert(entry);
        shard.losses(now);
        assert!(shard.affected.contains(&entry));
    }
    world.quiet().await;
    assert_eq!(bob.ear.facts(), ["Delete /a"]);
    closed_forbidden(&bob);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn once_a_policy_write_returns_nothing_more_is_sent_whatever_runs_beside_it() {
    for _ in 0..100 {
        let world = World::new();
        let (one, two) = (world.hear("bob", &["/a"]).await, world.hear("bob", &["/a"]).await);
        one.room(200);
        for _ in 0..20 {
            world.write("/a");
        }
        world.allow("/a", &["alice"]);
        let heard = (one.ear.heard.lock().len(), two.ear.heard.lock().len());
        one.unblock();
        world.write("/a");
        world.until(|| one.ear.closed().is_some() && two.ear.closed().is_some()).await;
        assert_eq!((one.ear.heard.lock().len(), two.ear.heard.lock().len()), heard);
        assert_eq!(two.ear.late.load(SeqCst), 0);
    }
}

#[tokio::test]
async fn a_connect_that_is_refused_takes_nothing_from_those_that_are_connected() {
    for blocked in [true, false] {
        let world = World::new();
        world.allow("/", &["alice"]);
        world.write("/a");
        world.allow("/a", &["bob"]);
        world.quiet().await;
        let channel = world.channel("bob", &["/a"]);
        let bob = world.listen(&channel).await;
        world.quiet().await;
        if blocked {
            bob.block();
        }
        world.delete("/a");
        assert!(matches!(world.admit(&channel).await, Err(ConnectError::Forbidden | ConnectError::Ended)));
        world.quiet().await;
        bob.unblock();
        world.quiet().await;
        assert_eq!(bob.ear.facts(), ["Delete /a"], "blocked: {blocked}");
        closed_forbidden(&bob);
        assert!(matches!(world.admit(&channel).await, Err(ConnectError::Ended)));
        assert_eq!(world.kept().await, []);
    }
}

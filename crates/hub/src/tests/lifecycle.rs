//! How channels begin, live and end.

use super::world::*;
use crate::{
    Channel, ChannelError, ChannelLimits, ChannelStore, ConnectError, ConnectionLimit, Crowd, Ending, Full, Network,
    Settings, SubscribeError, TooMany,
};
use podbell_model::{Subject, activity};
use std::{sync::Arc, time::Duration};

const SECOND: Duration = Duration::from_secs(1);

fn nothing(_: podbell_model::StorageId) -> bool {
    false
}

#[tokio::test]
async fn one_stranger_does_not_use_up_the_channels_of_all_strangers() {
    let settings = Settings {
        channels: ChannelLimits { per_client: 1, of_the_public: 3, ..Default::default() },
        ..Settings::default()
    };
    let world = World::with(settings);
    world.allow("/a", &["public"]);
    for _ in 0..3 {
        world.hub.subscribe(world.channel("public", &["/a"])).await.unwrap();
    }
    let one_more = world.hub.subscribe(world.channel("public", &["/a"])).await;
    assert!(matches!(one_more, Err(SubscribeError::TooMany(TooMany { crowd: Crowd::Public, limit: 3 }))));
}

#[tokio::test]
async fn a_subject_makes_so_many_channels_and_no_more_even_at_once() {
    let world = World::with(Settings {
        channels: ChannelLimits { per_client: 3, ..Default::default() },
        ..Settings::default()
    });
    let channels: Vec<_> = (0..6).map(|_| world.channel("bob", &["/a"])).collect();
    let mut made = 0;
    let attempts: Vec<_> = channels
        .into_iter()
        .map(|channel| {
            let hub = Arc::clone(&world.hub);
            tokio::spawn(async move { hub.subscribe(channel).await })
        })
        .collect();
    for attempt in attempts {
        match attempt.await.unwrap() {
            Ok(()) => made += 1,
            Err(error) => assert!(matches!(error, SubscribeError::TooMany(TooMany { limit: 3, .. }))),
        }
    }
    assert_eq!(made, 3);
    assert!(world.hub.subscribe(world.channel("alice", &["/a"])).await.is_ok());
}

#[tokio::test]
async fn a_channel_has_topics_and_not_too_many() {
    let world = World::with(Settings { topics_per_channel: 2, ..Settings::default() });
    for paths in [&[][..], &["/a", "/b", "/c"]] {
        let refused = world.hub.subscribe(world.channel("bob", paths)).await;
        assert!(matches!(refused, Err(SubscribeError::Topics { limit: 2 })));
    }
}

#[tokio::test]
async fn nothing_is_sent_after_unsubscribing_returns() {
    let world = World::new();
    let channel = world.channel("bob", &["/a"]);
    let bob = world.listen(&channel).await;
    bob.block();
    world.write("/a");
    world.quiet().await;
    world.hub.unsubscribe(channel.id, &channel.subject, nothing).await.unwrap();
    assert_eq!(bob.ear.closed(), Some((Ending::Unsubscribed, false)));
    bob.unblock();
    world.write("/a");
    world.quiet().await;
    assert_eq!(bob.ear.heard(), [""; 0]);
    assert_eq!(bob.ear.late.load(std::sync::atomic::Ordering::SeqCst), 0);
    assert!(matches!(world.admit(&channel).await, Err(ConnectError::Ended)));
    let again = world.hub.unsubscribe(channel.id, &channel.subject, nothing).await;
    assert!(matches!(again, Err(ChannelError::Ended)));
}

#[tokio::test]
async fn a_channel_ended_between_admission_and_registration_stays_silent() {
    let world = World::new();
    let channel = world.channel("bob", &["/a"]);
    world.hub.subscribe(channel.clone()).await.unwrap();
    let admission = world.admit(&channel).await.unwrap();
    world.hub.unsubscribe(channel.id, &channel.subject, nothing).await.unwrap();
    let ear = Arc::new(Ear { room: usize::MAX.into(), ..Ear::default() });
    let connection = admission.register(Arc::clone(&ear) as _, crate::Begin::Now, None);
    world.write("/a");
    world.quiet().await;
    assert_eq!(ear.heard(), [""; 0]);
    assert_eq!(ear.closed(), Some((Ending::Unsubscribed, false)));
    assert!(!connection.is_open());
}

#[tokio::test]
async fn strangers_cannot_tell_channels_that_exist_from_those_that_never_did() {
    let world = World::new();
    let channel = world.channel("bob", &["/a"]);
    world.hub.subscribe(channel.clone()).await.unwrap();
    let never = world.channel("bob", &["/a"]);
    for id in [channel.id, never.id] {
        let anonymous = world.hub.channel(id, &Subject::public(), nothing).await;
        assert!(matches!(anonymous, Err(ChannelError::Anonymous)));
        let stranger = world.hub.unsubscribe(id, &agent("mallory"), nothing).await;
        assert!(matches!(stranger, Err(ChannelError::Stranger)));
    }
    assert_eq!(world.hub.channel(channel.id, &agent("bob"), nothing).await.unwrap(), channel);
    assert_eq!(world.kept().await, std::slice::from_ref(&channel));
    world.hub.unsubscribe(channel.id, &agent("owner"), |storage| storage == POD).await.unwrap();
}

#[tokio::test]
async fn connections_of_one_capability_are_bounded() {
    let world = World::new();
    let channel = world.channel("bob", &["/a"]);
    let first = world.listen(&channel).await;
    let _second = world.connect(&channel, None).await;
    let third = world.admit(&channel).await.unwrap();
    assert!(matches!(world.admit(&channel).await, Err(ConnectError::TooMany { full: Full::Channel, limit: 3 })));
    drop(third);
    let _third = world.admit(&channel).await.unwrap();
    assert!(matches!(world.admit(&channel).await, Err(ConnectError::TooMany { .. })));
    drop(first);
    assert!(world.admit(&channel).await.is_ok());
    assert_eq!(world.hub.counts().connections, 1);
}

#[tokio::test]
async fn connections_are_bounded_by_client_by_agent_and_by_network() {
    let settings = Settings {
        connections_per_client: 1,
        connections_per_agent: 2,
        connections_per_network: 1,
        ..Settings::default()
    };
    let world = World::with(settings);
    world.allow("/a", &["bob", "public"]);
    let with = |client: &str| {
        let channel = world.channel("bob", &["/a"]);
        Channel { subject: Arc::new(Subject { client: Some(client.into()), ..(*channel.subject).clone() }), ..channel }
    };
    let from = |network: Option<u8>| Channel {
        network: network.map(|network| Network([network; 16])),
        ..world.channel("public", &["/a"])
    };
    let mut open = Vec::new();
    for (channel, admitted) in [
        (with("one"), true),
        (with("one"), false),
        (with("two"), true),
        (with("three"), false),
        (from(Some(1)), true),
        (from(Some(1)), false),
        (from(Some(2)), true),
        (from(None), true),
        (from(None), true),
    ] {
        match world.hub.attend(channel).await {
            Ok(admission) => open.push((admitted, admission)),
            Err(error) => assert!(!admitted && matches!(error, ConnectError::TooMany { .. })),
        }
    }
    assert!(open.iter().all(|(admitted, _)| *admitted));
    open.clear();
    assert!(world.hub.attend(with("three")).await.is_ok());
    assert!(world.hub.attend(from(Some(1))).await.is_ok());
}

#[tokio::test]
async fn a_capability_for_one_use_opens_once() {
    let world = World::new();
    let once = ConnectionLimit { concurrent: 1, total: Some(1) };
    let channel = Channel { connections: once, ..world.channel("bob", &["/a"]) };
    drop(world.listen(&channel).await);
    assert!(matches!(world.admit(&channel).await, Err(ConnectError::Ended)));
}

#[tokio::test]
async fn a_channel_for_one_use_is_forgotten_after_it() {
    let world = World::new();
    let once = ConnectionLimit { concurrent: 1, total: Some(1) };
    let linger = Some(Duration::ZERO);
    let [heard, given_up] =
        ["/a", "/b"].map(|topic| Channel { connections: once, linger, ..world.channel("bob", &[topic]) });
    let listener = world.listen(&heard).await;
    world.quiet().await;
    assert!(world.store.get(heard.id).await.unwrap().is_some(), "while somebody listens it is shown");
    drop(listener);
    world.hub.subscribe(given_up.clone()).await.unwrap();
    // Who was let in and has gone before anything began.
    drop(world.admit(&given_up).await.unwrap());
    for channel in [heard, given_up] {
        while world.store.get(channel.id).await.unwrap().is_some() {
            tokio::task::yield_now().await;
        }
        assert!(matches!(world.admit(&channel).await, Err(ConnectError::Ended)));
    }
}

#[tokio::test]
async fn all_connections_of_a_channel_hear_everything() {
    let world = World::new();
    let channel = world.channel("bob", &["/a"]);
    let (one, two) = (world.listen(&channel).await, world.connect(&channel, None).await);
    world.write("/a");
    world.quiet().await;
    assert_eq!(one.ear.heard(), two.ear.heard());
    drop(one);
    world.write("/a");
    world.quiet().await;
    assert_eq!(two.ear.facts(), ["Create /a", "Update /a"]);
}

#[tokio::test]
async fn an_unused_channel_is_swept() {
    let world = World::new();
    let mut channel = world.channel("bob", &["/a"]);
    channel.connect_by = Some(channel.created + 60 * SECOND);
    world.hub.subscribe(channel.clone()).await.unwrap();
    world.quiet().await;
    world.pass(60 * SECOND);
    while world.store.get(channel.id).await.unwrap().is_some() {
        tokio::task::yield_now().await;
    }
    assert!(world.admit(&channel).await.is_err());
}

#[tokio::test]
async fn the_end_closes_and_first_tells_what_the_rate_held() {
    let world = World::new();
    let mut channel = world.channel("bob", &["/a"]);
    channel.end_at = Some(channel.created + 60 * SECOND);
    channel.rate = Some(100 * SECOND);
    let bob = world.listen(&channel).await;
    world.write("/a");
    let last = world.write("/a");
    world.quiet().await;
    world.pass(59 * SECOND);
    world.quiet().await;
    assert_eq!(bob.ear.closed(), None);
    world.pass(SECOND);
    world.until(|| bob.ear.closed().is_some()).await;
    assert_eq!(bob.ear.closed(), Some((Ending::Expired, false)));
    assert_eq!(bob.ear.heard()[1..], [format!("Update /a {last}")]);
    assert!(matches!(world.admit(&channel).await, Err(ConnectError::Ended)));
}

#[tokio::test]
async fn nothing_from_before_the_start_is_told() {
    let world = World::new();
    let mut channel = world.channel("bob", &["/a"]);
    channel.start_at = Some(channel.created + 60 * SECOND);
    let bob = world.listen(&channel).await;
    world.write("/a");
    world.quiet().await;
    world.pass(60 * SECOND);
    world.write("/a");
    world.quiet().await;
    assert_eq!(bob.ear.facts(), ["Update /a"]);
}

#[tokio::test]
async fn the_state_is_compared_on_connecting_and_at_the_start() {
    let world = World::new();
    let at = world.write("/a");
    let version = activity::version(podbell_model::Uuid::from_u128(u128::from(at.0) | 0xF00 << 64));
    let with = |state: &str| Channel { state: Some(state.into()), ..world.channel("bob", &["/a"]) };
    let (same, other) = (world.listen(&with(&version)).await, world.listen(&with("older")).await);
    let later = Channel { start_at: Some(same_time(&world) + 60 * SECOND), ..with("older") };
    let later = world.listen(&later).await;
    world.quiet().await;
    assert_eq!(same.ear.heard(), [""; 0]);
    assert_eq!(other.ear.heard(), [format!("State /a {version}")]);
    assert_eq!(later.ear.heard(), [""; 0]);
    world.pass(60 * SECOND);
    world.until(|| !later.ear.heard().is_empty()).await;
    assert_eq!(later.ear.heard(), [format!("State /a {version}")]);
    world.write("/a");
    world.quiet().await;
    assert_eq!(same.ear.facts(), ["Update /a"]);
    assert_eq!(later.ear.facts(), ["State /a", "Update /a"]);
}

fn same_time(world: &World) -> podbell_model::Timestamp {
    world.channel("bob", &["/a"]).created
}

#[tokio::test]
async fn the_state_advances_so_that_coming_again_tells_nothing_twice() {
    let world = World::new();
    world.write("/a");
    let channel = Channel { state: Some("older".into()), ..world.channel("bob", &["/a"]) };
    let bob = world.listen(&channel).await;
    world.quiet().await;
    world.write("/a");
    world.quiet().await;
    assert_eq!(bob.ear.facts(), ["State /a", "Update /a"]);
    drop(bob);
    // At once, whether the store has it already or not, and again when it has.
    let bob = world.connect(&channel, None).await;
    world.quiet().await;
    assert_eq!(bob.ear.heard(), [""; 0]);
    drop(bob);
    while world.store.get(channel.id).await.unwrap().unwrap().state == channel.state {
        tokio::task::yield_now().await;
    }
    let bob = world.connect(&channel, None).await;
    world.quiet().await;
    assert_eq!(bob.ear.heard(), [""; 0]);
    drop(bob);
    world.delete("/a");
    let bob = world.connect(&channel, None).await;
    world.until(|| !bob.ear.heard().is_empty()).await;
    assert_eq!(bob.ear.heard(), ["State /a gone"]);
}

#[tokio::test]
async fn a_deleted_storage_ends_its_channels() {
    let world = World::new();
    let (here, resting) = (world.channel("bob", &["/a"]), world.channel("bob", &["/a"]));
    world.hub.subscribe(resting.clone()).await.unwrap();
    let bob = world.listen(&here).await;
    world.end_storage();
    world.quiet().await;
    assert!(!bob.connection.is_open());
    while !world.kept().await.is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(matches!(world.admit(&resting).await, Err(ConnectError::Ended)));
}

#[tokio::test]
async fn draining_closes_all_and_lets_nobody_in() {
    let world = World::new();
    let channel = Channel { state: Some("older".into()), ..world.channel("bob", &["/a"]) };
    let bob = world.listen(&channel).await;
    world.write("/a");
    world.until(|| !bob.ear.heard().is_empty()).await;
    world.quiet().await;
    world.hub.drain().await;
    assert_eq!(bob.ear.closed(), Some((Ending::Shutdown, false)));
    assert!(matches!(world.admit(&channel).await, Err(ConnectError::Unavailable)));
    assert!(matches!(world.hub.subscribe(world.channel("bob", &["/a"])).await, Err(SubscribeError::Unavailable)));
    assert_ne!(world.store.get(channel.id).await.unwrap().unwrap().state, channel.state);
}

#[tokio::test]
async fn a_channel_that_has_ended_and_is_not_swept_yet_ends_no_list() {
    let world = World::new();
    for number in 0..4 {
        let mut channel = world.channel("bob", &["/a"]);
        channel.end_at = Some(channel.created + 60 * if number == 1 { SECOND } else { 60 * SECOND });
        world.hub.subscribe(channel).await.unwrap();
    }
    world.past.now.fetch_add(120_000, std::sync::atomic::Ordering::SeqCst);
    let (mut seen, mut after) = (0, None);
    loop {
        let (page, next) = world.hub.channels(&crate::Whose::Storage(POD), after, 2).await.unwrap();
        seen += page.len();
        match next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    assert_eq!(seen, 3);
}

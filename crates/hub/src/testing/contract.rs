//! What every channel store keeps, one function per fact.

use crate::{
    Channel, ChannelId, ChannelLimits, ChannelStore, ConnectionLimit, Crowd, Filter, InsertError, Network, Push,
    RenderingId, Renewal, TooMany, Topic, Whose,
};
use podbell_model::{ResourceIri, StorageId, Subject, Timestamp, Uuid, WebId};
use std::{sync::Arc, time::Duration};

/// Makes one test per fact of the contract; `$make` names an async function that gives a fresh, empty store.
#[macro_export]
macro_rules! channel_store_contract {
    ($make:path) => {
        $crate::channel_store_contract!(@facts $make:
            what_is_kept_is_found_unchanged
            nothing_is_found_under_another_name
            a_removed_channel_is_gone
            a_capability_is_used_as_often_as_it_may
            an_endless_capability_is_never_used_up
            the_state_that_was_told_is_remembered
            a_channel_keeps_the_topics_that_are_left
            channels_are_found_by_storage
            the_sweep_takes_what_has_ended_and_nothing_else
            a_used_channel_outlives_the_time_to_connect
            a_stranded_channel_ends_unless_somebody_comes_back
            as_many_channels_as_allowed_are_kept_and_no_more
            the_topics_of_one_agent_are_bounded_together
            channels_that_push_are_bounded_by_topic_and_by_host
            no_two_at_once_share_the_last_place
            channels_are_listed_in_pages_by_agent_and_by_storage
            what_may_be_changed_is_changed_and_nothing_else
        );
    };
    (@facts $make:path: $($fact:ident)*) => {
        $(
            #[tokio::test]
            async fn $fact() {
                $crate::testing::contract::$fact(&$make().await).await;
            }
        )*
    };
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or_default()
}

fn topic(storage: u64, iri: &str) -> Topic {
    Topic { storage: StorageId(storage), resource: ResourceIri::parse(iri).expect("a good IRI") }
}

/// Every channel with a topic in a storage.
async fn of_storage(store: &impl ChannelStore, storage: u64) -> Vec<Channel> {
    store.page(&Whose::Storage(StorageId(storage)), None, 100).await.unwrap()
}

/// A channel with every optional field filled and a nanosecond in every instant that is free to have one.
pub fn channel(number: u8) -> Channel {
    Channel {
        id: ChannelId(Uuid::from_u128(u128::from(number))),
        subject: Arc::new(Subject {
            webid: Some(WebId::new("https://alice.example/card#me")),
            client: Some("https://app.example/id".into()),
            issuer: Some("https://issuer.example/".into()),
            origin: Some("https://app.example".into()),
        }),
        network: Some(Network([number; 16])),
        topics: [topic(1, "https://pod.example/a"), topic(2, "https://pod.example/b/")].into(),
        recursive: true,
        filter: Filter::from_code(5, true),
        rendering: RenderingId(0x8000_0007),
        capability: Some([number; 32]),
        connections: ConnectionLimit { concurrent: 3, total: Some(2) },
        created: at(i64::from(number)),
        connect_by: Some(at(1_060)),
        start_at: Some(at(1_100)),
        end_at: Some(at(2_000)),
        rate: Some(Duration::from_millis(1_500)),
        state: Some("1234".into()),
        linger: Some(Duration::from_mins(1)),
        push: None,
    }
}

/// See its name.
pub async fn what_is_kept_is_found_unchanged(store: &impl ChannelStore) {
    let full = channel(1);
    let bare = Channel {
        id: ChannelId(Uuid::from_u128(2)),
        subject: Arc::new(Subject::public()),
        network: None,
        topics: [topic(7, "https://pod.example/caf%C3%A9")].into(),
        capability: None,
        connections: ConnectionLimit { concurrent: 1, total: None },
        connect_by: None,
        start_at: None,
        end_at: None,
        rate: None,
        state: None,
        linger: None,
        ..full.clone()
    };
    store.insert(&full, &ChannelLimits::default()).await.unwrap();
    store.insert(&bare, &ChannelLimits::default()).await.unwrap();
    assert_eq!(store.get(full.id).await.unwrap(), Some(full.clone()));
    assert_eq!(store.get(bare.id).await.unwrap(), Some(bare));
    assert_eq!(store.by_capability(&[1; 32]).await.unwrap(), Some(full));
}

/// See its name.
pub async fn nothing_is_found_under_another_name(store: &impl ChannelStore) {
    store.insert(&channel(1), &ChannelLimits::default()).await.unwrap();
    assert_eq!(store.get(ChannelId(Uuid::from_u128(9))).await.unwrap(), None);
    assert_eq!(store.by_capability(&[9; 32]).await.unwrap(), None);
    assert!(!store.use_capability(ChannelId(Uuid::from_u128(9))).await.unwrap());
    store.advance_state(ChannelId(Uuid::from_u128(9)), Some("x")).await.unwrap();
    store.narrow(ChannelId(Uuid::from_u128(9)), &[topic(1, "https://pod.example/a")]).await.unwrap();
    assert_eq!(store.get(channel(1).id).await.unwrap(), Some(channel(1)));
}

/// See its name.
pub async fn a_removed_channel_is_gone(store: &impl ChannelStore) {
    let channel = channel(1);
    store.insert(&channel, &ChannelLimits::default()).await.unwrap();
    assert!(store.remove(channel.id).await.unwrap());
    assert!(!store.remove(channel.id).await.unwrap());
    assert_eq!(store.get(channel.id).await.unwrap(), None);
    assert_eq!(store.by_capability(&[1; 32]).await.unwrap(), None);
    assert!(!store.use_capability(channel.id).await.unwrap());
    assert_eq!(of_storage(store, 1).await, []);
}

/// See its name.
pub async fn a_capability_is_used_as_often_as_it_may(store: &impl ChannelStore) {
    let channel = channel(1);
    store.insert(&channel, &ChannelLimits::default()).await.unwrap();
    let uses = [(); 4].map(|()| store.use_capability(channel.id));
    let mut granted = 0;
    for granting in uses {
        granted += usize::from(granting.await.unwrap());
    }
    assert_eq!(granted, 2);
}

/// See its name.
pub async fn an_endless_capability_is_never_used_up(store: &impl ChannelStore) {
    let endless = Channel { connections: ConnectionLimit { concurrent: 1, total: None }, ..channel(1) };
    store.insert(&endless, &ChannelLimits::default()).await.unwrap();
    for _ in 0..10 {
        assert!(store.use_capability(endless.id).await.unwrap());
    }
}

/// See its name.
pub async fn the_state_that_was_told_is_remembered(store: &impl ChannelStore) {
    let (one, other) = (channel(1), channel(2));
    store.insert(&one, &ChannelLimits::default()).await.unwrap();
    store.insert(&other, &ChannelLimits::default()).await.unwrap();
    for state in [Some("5678"), Some(""), None] {
        store.advance_state(one.id, state).await.unwrap();
        assert_eq!(store.get(one.id).await.unwrap().unwrap().state.as_deref(), state);
    }
    assert_eq!(store.get(other.id).await.unwrap(), Some(other));
}

/// See its name.
pub async fn a_channel_keeps_the_topics_that_are_left(store: &impl ChannelStore) {
    let channel = channel(1);
    store.insert(&channel, &ChannelLimits::default()).await.unwrap();
    store.narrow(channel.id, &channel.topics[1..]).await.unwrap();
    // One that was overtaken brings nothing back.
    store.narrow(channel.id, &channel.topics).await.unwrap();
    assert_eq!(*store.get(channel.id).await.unwrap().unwrap().topics, channel.topics[1..]);
    assert_eq!(of_storage(store, 1).await, []);
    assert_eq!(of_storage(store, 2).await.len(), 1);
    // Two that together take all that is left.
    store.narrow(channel.id, &channel.topics[..1]).await.unwrap();
    assert_eq!(store.get(channel.id).await.unwrap(), None);
    assert_eq!(of_storage(store, 2).await, []);
}

/// See its name.
pub async fn channels_are_found_by_storage(store: &impl ChannelStore) {
    let elsewhere = Channel { topics: [topic(3, "https://other.example/")].into(), ..channel(2) };
    for channel in [channel(3), elsewhere, channel(1)] {
        store.insert(&channel, &ChannelLimits::default()).await.unwrap();
    }
    assert_eq!(of_storage(store, 2).await, [channel(1), channel(3)]);
    assert_eq!(of_storage(store, 4).await, []);
}

/// See its name.
pub async fn the_sweep_takes_what_has_ended_and_nothing_else(store: &impl ChannelStore) {
    let endless = Channel { connect_by: None, end_at: None, ..channel(1) };
    let unused = Channel { end_at: None, ..channel(2) };
    let ending = Channel { connect_by: None, ..channel(3) };
    for channel in [&endless, &unused, &ending] {
        store.insert(channel, &ChannelLimits::default()).await.unwrap();
    }
    assert_eq!(store.sweep(at(1_059)).await.unwrap(), []);
    assert_eq!(store.sweep(at(1_060)).await.unwrap(), [unused.id]);
    assert_eq!(store.sweep(at(2_000)).await.unwrap(), [ending.id]);
    assert_eq!(store.sweep(at(9_999)).await.unwrap(), []);
    assert_eq!(store.get(unused.id).await.unwrap(), None);
    assert_eq!(store.get(endless.id).await.unwrap(), Some(endless));
}

/// See its name.
pub async fn a_used_channel_outlives_the_time_to_connect(store: &impl ChannelStore) {
    let channel = channel(1);
    store.insert(&channel, &ChannelLimits::default()).await.unwrap();
    assert!(store.use_capability(channel.id).await.unwrap());
    assert_eq!(store.sweep(at(1_061)).await.unwrap(), []);
    assert_eq!(store.sweep(at(2_001)).await.unwrap(), [channel.id]);
}

/// See its name.
pub async fn a_stranded_channel_ends_unless_somebody_comes_back(store: &impl ChannelStore) {
    let connections = ConnectionLimit { concurrent: 1, total: Some(1) };
    let lingers = |number, linger| Channel {
        linger,
        connections,
        connect_by: Some(at(1_900)),
        end_at: Some(at(9_000)),
        ..channel(number)
    };
    let minute = Some(Duration::from_mins(1));
    let (unused, left, back) = (lingers(1, minute), lingers(2, minute), lingers(3, minute));
    let (instant, endless) = (lingers(4, Some(Duration::ZERO)), lingers(5, None));
    for channel in [&unused, &left, &back, &instant, &endless] {
        store.insert(channel, &ChannelLimits::default()).await.unwrap();
        assert!(!store.come_back(channel.id).await.unwrap(), "nobody was there");
    }
    for channel in [&left, &back, &instant, &endless] {
        assert!(store.use_capability(channel.id).await.unwrap());
    }
    assert_eq!(store.sweep(at(1_200)).await.unwrap(), [], "they are connected, for all that is known");
    store.strand(at(1_200)).await.unwrap();
    assert_eq!(store.sweep(at(1_201)).await.unwrap(), [instant.id]);
    assert!(!store.use_capability(back.id).await.unwrap(), "it is used up");
    assert!(store.come_back(back.id).await.unwrap());
    assert!(!store.come_back(endless.id).await.unwrap(), "it does not linger");
    assert_eq!(store.sweep(at(1_259)).await.unwrap(), []);
    assert_eq!(store.sweep(at(1_260)).await.unwrap(), [left.id]);
    assert!(!store.come_back(left.id).await.unwrap());
    assert_eq!(store.sweep(at(1_900)).await.unwrap(), [unused.id]);
    assert_eq!(store.get(back.id).await.unwrap(), Some(back));
}

/// Each crowd at its limit and one past it; who is not in it goes on.
pub async fn as_many_channels_as_allowed_are_kept_and_no_more(store: &impl ChannelStore) {
    let of = |webid: &str, client: &str| Subject { client: Some(client.into()), ..Subject::agent(WebId::new(webid)) };
    let (alice, bob) = ("https://alice.example/#me", "https://bob.example/#me");
    let limits = ChannelLimits {
        per_client: 2,
        per_agent: 3,
        of_the_public: 3,
        per_network: 2,
        per_topic: 8,
        ..ChannelLimits::default()
    };
    let mut number = 0;
    let mut next = |subject: Subject, network: Option<u8>, about: &str| {
        number += 1;
        let network = network.map(|network| Network([network; 16]));
        Channel { subject: Arc::new(subject), network, topics: [topic(1, about)].into(), ..channel(number) }
    };
    let a = "https://pod.example/a";
    let mut asked = vec![
        (next(of(alice, "one"), None, a), None),
        (next(of(alice, "one"), None, a), None),
        (next(of(alice, "one"), None, a), Some((Crowd::Client, 2))),
        (next(of(alice, "two"), None, a), None),
        (next(of(alice, "two"), None, a), Some((Crowd::Agent, 3))),
        (next(of(bob, "one"), None, a), None),
        (next(Subject::public(), Some(1), a), None),
        (next(Subject::public(), Some(1), a), None),
        (next(Subject::public(), Some(1), a), Some((Crowd::Network, 2))),
        (next(Subject::public(), Some(2), a), None),
        (next(Subject::public(), Some(3), a), Some((Crowd::Public, 3))),
        (next(Subject::public(), None, a), Some((Crowd::Public, 3))),
        (next(of(bob, "two"), None, a), None),
    ];
    let full = topic(1, a).resource;
    asked.push((next(of(bob, "three"), None, a), Some((Crowd::Topic(full), 8))));
    asked.push((next(of(bob, "three"), None, "https://pod.example/b"), None));
    for (channel, refused) in asked {
        let too_many = match store.insert(&channel, &limits).await {
            Ok(()) => None,
            Err(InsertError::TooMany(TooMany { crowd, limit })) => Some((crowd, limit)),
            Err(error) => panic!("{error}"),
        };
        assert_eq!(too_many, refused, "{:?}", channel.id);
        assert_eq!(store.get(channel.id).await.unwrap().is_some(), refused.is_none());
    }
    assert!(store.remove(channel(1).id).await.unwrap());
    let again = Channel { subject: Arc::new(of(alice, "one")), topics: [topic(1, a)].into(), ..channel(100) };
    store.insert(&again, &limits).await.expect("there is room again");
}

/// Eight for each channel that it may have; channels with one topic are bounded by their own number.
pub async fn the_topics_of_one_agent_are_bounded_together(store: &impl ChannelStore) {
    let limits = ChannelLimits { per_agent: 2, per_network: 2, ..ChannelLimits::default() };
    let wide = |number: u8, subject: Subject, topics: u8| {
        let topics = (0..topics).map(|at| topic(1, &format!("https://pod.example/{number}/{at}"))).collect();
        let network = subject.webid.is_none().then_some(Network([1; 16]));
        Channel { subject: Arc::new(subject), network, topics, ..channel(number) }
    };
    let refused = |made| match made {
        Ok(()) => None,
        Err(InsertError::TooMany(TooMany { crowd, limit })) => Some((crowd, limit)),
        Err(error) => panic!("{error}"),
    };
    let alice = || Subject::agent(WebId::new("https://alice.example/#me"));
    for (number, subject, crowd) in [(1, alice(), Crowd::TopicsOfAgent), (5, Subject::public(), Crowd::TopicsOfNetwork)]
    {
        assert_eq!(refused(store.insert(&wide(number, subject.clone(), 10), &limits).await), None);
        let too_wide = wide(number + 1, subject.clone(), 7);
        assert_eq!(refused(store.insert(&too_wide, &limits).await), Some((crowd, 16)));
        assert_eq!(refused(store.insert(&wide(number + 2, subject, 6), &limits).await), None);
    }
    let bob = Subject::agent(WebId::new("https://bob.example/#me"));
    assert_eq!(refused(store.insert(&wide(9, bob, 16), &limits).await), None);
}

/// A change is written down for each of them, and a host that has many names is reached by all of them.
pub async fn channels_that_push_are_bounded_by_topic_and_by_host(store: &impl ChannelStore) {
    let limits = ChannelLimits { pushed_per_topic: 2, targets: 3, ..ChannelLimits::default() };
    let pushing = |number: u8, webid: &str, about: &str, send_to: &str| {
        let subject = Arc::new(Subject::agent(WebId::new(webid)));
        let topics = [topic(1, &format!("https://pod.example/{about}"))].into();
        Channel { subject, topics, push: Some(Arc::new(Push::to(send_to))), capability: None, ..channel(number) }
    };
    let (alice, bob, a) = ("https://alice.example/#me", "https://bob.example/#me", "https://a.example/in");
    let full = Crowd::Pushed(topic(1, "https://pod.example/a").resource);
    for (channel, refused) in [
        (pushing(1, alice, "a", a), None),
        (pushing(2, alice, "a", "https://b.example/"), None),
        (pushing(3, alice, "a", a), Some((full, 2))),
        (pushing(4, bob, "a", a), None),
        (pushing(5, alice, "b", "https://c.example/"), None),
        (pushing(6, alice, "b", "https://d.example/"), Some((Crowd::Targets, 3))),
        (pushing(7, alice, "b", "https://a.example:8443/in"), Some((Crowd::Targets, 3))),
        (pushing(8, alice, "c", "https://a.example/other"), None),
        (pushing(9, bob, "c", "https://d.example/"), None),
    ] {
        let too_many = match store.insert(&channel, &limits).await {
            Ok(()) => None,
            Err(InsertError::TooMany(TooMany { crowd, limit })) => Some((crowd, limit)),
            Err(error) => panic!("{error}"),
        };
        assert_eq!(too_many, refused, "{:?}", channel.id);
    }
    // One that is connected to is another matter.
    let connected = Channel { push: None, ..pushing(10, alice, "a", a) };
    store.insert(&connected, &limits).await.expect("kept");
}

/// See its name.
pub async fn no_two_at_once_share_the_last_place(store: &impl ChannelStore) {
    let limits = ChannelLimits { per_client: 3, ..ChannelLimits::default() };
    let [one, two, three, four, five] = [1, 2, 3, 4, 5].map(channel);
    let made = tokio::join!(
        store.insert(&one, &limits),
        store.insert(&two, &limits),
        store.insert(&three, &limits),
        store.insert(&four, &limits),
        store.insert(&five, &limits),
    );
    let made: [Result<(), InsertError>; 5] = made.into();
    assert_eq!(made.iter().filter(|made| made.is_ok()).count(), 3);
}

/// Pages follow each other without a gap, and nobody else's channels are in them.
pub async fn channels_are_listed_in_pages_by_agent_and_by_storage(store: &impl ChannelStore) {
    let alice = WebId::new("https://alice.example/card#me");
    for number in 1..=5 {
        store.insert(&channel(number), &ChannelLimits::default()).await.expect("kept");
    }
    let of_nobody =
        Channel { subject: Arc::new(Subject::public()), topics: [topic(3, "https://c.example/")].into(), ..channel(6) };
    store.insert(&of_nobody, &ChannelLimits::default()).await.expect("kept");
    for whose in [Whose::Agent(alice), Whose::Storage(StorageId(2))] {
        let (mut listed, mut after) = (Vec::new(), None);
        loop {
            let page = store.page(&whose, after, 2).await.expect("read");
            let Some(last) = page.last() else { break };
            after = Some((last.created, last.id));
            assert!(page.len() <= 2);
            listed.extend(page);
        }
        assert_eq!(listed, (1..=5).map(channel).collect::<Vec<_>>(), "{whose:?}");
    }
    assert_eq!(store.page(&Whose::Storage(StorageId(3)), None, 9).await.expect("read"), [of_nobody]);
    assert!(store.page(&Whose::Storage(StorageId(9)), None, 9).await.expect("read").is_empty());
}

/// What is not said stays as it was.
pub async fn what_may_be_changed_is_changed_and_nothing_else(store: &impl ChannelStore) {
    let kept = channel(1);
    store.insert(&kept, &ChannelLimits::default()).await.expect("kept");
    let renewal = Renewal {
        end_at: Some(at(3_000)),
        rate: Some(Duration::from_secs(7)),
        rendering: Some(RenderingId(5)),
        filter: Some(Filter::from_code(3, false)),
    };
    assert!(store.renew(kept.id, &renewal).await.expect("written"));
    let mut expected = kept.clone();
    renewal.apply(&mut expected);
    assert_eq!(store.get(kept.id).await.expect("read"), Some(expected.clone()));
    assert!(store.renew(kept.id, &Renewal::default()).await.expect("written"));
    assert_eq!(store.get(kept.id).await.expect("read"), Some(expected));
    assert!(!store.renew(channel(2).id, &renewal).await.expect("written"));
}

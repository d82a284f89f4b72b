//! The owner of a storage ends all that somebody, or some application, listens with to it: that and nothing else.

use super::{
    ears::{Ear, Listener, Way},
    hooks::{Hook, TERMS},
    looking_after::all,
    owner_listing::{fact, listeners, of_storage},
    world::{Agent, World, until},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use podbell_test_client::receiver::{Receiver, Reply as Receipt};
use serde_json::{Value, json};

const EVERYBODY: &str = "http://xmlns.com/foaf/0.1/Agent";

/// A server of the test's own with its people: what is ended here is everybody's.
struct People {
    alice: Agent,
    bob: Agent,
    anybody: Agent,
    bobs: String,
}

fn begin() -> People {
    begin_with(&[])
}

fn begin_with(settings: &[(&str, &str)]) -> People {
    let world: &'static World = Box::leak(Box::new(World::start(settings)));
    let (alice, bob) = (world.log_in("ALICE"), world.log_in("BOB"));
    for (at, whom) in [
        ("/alice/for-bob/", format!("acl:agent <{}>", world.webid("BOB"))),
        ("/alice/open/", "acl:agentClass foaf:Agent".into()),
    ] {
        alice.put(at, "");
        alice.rules(at, &format!("{whom}; acl:mode acl:Read"));
        alice.put(&format!("{at}r"), "");
    }
    bob.put("/bob/r", "");
    People { alice, bob, anybody: world.stranger(), bobs: world.webid("BOB").to_owned() }
}

impl People {
    /// Asks for an end; what is said behind the storage.
    fn clear(&self, more: &[(&str, &str)]) -> super::world::Reply {
        let mut path = format!("/.notifications/channels/{}", of_storage(&self.alice, "/alice/"));
        for (name, value) in more {
            path = format!("{path}&{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC));
        }
        self.alice.ask("DELETE", &path, &[], "")
    }

    /// How many were ended.
    #[track_caller]
    fn ended(&self, more: &[(&str, &str)]) -> u64 {
        let told = self.clear(more);
        assert_eq!((told.status, told.header("cache-control")), (200, Some("no-store")), "{told:?}");
        assert_eq!(told.json()["@context"]["@vocab"], TERMS);
        assert_eq!(told.json().get("more"), None);
        told.json()["ended"].as_u64().unwrap()
    }

    fn listening(&self) -> Vec<Value> {
        all(&self.alice, &of_storage(&self.alice, "/alice/"))
    }

    fn hears(&self, ear: &mut Ear, at: &str) {
        self.alice.put(at, "<> a <#Heard>.");
        assert_eq!(ear.told().1, at);
    }
}

#[test]
fn all_of_a_person_ends_by_whichever_door_it_came_and_over_all_pages() {
    let people = begin();
    let (alice, bob, anybody) = (&people.alice, &people.bob, &people.anybody);
    let at = "/alice/open/r";
    let mut theirs: Vec<_> = Way::ALL.map(|way| (way, Listener::from(bob).listen(way, &[at]).1)).into();
    let (_place, mut other) = Listener::from(anybody).listen(Way::WebSocket, &[at]);
    let (_place, mut live) = Listener::from(anybody).listen(Way::Standing, &[at]);
    let (_place, mut own) = Listener::from(alice).listen(Way::Events, &[at]);
    let receiver = Receiver::http(|_, _| Receipt::status(204)).unwrap();
    let hook = Hook::with(bob, super::hooks::WEBHOOK, &[at], receiver, &json!({ "lifecycle": true }));
    for _ in 0..150 {
        assert_eq!(Listener::from(bob).subscribe(Way::Lines, &[at], json!({})).status, 200);
    }
    let before = people.listening().len();
    assert_eq!(before, Way::ALL.len() + 1 + 150 + 3);
    assert_eq!(people.ended(&[("subscriber", &people.bobs)]), (before - 3) as u64);
    assert_eq!(people.listening().len(), 3);
    assert!(all(bob, "").is_empty());
    for (way, ear) in &mut theirs {
        assert!(ear.next().is_none(), "{way:?}");
    }
    // As DELETE of each: who asked for last words hears them.
    assert!(hook.receiver.wait(1)[0].json().to_string().contains("ended"));
    people.hears(&mut other, at);
    people.hears(&mut own, at);
    assert_eq!(live.told().1, at);
    assert_eq!(people.ended(&[("subscriber", &people.bobs)]), 0);
    assert_eq!(people.ended(&[("subscriber", EVERYBODY)]), 2);
    // What was on its way has come before.
    while other.next().is_some() {}
    assert_eq!(other.code, Some(1_000));
    assert_eq!(people.listening().len(), 1, "her own is left");
}

#[test]
fn all_of_an_application_ends_and_of_two_conditions_both_hold() {
    let people = begin();
    let at = "/alice/open/r";
    let (bob, anybody) = (Listener::from(&people.bob), Listener::from(&people.anybody));
    let make = || {
        let ears =
            [bob.listen(Way::WebSocket, &[at]), bob.listen(Way::Standing, &[at]), anybody.listen(Way::Lines, &[at])];
        assert_eq!(people.listening().len(), 3);
        ears
    };
    let ears = make();
    let entries = listeners(&people.alice, "/alice/", at);
    let client = entries.iter().find_map(|entry| fact(entry, "client").as_str()).unwrap().to_owned();
    for none in [
        &[("client", "another")][..],
        &[("client", &client[1..])],
        &[("client", &client), ("subscriber", EVERYBODY)],
        &[("client", ""), ("subscriber", &people.bobs)],
        &[("subscriber", &people.bobs[1..])],
        // What looks like a condition inside a value is a part of the value.
        &[("subscriber", &format!("{}&client={client}", people.bobs))],
    ] {
        assert_eq!(people.ended(none), 0, "{none:?}");
    }
    assert_eq!(people.ended(&[("client", &client)]), 2);
    assert_eq!(people.ended(&[("client", "")]), 1);
    drop(ears);
    let _ears = make();
    assert_eq!(people.ended(&[("client", &client), ("subscriber", &people.bobs)]), 2);
    assert_eq!(people.listening().len(), 1);
}

#[test]
fn nothing_ends_for_strangers_nor_by_a_condition_that_is_not_understood() {
    let people = begin();
    let at = "/alice/for-bob/r";
    let (_place, mut ear) = Listener::from(&people.bob).listen(Way::WebSocket, &[at]);
    let subscriber = format!("subscriber={}", utf8_percent_encode(&people.bobs, NON_ALPHANUMERIC));
    let root = of_storage(&people.alice, "/alice/");
    let clear = |agent: &Agent, query: &str| agent.ask("DELETE", &format!("/.notifications/channels/{query}"), &[], "");
    for query in [
        String::new(),
        root.clone(),
        format!("{root}&subscriber="),
        format!("{root}&client"),
        format!("?{subscriber}"),
        format!("?storage=&{subscriber}"),
        format!("{root}&{subscriber}&{subscriber}"),
        format!("{root}&{subscriber}&{}", &root[1..]),
        format!("{root}&subscribr=x&{subscriber}"),
        format!("{root}&{subscriber}&client=%ff"),
    ] {
        clear(&people.alice, &query).is_problem(400);
    }
    // Whose a storage is, and whether there is one, is told to nobody.
    let missing = of_storage(&people.alice, "/nobody/");
    let theirs = clear(&people.bob, &format!("{root}&{subscriber}"));
    assert_eq!(theirs.is_problem(403).text(), clear(&people.bob, &format!("{missing}&{subscriber}")).text());
    clear(&people.bob, &format!("?storage=nonsense&{subscriber}")).is_problem(403);
    for query in [&root, &missing] {
        clear(&people.anybody, &format!("{query}&{subscriber}")).is_problem(401);
    }
    assert_eq!(
        people.alice.ask("OPTIONS", "/.notifications/channels/", &[], "").header("allow"),
        Some("GET, HEAD, OPTIONS, DELETE")
    );
    people.hears(&mut ear, at);
}

/// Also whoever asks for their own: the other part is another storage's.
#[test]
fn of_a_channel_over_two_storages_only_what_is_there_ends() {
    let people = begin();
    let (hers, his) = ("/alice/for-bob/r", "/bob/r");
    let bob = Listener::from(&people.bob);
    for way in [Way::WebSocket, Way::Lines] {
        let (_place, mut ear) = bob.listen(way, &[hers, his]);
        let (_place, mut apart) = bob.listen(way, &[his]);
        assert_eq!(people.ended(&[("subscriber", &people.bobs)]), 1);
        people.alice.put(hers, "<> a <#Secret>.");
        people.bob.put(his, "<> a <#Heard>.");
        assert_eq!((ear.told().1, apart.told().1), (his.to_owned(), his.to_owned()), "{way:?}");
        assert!(people.listening().is_empty());
        drop((ear, apart));
    }
    let (_place, mut ear) = bob.listen(Way::WebSocket, &[hers, his]);
    let own = format!(
        "/.notifications/channels/{}&subscriber={}",
        of_storage(&people.bob, "/bob/"),
        utf8_percent_encode(&people.bobs, NON_ALPHANUMERIC)
    );
    assert!(people.bob.ask("DELETE", &own, &[], "").json()["ended"].as_u64().unwrap() >= 1);
    people.bob.put(his, "<> a <#Secret>.");
    people.hears(&mut ear, hers);
}

/// One request does so much, and says that there may be more.
#[test]
fn of_very_many_some_are_left_for_the_next_request() {
    let people = begin_with(&[
        ("PODBELL_LIMITS_ANONYMOUS_CHANNELS_PER_HOUR", "100000"),
        ("PODBELL_LIMITS_ANONYMOUS_CHANNELS_PER_ADDRESS", "100000"),
    ]);
    let make = || {
        for _ in 0..251 {
            let told = Listener::from(&people.anybody).subscribe(Way::Events, &["/alice/open/r"], json!({}));
            assert_eq!(told.status, 200, "{told:?}");
        }
    };
    std::thread::scope(|scope| (0..8).for_each(|_| drop(scope.spawn(make))));
    let told = people.clear(&[("subscriber", EVERYBODY)]).json();
    assert_eq!((&told["ended"], &told["more"]), (&2_000.into(), &true.into()));
    assert_eq!(people.ended(&[("subscriber", EVERYBODY)]), 8);
}

#[test]
fn of_several_who_clear_at_once_each_end_is_counted_once() {
    let people = begin();
    let at = "/alice/open/r";
    let bob = Listener::from(&people.bob);
    for _ in 0..60 {
        assert_eq!(bob.subscribe(Way::Events, &[at], json!({})).status, 200);
    }
    let mut live: Vec<_> = (0..10).map(|_| bob.listen(Way::Standing, &[at]).1).collect();
    let ended: u64 = std::thread::scope(|scope| {
        let ask = || people.ended(&[("subscriber", &people.bobs)]);
        let asking: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
        asking.into_iter().map(|one| one.join().unwrap()).sum()
    });
    assert_eq!(ended, 70);
    assert!(live.iter_mut().all(|ear| ear.next().is_none()));
    until("nothing is left", || people.listening().is_empty());
}

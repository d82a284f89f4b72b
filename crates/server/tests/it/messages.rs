//! What stands in a notification, and how often many at once are told: §6, Events, of the reference of the
//! notifications protocol.

use super::{
    ears::{Ear, Listener, N1, Way},
    events::{heard, tag, version},
    world::{ALICE, BOB, TURTLE, WORLD, container, for_bob},
};
use podbell_model::{
    Timestamp,
    rdf::{self, RdfFormat},
};
use serde_json::{Value, json};
use std::collections::HashSet;

const N2: &str = "https://www.w3.org/ns/solid/notifications-context/v1";
const AS: &str = "https://www.w3.org/ns/activitystreams";

fn document(name: &str) -> String {
    let path = format!("{}r", container(name, &for_bob("acl:Read")));
    ALICE.put(&path, "");
    path
}

fn keys(message: &Value) -> Vec<&str> {
    let mut keys: Vec<_> = message.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

/// R-EVT-5, R-EVT-7, CA-2.
#[test]
fn t_e13_t_e15_t_e20_a_message_has_these_members_and_no_more() {
    let at = container("e13", &for_bob("acl:Read"));
    let told = heard(&at, "", || {
        ALICE.put(&format!("{at}x"), "");
        ALICE.ask("DELETE", &format!("{at}x"), &[], "");
    });
    let mut told: Vec<_> = told.into_iter().map(|told| told.message).collect();
    ALICE.put(&format!("{at}r"), "");
    told.extend(
        heard(&at, "r", || {
            ALICE.put(&format!("{at}r"), "<> a <#x>.");
            ALICE.ask("DELETE", &format!("{at}r"), &[], "");
        })
        .into_iter()
        .map(|told| told.message),
    );
    let expected: [(&str, &[&str]); 4] = [
        ("Add", &["@context", "id", "object", "published", "state", "target", "type"]),
        ("Remove", &["@context", "id", "object", "published", "state", "target", "type"]),
        ("Update", &["@context", "id", "object", "published", "state", "type"]),
        ("Delete", &["@context", "id", "object", "published", "type"]),
    ];
    assert_eq!(told.len(), expected.len(), "{told:?}");
    for (message, (kind, members)) in told.iter().zip(expected) {
        assert_eq!((message["type"].as_str(), keys(message)), (Some(kind), members.to_vec()));
        for (name, value) in message.as_object().unwrap() {
            assert!(name == "@context" || value.is_string(), "{name} stands there once: {message}");
        }
        assert_eq!(message["@context"], json!([AS, N1]));
        let text = message.to_string();
        for secret in ["actor", WORLD.webid("ALICE"), WORLD.webid("BOB"), ALICE.token.as_ref().unwrap()] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
    }
}

/// R-EVT-5.
#[test]
fn t_e14_a_message_is_rdf_in_the_vocabularies_words() {
    let at = container("e14", &for_bob("acl:Read"));
    let told = heard(&at, "r", || drop(ALICE.put(&format!("{at}r"), "")));
    let message = &told[0].message;
    let quads = rdf::parse(RdfFormat::JsonLd, "urn:none:", message.to_string().as_bytes()).unwrap();
    let object = |predicate: &str| {
        let mut found = quads.iter().filter(|quad| quad.predicate.as_str() == predicate);
        let object = found.next().unwrap_or_else(|| panic!("{predicate}: {quads:?}")).object.to_string();
        assert!(found.next().is_none(), "{predicate} stands there once");
        object
    };
    assert_eq!(object("http://www.w3.org/1999/02/22-rdf-syntax-ns#type"), format!("<{AS}#Create>"));
    assert_eq!(object(&format!("{AS}#object")), format!("<{}>", WORLD.url(&format!("{at}r"))));
    let published = object(&format!("{AS}#published"));
    assert!(published.ends_with("^^<http://www.w3.org/2001/XMLSchema#dateTime>"), "{published}");
    assert!(
        object("http://www.w3.org/ns/solid/notifications#state").contains(version(message["state"].as_str().unwrap()))
    );
    assert_eq!(quads.len(), 4);
}

/// R-CTX-2, CA-1.
#[test]
fn t_e16_the_context_is_that_of_the_subscription() {
    let at = document("e16");
    for way in [Way::WebSocket, Way::Events, Way::Lines] {
        for (asked, told) in [(json!([N1]), N1), (json!([N2]), N2), (json!(N2), N2)] {
            let bob = Listener::from(&*BOB);
            let channel = bob.subscribe(way, &[&at], json!({ "@context": asked })).json();
            let place = super::world::split(channel["receiveFrom"].as_str().unwrap()).1;
            let mut ear = bob.connect(way, &place, None).unwrap_or_else(|status| panic!("{status}"));
            ALICE.put(&at, "");
            assert_eq!(ear.next().unwrap().message["@context"], json!([AS, told]), "{way:?}");
        }
    }
}

/// The messages until one has that state.
fn until_state(ear: &mut Ear, last: &str) -> Vec<Value> {
    let mut all = Vec::new();
    loop {
        let message = ear.next().expect("it goes on").message;
        let is_last = message["state"].as_str().is_some_and(|state| version(state) == last);
        all.push(message);
        if is_last {
            return all;
        }
    }
}

/// R-EVT-2, R-EVT-5, R-EVT-6, CA-7.
#[test]
fn t_e17_t_e18_t_e21_a_thousand_changes_at_once_are_told_once_each_and_the_last_stands() {
    let at = document("e17");
    let (bob, alice) = (Listener::from(&*BOB), &*ALICE);
    let mut ears =
        [Way::WebSocket, Way::Events, Way::Lines, Way::Http2Standing].map(|way| (way, bob.listen(way, &[&at]).1));
    std::thread::scope(|scope| {
        let listening = ears.each_mut().map(|(way, ear)| {
            scope.spawn(move || {
                let messages: Vec<_> = (0..1_000).map(|_| ear.next().expect("it goes on").message).collect();
                let ids: HashSet<_> =
                    messages.iter().map(|message| message["id"].as_str().unwrap().to_owned()).collect();
                assert_eq!(ids.len(), 1_000, "{way:?}");
                assert!(ids.iter().all(|id| id.starts_with("urn:uuid:") && id.len() == 45), "{way:?}");
                messages.last().unwrap()["state"].as_str().unwrap().to_owned()
            })
        });
        let writers: Vec<_> = (0..50)
            .map(|number| {
                let at = &at;
                scope.spawn(move || {
                    let puts =
                        (0..20).map(|round| alice.ask("PUT", at, &[TURTLE], format!("<#{number}> <#b> {round} .")));
                    puts.filter(|told| told.status == 204).count()
                })
            })
            .collect();
        let written: usize = writers.into_iter().map(|writer| writer.join().unwrap()).sum();
        assert_eq!(written, 1_000);
        let stands = tag(&BOB.get(&at));
        for listening in listening {
            assert_eq!(version(&listening.join().unwrap()), version(&stands), "the last state is that of now");
        }
    });
    // And not one more.
    let last = tag(&ALICE.put(&at, ""));
    for (way, ear) in &mut ears {
        assert_eq!(until_state(ear, version(&last)).len(), 1, "{way:?}");
    }
}

/// R-EVT-6.
#[test]
fn t_e18_the_state_is_the_etag_of_what_is_read() {
    let at = document("e18");
    let mut ear = Listener::from(&*BOB).listen(Way::WebSocket, &[&at]).1;
    ALICE.put(&at, "<> a <#x> .");
    let state = ear.next().unwrap().message["state"].as_str().unwrap().to_owned();
    let read = BOB.get(&at);
    assert_eq!(state, tag(&read));
    assert_eq!(BOB.ask("GET", &at, &[("if-none-match", &state)], "").status, 304);
    assert_eq!(ALICE.ask("PUT", &at, &[TURTLE, ("if-match", &state)], "").status, 204);
}

/// R-EVT-5.
#[test]
fn t_e19_the_time_is_that_of_the_change() {
    let at = document("e19");
    let mut ear = Listener::from(&*BOB).listen(Way::WebSocket, &[&at]).1;
    let mut last = String::new();
    for _ in 0..20 {
        let before = Timestamp::now();
        ALICE.put(&at, "");
        let after = Timestamp::now();
        let published = ear.next().unwrap().message["published"].as_str().unwrap().to_owned();
        assert!(published.len() == 24 && published.ends_with('Z') && &published[19..20] == ".", "{published}");
        let told: Timestamp = published.parse().unwrap();
        // Written in whole milliseconds.
        assert!(told.as_millisecond() >= before.as_millisecond() && told <= after, "{before} {told} {after}");
        assert!(last <= published);
        last = published;
    }
}

/// R-EVT-2.
#[test]
fn t_e22_who_creates_at_once_creates_once() {
    let at = container("e22", &for_bob("acl:Read"));
    let x = format!("{at}x");
    let told = heard(&at, "x", || {
        let created = std::thread::scope(|scope| {
            let put = || ALICE.ask("PUT", &x, &[TURTLE, ("if-none-match", "*")], "").status;
            let all: Vec<_> = (0..10).map(|_| scope.spawn(put)).collect();
            all.into_iter().map(|one| one.join().unwrap()).filter(|status| *status == 201).count()
        });
        assert_eq!(created, 1);
    });
    let kinds: Vec<_> = told.iter().map(|told| &*told.kind).collect();
    assert_eq!(kinds, ["Create"]);
}

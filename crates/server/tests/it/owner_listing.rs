//! What the owner of a storage is shown of whoever listens there; and which storages are one's own.

use super::{
    ears::{Listener, Way},
    hooks::{Hook, TERMS},
    looking_after::all,
    streams::document,
    world::{ALICE, ANYBODY, Agent, BOB, Reply, WORLD, for_bob, until},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use podbell_model::Timestamp;
use podbell_test_client::receiver::{Receiver, Reply as Receipt};
use serde_json::{Value, json};

pub(super) const STORAGES: &str = "/.notifications/storages/";

/// The query for the list of a storage.
pub(super) fn of_storage(agent: &Agent, root: &str) -> String {
    format!("?storage={}", utf8_percent_encode(&agent.world.url(root), NON_ALPHANUMERIC))
}

/// Who listens to a name, as the owner of its storage is told.
pub(super) fn listeners(owner: &Agent, root: &str, topic: &str) -> Vec<Value> {
    let topic = json!(owner.world.url(topic));
    let mut found = all(owner, &of_storage(owner, root));
    found.retain(|entry| entry["topic"] == topic || entry["topic"].as_array().is_some_and(|all| all.contains(&topic)));
    found
}

/// The only one who does.
#[track_caller]
pub(super) fn listener(topic: &str) -> Value {
    let found = listeners(&ALICE, "/alice/", topic);
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].clone()
}

pub(super) fn fact<'e>(entry: &'e Value, name: &str) -> &'e Value {
    &entry[format!("{TERMS}{name}")]
}

#[test]
fn everybody_finds_their_own_storages_and_nobody_elses() {
    for (agent, root) in [(&*ALICE, "/alice/"), (&*BOB, "/bob/")] {
        for path in [STORAGES, STORAGES.trim_end_matches('/')] {
            let told = agent.get(path);
            assert_eq!((told.status, told.header("cache-control")), (200, Some("no-store")), "{told:?}");
            assert_eq!(told.header("content-type"), Some("application/ld+json"));
            let told = told.json();
            // Other tests make pods, all of them hers.
            let found: Vec<_> = told["storage"].as_array().unwrap().iter().map(|own| own["id"].clone()).collect();
            assert!(found.contains(&WORLD.url(root).into()), "{told}");
            let not = if root == "/bob/" { "/alice/" } else { "/bob/" };
            assert!(!found.contains(&WORLD.url(not).into()), "{told}");
            assert_eq!((&told["id"], &told["@context"]["@vocab"]), (&WORLD.url(STORAGES).into(), &TERMS.into()));
        }
    }
    ANYBODY.get(STORAGES).is_problem(401);
    ALICE.ask("POST", STORAGES, &[], "").is_problem(405);
    ALICE.ask("GET", STORAGES, &[("accept", "image/png")], "").is_problem(406);
    assert_eq!(ALICE.ask("OPTIONS", STORAGES, &[], "").header("allow"), Some("GET, HEAD, OPTIONS"));
}

#[test]
fn the_owner_sees_by_which_door_who_listens_with_how_many_connections_and_since_when() {
    let bob = Listener::from(&*BOB);
    for (way, protocol) in [
        (Way::WebSocket, "solid"),
        (Way::Events, "solid"),
        (Way::Ess, "ess"),
        (Way::Lws, "lws"),
        (Way::Standing, "solid"),
        (Way::Http2Standing, "solid"),
        (Way::Solid01, "solid-0.1"),
        (Way::UpdatesVia, "solid-0.1"),
    ] {
        let at = document(&format!("owner-door-{way:?}").to_lowercase(), &for_bob("acl:Read"));
        let before = Timestamp::now();
        let (_place, mut ear) = bob.listen(way, &[&at]);
        let entry = listener(&at);
        assert_eq!((fact(&entry, "protocol"), fact(&entry, "connections")), (&protocol.into(), &1.into()), "{way:?}");
        assert_eq!(fact(&entry, "subscriber")["id"], WORLD.webid("BOB"));
        assert!(fact(&entry, "client").is_string() || way == Way::UpdatesVia, "{entry}");
        let live = if way.has_channel() { Value::Null } else { true.into() };
        assert_eq!(*fact(&entry, "live"), live, "{way:?}");
        let created: Timestamp = fact(&entry, "created").as_str().unwrap().parse().unwrap();
        assert!(created.as_millisecond() >= before.as_millisecond() && created <= Timestamp::now());
        if !way.is_standing() {
            assert_eq!(*fact(&entry, "lastDelivered"), Value::Null, "{way:?}: nothing was told yet");
        }
        ALICE.put(&at, "<> a <#Heard>.");
        ear.told();
        let delivered: Timestamp = fact(&listener(&at), "lastDelivered").as_str().unwrap().parse().unwrap();
        assert!(delivered.as_second() >= before.as_second() && delivered <= Timestamp::now(), "{way:?}");
        // Whoever listens is told nothing of all this.
        let entry = listener(&at);
        let name = entry["id"].as_str().unwrap();
        if way.has_channel() {
            for told in [BOB.get(name).json(), all(&BOB, "").into_iter().find(|own| own["id"] == name).unwrap()] {
                for secret in ["protocol", "connections", "lastDelivered", "subscriber"] {
                    assert_eq!(*fact(&told, secret), Value::Null, "{told}");
                }
            }
        }
        // The owner reads the same of it alone, in Turtle too.
        let alone = ALICE.get(name).json();
        for same in ["protocol", "connections", "lastDelivered", "subscriber", "client", "created", "live"] {
            assert_eq!(fact(&alone, same), fact(&entry, same), "{way:?} {same}");
        }
        let turtle = ALICE.ask("GET", name, &[("accept", "text/turtle")], "").text();
        assert!(turtle.contains(&format!("<{}>", WORLD.webid("BOB"))), "{turtle}");
        drop(ear);
        if way == Way::WebSocket {
            until("the connection is gone", || *fact(&listener(&at), "connections") == 0);
            assert_eq!(fact(&listener(&at), "lastDelivered"), fact(&entry, "lastDelivered"), "it is remembered");
        } else if !way.has_channel() {
            until("it is gone", || listeners(&ALICE, "/alice/", &at).is_empty());
        }
    }
}

#[test]
fn whoever_did_not_log_in_is_shown_as_everybody() {
    let at = document("owner-anybody", &super::world::public("acl:Read"));
    let (_place, _ear) = Listener::from(&*ANYBODY).listen(Way::Standing, &[&at]);
    let entry = listener(&at);
    assert_eq!(fact(&entry, "subscriber")["id"], "http://xmlns.com/foaf/0.1/Agent");
    assert_eq!(*fact(&entry, "client"), Value::Null);
}

/// How it fares, and never where it pushes to.
#[test]
fn the_owner_sees_how_a_channel_that_pushes_fares_and_not_where_it_pushes_to() {
    let at = document("owner-health", &for_bob("acl:Read"));
    let receiver = Receiver::http(|_, _| Receipt::status(503)).unwrap();
    let place = receiver.url("/in");
    let hook = Hook::with(&BOB, super::hooks::WEBHOOK, &[&at], receiver, &json!({ "lifecycle": true, "secret": true }));
    let entry = listener(&at);
    for none in ["pending", "deadLetters", "missed", "connections"] {
        assert_eq!(*fact(&entry, none), 0, "{none}");
    }
    ALICE.put(&at, "<> a <#Heard>.");
    until("it has failed", || fact(&listener(&at), "lastFailure").is_string());
    let entry = listener(&at);
    assert_eq!((fact(&entry, "pending"), fact(&entry, "lastDelivered")), (&1.into(), &Value::Null));
    assert_eq!(*fact(&entry, "lastFailureReason"), "refused with 503");
    assert!(fact(&entry, "failingSince").is_string() && fact(&entry, "nextAttempt").is_string(), "{entry}");
    let alone = ALICE.get(&hook.id);
    assert_eq!(fact(&alone.json(), "pending"), fact(&entry, "pending"));
    for told in [entry.to_string(), alone.text()] {
        assert!(!told.contains(&place) && !told.contains("sendTo") && !told.contains("whsec_"), "{told}");
        assert!(!told.contains(&format!("{TERMS}lifecycle")), "{told}");
    }
}

/// When something was delivered last tells when something changed, also in the other's storage.
#[test]
fn of_a_channel_over_two_storages_neither_owner_learns_what_goes_on_in_the_other() {
    let hers = document("owner-shared", &for_bob("acl:Read"));
    let his = "/bob/owner-shared".to_owned();
    BOB.put(&his, "");
    let bob = Listener::from(&*BOB);
    let (_place, mut ear) = bob.listen(Way::WebSocket, &[&hers, &his]);
    let hook = Hook::new(&BOB, &[&hers, &his], Receiver::http(|_, _| Receipt::status(204)).unwrap());
    BOB.put(&his, "<> a <#Heard>.");
    ear.told();
    hook.told(1);
    let found = listeners(&ALICE, "/alice/", &hers);
    assert_eq!(found.len(), 2, "{found:?}");
    for entry in found {
        assert_eq!(entry["topic"], WORLD.url(&hers));
        let name = entry["id"].as_str().unwrap();
        let alone = ALICE.get(name).json();
        for told in [&entry, &alone] {
            for secret in ["lastDelivered", "pending", "lastSuccess", "deadLetters", "missed"] {
                assert_eq!(*fact(told, secret), Value::Null, "{secret} {told}");
            }
            assert_eq!(fact(told, "subscriber")["id"], WORLD.webid("BOB"));
        }
    }
}

/// What is not kept stands behind what is, on the last page, and pages hold as many as before.
#[test]
fn what_is_not_kept_is_on_the_last_page() {
    let at = document("owner-pages", &for_bob("acl:Read"));
    let bob = Listener::from(&*BOB);
    let (_place, _ear) = bob.listen(Way::Standing, &[&at]);
    let mut made: Vec<String> = Vec::new();
    for _ in 0..101 {
        let told: Reply = bob.subscribe(Way::Events, &[&at], json!({}));
        made.push(told.json()["id"].as_str().unwrap().to_owned());
    }
    let mut path = format!("/.notifications/channels/{}", of_storage(&ALICE, "/alice/"));
    let mut seen = Vec::new();
    loop {
        let told = ALICE.get(&path);
        let list = told.json()["channel"].as_array().unwrap().clone();
        let live = list.iter().filter(|entry| *fact(entry, "live") == true).count();
        seen.extend(list.iter().filter(|entry| entry["topic"] == WORLD.url(&at)).cloned());
        match told.link("next") {
            Some(next) => {
                assert!(list.len() <= 100 && live == 0);
                path = next;
            }
            None => break assert!(live > 0 && told.json().get("urn:podbell:terms#more").is_none()),
        }
    }
    assert_eq!(seen.len(), 102);
    let kept: Vec<_> = seen[..101].iter().map(|entry| entry["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!((kept, fact(&seen[101], "live")), (made, &true.into()));
}

//! What listens without being kept, and the owner of the storage who ends it.

use super::{
    ears::{Listener, Way, standing},
    lines::Client,
    owner_listing::{fact, listener, listeners},
    streams::{Stream, document},
    world::{ALICE, ANYBODY, Agent, BOB, LD, WORLD, for_bob, public, split, until},
};
use serde_json::json;

/// A name that nothing has.
const NONE: &str = "/.notifications/channels/00000000-0000-4000-8000-000000000000";

/// Also to who listens: nobody has told them a name.
#[test]
fn to_everybody_else_there_is_nothing_of_that_name() {
    let at = document("live-stranger", &for_bob("acl:Read"));
    let mut client = Client::open(&BOB);
    client.sub(&at);
    let mut stream = Stream::by(&BOB, &standing(&BOB, "EventSourceChannel2023", &at), &[]).opened();
    stream.event().unwrap();
    let found = listeners(&ALICE, "/alice/", &at);
    assert_eq!(found.len(), 2);
    for entry in &found {
        let name = split(entry["id"].as_str().unwrap()).1;
        for (method, below) in
            [("GET", ""), ("DELETE", ""), ("POST", ""), ("GET", "/attempts"), ("POST", "/redeliver"), ("GET", "?x=y")]
        {
            for stranger in [&*BOB, &*ANYBODY] {
                let told = |of: &str| {
                    let body = if method == "POST" { json!({ "rate": "PT1S" }).to_string() } else { String::new() };
                    let told = stranger.ask(method, &format!("{of}{below}"), &[LD], body);
                    (told.status, told.text(), told.header("www-authenticate").map(str::to_owned))
                };
                let status = if stranger.token.is_some() { 403 } else { 401 };
                assert_eq!((told(&name), told(&name).0), (told(NONE), status), "{method} {below}");
            }
        }
        // Nothing of it can be changed, nor is there anything below.
        ALICE.ask("POST", &name, &[LD], json!({ "rate": "PT1S" }).to_string()).is_problem(403);
        ALICE.get(&format!("{name}/attempts")).is_problem(404);
    }
    assert_eq!(client.publishes(&at, || drop(ALICE.put(&at, "<> a <#Heard>."))), [""]);
    assert_eq!(stream.told().1, at);
}

/// On the socket it is the same as when Read is withdrawn; the socket stays, with all else that it hears.
#[test]
fn a_line_is_told_of_its_end_as_when_read_is_withdrawn() {
    let (lost, ended) = ("live-withdrawn", "live-ended");
    let told = [lost, ended].map(|name| {
        let at = document(name, &for_bob("acl:Read"));
        let other = document(&format!("{name}-other"), &for_bob("acl:Read"));
        let mut client = Client::open(&BOB);
        client.sub(&at);
        client.sub(&other);
        if name == lost {
            ALICE.rules(&format!("/alice/{name}/"), "");
        } else {
            let name = listener(&at)["id"].as_str().unwrap().to_owned();
            assert_eq!(ALICE.ask("DELETE", &name, &[], "").status, 204);
            ALICE.ask("DELETE", &name, &[], "").is_problem(410);
            ALICE.get(&name).is_problem(410);
            BOB.get(&name).is_problem(403);
            assert!(listeners(&ALICE, "/alice/", &at).is_empty());
        }
        let line = client.line().replace(&WORLD.url(&at), "URI");
        ALICE.put(&at, "<> a <#Secret>.");
        let heard = client.publishes(&other, || drop(ALICE.put(&other, "<> a <#Heard>.")));
        assert!(!heard.is_empty() && heard.iter().all(String::is_empty), "{heard:?}");
        // Only Read decides who may come again.
        let again = client.asks_for(&at).replace(&at, "URI");
        assert_eq!(again, if name == lost { line.clone() } else { "ack URI".to_owned() });
        line
    });
    assert_eq!((&told[0], told[0].starts_with("err URI")), (&told[1], true));
}

#[test]
fn a_stream_without_a_subscription_is_ended_and_may_come_again() {
    for way in [Way::Standing, Way::Http2Standing] {
        for (name, agent, rules) in [("bob", &*BOB, for_bob("acl:Read")), ("anybody", &*ANYBODY, public("acl:Read"))] {
            let at = document(&format!("live-stream-{name}-{way:?}").to_lowercase(), &rules);
            let (place, mut ear) = Listener::from(agent).listen(way, &[&at]);
            let id = listener(&at)["id"].as_str().unwrap().to_owned();
            assert_eq!(ALICE.ask("DELETE", &id, &[], "").status, 204);
            ALICE.put(&at, "<> a <#Secret>.");
            assert!(ear.next().is_none(), "{way:?}");
            assert!(listeners(&ALICE, "/alice/", &at).is_empty());
            let mut ear = Listener::from(agent).connect(way, &place, None).unwrap();
            ALICE.put(&at, "<> a <#Heard>.");
            assert_eq!(ear.told(), ("Update".into(), at.clone()));
        }
    }
}

/// Whoever is cut comes back; whoever was ended learns there that it is over, and need not come again for ever.
#[test]
fn whoever_was_ended_by_the_owner_can_tell_it_from_being_cut() {
    let bob = Listener::from(&*BOB);
    for way in [Way::WebSocket, Way::Ess, Way::Events, Way::Lines, Way::Http2Events, Way::Http2Lines, Way::Lws] {
        let at = document(&format!("live-told-{way:?}").to_lowercase(), &for_bob("acl:Read"));
        let (place, mut ear) = bob.listen(way, &[&at]);
        let id = listener(&at)["id"].as_str().unwrap().to_owned();
        assert_eq!(ALICE.ask("DELETE", &id, &[], "").status, 204);
        assert!(ear.next().is_none(), "{way:?}");
        let is_socket = matches!(way, Way::WebSocket | Way::Ess | Way::Lws);
        assert_eq!(ear.code, is_socket.then_some(1_000), "{way:?}");
        let again = bob.connect(way, &place, None).err().unwrap_or_else(|| panic!("{way:?} connects again"));
        assert!(matches!(again, 204 | 403 | 404 | 410), "{way:?} {again}");
        BOB.get(&id).is_problem(410);
    }
}

/// Who listens to their own is an owner like others.
#[test]
fn owners_see_and_end_their_own_lines() {
    let at = document("live-own", "");
    let agent: &Agent = &ALICE;
    let (_place, mut ear) = Listener::from(agent).listen(Way::Standing, &[&at]);
    let entry = listener(&at);
    assert_eq!(fact(&entry, "subscriber")["id"], WORLD.webid("ALICE"));
    let id = entry["id"].as_str().unwrap().to_owned();
    assert_eq!(*fact(&ALICE.get(&id).json(), "live"), true);
    assert_eq!(ALICE.ask("DELETE", &id, &[], "").status, 204);
    assert!(ear.next().is_none());
    until("it is gone", || listeners(&ALICE, "/alice/", &at).is_empty());
}

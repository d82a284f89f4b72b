//! Looking after channels: lists, renewal, and what the owner of a storage sees and ends.

use super::{
    ears::{Listener, N1, Way},
    streams::{Stream, document, receive_from, subscribe},
    world::{ALICE, ANYBODY, Agent, BOB, LD, WORLD, for_bob},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use std::time::Duration;

/// R-LIFE-5.
#[test]
fn t_q06_channels_are_listed_for_who_made_them_and_for_the_owner_of_the_storage() {
    let at = document("listed", &for_bob("acl:Read"));
    let id = subscribe(&BOB, "EventSourceChannel2023", &at, json!({})).json()["id"].clone();
    let mine = all(&BOB, "");
    let found = mine.iter().find(|channel| channel["id"] == id).unwrap();
    assert!(found["type"].as_str().unwrap().ends_with("EventSourceChannel2023"));
    assert_eq!(found["topic"], WORLD.url(&at));
    assert!(found.get("receiveFrom").is_none(), "{found}");
    assert!(!all(&ALICE, "").iter().any(|channel| channel["id"] == id));
    let root = utf8_percent_encode(&WORLD.url("/alice/"), NON_ALPHANUMERIC).to_string();
    let theirs = all(&ALICE, &format!("?storage={root}"));
    let found = theirs.iter().find(|channel| channel["id"] == id).unwrap();
    assert_eq!(found["urn:podbell:terms#subscriber"]["id"], WORLD.webid("BOB"));
    BOB.get(&format!("/.notifications/channels/?storage={root}")).is_problem(403);
    BOB.get("/.notifications/channels/?storage=nonsense").is_problem(403);
    ANYBODY.get("/.notifications/channels/").is_problem(401);
    assert_eq!(ALICE.ask("DELETE", id.as_str().unwrap(), &[], "").status, 204);
    assert!(!all(&BOB, "").iter().any(|channel| channel["id"] == id));
}

/// R-LIFE-2, R-LIFE-4.
#[test]
fn a_channel_is_renewed_by_who_made_it_and_by_nobody_else() {
    let at = document("renewed", &for_bob("acl:Read"));
    let channel = subscribe(&BOB, "StreamingHTTPChannel2023", &at, json!({ "endAt": "2099-01-01T00:00:00Z" }));
    let (id, path) = (channel.json()["id"].as_str().unwrap().to_owned(), receive_from(&channel));
    let soon = (podbell_model::Timestamp::now() + Duration::from_hours(1)).to_string();
    let changes = json!({ "@context": N1, "endAt": soon, "rate": "PT1S", "accept": "text/turtle" }).to_string();
    for stranger in [&*ALICE, &*ANYBODY] {
        let told = stranger.ask("POST", &id, &[LD], &changes);
        told.is_problem(if stranger.token.is_some() { 403 } else { 401 });
    }
    let before = BOB.get(&id).json();
    let told = BOB.ask("POST", &id, &[LD], &changes);
    assert_eq!(told.status, 200, "{told:?}");
    let after = BOB.get(&id).json();
    assert_eq!(after, told.json());
    assert_ne!(after["endAt"], before["endAt"]);
    assert_eq!((after["rate"].as_str(), after["accept"].as_str()), (Some("PT1S"), Some("text/turtle")));
    assert_eq!(after["topic"], before["topic"]);
    let mut stream = Stream::open(&path, &[]);
    assert_eq!(stream.head.header("content-type"), Some("text/turtle"));
    ALICE.put(&at, "<> a <#x>.");
    assert!(stream.block().unwrap().contains("a as:Update"));
    let late = BOB.ask("POST", &id, &[LD], json!({ "@context": N1, "endAt": "2099-01-01T00:00:00Z" }).to_string());
    assert_eq!(late.json()["endAt"].as_str().unwrap()[..4], before["endAt"].as_str().unwrap()[..4], "within the life");
    BOB.ask("POST", &id, &[LD], r#"{"@context":"https://www.w3.org/ns/solid/notification/v1","rate":"never"}"#)
        .is_problem(422);
    // Without a context nothing is said: better a refusal than a change that is not made.
    let bare = BOB.ask("POST", &id, &[LD], r#"{"rate":"PT9S"}"#);
    assert_eq!(bare.is_problem(422).json()["type"], "urn:podbell:problem:missing-context");
    let past = json!({ "@context": N1, "endAt": "1999-01-01T00:00:00Z" }).to_string();
    assert_eq!(BOB.ask("POST", &id, &[LD], past).status, 410);
    assert!(stream.ended());
}

/// R-LIFE-4. What the head of a stream has announced stays, over whatever it came.
#[test]
fn another_media_type_comes_with_the_next_connection() {
    let at = document("announced", &for_bob("acl:Read"));
    let bob = Listener::from(&*BOB);
    for way in [Way::Lines, Way::Http2Lines] {
        let channel = bob.subscribe(way, &[&at], json!({})).json();
        let place = super::world::split(channel["receiveFrom"].as_str().unwrap()).1;
        let mut ear = bob.connect(way, &place, None).unwrap_or_else(|status| panic!("{way:?} {status}"));
        let turtle = json!({ "@context": N1, "accept": "text/turtle" }).to_string();
        assert_eq!(BOB.ask("POST", channel["id"].as_str().unwrap(), &[LD], turtle).status, 200);
        ALICE.put(&at, "<> a <#Heard>.");
        assert_eq!(ear.told(), ("Update".into(), at.clone()), "{way:?}");
        assert_eq!(Stream::open(&place, &[]).head.header("content-type"), Some("text/turtle"));
    }
}

/// R-LIFE-2. Of topics in several storages, each owner looks after their own.
#[test]
fn t_q03_the_owner_of_a_part_sees_and_ends_that_part() {
    let hers = document("part", &for_bob("acl:Read"));
    let his = "/bob/part".to_owned();
    BOB.put(&his, "");
    let bob = Listener::from(&*BOB);
    let root = utf8_percent_encode(&WORLD.url("/alice/"), NON_ALPHANUMERIC).to_string();
    for way in [Way::WebSocket, Way::Events, Way::Lines, Way::Http2Events, Way::Http2Lines] {
        let channel = bob.subscribe(way, &[&hers, &his], json!({}));
        let id = channel.json()["id"].as_str().unwrap().to_owned();
        let place = super::world::split(channel.json()["receiveFrom"].as_str().unwrap()).1;
        let connect = || bob.connect(way, &place, None).unwrap_or_else(|status| panic!("{way:?} {status}"));
        let mut ear = connect();
        ALICE.put(&hers, "<> a <#Heard>.");
        assert_eq!(ear.told(), ("Update".into(), hers.clone()));
        assert_eq!(ALICE.get(&id).json()["topic"], WORLD.url(&hers), "hers alone");
        assert!(!ALICE.get(&id).text().contains(&his));
        let listed = all(&ALICE, &format!("?storage={root}"));
        let listed = listed.iter().find(|channel| channel["id"] == *id).unwrap();
        assert_eq!(listed["topic"], WORLD.url(&hers));
        assert_eq!(BOB.get(&id).json()["topic"].as_array().unwrap().len(), 2);
        assert_eq!(ALICE.ask("DELETE", &id, &[], "").status, 204);
        ALICE.put(&hers, "<> a <#Secret>.");
        BOB.put(&his, "<> a <#Heard>.");
        assert_eq!(ear.told(), ("Update".into(), his.clone()), "{way:?}");
        drop(ear);
        let mut ear = connect();
        ALICE.put(&hers, "<> a <#Secret>.");
        BOB.put(&his, "<> a <#Heard>.");
        assert_eq!(ear.told(), ("Update".into(), his.clone()), "{way:?}");
        ALICE.get(&id).is_problem(403);
        ALICE.ask("DELETE", &id, &[], "").is_problem(403);
        assert!(!all(&ALICE, &format!("?storage={root}")).iter().any(|channel| channel["id"] == *id));
        assert_eq!(BOB.get(&id).json()["topic"], WORLD.url(&his));
        assert_eq!(BOB.ask("DELETE", &id, &[], "").status, 204);
        assert!(ear.next().is_none());
    }
}

/// Everything that a list of channels shows, page by page.
pub(super) fn all(agent: &Agent, query: &str) -> Vec<Value> {
    let (mut all, mut path) = (Vec::new(), format!("/.notifications/channels/{query}"));
    loop {
        let told = agent.get(&path);
        assert_eq!(told.status, 200, "{told:?}");
        all.extend(told.json()["channel"].as_array().unwrap().clone());
        match told.link("next") {
            Some(next) => path = next,
            None => return all,
        }
    }
}

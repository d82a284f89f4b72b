//! Event streams and streaming HTTP: subscribed, without a subscription, and coming back after a cut.

use super::world::{ALICE, ANYBODY, Agent, BOB, LD, Reply, TURTLE, WORLD, container, for_bob, public};

pub(super) use super::stream::{Stream, short};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use std::time::Duration;

const N1: &str = "https://www.w3.org/ns/solid/notification/v1";

/// Subscribes to a path with a type, and with other members of the body.
pub(super) fn subscribe(agent: &Agent, kind: &str, path: &str, more: Value) -> Reply {
    let mut body = json!({ "@context": [N1], "type": kind, "topic": WORLD.url(path) });
    if let Value::Object(more) = more {
        body.as_object_mut().unwrap().extend(more);
    }
    agent.ask("POST", &format!("/.notifications/{kind}/"), &[LD], body.to_string())
}

fn receive_from(channel: &Reply) -> String {
    assert_eq!(channel.status, 200, "{channel:?}");
    let url = channel.json()["receiveFrom"].as_str().unwrap().to_owned();
    url.strip_prefix(&WORLD.origin).unwrap().to_owned()
}

fn events(agent: &Agent, path: &str, more: Value) -> (String, Stream) {
    let path = receive_from(&subscribe(agent, "EventSourceChannel2023", path, more));
    let stream = Stream::open(&path, &[]);
    assert_eq!(stream.head.status, 200, "{:?}", stream.head);
    (path, stream)
}

fn document(name: &str, other: &str) -> String {
    let path = format!("{}r", container(name, other));
    ALICE.put(&path, "");
    path
}

/// The stream of a topic without a subscription.
fn of(kind: &str, path: &str) -> String {
    format!("/.notifications/{kind}/{}", utf8_percent_encode(&WORLD.url(path), NON_ALPHANUMERIC))
}

#[test]
fn es1_es2_a_change_is_an_event_with_an_id_and_no_name() {
    let at = document("es1", &for_bob("acl:Read"));
    let channel = subscribe(&BOB, "EventSourceChannel2023", &at, json!({}));
    assert!(channel.json()["receiveFrom"].as_str().unwrap().starts_with("http://"));
    let mut stream = Stream::open(&receive_from(&channel), &[("origin", "https://app.example")]);
    assert_eq!(stream.head.header("content-type"), Some("text/event-stream; charset=utf-8"));
    assert_eq!(stream.head.header("cache-control"), Some("no-store, no-transform"));
    assert_eq!(stream.head.header("access-control-allow-origin"), Some("https://app.example"), "T-ES7");
    assert_eq!(stream.head.header("content-length"), None);
    let etag = ALICE.put(&at, "<> a <#x>.").header("etag").unwrap().to_owned();
    let (name, id, data) = stream.event().unwrap();
    assert_eq!((name, id.len()), (None, 56));
    let keys: Vec<_> = data.as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys.len(), 6, "the standard shape: {keys:?}");
    assert_eq!((data["type"].as_str(), data["object"].as_str()), (Some("Update"), Some(&*WORLD.url(&at))));
    let version = |tag: &str| tag.trim_matches('"').split('-').next().unwrap().to_owned();
    assert_eq!(version(data["state"].as_str().unwrap()), version(&etag));
}

#[test]
fn es3_whoever_comes_back_hears_what_was_missed_once_and_in_order() {
    let at = container("es3", &for_bob("acl:Read"));
    let (path, mut stream) = events(&BOB, &at, json!({}));
    ALICE.put(&format!("{at}a"), "");
    let (_, mut last, _) = stream.event().unwrap();
    for round in 0..5 {
        drop(stream);
        for number in 0..3 {
            ALICE.put(&format!("{at}{round}-{number}"), "");
        }
        stream = Stream::open(&path, &[("last-event-id", &last)]);
        for number in 0..3 {
            let (name, id, data) = stream.event().unwrap();
            assert_eq!((name, short(&data)), (None, ("Add".into(), format!("{at}{round}-{number}"))));
            last = id;
        }
    }
    ALICE.put(&format!("{at}live"), "");
    assert_eq!(stream.told(), ("Add".into(), format!("{at}live")));
}

#[test]
fn es4_an_id_that_opens_nothing_begins_with_a_gap_and_how_things_stand() {
    let at = document("es4", &public("acl:Read"));
    let (path, _) = events(&BOB, &at, json!({}));
    let elsewhere = BOB.get("/bob/").header("podbell-cursor").unwrap().to_owned();
    for last in ["garbage", "7.1042", &elsewhere, &"A".repeat(56)] {
        let mut stream = Stream::open(&path, &[("last-event-id", last)]);
        let (name, id, gap) = stream.event().unwrap();
        assert_eq!((name.as_deref(), id.len()), (Some("gap"), 56), "{gap}");
        assert_eq!(gap["type"], "urn:podbell:terms#Gap");
        assert_eq!(stream.told(), ("Update".into(), at.clone()));
    }
    ALICE.ask("DELETE", &at, &[], "");
    let mut stream = Stream::open(&path, &[("last-event-id", "garbage")]);
    stream.event().unwrap();
    assert_eq!(stream.told().0, "Delete");
}

#[test]
fn es6_an_ended_channel_tells_an_event_source_not_to_come_again() {
    let at = document("es6", &for_bob("acl:Read"));
    let channel = subscribe(&BOB, "EventSourceChannel2023", &at, json!({}));
    let path = receive_from(&channel);
    let stream = Stream::open(&path, &[]);
    let id = channel.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(BOB.ask("DELETE", &id, &[], "").status, 204);
    assert!(stream.ended());
    assert_eq!(ANYBODY.get(&path).status, 204);
    ANYBODY.get("/.notifications/connect/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").is_problem(404);
}

#[test]
fn what_is_read_tells_from_where_its_changes_follow() {
    let at = container("blind", &for_bob("acl:Read"));
    let (doc, description) = (format!("{at}r"), "/alice/.well-known/solid");
    ALICE.put(&doc, "");
    for (method, path) in [("GET", &*at), ("HEAD", &at), ("GET", &doc), ("GET", description), ("HEAD", description)] {
        let cursor = BOB.ask(method, path, &[], "").header("podbell-cursor").unwrap().to_owned();
        assert_eq!(cursor.len(), 56, "{method} {path}");
        ALICE.put(&format!("{at}{}", cursor.replace(['-', '_'], "x")), "");
        let path = receive_from(&subscribe(&BOB, "EventSourceChannel2023", &at, json!({})));
        let mut stream = Stream::open(&format!("{path}?since={cursor}"), &[]);
        assert_eq!(stream.told().0, "Add", "{method} {path}");
    }
    assert_eq!(ANYBODY.get(&at).header("podbell-cursor"), None, "a refusal tells nothing");
    let absent = BOB.get(&format!("{at}absent"));
    assert_eq!((absent.status, absent.header("podbell-cursor").map(str::len)), (404, None));
}

#[test]
fn h01_h02_h04_a_stream_is_one_document_after_the_other() {
    let at = document("h02", &for_bob("acl:Read"));
    let link = BOB.get(&at).link("http://www.w3.org/ns/solid/terms#updatesViaStreamingHttp2023").unwrap();
    assert!(link.contains("/.notifications/StreamingHTTPChannel2023/http%3A%2F%2F"), "{link}");
    let mut stream = Stream::by(&BOB, link.strip_prefix(&WORLD.origin).unwrap(), &[]);
    assert_eq!((stream.head.status, stream.head.header("content-type")), (200, Some("text/turtle")));
    for number in 0..3 {
        let document = stream.block().unwrap();
        let format = podbell_wire::Syntax::Turtle.rdf_format();
        let quads = podbell_model::rdf::parse(format, "urn:none:", document.as_bytes()).unwrap();
        let types = quads.iter().filter(|quad| quad.predicate.as_str().ends_with("#type")).count();
        assert_eq!((types, document.contains("a as:Update")), (1, true), "{document}");
        ALICE.put(&at, &format!("<> a <#{number}>."));
    }
    let mut absent = Stream::by(&BOB, &of("StreamingHTTPChannel2023", &format!("{at}-none")), &[]);
    assert!(absent.block().unwrap().contains("a as:Delete"), "T-H03");
}

#[test]
fn h05_a_stream_is_for_those_who_may_read_its_topic() {
    let at = document("h05", "");
    for kind in ["StreamingHTTPChannel2023", "EventSourceChannel2023"] {
        ANYBODY.get(&of(kind, &at)).is_problem(401);
        BOB.get(&of(kind, &at)).is_problem(403);
        BOB.get(&of(kind, &format!("{at}-none"))).is_problem(403);
        ANYBODY.get(&of(kind, "/nowhere")).is_problem(401);
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            assert!(ALICE.ask(method, &of(kind, &at), &[TURTLE], "").is_problem(405).header("allow").is_some());
        }
        let head = ALICE.ask("HEAD", &of(kind, &at), &[], "");
        assert_eq!((head.status, head.body.len()), (200, 0), "T-H07");
    }
    ANYBODY.get("/.notifications/StreamingHTTPChannel2023/nonsense").is_problem(400);
    ANYBODY
        .get(&format!("/.notifications/StreamingHTTPChannel2023/{}", "http%3A%2F%2Felsewhere.example%2F"))
        .is_problem(422);
}

#[test]
fn h06_lines_and_events_on_the_same_url() {
    let at = document("h06", &public("acl:Read"));
    let mut lines = Stream::open(&of("StreamingHTTPChannel2023", &at), &[("accept", "application/ld+json")]);
    assert_eq!(lines.head.header("content-type"), Some("application/ld+json"));
    let mut events = Stream::open(&of("StreamingHTTPChannel2023", &at), &[("accept", "text/event-stream")]);
    assert!(events.head.header("content-type").unwrap().starts_with("text/event-stream"));
    for _ in 0..2 {
        assert_eq!(lines.line().unwrap()["type"], "Update");
        assert_eq!(events.told().0, "Update");
        ALICE.put(&at, "<> a <#x>.");
    }
    let channel = subscribe(&BOB, "StreamingHTTPChannel2023", &at, json!({ "accept": "text/turtle" }));
    let turtle = Stream::open(&receive_from(&channel), &[]);
    assert_eq!(turtle.head.header("content-type"), Some("text/turtle"));
}

#[test]
fn z01_z03_z04_whoever_loses_the_topic_hears_no_more_and_cannot_come_back() {
    let at = document("z04", &for_bob("acl:Read"));
    let (path, mut stream) = events(&BOB, &at, json!({}));
    let subscribed = receive_from(&subscribe(&BOB, "StreamingHTTPChannel2023", &at, json!({})));
    let lines = Stream::open(&subscribed, &[]);
    let mut direct = Stream::by(&BOB, &of("StreamingHTTPChannel2023", &at), &[]);
    direct.block().unwrap();
    ALICE.put(&at, "<> a <#seen>.");
    let (_, last, _) = stream.event().unwrap();
    ALICE.rules(at.strip_suffix('r').unwrap(), "");
    ALICE.put(&at, "<> a <#secret>.");
    assert!(stream.event().is_none(), "nothing of the secret");
    drop(lines);
    direct.block();
    assert!(direct.ended());
    for (path, last) in [(&path, Some(&*last)), (&path, None), (&subscribed, None)] {
        let headers: Vec<_> = last.map(|last| ("last-event-id", last)).into_iter().collect();
        let told = Stream::open(path, &headers).head;
        assert!([204, 403, 410].contains(&told.status), "{told:?}");
    }
    BOB.get(&of("StreamingHTTPChannel2023", &at)).is_problem(403);
}

#[test]
fn a_cursor_in_the_text_is_told_to_those_who_ask_for_it() {
    let at = document("asked-for", &public("acl:Read"));
    let more = json!({ "urn:podbell:terms#cursor": true });
    let channel = subscribe(&BOB, "StreamingHTTPChannel2023", &at, more);
    let path = receive_from(&channel);
    let mut lines = Stream::open(&path, &[]);
    ALICE.put(&at, "<> a <#1>.");
    let cursor = lines.line().unwrap()["urn:podbell:terms#cursor"].as_str().unwrap().to_owned();
    drop(lines);
    ALICE.put(&at, "<> a <#2>.");
    ALICE.put(&at, "<> a <#3>.");
    let mut lines = Stream::open(&format!("{path}?since={cursor}"), &[]);
    let ids: Vec<_> = (0..2).map(|_| lines.line().unwrap()["id"].clone()).collect();
    assert_ne!(ids[0], ids[1]);
    let mut plain = Stream::open(&receive_from(&subscribe(&BOB, "StreamingHTTPChannel2023", &at, json!({}))), &[]);
    ALICE.put(&at, "<> a <#4>.");
    assert_eq!(plain.line().unwrap().as_object().unwrap().len(), 6);
    let mut gap = Stream::open(&format!("{path}?since=nonsense"), &[]);
    assert_eq!(gap.line().unwrap()["type"], "urn:podbell:terms#Gap");
    assert_eq!(gap.line().unwrap()["type"], "Update");
}

#[test]
fn z08_everything_below_a_container_is_told_to_those_who_may_read_it() {
    let at = container("below", &for_bob("acl:Read"));
    ALICE.put(&format!("{at}secret/"), "");
    ALICE.rules(&format!("{at}secret/"), "");
    let recursive = json!({ "urn:podbell:terms#recursive": true });
    let (_, mut stream) = events(&BOB, &at, recursive);
    ALICE.put(&format!("{at}secret/x"), "");
    ALICE.put(&format!("{at}a/b/c"), "");
    ALICE.put(&format!("{at}a/b/c"), "<> a <#x>.");
    ALICE.ask("DELETE", &format!("{at}a/b/c"), &[], "");
    let mut told: Vec<_> = (0..3).map(|_| stream.told()).collect();
    told.sort();
    let created = |path: &str| ("Create".to_owned(), format!("{at}{path}"));
    assert_eq!(told, [created("a/"), created("a/b/"), created("a/b/c")]);
    assert_eq!(stream.told(), ("Update".into(), format!("{at}a/b/c")));
    assert_eq!(stream.told(), ("Delete".into(), format!("{at}a/b/c")));
}

#[test]
fn filters_choose_by_type_and_by_who_did_it() {
    let at = container("filtered", &for_bob("acl:Read, acl:Write"));
    let (_, mut added) = events(&BOB, &at, json!({ "activityType": "Remove" }));
    let (_, mut others) = events(&BOB, &at, json!({ "urn:podbell:terms#notCausedByMe": true }));
    BOB.put(&format!("{at}mine"), "");
    ALICE.put(&format!("{at}hers"), "");
    ALICE.ask("DELETE", &format!("{at}hers"), &[], "");
    assert_eq!(added.told(), ("Remove".into(), format!("{at}hers")));
    assert_eq!(others.told(), ("Add".into(), format!("{at}hers")));
}

#[test]
fn q06_channels_are_listed_for_who_made_them_and_for_the_owner_of_the_storage() {
    let at = document("listed", &for_bob("acl:Read"));
    let id = subscribe(&BOB, "EventSourceChannel2023", &at, json!({})).json()["id"].clone();
    let listed = |agent: &Agent, query: &str| {
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
    };
    let mine = listed(&BOB, "");
    let found = mine.iter().find(|channel| channel["id"] == id).unwrap();
    assert!(found["type"].as_str().unwrap().ends_with("EventSourceChannel2023"));
    assert_eq!(found["topic"], WORLD.url(&at));
    assert!(found.get("receiveFrom").is_none(), "{found}");
    assert!(!listed(&ALICE, "").iter().any(|channel| channel["id"] == id));
    let root = utf8_percent_encode(&WORLD.url("/alice/"), NON_ALPHANUMERIC).to_string();
    let theirs = listed(&ALICE, &format!("?storage={root}"));
    let found = theirs.iter().find(|channel| channel["id"] == id).unwrap();
    assert_eq!(found["urn:podbell:terms#subscriber"]["id"], WORLD.webid("BOB"));
    BOB.get(&format!("/.notifications/channels/?storage={root}")).is_problem(403);
    BOB.get("/.notifications/channels/?storage=nonsense").is_problem(403);
    ANYBODY.get("/.notifications/channels/").is_problem(401);
    assert_eq!(ALICE.ask("DELETE", id.as_str().unwrap(), &[], "").status, 204, "T-Q03");
    assert!(!listed(&BOB, "").iter().any(|channel| channel["id"] == id));
}

#[test]
fn l04_a_channel_is_renewed_by_who_made_it_and_by_nobody_else() {
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
    let past = json!({ "@context": N1, "endAt": "1999-01-01T00:00:00Z" }).to_string();
    assert_eq!(BOB.ask("POST", &id, &[LD], past).status, 410);
    assert!(stream.ended());
}

//! Coming back: cursors, where they are found, and what is told by them.

use super::{
    ears::{Listener, Way},
    events::{tag, version},
    streams::{Stream, document, receive_from, subscribe},
    world::{ALICE, ANYBODY, BOB, container, for_bob, public, split},
};
use serde_json::json;

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
    for absent in ["absent", "none/", "none/x"] {
        let path = format!("{at}{absent}");
        for method in ["GET", "HEAD"] {
            let told = BOB.ask(method, &path, &[], "");
            assert_eq!((told.status, told.header("podbell-cursor").map(str::len)), (404, Some(56)), "{method} {path}");
        }
        let cursor = BOB.get(&path).header("podbell-cursor").unwrap().to_owned();
        ALICE.put(&path, "");
        let place = receive_from(&subscribe(&BOB, "EventSourceChannel2023", &path, json!({})));
        let mut stream = Stream::open(&format!("{place}?since={cursor}"), &[]);
        assert_eq!(stream.told(), ("Create".into(), path), "what comes to be is behind the cursor of its 404");
    }
    // Who may not read learns nothing, whether it exists or not.
    let closed = container("blind-closed", "");
    ALICE.put(&format!("{closed}there"), "");
    for name in ["there", "absent"] {
        let told = BOB.get(&format!("{closed}{name}"));
        assert_eq!((told.status, told.header("podbell-cursor")), (403, None), "{name}");
    }
}

#[test]
fn a_cursor_in_the_text_is_told_to_those_who_ask_for_it() {
    let at = document("asked-for", &public("acl:Read"));
    let more = json!({ "urn:podbell:terms#cursor": true });
    let channel = subscribe(&BOB, "StreamingHTTPChannel2023", &at, more.clone());
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
    // The id of an event is its cursor; the text has none, whether `cursor` or `since` asks for it.
    for (more, cursor) in [(more, &*cursor), (json!({}), &*cursor), (json!({}), "nonsense")] {
        let path = receive_from(&subscribe(&BOB, "EventSourceChannel2023", &at, more));
        let mut events = Stream::open(&format!("{path}?since={cursor}"), &[]);
        for _ in 0..2 {
            let (_, id, data) = events.event().unwrap();
            assert!(id.len() == 56 && data.get("urn:podbell:terms#cursor").is_none(), "{id} {data}");
        }
    }
}

/// R-WS-10, R-FEAT-4.
#[test]
fn t_rc1_who_says_what_it_knows_is_told_what_stands_now() {
    let at = document("rc1", &for_bob("acl:Read"));
    let bob = Listener::from(&*BOB);
    for way in [Way::WebSocket, Way::Events, Way::Lines, Way::Http2Events, Way::Http2Lines] {
        let known = tag(&BOB.get(&at));
        let channel = bob.subscribe(way, &[&at], json!({ "state": known }));
        let place = split(channel.json()["receiveFrom"].as_str().unwrap()).1;
        let connect = || bob.connect(way, &place, None).unwrap_or_else(|status| panic!("{way:?} {status}"));
        // Nothing has changed: silence.
        drop(connect());
        ALICE.put(&at, "<> a <#1>.");
        let stands = tag(&ALICE.put(&at, "<> a <#2>."));
        let mut ear = connect();
        let told = ear.next().unwrap();
        assert_eq!((&*told.kind, version(told.message["state"].as_str().unwrap())), ("Update", version(&stands)));
        // It knows that now: the next thing it hears is the next change.
        drop(ear);
        let mut ear = connect();
        let next = tag(&ALICE.put(&at, "<> a <#3>."));
        assert_eq!(version(ear.next().unwrap().message["state"].as_str().unwrap()), version(&next), "{way:?}");
    }
}

/// R-WS-10.
#[test]
fn t_rc2_who_says_nothing_is_told_what_comes() {
    let at = document("rc2", &for_bob("acl:Read"));
    let bob = Listener::from(&*BOB);
    for way in [Way::WebSocket, Way::Events, Way::Lines, Way::Http2Events, Way::Http2Lines] {
        let (place, ear) = bob.listen(way, &[&at]);
        drop(ear);
        ALICE.put(&at, "<> a <#missed>.");
        let mut ear = bob.connect(way, &place, None).unwrap_or_else(|status| panic!("{way:?} {status}"));
        let next = tag(&ALICE.put(&at, "<> a <#next>."));
        assert_eq!(version(ear.next().unwrap().message["state"].as_str().unwrap()), version(&next), "{way:?}");
    }
}

/// Whole, by the same id, on every transport.
#[test]
fn t_rc4_what_was_missed_is_told_by_the_id_that_it_had() {
    let at = document("rc4-ids", &for_bob("acl:Read"));
    let bob = Listener::from(&*BOB);
    for way in [Way::WebSocket, Way::Events, Way::Lines, Way::Http2Events, Way::Http2Lines] {
        let (place, mut ear) = bob.listen(way, &[&at]);
        let cursor = BOB.get(&at).header("podbell-cursor").unwrap().to_owned();
        ALICE.put(&at, "<> a <#1>.");
        ALICE.put(&at, "<> a <#2>.");
        let ids: Vec<_> = (0..2).map(|_| ear.next().unwrap().message["id"].clone()).collect();
        drop(ear);
        let mut ear = bob.connect(way, &place, Some(&cursor)).unwrap_or_else(|status| panic!("{way:?} {status}"));
        let again: Vec<_> = (0..2).map(|_| ear.next().unwrap().message["id"].clone()).collect();
        assert_eq!(again, ids, "{way:?}");
    }
}

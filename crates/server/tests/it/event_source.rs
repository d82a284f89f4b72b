//! EventSourceChannel2023: §6, T-ES, of the reference of the notifications protocol. What needs no subscription is
//! among `streaming`.

use super::{
    brisk,
    ears::{Listener, Way, standing},
    events::{tag, version},
    streams::{Stream, document, events, receive_from, short, subscribe},
    world::{ALICE, ANYBODY, BOB, TURTLE, WORLD, container, for_bob, public},
};
use podbell_model::{
    Timestamp,
    rdf::{self, RdfFormat},
};
use serde_json::json;
use std::time::Duration;

const KIND: &str = "EventSourceChannel2023";

/// R-ES-1, R-ES-2, R-EVT-5.
#[test]
fn t_es1_t_es2_a_change_is_an_event_with_an_id_and_no_name() {
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
    assert_eq!(version(data["state"].as_str().unwrap()), version(&etag));
}

/// R-ES-3.
#[test]
fn t_es3_whoever_comes_back_hears_what_was_missed_once_and_in_order() {
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

/// R-ES-3.
#[test]
fn t_es4_an_id_that_opens_nothing_begins_with_a_gap_and_how_things_stand() {
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

/// R-ES-5, R-LIFE-3.
#[test]
fn t_es6_an_ended_channel_tells_an_event_source_not_to_come_again() {
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

/// R-ES-1, R-ES-6, R-SH-6.
#[test]
fn t_es1_t_es7_the_head_says_what_follows_and_other_methods_are_refused() {
    let at = document("es7", &for_bob("acl:Read"));
    let path = receive_from(&subscribe(&BOB, KIND, &at, json!({})));
    let stream = Stream::open(&path, &[("origin", "https://app.example"), ("accept", "text/event-stream")]).opened();
    let head = ANYBODY.ask("HEAD", &path, &[("origin", "https://app.example")], "");
    assert_eq!((head.status, head.body.len()), (200, 0));
    for told in [&stream.head, &head] {
        for (name, value) in [
            ("content-type", "text/event-stream; charset=utf-8"),
            ("cache-control", "no-store, no-transform"),
            ("x-accel-buffering", "no"),
            ("access-control-allow-origin", "https://app.example"),
            ("referrer-policy", "no-referrer"),
        ] {
            assert_eq!(told.header(name), Some(value), "{told:?}");
        }
        assert_eq!(told.header("content-encoding"), None);
    }
    let asked = [("origin", "https://app.example"), ("access-control-request-method", "GET")];
    let asked = [&asked[..], &[("access-control-request-headers", "last-event-id")]].concat();
    let allowed = ANYBODY.ask("OPTIONS", &path, &asked, "");
    assert!(allowed.status < 300 && allowed.header("access-control-allow-origin").is_some(), "{allowed:?}");
    assert!(allowed.header("access-control-allow-headers").unwrap().to_ascii_lowercase().contains("last-event-id"));
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        ANYBODY.ask(method, &path, &[TURTLE], "").is_problem(405);
    }
}

/// R-ES-2, R-ES-3.
#[test]
fn t_es2_it_begins_with_when_to_come_again_and_each_event_is_one_line() {
    let at = document("es2", &for_bob("acl:Read"));
    let (_, mut stream) = events(&BOB, &at, json!({}));
    assert_eq!(stream.block().unwrap(), "retry: 3000\n\n");
    ALICE.put(&at, "<> a <#x>.");
    let block = stream.block().unwrap();
    let names: Vec<_> = block.lines().filter_map(|line| Some(line.split_once(": ")?.0)).collect();
    assert_eq!(names, ["id", "data"], "{block}");
}

/// R-ES-4. With nothing to tell the beat is a comment, or an id without data, which no handler hears.
#[test]
fn t_es5_an_idle_stream_beats() {
    let at = brisk::document("es5");
    let place = brisk::bob().place(Way::Events, &[&at]).unwrap();
    let mut stream = Stream::by(&brisk::BRISK.stranger(), &place, &[]).opened();
    assert_eq!(stream.block().unwrap(), "retry: 3000\n\n");
    for _ in 0..3 {
        let beat = stream.block().unwrap();
        assert!(beat.starts_with(':') || beat.starts_with("id: "), "{beat}");
        assert!(!beat.contains("data") && !beat.contains("event"), "{beat}");
    }
    brisk::BRISK_ALICE.put(&at, "<> a <#x>.");
    assert_eq!(stream.told(), ("Update".into(), at));
}

/// R-ES-5, R-LIFE-4.
#[test]
fn t_es6_a_stream_ends_when_its_channel_does_and_tells_an_event_source_not_to_come_again() {
    let at = document("es6-end", &for_bob("acl:Read"));
    let soon = (Timestamp::now() + Duration::from_secs(2)).to_string();
    let (path, stream) = events(&BOB, &at, json!({ "endAt": soon }));
    assert!(stream.ended());
    for headers in [&[][..], &[("last-event-id", "x")], &[("accept", "text/event-stream")]] {
        assert_eq!(Stream::open(&path, headers).head.status, 204);
    }
}

/// R-ES-8.
#[test]
fn what_is_no_json_stands_in_lines_of_data() {
    let at = document("es8", &for_bob("acl:Read"));
    let (_, mut stream) = events(&BOB, &at, json!({ "accept": "text/turtle" }));
    ALICE.put(&at, "<> a <#x>.");
    let (name, _, turtle) = stream.event_text().unwrap();
    assert!(name.is_none() && turtle.lines().count() > 1, "{turtle}");
    let quads = rdf::parse(RdfFormat::Turtle, "urn:none:", turtle.as_bytes()).unwrap();
    assert_eq!(quads.len(), 4, "{turtle}");
}

/// R-ES-3. Half an event is no event: who is cut off in it hears it again, with the same id.
#[test]
fn t_rc4_an_event_that_was_cut_is_told_again_by_the_same_id() {
    let at = document("rc4", &for_bob("acl:Read"));
    let (path, mut stream) = events(&BOB, &at, json!({}));
    ALICE.put(&at, "<> a <#1>.");
    let (_, last, _) = stream.event().unwrap();
    ALICE.put(&at, "<> a <#2>.");
    let part = stream.bytes();
    assert!(part.starts_with(b"id: "), "{}", String::from_utf8_lossy(&part));
    let part = String::from_utf8(part[..part.len() - 20].to_vec()).unwrap();
    drop(stream);
    let mut stream = Stream::open(&path, &[("last-event-id", &last)]).opened();
    let (_, _, data) = stream.event().unwrap();
    let id = data["id"].as_str().unwrap();
    assert!(part.contains(id), "{part} {data}");
    ALICE.put(&at, "<> a <#3>.");
    assert_ne!(stream.event().unwrap().2["id"], id);
}

/// R-ES-3: within one stream, by `since` as by the header, and without either from now on.
#[test]
fn t_es3_the_header_holds_where_both_are_there() {
    let at = document("es3-both", &for_bob("acl:Read"));
    let (path, mut stream) = events(&BOB, &at, json!({}));
    let cursor = BOB.get(&at).header("podbell-cursor").unwrap().to_owned();
    let first = tag(&ALICE.put(&at, "<> a <#1>."));
    let second = tag(&ALICE.put(&at, "<> a <#2>."));
    let (_, last, _) = stream.event().unwrap();
    drop(stream);
    for (header, expected) in [(Some(&*last), &second), (None, &first)] {
        let headers: Vec<_> = header.map(|last| ("last-event-id", last)).into_iter().collect();
        let mut stream = Stream::open(&format!("{path}?since={cursor}"), &headers).opened();
        let (_, _, data) = stream.event().unwrap();
        assert_eq!(version(data["state"].as_str().unwrap()), version(expected));
    }
}

/// R-ES-7: the stream of a topic without a subscription too.
#[test]
fn t_es2_over_http2_events_are_the_same() {
    let at = document("es-http2", &for_bob("acl:Read"));
    let bob = Listener::from(&*BOB);
    let http2 = super::h2::Http2::connect(&BOB);
    let mut direct = http2.get(&BOB, &standing(&BOB, KIND, &at), &[]).opened();
    let mut subscribed = http2.get(&ANYBODY, &bob.place(Way::Events, &[&at]).unwrap(), &[]).opened();
    let mut http1 = bob.listen(Way::Events, &[&at]).1;
    assert_eq!(direct.told(), ("Update".into(), at.clone()), "how it stands");
    ALICE.put(&at, "<> a <#x>.");
    let expected = http1.next().unwrap().message;
    for stream in [&mut direct, &mut subscribed] {
        let (name, id, data) = stream.event().unwrap();
        assert_eq!((name, id.len(), data), (None, 56, expected.clone()));
        assert_eq!(stream.head.header("content-type"), Some("text/event-stream; charset=utf-8"));
    }
}

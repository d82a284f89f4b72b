//! The features of a channel hold for every type, not only for sockets: the cases T-F again, over streams.

use super::{
    features::written,
    services::{Stream, open, subscribe_to as subscribe},
    world::{ALICE, ANYBODY, BOB, Reply, WORLD, container, public, split, until},
};
use podbell_model::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;

const KINDS: [&str; 2] = ["EventSourceChannel2023", "StreamingHTTPChannel2023"];

/// Connects to a channel; what it tells comes as events.
fn listen(channel: &Reply) -> Stream {
    assert_eq!(channel.status, 200, "{channel:?}");
    let path = split(channel.json()["receiveFrom"].as_str().unwrap()).1;
    let stream = Stream::open(&path, &[("accept", "text/event-stream")]);
    assert_eq!(stream.head.status, 200, "{:?}", stream.head);
    stream
}

/// Changes a document; its version then.
fn change(path: &str) -> String {
    let now = Timestamp::now().as_nanosecond();
    version(&ALICE.put(path, &format!("<> a <#{now}>.")).header("etag").unwrap().into())
}

fn version(tag: &Value) -> String {
    tag.as_str().unwrap().trim_matches('"').split('-').next().unwrap().to_owned()
}

/// The version that the next event tells.
fn next(stream: &mut Stream) -> String {
    let (name, _, told) = stream.event().unwrap();
    assert_eq!(name, None, "{told}");
    version(&told["state"])
}

/// R-FEAT-4.
#[test]
fn t_f08_t_f09_t_f10_t_f11_a_state_is_compared_when_a_stream_begins() {
    for kind in KINDS {
        let (path, _) = open(&format!("state-{kind}"));
        let known = change(&path);
        let mut stream = listen(&subscribe(&BOB, kind, &path, json!({ "state": known })));
        let latest = change(&path);
        assert_eq!(next(&mut stream), latest, "{kind}: nothing before it");
        let channel = subscribe(&BOB, kind, &path, json!({ "state": "abc" }));
        assert_eq!(next(&mut listen(&channel)), latest, "{kind}");
        let mut again = listen(&channel);
        let latest = change(&path);
        assert_eq!(next(&mut again), latest, "{kind}: nothing for the second time");
        let absent = format!("{path}-absent");
        let told = listen(&subscribe(&BOB, kind, &absent, json!({ "state": "abc" }))).event().unwrap().2;
        assert_eq!((&told["type"], told.get("state")), (&"Delete".into(), None), "{kind}");
    }
}

/// R-FEAT-1, R-FEAT-2.
#[test]
fn t_f04_t_f05_t_f06_a_stream_begins_and_ends_when_it_was_asked_to() {
    for kind in KINDS {
        let (path, _) = open(&format!("time-{kind}"));
        let start = Timestamp::now() + Duration::from_secs(3);
        let end = start + Duration::from_secs(3);
        let times = json!({ "startAt": written(start), "endAt": written(end) });
        let channel = subscribe(&BOB, kind, &path, times);
        let mut stream = listen(&channel);
        let early = change(&path);
        let in_time = Timestamp::now() < start;
        until("the start", || Timestamp::now() > start);
        let told = change(&path);
        if in_time && Timestamp::now() < end {
            let first = next(&mut stream);
            assert_ne!(first, early, "{kind}");
            assert_eq!(first, told, "{kind}");
        }
        until("the end", || Timestamp::now() > end);
        let late = change(&path);
        while let Some((_, _, told)) = stream.event() {
            assert_ne!(version(&told["state"]), late, "{kind}");
        }
        let path = split(channel.json()["receiveFrom"].as_str().unwrap()).1;
        let gone = if kind == KINDS[0] { 204 } else { 410 };
        assert_eq!(ANYBODY.get(&path).status, gone, "{kind}");
    }
}

/// R-FEAT-5.
#[test]
fn t_f15_t_f16_a_rate_loses_neither_the_last_state_nor_a_member() {
    for kind in KINDS {
        let at = container(&format!("rate-{kind}"), &public("acl:Read"));
        let path = format!("{at}r");
        change(&path);
        let rate = json!({ "rate": "PT2S" });
        let mut one = listen(&subscribe(&BOB, kind, &path, rate.clone()));
        let mut members = listen(&subscribe(&BOB, kind, &at, rate));
        let versions: Vec<_> = (0..5).map(|_| change(&path)).collect();
        let added: Vec<_> = ["a", "b"].iter().map(|name| format!("{at}{name}")).collect();
        for path in &added {
            ALICE.put(path, "");
        }
        let mut heard = vec![next(&mut one)];
        while heard.last() != versions.last() {
            heard.push(next(&mut one));
        }
        assert!(heard.len() < versions.len(), "{kind}: {heard:?} of {versions:?}");
        let mut told: Vec<_> = (0..2).map(|_| members.told()).collect();
        told.sort();
        assert_eq!(told, [("Add".into(), added[0].clone()), ("Add".into(), added[1].clone())], "{kind}");
    }
}

/// R-FEAT-6.
#[test]
fn t_f17_a_stream_is_of_the_type_that_is_accepted() {
    let (path, _) = open("accepted-streams");
    for (kind, accept, media_type) in [
        (KINDS[0], "text/turtle", "text/event-stream; charset=utf-8"),
        (KINDS[1], "text/turtle", "text/turtle"),
        (KINDS[1], "application/n-triples", "application/n-triples"),
        (KINDS[1], "text/turtle;q=0.5, application/ld+json", "application/ld+json"),
    ] {
        let channel = subscribe(&BOB, kind, &path, json!({ "accept": accept }));
        assert_eq!(channel.json()["accept"], accept);
        let path = split(channel.json()["receiveFrom"].as_str().unwrap()).1;
        let told = ANYBODY.ask("HEAD", &path, &[], "");
        assert_eq!((told.status, told.header("content-type")), (200, Some(media_type)), "{kind} {accept}");
    }
    for kind in KINDS {
        subscribe(&BOB, kind, &path, json!({ "accept": "image/png" })).is_problem(422);
        let wrong = json!({ "topic": WORLD.url(&path), "rate": "10" });
        subscribe(&BOB, kind, &path, wrong).is_problem(422);
    }
}

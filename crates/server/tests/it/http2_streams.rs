//! Streams over HTTP/2: several on one connection, each on its own.

use super::{
    ears::{Listener, Way, standing},
    events::{tag, version},
    h2::Http2,
    streams::{Stream, document},
    world::{ALICE, ANYBODY, BOB, for_bob, until},
};
use serde_json::json;

const STREAMING: &str = "StreamingHTTPChannel2023";
const LD: (&str, &str) = ("accept", "application/ld+json");

fn next(stream: &mut Stream) -> String {
    let line = stream.line().expect("it goes on");
    version(line["state"].as_str().unwrap()).to_owned()
}

#[test]
fn one_connection_carries_many_streams_and_each_hears_its_own_topic() {
    let at = document("many-streams", &for_bob("acl:Read"));
    let topics: Vec<_> = (0..30).map(|number| format!("{at}-{number}")).collect();
    for topic in &topics {
        ALICE.put(topic, "");
    }
    let (http2, bob) = (Http2::connect(&BOB), Listener::from(&*BOB));
    let mut streams: Vec<_> = topics
        .iter()
        .enumerate()
        .map(|(number, topic)| match number % 3 {
            0 => http2.get(&ANYBODY, &bob.place(Way::Lines, &[topic]).unwrap(), &[]).opened(),
            1 => http2.get(&ANYBODY, &bob.place(Way::Events, &[topic]).unwrap(), &[]).opened(),
            _ => {
                let mut stream = http2.get(&BOB, &standing(&BOB, STREAMING, topic), &[LD]).opened();
                next(&mut stream);
                stream
            }
        })
        .collect();
    for _ in 0..2 {
        for (number, (topic, stream)) in topics.iter().zip(&mut streams).enumerate() {
            let told = tag(&ALICE.put(topic, "<> a <#x>."));
            let state = match number % 3 {
                1 => version(stream.event().unwrap().2["state"].as_str().unwrap()).to_owned(),
                _ => next(stream),
            };
            assert_eq!(state, version(&told), "{topic}");
        }
    }
}

#[test]
fn the_end_of_one_stream_leaves_the_others_of_its_connection() {
    let at = document("one-ends", &for_bob("acl:Read"));
    let (http2, bob) = (Http2::connect(&BOB), Listener::from(&*BOB));
    let channel = bob.subscribe(Way::Lines, &[&at], json!({}));
    let mut ends = http2.get(&ANYBODY, &super::streams::receive_from(&channel), &[]).opened();
    let mut stays = http2.get(&ANYBODY, &bob.place(Way::Lines, &[&at]).unwrap(), &[]).opened();
    let mut direct = http2.get(&BOB, &standing(&BOB, STREAMING, &at), &[LD]).opened();
    next(&mut direct);
    let id = channel.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(BOB.ask("DELETE", &id, &[], "").status, 204);
    let told = tag(&ALICE.put(&at, "<> a <#x>."));
    assert!(ends.line().is_none());
    for stream in [&mut stays, &mut direct] {
        assert_eq!(next(stream), version(&told));
    }
    // New ones open beside them.
    assert_eq!(http2.get(&ANYBODY, &super::streams::receive_from(&channel), &[]).head.status, 410);
    http2.get(&BOB, &standing(&BOB, STREAMING, &at), &[LD]).opened();
}

/// By a reset of the stream, and by the end of the connection.
#[test]
fn a_client_that_is_gone_frees_its_seat() {
    let at = document("h2-gone", &for_bob("acl:Read"));
    let bob = Listener::from(&*BOB);
    for whole in [false, true] {
        let place = bob.place(Way::Lines, &[&at]).unwrap();
        let others = Http2::connect(&BOB);
        let mut http2 = Some(Http2::connect(&BOB));
        let connect = |http2: &Http2| http2.get(&ANYBODY, &place, &[]);
        let mut streams: Vec<_> = (0..3).map(|_| connect(http2.as_ref().unwrap()).opened()).collect();
        assert_eq!(connect(&others).head.status, 429);
        if whole {
            streams.clear();
            http2 = None;
        } else {
            streams.pop();
        }
        let mut again = None;
        until("the seat is free", || {
            let stream = connect(&others);
            (stream.head.status == 200).then(|| again = Some(stream)).is_some()
        });
        let told = tag(&ALICE.put(&at, "<> a <#x>."));
        for stream in streams.iter_mut().chain(&mut again) {
            assert_eq!(next(stream), version(&told));
        }
        drop(http2);
    }
}

/// R-SH-7, R-AUTH-1: on the same connection, also for the same agent.
#[test]
fn a_topic_that_is_lost_ends_its_streams_and_no_others() {
    let (lost, kept) = (document("h2-lost", &for_bob("acl:Read")), document("h2-kept", &for_bob("acl:Read")));
    let (http2, bob) = (Http2::connect(&BOB), Listener::from(&*BOB));
    let open = |topic: &str| {
        let mut direct = http2.get(&BOB, &standing(&BOB, STREAMING, topic), &[LD]).opened();
        next(&mut direct);
        [direct, http2.get(&ANYBODY, &bob.place(Way::Lines, &[topic]).unwrap(), &[]).opened()]
    };
    let (gone, mut stay) = (open(&lost), open(&kept));
    ALICE.rules(lost.strip_suffix('r').unwrap(), "");
    ALICE.put(&lost, "<> a <#Secret>.");
    let told = tag(&ALICE.put(&kept, "<> a <#x>."));
    for mut stream in gone {
        assert!(stream.line().is_none());
    }
    for stream in &mut stay {
        assert_eq!(next(stream), version(&told));
    }
    assert_eq!(http2.get(&BOB, &standing(&BOB, STREAMING, &lost), &[LD]).head.status, 403);
}

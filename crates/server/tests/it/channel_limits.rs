//! How many channels, how long, and how slowly asked for; and what every answer to a subscription says.

use super::{
    brisk,
    ears::{Listener, Way},
    streams::document,
    world::{ALICE, BOB, LD, for_bob},
};
use podbell_model::Timestamp;
use serde_json::json;
use std::{
    io::{Read as _, Write as _},
    time::Duration,
};

const KINDS: [Way; 3] = [Way::WebSocket, Way::Events, Way::Lines];

/// Of an agent and a client, over all types.
#[test]
fn t_q07_an_agent_has_so_many_channels_and_no_more() {
    let at = "/alice/q07/r";
    brisk::BRISK_ALICE.put(at, "");
    let alice = Listener::from(&*brisk::BRISK_ALICE);
    let mut ids = Vec::new();
    let refused = loop {
        let told = alice.subscribe(KINDS[ids.len() % 3], &[at], json!({}));
        if told.status != 200 {
            break told;
        }
        ids.push(told.json()["id"].as_str().unwrap().to_owned());
    };
    assert_eq!(ids.len(), 40);
    assert!(refused.is_problem(429).header("retry-after").is_some());
    assert_eq!(alice.agent.ask("DELETE", &ids[0], &[], "").status, 204);
    assert_eq!(alice.subscribe(Way::Lines, &[at], json!({})).status, 200, "there is room again");
}

#[test]
fn t_q13_a_subscription_that_never_comes_is_given_up() {
    for kind in ["WebSocketChannel2023", "EventSourceChannel2023", "StreamingHTTPChannel2023"] {
        let mut stream = brisk::BRISK.connect();
        let head = "HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/ld+json\r\ncontent-length: 500\r\n\r\n{";
        write!(stream, "POST /.notifications/{kind}/ {head}").unwrap();
        let mut line = [0; 12];
        stream.read_exact(&mut line).unwrap();
        assert_eq!(String::from_utf8_lossy(&line), "HTTP/1.1 408");
    }
}

/// R-REQ-8, CA-6.
#[test]
fn t_q11_an_answer_to_a_subscription_is_kept_by_nobody_and_read_by_every_page() {
    let at = document("q11", &for_bob("acl:Read"));
    let bob = Listener { agent: &BOB, origin: Some("https://app.example") };
    for way in KINDS {
        let told = bob.subscribe(way, &[&at], json!({}));
        assert_eq!(told.status, 200);
        assert_eq!(told.header("cache-control"), Some("no-store"));
        assert_eq!(told.header("access-control-allow-origin"), Some("https://app.example"));
        let exposed = told.header("access-control-expose-headers").unwrap();
        assert!(exposed.contains("Content-Location") && exposed.contains("Location"), "{exposed}");
        assert_eq!(told.header("content-location"), told.json()["id"].as_str());
        assert_eq!(told.header("referrer-policy"), Some("no-referrer"));
    }
}

/// R-LIFE-4: what is not asked for, or asked for too late, ends within two weeks; and that is told.
#[test]
fn a_channel_lives_so_long_and_says_how_long() {
    let at = document("life", &for_bob("acl:Read"));
    let bob = Listener::from(&*BOB);
    let within = Duration::from_hours(14 * 24);
    for way in KINDS {
        for (asked, least) in [(json!({}), within), (json!({ "endAt": "2999-01-01T00:00:00Z" }), within)] {
            let before = Timestamp::now();
            let told = bob.subscribe(way, &[&at], asked).json();
            let end: Timestamp = told["endAt"].as_str().unwrap().parse().unwrap();
            let after = Timestamp::now();
            assert!(end.as_second() >= (before + least).as_second() && end <= after + within, "{end}");
        }
        let asked = (Timestamp::now() + Duration::from_hours(1)).to_string();
        let told = bob.subscribe(way, &[&at], json!({ "endAt": asked })).json();
        let end: Timestamp = told["endAt"].as_str().unwrap().parse().unwrap();
        assert_eq!(end.as_second(), asked.parse::<Timestamp>().unwrap().as_second());
    }
}

/// R-LIFE-1.
#[test]
fn t_q05_a_channel_says_what_it_takes() {
    let at = document("takes", &for_bob("acl:Read"));
    let id = Listener::from(&*BOB).subscribe(Way::Events, &[&at], json!({})).json()["id"].as_str().unwrap().to_owned();
    let told = BOB.ask("OPTIONS", &id, &[], "");
    assert_eq!(told.status, 204);
    for method in ["GET", "HEAD", "OPTIONS", "POST", "DELETE"] {
        assert!(told.header("allow").unwrap().contains(method), "{told:?}");
    }
    let head = BOB.ask("HEAD", &id, &[], "");
    assert_eq!((head.status, head.body.len()), (200, 0));
    ALICE.ask("PUT", &id, &[LD], "{}").is_problem(405);
}

//! What a client of ESS may ask for beside a topic: `ttl`, `rate` and `state`.

use super::{
    ess::{asking, listen, open, refused, short, state, with},
    events::{tag, version},
    looking_after::all,
    world::{ALICE, BOB, WORLD, container, for_bob, until},
};
use podbell_model::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;

fn document(name: &str) -> String {
    let path = format!("{}r", container(name, &for_bob("acl:Read")));
    ALICE.put(&path, "");
    path
}

/// Changes a document; its version then.
fn change(path: &str) -> String {
    let told = ALICE.put(path, &format!("<> a <#{}>.", Timestamp::now().as_nanosecond()));
    version(&tag(&told)).to_owned()
}

/// ESS-21.
#[test]
fn features_are_granted_or_passed_over_and_refused_if_they_cannot_be_meant() {
    let at = document("ess-features");
    for features in [
        json!({ "ttl": 60 }),
        json!({ "ttl": "PT1H" }),
        json!({ "ttl": 1e12 }),
        json!({ "rate": 0.5 }),
        json!({ "rate": "PT1S" }),
        json!({ "rate": "5" }),
        json!({ "state": "abc" }),
        json!({ "state": "\"abc\"" }),
        json!({ "filter": "anything" }),
        json!({ "ttl": 60, "rate": 1, "state": "x", "filter": "y", "zeal": [{ "a": 1 }] }),
        json!({ "ttl": null, "rate": null, "state": null }),
    ] {
        assert_eq!(with(&BOB, &at, &features).status, 200, "{features}");
    }
    for (feature, value) in [
        ("ttl", json!(0)),
        ("ttl", json!(-5)),
        ("ttl", json!("soon")),
        ("rate", json!([])),
        ("rate", json!("NaN")),
        ("state", json!(7)),
    ] {
        let told = with(&BOB, &at, &json!({ feature: value }));
        let violation = told.is_problem(400).json()["violations"][0].as_str().unwrap().to_owned();
        assert!(violation.starts_with(&format!("{feature}: ")), "{violation}");
    }
    let topics = [WORLD.url(&at), WORLD.url("/alice/profile/card")];
    asking(&BOB, &json!({ "topic": topics, "state": "x" })).is_problem(400);
}

/// ESS-21: seconds.
#[test]
fn a_socket_lives_as_long_as_its_ttl_says_and_no_longer_than_channels_do() {
    let at = document("ess-ttl");
    let told = with(&BOB, &at, &json!({ "ttl": 2 }));
    let (mut socket, begun) = (open(&WORLD, &told), Timestamp::now());
    assert_eq!(socket.closed(), Some(1000));
    assert!(Timestamp::now() >= begun + Duration::from_secs(1), "not before its time");
    let unused = with(&BOB, &at, &json!({ "ttl": 1 }));
    let over = Timestamp::now() + Duration::from_secs(1);
    until("it is over", || Timestamp::now() > over);
    refused(&WORLD, &super::ess::place(&unused));

    let at = document("ess-long");
    let _socket = open(&WORLD, &with(&BOB, &at, &json!({ "ttl": 1e9 })));
    let channel = all(&BOB, "").into_iter().find(|channel| channel["topic"] == *WORLD.url(&at)).unwrap();
    let end: Timestamp = channel["endAt"].as_str().unwrap().parse().unwrap();
    let life = end.duration_since(Timestamp::now()).as_hours();
    assert!((24 * 13..=24 * 14).contains(&life), "{channel}");
}

/// ESS-21: seconds or a duration of XML Schema, and of each object the newest state.
#[test]
fn changes_inside_the_rate_are_told_as_one_of_each_object() {
    let at = container("ess-rate", &for_bob("acl:Read"));
    let names = ["a", "b"].map(|name| format!("{at}{name}"));
    let topics = names.clone().map(|name| WORLD.url(&name));
    // A machine that is too slow to change anything inside the rate is given longer.
    let written: [fn(u64) -> Value; 2] = [|seconds| json!(seconds), |seconds| json!(format!("PT{seconds}S"))];
    for rate in written {
        let shown = [3, 10, 30].into_iter().any(|seconds| {
            for name in &names {
                change(name);
            }
            let mut socket = open(&WORLD, &asking(&BOB, &json!({ "topic": topics, "rate": rate(seconds) })));
            let begun = Timestamp::now();
            let over = begun + Duration::from_secs(seconds);
            for name in &names {
                let first = change(name);
                let told = socket.heard();
                assert_eq!((short(&told).1, state(&told)), (name.clone(), &*first), "the first comes at once");
            }
            let last = names.clone().map(|name| {
                change(&name);
                (change(&name), name)
            });
            if Timestamp::now() >= over {
                return false;
            }
            let mut told: Vec<_> =
                (0..2).map(|_| socket.heard()).map(|told| (state(&told).to_owned(), short(&told).1)).collect();
            assert!(Timestamp::now() >= over, "not before its time");
            told.sort_by(|one, two| one.1.cmp(&two.1));
            assert_eq!(told, last, "one more of each, and the newest");
            let next = change(&names[0]);
            assert_eq!(state(&socket.heard()), next, "nothing else was told of it");
            true
        });
        assert!(shown, "nothing was changed in time");
    }
}

/// ESS-21: as an entity-tag or without its quotes, of any representation, or as it stood in a message.
#[test]
fn a_state_that_is_not_that_of_now_is_answered_by_one_update() {
    let at = document("ess-state");
    let mut other = listen(&BOB, &at);
    let ld = [("accept", "application/ld+json")];
    for spelling in 0..4 {
        change(&at);
        let told = other.heard()["object"]["state"].as_str().unwrap().to_owned();
        let known = match spelling {
            0 => told,
            1 => tag(&BOB.get(&at)),
            2 => tag(&BOB.get(&at)).trim_matches('"').to_owned(),
            _ => tag(&BOB.ask("GET", &at, &ld, "")),
        };
        let mut knows = open(&WORLD, &with(&BOB, &at, &json!({ "state": known })));
        let now = change(&at);
        assert_eq!(state(&knows.heard()), now, "{known}: it was known, so the first is the change");
        other.heard();
        for known in [&*known, "something"] {
            let now = version(&tag(&BOB.get(&at))).to_owned();
            let mut socket = open(&WORLD, &with(&BOB, &at, &json!({ "state": known })));
            let told = socket.heard();
            assert_eq!((short(&told), state(&told)), (("Update".to_owned(), at.clone()), &*now), "{known}");
            let next = change(&at);
            assert_eq!(state(&socket.heard()), next, "one, and then what happens");
            other.heard();
        }
    }
}

//! When a channel tells: from `startAt`, until `endAt`, no oftener than `rate`. The cases T-F04, T-F06, T-F15, T-F16.

use super::{
    connect::{Socket, opening, receive_from},
    features::written,
    services::{asking, open},
    world::{ALICE, BOB, WORLD, container, public, until},
};
use podbell_model::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;

/// Changes a document; its state then.
fn change(path: &str) -> Value {
    ALICE.put(path, &format!("<> a <#{}>.", Timestamp::now().as_nanosecond())).header("etag").unwrap().into()
}

fn version(tag: &Value) -> String {
    tag.as_str().unwrap().trim_matches('"').split('-').next().unwrap().to_owned()
}

/// Until that instant has passed.
fn past(at: Timestamp) {
    until("the instant has passed", || Timestamp::now() > at);
}

/// R-FEAT-2.
#[test]
fn t_f04_nothing_is_told_after_the_end_and_the_socket_is_closed() {
    let (path, _) = open("timely");
    let end = Timestamp::now() + Duration::from_secs(4);
    let channel = asking(&BOB, &path, &json!({ "endAt": written(end) }));
    let mut socket = Socket::of(&channel);
    past(end);
    change(&path);
    assert_eq!(socket.closed(), Some(1000));
    WORLD.raw(opening(&receive_from(&channel), &[])).is_problem(410);
}

/// R-FEAT-1.
#[test]
fn t_f06_what_was_changed_before_the_start_is_not_told() {
    let (path, _) = open("begun");
    // A machine that is too slow to change anything before the start is given longer.
    for seconds in [2, 8, 25] {
        let start = Timestamp::now() + Duration::from_secs(seconds);
        let channel = asking(&BOB, &path, &json!({ "startAt": written(start) }));
        let mut socket = Socket::of(&channel);
        change(&path);
        if Timestamp::now() >= start {
            continue;
        }
        past(start);
        let tag = change(&path);
        let told = socket.heard();
        assert_eq!(version(&told["state"]), version(&tag), "only the second: {told}");
        return;
    }
    panic!("nothing was changed in time");
}

/// R-FEAT-1: with a state, how things stand is told at the start and not before; a start in the past is now.
#[test]
fn a_state_is_compared_at_the_start() {
    let (path, _) = open("compared");
    let start = Timestamp::now() + Duration::from_secs(2);
    let mut socket = Socket::of(&asking(&BOB, &path, &json!({ "startAt": written(start), "state": "abc" })));
    let told = socket.heard();
    assert!(Timestamp::now() >= start, "{told}");
    assert_eq!(told["type"], "Update");
    let before = Timestamp::now();
    let past = asking(&BOB, &path, &json!({ "startAt": "1999-01-01T00:00:00Z" })).json()["startAt"].clone();
    let past: Timestamp = past.as_str().unwrap().parse().unwrap();
    assert!(past.as_millisecond() >= before.as_millisecond() && past <= Timestamp::now(), "the actual start: {past}");
}

/// R-FEAT-5.
#[test]
fn t_f15_changes_inside_the_rate_are_told_as_one_with_the_last_state() {
    let (path, _) = open("paced");
    // A machine that is too slow to change anything inside the rate is given longer.
    for seconds in [2, 8, 25] {
        let mut socket = Socket::of(&asking(&BOB, &path, &json!({ "rate": format!("PT{seconds}S") })));
        let (begun, first) = (Timestamp::now(), change(&path));
        let told = socket.heard();
        assert_eq!(version(&told["state"]), version(&first), "the first comes at once");
        change(&path);
        let last = change(&path);
        if Timestamp::now() >= begun + Duration::from_secs(seconds) {
            continue;
        }
        let second = socket.heard();
        assert_eq!(version(&second["state"]), version(&last), "one more, of the last state: {second}");
        assert!(Timestamp::now() >= begun + Duration::from_secs(seconds), "not before its time");
        // And no more of those: what comes next is of the next change.
        let next = change(&path);
        assert_eq!(version(&socket.heard()["state"]), version(&next));
        return;
    }
    panic!("nothing was changed in time");
}

/// R-FEAT-5.
#[test]
fn t_f16_what_joins_a_container_inside_the_rate_is_told_of_each() {
    let at = container("paced-members", &public("acl:Read"));
    let mut socket = Socket::of(&asking(&BOB, &at, &json!({ "rate": "PT3S" })));
    for name in ["a", "b"] {
        ALICE.put(&format!("{at}{name}"), "");
    }
    let mut heard: Vec<_> =
        (0..2).map(|_| socket.heard()).map(|told| (told["type"].clone(), told["object"].clone())).collect();
    heard.sort_by_key(|(_, object)| object.to_string());
    let added = |name: &str| (json!("Add"), json!(WORLD.url(&format!("{at}{name}"))));
    assert_eq!(heard, [added("a"), added("b")]);
}

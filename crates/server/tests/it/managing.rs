//! What the agent that made a channel that pushes does with it: attempts, dead letters, redelivery, pings, secrets.

use super::{
    pushing::pushed,
    streams::{document, subscribe},
    world::{ALICE, ANYBODY, BOB, Reply, WORLD, for_bob, split, until},
};
use podbell_model::Timestamp;
use serde_json::json;
use std::net::TcpListener;

const JSON: (&str, &str) = ("content-type", "application/json");

fn hook(name: &str, more: &serde_json::Value) -> (String, Reply) {
    let at = document(name, &for_bob("acl:Read"));
    let told = pushed(&BOB, "WebhookChannel2023", &at, more);
    (split(told.json()["id"].as_str().unwrap()).1, told)
}

#[test]
fn what_was_tried_and_what_was_given_up_is_listed() {
    let (id, _) = hook("listed-hook", &json!({}));
    for (below, list) in [("attempts", "attempt"), ("dead-letters", "deadLetter")] {
        let path = format!("{id}/{below}");
        let told = BOB.get(&path);
        assert_eq!((told.status, told.header("content-type")), (200, Some("application/ld+json")));
        assert_eq!((told.header("cache-control"), &told.json()["id"]), (Some("no-store"), &WORLD.url(&path).into()));
        assert_eq!(told.json()[list], json!([]));
        assert_eq!(BOB.ask("OPTIONS", &path, &[], "").header("allow"), Some("GET, HEAD, OPTIONS"));
        assert_eq!(BOB.ask("HEAD", &path, &[], "").body.len(), 0);
        BOB.ask("GET", &path, &[("accept", "image/png")], "").is_problem(406);
        BOB.ask("POST", &path, &[JSON], "{}").is_problem(405);
    }
    BOB.get(&format!("{id}/dead-letters?after=x")).is_problem(400);
    assert_eq!(BOB.get(&format!("{id}/dead-letters?after=7")).status, 200);
}

/// To everybody else it looks as the channel does; what the owner of the storage may see stands in `owner_hooks`.
#[test]
fn a_channel_is_managed_by_whoever_made_it_alone() {
    let (id, _) = hook("managed-hook", &json!({}));
    let at = document("managed-by-her", &for_bob("acl:Read"));
    let hers = pushed(&ALICE, "WebhookChannel2023", &at, &json!({}));
    let hers = split(hers.json()["id"].as_str().unwrap()).1;
    let at = document("managed-stream", &for_bob("acl:Read"));
    let stream = subscribe(&BOB, "EventSourceChannel2023", &at, json!({})).json();
    let stream = split(stream["id"].as_str().unwrap()).1;
    let none = "/.notifications/channels/00000000-0000-4000-8000-000000000000";
    for (method, below) in
        [("GET", "attempts"), ("GET", "dead-letters"), ("POST", "redeliver"), ("POST", "ping"), ("POST", "secret")]
    {
        let told = |agent: &super::world::Agent, of: &str| {
            let told = agent.ask(method, &format!("{of}/{below}"), &[JSON], r#"{"deadLetters":"all"}"#);
            (told.is_problem(told.status).status, told.text())
        };
        assert_eq!(told(&BOB, &hers), told(&BOB, none), "{below}");
        assert_eq!(told(&ANYBODY, &id), told(&ANYBODY, none), "{below}");
        assert_eq!((told(&BOB, &hers).0, told(&ANYBODY, &id).0), (403, 401), "{below}");
        assert_eq!(told(&BOB, &stream).0, 404, "{below}: it is connected to");
        let other = if method == "GET" { "DELETE" } else { "GET" };
        BOB.ask(other, &format!("{id}/{below}"), &[], "").is_problem(405);
    }
}

#[test]
fn a_ping_is_taken_and_named() {
    let (id, _) = hook("pinged-hook", &json!({}));
    let told = BOB.ask("POST", &format!("{id}/ping"), &[], "");
    assert_eq!(told.status, 202, "{told:?}");
    assert!(told.json()["message"].as_str().unwrap().starts_with("urn:uuid:"), "{told:?}");
    let refused = (0..60).map(|_| BOB.ask("POST", &format!("{id}/ping"), &[], "")).find(|told| told.status != 202);
    assert!(refused.expect("there is a limit").is_problem(429).header("retry-after").is_some());
}

#[test]
fn redelivery_is_asked_for_in_json() {
    let (id, _) = hook("redelivered-hook", &json!({}));
    let path = format!("{id}/redeliver");
    for body in [r#"{"deadLetters":"all"}"#, r#"{"deadLetters":[1,2]}"#] {
        let told = BOB.ask("POST", &path, &[JSON], body);
        assert_eq!((told.status, &told.json()["redelivered"]), (202, &0.into()), "{told:?}");
    }
    for body in ["", "[]", "{}", r#"{"deadLetters":"none"}"#, r#"{"deadLetters":["1"]}"#, "x"] {
        BOB.ask("POST", &path, &[JSON], body).is_problem(422);
    }
    BOB.ask("POST", &path, &[("content-type", "text/plain")], "all").is_problem(415);
}

#[test]
fn another_secret_is_shown_once_and_the_one_before_goes_on_for_a_day() {
    let (id, made) = hook("rotated-hook", &json!({ "secret": true }));
    let first = made.json()["urn:podbell:terms#secret"].as_str().unwrap().to_owned();
    let before = Timestamp::now();
    let told = BOB.ask("POST", &format!("{id}/secret"), &[], "");
    assert_eq!((told.status, told.header("cache-control")), (200, Some("no-store")), "{told:?}");
    let second = told.json()["secret"].as_str().unwrap().to_owned();
    assert!(second.starts_with("whsec_") && second != first);
    let until: Timestamp = told.json()["previousUntil"].as_str().unwrap().parse().unwrap();
    let day = std::time::Duration::from_hours(24);
    assert!(until >= before + day - std::time::Duration::from_secs(1) && until <= Timestamp::now() + day);
    assert!(!told.text().contains(&first) && !BOB.get(&id).text().contains("whsec_"));
    let given = json!({ "secret": first }).to_string();
    assert_eq!(BOB.ask("POST", &format!("{id}/secret"), &[JSON], &given).json()["secret"], first);
    for refused in [r#"{"secret":"hunter2"}"#, r#"{"secret":true}"#, "x"] {
        BOB.ask("POST", &format!("{id}/secret"), &[JSON], refused).is_problem(422);
    }
    // A channel without one gets one.
    let (id, _) = hook("secretless-hook", &json!({}));
    let told = BOB.ask("POST", &format!("{id}/secret"), &[], "").json();
    assert!(told["secret"].is_string() && told.get("previousUntil").is_none(), "{told}");
    let log = WORLD.log();
    assert!(!log.contains(&first) && !log.contains(&second));
}

/// Where on it may be a secret, as a capability is; and a flood would hide everything else.
#[test]
fn the_log_tells_once_of_a_host_that_does_not_work_and_never_where_on_it() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let (id, _) = hook("down-hook", &json!({ "sendTo": format!("{host}/s3cret-place") }));
    for _ in 0..7 {
        assert_eq!(BOB.ask("POST", &format!("{id}/ping"), &[], "").status, 202);
    }
    let told = format!("{host} does not work");
    until("the log tells of it", || WORLD.log().contains(&told));
    let log = WORLD.log();
    assert_eq!((log.matches(&told).count(), log.matches(&format!("to {host}: unreachable")).count()), (1, 5));
    assert!(!log.contains("s3cret-place"));
}

#[test]
fn what_is_done_there_is_said_where_the_method_is_another() {
    let (id, _) = hook("methods-hook", &json!({}));
    let detail = |method: &str, below: &str| {
        let told = BOB.ask(method, &format!("{id}/{below}"), &[JSON], "{}");
        told.is_problem(405).json()["detail"].as_str().unwrap().to_owned()
    };
    assert_eq!(detail("GET", "ping"), "what is taken here: POST, OPTIONS");
    assert_eq!(detail("POST", "attempts"), "what is taken here: GET, HEAD, OPTIONS");
}

//! `/.notifications/gateway/` and what it leads to: negotiation, subscription, sockets of one use.

use super::{
    connect::{Socket, opening},
    world::{ALICE, ANYBODY, Agent, BOB, Reply, WORLD, container, for_bob, public, split},
};
use serde_json::json;

const GATEWAY: &str = "/.notifications/gateway/";
const ENDPOINT: &str = "/.notifications/ess/";
const JSON: (&str, &str) = ("content-type", "application/json");

fn subscribe(agent: &Agent, topic: &str) -> Reply {
    let body = json!({ "topic": topic });
    agent.ask("POST", ENDPOINT, &[JSON], body.to_string())
}

/// Path and query of the socket that was answered.
fn socket_of(told: &Reply) -> String {
    assert_eq!(told.status, 200, "{}", told.text());
    split(told.json()["endpoint"].as_str().unwrap()).1
}

#[test]
fn negotiation_needs_no_log_in_and_minds_no_wrong_one() {
    for path in [GATEWAY, "/.notifications/gateway"] {
        for authorization in [None, Some("DPoP junk"), Some("Bearer null")] {
            let mut headers = vec![JSON];
            headers.extend(authorization.map(|value| ("authorization", value)));
            let told = ANYBODY.ask("POST", path, &headers, r#"{"protocols":["ws"],"features":[],"more":1}"#);
            assert_eq!(told.status, 200, "{path} {authorization:?}");
            let told = told.json();
            assert_eq!(
                (told["protocol"].as_str(), told["endpoint"].as_str()),
                (Some("ws"), Some(&*WORLD.url(ENDPOINT)))
            );
            assert!(told["features"].is_array());
        }
    }
    let told = ANYBODY.ask("POST", GATEWAY, &[JSON], r#"{"protocols":["ws"]}"#);
    assert_eq!(told.status, 200);
}

#[test]
fn what_cannot_be_negotiated_is_a_problem() {
    for body in [
        "",
        "{",
        "[]",
        "null",
        "7",
        r#"{"protocols":["smtp"]}"#,
        "{}",
        r#"{"protocols":[]}"#,
        r#"{"protocols":"ws"}"#,
        r#"{"protocols":[1]}"#,
        r#"{"protocols":{"ws":1}}"#,
        r#"{"protocols":null}"#,
        "{\"protocols\":[\"\\ud800\"]}",
    ] {
        ANYBODY.ask("POST", GATEWAY, &[JSON], body).is_problem(400);
    }
    ANYBODY.ask("POST", GATEWAY, &[JSON], "[".repeat(60_000)).is_problem(400);
    ANYBODY.ask("POST", GATEWAY, &[JSON], " ".repeat(100_000)).is_problem(413);
    for method in ["GET", "PUT", "DELETE", "INVALID"] {
        let told = ANYBODY.ask(method, GATEWAY, &[], "").is_problem(405).json();
        assert_eq!((&told["title"], &told["type"]), (&json!("Method Not Allowed"), &json!("about:blank")));
    }
    let told = ANYBODY.ask("POST", GATEWAY, &[("content-type", "text/plain")], r#"{"protocols":["ws"]}"#);
    assert!((400..500).contains(&told.status));
}

#[test]
fn a_reader_subscribes_and_nobody_else() {
    let at = container("ess", &for_bob("acl:Read"));
    let closed = container("ess-closed", &for_bob("acl:Write, acl:Append, acl:Control"));
    let told = subscribe(&BOB, &WORLD.url(&at)).json();
    assert!(told["endpoint"].as_str().unwrap().starts_with("ws://"), "{told}");
    assert_eq!((told["protocol"].as_str(), told["subprotocol"].as_str()), (Some("ws"), Some("solid-0.2")));
    subscribe(&ANYBODY, &WORLD.url(&at)).is_problem(401);
    subscribe(&BOB, &WORLD.url(&closed)).is_problem(403);
    let absent = subscribe(&BOB, &WORLD.url(&format!("{closed}absent"))).text();
    ALICE.put(&format!("{closed}there"), "");
    let there = subscribe(&BOB, &WORLD.url(&format!("{closed}there"))).text();
    assert_eq!(absent.replace("/absent", "/there"), there, "alike but for the name that was asked for");
}

#[test]
fn topics_that_are_none_are_problems() {
    for body in [
        json!({}),
        json!({ "topic": "BAD" }),
        json!({ "topic": 7 }),
        json!({ "topic": null }),
        json!({ "topic": "ftp://localhost/" }),
        json!({ "topic": "https://elsewhere.example/" }),
        json!({ "topic": ["a"] }),
        json!([]),
    ] {
        let told = ALICE.ask("POST", ENDPOINT, &[JSON], body.to_string());
        assert!(matches!(told.status, 400 | 422), "{body} {told:?}");
        told.is_problem(told.status);
    }
    let at = container("ess-features", &public("acl:Read"));
    for (name, value) in
        [("ttl", json!("PT1H")), ("unknown", json!([1])), ("rate", json!("PT1S")), ("filter", json!("x"))]
    {
        let mut body = json!({ "topic": WORLD.url(&at) });
        body[name] = value;
        let told = ALICE.ask("POST", ENDPOINT, &[JSON], body.to_string());
        assert!(told.status == 200 || told.status == 400, "{body} {told:?}");
    }
}

#[test]
fn a_socket_is_opened_once_with_its_own_token() {
    let at = container("ess-socket", &public("acl:Read"));
    let path = socket_of(&subscribe(&ANYBODY, &WORLD.url(&at)));
    for other in [
        ENDPOINT.to_owned(),
        format!("{ENDPOINT}?auth="),
        format!("{ENDPOINT}?auth=x"),
        path[..path.len() - 1].to_owned(),
        format!("{path}x"),
        format!("/.notifications/ess/?x=1&AUTH={}", &path[path.len() - 32..]),
    ] {
        let told = WORLD.raw(opening(&other, &[("sec-websocket-protocol", "solid-0.2"), ("connection", "close")]));
        assert!((400..500).contains(&told.status), "{other}: {told:?}");
    }
    let refused = WORLD.raw(opening(&path, &[("sec-websocket-protocol", "other")]));
    assert!((400..500).contains(&refused.status), "{refused:?}");
    let (mut socket, told) = Socket::open(&path, &[("sec-websocket-protocol", "solid-0.2")]);
    assert_eq!(told.header("sec-websocket-protocol"), Some("solid-0.2"));
    let again = WORLD.raw(opening(&path, &[("sec-websocket-protocol", "solid-0.2")]));
    assert!((400..500).contains(&again.status), "used: {again:?}");
    ALICE.put(&format!("{at}x"), "");
    assert_eq!(socket.heard()["object"]["id"], WORLD.url(&at));
}

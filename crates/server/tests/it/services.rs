//! `/.notifications/WebSocketChannel2023/`: what is a subscription, and what is none.

use super::world::{ALICE, ANYBODY, Agent, BOB, LD, Reply, TURTLE, WORLD, container, for_bob, public};
use serde_json::{Value, json};

pub(super) const SERVICE: &str = "/.notifications/WebSocketChannel2023/";
const TYPE: &str = "http://www.w3.org/ns/solid/notifications#WebSocketChannel2023";
const N1: &str = "https://www.w3.org/ns/solid/notification/v1";
const N2: &str = "https://www.w3.org/ns/solid/notifications-context/v1";

/// Asks for a channel on a path.
pub(super) fn subscribe(agent: &Agent, path: &str) -> Reply {
    post(agent, &minimal(&WORLD.url(path)))
}

fn minimal(topic: &str) -> Value {
    json!({ "@context": [N1], "type": TYPE, "topic": topic })
}

fn post(agent: &Agent, body: &Value) -> Reply {
    agent.ask("POST", SERVICE, &[LD], body.to_string())
}

/// A resource that everybody may read, and what is asked about it.
fn open(name: &str) -> (String, Value) {
    let path = format!("{}r", container(name, &public("acl:Read")));
    ALICE.put(&path, "");
    let body = minimal(&WORLD.url(&path));
    (path, body)
}

#[test]
fn the_service_describes_itself() {
    let told = ANYBODY.ask("GET", SERVICE, &[("accept", "application/ld+json")], "");
    assert_eq!((told.status, told.header("content-type")), (200, Some("application/ld+json")));
    assert!(told.json()["id"].as_str().unwrap().ends_with(SERVICE));
    let head = ANYBODY.ask("HEAD", SERVICE, &[], "");
    assert_eq!((head.status, head.body.len()), (200, 0));
    let told = ANYBODY.ask("OPTIONS", SERVICE, &[], "");
    assert_eq!(told.status, 204);
    for method in ["GET", "HEAD", "OPTIONS", "POST"] {
        assert!(told.header("allow").unwrap().contains(method));
    }
    assert!(told.header("accept-post").unwrap().contains("application/ld+json"));
    for method in ["PUT", "PATCH", "DELETE"] {
        assert!(ANYBODY.ask(method, SERVICE, &[LD], "{}").is_problem(405).header("allow").is_some());
    }
}

#[test]
fn a_channel_is_answered_as_it_was_asked_for() {
    let (_, minimal) = open("asked");
    for change in [
        json!({}),
        json!({ "type": "WebSocketChannel2023" }),
        json!({ "@context": [N2], "type": "WebSocketChannel2023" }),
        json!({ "@context": N2, "type": "http://www.w3.org/ns/solid/notification#WebSocketChannel2023" }),
        json!({ "type": "notify:WebSocketChannel2023" }),
        json!({ "foo": 1, "features": ["notify:rate"] }),
        json!({ "id": "https://evil.example/channel" }),
    ] {
        let mut body = minimal.clone();
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let told = post(&ANYBODY, &body);
        assert_eq!(
            (told.status, told.header("content-type")),
            (200, Some("application/ld+json")),
            "{change} {}",
            told.text()
        );
        let channel = told.json();
        assert!(channel["id"].as_str().unwrap().starts_with(&WORLD.url("/.notifications/channels/")), "{channel}");
        assert!(channel["receiveFrom"].as_str().unwrap().starts_with("ws://"), "{channel}");
        assert_eq!(channel["type"], body["type"]);
        assert_eq!(channel["topic"], body["topic"]);
        assert!(channel.get("foo").is_none());
        assert_eq!(told.header("cache-control"), Some("no-store"));
    }
}

#[test]
fn what_is_no_subscription_is_422() {
    let (path, minimal) = open("senseless");
    for change in [
        json!({ "@context": "https://example.org/unknown-context" }),
        json!({ "@context": null }),
        json!({ "topic": null }),
        json!({ "topic": [] }),
        json!({ "topic": 7 }),
        json!({ "topic": "abc def" }),
        json!({ "topic": { "a": "b" } }),
        json!({ "topic": "https://elsewhere.example/x" }),
        json!({ "topic": "ftp://localhost/x" }),
        json!({ "topic": "file:///etc/passwd" }),
        json!({ "topic": "javascript:alert(1)" }),
        json!({ "topic": format!("{}/../x", WORLD.url(&path)) }),
        json!({ "type": null }),
        json!({ "type": "http://www.w3.org/ns/solid/notifications#WebhookChannel2023" }),
        json!({ "type": "http://example.org/Foo" }),
        json!({ "type": "WebSocketSubscription2021" }),
        json!({ "type": [TYPE, "http://www.w3.org/ns/solid/notifications#WebhookChannel2023"] }),
        json!({ "receiveFrom": "wss://evil.example/" }),
        json!({ "startAt": "yesterday" }),
        json!({ "startAt": "2999-01-01T00:00:00Z", "endAt": "2998-01-01T00:00:00Z" }),
        json!({ "rate": 5 }),
        json!({ "rate": "PT99999999999999999999S" }),
        json!({ "@context": [N1, { "topic": "http://evil.example/topic" }] }),
    ] {
        let mut body = minimal.clone();
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        body.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        let told = post(&ALICE, &body);
        assert!(matches!(told.status, 400 | 422), "{change}: {} {}", told.status, told.text());
        told.is_problem(told.status);
        assert!(!told.text().contains("connect/"), "{}", told.text());
    }
    let two = json!([minimal, minimal]);
    post(&ALICE, &two).is_problem(422);
}

#[test]
fn unreadable_bodies_and_types_have_their_own_status() {
    let (_, body) = open("unreadable");
    let text = body.to_string();
    let ask = |kind: Option<&str>, body: &str| {
        let headers: Vec<_> = kind.map(|kind| ("content-type", kind)).into_iter().collect();
        ALICE.ask("POST", SERVICE, &headers, body)
    };
    for broken in ["", "{", "[[[[", &text[..text.len() - 1], "null", "1", "\"x\"", "\u{feff}{", &"[".repeat(60_000)] {
        let told = ask(Some("application/ld+json"), broken);
        assert!(matches!(told.status, 400 | 422), "{broken:.20}: {told:?}");
        told.is_problem(told.status);
    }
    ask(Some("application/ld+json"), "{").is_problem(400);
    ask(Some("text/turtle"), "<#it> broken").is_problem(400);
    for kind in ["text/plain", "application/ld+json; profile=\"https://example.org/unknown\"", "text/html", "nonsense"]
    {
        let told = ask(Some(kind), &text);
        assert!(told.is_problem(415).header("accept-post").unwrap().contains("application/ld+json"), "{kind}");
    }
    assert!(matches!(ask(None, &text).status, 400 | 415));
    for kind in ["application/json", "application/ld+json; charset=utf-8"] {
        assert_eq!(ask(Some(kind), &text).status, 200, "{kind}");
    }
    assert_eq!(ask(Some(&format!("application/ld+json; profile=\"{N1}\"")), &text).status, 200);
    ALICE.ask("POST", SERVICE, &[LD, ("accept", "image/png")], &text).is_problem(406);
    ask(Some("application/ld+json"), &format!("{}{text}", " ".repeat(1_100_000))).is_problem(413);
    let many = json!({ "@context": vec![json!({ "a": "http://b/" }); 200], "type": TYPE, "topic": body["topic"] });
    let told = post(&ALICE, &many);
    assert!(matches!(told.status, 400 | 413 | 422), "{told:?}");
}

#[test]
fn turtle_in_turtle_out() {
    let (path, _) = open("turtle");
    let body = format!("[] a <{TYPE}>; <http://www.w3.org/ns/solid/notifications#topic> <{}> .", WORLD.url(&path));
    for body in [body.clone(), body.replacen("[]", "<>", 1)] {
        let told = ANYBODY.ask("POST", SERVICE, &[TURTLE, ("accept", "text/turtle")], &body);
        assert_eq!((told.status, told.header("content-type")), (200, Some("text/turtle")), "{}", told.text());
        assert!(told.text().contains("/.notifications/connect/"));
    }
}

#[test]
fn only_readers_subscribe_and_others_learn_nothing() {
    let at = container("private-topic", &for_bob("acl:Read"));
    let closed = container("closed-topic", &for_bob("acl:Write, acl:Append"));
    ALICE.put(&format!("{at}p"), "");
    ALICE.put(&format!("{closed}p"), "");
    subscribe(&ANYBODY, &format!("{at}p")).is_problem(401);
    assert_eq!(subscribe(&BOB, &format!("{at}p")).status, 200);
    let words = |told: Reply, name: &str| (told.status, told.text().replace(name, "*"));
    for agent in [&*ANYBODY, &*BOB] {
        let there = words(subscribe(agent, &format!("{closed}p")), "closed-topic/p");
        let absent = words(subscribe(agent, &format!("{closed}q")), "closed-topic/q");
        let expected = if agent.token.is_some() { 403 } else { 401 };
        assert_eq!(there.0, expected);
        assert_eq!(there, absent);
        assert_eq!(subscribe(agent, "/nobody/x").status, expected, "a topic outside every pod");
        assert_eq!(subscribe(agent, "/").status, expected);
    }
    // Read is not enough for the rules.
    assert_eq!(subscribe(&BOB, &format!("{at}p.acl")).status, 403);
    assert_eq!(subscribe(&ALICE, &format!("{at}p.acl")).status, 200);
    // One topic that may not be read spoils the channel.
    let both = json!({ "@context": [N1], "type": TYPE,
        "topic": [WORLD.url(&format!("{at}p")), WORLD.url(&format!("{closed}p"))] });
    post(&BOB, &both).is_problem(403);
    // What is not there yet may be waited for by whoever could read it.
    let (open, _) = open("not-yet");
    assert_eq!(subscribe(&ANYBODY, &format!("{open}-absent")).status, 200);
}

#[test]
fn clients_that_hard_code_paths_find_the_service() {
    let (path, body) = open("hard-coded");
    for service in [
        "/.notifications/WebSocketChannel2023",
        "/alice/.notifications/WebSocketChannel2023/",
        "/alice/.notifications/WebSocketChannel2023",
    ] {
        let told = ANYBODY.ask("POST", service, &[LD], body.to_string());
        assert_eq!(told.status, 200, "{service}");
        assert!(told.json()["receiveFrom"].is_string());
    }
    let fragment = json!({ "@context": [N1], "type": TYPE, "topic": format!("{}#me", WORLD.url(&path)) });
    assert_eq!(post(&ANYBODY, &fragment).json()["topic"], WORLD.url(&path));
}

#[test]
fn too_many_topics_are_refused() {
    let (path, _) = open("many-topics");
    let topics: Vec<_> = (0..200).map(|n| WORLD.url(&format!("{path}-{n}"))).collect();
    let told = post(&ANYBODY, &json!({ "@context": [N1], "type": TYPE, "topic": topics }));
    told.is_problem(422);
}

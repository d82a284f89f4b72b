//! `/.notifications/WebSocketChannel2023/` and its like: what they say of themselves, and how they answer. The cases
//! T-S01 to T-S05.

use super::world::{ALICE, ANYBODY, Agent, BOB, LD, Reply, WORLD, container, public};
use serde_json::{Value, json};

pub(super) use super::streams::{Stream, subscribe as subscribe_to};

pub(super) const SERVICE: &str = "/.notifications/WebSocketChannel2023/";
pub(super) const TYPE: &str = "http://www.w3.org/ns/solid/notifications#WebSocketChannel2023";
pub(super) const N1: &str = "https://www.w3.org/ns/solid/notification/v1";
pub(super) const N2: &str = "https://www.w3.org/ns/solid/notifications-context/v1";
const SERVICES: [&str; 6] = [
    SERVICE,
    "/.notifications/EventSourceChannel2023/",
    "/.notifications/StreamingHTTPChannel2023/",
    "/.notifications/WebhookChannel2023/",
    "/.notifications/LDNChannel2023/",
    "/.notifications/WebPushChannel2023/",
];
/// Those that need nothing but a topic.
const PULL: usize = 3;

/// Asks for a channel on a path.
pub(super) fn subscribe(agent: &Agent, path: &str) -> Reply {
    post(agent, &minimal(&WORLD.url(path)))
}

/// Asks for a channel on a path, with other members of the body; what is null is left out.
pub(super) fn asking(agent: &Agent, path: &str, more: &Value) -> Reply {
    post(agent, &changed(&minimal(&WORLD.url(path)), more))
}

/// The least that makes a channel.
pub(super) fn minimal(topic: &str) -> Value {
    json!({ "@context": [N1], "type": TYPE, "topic": topic })
}

/// A body with other members; what is null is left out.
pub(super) fn changed(body: &Value, more: &Value) -> Value {
    let mut body = body.as_object().unwrap().clone();
    body.extend(more.as_object().unwrap().clone());
    body.retain(|_, value| !value.is_null());
    body.into()
}

pub(super) fn post(agent: &Agent, body: &Value) -> Reply {
    agent.ask("POST", SERVICE, &[LD], body.to_string())
}

/// A resource that everybody may read, and what is asked about it.
pub(super) fn open(name: &str) -> (String, Value) {
    let path = format!("{}r", container(name, &public("acl:Read")));
    ALICE.put(&path, "");
    let body = minimal(&WORLD.url(&path));
    (path, body)
}

/// CA-5, CA-12.
#[test]
fn t_s01_t_s02_a_service_describes_itself() {
    for service in SERVICES {
        let ld = [("accept", "application/ld+json")];
        let told = ANYBODY.ask("GET", service, &ld, "");
        assert_eq!((told.status, told.header("content-type")), (200, Some("application/ld+json")));
        let json = told.json();
        assert_eq!(json["id"], WORLD.url(service));
        assert!(told.all("vary").contains(&"Accept"), "{told:?}");
        assert_eq!(json["channelType"], service.trim_end_matches('/').rsplit('/').next().unwrap());
        for feature in ["startAt", "endAt", "state", "rate", "accept"] {
            assert!(json["feature"].as_array().unwrap().contains(&feature.into()), "{json}");
        }
        let head = ANYBODY.ask("HEAD", service, &ld, "");
        assert_eq!((head.status, head.body.len()), (200, 0));
        let lines = |told: &Reply| {
            let mut lines: Vec<_> = told.headers.iter().filter(|(name, _)| name != "date").cloned().collect();
            lines.sort();
            lines
        };
        assert_eq!(lines(&head), lines(&told));
        let turtle = ANYBODY.ask("GET", service, &[("accept", "text/turtle")], "");
        assert_eq!(turtle.header("content-type"), Some("text/turtle"));
        assert!(turtle.text().contains("notify:channelType notify:"), "{}", turtle.text());
    }
}

#[test]
fn t_s03_t_s04_a_service_says_how_it_is_spoken_to() {
    for service in SERVICES {
        let told = ANYBODY.ask("OPTIONS", service, &[], "");
        assert_eq!(told.status, 204);
        for method in ["GET", "HEAD", "OPTIONS", "POST"] {
            assert!(told.header("allow").unwrap().contains(method));
        }
        assert!(told.header("accept-post").unwrap().contains("application/ld+json"));
        for method in ["PUT", "PATCH", "DELETE"] {
            let told = ANYBODY.ask(method, service, &[LD], "{}");
            assert!(told.is_problem(405).header("allow").unwrap().contains("POST"), "{method}");
        }
    }
}

/// R-REQ-8, R-REQ-9, CA-6, CA-18.
#[test]
fn t_s05_a_minimal_body_makes_a_channel() {
    let (_, body) = open("minimal");
    for service in &SERVICES[..PULL] {
        let name = service.trim_end_matches('/').rsplit('/').next().unwrap();
        let body = changed(&body, &json!({ "type": TYPE.replace("WebSocketChannel2023", name) }));
        for accept in [&[][..], &[("accept", "application/ld+json")], &[("accept", "*/*")]] {
            let headers: Vec<_> = [LD].iter().chain(accept).copied().collect();
            let told = BOB.ask("POST", service, &headers, body.to_string());
            assert_eq!((told.status, told.header("content-type")), (200, Some("application/ld+json")), "{told:?}");
            assert_eq!(told.header("cache-control"), Some("no-store"));
            let channel = told.json();
            assert_eq!(channel["@context"], json!([N1]));
            assert_eq!((&channel["type"], &channel["topic"]), (&body["type"], &body["topic"]));
            let id = channel["id"].as_str().unwrap();
            assert!(id.starts_with(&WORLD.url("/.notifications/channels/")), "{id}");
            assert_eq!(told.header("content-location"), Some(id));
            assert_eq!(BOB.get(id).status, 200);
            let scheme = if *service == SERVICE { "ws://" } else { "http://" };
            assert!(channel["receiveFrom"].as_str().unwrap().starts_with(scheme), "{channel}");
            let keys: Vec<_> = channel.as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(keys, ["@context", "endAt", "id", "receiveFrom", "topic", "type"]);
        }
    }
}

/// R-REQ-10.
#[test]
fn every_request_makes_a_channel_of_its_own() {
    let (path, _) = open("twice-the-same");
    let (one, other) = (subscribe(&BOB, &path).json(), subscribe(&BOB, &path).json());
    assert_ne!(one["id"], other["id"]);
    assert_ne!(one["receiveFrom"], other["receiveFrom"]);
}

/// R-DISC-5.
#[test]
fn a_service_takes_topics_of_every_storage_of_the_server() {
    let (path, _) = open("hers");
    BOB.put("/bob/his", "");
    let topics = json!({ "topic": [WORLD.url(&path), WORLD.url("/bob/his")] });
    let told = asking(&BOB, &path, &topics);
    assert_eq!((told.status, &told.json()["topic"]), (200, &topics["topic"]), "{told:?}");
}

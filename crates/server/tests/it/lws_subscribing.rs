//! Subscribing: §4 of the reference, T-LWS-05 to T-LWS-15 and T-LWS-37.

use super::{
    lws::{CONTEXT, ENDPOINT, EVENTS, INBOX, TYPE, WEBHOOK, WEBSOCKET, ask, listed, made, managed, post},
    services::changed,
    world::{ALICE, ANYBODY, BOB, WORLD, container, for_bob, public},
};
use podbell_model::Timestamp;
use serde_json::{Value, json};

/// A container that bob may read, and the least that makes a subscription.
fn topic(name: &str) -> (String, Value) {
    let at = container(name, &for_bob("acl:Read"));
    let body = json!({ "@context": CONTEXT, "type": WEBSOCKET, "topic": [WORLD.url(&at)] });
    (at, body)
}

/// LW05, LW17.
#[test]
fn t_lws_05_each_type_on_offer_can_be_had_and_no_other() {
    let (at, _) = topic("lws-types");
    let description = ANYBODY.get("/alice/.notifications/LWS/storage").json();
    let offered = description["service"][1]["subscriptionType"].as_array().unwrap().clone();
    assert_eq!(offered.len(), 3);
    for kind in offered {
        made(&BOB, kind.as_str().unwrap(), &[&at]);
    }
    for kind in ["StreamingHTTPSubscription", "WebSocketChannel2023", "websocketsubscription", ""] {
        ask(&BOB, kind, &[&at], &json!({})).is_problem(400);
    }
}

/// LW16, LW18, R-LWS-9.
#[test]
fn t_lws_06_the_answer_says_where_it_is_looked_after() {
    let (at, asked) = topic("lws-answer");
    ALICE.put(&format!("{at}a"), "");
    let told = made(&BOB, WEBHOOK, &[&at, &format!("{at}a")]);
    assert_eq!(told.header("content-type"), Some("application/lws+json"));
    assert_eq!(told.header("cache-control"), Some("no-store"));
    let body = told.json();
    assert_eq!((&body["@context"], &body["type"]), (&json!(CONTEXT), &json!(WEBHOOK)));
    assert_eq!(body["subscription"], told.header("location").unwrap());
    assert_eq!(body.get("expires"), None, "it lives as long as it is acknowledged");
    assert!(managed(&told).starts_with(ENDPOINT));
    for kind in [WEBSOCKET, EVENTS] {
        let told = made(&BOB, kind, &[&at]);
        let (body, location) = (told.json(), told.header("location").unwrap());
        let scheme = if kind == WEBSOCKET { "ws://" } else { "http://" };
        assert!(body["subscription"].as_str().unwrap().starts_with(scheme), "{body}");
        assert_ne!(body["subscription"], location);
        assert!(!body["subscription"].as_str().unwrap().contains(location.rsplit('/').next().unwrap()));
        assert!(body["expires"].is_string(), "{body}");
    }
    let without_slash = BOB.ask("POST", "/.notifications/LWS", &[TYPE], asked.to_string());
    assert_eq!(without_slash.status, 200);
}

/// LW16, R-LWS-10.
#[test]
fn t_lws_07_nobody_subscribes_without_a_log_in_to_public_topics_neither() {
    let at = container("lws-public", &public("acl:Read"));
    for kind in [WEBHOOK, WEBSOCKET, EVENTS] {
        ask(&ANYBODY, kind, &[&at], &json!({})).is_problem(401);
    }
    // Not even what is wrong with the request is said.
    ANYBODY.ask("POST", ENDPOINT, &[("content-type", "text/plain")], "x").is_problem(401);
    ANYBODY.get(ENDPOINT).is_problem(401);
    assert_eq!(ask(&BOB, WEBSOCKET, &[&at], &json!({})).status, 200);
}

/// LW22.
#[test]
fn t_lws_09_one_topic_that_may_not_be_read_spoils_it() {
    let (at, _) = topic("lws-spoilt");
    let closed = container("lws-spoiling", "");
    let before = listed(&BOB);
    for topics in [[&*at, &*closed], [&*closed, &*at]] {
        for kind in [WEBHOOK, WEBSOCKET] {
            ask(&BOB, kind, &topics, &json!({})).is_problem(403);
        }
    }
    let after = listed(&BOB);
    let new: Vec<_> = after.iter().filter(|id| !before.contains(id)).collect();
    for id in new {
        let told = BOB.get(id);
        assert!(!told.text().contains("lws-spoilt"), "{told:?}");
    }
}

/// R-LWS-10, R-LWS-17.
#[test]
fn t_lws_10_what_is_missing_is_refused_like_what_is_closed() {
    let closed = container("lws-closed", "");
    ALICE.put(&format!("{closed}there"), "");
    let words = |name: &str| {
        let told = ask(&BOB, WEBSOCKET, &[&format!("{closed}{name}")], &json!({}));
        (told.status, told.text().replace(name, "*"), told.headers.len())
    };
    assert_eq!(words("there"), words("never"));
    assert_eq!(words("there").0, 403);
    // What could be read may be waited for.
    let (at, _) = topic("lws-awaited");
    made(&BOB, WEBSOCKET, &[&format!("{at}absent/below/")]);
}

/// R-LWS-10, R-LWS-11.
#[test]
fn t_lws_11_what_cannot_be_meant_is_a_problem() {
    let (at, body) = topic("lws-bad");
    let foreign = "https://elsewhere.example/x";
    let many: Vec<_> = (0..129).map(|number| WORLD.url(&format!("{at}{number}"))).collect();
    for more in [
        json!({ "type": null }),
        json!({ "topic": null }),
        json!({ "topic": [] }),
        json!({ "topic": ["/alice/"] }),
        json!({ "topic": [foreign] }),
        json!({ "topic": [WORLD.url(&at), foreign] }),
        json!({ "topic": 7 }),
        json!({ "topic": many }),
        json!({ "@context": "https://unknown.example/" }),
        json!({ "type": WEBHOOK }),
        json!({ "type": WEBHOOK, "inbox": "/in" }),
    ] {
        post(&BOB, &changed(&body, &more)).is_problem(400);
    }
    for text in ["", "{", "[]", "7", "\"x\"", &format!("{{\"type\":\"x\",{}", &body.to_string()[1..])] {
        BOB.ask("POST", ENDPOINT, &[TYPE], text).is_problem(400);
    }
    BOB.ask("POST", ENDPOINT, &[TYPE], vec![b' '; 70_000]).is_problem(413);
}

/// R-LWS-11.
#[test]
fn t_lws_12_t_lws_14_a_lone_topic_unknown_members_and_contexts_are_taken() {
    let (at, body) = topic("lws-lenient");
    for more in [
        json!({ "topic": WORLD.url(&at) }),
        json!({ "topic": format!("{}#x", WORLD.url(&at)) }),
        json!({ "foo": { "bar": [1] } }),
        json!({ "@context": [CONTEXT, "https://unknown.invalid/context"] }),
        json!({ "@context": null }),
    ] {
        let told = post(&BOB, &changed(&body, &more));
        assert_eq!(told.status, 200, "{more}: {told:?}");
        let state = BOB.get(&managed(&told)).json();
        assert_eq!(state["topic"], json!([WORLD.url(&at)]), "{more}");
    }
    // A context at a name that nobody has would have been asked for.
    assert!(!WORLD.log().contains("unknown.invalid"));
}

/// R-LWS-4, R-LWS-10.
#[test]
fn t_lws_13_only_the_media_types_of_the_draft_are_read() {
    let (_, body) = topic("lws-media");
    let profiled = "application/ld+json; profile=\"https://www.w3.org/ns/lws/v1\"";
    for (media_type, status) in [
        ("application/lws+json", 200),
        ("application/ld+json", 200),
        ("application/json", 200),
        (profiled, 200),
        ("text/plain", 415),
        ("text/turtle", 415),
        ("application/ld+json; profile=\"https://unknown.example/\"", 415),
    ] {
        let told = BOB.ask("POST", ENDPOINT, &[("content-type", media_type)], body.to_string());
        assert_eq!(told.status, status, "{media_type}: {told:?}");
        if status == 415 {
            let taken = told.is_problem(415).header("accept-post").unwrap();
            assert!(taken.starts_with("application/lws+json"), "{told:?}");
        }
    }
    let answer = |accept: &str| BOB.ask("POST", ENDPOINT, &[TYPE, ("accept", accept)], body.to_string());
    assert_eq!(answer("application/ld+json").header("content-type"), Some("application/ld+json"));
    answer("text/turtle").is_problem(406);
}

/// R-LWS-12.
#[test]
fn t_lws_15_the_end_is_shortened_and_never_in_the_past() {
    let (at, _) = topic("lws-expires");
    let (now, later) = (Timestamp::now(), "2200-01-01T00:00:00Z");
    for kind in [WEBSOCKET, EVENTS] {
        let told = ask(&BOB, kind, &[&at], &json!({ "expires": later })).json();
        let end: Timestamp = told["expires"].as_str().unwrap().parse().unwrap();
        assert!(end.duration_since(now).as_hours() <= 15 * 24, "{told}");
        ask(&BOB, kind, &[&at], &json!({ "expires": "2020-01-01T00:00:00Z" })).is_problem(400);
    }
    ask(&BOB, WEBHOOK, &[&at], &json!({ "expires": "2020-01-01T00:00:00Z" })).is_problem(400);
    ask(&BOB, WEBHOOK, &[&at], &json!({ "expires": "soon" })).is_problem(400);
    let told = ask(&BOB, WEBHOOK, &[&at], &json!({ "expires": later }));
    assert_eq!(told.json()["expires"], "2200-01-01T00:00:00.000Z", "as long as it is acknowledged");
    assert_eq!(BOB.get(&managed(&told)).json()["expires"], told.json()["expires"]);
}

/// R-LWS-20.
#[test]
fn t_lws_37_nothing_is_sent_into_this_network() {
    let (at, _) = topic("lws-inward");
    for inbox in [
        "https://10.0.0.1/in",
        "https://192.168.1.1/in",
        "https://169.254.169.254/latest/meta-data/",
        "https://[fd00:ec2::254]/in",
        "http://93.184.216.34/in",
        "ftp://93.184.216.34/in",
        "https://user:secret@93.184.216.34/in",
        "https://93.184.216.34/in#fragment",
        "mailto:x@example.org",
    ] {
        let told = ask(&BOB, WEBHOOK, &[&at], &json!({ "inbox": inbox }));
        assert!(!told.is_problem(400).text().contains("secret"), "{inbox}");
    }
    assert_eq!(ask(&BOB, WEBHOOK, &[&at], &json!({ "inbox": INBOX })).status, 200);
}

/// R-LWS-24.
#[test]
fn other_methods_are_refused() {
    assert_eq!(BOB.ask("OPTIONS", ENDPOINT, &[], "").header("allow"), Some("GET, HEAD, OPTIONS, POST"));
    for method in ["PUT", "PATCH", "DELETE"] {
        BOB.ask(method, ENDPOINT, &[TYPE], "{}").is_problem(405);
    }
}

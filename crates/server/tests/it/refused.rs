//! Subscription requests that are none. The cases T-S15 to T-S42 that fail; nothing is fetched and nothing is made.

use super::{
    services::{N1, N2, SERVICE, TYPE, changed, minimal, open, post},
    world::{ALICE, LD, Reply, WORLD},
};
use serde_json::{Value, json};
use std::net::TcpListener;

/// Sends bytes of a media type, or of none.
fn send(kind: Option<&str>, body: impl AsRef<[u8]>) -> Reply {
    let headers: Vec<_> = kind.map(|kind| ("content-type", kind)).into_iter().collect();
    ALICE.ask("POST", SERVICE, &headers, body)
}

/// That a request with these members is refused as one that cannot be processed; how.
#[track_caller]
fn refused(minimal: &Value, more: &Value) -> Value {
    let told = post(&ALICE, &changed(minimal, more));
    assert_eq!(told.status, 422, "{more}: {told:?}");
    told.is_problem(422);
    assert!(!told.text().contains("connect/"), "{}", told.text());
    told.json()
}

/// R-REQ-1, R-REQ-2, R-REQ-3.
#[test]
fn t_s15_t_s22_t_s24_bodies_of_other_types_and_profiles_are_415() {
    let (_, minimal) = open("unread");
    let text = minimal.to_string();
    let unknown = "https://example.org/unknown";
    for kind in [
        &format!("application/ld+json; profile=\"{unknown}\""),
        &format!("application/ld+json; profile=\"{N2} {unknown}\""),
        &format!("application/ld+json;profile={unknown}"),
        "text/plain",
        "text/html",
        "nonsense",
        "",
    ] {
        let told = send(Some(kind), &text);
        let accepted = told.is_problem(415).header("accept-post").unwrap();
        assert!(accepted.contains("application/ld+json") && accepted.contains("text/turtle"), "{kind}");
    }
    send(None, &text).is_problem(415);
}

/// R-REQ-2, R-REQ-3.
#[test]
fn t_s40_what_cannot_be_answered_is_406_and_an_unknown_profile_415() {
    let (_, minimal) = open("unanswered");
    let accepting = |accept: &str| ALICE.ask("POST", SERVICE, &[LD, ("accept", accept)], minimal.to_string());
    accepting("image/png").is_problem(406);
    accepting("text/turtle;q=0, application/ld+json;q=0").is_problem(406);
    let unknown = "application/ld+json;profile=\"https://example.org/unknown\"";
    accepting(unknown).is_problem(415);
    assert_eq!(accepting(&format!("{unknown}, text/turtle")).header("content-type"), Some("text/turtle"));
    let told = accepting("application/ld+json;profile=\"http://www.w3.org/ns/json-ld#expanded\"");
    assert_eq!((told.status, told.json()[0]["@type"][0].as_str()), (200, Some(TYPE)));
}

/// R-CTX-1.
#[test]
fn t_s18_a_context_that_is_not_known_is_never_fetched() {
    let (_, minimal) = open("contexts");
    let sinkhole = TcpListener::bind("127.0.0.1:0").unwrap();
    sinkhole.set_nonblocking(true).unwrap();
    let here = format!("http://127.0.0.1:{}/context", sinkhole.local_addr().unwrap().port());
    for context in [&here, "https://example.org/unknown-context"] {
        for spelled in [json!(context), json!([N1, context]), json!([N1, { "@import": context }])] {
            refused(&minimal, &json!({ "@context": spelled }));
        }
        refused(&minimal, &json!({ "topic": { "@context": context, "@id": minimal["topic"] } }));
    }
    let problem = refused(&minimal, &json!({ "@context": here }));
    assert!(problem["type"].as_str().unwrap().ends_with("unknown-context"), "{problem}");
    assert_eq!(sinkhole.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "nobody came");
}

/// R-CTX-3, R-REQ-3.
#[test]
fn t_s19_t_s41_json_ld_that_means_nothing_is_422() {
    let (_, minimal) = open("meaningless");
    let problem = refused(&minimal, &json!({ "@context": null, "type": "WebSocketChannel2023" }));
    assert!(problem["type"].as_str().unwrap().ends_with("missing-context"), "{problem}");
    for context in [json!([N1, { "topic": "http://evil.example/topic" }]), json!([N2, { "notify": "urn:other:" }])] {
        refused(&minimal, &json!({ "@context": context }));
    }
}

/// R-REQ-3: 400, not the 422 that deployed servers give.
#[test]
fn t_s20_t_s21_a_body_that_cannot_be_parsed_is_400() {
    let (_, minimal) = open("unparsed");
    let text = minimal.to_string();
    for broken in ["", "{", "[[[[", &text[..text.len() - 1], "nul", "\u{feff}{"] {
        send(LD.1.into(), broken).is_problem(400);
    }
    send(LD.1.into(), b"{\"a\":\"\xff\"}").is_problem(400);
    send(Some("text/turtle"), "<#it> broken").is_problem(400);
    for nothing in ["null", "1", "\"x\"", "[]", "{}"] {
        send(LD.1.into(), nothing).is_problem(422);
    }
}

/// R-REQ-3, R-REQ-5.
#[test]
fn t_s25_t_s26_t_s27_t_s28_t_s29_t_s32_one_channel_of_the_type_of_the_service_is_needed() {
    let (_, minimal) = open("needed");
    let webhook = "http://www.w3.org/ns/solid/notifications#WebhookChannel2023";
    for more in [
        json!({ "topic": null }),
        json!({ "topic": [] }),
        json!({ "type": null }),
        json!({ "type": webhook }),
        json!({ "type": "EventSourceChannel2023" }),
        json!({ "type": "http://example.org/Foo" }),
        json!({ "type": "Foo" }),
        json!({ "type": [TYPE, webhook] }),
    ] {
        refused(&minimal, &more);
    }
    for old in
        [json!("WebSocketSubscription2021"), json!("http://www.w3.org/ns/solid/notification#WebSocketSubscription2021")]
    {
        let problem = refused(&minimal, &json!({ "type": old }));
        assert!(problem["detail"].as_str().unwrap().contains("WebSocketChannel2023"), "{problem}");
    }
    let two = [changed(&minimal, &json!({ "id": "urn:a" })), changed(&minimal, &json!({ "id": "urn:b" }))];
    post(&ALICE, &json!(two)).is_problem(422);
    post(&ALICE, &json!({ "@context": N1, "@graph": two })).is_problem(422);
    post(&ALICE, &json!([minimal, minimal])).is_problem(422);
}

/// R-REQ-6, R-CTX-7.
#[test]
fn t_s30_t_s31_topics_that_name_nothing_here_are_422() {
    let (path, minimal) = open("elsewhere");
    for topic in [
        json!("abc def"),
        json!({ "@value": "abc" }),
        json!(7),
        json!({ "a": "b" }),
        json!("https://elsewhere.example/x"),
        json!(WORLD.url(&path).replace("localhost", "localhost.evil.example")),
        json!("ftp://localhost/x"),
        json!("file:///etc/passwd"),
        json!("javascript:alert(1)"),
        json!(format!("{}/%2e%2e/x", WORLD.url(&path))),
        json!(WORLD.url(&path).replace("http://", "http://user:secret@")),
        json!([WORLD.url(&path), "https://elsewhere.example/x"]),
    ] {
        refused(&minimal, &json!({ "topic": topic }));
    }
}

/// R-REQ-4.
#[test]
fn t_s33_what_only_the_server_decides_is_422() {
    let (_, minimal) = open("decided");
    for name in ["receiveFrom", "sender"] {
        let problem = refused(&minimal, &json!({ (name): "wss://evil.example/" }));
        assert!(problem["detail"].as_str().unwrap().contains(name), "{problem}");
    }
}

/// R-REQ-3, R-CTX-1.
#[test]
fn t_s36_t_s42_what_is_too_much_is_refused_at_once() {
    let (_, body) = open("too-much");
    let text = body.to_string();
    send(LD.1.into(), format!("{}{text}", " ".repeat(1 << 20))).is_problem(413);
    send(LD.1.into(), format!("{{\"@context\":{{\"{}\":\"urn:x\"}}}}", "x".repeat(5 << 20))).is_problem(413);
    let mut nested = json!(N1);
    for _ in 0..100 {
        nested = json!([nested]);
    }
    let objects = vec![json!({ "a": "http://b/" }); 200];
    for context in [json!(vec![N1; 200]), json!(objects), nested] {
        refused(&minimal(body["topic"].as_str().unwrap()), &json!({ "@context": context }));
    }
    for deep in ["[".repeat(60_000), "{\"a\":".repeat(10_000)] {
        let told = send(LD.1.into(), deep);
        assert!(matches!(told.status, 400 | 422), "{told:?}");
        told.is_problem(told.status);
    }
}

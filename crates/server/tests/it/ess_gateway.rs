//! `/.notifications/gateway/`: §10, Gateway, of the reference of ESS.

use super::{
    credentials::{ISSUER, claims},
    ess::{ENDPOINT, GATEWAY, JSON},
    h2::Http2,
    world::{ALICE, ANYBODY, LD, Reply, WORLD, unique},
};
use podbell_model::Timestamp;
use serde_json::{Value, json};

#[track_caller]
fn negotiated(told: &Reply) {
    assert_eq!((told.status, told.header("content-type")), (200, Some("application/json")), "{told:?}");
    let told = told.json();
    assert_eq!((told["protocol"].as_str(), told["endpoint"].as_str()), (Some("ws"), Some(&*WORLD.url(ENDPOINT))));
    assert_eq!(told["features"], json!(["state", "ttl", "rate"]));
}

/// ESS-9, ESS-10, ESS-14.
#[test]
fn what_is_asked_for_with_more_or_with_less_is_answered_with_200() {
    let ld = json!({ "@context": ["https://www.w3.org/ns/solid/notification/v1"], "type": ["WebSocketSubscription2021"],
        "protocols": ["ws"] });
    for path in [GATEWAY, "/.notifications/gateway"] {
        for (kind, body) in [
            (JSON, r#"{"protocols":["ws"],"features":[]}"#.to_owned()),
            (JSON, r#"{"protocols":["ws"]}"#.to_owned()),
            (JSON, r#"{"protocols":["sse","ws"],"features":["zeal"],"more":{"a":1}}"#.to_owned()),
            (("content-type", "application/json;charset=UTF-8"), r#"{"protocols":["ws"]}"#.to_owned()),
            (LD, ld.to_string()),
        ] {
            negotiated(&ANYBODY.ask("POST", path, &[kind], body));
        }
    }
}

/// ESS-11.
#[test]
fn credentials_of_any_kind_are_not_looked_at() {
    let body = r#"{"protocols":["ws"],"features":[]}"#;
    negotiated(&ALICE.ask("POST", GATEWAY, &[JSON], body));
    let proof = |url: &str| ANYBODY.key.prove("POST", url, &unique("gateway"), Timestamp::now(), None).unwrap();
    let ended = claims(|claims| claims["exp"] = (claims["iat"].as_i64().unwrap() - 600).into());
    let ended = format!("DPoP {}", ISSUER.0.key.sign_token("at+jwt", &ended).unwrap());
    let own = proof(&WORLD.url(GATEWAY));
    for (authorization, proof) in [
        (&*ended, &*own),
        // Used before.
        (&*ended, &*own),
        (&*ended, "junk"),
        ("DPoP junk", &*proof("https://elsewhere.example/")),
        ("Bearer null", ""),
        ("Basic YTpi", "x.y.z"),
    ] {
        negotiated(&ANYBODY.ask("POST", GATEWAY, &[JSON, ("authorization", authorization), ("dpop", proof)], body));
    }
}

/// ESS-12: clients read a problem only if its media type has no parameter.
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
    let told = ANYBODY.ask("POST", GATEWAY, &[JSON], r#"{"protocols":["smtp"]}"#).json();
    assert!(told["violations"][0].as_str().unwrap().starts_with("protocols: "), "{told}");
    ANYBODY.ask("POST", GATEWAY, &[JSON], "[".repeat(60_000)).is_problem(400);
    ANYBODY.ask("POST", GATEWAY, &[JSON], " ".repeat(100_000)).is_problem(413);
    for kind in ["text/plain", "application/jsonp", "multipart/form-data"] {
        ANYBODY.ask("POST", GATEWAY, &[("content-type", kind)], r#"{"protocols":["ws"]}"#).is_problem(415);
    }
}

/// ESS-13: also over HTTP/2, which has no reason phrase that would say it.
#[test]
fn other_methods_are_told_that_they_are_not_allowed() {
    let http2 = Http2::connect(&ANYBODY);
    for method in ["GET", "PUT", "DELETE", "INVALID"] {
        for told in [ANYBODY.ask(method, GATEWAY, &[], ""), http2.ask(&ANYBODY, method, GATEWAY)] {
            let told: Value = told.is_problem(405).json();
            assert_eq!((&told["title"], &told["type"]), (&json!("Method Not Allowed"), &json!("about:blank")));
        }
    }
}

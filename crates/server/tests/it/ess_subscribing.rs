//! `POST` to the endpoint that the gateway names: §10, Subscribe, of the reference of ESS.

use super::{
    ess::{ENDPOINT, JSON, asking, listen, open, subscribe},
    world::{ALICE, ANYBODY, Agent, BOB, Reply, WORLD, World, container, for_bob, public, unique},
};
use podbell_model::Timestamp;
use serde_json::json;

/// A proof of bob's as the client makes them: without the hash of the token.
fn proof(method: &str, url: &str) -> String {
    BOB.key.prove(method, url, &unique("ess"), Timestamp::now(), None).unwrap()
}

/// Bob's request to an endpoint, with a proof of his own.
fn with_proof(endpoint: &str, topic: &str, proof: &str) -> Reply {
    let token = format!("DPoP {}", BOB.token.as_ref().unwrap());
    let body = json!({ "topic": WORLD.url(topic) }).to_string();
    let headers = [JSON, ("authorization", &*token), ("dpop", proof)];
    ANYBODY.ask("POST", endpoint, &headers, body)
}

/// ESS-15.
#[test]
fn a_reader_is_answered_with_the_place_of_a_socket() {
    let at = container("ess-asked", &for_bob("acl:Read"));
    let told = with_proof(ENDPOINT, &at, &proof("POST", &WORLD.url(ENDPOINT)));
    assert_eq!((told.status, told.header("content-type")), (200, Some("application/json")));
    assert_eq!(told.header("cache-control"), Some("no-store"));
    let body = told.json();
    assert_eq!((body["protocol"].as_str(), body["subprotocol"].as_str()), (Some("ws"), Some("solid-0.2")));
    assert_eq!(body.as_object().unwrap().len(), 3, "{body}");
    let endpoint = url::Url::parse(body["endpoint"].as_str().unwrap()).unwrap();
    assert_eq!((endpoint.scheme(), endpoint.fragment()), ("ws", None));
    let secret = endpoint.query().unwrap().strip_prefix("auth=").unwrap();
    assert!(secret.len() >= 32, "192 bits: {secret}");
    let ld = json!({ "@context": ["https://www.w3.org/ns/solid/notification/v1"], "type": "WebSocketSubscription2021",
        "topic": WORLD.url(&at) });
    let told = BOB.ask("POST", "/.notifications/ess", &[("content-type", "application/ld+json")], ld.to_string());
    assert_eq!(told.status, 200, "{told:?}");
}

/// ESS-16.
#[test]
fn a_proof_is_for_the_address_whatever_its_slash_or_its_query_and_for_one_time() {
    let at = container("ess-proved", &for_bob("acl:Read"));
    let url = WORLD.url(ENDPOINT);
    assert_eq!(with_proof(&format!("{ENDPOINT}?x=1&y"), &at, &proof("POST", &url)).status, 200);
    let once = proof("POST", &url);
    assert_eq!(with_proof(ENDPOINT, &at, &once).status, 200);
    with_proof(ENDPOINT, &at, &once).is_problem(401);
    for wrong in [
        proof("GET", &url),
        proof("POST", &WORLD.url("/")),
        proof("POST", &format!("{url}x")),
        proof("POST", "https://elsewhere.example/.notifications/ess/"),
    ] {
        with_proof(ENDPOINT, &at, &wrong).is_problem(401);
    }
}

/// ESS-16: a bare host has no path but the slash, whether it is written or not.
#[test]
fn a_proof_for_a_bare_host_needs_no_slash() {
    let world = &*Box::leak(Box::new(World::start(&[("PODBELL_PODS_LAYOUT", "subdomain")])));
    let owner = world.log_in("ALICE");
    let root = world.url("/").replace("localhost", "alice.localhost");
    let token = format!("DPoP {}", owner.token.as_ref().unwrap());
    for (htu, status) in [(&*root, 200), (root.trim_end_matches('/'), 200), (&*format!("{root}x"), 401)] {
        let proof = owner.key.prove("GET", htu, &unique("bare"), Timestamp::now(), None).unwrap();
        let told = world.stranger().ask("GET", &root, &[("authorization", &*token), ("dpop", &*proof)], "");
        assert_eq!(told.status, status, "{htu}: {told:?}");
    }
}

/// ESS-17, ESS-18.
#[test]
fn only_who_may_read_is_answered() {
    for (number, modes) in
        ["acl:Write", "acl:Append", "acl:Control", "acl:Write, acl:Append, acl:Control"].iter().enumerate()
    {
        let at = container(&format!("ess-ruled-{number}"), &for_bob(modes));
        subscribe(&ANYBODY, &at).is_problem(401);
        subscribe(&BOB, &at).is_problem(403);
        ALICE.rules(&at, &for_bob("acl:Read"));
        assert_eq!(subscribe(&BOB, &at).status, 200, "{modes}");
    }
    let at = container("ess-public", &public("acl:Read"));
    assert_eq!(subscribe(&ANYBODY, &at).status, 200, "everybody may read it");
}

/// ESS-19.
#[test]
fn what_is_there_and_what_is_not_are_refused_alike() {
    let closed = container("ess-alike", &for_bob("acl:Write"));
    ALICE.put(&format!("{closed}there"), "");
    let words = |agent: &Agent, name: &str| {
        let told = subscribe(agent, &format!("{closed}{name}"));
        let mut lines: Vec<_> = told.headers.iter().filter(|(name, _)| name != "date").cloned().collect();
        lines.retain(|(name, _)| name != "content-length");
        (told.status, told.text().replace(name, "*"), lines)
    };
    for agent in [&*BOB, &*ANYBODY] {
        assert_eq!(words(agent, "there"), words(agent, "absent"));
    }
}

/// ESS-20.
#[test]
fn topics_that_are_none_are_problems() {
    for body in [
        json!({}),
        json!({ "topic": "BAD" }),
        json!({ "topic": 7 }),
        json!({ "topic": null }),
        json!({ "topic": {} }),
        json!({ "topic": "ftp://localhost/" }),
        json!({ "topic": "/alice/" }),
        json!({ "topic": "https://elsewhere.example/" }),
        json!({ "topic": ["a"] }),
        json!({ "topic": [] }),
        json!({ "topic": [WORLD.url("/alice/profile/card"), "https://elsewhere.example/"] }),
        json!([]),
    ] {
        let told = asking(&ALICE, &body);
        assert!(matches!(told.status, 400 | 422), "{body} {told:?}");
        told.is_problem(told.status);
    }
    let told = ALICE.ask("POST", ENDPOINT, &[("content-type", "text/turtle")], "{}");
    told.is_problem(415);
    assert_eq!(told.header("accept-post"), BOB.ask("OPTIONS", ENDPOINT, &[], "").header("accept-post"));
    assert_eq!(told.header("accept-post"), Some("application/json, application/ld+json"), "what is taken here");
}

/// ESS-20: several topics are one socket, if each of them may be read.
#[test]
fn a_list_of_topics_is_told_over_one_socket() {
    let (at, closed) = (container("ess-list", &for_bob("acl:Read")), container("ess-list-closed", ""));
    let topics: Vec<_> = ["a", "b", "", "a"].iter().map(|name| WORLD.url(&format!("{at}{name}"))).collect();
    let mut socket = open(&WORLD, &asking(&BOB, &json!({ "topic": topics })));
    ALICE.put(&format!("{at}a"), "");
    let mut told: Vec<_> = (0..2).map(|_| super::ess::short(&socket.heard())).collect();
    told.sort();
    assert_eq!(told, [("Create".to_owned(), format!("{at}a")), ("Update".to_owned(), at.clone())]);
    ALICE.put(&format!("{at}c/d"), "");
    assert_eq!(super::ess::short(&socket.heard()), ("Update".to_owned(), at.clone()));
    ALICE.put(&format!("{at}a"), "<> a <#x>.");
    assert_eq!(super::ess::short(&socket.heard()), ("Update".to_owned(), format!("{at}a")), "once");
    let spoilt: Vec<_> = topics.iter().cloned().chain([WORLD.url(&closed)]).collect();
    asking(&BOB, &json!({ "topic": spoilt })).is_problem(403);
    let mut one = listen(&BOB, &at);
    ALICE.put(&format!("{at}e"), "");
    assert_eq!(super::ess::short(&one.heard()), ("Update".to_owned(), at));
}

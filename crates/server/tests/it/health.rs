//! What the agent that made a channel that pushes does with it: how it fares, what was tried, pings, secrets. Nobody else
//! does any of it. R-WH-10: how much of it.

use super::{
    hooks::{Hook, TERMS, WEBHOOK, id_of, push_to},
    streams::document,
    world::{ALICE, ANYBODY, Agent, BOB, Reply as Answer, WORLD, World, for_bob, until},
};
use aws_lc_rs::hmac;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use podbell_model::{Timestamp, Uuid};
use podbell_test_client::receiver::{Received, Receiver, Reply};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering::SeqCst},
    },
    time::Duration,
};

const BELOW: [(&str, &str); 5] =
    [("GET", "attempts"), ("GET", "dead-letters"), ("POST", "redeliver"), ("POST", "ping"), ("POST", "secret")];
const JSON: (&str, &str) = ("content-type", "application/json");

/// Has something done with a channel.
pub(super) fn act(agent: &Agent, hook: &Hook, name: &str, body: &str) -> Answer {
    let headers: &[_] = if body.is_empty() { &[] } else { &[JSON] };
    agent.ask("POST", &format!("{}/{name}", hook.id), headers, body)
}

/// What is said of how it fares.
pub(super) fn fact(hook: &Hook, agent: &Agent, name: &str) -> Value {
    hook.fares(agent)[format!("{TERMS}{name}")].clone()
}

#[test]
fn a_channel_that_pushes_tells_how_it_fares_and_what_was_tried() {
    let at = document("fares", &for_bob("acl:Read"));
    let status = Arc::new(AtomicU16::new(204));
    let answers = Arc::clone(&status);
    let receiver = Receiver::http(move |_, _| Reply::status(answers.load(SeqCst))).unwrap();
    let hook = Hook::new(&BOB, &[&at], receiver);
    let seen = |name: &str| fact(&hook, &BOB, name);
    for name in ["lastSuccess", "lastFailure", "failingSince", "nextAttempt", "disabled"] {
        assert_eq!(seen(name), Value::Null, "{name}");
    }
    assert_eq!((seen("pending"), seen("deadLetters"), seen("missed")), (0.into(), 0.into(), 0.into()));
    ALICE.put(&at, "<> a <#1> .");
    until("it has arrived", || !seen("lastSuccess").is_null());
    status.store(503, SeqCst);
    ALICE.put(&at, "<> a <#2> .");
    until("it has failed", || !seen("lastFailure").is_null());
    assert_eq!((seen("lastFailureReason"), seen("pending")), ("refused with 503".into(), 1.into()));
    assert!(seen("failingSince").is_string());
    let next = hook.fares(&BOB)[format!("{TERMS}nextAttempt")].to_string();
    assert!(next.contains('T'), "{next}");
    let tried = hook.below(&BOB, "attempts");
    let tried = tried["attempt"].as_array().unwrap();
    let ends: Vec<_> = tried.iter().map(|one| (one["outcome"].as_str().unwrap(), one["status"].as_u64())).collect();
    assert_eq!(ends, [("refused", Some(503)), ("acknowledged", Some(204))], "the newest first");
    let ids: Vec<_> = hook.receiver.received().iter().map(|received| received.json()["id"].clone()).collect();
    assert_eq!([&tried[1]["message"], &tried[0]["message"]], [&ids[0], &ids[1]]);
    for (accept, word) in [("text/turtle", "lastFailureReason"), ("application/n-triples", "lastFailureReason")] {
        assert!(BOB.ask("GET", &hook.id, &[("accept", accept)], "").text().contains(word), "{accept}");
    }
    status.store(204, SeqCst);
    hook.is_settled(&BOB);
    assert_eq!((seen("failingSince"), seen("nextAttempt")), (Value::Null, Value::Null));
}

/// That a webhook signature verifies with a secret.
fn verifies(received: &Received, secret: &str) -> bool {
    let key = BASE64_STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let (id, at) = (received.header("webhook-id").unwrap(), received.header("webhook-timestamp").unwrap());
    assert_eq!(id, received.json()["id"]);
    assert!(at.parse::<i64>().unwrap().abs_diff(Timestamp::now().as_second()) < 120);
    let signed = [id.as_bytes(), b".", at.as_bytes(), b".", &received.body].concat();
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), &signed);
    let expected = format!("v1,{}", BASE64_STANDARD.encode(signature));
    received.header("webhook-signature").unwrap().split(' ').any(|one| one == expected)
}

#[test]
fn while_a_secret_is_changed_both_verify() {
    let at = document("rotated", &for_bob("acl:Read"));
    let hook = Hook::with(&BOB, WEBHOOK, &[&at], Receiver::willing().unwrap(), &json!({ "secret": true }));
    let first = hook.made.json()[format!("{TERMS}secret")].as_str().unwrap().to_owned();
    let change = |number: usize| {
        ALICE.put(&at, &format!("<> a <#{number}> ."));
        hook.receiver.wait(number)[number - 1].clone()
    };
    assert!(verifies(&change(1), &first));
    let told = act(&BOB, &hook, "secret", "");
    assert_eq!((told.status, told.header("cache-control")), (200, Some("no-store")), "{told:?}");
    let second = told.json()["secret"].as_str().unwrap().to_owned();
    assert!(told.json()["previousUntil"].is_string() && first != second);
    let received = change(2);
    assert!(verifies(&received, &first) && verifies(&received, &second));
    let third = format!("whsec_{}", BASE64_STANDARD.encode([9; 32]));
    let told = act(&BOB, &hook, "secret", &json!({ "secret": third }).to_string());
    assert_eq!((told.status, &told.json()["secret"]), (200, &third.as_str().into()));
    let received = change(3);
    assert!(!verifies(&received, &first) && verifies(&received, &second) && verifies(&received, &third));
    act(&BOB, &hook, "secret", r#"{"secret":"hunter2"}"#).is_problem(422);
    let shown = hook.fares(&BOB).to_string() + &hook.below(&BOB, "attempts").to_string();
    let log = WORLD.log();
    for secret in [&first, &second, &third] {
        assert!(!shown.contains(&**secret) && !log.contains(&**secret));
    }
    let plain = Hook::new(&BOB, &[&at], Receiver::willing().unwrap());
    ALICE.put(&at, "<> a <#4> .");
    assert_eq!(plain.receiver.wait(1)[0].header("webhook-signature"), None);
}

#[test]
fn a_ping_names_the_channel_and_no_resource() {
    let at = document("pinged", &for_bob("acl:Read"));
    let hook = Hook::new(&BOB, &[&at], Receiver::willing().unwrap());
    let answered = act(&BOB, &hook, "ping", "");
    assert_eq!(answered.status, 202, "{answered:?}");
    let received = &hook.receiver.wait(1)[0];
    let message = received.json();
    assert_eq!((&message["type"], &message["id"]), (&format!("{TERMS}Ping").into(), &answered.json()["message"]));
    assert_eq!(message["object"], hook.made.json()["id"]);
    assert!(!String::from_utf8_lossy(&received.body).contains("pinged"));
    until("the attempt is noted", || {
        let tried = hook.below(&BOB, "attempts");
        tried["attempt"][0]["message"] == answered.json()["message"] && tried["attempt"][0]["status"] == 204
    });
}

/// Ids that never existed look like those of others: 401 for who is not known, 403 for who is.
#[test]
fn strangers_learn_nothing_of_a_channel_and_do_nothing_with_it() {
    let at = document("strange", &for_bob("acl:Read"));
    let hook = Hook::with(&BOB, WEBHOOK, &[&at], Receiver::willing().unwrap(), &json!({ "secret": true }));
    let never = format!("/.notifications/channels/{}", Uuid::new_v4());
    // Alice may end a channel that listens to her pod, and sees how it fares; nothing more is hers to do.
    let stranger = push_to((&*ALICE).into(), WEBHOOK, &["/alice/strange/"], "http://localhost:9/in", &json!({}));
    let hers = id_of(&stranger);
    for (method, name) in BELOW {
        let body = if name == "redeliver" { r#"{"deadLetters":"all"}"# } else { "" };
        for (agent, id, status) in
            [(&*ANYBODY, &hook.id, 401), (&*ANYBODY, &never, 401), (&*BOB, &never, 403), (&*BOB, &hers, 403)]
        {
            let headers: &[_] = if body.is_empty() { &[] } else { &[JSON] };
            let told = agent.ask(method, &format!("{id}/{name}"), headers, body);
            assert_eq!(told.is_problem(status).status, status, "{method} {name}");
        }
    }
    for name in ["ping", "secret"] {
        act(&ALICE, &hook, name, "").is_problem(403);
    }
    ANYBODY.get(&hook.id).is_problem(401);
    BOB.get(&hers).is_problem(403);
    BOB.ask("DELETE", &hers, &[], "").is_problem(403);
    ANYBODY.ask("DELETE", &hook.id, &[], "").is_problem(401);
    ALICE.put(&at, "<> a <#1> .");
    hook.told(1);
    assert!(hook.receiver.received()[0].header("webhook-signature").unwrap().split(' ').count() == 1, "as it was");
}
#[test]
fn a_channel_takes_so_many_requests_a_minute() {
    let at = document("busy-agent", &for_bob("acl:Read"));
    let hook = Hook::new(&BOB, &[&at], Receiver::willing().unwrap());
    let refused = (0..100).map(|_| act(&BOB, &hook, "secret", "")).find(|told| told.status != 200).unwrap();
    assert_eq!(refused.is_problem(429).json()["limit"], 30);
    assert!(refused.header("retry-after").unwrap().parse::<u32>().unwrap() <= 60);
}

/// R-WH-10: so many channels for one agent, so many requests to one target whoever asks for them.
#[test]
fn an_agent_has_so_many_channels_and_a_target_gets_so_many_requests() {
    let settings = [
        ("PODBELL_LIMITS_CHANNELS_PER_AGENT", "3"),
        ("PODBELL_WEBHOOKS_PER_SECOND", "2"),
        ("PODBELL_WEBHOOKS_BURST", "2"),
    ];
    let world: &'static World = Box::leak(Box::new(World::start(&settings)));
    let (alice, bob) = (world.log_in("ALICE"), world.log_in("BOB"));
    let (receiver, calm) = (Receiver::willing().unwrap(), Receiver::willing().unwrap());
    for name in ["one", "two", "three"] {
        alice.put(&format!("/alice/{name}"), "");
    }
    bob.put("/bob/r", "");
    let ask = |agent: &Agent, topic: &str, receiver: &Receiver| {
        push_to(agent.into(), WEBHOOK, &[topic], &receiver.url("/in"), &json!({}))
    };
    for name in ["one", "two"] {
        id_of(&ask(&alice, &format!("/alice/{name}"), &receiver));
    }
    id_of(&ask(&alice, "/alice/three", &calm));
    assert_eq!(ask(&alice, "/alice/three", &calm).is_problem(429).json()["limit"], 3);
    id_of(&ask(&bob, "/bob/r", &receiver));
    for number in 0..3 {
        for name in ["one", "two"] {
            alice.put(&format!("/alice/{name}"), &format!("<> a <#{number}> ."));
        }
        bob.put("/bob/r", &format!("<> a <#{number}> ."));
    }
    alice.put("/alice/three", "<> a <#1> .");
    calm.wait(1);
    assert!(receiver.received().len() < 9, "another target waits for none of it");
    let received = receiver.wait(9);
    let took = received[8].at - received[0].at;
    assert!(took >= Duration::from_secs(3), "nine requests, two at once and two a second: {took:?}");
}

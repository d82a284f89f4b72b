//! What the agent that made a channel that pushes does with it: how it fares, what was tried, what was given up, pings,
//! secrets, and what becomes of it. Nobody else does any of it.

use super::{
    hooks::{Hook, TERMS, WEBHOOK, id_of, owed, push_to, queue, told},
    streams::document,
    world::{ALICE, ANYBODY, Agent, BOB, Reply as Answer, WORLD, World, for_bob, until},
};
use aws_lc_rs::hmac;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use podbell_delivery::push::{Attempt, Done, Outcome, Queue, Reason};
use podbell_hub::ChannelId;
use podbell_model::{Timestamp, Uuid};
use podbell_test_client::receiver::{Received, Receiver, Reply};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU16, Ordering::SeqCst},
    },
    time::Duration,
};

const BELOW: [(&str, &str); 5] =
    [("GET", "attempts"), ("GET", "dead-letters"), ("POST", "redeliver"), ("POST", "ping"), ("POST", "secret")];
const JSON: (&str, &str) = ("content-type", "application/json");

fn act(agent: &Agent, hook: &Hook, name: &str, body: &str) -> Answer {
    let headers: &[_] = if body.is_empty() { &[] } else { &[JSON] };
    agent.ask("POST", &format!("{}/{name}", hook.id), headers, body)
}

fn fact(hook: &Hook, agent: &Agent, name: &str) -> Value {
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
    // Alice may end a channel that listens to her pod, and sees that there is one.
    let stranger = push_to((&*ALICE).into(), WEBHOOK, &["/alice/strange/"], "http://localhost:9/in", &json!({}));
    let hers = id_of(&stranger);
    for (method, name) in BELOW {
        let body = if name == "redeliver" { r#"{"deadLetters":"all"}"# } else { "" };
        for (agent, id, status) in [
            (&*ANYBODY, &hook.id, 401),
            (&*ALICE, &hook.id, 403),
            (&*ANYBODY, &never, 401),
            (&*BOB, &never, 403),
            (&*BOB, &hers, 403),
        ] {
            let headers: &[_] = if body.is_empty() { &[] } else { &[JSON] };
            let told = agent.ask(method, &format!("{id}/{name}"), headers, body);
            assert_eq!(told.is_problem(status).status, status, "{method} {name}");
        }
    }
    ANYBODY.get(&hook.id).is_problem(401);
    BOB.get(&hers).is_problem(403);
    BOB.ask("DELETE", &hers, &[], "").is_problem(403);
    ANYBODY.ask("DELETE", &hook.id, &[], "").is_problem(401);
    ALICE.put(&at, "<> a <#1> .");
    hook.told(1);
    assert!(hook.receiver.received()[0].header("webhook-signature").unwrap().split(' ').count() == 1, "as it was");
}

/// A server of the test's own, alice and bob, and a document of hers that he may read.
fn begin() -> (&'static World, Agent, Agent, &'static str) {
    let world: &'static World = Box::leak(Box::new(World::start(&[])));
    let (alice, bob) = (world.log_in("ALICE"), world.log_in("BOB"));
    alice.put("/alice/health/", "");
    alice.rules("/alice/health/", &format!("acl:agent <{}>; acl:mode acl:Read", world.webid("BOB")));
    alice.put("/alice/health/r", "");
    (world, alice, bob, "/alice/health/r")
}

fn name_of(hook: &Hook) -> ChannelId {
    ChannelId(hook.id.rsplit('/').next().unwrap().parse().unwrap())
}

/// A receiver that fails until it is told to stand.
fn falling() -> (Receiver, Arc<AtomicBool>) {
    let up = Arc::new(AtomicBool::new(false));
    let stands = Arc::clone(&up);
    let script = move |_, _: &_| Reply::status(if stands.load(SeqCst) { 204 } else { 500 });
    (Receiver::http(script).unwrap(), up)
}

#[test]
fn what_was_given_up_is_kept_and_delivered_again() {
    let (world, alice, bob, at) = begin();
    let (receiver, up) = falling();
    let hook = Hook::new(&bob, &[at], receiver);
    for number in 1..=3 {
        alice.put(at, &format!("<> a <#{number}> ."));
    }
    hook.receiver.wait(1);
    until("it has failed", || !fact(&hook, &bob, "lastFailure").is_null());
    until("all are owed", || fact(&hook, &bob, "pending") == 3);
    world.stop("9");
    // As after ten attempts, one after the other: they are of one resource.
    queue(world, async |queue| {
        let attempt = Attempt { at: Timestamp::now(), took: Duration::from_secs(1), outcome: Outcome::Refused(500) };
        for _ in 0..3 {
            for delivery in owed(&queue).await {
                queue.finish(delivery, Some(&attempt), &Done::Dead).await.unwrap();
            }
        }
    });
    let world: &'static World = Box::leak(Box::new(world.start_again(&[])));
    let (alice, bob) = (world.log_in("ALICE"), world.log_in("BOB"));
    assert_eq!((fact(&hook, &bob, "deadLetters"), fact(&hook, &bob, "pending")), (3.into(), 0.into()));
    let dead = hook.below(&bob, "dead-letters")["deadLetter"].as_array().unwrap().clone();
    assert_eq!(dead.len(), 3);
    assert_eq!(
        (&dead[0]["last"]["status"], &dead[0]["message"]),
        (&500.into(), &hook.receiver.wait(1)[0].json()["id"])
    );
    up.store(true, SeqCst);
    let before = hook.receiver.received().len();
    let one = json!({ "deadLetters": [dead[0]["number"]] }).to_string();
    assert_eq!(act(&bob, &hook, "redeliver", &one).json()["redelivered"], 1);
    hook.receiver.wait(before + 1);
    assert_eq!(act(&bob, &hook, "redeliver", r#"{"deadLetters":"all"}"#).json()["redelivered"], 2);
    let received = hook.receiver.wait(before + 3);
    let ids: Vec<_> = received[before..].iter().map(|received| received.json()["id"].clone()).collect();
    assert_eq!(ids, dead.iter().map(|letter| letter["message"].clone()).collect::<Vec<_>>(), "their ids, in order");
    hook.is_settled(&bob);
    assert_eq!(fact(&hook, &bob, "deadLetters"), 0);
    act(&bob, &hook, "redeliver", r#"{"deadLetters":"some"}"#).is_problem(422);
    alice.put(at, "<> a <#4> .");
    hook.receiver.wait(before + 4);
}

/// What is given up is judged again.
#[test]
fn nothing_is_delivered_again_that_may_no_longer_be_read() {
    let (world, alice, bob, at) = begin();
    alice.put("/alice/health/kept/r", "");
    alice.rules("/alice/health/kept/", &format!("acl:agent <{}>; acl:mode acl:Read", world.webid("BOB")));
    let (receiver, up) = falling();
    let hook = Hook::new(&bob, &[at, "/alice/health/kept/r"], receiver);
    alice.put(at, "<> a <#1> .");
    hook.receiver.wait(1);
    until("it has failed", || !fact(&hook, &bob, "lastFailure").is_null());
    world.stop("9");
    queue(world, async |queue| {
        for delivery in owed(&queue).await {
            queue.finish(delivery, None, &Done::Dead).await.unwrap();
        }
    });
    let world: &'static World = Box::leak(Box::new(world.start_again(&[])));
    let (alice, bob) = (world.log_in("ALICE"), world.log_in("BOB"));
    alice.rules("/alice/health/", "");
    up.store(true, SeqCst);
    let before = hook.receiver.received().len();
    assert_eq!(act(&bob, &hook, "redeliver", r#"{"deadLetters":"all"}"#).json()["redelivered"], 1);
    hook.is_settled(&bob);
    alice.put("/alice/health/kept/r", "<> a <#1> .");
    let received = hook.receiver.wait(before + 1);
    let since: Vec<_> = received[before..].iter().map(told).collect();
    assert_eq!(since, [("Update".to_owned(), "/alice/health/kept/r".to_owned())]);
}

#[test]
fn a_channel_that_was_switched_off_says_why_and_a_ping_switches_it_on() {
    let (world, alice, bob, at) = begin();
    let hook = Hook::new(&bob, &[at], Receiver::willing().unwrap());
    let other = Hook::new(&bob, &[at], Receiver::willing().unwrap());
    world.stop("9");
    queue(world, async |queue| queue.disable(name_of(&hook), Reason::Failing, Timestamp::now()).await.unwrap());
    let world: &'static World = Box::leak(Box::new(world.start_again(&[])));
    let (bob, _old) = (world.log_in("BOB"), alice);
    let alice = world.log_in("ALICE");
    assert!(fact(&hook, &bob, "disabled").is_string() && fact(&hook, &bob, "disabledReason").is_string());
    alice.put(at, "<> a <#1> .");
    other.receiver.wait(1);
    assert!(hook.receiver.received().is_empty());
    assert_eq!(act(&bob, &hook, "ping", "").status, 202);
    hook.receiver.wait(1);
    until("it is switched on", || fact(&hook, &bob, "disabled").is_null());
    alice.put(at, "<> a <#2> .");
    assert_eq!(told(&hook.receiver.wait(2)[1]), ("Update".into(), at.into()));
}

/// To the URL that was named for it, saying nothing of any resource.
#[test]
fn what_becomes_of_a_channel_is_told_to_who_asked_for_it() {
    let at = document("life-hook", &for_bob("acl:Read"));
    let life = Receiver::willing().unwrap();
    let lifecycle = |path: &str| json!({ "lifecycle": life.url(path) });
    let new = |script: u16, path: &str| {
        let receiver = Receiver::http(move |_, _| Reply::status(script)).unwrap();
        Hook::with(&BOB, WEBHOOK, &[&at], receiver, &lifecycle(path))
    };
    let (gone, ended, lost) = (new(410, "/gone"), new(204, "/ended"), new(204, "/unauthorized"));
    let soon = Timestamp::now() + Duration::from_hours(2);
    let more = json!({ "lifecycle": true, "endAt": super::features::written(soon) });
    let same = Hook::with(&BOB, WEBHOOK, &[&at], Receiver::willing().unwrap(), &more);
    ALICE.put(&at, "<> a <#1> .");
    gone.is_gone(&BOB);
    life.wait(1);
    assert_eq!(ALICE.ask("DELETE", &ended.id, &[], "").status, 204);
    life.wait(2);
    ALICE.rules(at.strip_suffix('r').unwrap(), "");
    ALICE.put(&at, "<> a <#Secret> .");
    lost.is_gone(&BOB);
    let told = life.wait(3);
    let mut seen = BTreeSet::new();
    for received in &told {
        let message = received.json();
        let reason = message[format!("{TERMS}reason")].as_str().unwrap().to_owned();
        assert_eq!(received.target, format!("/{reason}"));
        assert_eq!(message["type"], format!("{TERMS}Removed"));
        let hook = [&gone, &ended, &lost].into_iter().find(|hook| hook.made.json()["id"] == message["object"]);
        assert!(hook.is_some() && seen.insert(reason), "{message}");
        assert!(!String::from_utf8_lossy(&received.body).contains("life-hook"), "{message}");
        assert!(received.header("authorization").is_some() && received.header("signature").is_some());
    }
    assert_eq!(told.len(), 3);
    let farewell = same
        .receiver
        .wait_until("the last word", |all| all.iter().any(|one| one.json()["type"] == format!("{TERMS}Removed")));
    assert!(farewell.iter().all(|one| !String::from_utf8_lossy(&one.body).contains("Secret")));
    same.is_gone(&BOB);
}

/// Before it ends, when it has ended, and when too much was owed: looked after now and then, and when a server starts.
#[test]
fn who_asked_for_it_is_told_of_the_end_before_it_comes_and_of_what_was_missed() {
    let settings = [("PODBELL_WEBHOOKS_PENDING", "2")];
    let world: &'static World = Box::leak(Box::new(World::start(&settings)));
    let alice = world.log_in("ALICE");
    alice.put("/alice/told/", "");
    let life = Receiver::willing().unwrap();
    let new = |path: &str, receiver: Receiver, end: Duration| {
        let end = super::features::written(Timestamp::now() + end);
        let more = json!({ "lifecycle": life.url(path), "endAt": end });
        Hook::with(&alice, WEBHOOK, &["/alice/told/"], receiver, &more)
    };
    let (short, long) = (Duration::from_secs(3), Duration::from_hours(30));
    let over = new("/expired", Receiver::willing().unwrap(), short);
    let ends = new("/expiring", Receiver::willing().unwrap(), Duration::from_hours(2));
    let missed = new("/missed", Receiver::http(|_, _| Reply::status(500)).unwrap(), long);
    for number in 0..5 {
        alice.put(&format!("/alice/told/{number}"), "");
    }
    until("some are missed", || fact(&missed, &alice, "missed") == 3);
    assert_eq!(fact(&missed, &alice, "pending"), 2);
    over.is_gone(&alice);
    world.stop("9");
    let world: &'static World = Box::leak(Box::new(world.start_again(&settings)));
    let alice = world.log_in("ALICE");
    let told =
        life.wait_until("all three", |all| all.iter().map(|one| &one.target).collect::<BTreeSet<_>>().len() == 3);
    for received in &told {
        let message = received.json();
        let (hook, class) = match &*received.target {
            "/expired" => (&over, "Removed"),
            "/expiring" => (&ends, "Expiring"),
            _ => (&missed, "Missed"),
        };
        assert_eq!(message["type"], format!("{TERMS}{class}"), "{message}");
        assert_eq!(message["object"], hook.made.json()["id"]);
        assert!(!message.to_string().contains("alice"), "{message}");
        match class {
            "Removed" => assert_eq!(message[format!("{TERMS}reason")], "expired"),
            "Expiring" => assert_eq!(message["endAt"], hook.made.json()["endAt"]),
            _ => {}
        }
    }
    assert_eq!(alice.get(&ends.id).status, 200);
}

/// Of topics in several storages, each owner looks after their own.
#[test]
fn the_owner_of_a_part_ends_that_part_of_a_webhook() {
    let hers = document("part-hook", &for_bob("acl:Read"));
    BOB.put("/bob/part-hook", "");
    let life = Receiver::willing().unwrap();
    let more = json!({ "lifecycle": life.url("/") });
    let hook = Hook::with(&BOB, WEBHOOK, &[&hers, "/bob/part-hook"], Receiver::willing().unwrap(), &more);
    ALICE.put(&hers, "<> a <#1> .");
    hook.told(1);
    assert_eq!(ALICE.ask("DELETE", &hook.id, &[], "").status, 204);
    ALICE.put(&hers, "<> a <#Secret> .");
    BOB.put("/bob/part-hook", "<> a <#1> .");
    assert_eq!(hook.told(2)[1], ("Update".to_owned(), "/bob/part-hook".to_owned()));
    assert_eq!(hook.fares(&BOB)["topic"], WORLD.url("/bob/part-hook"));
    ALICE.ask("DELETE", &hook.id, &[], "").is_problem(403);
    assert_eq!(BOB.ask("DELETE", &hook.id, &[], "").status, 204);
    assert!(life.received().is_empty(), "who ends it knows");
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

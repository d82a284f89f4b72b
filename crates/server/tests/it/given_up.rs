//! What was given up is kept, and delivered again if that is asked for and still may be; and channels that were switched
//! off. What takes days is done in the queue of a server that was stopped.

use super::{
    health::{act, fact},
    hooks::{Hook, owed, queue, told},
    world::{Agent, World, until},
};
use podbell_delivery::push::{Attempt, Done, Outcome, Queue, Reason};
use podbell_hub::ChannelId;
use podbell_model::Timestamp;
use podbell_test_client::receiver::{Receiver, Reply};
use serde_json::json;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

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

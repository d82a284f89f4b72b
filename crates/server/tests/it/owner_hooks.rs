//! What the owner of the storages of all topics may do with a channel that pushes: see what was tried and given up, and have
//! it delivered again. No more than that, and never where it goes.

use super::{
    health::act,
    hooks::{Hook, TERMS, WEBHOOK, id_of, owed, push_to, queue},
    owner_listing::of_storage,
    streams::document,
    world::{ALICE, ANYBODY, Agent, BOB, LD, World, for_bob, until},
};
use podbell_delivery::push::{Attempt, Done, Outcome, Queue};
use podbell_model::Timestamp;
use podbell_test_client::receiver::{Receiver, Reply};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

const NONE: &str = "/.notifications/channels/00000000-0000-4000-8000-000000000000";
const BELOW: [(&str, &str); 5] =
    [("GET", "attempts"), ("GET", "dead-letters"), ("POST", "redeliver"), ("POST", "ping"), ("POST", "secret")];

const AT: &str = "/alice/given-up/r";

/// A server of the test's own, and a document of hers that he may read.
fn begin() -> (&'static World, Agent, Agent) {
    let world: &'static World = Box::leak(Box::new(World::start(&[])));
    let (alice, bob) = (world.log_in("ALICE"), world.log_in("BOB"));
    alice.put("/alice/given-up/", "");
    alice.rules("/alice/given-up/", &format!("acl:agent <{}>; acl:mode acl:Read", world.webid("BOB")));
    alice.put(AT, "");
    (world, alice, bob)
}

fn taken() -> Receiver {
    Receiver::http(|_, _| Reply::status(204)).unwrap()
}

/// What somebody is told of all that is below a channel.
fn told(agent: &Agent, of: &str) -> Vec<(u16, String)> {
    let body = r#"{"deadLetters":"all"}"#;
    let ask = |(method, below): (&str, &str)| {
        let told = agent.ask(method, &format!("{of}/{below}"), &[("content-type", "application/json")], body);
        (told.status, told.text())
    };
    BELOW.map(ask).to_vec()
}

fn statuses(agent: &Agent, of: &str) -> Vec<u16> {
    told(agent, of).into_iter().map(|(status, _)| status).collect()
}

#[test]
fn the_owner_of_all_topics_sees_what_was_tried_and_does_nothing_in_anothers_name() {
    let at = document("owner-hook", &for_bob("acl:Read"));
    let hook = Hook::new(&BOB, &[&at], taken());
    assert_eq!(statuses(&ALICE, &hook.id), [200, 200, 202, 403, 403]);
    assert_eq!(told(&ALICE, &hook.id)[3..], told(&ALICE, NONE)[3..]);
    assert_eq!(told(&ANYBODY, &hook.id), told(&ANYBODY, NONE));
    ALICE.ask("POST", &hook.id, &[LD], json!({ "sendTo": "https://evil.example/" }).to_string()).is_problem(403);
    ALICE.put(&at, "<> a <#Heard> .");
    hook.told(1);
    until("it is noted", || hook.below(&ALICE, "attempts")["attempt"].as_array().is_some_and(|all| all.len() == 1));
    assert_eq!(hook.below(&ALICE, "attempts"), hook.below(&BOB, "attempts"));
    let place = hook.receiver.url("/in");
    for (_, text) in told(&ALICE, &hook.id) {
        assert!(!text.contains(&place) && !text.contains("sendTo"), "{text}");
    }
    // Of her own channels he sees nothing, though he may read the topic.
    let hers = Hook::new(&ALICE, &[&at], taken());
    assert_eq!(told(&BOB, &hers.id), told(&BOB, NONE));
    assert_eq!(statuses(&BOB, &hers.id), [403; 5]);
    // What has ended is gone for both.
    assert_eq!(ALICE.ask("DELETE", &hook.id, &[], "").status, 204);
    assert_eq!(statuses(&ALICE, &hook.id), [410, 410, 410, 403, 403]);
}

#[test]
fn a_channel_over_the_storages_of_two_is_for_who_made_it_alone() {
    let (world, alice, bob) = begin();
    let his = "/bob/owner-hook-shared";
    bob.put(his, "");
    let hook = Hook::new(&bob, &[AT, his], taken());
    bob.put(his, "<> a <#Secret> .");
    hook.told(1);
    until("it is noted", || hook.below(&bob, "attempts")["attempt"].as_array().is_some_and(|all| all.len() == 1));
    assert_eq!(told(&alice, &hook.id), told(&alice, NONE));
    assert_eq!(statuses(&alice, &hook.id), [403; 5]);
    assert_eq!(alice.get(&hook.id).status, 200, "though her part of it is hers to see");
    // He takes his part out of it: what was tried for that is not hers to see either.
    let whom = format!("{}&subscriber={}", of_storage(&bob, "/bob/"), world.webid("BOB").replace('#', "%23"));
    assert_eq!(bob.ask("DELETE", &format!("/.notifications/channels/{whom}"), &[], "").json()["ended"], 1);
    assert_eq!(statuses(&alice, &hook.id), [200, 200, 202, 403, 403]);
    assert_eq!(hook.below(&alice, "attempts")["attempt"], json!([]));
    assert_eq!(alice.get(&hook.id).json().get(format!("{TERMS}lastDelivered")), None);
    assert_eq!(alice.get(&hook.id).json().get(format!("{TERMS}lastSuccess")), None);
}

/// Whoever asks, it is the same channel that takes so many.
#[test]
fn redeliveries_of_both_count_together() {
    let at = document("owner-hook-often", &for_bob("acl:Read"));
    let id = id_of(&push_to((&*BOB).into(), WEBHOOK, &[&at], &taken().url("/in"), &json!({})));
    let again = |agent: &Agent| {
        agent.ask(
            "POST",
            &format!("{id}/redeliver"),
            &[("content-type", "application/json")],
            r#"{"deadLetters":"all"}"#,
        )
    };
    let refused = (0..60).map(|_| again(&ALICE)).find(|told| told.status != 202);
    assert!(refused.expect("there is a limit").is_problem(429).header("retry-after").is_some());
    again(&BOB).is_problem(429);
}

/// Of a server that was stopped: all that is owed becomes dead letters.
fn give_up(world: &World) {
    queue(world, async |queue| {
        let attempt = Attempt { at: Timestamp::now(), took: Duration::from_secs(1), outcome: Outcome::Refused(500) };
        for delivery in owed(&queue).await {
            queue.finish(delivery, Some(&attempt), &Done::Dead).await.unwrap();
        }
    });
}

/// Sets the rules of a document: alice writes and rules, and these read.
fn read_by(alice: &Agent, path: &str, readers: &[&str]) {
    let at = alice.world.url(path);
    let rule = |name: &str, modes: &str| {
        format!(
            "[] a acl:Authorization; acl:accessTo <{at}>; acl:agent <{}>; acl:mode {modes} .\n",
            alice.world.webid(name)
        )
    };
    let rules: String = readers.iter().map(|name| rule(name, "acl:Read")).collect();
    let acl =
        format!("@prefix acl: <http://www.w3.org/ns/auth/acl#>.\n{}{rules}", rule("ALICE", "acl:Write, acl:Control"));
    assert!(alice.put(&format!("{path}.acl"), &acl).status < 300);
}

/// Neither who made the channel nor the owner sees more than they would have heard, and might hear now.
#[test]
fn what_a_dead_letter_told_of_is_named_to_those_alone_who_may_read_it() {
    let (world, alice, bob) = begin();
    let hidden = "/alice/given-up/hidden";
    alice.put(hidden, "");
    read_by(&alice, hidden, &["BOB"]);
    let hook = Hook::new(&bob, &[AT, hidden], Receiver::http(|_, _| Reply::status(500)).unwrap());
    alice.put(AT, "<> a <#Heard> .");
    alice.put(hidden, "<> a <#Heard> .");
    until("both are owed", || hook.fares(&bob)[format!("{TERMS}pending")] == 2);
    world.stop("9");
    give_up(world);
    let world: &'static World = Box::leak(Box::new(world.start_again(&[])));
    let (alice, bob) = (world.log_in("ALICE"), world.log_in("BOB"));
    let named = |agent: &Agent| -> Vec<Option<String>> {
        let dead = hook.below(agent, "dead-letters");
        let letters = dead["deadLetter"].as_array().unwrap();
        let name = |letter: &Value| {
            assert_eq!(letter.get("type").is_some(), letter.get("object").is_some(), "{letter}");
            letter.get("object").map(|object| object.as_str().unwrap().to_owned())
        };
        letters.iter().map(name).collect()
    };
    let (open, secret) = (Some(world.url(AT)), Some(world.url(hidden)));
    assert_eq!(named(&bob), [open.clone(), secret.clone()]);
    assert_eq!(named(&alice), [open.clone(), None], "she could not read it");
    read_by(&alice, hidden, &["BOB", "ALICE"]);
    assert_eq!(named(&alice), [open.clone(), None], "then she could not");
    read_by(&alice, AT, &["ALICE"]);
    assert_eq!(named(&alice), [open, None]);
    let his = named(&bob);
    assert!(!his.contains(&Some(world.url(AT))) && his.contains(&secret), "he may not any more: {his:?}");
    read_by(&alice, AT, &[]);
    assert_eq!(named(&alice).iter().flatten().count(), 0, "nor may she");
}

#[test]
fn the_owner_has_what_was_given_up_delivered_again() {
    let (world, alice, bob) = begin();
    let at = AT;
    let up = Arc::new(AtomicBool::new(false));
    let stands = Arc::clone(&up);
    let script = move |_, _: &_| Reply::status(if stands.load(SeqCst) { 204 } else { 500 });
    let hook = Hook::new(&bob, &[at], Receiver::http(script).unwrap());
    alice.put(at, "<> a <#Heard> .");
    hook.receiver.wait(1);
    until("it has failed", || !hook.fares(&bob)[format!("{TERMS}lastFailure")].is_null());
    world.stop("9");
    give_up(world);
    let world: &'static World = Box::leak(Box::new(world.start_again(&[])));
    let (alice, bob) = (world.log_in("ALICE"), world.log_in("BOB"));
    let dead = hook.below(&alice, "dead-letters");
    assert_eq!(dead, hook.below(&bob, "dead-letters"));
    let letters: &Vec<Value> = dead["deadLetter"].as_array().unwrap();
    assert_eq!(letters.len(), 1);
    assert_eq!((&letters[0]["type"], &letters[0]["object"]), (&json!("Update"), &json!(world.url(at))));
    assert!(!dead.to_string().contains(&hook.receiver.url("/in")));
    up.store(true, SeqCst);
    let before = hook.receiver.received().len();
    let one = json!({ "deadLetters": [letters[0]["number"]] }).to_string();
    assert_eq!(act(&alice, &hook, "redeliver", &one).json()["redelivered"], 1);
    hook.receiver.wait(before + 1);
    hook.is_settled(&bob);
    // A cursor of hers opens nothing of his.
    let cursor = alice.get(at).header("podbell-cursor").unwrap().to_owned();
    let since = json!({ "since": cursor }).to_string();
    act(&alice, &hook, "redeliver", &since).is_problem(422);
}

//! What a channel that pushes is told of its end, once, in general terms, and where it asked to be told.

use super::{
    pushing::pushed,
    streams::document,
    world::{ALICE, Agent, BOB, WORLD, for_bob, split, until},
};
use podbell_test_client::receiver::{Received, Receiver, Reply};
use serde_json::json;

/// A webhook of somebody's about a document, and what hears of both.
fn hook(agent: &Agent, at: &str, receiver: &Receiver) -> String {
    let more = json!({ "sendTo": receiver.url("/in"), "lifecycle": receiver.url("/life") });
    let told = pushed(agent, "WebhookChannel2023", at, &more);
    assert_eq!(told.status, 200, "{told:?}");
    split(told.json()["id"].as_str().unwrap()).1
}

fn of_life(received: &[Received]) -> Vec<&Received> {
    received.iter().filter(|request| request.target == "/life").collect()
}

/// The one word about the end of a channel: why. It names the channel, and no resource.
fn reason(receiver: &Receiver, id: &str, at: &str) -> String {
    let received = receiver.wait_until("a farewell", |received| !of_life(received).is_empty());
    let told = of_life(&received)[0].json();
    assert_eq!((&told["type"], &told["object"]), (&"urn:podbell:terms#Removed".into(), &WORLD.url(id).into()));
    let name = at.split('/').nth(2).unwrap();
    assert!(!told.to_string().contains(name), "{told}");
    told["urn:podbell:terms#reason"].as_str().unwrap().to_owned()
}

/// That no more comes: what is asked for later comes through, on the same way.
fn nothing_more(receiver: &Receiver, id: &str, before: usize) {
    let at = document(&format!("after-{}", id.rsplit('/').next().unwrap()), &for_bob("acl:Read"));
    let id = hook(&BOB, &at, receiver);
    assert_eq!(BOB.ask("POST", &format!("{id}/ping"), &[], "").status, 202);
    let ping = |request: &Received| request.json()["type"] == "urn:podbell:terms#Ping";
    let received = receiver.wait_until("a ping", |received| received.iter().any(ping));
    assert_eq!(of_life(&received).len(), before);
    assert_eq!(BOB.ask("DELETE", &id, &[], "").status, 204);
}

#[test]
fn whoever_made_a_channel_is_told_that_the_owner_of_the_storage_ended_it() {
    let at = document("owner-ended", &for_bob("acl:Read"));
    let receiver = Receiver::willing().unwrap();
    let id = hook(&BOB, &at, &receiver);
    assert_eq!(ALICE.ask("DELETE", &id, &[], "").status, 204);
    assert_eq!(reason(&receiver, &id, &at), "ended");
    BOB.get(&id).is_problem(410);
    ALICE.ask("DELETE", &id, &[], "").is_problem(410);
    ALICE.put(&at, "<> a <#1>.");
    nothing_more(&receiver, &id, 1);
    assert!(receiver.received().iter().all(|request| request.json()["object"] != WORLD.url(&at)));
}

#[test]
fn whoever_ends_a_channel_that_is_theirs_needs_no_word_of_it() {
    let at = document("own-ended", &for_bob("acl:Read"));
    let receiver = Receiver::willing().unwrap();
    let id = hook(&BOB, &at, &receiver);
    assert_eq!(BOB.ask("DELETE", &id, &[], "").status, 204);
    nothing_more(&receiver, &id, 0);
}

/// T-Z02: nothing is told of the change, and the channel is gone.
#[test]
fn t_z02_whoever_may_read_no_more_is_told_that_the_channel_ended_and_nothing_else() {
    let at = document("withdrawn-hook", &for_bob("acl:Read"));
    let receiver = Receiver::willing().unwrap();
    let id = hook(&BOB, &at, &receiver);
    ALICE.rules(&at, "");
    ALICE.put(&at, "<> a <#secret>.");
    assert_eq!(reason(&receiver, &id, &at), "unauthorized");
    BOB.get(&id).is_problem(410);
    assert_eq!(receiver.received().len(), 1);
    nothing_more(&receiver, &id, 1);
}

#[test]
fn who_asked_elsewhere_is_told_that_the_receiver_is_gone() {
    let at = document("gone-from-here", &for_bob("acl:Read"));
    let receiver = Receiver::http(|_, request| Reply::status(if request.target == "/in" { 410 } else { 204 })).unwrap();
    let id = hook(&BOB, &at, &receiver);
    ALICE.put(&at, "<> a <#1>.");
    assert_eq!(reason(&receiver, &id, &at), "gone");
    BOB.get(&id).is_problem(410);
    ALICE.put(&at, "<> a <#2>.");
    until("one change and one farewell", || receiver.received().len() == 2);
}

/// R-LIFE-7.
#[test]
fn who_listened_to_a_pod_that_is_deleted_is_told_that_the_channel_ended() {
    WORLD.pod(&["create", "parting", "--owner", WORLD.webid("ALICE")]);
    ALICE.rules("/parting/", &for_bob("acl:Read"));
    ALICE.put("/parting/kept-in-it", "");
    ALICE.put("/parting/other", "");
    let receiver = Receiver::willing().unwrap();
    let id = hook(&BOB, "/parting/kept-in-it", &receiver);
    WORLD.pod(&["delete", &WORLD.url("/parting/"), "--yes"]);
    assert_eq!(reason(&receiver, &id, "/parting/kept-in-it"), "ended");
    BOB.get(&id).is_problem(410);
    nothing_more(&receiver, &id, 1);
}

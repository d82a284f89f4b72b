//! What was told since a cursor, delivered once more; and receivers that move.

use super::{
    pushing::pushed,
    streams::document,
    world::{ALICE, BOB, LD, Reply, for_bob, split, until},
};
use podbell_test_client::receiver::{Received, Receiver};
use serde_json::json;

const JSON: (&str, &str) = ("content-type", "application/json");

/// A webhook of bob's about a document.
fn hook(at: &str, send_to: &str) -> String {
    let told = pushed(&BOB, "WebhookChannel2023", at, &json!({ "sendTo": send_to }));
    assert_eq!(told.status, 200, "{told:?}");
    split(told.json()["id"].as_str().unwrap()).1
}

fn since(id: &str, cursor: &str) -> Reply {
    BOB.ask("POST", &format!("{id}/redeliver"), &[JSON], json!({ "since": cursor }).to_string())
}

fn cursor(at: &str) -> String {
    BOB.get(at).header("podbell-cursor").unwrap().to_owned()
}

/// Until everything is delivered, and that is noted.
fn settled(id: &str) {
    until("nothing is pending", || BOB.get(id).json()["urn:podbell:terms#pending"] == 0);
}

fn messages(received: &[Received]) -> Vec<String> {
    received.iter().map(|request| request.json()["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_was_told_since_a_cursor_is_delivered_again_under_the_same_ids() {
    let at = document("again-hook", &for_bob("acl:Read"));
    let receiver = Receiver::willing().unwrap();
    let id = hook(&at, &receiver.url("/in"));
    ALICE.put(&at, "<> a <#0>.");
    receiver.wait(1);
    let begin = cursor(&at);
    for round in 1..4 {
        ALICE.put(&at, &format!("<> a <#{round}>."));
    }
    receiver.wait(4);
    settled(&id);
    let told = since(&id, &begin);
    assert_eq!((told.status, &told.json()["redelivered"]), (202, &3.into()), "{told:?}");
    assert_eq!((&told.json()["gap"], told.json().get("next")), (&false.into(), None));
    let all = messages(&receiver.wait(7));
    assert_eq!(all[1..4], all[4..]);
    settled(&id);
    // By the rules of now nothing of it may be told.
    ALICE.rules(&at, "");
    assert_eq!(since(&id, &begin).status, 202);
    until("the channel has ended", || BOB.get(&id).status == 410);
    assert_eq!(receiver.received().len(), 7);
    assert_eq!(since(&id, &begin).status, 410);
}

#[test]
fn a_cursor_of_somebody_else_or_of_nobody_delivers_nothing_again() {
    let at = document("foreign-again", &for_bob("acl:Read"));
    let id = hook(&at, "http://localhost:9/in");
    let hers = ALICE.get(&at).header("podbell-cursor").unwrap().to_owned();
    let elsewhere = BOB.get("/bob/").header("podbell-cursor").unwrap().to_owned();
    for refused in [&*hers, &elsewhere, "x", ""] {
        since(&id, refused).is_problem(422);
    }
    assert_eq!(since(&id, &cursor(&at)).json()["redelivered"], 0);
}

#[test]
fn a_receiver_that_moves_is_told_where_it_is() {
    let at = document("moving-hook", &for_bob("acl:Read"));
    let (old, new) = (Receiver::willing().unwrap(), Receiver::willing().unwrap());
    let id = hook(&at, &old.url("/in"));
    ALICE.put(&at, "<> a <#0>.");
    old.wait(1);
    let body = json!({ "@context": "https://www.w3.org/ns/solid/notification/v1", "sendTo": new.url("/in") });
    assert_eq!(BOB.ask("POST", &id, &[LD], body.to_string()).status, 200);
    ALICE.put(&at, "<> a <#1>.");
    let told = new.wait(1);
    settled(&id);
    assert_eq!((told.len(), old.received().len()), (1, 1));
}

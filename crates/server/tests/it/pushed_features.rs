//! The features of channels, on those that push: several topics, `recursive`, filters, times, states, forms.

use super::{
    events::{tag, version},
    features::written,
    hooks::{Hook, LDN, TERMS, WEBHOOK, told},
    streams::document,
    world::{ALICE, BOB, WORLD, container, for_bob, until},
};
use podbell_model::{
    Timestamp,
    rdf::{self, RdfFormat},
};
use podbell_test_client::receiver::Receiver;
use serde_json::{Value, json};
use std::time::Duration;

fn hook(topics: &[&str], more: &Value) -> Hook {
    Hook::with(&BOB, WEBHOOK, topics, Receiver::willing().unwrap(), more)
}

fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|(kind, object)| ((*kind).to_owned(), (*object).to_owned())).collect()
}

fn states(hook: &Hook, count: usize) -> Vec<String> {
    let received = hook.receiver.wait(count);
    received.iter().map(|received| version(received.json()["state"].as_str().unwrap()).to_owned()).collect()
}

/// R-REQ-6.
#[test]
fn a_webhook_has_topics_in_several_pods() {
    let at = document("several-hook", &for_bob("acl:Read"));
    BOB.put("/bob/several-hook", "");
    let hook = hook(&[&at, "/bob/several-hook"], &json!({}));
    ALICE.put(&at, "<> a <#1> .");
    hook.told(1);
    BOB.put("/bob/several-hook", "<> a <#1> .");
    assert_eq!(hook.told(2), pairs(&[("Update", &at), ("Update", "/bob/several-hook")]));
}

/// What may not be read below is not told.
#[test]
fn a_recursive_webhook_hears_of_what_may_be_read_below() {
    let at = container("recursive-hook", &for_bob("acl:Read"));
    let (open, shut) = (format!("{at}a/b/open"), format!("{at}shut/r"));
    ALICE.put(&open, "");
    ALICE.put(&shut, "");
    ALICE.rules(&format!("{at}shut/"), "");
    let hook = hook(&[&at], &json!({ "recursive": true, "activityType": ["Create", "Update", "Delete"] }));
    ALICE.put(&shut, "<> a <#Secret> .");
    ALICE.put(&open, "<> a <#1> .");
    ALICE.put(&format!("{at}a/new"), "");
    assert_eq!(ALICE.ask("DELETE", &open, &[], "").status, 204);
    hook.receiver.wait(3);
    let mut all = hook.told(3);
    // Order is kept for each resource.
    all.sort();
    assert_eq!(all, pairs(&[("Create", &format!("{at}a/new")), ("Delete", &open), ("Update", &open)]));
}

#[test]
fn a_webhook_hears_the_types_it_asks_for_and_not_what_its_agent_has_done() {
    let at = document("filtered-hook", &for_bob("acl:Read, acl:Write"));
    let deletes = hook(&[&at], &json!({ "activityType": "Delete" }));
    let others = hook(&[&at], &json!({ "notCausedByMe": true }));
    BOB.put(&at, "<> a <#Mine> .");
    ALICE.put(&at, "<> a <#Hers> .");
    assert_eq!(ALICE.ask("DELETE", &at, &[], "").status, 204);
    assert_eq!(deletes.told(1), pairs(&[("Delete", &at)]));
    assert_eq!(others.told(2), pairs(&[("Update", &at), ("Delete", &at)]));
}

/// A resource and its container: one change is told twice, under two ids.
#[test]
fn a_webhook_on_a_resource_and_its_container_gets_both_projections() {
    let at = container("projected-hook", &for_bob("acl:Read"));
    let new = format!("{at}new");
    let hook = hook(&[&at, &new], &json!({}));
    ALICE.put(&new, "");
    let mut all = hook.told(2);
    all.sort();
    assert_eq!(all, pairs(&[("Add", &new), ("Create", &new)]));
    let ids: Vec<_> = hook.receiver.received().iter().map(|received| received.json()["id"].clone()).collect();
    assert_ne!(ids[0], ids[1]);
}

/// R-FEAT-5: the last state arrives.
#[test]
fn a_webhook_with_a_rate_hears_the_last_state_and_not_each() {
    let at = document("rated-hook", &for_bob("acl:Read"));
    let hook = hook(&[&at], &json!({ "rate": "PT3S" }));
    let tags: Vec<_> = (0..4).map(|number| tag(&ALICE.put(&at, &format!("<> a <#{number}> .")))).collect();
    let last = version(&tags[3]).to_owned();
    let state = |received: &podbell_test_client::receiver::Received| received.json()["state"].to_string();
    let all =
        hook.receiver.wait_until("the last state", |all| all.last().is_some_and(|one| state(one).contains(&last)));
    assert!(all.len() < 4, "{all:?}");
    for two in all.windows(2) {
        assert!(two[1].at - two[0].at > Duration::from_millis(2_500), "{all:?}");
    }
}

/// R-FEAT-1.
#[test]
fn a_webhook_hears_nothing_from_before_its_start() {
    let at = document("started-hook", &for_bob("acl:Read"));
    // A machine that is too slow to change anything before the start is given longer.
    for seconds in [2, 8, 25] {
        let start = Timestamp::now() + Duration::from_secs(seconds);
        let hook = hook(&[&at], &json!({ "startAt": written(start) }));
        ALICE.put(&at, &format!("<> a <#Before{seconds}> ."));
        if Timestamp::now() >= start {
            continue;
        }
        until("it has begun", || Timestamp::now() > start);
        let told = tag(&ALICE.put(&at, &format!("<> a <#After{seconds}> .")));
        assert_eq!(states(&hook, 1), [version(&told)]);
        return;
    }
    panic!("nothing was changed in time");
}

/// R-FEAT-2.
#[test]
fn a_webhook_hears_nothing_after_its_end() {
    let at = document("ended-hook", &for_bob("acl:Read"));
    let end = Timestamp::now() + Duration::from_secs(4);
    let (ends, goes_on) = (hook(&[&at], &json!({ "endAt": written(end) })), hook(&[&at], &json!({})));
    ALICE.put(&at, "<> a <#Before> .");
    goes_on.receiver.wait(1);
    ends.receiver.wait(1);
    until("it has ended", || Timestamp::now() > end);
    ALICE.put(&at, "<> a <#After> .");
    goes_on.receiver.wait(2);
    ends.is_gone(&BOB);
    assert_eq!(ends.receiver.received().len(), 1);
    let past = json!({ "endAt": "1999-01-01T00:00:00Z" });
    let over = hook(&[&at], &past);
    ALICE.put(&at, "<> a <#Later> .");
    goes_on.receiver.wait(3);
    assert!(over.receiver.received().is_empty());
}

/// What is missed after a message is told from its cursor on.
#[test]
fn a_cursor_in_a_message_is_where_reading_goes_on() {
    let at = document("cursor-hook", &for_bob("acl:Read"));
    let hook = hook(&[&at], &json!({ "cursor": true }));
    ALICE.put(&at, "<> a <#1> .");
    ALICE.put(&at, "<> a <#2> .");
    let received = hook.receiver.wait(2);
    let cursors: Vec<_> = received
        .iter()
        .map(|received| received.json()[format!("{TERMS}cursor")].as_str().unwrap().to_owned())
        .collect();
    assert!(cursors[0].len() == 56 && cursors[0] != cursors[1]);
    let missed = tag(&ALICE.put(&at, "<> a <#3> ."));
    let path =
        super::connect::receive_from(&super::streams::subscribe(&BOB, "StreamingHTTPChannel2023", &at, json!({})));
    let mut lines = super::streams::Stream::open(&format!("{path}?since={}", cursors[1]), &[]);
    let told = lines.line().unwrap();
    assert_eq!(version(told["state"].as_str().unwrap()), version(&missed), "{told}");
}

#[test]
fn a_receiver_reads_turtle_if_that_was_asked_for() {
    let at = document("turtle-hook", &for_bob("acl:Read"));
    for kind in [WEBHOOK, LDN] {
        let hook = Hook::with(&BOB, kind, &[&at], Receiver::willing().unwrap(), &json!({ "accept": "text/turtle" }));
        ALICE.put(&at, &format!("<> a <#{kind}> ."));
        let received = &hook.receiver.wait(1)[0];
        assert_eq!(received.header("content-type"), Some("text/turtle"));
        let graph = rdf::parse(RdfFormat::Turtle, "urn:base:", &received.body).unwrap();
        let object = format!("<{}>", WORLD.url(&at));
        assert!(graph.iter().any(|triple| triple.object.to_string() == object), "{graph:?}");
    }
}

/// R-FEAT-6, R-LDN-6: what is changed holds for what is told from then on.
#[test]
fn a_channel_that_pushes_is_changed_while_it_goes_on() {
    let at = container("changing-hook", &for_bob("acl:Read"));
    let hook = hook(&[&at], &json!({}));
    ALICE.put(&format!("{at}one"), "");
    hook.told(1);
    let moved = Receiver::willing().unwrap();
    let body = json!({ "@context": [super::ears::N1], "sendTo": moved.url("/moved"), "activityType": "Remove" });
    let told_back = BOB.ask("POST", &hook.id, &[super::world::LD], body.to_string());
    assert_eq!(told_back.status, 200, "{told_back:?}");
    ALICE.put(&format!("{at}two"), "");
    assert_eq!(ALICE.ask("DELETE", &format!("{at}one"), &[], "").status, 204);
    let received = moved.wait(1);
    assert_eq!(received[0].target, "/moved");
    assert_eq!(received.iter().map(told).collect::<Vec<_>>(), pairs(&[("Remove", &format!("{at}one"))]));
    hook.told(1);
}

//! What is pushed to inboxes: on another server, which asks who is there, and on this one, where it is written as the
//! sender's. The cases T-L02, T-L03, T-L06 and T-L07.

use super::{
    brisk::{BRISK, BRISK_ALICE},
    hooks::{Hook, LDN, TERMS, id_of, push_to, told},
    streams::document,
    world::{ALICE, Agent, BOB, Reply, WORLD, container, for_bob, until},
};
use podbell_test_client::receiver::Receiver;
use serde_json::{Value, json};

const SENDER: &str = "/.notifications/sender";
const ADD: &str = "acl:mode acl:Append";

/// A channel to an inbox.
fn inbox_told(agent: &Agent, topics: &[&str], inbox: &str, more: &Value) -> String {
    let made = push_to(agent.into(), LDN, topics, inbox, more);
    assert_eq!(made.status, 201, "{made:?}");
    id_of(&made)
}

/// What a container lists, as its owner sees it.
fn members(owner: &Agent, path: &str) -> Vec<String> {
    let told = owner.ask("GET", path, &[("accept", "application/n-triples")], "").text();
    let members = told.lines().filter(|line| line.contains("ldp#contains>"));
    members.map(|line| line.rsplit_once('<').unwrap().1.split('>').next().unwrap().to_owned()).collect()
}

/// The members of an inbox, once they are that many.
#[track_caller]
fn stored(owner: &Agent, inbox: &str, count: usize) -> Vec<String> {
    until("the inbox has its messages", || members(owner, inbox).len() >= count);
    let stored = members(owner, inbox);
    assert_eq!(stored.len(), count, "{stored:?}");
    stored
}

fn fact(id: &str, name: &str) -> Value {
    BOB.get(id).json()[format!("{TERMS}{name}")].clone()
}

/// R-LDN-2: the owner of the inbox lets the sender in by its WebID; without that, it is refused and comes again.
#[test]
fn t_l02_an_inbox_on_another_server_knows_the_sender() {
    let at = document("far-inbox-topic", &for_bob("acl:Read"));
    let (open, shut) = ("/alice/far-inbox/", "/alice/shut-inbox/");
    let sender = format!("acl:agent <{}>; {ADD}", WORLD.url(SENDER));
    for (inbox, rules) in [(open, &*sender), (shut, "")] {
        BRISK_ALICE.put(inbox, "");
        BRISK_ALICE.rules(inbox, rules);
        inbox_told(&BOB, &[&at], &BRISK.url(inbox), &json!({}));
    }
    let late = inbox_told(&BOB, &[&at], &BRISK.url(shut), &json!({}));
    ALICE.put(&at, "<> a <#1> .");
    let message = &stored(&BRISK_ALICE, open, 1)[0];
    let found = BRISK_ALICE.ask("GET", message, &[("accept", "application/ld+json")], "");
    assert_eq!(found.status, 200, "{found:?}");
    let text = found.text();
    assert!(text.contains(&WORLD.url(&at)) && text.contains("Update"), "{text}");
    until("it is refused", || fact(&late, "lastFailureReason") == "refused with 403");
    assert_eq!(members(&BRISK_ALICE, shut).len(), 0);
    BRISK_ALICE.rules(shut, &sender);
    // Two channels push there, each its own message.
    stored(&BRISK_ALICE, shut, 2);
}

/// R-LDN-1, R-LDN-5: under any prefix and in any form, and repeated in the answer.
#[test]
fn t_l03_an_inbox_is_told_of_the_types_that_are_asked_for() {
    let types = [
        json!({ "activityType": "Add" }),
        json!({ "http://www.w3.org/ns/solid/notifications#activityType": "https://www.w3.org/ns/activitystreams#Add" }),
    ];
    for (number, more) in types.iter().enumerate() {
        let at = container(&format!("added-{number}"), &for_bob("acl:Read"));
        let hook = Hook::with(&BOB, LDN, &[&at], Receiver::willing().unwrap(), more);
        assert!(hook.made.text().contains("activitystreams#Add") || hook.made.text().contains("\"Add\""));
        let (one, two) = (format!("{at}one"), format!("{at}two"));
        ALICE.put(&one, "");
        ALICE.put(&one, "<> a <#1> .");
        assert_eq!(ALICE.ask("DELETE", &one, &[], "").status, 204);
        ALICE.put(&two, "");
        assert_eq!(hook.told(2), [("Add".into(), one), ("Add".into(), two)]);
        let received = &hook.receiver.received()[0];
        assert_eq!(received.header("content-type"), Some("application/ld+json"));
        assert_eq!((received.header("slug"), received.target.as_str()), (None, "/in"), "as it was named");
        assert!(received.header("authorization").is_some() && received.header("signature").is_some());
    }
}

/// R-LDN-3: as the sender, by the rules of the inbox; not as who subscribed, nor as the server that may do all.
#[test]
fn an_inbox_on_this_server_is_written_to_as_the_sender() {
    let at = document("near-inbox-topic", &for_bob("acl:Read"));
    let sender = format!("acl:agent <{}>; {ADD}", WORLD.url(SENDER));
    let open = container("near-inbox", &sender);
    let bobs = container("bobs-inbox", &for_bob("acl:Read, acl:Write, acl:Append"));
    let id = inbox_told(&BOB, &[&at], &WORLD.url(&open), &json!({}));
    let refused = inbox_told(&BOB, &[&at], &WORLD.url(&bobs), &json!({}));
    ALICE.put(&at, "<> a <#1> .");
    let message = &stored(&ALICE, &open, 1)[0];
    let found = ALICE.ask("GET", message, &[("accept", "application/ld+json")], "");
    assert!(found.text().contains(&WORLD.url(&at)), "{found:?}");
    until("it is noted", || fact(&id, "lastSuccess").is_string());
    until("it is refused", || fact(&refused, "lastFailureReason") == "refused with 403");
    assert_eq!(members(&ALICE, &bobs).len(), 0);
}

/// R-LDN-4: a channel is not rung by what it has written, nor by what another has written because of it.
#[test]
fn t_l06_an_inbox_below_its_topic_makes_no_loop() {
    let sender =
        format!("acl:agent <{}>; {ADD}. <#bob> a acl:Authorization; {}", WORLD.url(SENDER), for_bob("acl:Read"));
    let rules = |at: &str| {
        let bob = format!("acl:accessTo <{0}>; acl:default <{0}>", WORLD.url(at));
        ALICE.rules(at, &format!("{sender}; {bob}"));
    };
    let at = container("loop", "");
    rules(&at);
    let inbox = format!("{at}inbox/");
    ALICE.put(&inbox, "");
    let id = inbox_told(&BOB, &[&at, &inbox], &WORLD.url(&inbox), &json!({ "recursive": true }));
    for number in 1..=3 {
        ALICE.put(&format!("{at}r"), &format!("<> a <#{number}> ."));
        stored(&ALICE, &inbox, number);
        until("nothing is owed", || fact(&id, "pending") == 0);
    }
    // From A to B and back.
    let (a, b) = (container("loop-a", ""), container("loop-b", ""));
    for at in [&a, &b] {
        rules(at);
    }
    let ids = [(&a, &b), (&b, &a)].map(|(from, to)| inbox_told(&BOB, &[from], &WORLD.url(to), &json!({})));
    ALICE.put(&format!("{a}r"), "");
    stored(&ALICE, &a, 2);
    for id in &ids {
        until("nothing is owed", || fact(id, "pending") == 0 && fact(id, "lastSuccess").is_string());
    }
    assert_eq!((members(&ALICE, &a).len(), members(&ALICE, &b).len()), (2, 1));
    // Somebody else's change rings both again.
    ALICE.put(&format!("{b}r"), "");
    stored(&ALICE, &a, 3);
    stored(&ALICE, &b, 3);
}

#[test]
fn t_l07_a_container_takes_notifications_as_an_inbox_does() {
    let inbox = container("inbox", &for_bob("acl:Append"));
    let profile = "application/ld+json; profile=\"https://www.w3.org/ns/activitystreams\"";
    let body = json!({ "@context": "https://www.w3.org/ns/activitystreams", "id": "urn:uuid:1", "type": "Announce" });
    for content_type in ["application/ld+json", profile] {
        let told = BOB.ask("POST", &inbox, &[("content-type", content_type)], body.to_string());
        assert_eq!(told.status, 201, "{told:?}");
        let place = told.header("location").unwrap();
        let found: Reply = ALICE.ask("GET", place, &[("accept", "application/ld+json")], "");
        assert_eq!(found.status, 200, "{found:?}");
        assert!(found.text().contains("Announce"), "{found:?}");
        assert!(members(&ALICE, &inbox).contains(&place.to_owned()));
    }
    BOB.get(&inbox).is_problem(403);
    let listed = ALICE.ask("GET", &inbox, &[("accept", "application/ld+json")], "").text();
    assert!(listed.contains("contains"), "{listed}");
}

/// R-LDN-2: as a webhook is, without waiting to be asked.
#[test]
fn a_message_to_an_inbox_names_its_sender_at_the_first_attempt() {
    let at = document("inbox-hook", &for_bob("acl:Read"));
    let hook = Hook::with(&BOB, LDN, &[&at], Receiver::willing().unwrap(), &json!({}));
    ALICE.put(&at, "<> a <#1> .");
    let received = &hook.receiver.wait(1)[0];
    assert_eq!(told(received), ("Update".into(), at));
    assert!(received.header("authorization").unwrap().starts_with("DPoP ") && received.header("dpop").is_some());
}

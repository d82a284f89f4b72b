//! What led to a change travels with it: to receivers as `Podbell-Cause`, and back with what they write. T-L06.

use super::{
    pushing::pushed,
    streams::document,
    world::{ALICE, ANYBODY, Agent, BOB, TURTLE, WORLD, container, for_bob, listed, public, split, unique, until},
};
use podbell_test_client::receiver::{Received, Receiver};
use serde_json::json;

const CAUSE: &str = "podbell-cause";

/// A webhook of bob's on a document, and what it hears.
fn hook(at: &str) -> Receiver {
    let receiver = Receiver::willing().unwrap();
    let told = pushed(&BOB, "WebhookChannel2023", at, &json!({ "sendTo": receiver.url("/") }));
    assert_eq!(told.status, 200, "{told:?}");
    receiver
}

/// Changes a document, with what led to that; gives the new text.
fn change(who: &Agent, at: &str, cause: Option<&str>) {
    let headers: Vec<_> = [Some(TURTLE), cause.map(|cause| (CAUSE, cause))].into_iter().flatten().collect();
    let told = who.ask("PUT", at, &headers, format!("<#a> <#b> \"{}\" .", unique("change")));
    assert!(told.status < 300, "{told:?}");
}

fn cause(received: &Received) -> &str {
    received.header(CAUSE).unwrap()
}

/// R-LDN-4: A→B→A, by way of receivers elsewhere that write back. What comes about one resource comes in order: had the
/// first been rung by what it led to, it would have heard so before the last change.
#[test]
fn who_led_to_a_change_is_not_rung_and_everybody_else_is() {
    let rules = for_bob("acl:Read, acl:Write");
    let (at, other) = (document("chain-a", &rules), document("chain-b", &rules));
    let (a, witness, b) = (hook(&at), hook(&at), hook(&other));
    change(&ALICE, &at, None);
    let first = a.wait(1);
    // The receiver of the first writes elsewhere, the second's writes back.
    change(&BOB, &other, Some(cause(&first[0])));
    let second = b.wait(1);
    change(&BOB, &at, Some(cause(&second[0])));
    assert_eq!(witness.wait(2).len(), 2, "who is not in the chain hears of it");
    change(&ALICE, &at, None);
    witness.wait(3);
    assert_eq!(a.wait(2).len(), 2, "the first and the last");
    // The second is not rung by what it leads to itself.
    change(&BOB, &other, Some(cause(&b.received()[0])));
    change(&BOB, &other, None);
    assert_eq!(b.wait(2).len(), 2);
    let said = first[0].header(CAUSE).unwrap();
    assert_ne!(said, cause(&second[0]));
    assert_eq!(said.len(), cause(&second[0]).len(), "nobody sees how long the chain is");
    assert!(!WORLD.log().contains(said));
}

/// What is forged, cut, another's or said twice is no chain, and no reason to refuse the write.
#[test]
fn a_chain_that_is_not_ours_hides_nothing() {
    let at = document("chain-forged", &for_bob("acl:Read, acl:Write"));
    let a = hook(&at);
    change(&ALICE, &at, None);
    let sealed = cause(&a.wait(1)[0]).to_owned();
    let flipped = if sealed.starts_with('A') { "B" } else { "A" };
    let forged = [String::new(), "x".into(), "A".repeat(414), sealed[1..].into(), format!("{flipped}{}", &sealed[1..])];
    for (number, forged) in (2..).zip(&forged) {
        change(&BOB, &at, Some(forged));
        assert_eq!(a.wait(number).len(), number, "{forged}");
    }
}

/// Replayed by somebody else it hides no more than it names: only the channels in it do not hear of that one write.
#[test]
fn a_chain_in_the_hands_of_a_stranger_hides_nothing_from_others() {
    let (at, open) =
        (document("chain-stolen", &for_bob("acl:Read")), document("chain-open", &public("acl:Read, acl:Write")));
    let (a, on_open) = (hook(&at), hook(&open));
    change(&ALICE, &at, None);
    let stolen = cause(&a.wait(1)[0]).to_owned();
    change(&ANYBODY, &open, Some(&stolen));
    assert_eq!(on_open.wait(1).len(), 1);
}

/// R-LDN-3, R-LDN-4: nor does it go round by way of a second channel, about the inbox itself.
#[test]
fn t_l06_an_inbox_inside_its_topic_gets_each_change_once() {
    for recursive in [false, true] {
        let at = container(&unique("looped"), "");
        let inbox = format!("{at}inbox/");
        ALICE.put(&inbox, "");
        ALICE.rules(&inbox, &format!("acl:agent <{}>; acl:mode acl:Append", WORLD.url("/.notifications/sender")));
        let tell = |topic: &str| {
            let more = json!({ "sendTo": WORLD.url(&inbox), "recursive": recursive });
            let told = pushed(&ALICE, "LDNChannel2023", topic, &more);
            split(told.json()["id"].as_str().unwrap()).1
        };
        let changes = |each: usize, ids: &[String]| {
            let before = listed(&inbox).len();
            for number in 1..=3 {
                ALICE.put(&format!("{at}{}", unique("note")), "");
                // Whatever the ones before led to was found before this one was, so it is pending or there.
                let pending = |id: &String| ALICE.get(id).json()["urn:podbell:terms#pending"] != 0;
                until("it was told", || listed(&inbox).len() >= before + each * number && !ids.iter().any(pending));
            }
            assert_eq!(listed(&inbox).len(), before + each * 3);
        };
        let one = tell(&at);
        changes(1, std::slice::from_ref(&one));
        changes(2, &[one, tell(&inbox)]);
    }
}

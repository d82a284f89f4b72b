//! Receivers that fail: what is tried again and when, what ends a channel, and that nobody else waits. The cases T-K08 to
//! T-K12 and T-RC3.

use super::{
    brisk::{self, BRISK_ALICE, BRISK_BOB},
    hooks::{Hook, TERMS, WEBHOOK, time_passes, told},
    streams::document,
    world::{ALICE, AUTHORITY, Agent, BOB, World, for_bob},
};
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
    let world: &'static World = Box::leak(Box::new(World::trusting(&[])));
    let (alice, bob) = (world.log_in("ALICE"), world.log_in("BOB"));
    alice.put("/alice/failing/", "");
    alice.rules("/alice/failing/", &format!("acl:agent <{}>; acl:mode acl:Read", world.webid("BOB")));
    alice.put("/alice/failing/r", "");
    (world, alice, bob, "/alice/failing/r")
}

/// The server again, after more than the longest wait.
fn later(world: &World) -> &'static World {
    world.stop("9");
    time_passes(world);
    let roots = AUTHORITY.file().unwrap();
    let world = world.start_again(&[("PODBELL_EGRESS_EXTRA_ROOTS", roots.to_str().unwrap())]);
    std::fs::remove_file(roots).unwrap();
    Box::leak(Box::new(world))
}

/// R-WH-6, R-WH-7: over TLS, and over a crash.
#[test]
fn t_k08_a_delivery_that_failed_twice_comes_again_under_its_id_and_in_order() {
    let (world, alice, bob, at) = begin();
    let script = |number, _: &_| Reply::status(if number < 2 { 500 } else { 204 });
    let hook = Hook::new(&bob, &[at], Receiver::https(&AUTHORITY, script).unwrap());
    alice.put(at, "<> a <#1> .");
    alice.put(at, "<> a <#2> .");
    let two = hook.receiver.wait(2);
    super::world::until("both are owed", || hook.fares(&bob)[format!("{TERMS}pending")] == 2);
    assert!(two[1].at - two[0].at >= Duration::from_secs(4), "five seconds, give or take a fifth");
    let again = later(world);
    hook.receiver.wait(4);
    hook.is_settled(&again.log_in("BOB"));
    let received = hook.receiver.received();
    let ids: Vec<_> = received.iter().map(|received| received.json()["id"].clone()).collect();
    assert_eq!(ids.len(), 4, "no more once it is acknowledged");
    assert!(ids[..3].iter().all(|id| *id == ids[0]) && ids[3] != ids[0], "{ids:?}");
    assert_eq!(received[0].body, received[2].body);
    let proofs = received.iter().map(|received| received.header("dpop").unwrap());
    assert_eq!(proofs.collect::<std::collections::BTreeSet<_>>().len(), 4, "each attempt has a proof of its own");
}

#[test]
fn t_rc3_what_changed_while_a_receiver_was_down_comes_in_order() {
    let (world, alice, bob, at) = begin();
    let up = Arc::new(AtomicBool::new(false));
    let stands = Arc::clone(&up);
    let script = move |_, _: &_| if stands.load(SeqCst) { Reply::status(200) } else { Reply::Close };
    let hook = Hook::new(&bob, &[at], Receiver::http(script).unwrap());
    let states: Vec<_> = (1..=3)
        .map(|number| alice.put(at, &format!("<> a <#{number}> .")).header("etag").unwrap().to_owned())
        .collect();
    hook.receiver.wait(1);
    super::world::until("all are owed", || hook.fares(&bob)[format!("{TERMS}pending")] == 3);
    up.store(true, SeqCst);
    later(world);
    let state = |received: &podbell_test_client::receiver::Received| {
        super::events::version(received.json()["state"].as_str().unwrap()).to_owned()
    };
    let expected: Vec<_> = states.iter().map(|state| super::events::version(state).to_owned()).collect();
    hook.receiver.wait_until("the last change", |all| all.last().is_some_and(|last| state(last) == expected[2]));
    let mut came: Vec<_> = hook.receiver.received().iter().map(state).collect();
    came.dedup();
    assert_eq!(came, expected);
}

/// R-WH-6.
#[test]
fn t_k09_a_receiver_that_is_gone_ends_its_channel() {
    let at = document("gone-hook", &for_bob("acl:Read"));
    let hook = Hook::new(&BOB, &[&at], Receiver::https(&AUTHORITY, |_, _| Reply::status(410)).unwrap());
    let other = Hook::new(&BOB, &[&at], Receiver::willing().unwrap());
    ALICE.put(&at, "<> a <#1> .");
    hook.is_gone(&BOB);
    ALICE.put(&at, "<> a <#2> .");
    other.told(2);
    hook.told(1);
    BOB.get(&hook.id).is_problem(410);
}

/// R-WH-3, R-WH-6: the token and the proof stay here too.
#[test]
fn t_k10_a_redirect_is_a_failure_and_not_followed() {
    let at = document("moved-hook", &for_bob("acl:Read"));
    for status in [301, 302, 303, 307, 308] {
        let elsewhere = Receiver::https(&AUTHORITY, |_, _| Reply::status(204)).unwrap();
        let place = elsewhere.url("/in");
        let script = move |_, _: &_| Reply::with(status, "location", &place);
        let hook = Hook::new(&BOB, &[&at], Receiver::https(&AUTHORITY, script).unwrap());
        ALICE.put(&at, &format!("<> a <#{status}> ."));
        let failed = |hook: &Hook| hook.fares(&BOB)[format!("{TERMS}lastFailureReason")].clone();
        super::world::until("the attempt is noted", || failed(&hook) == format!("refused with {status}"));
        assert_eq!((elsewhere.connections(), hook.receiver.received().len()), (0, 1));
        assert_eq!(hook.fares(&BOB)[format!("{TERMS}pending")], 1);
    }
}

/// R-WH-3: here the limit is a second; by default it is fifteen.
#[test]
fn t_k11_a_receiver_that_hangs_is_left_after_a_while_and_keeps_nobody_waiting() {
    let at = brisk::document("hangs");
    let (hangs, mut fine) = (Receiver::http(|_, _| Reply::Hang).unwrap(), Vec::new());
    let hook = Hook::new(&BRISK_BOB, &[&at], hangs);
    for _ in 0..3 {
        fine.push(Hook::new(&BRISK_BOB, &[&at], Receiver::willing().unwrap()));
    }
    BRISK_ALICE.put(&at, "<> a <#1> .");
    hook.receiver.wait(1);
    for fine in &fine {
        BRISK_ALICE.put(&at, "<> a <#2> .");
        fine.receiver.wait(1);
    }
    let key = format!("{TERMS}lastFailureReason");
    super::world::until("the attempt has timed out", || hook.fares(&BRISK_BOB)[&key] == "timed-out");
    let attempt = &hook.below(&BRISK_BOB, "attempts")["attempt"][0];
    assert_eq!(attempt["outcome"], "timed-out");
    let took = attempt["took"].as_str().unwrap().trim_start_matches("PT").trim_end_matches('S').to_owned();
    assert!((1.0..10.0).contains(&took.parse::<f64>().unwrap()), "{attempt}");
}

/// R-WH-6: longer than would be waited without.
#[test]
fn t_k12_a_receiver_says_when_to_come_again() {
    let at = document("busy-hook", &for_bob("acl:Read"));
    let script = |number, _: &_| if number == 0 { Reply::with(429, "retry-after", "8") } else { Reply::status(204) };
    let hook = Hook::new(&BOB, &[&at], Receiver::http(script).unwrap());
    ALICE.put(&at, "<> a <#1> .");
    let received = hook.receiver.wait(2);
    assert!(received[1].at - received[0].at >= Duration::from_secs(8), "{:?}", received[1].at - received[0].at);
    assert_eq!(received[0].json(), received[1].json());
}

/// R-WH-6: every way to answer, and what the channel's agent reads of it.
#[test]
fn how_receivers_answer_is_a_table() {
    let at = brisk::document("answers");
    let location = || Reply::with(301, "location", "http://localhost:9/");
    let mut table = vec![
        (location(), Some("refused with 301")),
        (Reply::Hang, Some("timed-out")),
        (Reply::Drip(500, Duration::from_millis(900)), None),
        (Reply::Close, Some("unreachable")),
        (Reply::Cut, Some("unreachable")),
        (Reply::Bytes(b"no HTTP\r\n\r\n".to_vec()), Some("unreachable")),
        (Reply::Endless(200), None),
    ];
    table.extend([200, 201, 202, 204, 299].map(|status| (Reply::status(status), None)));
    let refused = [(400, "refused with 400"), (401, "refused with 401"), (403, "refused with 403")];
    let later = [(404, "refused with 404"), (413, "refused with 413"), (500, "refused with 500")];
    let slower = [(429, "refused with 429"), (502, "refused with 502"), (503, "refused with 503")];
    let failures = refused.into_iter().chain(later).chain(slower);
    table.extend(failures.map(|(status, why)| (Reply::status(status), Some(why))));
    for (reply, why) in table {
        let script = reply.clone();
        let hook = Hook::new(&BRISK_BOB, &[&at], Receiver::http(move |_, _| script.clone()).unwrap());
        BRISK_ALICE.put(&at, "<> a <#1> .");
        BRISK_ALICE.put(&at, "<> a <#2> .");
        hook.receiver.wait(1);
        let seen = |name: &str| hook.fares(&BRISK_BOB)[format!("{TERMS}{name}")].clone();
        let is_drip = matches!(reply, Reply::Drip(..));
        super::world::until("the attempt is noted", || {
            !seen("lastFailure").is_null() || !seen("lastSuccess").is_null()
        });
        if is_drip {
            assert!(!seen("lastFailure").is_null(), "{reply:?}");
        } else if let Some(why) = why {
            assert_eq!(seen("lastFailureReason"), why, "{reply:?}");
            super::world::until("what comes after it waits", || seen("pending") == 2);
            assert!(seen("failingSince").is_string() && seen("nextAttempt").is_string());
        } else {
            hook.is_settled(&BRISK_BOB);
            assert!(seen("lastFailure").is_null(), "{reply:?}");
        }
        assert_eq!(BRISK_BOB.ask("DELETE", &hook.id, &[], "").status, 204);
    }
}

/// Nothing after the answer that it is deleted, though an attempt hangs and more is owed.
#[test]
fn a_channel_that_is_deleted_while_an_attempt_hangs_is_heard_no_more() {
    let at = document("deleted-hanging", &for_bob("acl:Read"));
    let hook = Hook::with(&BOB, WEBHOOK, &[&at], Receiver::http(|_, _| Reply::Hang).unwrap(), &json!({}));
    let other = Hook::new(&BOB, &[&at], Receiver::willing().unwrap());
    ALICE.put(&at, "<> a <#1> .");
    ALICE.put(&at, "<> a <#2> .");
    hook.receiver.wait(1);
    assert_eq!(BOB.ask("DELETE", &hook.id, &[], "").status, 204);
    ALICE.put(&at, "<> a <#3> .");
    let all = other.receiver.wait(3);
    assert_eq!(all.iter().map(told).collect::<Vec<_>>(), vec![("Update".to_owned(), at); 3]);
    assert_eq!((hook.receiver.received().len(), hook.receiver.connections()), (1, 1));
    BOB.get(&hook.id).is_problem(410);
}

//! What becomes of channels that push is told to those who asked for it, in words that say nothing of any resource.

use super::{
    health::fact,
    hooks::{Hook, TERMS, WEBHOOK},
    streams::document,
    world::{ALICE, BOB, WORLD, World, for_bob, until},
};
use podbell_model::Timestamp;
use podbell_test_client::receiver::{Receiver, Reply};
use serde_json::json;
use std::{collections::BTreeSet, time::Duration};

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

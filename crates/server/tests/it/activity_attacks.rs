//! Attacks on `/.notifications/activity/` and `/.notifications/traffic/`: by strangers, by what they send, by old places.

use super::{
    activity::{ALICE, ANYBODY, BOB, about, damaged, entries, first},
    world::{Agent, Reply, World, split},
};

const BOTH: [&str; 2] = ["activity", "traffic"];

/// What tells one answer from another, but for the moment.
fn told(reply: &Reply) -> (u16, Vec<(String, String)>, String) {
    let mut headers = reply.headers.clone();
    headers.retain(|(name, _)| name != "date");
    (reply.status, headers, reply.text())
}

#[test]
fn a_stranger_does_not_learn_whether_there_is_such_a_storage() {
    ALICE.put("/alice/lately-attacks/secret", "");
    for what in BOTH {
        let refused = BOB.get(&about(&BOB, what, "/nobody-there/", ""));
        refused.is_problem(403);
        for (root, more) in [
            ("/alice/", ""),
            ("/alice/", "&limit=1"),
            ("/alice/", "&limit=nonsense"),
            ("/alice/", "&after=nonsense"),
            ("/alice/lately-attacks/", ""),
            ("/", ""),
        ] {
            assert_eq!(told(&BOB.get(&about(&BOB, what, root, more))), told(&refused), "{what} {root} {more}");
        }
        BOB.get(&format!("/.notifications/{what}/?storage=nonsense")).is_problem(403);
        let unknown = ANYBODY.get(&about(&ANYBODY, what, "/nobody-there/", ""));
        unknown.is_problem(401);
        for query in ["", "&limit=nonsense", "&after=AAAA"] {
            assert_eq!(told(&ANYBODY.get(&about(&ANYBODY, what, "/alice/", query))), told(&unknown), "{what} {query}");
        }
        ANYBODY.get(&format!("/.notifications/{what}/")).is_problem(401);
        ALICE.get(&format!("/.notifications/{what}/")).is_problem(400);
    }
}

#[test]
fn who_may_read_everything_is_not_the_owner_for_that() {
    let root = "/alice/lately-shared/";
    ALICE.put(root, "");
    ALICE.rules(root, &format!("acl:agent <{}>; acl:mode acl:Read, acl:Write, acl:Control", ALICE.world.webid("BOB")));
    for what in BOTH {
        BOB.get(&about(&BOB, what, "/alice/", "")).is_problem(403);
        BOB.get(&about(&BOB, what, root, "")).is_problem(403);
        ALICE.get(&about(&ALICE, what, root, "")).is_problem(403);
    }
}

#[test]
fn a_place_to_go_on_from_opens_for_whom_and_what_it_was_made() {
    for number in 0..3 {
        ALICE.put(&format!("/alice/lately-places/{number}"), "");
        BOB.put(&format!("/bob/lately-places/{number}"), "");
    }
    let next = |agent: &Agent, root: &str| split(&first(agent, root, "&limit=1").link("next").unwrap()).1;
    let (hers, his) = (next(&ALICE, "/alice/"), next(&BOB, "/bob/"));
    let place = |path: &str| path.rsplit_once("after=").unwrap().1.to_owned();
    assert_eq!(ALICE.get(&hers).status, 200);
    assert_ne!(place(&next(&ALICE, "/alice/")), place(&hers), "the same place looks different each time");
    assert_eq!(place(&hers).len(), place(&his).len());
    // Another's, of another storage, changed, and no place at all.
    ALICE.get(&about(&ALICE, "activity", "/alice/", &format!("&after={}", place(&his)))).is_problem(400);
    BOB.get(&about(&BOB, "activity", "/bob/", &format!("&after={}", place(&hers)))).is_problem(400);
    BOB.get(&hers).is_problem(403);
    ANYBODY.get(&hers).is_problem(401);
    ALICE.get(&damaged(&hers)).is_problem(400);
    for text in ["", "x", "%00", "0", &"A".repeat(56), &"A".repeat(1_000)] {
        ALICE.get(&about(&ALICE, "activity", "/alice/", &format!("&after={text}"))).is_problem(400);
    }
    // A listener's cursor is no place here, nor the other way round.
    let read = ALICE.get("/alice/lately-places/0");
    let cursor = read.header("podbell-cursor").unwrap();
    ALICE.get(&about(&ALICE, "activity", "/alice/", &format!("&after={cursor}"))).is_problem(400);
}

#[test]
fn what_is_asked_for_badly_is_refused_and_nothing_but_reading_is_taken() {
    for limit in ["0", "101", "-1", "1e1", "", "9999999999999999999999"] {
        ALICE.get(&about(&ALICE, "activity", "/alice/", &format!("&limit={limit}"))).is_problem(400);
    }
    assert_eq!(entries(&first(&ALICE, "/alice/", "&limit=1")).len(), 1);
    for what in BOTH {
        let path = about(&ALICE, what, "/alice/", "");
        for method in ["PUT", "POST", "PATCH", "DELETE"] {
            assert_eq!(ALICE.ask(method, &path, &[], "").is_problem(405).header("allow"), Some("GET, HEAD, OPTIONS"));
        }
        let options = ALICE.ask("OPTIONS", &path, &[], "");
        assert_eq!((options.status, options.header("allow")), (204, Some("GET, HEAD, OPTIONS")));
        let head = ALICE.ask("HEAD", &path, &[], "");
        assert_eq!((head.status, head.body.len()), (200, 0));
        ALICE.ask("GET", &path, &[("accept", "text/turtle")], "").is_problem(406);
        assert_eq!(ALICE.get(&path.replacen("/?", "?", 1)).status, 200, "without the last slash too");
    }
}

/// Who came from a copy has another history: old places would show a part of it as if nothing were missing.
#[test]
fn after_a_restore_an_old_place_opens_nothing() {
    let world: &'static World = Box::leak(Box::new(World::start(&[])));
    let alice = world.log_in("ALICE");
    for number in 0..3 {
        alice.put(&format!("/alice/before-{number}"), "");
    }
    let next = split(&first(&alice, "/alice/", "&limit=1").link("next").unwrap()).1;
    world.stop("TERM");
    let world: &'static World = Box::leak(Box::new(world.start_again(&[])));
    let alice = world.log_in("ALICE");
    assert_eq!(alice.get(&next).status, 200, "a restart alone loses nothing");
    world.stop("TERM");
    world.restored();
    let world: &'static World = Box::leak(Box::new(world.start_again(&[])));
    let alice = world.log_in("ALICE");
    alice.get(&next).is_problem(400);
    assert!(entries(&first(&alice, "/alice/", "")).is_empty(), "that history is gone");
    alice.put("/alice/after", "");
    assert_eq!(entries(&first(&alice, "/alice/", ""))[0]["object"], world.url("/alice/after"));
}

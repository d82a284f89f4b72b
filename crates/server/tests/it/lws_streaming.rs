//! Over WebSockets and event streams: §8 of the reference, T-LWS-43 to T-LWS-47.

use super::{
    lws::{EVENTS, WEBSOCKET, capability, events, fact, heard, listed, made, managed, open, short, socket},
    socket::Socket,
    world::{ALICE, ANYBODY, Agent, BOB, WORLD, World, container, for_bob, until},
};
use serde_json::json;
use std::sync::LazyLock;

/// A server on which nothing stays for long.
static HASTY: LazyLock<World> =
    LazyLock::new(|| World::start(&[("PODBELL_LWS_GRACE", "1s"), ("PODBELL_LIMITS_UNUSED_CAPABILITY", "2s")]));
static HASTY_ALICE: LazyLock<Agent> = LazyLock::new(|| HASTY.log_in("ALICE"));

fn topic(name: &str) -> String {
    container(name, &for_bob("acl:Read"))
}

/// R-LWS-25.
#[test]
fn t_lws_43_one_text_message_is_one_envelope() {
    let at = topic("lws-ws");
    let made = made(&BOB, WEBSOCKET, &[&at]);
    assert!(made.json()["subscription"].as_str().unwrap().starts_with("ws://"), "wss: on a public name");
    assert_ne!(capability(&made), managed(&made));
    let (mut bob, head) = Socket::open(&capability(&made), &[]);
    assert_eq!(head.header("sec-websocket-protocol"), None);
    ALICE.put(&format!("{at}n"), "");
    assert_eq!(bob.heard()["type"], "Notification");
}

/// §8: it ends with the connection.
#[test]
fn t_lws_44_a_subscription_ends_with_its_socket() {
    let at = topic("lws-closed-socket");
    let (bob, made) = socket(&BOB, &[&at]);
    assert!(listed(&BOB).contains(&managed(&made)));
    drop(bob);
    until("it is gone", || BOB.get(&managed(&made)).status == 404);
    assert!(!listed(&BOB).contains(&managed(&made)));
    let again = Socket::try_open(&WORLD, &capability(&made), &[]).err();
    assert!(matches!(again, Some(404 | 410)), "{again:?}");
}

/// §8, R-ES-1 to R-ES-3.
#[test]
fn t_lws_45_an_event_is_an_envelope_with_an_id_and_no_name() {
    let at = topic("lws-sse");
    let (mut bob, made) = events(&BOB, &[&at]);
    assert!(made.json()["subscription"].as_str().unwrap().starts_with("http://"));
    assert_eq!(bob.head.header("content-type"), Some("text/event-stream; charset=utf-8"));
    assert_eq!(bob.head.header("cache-control"), Some("no-store, no-transform"));
    ALICE.put(&format!("{at}n"), "");
    let (name, id, data) = bob.event().unwrap();
    assert_eq!((name, id.is_empty(), short(&data)), (None, false, fact("Create", format!("{at}n"))));
}

/// R-LWS-26.
#[test]
fn t_lws_46_who_comes_back_in_time_hears_what_was_missed_once_and_in_order() {
    let at = topic("lws-back");
    let (mut bob, made) = events(&BOB, &[&at]);
    ALICE.put(&format!("{at}0"), "");
    let (_, mut last, _) = bob.event().unwrap();
    for round in 1..4 {
        // Also while the old connection is still there: it ends for the new one.
        if round < 3 {
            drop(bob);
        }
        let missed = [format!("{at}{round}-1"), format!("{at}{round}-2")];
        for path in &missed {
            ALICE.put(path, "");
        }
        bob = open(&BOB, &made, &[("last-event-id", &last)]).opened();
        for path in missed {
            let (name, id, data) = bob.event().unwrap();
            assert_eq!((name, short(&data)), (None, fact("Create", path)));
            last = id;
        }
    }
    ALICE.put(&format!("{at}live"), "");
    assert_eq!(short(&bob.event().unwrap().2), fact("Create", format!("{at}live")));
}

/// R-LWS-26, LW24: what is left is told without a gap, also if nothing is left of one storage.
#[test]
fn t_lws_46_who_lost_a_storage_meanwhile_hears_all_that_was_missed_of_the_other() {
    let (lost, kept) = (topic("lws-back-lost"), "/lws-back-kept/");
    WORLD.pod(&["create", "lws-back-kept", "--owner", WORLD.webid("ALICE")]);
    ALICE.rules(kept, &for_bob("acl:Read"));
    let (mut bob, made) = events(&BOB, &[&lost, kept]);
    ALICE.put(&format!("{kept}heard"), "");
    let (_, last, _) = bob.event().unwrap();
    drop(bob);
    ALICE.rules(&lost, "acl:agentClass foaf:Agent; acl:mode acl:Append");
    ALICE.put(&format!("{kept}missed"), "");
    let mut bob = open(&BOB, &made, &[("last-event-id", &last)]).opened();
    ALICE.put(&format!("{kept}live"), "");
    for path in ["missed", "live"] {
        assert_eq!(short(&bob.event().unwrap().2), fact("Create", format!("{kept}{path}")));
    }
}

/// R-LWS-26: an `EventSource` that has heard nothing yet can come back too.
#[test]
fn t_lws_46_who_has_heard_nothing_yet_comes_back_too() {
    let at = topic("lws-back-early");
    let (mut bob, made) = events(&BOB, &[&at]);
    let mut id = None;
    while id.is_none() {
        let block = bob.block().unwrap();
        assert!(!block.contains("data:"), "{block}");
        id = block.lines().find_map(|line| Some(line.strip_prefix("id: ")?.to_owned()));
    }
    drop(bob);
    ALICE.put(&format!("{at}missed"), "");
    let mut bob = open(&BOB, &made, &[("last-event-id", &id.unwrap())]).opened();
    assert_eq!(short(&bob.event().unwrap().2), fact("Create", format!("{at}missed")));
}

/// R-LWS-26.
#[test]
fn t_lws_46_who_comes_too_late_or_with_nothing_that_opens_subscribes_anew() {
    let alice = &*HASTY_ALICE;
    let (mut stream, made) = events(alice, &["/alice/"]);
    alice.put("/alice/x", "");
    let (_, id, _) = stream.event().unwrap();
    for nonsense in ["garbage", &*"A".repeat(56)] {
        assert_eq!(open(alice, &made, &[("last-event-id", nonsense)]).head.status, 204, "{nonsense}");
    }
    // None of that has disturbed whoever is there.
    alice.put("/alice/y", "");
    assert_eq!(short(&stream.event().unwrap().2), fact("Create", "/alice/y"));
    drop(stream);
    until("the grace is over", || alice.get(&managed(&made)).status == 404);
    assert_eq!(open(alice, &made, &[("last-event-id", &id)]).head.status, 204);
    assert!(matches!(open(alice, &made, &[]).head.status, 404 | 410));
}

/// R-AUTH-5, R-LWS-25.
#[test]
fn t_lws_47_a_capability_opens_once_in_time_and_is_in_no_log() {
    let at = topic("lws-once");
    let (mut bob, one) = socket(&BOB, &[&at]);
    let (mut stream, two) = events(&BOB, &[&at]);
    assert!(matches!(Socket::try_open(&WORLD, &capability(&one), &[]).err(), Some(410 | 429)));
    assert!(matches!(ANYBODY.get(&capability(&two)).status, 410 | 429));
    ALICE.put(&format!("{at}n"), "");
    assert_eq!(heard(&mut bob), fact("Create", format!("{at}n")));
    assert_eq!(short(&stream.event().unwrap().2), fact("Create", format!("{at}n")));
    drop((bob, stream));
    // In the grace too: whoever found the URL has heard nothing of it.
    until("the seat is free", || ANYBODY.get(&capability(&two)).status == 410);
    ANYBODY.get("/.notifications/connect/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").is_problem(404);
    let log = WORLD.log();
    for made in [&one, &two] {
        let path = capability(made);
        assert!(!log.contains(path.rsplit('/').next().unwrap()), "a capability is in the log");
    }
    let late = [made(&HASTY_ALICE, WEBSOCKET, &["/alice/"]), made(&HASTY_ALICE, EVENTS, &["/alice/"])];
    for made in &late {
        until("nobody came", || HASTY_ALICE.get(&managed(made)).status == 404);
    }
    assert!(matches!(Socket::try_open(&HASTY, &capability(&late[0]), &[]).err(), Some(404 | 410)));
    assert!(matches!(open(&HASTY_ALICE, &late[1], &[]).head.status, 404 | 410));
    // A socket's URL is no event stream's, nor the other way round.
    let (ws, sse) = (made(&BOB, WEBSOCKET, &[&at]), made(&BOB, EVENTS, &[&at]));
    assert_eq!(ANYBODY.get(&capability(&ws)).status, 426);
    assert!(Socket::try_open(&WORLD, &capability(&sse), &[]).is_err());
}

/// R-LWS-26, T-LWS-49: what a server leaves behind ends in the next one's time.
#[test]
fn t_lws_49_after_a_restart_streams_are_come_back_to_and_the_others_stay_or_go() {
    let world: &'static World = Box::leak(Box::new(World::start(&[])));
    let alice = world.log_in("ALICE");
    let hook = made(&alice, super::lws::WEBHOOK, &["/alice/nothing"]);
    let (_socket, ended) = socket(&alice, &["/alice/"]);
    let (mut stream, kept) = events(&alice, &["/alice/"]);
    let (_, left) = events(&alice, &["/alice/"]);
    alice.put("/alice/x", "");
    let (_, id, _) = stream.event().unwrap();
    world.stop("9");
    let world: &'static World = Box::leak(Box::new(world.start_again(&[("PODBELL_LWS_GRACE", "1s")])));
    let alice = world.log_in("ALICE");
    alice.put("/alice/y", "");
    let mut stream = open(&alice, &kept, &[("last-event-id", &id)]).opened();
    assert_eq!(short(&stream.event().unwrap().2), fact("Create", "/alice/y"));
    assert!(matches!(open(&alice, &left, &[]).head.status, 404 | 410), "it opens once");
    assert!(Socket::try_open(world, &capability(&ended), &[]).is_err());
    until("the socket's is gone", || alice.get(&managed(&ended)).status == 404);
    let state = alice.get(&managed(&hook)).json();
    assert_eq!(state["topic"], json!([world.url("/alice/nothing")]));
}

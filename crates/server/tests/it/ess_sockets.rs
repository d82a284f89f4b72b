//! The sockets of ESS: §10, WebSocket, of its reference.

use super::{
    brisk,
    connect::{Socket, opening, receive_from},
    ess::{ENDPOINT, SUBPROTOCOL, listen, open, place, refused, short, state, subscribe},
    events::{tag, version},
    looking_after::all,
    services,
    world::{ALICE, Agent, BOB, WORLD, World, container, for_bob, until},
};
use podbell_model::Timestamp;
use serde_json::Value;
use std::time::{Duration, Instant};

fn document(name: &str) -> String {
    let path = format!("{}r", container(name, &for_bob("acl:Read")));
    ALICE.put(&path, "");
    path
}

/// A frame of a client.
fn masked(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode, 0x80 | 127];
    frame.extend((payload.len() as u64).to_be_bytes());
    frame.extend([0; 4]);
    frame.extend(payload);
    if payload.len() < 126 {
        // The shortest form is the only one that is allowed.
        frame[1] = 0x80 | u8::try_from(payload.len()).unwrap();
        frame.drain(2..10);
    }
    frame
}

/// The channels of an agent about a topic.
fn kept(agent: &Agent, path: &str) -> usize {
    let topic = Value::from(agent.world.url(path));
    all(agent, "").iter().filter(|channel| channel["topic"] == topic).count()
}

/// ESS-23, ESS-24, ESS-26: nothing is said before the first change, and what is said is not compressed.
#[test]
fn a_socket_speaks_solid_0_2_and_says_nothing_before_the_first_change() {
    let at = document("ess-opened");
    let offers = [None, Some("solid-0.2"), Some("other, solid-0.2")];
    for offered in offers {
        let deflate = ("sec-websocket-extensions", "permessage-deflate; client_max_window_bits");
        let headers: Vec<_> = offered.map(|offered| (SUBPROTOCOL.0, offered)).into_iter().chain([deflate]).collect();
        let (mut socket, told) = Socket::open(&place(&subscribe(&BOB, &at)), &headers);
        assert_eq!(told.header("sec-websocket-protocol"), offered.map(|_| "solid-0.2"));
        assert_eq!(told.header("sec-websocket-extensions"), None);
        let changed = tag(&ALICE.put(&at, "<> a <#x>."));
        let (opcode, text) = socket.frame().unwrap();
        assert_eq!(opcode, 1, "text, whole");
        assert_eq!(state(&serde_json::from_slice(&text).unwrap()), version(&changed));
    }
    let unopened = place(&subscribe(&BOB, &at));
    for other in ["other", "solid-0.1", "solid-0.20, SOLID-0.2"] {
        let told = WORLD.raw(opening(&unopened, &[(SUBPROTOCOL.0, other), ("connection", "upgrade, close")]));
        assert!((400..500).contains(&told.status), "{other}: {told:?}");
    }
    Socket::open(&unopened, &[SUBPROTOCOL]);
}

/// ESS-25.
#[test]
fn only_its_own_token_opens_a_socket_and_that_once() {
    let at = document("ess-token");
    let place = place(&subscribe(&BOB, &at));
    let secret = place.rsplit('=').next().unwrap();
    for other in [
        ENDPOINT.to_owned(),
        format!("{ENDPOINT}?auth="),
        format!("{ENDPOINT}?auth=x"),
        place[..place.len() - 1].to_owned(),
        format!("{place}x"),
        format!("{ENDPOINT}?x=1&AUTH={secret}"),
        format!("/.notifications/gateway/?auth={secret}"),
    ] {
        refused(&WORLD, &other);
    }
    let (mut socket, _) = Socket::open(&place, &[SUBPROTOCOL]);
    refused(&WORLD, &place);
    ALICE.put(&at, "<> a <#x>.");
    assert_eq!(short(&socket.heard()), ("Update".to_owned(), at.clone()));
    drop(socket);
    refused(&WORLD, &place);
    let log = WORLD.log();
    assert!(log.len() > 1_000, "there is a log");
    for secret in [secret, BOB.token.as_ref().unwrap()] {
        assert_eq!(log.lines().find(|line| line.contains(secret)), None);
    }
}

/// ESS-25: what another front door gave opens nothing here, nor the other way round.
#[test]
fn a_token_of_another_door_is_foreign() {
    let at = document("ess-foreign");
    let other = receive_from(&services::subscribe(&BOB, &at));
    refused(&WORLD, &format!("{ENDPOINT}?auth={}", other.rsplit('/').next().unwrap()));
    Socket::open(&other, &[]);
    let place = place(&subscribe(&BOB, &at));
    refused(&WORLD, &format!("/.notifications/connect/{}", place.rsplit('=').next().unwrap()));
    Socket::open(&place, &[SUBPROTOCOL]);
}

/// ESS-25: with a short time, which by default is a minute.
#[test]
fn a_token_that_was_not_used_in_time_opens_nothing() {
    let settings = [("PODBELL_LIMITS_UNUSED_CAPABILITY", "1s")];
    let world: &'static World = Box::leak(Box::new(World::start(&settings)));
    let alice = world.log_in("ALICE");
    let late = place(&subscribe(&alice, "/alice/"));
    let over = Timestamp::now() + Duration::from_secs(1);
    until("it is over", || Timestamp::now() > over);
    refused(world, &late);
}

/// ESS-27. There is one replica.
#[test]
fn what_is_changed_right_after_the_opening_is_heard_a_thousand_times() {
    let at = container("ess-at-once", &for_bob("acl:Read"));
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let at = format!("{at}{thread}");
            scope.spawn(move || {
                for round in 0..250 {
                    let mut socket = listen(&BOB, &at);
                    let changed = tag(&ALICE.put(&at, &format!("<> a <#{round}>.")));
                    let told = socket.heard();
                    assert_eq!((short(&told).1, state(&told)), (at.clone(), version(&changed)));
                }
            });
        }
    });
    // They were for one time each, and count for nobody any more.
    until("all are forgotten", || all(&BOB, "").iter().all(|channel| !channel["topic"].to_string().contains(&at)));
}

/// ESS-28.
#[test]
fn a_goodbye_is_answered_at_once_and_nothing_is_kept() {
    let at = document("ess-goodbye");
    for says_so in [true, false] {
        let mut socket = listen(&BOB, &at);
        assert_eq!(kept(&BOB, &at), 1);
        let begun = Instant::now();
        if says_so {
            // As the client does, without a code.
            socket.send(&masked(8, b""));
            assert_eq!(socket.frame().map(|(opcode, _)| opcode), Some(8));
            assert!(socket.frame().is_none(), "the connection ends");
            assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
        }
        drop(socket);
        until("it is forgotten", || kept(&BOB, &at) == 0);
    }
}

/// ESS-29.
#[test]
fn sockets_stand_side_by_side_and_end_one_by_one() {
    let at = document("ess-twice");
    let [mut one, mut two] = [0, 1].map(|_| listen(&BOB, &at));
    ALICE.put(&at, "<> a <#1>.");
    assert_eq!(one.heard(), two.heard());
    one.send(&masked(8, b""));
    assert_eq!(one.frame().map(|(opcode, _)| opcode), Some(8));
    ALICE.put(&at, "<> a <#2>.");
    assert_eq!(short(&two.heard()), ("Update".to_owned(), at.clone()));
    let mut again = listen(&BOB, &at);
    ALICE.put(&at, "<> a <#3>.");
    assert_eq!(again.heard(), two.heard());
}

/// ESS-30: with a short beat. By default it is 25 seconds, inside the minute after which proxies cut.
#[test]
fn an_idle_socket_is_kept_awake() {
    let at = brisk::document("ess-idle");
    let mut socket = listen(&brisk::BRISK_BOB, &at);
    let begun = Instant::now();
    for _ in 0..6 {
        assert_eq!(socket.frame().map(|(opcode, _)| opcode), Some(9));
        socket.send(&masked(10, b""));
    }
    assert!(begun.elapsed() < Duration::from_secs(15), "half a second each: {:?}", begun.elapsed());
    brisk::BRISK_ALICE.put(&at, "<> a <#x>.");
    assert_eq!(socket.heard()["type"][1], "Update");
}

/// ESS-31: also after a crash nothing is left of what was for one time.
#[test]
fn a_server_that_stops_says_so_and_who_asks_again_is_heard() {
    let mut world: &'static World = Box::leak(Box::new(World::start(&[])));
    for signal in ["TERM", "9"] {
        let alice = world.log_in("ALICE");
        let mut socket = listen(&alice, "/alice/profile/card");
        world.stop(signal);
        assert_eq!(socket.closed(), (signal == "TERM").then_some(1001));
        world = Box::leak(Box::new(world.start_again(&[])));
        let alice = world.log_in("ALICE");
        assert_eq!(kept(&alice, "/alice/profile/card"), 0);
        let at = format!("/alice/ess-after-{signal}");
        let mut socket = listen(&alice, &at);
        alice.put(&at, "");
        assert_eq!(short(&socket.heard()), ("Create".to_owned(), at));
    }
}

/// ESS-32.
#[test]
fn what_a_client_says_disturbs_nobody() {
    let at = document("ess-noise");
    let (mut loud, mut other) = (open(&WORLD, &subscribe(&BOB, &at)), listen(&BOB, &at));
    for (opcode, payload) in [(1, &b"sub http://localhost/"[..]), (2, &[0; 100]), (1, b"{}"), (1, b"")] {
        loud.send(&masked(opcode, payload));
    }
    ALICE.put(&at, "<> a <#1>.");
    assert_eq!(loud.heard(), other.heard());
    loud.send(&masked(1, &vec![b'x'; 1 << 20]));
    assert_eq!(loud.closed(), Some(1009));
    ALICE.put(&at, "<> a <#2>.");
    assert_eq!(short(&other.heard()), ("Update".to_owned(), at));
}

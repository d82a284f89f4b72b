//! Listeners that have stopped reading: they hold up nobody, and what waits for them is judged when it goes out.
//!
//! What the kernel has taken is sent. More than it takes is written, so that the rest waits in the server.

use super::{
    ears::{Ear, Listener, Way},
    socket::Socket,
    streams::receive_from,
    world::{Agent, World},
};
use serde_json::json;

const AT: &str = "/alice/paused/";

/// What one write comes to: a document and the containers on its way.
const CHANGES: usize = 8;

/// A server with such limits, its alice, and a container that bob may read.
fn begin(settings: &[(&str, &str)]) -> (&'static World, Agent, Agent) {
    let world: &'static World = Box::leak(Box::new(World::start(settings)));
    let (alice, bob) = (world.log_in("ALICE"), world.log_in("BOB"));
    alice.put(AT, "");
    alice.rules(AT, &format!("acl:agent <{}>; acl:mode acl:Read", world.webid("BOB")));
    (world, alice, bob)
}

/// Where everything below the container is told.
fn place(who: Listener<'_>, way: Way) -> String {
    receive_from(&who.subscribe(way, &[AT], json!({ "urn:podbell:terms#recursive": true })))
}

/// Long names make long notifications: some ten thousand bytes a write.
fn write(alice: &Agent, number: usize) {
    alice.put(&format!("{AT}{number}/{}r", format!("{}/", "x".repeat(250)).repeat(CHANGES - 2)), "");
}

/// R-WS-8: the queue of each is bounded, and what goes past it ends the connection; every write is answered meanwhile.
#[test]
fn t_w10_who_does_not_read_delays_nobody_and_is_let_go() {
    let settings = [("PODBELL_LIMITS_SEND_QUEUE", "16 KiB"), ("PODBELL_LIMITS_CONNECTIONS_PER_CAPABILITY", "1")];
    let (world, alice, bob) = begin(&settings);
    let bob = Listener::from(&bob);
    let (place, other) = (place(bob, Way::WebSocket), place(bob, Way::WebSocket));
    let open = |place: &str| Socket::try_open(world, place, &[]).map(|(socket, _)| socket);
    let (stopped, mut reads) = (open(&place).unwrap(), open(&other).unwrap());
    assert_eq!(open(&place).err(), Some(429));
    let mut written = 0;
    let mut again = loop {
        for _ in 0..10 {
            write(&alice, written);
            written += 1;
            for _ in 0..CHANGES {
                assert_eq!(reads.heard()["type"], "Create", "who reads hears everything");
            }
        }
        match open(&place) {
            Ok(socket) => break socket,
            Err(status) => assert_eq!((status, written < 2_000), (429, true)),
        }
    };
    alice.put(&format!("{AT}last"), "");
    assert!(again.heard()["object"].as_str().unwrap().ends_with("/last"));
    drop(stopped);
}

/// S03, R-AUTH-1: what was committed before a withdrawal and still waits is not sent after it.
#[test]
fn what_waits_for_a_listener_that_loses_access_is_never_sent() {
    let (_, alice, bob) = begin(&[("PODBELL_LIMITS_SEND_QUEUE", "64 MiB")]);
    let bob = Listener::from(&bob);
    let ways = [Way::WebSocket, Way::Events, Way::Lines];
    let ears =
        ways.map(|way| (way, bob.connect(way, &place(bob, way), None).unwrap_or_else(|status| panic!("{status}"))));
    // Sockets take four million bytes at most.
    let written = 600;
    (0..written).for_each(|number| write(&alice, number));
    alice.rules(AT, "");
    for (way, mut ear) in ears {
        let heard = until_cut(&mut ear);
        assert!((1..written * CHANGES).contains(&heard), "{way:?} heard {heard}");
    }
}

/// How much is heard until the end, in the midst of a notification or behind one.
fn until_cut(ear: &mut Ear) -> usize {
    let mut heard = 0;
    while ear.next().is_some() {
        heard += 1;
    }
    heard
}

//! Many changes at once over the sockets of ESS, and who cannot keep up: §10 of its reference.

use super::{
    connect::opening,
    ess::{SUBPROTOCOL, listen, place, short, state, subscribe},
    events::{tag, version},
    looking_after::all,
    world::{ALICE, BOB, World, container, for_bob},
};
use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::{Duration, Instant},
};

/// ESS-44.
#[test]
fn five_hundred_changes_at_once_are_told_in_their_order_and_all_of_them() {
    let at = format!("{}r", container("ess-burst", &for_bob("acl:Read")));
    let (mut one, mut two) = (listen(&BOB, &at), listen(&ALICE, &at));
    std::thread::scope(|scope| {
        let heard = [&mut one, &mut two]
            .map(|socket| scope.spawn(move || (0..500).map(|_| state(&socket.heard()).to_owned()).collect::<Vec<_>>()));
        let written: Vec<_> =
            (0..500).map(|number| version(&tag(&ALICE.put(&at, &format!("<> a <#{number}>.")))).to_owned()).collect();
        for heard in heard {
            assert_eq!(heard.join().unwrap(), written);
        }
    });
}

/// ESS-44: on a server that holds 16 KiB for each.
#[test]
fn who_does_not_read_is_let_go_and_delays_nobody() {
    let world: &'static World = Box::leak(Box::new(World::start(&[("PODBELL_LIMITS_SEND_QUEUE", "16 KiB")])));
    let alice = world.log_in("ALICE");
    // A long name makes long messages, and a small window holds few of them.
    let topic = format!("/alice/{}r", format!("{}/", "x".repeat(200)).repeat(8));
    alice.put(&topic, "");
    let place = place(&subscribe(&alice, &topic));
    let slow = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    slow.set_recv_buffer_size(4_096).unwrap();
    slow.connect(&world.connect().peer_addr().unwrap().into()).unwrap();
    let mut slow = TcpStream::from(slow);
    slow.write_all(opening(&place, &[SUBPROTOCOL]).as_bytes()).unwrap();
    let mut head = [0; 12];
    slow.read_exact(&mut head).unwrap();
    assert_eq!(&head, b"HTTP/1.1 101");
    let mut reads = listen(&alice, &topic);
    // A socket of one time is shown for as long as it is open.
    let shown = || all(&alice, "").len();
    assert_eq!(shown(), 2);
    // What waits is only the newest of one resource; who takes nothing at all for half a minute is let go.
    let (mut written, patience) = (0, Instant::now() + Duration::from_mins(2));
    while written % 20 != 0 || shown() == 2 {
        let now = version(&tag(&alice.put(&topic, &format!("<> a <#{written}>.")))).to_owned();
        let told = reads.heard();
        assert_eq!((short(&told).1, state(&told)), (topic.clone(), &*now), "who reads hears everything");
        written += 1;
        assert!(Instant::now() < patience, "nobody is waited for that long");
    }
    assert!(written > 0);
}

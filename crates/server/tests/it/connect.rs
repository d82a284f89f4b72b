//! `/.notifications/connect/…`: opening sockets, and what strangers throw at them.

use super::{
    services::subscribe,
    world::{ALICE, ANYBODY, WORLD, container, public},
};

pub(super) use super::socket::{Socket, opening, receive_from};

fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first, 0x80 | u8::try_from(payload.len()).unwrap(), 0, 0, 0, 0];
    frame.extend_from_slice(payload);
    frame
}

#[test]
fn capabilities_that_are_none_open_nothing() {
    for capability in ["x", "", "%00", "%ff", "..", &"a".repeat(32), &"a".repeat(1_500), "'; DROP TABLE channel; --"] {
        let path = format!("/.notifications/connect/{}", capability.replace(' ', "%20"));
        let told = WORLD.raw(opening(&path, &[]));
        assert!((400..500).contains(&told.status), "{capability}: {told:?}");
        assert!(!told.text().contains(capability) || capability.len() < 2, "{}", told.text());
    }
}

#[test]
fn openings_that_are_none_leave_the_channel_usable() {
    let at = container("opening", &public("acl:Read"));
    let channel = subscribe(&ANYBODY, &at);
    let path = receive_from(&channel);
    for (headers, status) in [
        (&[("upgrade", "h2c")][..], 426),
        (&[("connection", "close")], 426),
        (&[("sec-websocket-version", "8")], 426),
        (&[("sec-websocket-key", "short")], 400),
        (&[("sec-websocket-key", "x"), ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")], 400),
    ] {
        let told = WORLD.raw(opening(&path, headers));
        told.is_problem(status);
    }
    ANYBODY.get(&path).is_problem(426);
    for method in ["POST", "PUT", "DELETE"] {
        ANYBODY.ask(method, &path, &[], "").is_problem(405);
    }
    let mut socket = Socket::of(&channel);
    ALICE.put(&format!("{at}x"), "");
    assert_eq!(socket.heard()["type"], "Add");
}

#[test]
fn junk_on_a_socket_closes_it_and_no_other() {
    let at = container("junk", &public("acl:Read"));
    let mut witness = Socket::of(&subscribe(&ANYBODY, &at));
    for (junk, code) in [
        (vec![0x81, 1, b'x'], 1002),
        (masked(0xc1, b"x"), 1002),
        (masked(0x83, b"x"), 1002),
        (masked(0x80, b"x"), 1002),
        (masked(0x09, b"x"), 1002),
        (masked(0x81, b"\xff\xfe"), 1007),
        (masked(0x88, b"x"), 1002),
        (masked(0x88, &[0, 0]), 1002),
        ([&[0x82, 0xff][..], &[0xff; 12]].concat(), 1002),
        (vec![0x82, 0xff, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0], 1009),
        (b"GET / HTTP/1.1\r\n\r\n".to_vec(), 1002),
    ] {
        let mut socket = Socket::of(&subscribe(&ANYBODY, &at));
        socket.send(&junk);
        let closed = socket.closed();
        assert_eq!(closed, Some(code), "{junk:?}");
    }
    ALICE.put(&format!("{at}x"), "");
    assert_eq!(witness.heard()["type"], "Add");
}

#[test]
fn a_capability_opens_few_sockets_at_once() {
    let at = container("few", &public("acl:Read"));
    let path = receive_from(&subscribe(&ANYBODY, &at));
    let _held: Vec<_> = (0..3).map(|_| Socket::open(&path, &[])).collect();
    WORLD.raw(opening(&path, &[])).is_problem(429);
}

#[test]
fn only_get_opens_a_socket() {
    let at = container("only-get", &public("acl:Read"));
    let channel = subscribe(&ANYBODY, &at);
    let told = WORLD.raw(opening(&receive_from(&channel), &[]).replacen("GET", "HEAD", 1));
    assert_eq!(told.status, 426, "{told:?}");
}

//! `/.notifications/connect/…`: opening sockets, and what strangers throw at them.

use super::{
    services::subscribe,
    world::{ALICE, ANYBODY, Reply, WORLD, container, public, split},
};
use serde_json::Value;
use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

/// The request that opens a socket. A header that is given replaces the usual one.
pub(super) fn opening(path: &str, headers: &[(&str, &str)]) -> String {
    let usual = [
        ("host", "localhost"),
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    let kept = usual.iter().filter(|(name, _)| !headers.iter().any(|(other, _)| other == name));
    let lines: Vec<_> = kept.chain(headers).map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("GET {path} HTTP/1.1\r\n{}\r\n", lines.concat())
}

/// An open socket.
pub(super) struct Socket(TcpStream);

impl Socket {
    pub(super) fn open(path: &str, headers: &[(&str, &str)]) -> (Self, Reply) {
        let mut stream = WORLD.connect();
        stream.write_all(opening(path, headers).as_bytes()).unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");
        let headers = head.lines().filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
        (Self(stream), Reply { status: 101, headers, body: Vec::new() })
    }

    /// What a channel tells from now on.
    pub(super) fn of(channel: &Reply) -> Self {
        Self::open(&receive_from(channel), &[]).0
    }

    /// The next frame: opcode and payload; none when the connection has ended.
    pub(super) fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let mut start = [0; 2];
        self.0.read_exact(&mut start).ok()?;
        let length = match start[1] {
            126 => {
                let mut length = [0; 2];
                self.0.read_exact(&mut length).ok()?;
                usize::from(u16::from_be_bytes(length))
            }
            length => usize::from(length),
        };
        let mut payload = vec![0; length];
        self.0.read_exact(&mut payload).ok()?;
        Some((start[0] & 15, payload))
    }

    /// The next notification.
    pub(super) fn heard(&mut self) -> Value {
        loop {
            match self.frame().expect("the socket is open") {
                (1, text) => return serde_json::from_slice(&text).unwrap(),
                (9, _) => {}
                (8, payload) => panic!("closed: {payload:?}"),
                other => panic!("{other:?}"),
            }
        }
    }

    /// Why it was closed; what is told before that fails the test.
    pub(super) fn closed(&mut self) -> Option<u16> {
        loop {
            match self.frame()? {
                (8, payload) => return Some(u16::from_be_bytes([payload[0], payload[1]])),
                (1, text) => panic!("told: {}", String::from_utf8_lossy(&text)),
                _ => {}
            }
        }
    }

    pub(super) fn send(&mut self, bytes: &[u8]) {
        // The other side may have closed already.
        let _ = self.0.write_all(bytes);
    }
}

/// Path of a channel's capability.
pub(super) fn receive_from(channel: &Reply) -> String {
    assert_eq!(channel.status, 200, "{}", channel.text());
    split(channel.json()["receiveFrom"].as_str().unwrap()).1
}

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

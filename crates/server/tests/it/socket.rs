//! A WebSocket in plain bytes, as far as hearing needs it.

use super::world::{Reply, WORLD, World, split};
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
        Self::try_open(&WORLD, path, headers).unwrap_or_else(|status| panic!("{path}: {status}"))
    }

    /// Opens one, or tells the status of the refusal.
    pub(super) fn try_open(world: &World, path: &str, headers: &[(&str, &str)]) -> Result<(Self, Reply), u16> {
        let mut stream = world.connect();
        stream.write_all(opening(path, headers).as_bytes()).unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        if status != 101 {
            return Err(status);
        }
        let headers = head.lines().filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
        Ok((Self(stream), Reply { status, headers, body: Vec::new() }))
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

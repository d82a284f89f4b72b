//! What one open connection may do: how large its messages are, and how long it may be silent.

use super::{
    socket::opening,
    world::{LD, World, split, until},
};
use serde_json::json;
use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    sync::LazyLock,
};

static HERE: LazyLock<World> =
    LazyLock::new(|| World::start(&[("PODBELL_LIMITS_MESSAGE", "1000"), ("PODBELL_LIMITS_PING", "300ms")]));

fn socket() -> TcpStream {
    let alice = HERE.log_in("ALICE");
    let context = "https://www.w3.org/ns/solid/notification/v1";
    let topic = HERE.url("/alice/a");
    let body = json!({ "@context": [context], "type": "WebSocketChannel2023", "topic": topic });
    let told = alice.ask("POST", "/.notifications/WebSocketChannel2023/", &[LD], body.to_string());
    let path = split(told.json()["receiveFrom"].as_str().unwrap()).1;
    let mut stream = HERE.connect();
    stream.write_all(opening(&path, &[]).as_bytes()).unwrap();
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    assert!(head.starts_with(b"HTTP/1.1 101"));
    stream
}

/// A masked frame; the mask is zero.
fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode];
    if payload.len() < 126 {
        frame.push(0x80 | u8::try_from(payload.len()).unwrap());
    } else {
        frame.push(0xFE);
        frame.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

/// The next frame from the server, which are all short here; none at the end.
fn next(stream: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    let mut start = [0; 2];
    stream.read_exact(&mut start).ok()?;
    let mut payload = vec![0; usize::from(start[1])];
    stream.read_exact(&mut payload).ok()?;
    Some((start[0] & 15, payload))
}

/// T-W09 at the limit and one past it; R-WS-2.
#[test]
fn t_w09_a_message_may_be_so_large_and_no_larger() {
    let mut stream = socket();
    stream.write_all(&frame(1, &[b'x'; 1_000])).unwrap();
    stream.write_all(&frame(9, b"still here")).unwrap();
    loop {
        match next(&mut stream).expect("the socket is open") {
            (10, payload) if payload == b"still here" => break,
            (9, payload) => stream.write_all(&frame(10, &payload)).unwrap(),
            other => panic!("{other:?}"),
        }
    }
    stream.write_all(&frame(1, &[b'x'; 1_001])).unwrap();
    loop {
        match next(&mut stream).expect("it says why it ends") {
            (8, payload) => break assert_eq!(payload[..2], 1009_u16.to_be_bytes()),
            (9, _) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// T-W08, R-WS-6: who answers stays; who misses two pings is gone.
#[test]
fn t_w08_who_answers_pings_stays_and_who_misses_two_is_gone() {
    let (mut lively, mut dead) = (socket(), socket());
    let mut answered = 0;
    while answered < 6 {
        match next(&mut lively).expect("it stays open") {
            (9, payload) => {
                lively.write_all(&frame(10, &payload)).unwrap();
                answered += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    let mut pings = 0;
    while let Some((opcode, _)) = next(&mut dead) {
        pings += usize::from(opcode == 9);
    }
    assert_eq!(pings, 2);
    until("the lively one hears", || {
        lively.write_all(&frame(9, b"?")).unwrap();
        matches!(next(&mut lively), Some((10, _)))
    });
}

//! WebSocketChannel2023: §6, T-W, of the reference of the notifications protocol. Openings that are none and junk on an
//! open socket are in `connect`.

use super::{
    brisk,
    connect::{Socket, opening, receive_from},
    ears::{Listener, Way},
    services::subscribe,
    streams::document,
    world::{ALICE, ANYBODY, BOB, TURTLE, WORLD, container, for_bob, public},
};
use podbell_model::rdf::{self, RdfFormat};
use serde_json::{Value, json};
use std::collections::HashSet;

/// A frame of a client, of up to 64 KiB.
fn masked(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode];
    match u16::try_from(payload.len()).unwrap() {
        length @ ..126 => frame.push(0x80 | u8::try_from(length).unwrap()),
        length => {
            frame.push(0xfe);
            frame.extend(length.to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

/// R-AUTH-5: `wss` where the server has it.
#[test]
fn t_w01_a_capability_is_long_and_says_nothing() {
    let at = document("w01", &for_bob("acl:Read"));
    let mut seen = HashSet::new();
    for _ in 0..20 {
        let channel = subscribe(&BOB, &at).json();
        let (url, id) = (channel["receiveFrom"].as_str().unwrap(), channel["id"].as_str().unwrap());
        assert!(url.starts_with("ws://"), "{url}");
        let capability = url.rsplit('/').next().unwrap();
        // 32 characters of six bits are 192; what repeats is not random.
        assert!(capability.len() >= 32 && capability.bytes().collect::<HashSet<_>>().len() > 10, "{capability}");
        assert!(!id.contains(capability) && !url.contains(id.rsplit('/').next().unwrap()));
        assert!(seen.insert(capability.to_owned()));
    }
}

/// R-WS-3, R-WS-5, R-WS-9, CA-9.
#[test]
fn t_w02_t_w03_t_w12_a_browser_opens_a_socket_from_anywhere() {
    let at = document("w02", &for_bob("acl:Read"));
    let place = receive_from(&subscribe(&BOB, &at));
    for (offered, chosen) in
        [(None, None), (Some("solid-notifications"), Some("solid-notifications")), (Some("one, two"), Some("one"))]
    {
        let mut headers = vec![
            ("origin", "https://evil.example"),
            ("cookie", "session=1"),
            ("sec-websocket-extensions", "permessage-deflate; client_max_window_bits"),
        ];
        headers.extend(offered.map(|offered| ("sec-websocket-protocol", offered)));
        let (mut socket, told) = Socket::open(&place, &headers);
        assert_eq!(told.header("sec-websocket-protocol"), chosen);
        assert_eq!(told.header("sec-websocket-extensions"), None);
        assert_eq!(told.header("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
        assert_eq!(told.header("set-cookie"), None);
        ALICE.put(&at, "<> a <#x>.");
        assert_eq!(socket.heard()["type"], "Update");
    }
}

/// R-WS-4, R-LIFE-3.
#[test]
fn t_w04_t_w05_what_opens_nothing_says_why() {
    let at = document("w04", &for_bob("acl:Read"));
    let channel = subscribe(&BOB, &at);
    let place = receive_from(&channel);
    ANYBODY.get(&place).is_problem(426);
    assert_eq!(ANYBODY.get(&place).header("upgrade"), Some("websocket"));
    let (at, end) = place.split_at(place.len() - 1);
    let random = format!("{at}{}", if end == "A" { "B" } else { "A" });
    WORLD.raw(opening(&random, &[("connection", "upgrade, close")])).is_problem(404);
    ANYBODY.get(&random).is_problem(404);
    let id = channel.json()["id"].as_str().unwrap().to_owned();
    let mut socket = Socket::of(&channel);
    assert_eq!(BOB.ask("DELETE", &id, &[], "").status, 204);
    assert_eq!(socket.closed(), Some(1000));
    WORLD.raw(opening(&place, &[("connection", "upgrade, close")])).is_problem(410);
}

/// R-WS-7, R-LIFE-6.
#[test]
fn t_w06_t_w07_sockets_come_again_and_stand_side_by_side() {
    let at = document("w06", &for_bob("acl:Read"));
    let channel = subscribe(&BOB, &at);
    for round in 0..5 {
        let (mut one, mut two) = (Socket::of(&channel), Socket::of(&channel));
        ALICE.put(&at, &format!("<> a <#{round}>."));
        let heard = one.heard();
        assert_eq!((heard["type"].as_str(), &heard), (Some("Update"), &two.heard()));
        // A goodbye frees the seat at once.
        for mut socket in [one, two] {
            socket.send(&masked(8, &1000_u16.to_be_bytes()));
            assert_eq!(socket.closed(), Some(1000));
        }
    }
}

/// R-WS-6: with a short beat.
#[test]
fn t_w08_an_idle_socket_is_pinged_and_one_that_never_answers_is_let_go() {
    let at = brisk::document("w08");
    let place = brisk::bob().place(Way::WebSocket, &[&at]).unwrap();
    let open = || Socket::try_open(&brisk::BRISK, &place, &[]).unwrap().0;
    let (mut answers, mut silent) = (open(), open());
    for _ in 0..6 {
        let (opcode, payload) = answers.frame().expect("it is alive");
        assert_eq!((opcode, payload.len()), (9, 0));
        answers.send(&masked(10, b""));
    }
    let mut pings = 0;
    while let Some((opcode, _)) = silent.frame() {
        assert_eq!(opcode, 9);
        pings += 1;
    }
    assert_eq!(pings, 2);
    brisk::BRISK_ALICE.put(&at, "<> a <#x>.");
    assert_eq!(answers.heard()["type"], "Update");
}

/// R-WS-2.
#[test]
fn t_w09_what_a_client_says_is_dropped_and_too_much_closes() {
    let at = document("w09", &for_bob("acl:Read"));
    let mut socket = Socket::of(&subscribe(&BOB, &at));
    let large = vec![0; 60_000];
    for (opcode, payload) in [(1, &b"sub http://localhost/"[..]), (2, &large), (1, b"{}"), (1, b"")] {
        socket.send(&masked(opcode, payload));
    }
    socket.send(&masked(9, b"are you there"));
    assert_eq!(socket.frame(), Some((10, b"are you there".to_vec())), "nothing else was answered");
    ALICE.put(&at, "<> a <#x>.");
    assert_eq!(socket.heard()["type"], "Update");
    let mut large = vec![0x81, 0x80 | 127];
    large.extend((1_u64 << 20).to_be_bytes());
    large.extend([0; 4]);
    large.resize(1 << 20, b'x');
    socket.send(&large);
    assert_eq!(socket.closed(), Some(1009));
}

/// R-WS-1.
#[test]
fn every_notification_is_one_text_frame_in_the_syntax_that_was_asked_for() {
    let at = document("frames", &for_bob("acl:Read"));
    let bob = Listener::from(&*BOB);
    for (accept, format) in [
        (None, RdfFormat::JsonLd),
        (Some("text/turtle"), RdfFormat::Turtle),
        (Some("application/n-triples"), RdfFormat::NTriples),
    ] {
        let more = accept.map_or(json!({}), |accept| json!({ "accept": accept }));
        let mut socket = Socket::of(&bob.subscribe(Way::WebSocket, &[&at], more));
        for number in 0..3 {
            ALICE.put(&at, &format!("<> a <#{number}>."));
        }
        for _ in 0..3 {
            let (opcode, text) = socket.frame().unwrap();
            assert_eq!(opcode, 1);
            assert_eq!(rdf::parse(format, "urn:none:", &text).unwrap().len(), 4, "{}", String::from_utf8_lossy(&text));
            assert!(accept.is_some() || serde_json::from_slice::<Value>(&text).unwrap().is_object());
        }
    }
}

/// R-WS-6, R-LIFE-4: at its end a channel says goodbye, and its capability is gone.
#[test]
fn a_socket_closes_when_its_channel_ends() {
    let at = format!("{}r", container("ends", &public("acl:Read")));
    ALICE.ask("PUT", &at, &[TURTLE], "");
    let soon = (podbell_model::Timestamp::now() + std::time::Duration::from_secs(2)).to_string();
    let channel = Listener::from(&*BOB).subscribe(Way::WebSocket, &[&at], json!({ "endAt": soon }));
    let mut socket = Socket::of(&channel);
    assert_eq!(socket.closed(), Some(1000));
    WORLD.raw(opening(&receive_from(&channel), &[("connection", "upgrade, close")])).is_problem(410);
}

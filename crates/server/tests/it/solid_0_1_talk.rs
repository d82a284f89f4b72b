//! `/.notifications/solid-0.1`: the opening, what is understood, and odd input (§4 of its reference), which neither
//! closes a socket nor subscribes by accident.

use super::{
    connect::opening,
    lines::{Client, PATH, masked},
    socket::Socket,
    world::{ALICE, ANYBODY, BOB, WORLD, World, container, for_bob, public},
};

#[test]
fn t_lg1_t_lg6_a_client_is_greeted_by_what_it_offers() {
    let heard = |offered: &[(&str, &str)]| {
        let (mut socket, told) = Socket::open(PATH, offered);
        let chosen = told.header("sec-websocket-protocol").map(str::to_owned);
        let mut lines = Vec::new();
        socket.send(&masked(0x81, b"ping end"));
        loop {
            match socket.frame() {
                Some((1, text)) if text == b"pong end" => return (chosen, lines, None),
                Some((1, text)) => lines.push(String::from_utf8(text).unwrap()),
                Some((8, code)) => return (chosen, lines, Some(u16::from_be_bytes([code[0], code[1]]))),
                other => panic!("{other:?}"),
            }
        }
    };
    let offer = |names: &'static str| [("sec-websocket-protocol", names)];
    let (greeting, name) = ("protocol solid-0.1".to_owned(), Some("solid-0.1".to_owned()));
    for names in ["solid-0.1", "chat, solid-0.1"] {
        assert_eq!(heard(&offer(names)), (name.clone(), vec![greeting.clone()], None));
    }
    let warning = "warning Missing Sec-WebSocket-Protocol header, expected value 'solid-0.1'";
    assert_eq!(heard(&[]), (None, vec![greeting, warning.to_owned()], None));
    let error = "error Client does not support protocol solid-0.1";
    assert_eq!(heard(&offer("chat, solid-0.2")), (None, vec![error.to_owned()], Some(1002)));
}

#[test]
fn what_opens_no_socket_is_told_why() {
    ANYBODY.get(PATH).is_problem(426);
    assert_eq!(ANYBODY.get(PATH).header("upgrade"), Some("websocket"));
    assert_eq!(ANYBODY.ask("OPTIONS", PATH, &[], "").status, 204);
    ANYBODY.ask("POST", PATH, &[], "sub").is_problem(405);
    let wrong = [("connection", "upgrade, close"), ("authorization", "DPoP eyJ.e30.c2ln"), ("dpop", "eyJ.e30.c2ln")];
    WORLD.raw(opening(PATH, &wrong)).is_problem(401);
    for capability in ["x", "%00", &"a".repeat(64)] {
        WORLD.raw(opening(&format!("{PATH}/{capability}"), &[("connection", "upgrade, close")])).is_problem(403);
    }
}

#[test]
fn t_lg2_t_lg3_a_client_hears_in_its_own_spelling() {
    let at = container("lines-spelling", &for_bob("acl:Read"));
    let doc = format!("{at}doc");
    let url = WORLD.url(&doc);
    let host = format!("HTTP://LOCALHOST:{}", url.split(':').nth(2).unwrap());
    let spellings = [url.clone(), url.replace("doc", "d%6Fc"), format!("{url}#me"), format!("{url}?a=b"), host];
    let mut client = Client::open(&BOB);
    for spelling in &spellings {
        assert_eq!(client.asks(&format!("sub {spelling} ")), format!("ack {spelling}"));
    }
    assert_eq!(client.asks(&format!("sub {url}")), format!("ack {url}"), "a second time");
    let mut all = spellings.map(|spelling| format!("pub {spelling}"));
    all.sort();
    assert_eq!(client.told(|| drop(ALICE.put(&doc, "<> a <#x> ."))), all, "each once");
    for spelling in &all[1..] {
        let spelling = spelling.strip_prefix("pub ").unwrap();
        assert_eq!(client.asks(&format!("unsub {spelling}")), format!("removed {spelling}"));
    }
    assert_eq!(client.told(|| drop(ALICE.put(&doc, "<> a <#y> ."))), all[..1]);
}

#[test]
fn odd_input_neither_closes_nor_subscribes() {
    let at = container("lines-odd", &public("acl:Read"));
    let url = WORLD.url(&format!("{at}r"));
    let mut other = Client::open(&ANYBODY);
    other.sub(&format!("{at}r"));
    let mut client = Client::open(&ANYBODY);
    let unknown = "warning Unrecognized message type";
    let format = "warning Unrecognized message format";
    let invalid = "error Invalid URL";
    for (text, answer) in [
        (String::new(), unknown),
        ("hello".into(), unknown),
        ("sub".into(), invalid),
        (format!("SUB {url}"), unknown),
        (format!("sub  {url}"), invalid),
        (format!("sub {url} and more"), invalid),
        (format!("sub {url}\nsub {url}"), format),
        (format!("sub {at}r"), invalid),
        (format!("sub {}", url.replace("http://", "//")), invalid),
        (format!("sub {}", url.replace("http:", "ws:")), invalid),
        (format!("sub {}", url.replace("http://", "http://a@")), invalid),
        (format!("sub {url}/../r"), invalid),
        (format!("sub {url}%00"), invalid),
        (format!("sub {url}%2Fx"), invalid),
        (format!("sub {}", url.replace("localhost", "elsewhere.example")), "error Mismatched host"),
        (format!("sub {}", url.replace("http:", "https:")), "error Mismatched host"),
        (format!("pub {url}"), unknown),
        (format!("ack {url}"), unknown),
        (format!("err {url} forbidden"), unknown),
        ("auth DPoP".into(), format),
        ("dpop x".into(), format),
    ] {
        let told = client.asks(&text);
        assert!(told.starts_with(answer), "{text:?}: {told}");
    }
    client.socket.send(&masked(0x82, format!("sub {url}").as_bytes()));
    assert!(client.line().starts_with(format));
    assert_eq!(client.asks("ping"), "pong");
    assert_eq!(client.asks("ping a  b"), "pong a  b");
    assert_eq!(client.asks(&format!("unsub {url}")), format!("removed {url}"), "though it was none");
    assert_eq!(client.told(|| drop(ALICE.put(&format!("{at}r"), ""))), [""; 0], "nothing was subscribed to");
    // What clients say reaches nobody else: the one change, and nothing before it.
    assert_eq!(other.line(), format!("pub {url}"));
}

#[test]
fn whatever_is_too_much_is_an_error() {
    let at = container("lines-limits", &public("acl:Read"));
    let url = WORLD.url(&at);
    let mut client = Client::open(&ANYBODY);
    let long = format!("{url}{}", "x".repeat(2_049 - url.len()));
    assert!(client.asks(&format!("sub {long}")).starts_with("error URL too long"));
    for number in 0..100 {
        client.sub(&format!("{at}{number}"));
    }
    assert!(client.asks(&format!("sub {url}one-more")).starts_with("error Too many subscriptions: at most 100"));
    client.sub(&format!("{at}7"));
    assert!(client.asks(&format!("unsub {url}7")).starts_with("removed"));
    client.sub(&format!("{at}one-more"));
    assert!(client.asks(&format!("ping {}", "x".repeat(16 * 1_024))).starts_with("error Message too large"));
    ALICE.put(&format!("{at}8"), "");
    assert_eq!(client.line(), format!("pub {url}8"), "all the while it goes on");
    client.say(&"x".repeat(70_000));
    assert!(client.line().starts_with("error Message too large"));
    assert_eq!(client.socket.closed(), Some(1009));
}

#[test]
fn a_flood_is_read_at_its_pace_and_in_order() {
    let mut client = Client::open(&ANYBODY);
    let flood: Vec<u8> = (0..500).flat_map(|number| masked(0x81, format!("ping {number}").as_bytes())).collect();
    client.socket.send(&flood);
    let (mut pongs, mut errors) = (0, 0);
    while pongs < 500 {
        let line = client.line();
        if line.starts_with("error Too many messages: 200") {
            errors += 1;
        } else {
            assert_eq!(line, format!("pong {pongs}"));
            pongs += 1;
        }
    }
    assert!((1..=2).contains(&errors), "{errors}");
}

#[test]
fn a_hundred_hear_of_one_change_once_each() {
    let at = container("lines-hundred", &public("acl:Read"));
    let path = format!("{at}r");
    let mut clients: Vec<_> = (0..100).map(|_| Client::open(&ANYBODY)).collect();
    for client in &mut clients {
        client.sub(&path);
    }
    for turn in 0..2 {
        ALICE.put(&path, &format!("<> a <#{turn}> ."));
        for client in &mut clients {
            assert_eq!(client.line(), format!("pub {}", WORLD.url(&path)));
            assert_eq!(client.asks("ping"), "pong", "and nothing else");
        }
    }
}

/// With long lines and a small outbox.
#[test]
fn one_who_does_not_read_gets_whole_lines_later_and_holds_nobody_up() {
    let world: &'static World = Box::leak(Box::new(World::start(&[("PODBELL_LIMITS_SEND_QUEUE", "16 KiB")])));
    let (bob, path) = (world.log_in("BOB"), "/bob/slow");
    let url = world.url(path);
    let (mut slow, mut well) = (Client::open(&bob), Client::open(&bob));
    well.sub(path);
    // Of the document and of its container: a change of the one is told of the other too.
    let both = [&url[..], url.trim_end_matches("slow")];
    let spell = |number: usize| format!("{}?{number}-{}", both[number % 2], "x".repeat(1_900));
    let spellings: Vec<_> = (0..16).map(spell).collect();
    for spelling in &spellings {
        assert_eq!(slow.asks(&format!("sub {spelling}")), format!("ack {spelling}"));
    }
    for number in 0..120 {
        bob.put(path, &format!("<> a <#{number}> ."));
        assert_eq!(well.line(), format!("pub {url}"));
    }
    // More than all buffers on the way hold. What comes is whole, and of each there is some.
    let mut heard = std::collections::HashMap::new();
    slow.say("ping read");
    loop {
        let line = slow.line();
        if line == "pong read" {
            break;
        }
        let spelling = line.strip_prefix("pub ").unwrap().to_owned();
        assert!(spellings.contains(&spelling), "{line}");
        *heard.entry(spelling).or_insert(0_usize) += 1;
    }
    assert!(heard.values().all(|count| *count <= 120));
    assert!(heard.values().sum::<usize>() < 120 * spellings.len(), "some had to wait");
    bob.put(path, "<> a <#last> .");
    while heard.len() < spellings.len() || heard.values().any(|count| *count < 2) {
        let line = slow.line();
        *heard.entry(line.strip_prefix("pub ").unwrap().to_owned()).or_insert(0) += 1;
    }
}

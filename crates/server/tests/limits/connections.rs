//! How many connections listen at once: on a capability, of a client, of an agent, of an address.

use super::{
    socket::{Socket, opening},
    world::{Agent, LD, World, split, until},
};
use serde_json::{Value, json};
use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    sync::LazyLock,
};

const LEGACY: &str = "/.notifications/solid-0.1";

/// Asks for a connection that stays, and reads the head of the answer.
fn open(world: &World, request: &str) -> (u16, String, TcpStream) {
    let mut stream = world.connect();
    stream.write_all(request.as_bytes()).unwrap();
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), head.to_ascii_lowercase(), stream)
}

/// A stream without a subscription.
fn stream(agent: &Agent, path: &str, address: Option<&str>) -> (u16, String, TcpStream) {
    let topic =
        percent_encoding::utf8_percent_encode(&agent.world.url(path), percent_encoding::NON_ALPHANUMERIC).to_string();
    let path = format!("/.notifications/StreamingHTTPChannel2023/{topic}");
    let own = agent.credentials("GET", &agent.world.url(&path));
    let own = own.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect::<Vec<_>>().concat();
    let from = address.map(|address| format!("x-forwarded-for: {address}\r\n")).unwrap_or_default();
    open(agent.world, &format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{from}{own}\r\n"))
}

/// A capability for a socket.
fn capability(agent: &Agent) -> String {
    let context = "https://www.w3.org/ns/solid/notification/v1";
    let topic = agent.world.url("/alice/a");
    let body = json!({ "@context": [context], "type": "WebSocketChannel2023", "topic": topic });
    let told = agent.ask("POST", "/.notifications/WebSocketChannel2023/", &[LD], body.to_string());
    split(told.json()["receiveFrom"].as_str().unwrap()).1
}

/// That there is no room for one more; gives what the answer says of whose limit it is.
#[track_caller]
fn full(mut told: (u16, String, TcpStream)) -> String {
    assert_eq!(told.0, 429, "{}", told.1);
    assert!(told.1.contains("\r\nretry-after: "), "{}", told.1);
    let length = told.1.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
    let mut body = vec![0; length];
    told.2.read_exact(&mut body).unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["limit"], 2, "{body}");
    body["detail"].as_str().unwrap().to_owned()
}

/// R-WS-7, decision 28: three connections.
#[test]
fn a_capability_has_so_many_connections_and_no_more() {
    static HERE: LazyLock<World> =
        LazyLock::new(|| World::start(&[("PODBELL_LIMITS_CONNECTIONS_PER_CAPABILITY", "2")]));
    let alice = HERE.log_in("ALICE");
    let request = opening(&capability(&alice), &[]);
    let first = open(&HERE, &request);
    let second = open(&HERE, &request);
    assert_eq!((first.0, second.0), (101, 101));
    assert!(full(open(&HERE, &request)).contains("this channel has 2 connections"));
    // Who goes makes room.
    drop(first);
    until("there is room", || open(&HERE, &request).0 == 101);
}

#[test]
fn an_agent_has_so_many_connections_and_no_more() {
    for (setting, said) in [
        ("PODBELL_LIMITS_CONNECTIONS_PER_CLIENT", "you have 2 connections with this client"),
        ("PODBELL_LIMITS_CONNECTIONS_PER_AGENT", "you have 2 connections;"),
    ] {
        let here: &'static World = Box::leak(Box::new(World::start(&[(setting, "2")])));
        let (alice, bob) = (here.log_in("ALICE"), here.log_in("BOB"));
        // All ways to listen count together.
        let first = stream(&alice, "/alice/a", None);
        let second = open(here, &opening(&capability(&alice), &[]));
        assert_eq!((first.0, second.0), (200, 101), "{setting}");
        assert!(full(stream(&alice, "/alice/b", None)).contains(said));
        assert!(full(open(here, &opening(&capability(&alice), &[]))).contains(said));
        assert_eq!(stream(&bob, "/bob/a", None).0, 200, "{setting}");
        drop(second);
        until("there is room", || stream(&alice, "/alice/b", None).0 == 200);
    }
}

#[test]
fn an_address_behind_a_proxy_has_so_many_connections_and_no_more() {
    static HERE: LazyLock<World> = LazyLock::new(|| {
        World::start(&[("PODBELL_LIMITS_CONNECTIONS_PER_ADDRESS", "2"), ("PODBELL_PROXIES_TRUSTED", "127.0.0.1")])
    });
    let (alice, stranger) = (HERE.log_in("ALICE"), HERE.stranger());
    alice.put("/alice/public/", "");
    alice.rules("/alice/public/", "acl:agentClass foaf:Agent; acl:mode acl:Read");
    let from = |address| stream(&stranger, "/alice/public/", Some(address));
    let (first, second) = (from("192.0.2.1"), from("192.0.2.1"));
    assert_eq!((first.0, second.0), (200, 200));
    assert!(full(from("192.0.2.1")).contains("your address has 2 connections without a log-in"));
    assert_eq!(from("192.0.2.2").0, 200);
    assert_eq!(stream(&alice, "/alice/public/", Some("192.0.2.1")).0, 200);
    drop(first);
    until("there is room", || from("192.0.2.1").0 == 200);
}

/// Whoever hears of nothing takes a connection all the same: else one address could take them all.
#[test]
fn an_address_behind_a_proxy_has_so_many_legacy_sockets_and_no_more() {
    static HERE: LazyLock<World> = LazyLock::new(|| {
        World::start(&[("PODBELL_LIMITS_CONNECTIONS_PER_ADDRESS", "2"), ("PODBELL_PROXIES_TRUSTED", "127.0.0.1")])
    });
    let alice = HERE.log_in("ALICE");
    let from = |path: &str, address| open(&HERE, &opening(path, &[("x-forwarded-for", address)]));
    let (first, second) = (from(LEGACY, "192.0.2.1"), from(LEGACY, "192.0.2.1"));
    assert_eq!((first.0, second.0), (101, 101));
    assert!(full(from(LEGACY, "192.0.2.1")).contains("your address has 2 connections without a log-in"));
    assert_eq!(from(LEGACY, "192.0.2.2").0, 101);
    let via = split(alice.get("/alice/").header("updates-via").unwrap()).1;
    assert_eq!(from(&via, "192.0.2.1").0, 101, "who has logged in is counted by who they are");
    drop(first);
    until("there is room", || from(LEGACY, "192.0.2.1").0 == 101);
}

#[test]
fn an_agent_has_so_many_legacy_sockets_and_no_more() {
    static HERE: LazyLock<World> = LazyLock::new(|| World::start(&[("PODBELL_LIMITS_CONNECTIONS_PER_CLIENT", "2")]));
    let (alice, bob) = (HERE.log_in("ALICE"), HERE.log_in("BOB"));
    let via = |agent: &Agent| split(agent.get("/alice/").header("updates-via").unwrap()).1;
    let legacy = || open(&HERE, &opening(&via(&alice), &[]));
    let (first, second) = (legacy(), legacy());
    assert_eq!((first.0, second.0), (101, 101));
    assert!(full(legacy()).contains("you have 2 connections with this client"));
    assert!(full(stream(&alice, "/alice/a", None)).contains("you have 2 connections with this client"));
    assert_eq!(open(&HERE, &opening(&via(&bob), &[])).0, 101);
    drop(first);
    until("there is room", || legacy().0 == 101);
}

/// Who says and unsays all day long takes no more than what is heard at the time.
#[test]
fn what_is_heard_no_more_on_a_legacy_socket_counts_no_more() {
    static HERE: LazyLock<World> = LazyLock::new(|| {
        let unhurried = ("PODBELL_SOLID_0_1_MESSAGES_PER_SECOND", "100000");
        World::start(&[("PODBELL_LIMITS_CONNECTIONS_PER_CLIENT", "3"), unhurried])
    });
    let alice = HERE.log_in("ALICE");
    let via = split(alice.get("/alice/").header("updates-via").unwrap()).1;
    let (mut socket, _) = Socket::try_open(&HERE, &via, &[("sec-websocket-protocol", "solid-0.1")]).unwrap();
    let mut next = |text: Option<String>| {
        if let Some(text) = text {
            let length = u8::try_from(text.len()).unwrap();
            socket.send(&[&[0x81, 0x80 | length, 0, 0, 0, 0], text.as_bytes()].concat());
        }
        String::from_utf8(socket.frame().unwrap().1).unwrap()
    };
    assert_eq!(next(None), "protocol solid-0.1");
    let url = |number: usize| HERE.url(&format!("/alice/{number}"));
    let mut asks = |word: &str, number: usize| next(Some(format!("{word} {}", url(number))));
    assert_eq!(asks("sub", 0), format!("ack {}", url(0)));
    for number in 1..100 {
        assert_eq!(asks("sub", number), format!("ack {}", url(number)));
        assert_eq!(asks("sub", 1_000), "error Too many subscriptions: there are 3 already");
        // Said again it is not one more.
        assert_eq!(asks("sub", number), format!("ack {}", url(number)));
        assert_eq!(asks("unsub", number), format!("removed {}", url(number)));
    }
}

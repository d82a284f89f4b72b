//! Many who are slow: they hold nobody else up.

use super::world::{ALICE, ANYBODY, BOB, TURTLE, WORLD, container, for_bob, listed, public};
use std::{
    io::{Read as _, Write as _},
    time::Instant,
};

/// How many are slow at once.
const CROWD: usize = 200;

#[test]
fn a_crowd_of_half_requests_delays_nobody_and_stores_nothing() {
    let at = container("slow", &public("acl:Read, acl:Append, acl:Write"));
    let put = format!("PUT {at}half HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/turtle\r\n");
    let post = "POST /.notifications/WebSocketChannel2023/ HTTP/1.1\r\nhost: localhost\r\n\
                content-type: application/ld+json\r\n";
    let halves = [
        "GET /ali".to_owned(),
        format!("{put}x-slow: "),
        format!("{put}content-length: 1000000\r\n\r\n<#a>"),
        format!("{put}transfer-encoding: chunked\r\n\r\n4\r\n<#a>\r\n"),
        format!("{post}content-length: 1000\r\n\r\n{{"),
        "GET /.notifications/connect/abc HTTP/1.1\r\nhost: ".to_owned(),
        "PRI * HTTP/2.0\r\n".to_owned(),
    ];
    let crowd: Vec<_> = (0..CROWD)
        .map(|number| {
            let mut stream = WORLD.connect();
            stream.write_all(halves[number % halves.len()].as_bytes()).unwrap();
            stream
        })
        .collect();
    let begun = Instant::now();
    for round in 0..20 {
        ALICE.put(&format!("{at}whole"), &format!("<#a> <#b> {round} ."));
        assert_eq!(ANYBODY.get(&format!("{at}whole")).status, 200);
    }
    // Whoever waits for one of them waits for seconds; see `limits.header_timeout` and `limits.body_timeout`.
    assert!(begun.elapsed().as_secs() < 8, "{:?}", begun.elapsed());
    ALICE.get(&format!("{at}half")).is_problem(404);
    drop(crowd);
    assert_eq!(listed(&at), [WORLD.url(&format!("{at}whole"))]);
}

#[test]
fn whoever_is_refused_is_refused_before_the_body() {
    let at = container("early", &for_bob("acl:Read"));
    let path = format!("{at}large");
    let begun = Instant::now();
    for (agent, status) in [(&*ANYBODY, "401"), (&*BOB, "403")] {
        let mut stream = WORLD.connect();
        let own = agent.credentials("PUT", &WORLD.url(&path));
        let own: Vec<_> = own.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let head = format!(
            "PUT {path} HTTP/1.1\r\nhost: localhost\r\n{}: {}\r\n{}content-length: 1000000\r\n\r\n",
            TURTLE.0,
            TURTLE.1,
            own.concat()
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut line = [0; 12];
        stream.read_exact(&mut line).unwrap();
        assert_eq!(String::from_utf8_lossy(&line), format!("HTTP/1.1 {status}"));
    }
    assert!(begun.elapsed().as_secs() < 8, "{:?}", begun.elapsed());
}

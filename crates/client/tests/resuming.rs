//! After a cut it goes on behind what it heard last, and tells nothing twice.
#![allow(clippy::unwrap_used, reason = "tests")]

use podbell_client::{Client, Event};
use podbell_test_client::receiver::{Received, Receiver, Reply};
use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicUsize, Ordering},
};

const NOTIFY: &str = "http://www.w3.org/ns/solid/notifications#";

fn answer(fields: &str, body: &str) -> Reply {
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n{fields}\r\n\r\n");
    Reply::Bytes(format!("{head}{body}").into_bytes())
}

/// An event stream that breaks off behind these.
fn events(numbers: &[u32]) -> Reply {
    let events = numbers.iter().map(|number| {
        let told = format!("{{\"id\":\"urn:x:{number}\",\"type\":\"Update\",\"object\":\"http://x/{number}\"}}");
        format!("id: c{number}\ndata: {told}\n\n")
    });
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 100000\r\n\r\n";
    Reply::Bytes(format!("{head}{}", events.collect::<String>()).into_bytes())
}

#[tokio::test]
async fn a_cut_is_gone_on_from_where_it_was_and_what_is_repeated_is_told_once() {
    let base = Arc::new(OnceLock::<String>::new());
    let (shared, streams) = (Arc::clone(&base), AtomicUsize::new(0));
    let server = Receiver::http(move |_, request: &Received| {
        let base = shared.get().unwrap();
        match (request.method.as_str(), request.target.split('?').next().unwrap()) {
            ("HEAD", _) => answer("podbell-cursor: c0", ""),
            ("GET", "/.well-known/solid") => answer(
                "content-type: text/turtle",
                &format!(
                    "<> <{NOTIFY}subscription> <{base}sub>. <{base}sub> <{NOTIFY}channelType> \
                     <{NOTIFY}EventSourceChannel2023>."
                ),
            ),
            ("POST", _) => answer("content-type: application/ld+json", &format!("{{\"receiveFrom\":\"{base}in\"}}")),
            ("GET", "/in") => match streams.fetch_add(1, Ordering::SeqCst) {
                0 => events(&[1, 2]),
                1 => events(&[2, 3]),
                _ => Reply::Hang,
            },
            _ => Reply::status(404),
        }
    })
    .unwrap();
    base.set(server.url("/")).unwrap();
    let client = Client::builder().build().unwrap();
    let mut watch = client.watch([server.url("/a")]).listen().await.unwrap();
    let mut told = Vec::new();
    while told.len() < 3 {
        match watch.next().await.unwrap().unwrap() {
            Event::Notification(one) => told.push(one.id),
            Event::Gap(gap) => panic!("{gap:?}"),
            _ => {}
        }
    }
    assert_eq!(told, ["urn:x:1", "urn:x:2", "urn:x:3"]);
    let received = server.received();
    let streams = received.iter().filter(|request| request.target.starts_with("/in"));
    let since: Vec<_> = streams.map(|request| (request.target.as_str(), request.header("last-event-id"))).collect();
    assert_eq!(since[..2], [("/in?since=c0", Some("c0")), ("/in?since=c2", Some("c2"))]);
}

use crate::{
    stream::{Kind, Streams},
    testing::{World, numbers, soon},
};
use podbell_hub::{Begin, Counts};
use podbell_model::Sequence;
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// Longer than any test.
const NEVER: Duration = Duration::from_hours(1);
const QUIET: Kind = Kind::Stream { heartbeat: false };

/// A client and the session that serves it.
async fn listen(world: &World, every: Duration, padding: u32, kind: Kind) -> (TcpStream, JoinHandle<()>) {
    listen_since(world, world.head(), every, padding, kind).await
}

async fn listen_since(
    world: &World,
    since: Sequence,
    every: Duration,
    padding: u32,
    kind: Kind,
) -> (TcpStream, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let streams = Streams::start(every);
    let held = streams.clone();
    let session = streams.serve(stream, world.admit(padding).await, (Begin::Now, since), None, kind, held);
    (client, tokio::spawn(session))
}

/// Reads until something is there.
async fn read_until(client: &mut TcpStream, holds: impl Fn(&str) -> bool) -> String {
    let (mut all, mut buffer) = (Vec::new(), vec![0; 65_536]);
    loop {
        let read = soon(client.read(&mut buffer)).await.unwrap();
        assert_ne!(read, 0, "it ended too soon");
        all.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8(all.clone()).unwrap();
        if holds(&text) {
            return text;
        }
    }
}

#[tokio::test]
async fn a_change_is_told_and_the_end_of_the_peer_ends_the_session() {
    let world = World::new();
    let (mut client, session) = listen(&world, NEVER, 0, QUIET).await;
    world.change();
    assert_eq!(read_until(&mut client, |text| text.ends_with("\n\n")).await, "1 \n\n");
    drop(client);
    soon(session).await.unwrap();
    assert_eq!(world.hub.counts(), Counts { sent: 1, ..Counts::default() }, "nobody is connected");
}

#[tokio::test]
async fn what_was_committed_after_the_answer_was_decided_is_told() {
    let world = World::new();
    let since = world.head();
    world.change();
    let (mut client, _session) = listen_since(&world, since, NEVER, 0, Kind::Events).await;
    let text = read_until(&mut client, |text| text.ends_with("1 \n\n")).await;
    assert_eq!(text, "retry: 3000\n\n1 \n\n");
}

#[tokio::test]
async fn an_idle_event_stream_beats_by_the_cursor_of_all_that_was_told() {
    let world = World::new();
    let (mut client, _session) = listen(&world, Duration::from_millis(64), 0, Kind::Events).await;
    world.change();
    world.change();
    let behind = format!("id: {:1$}\n\n", 2, podbell_hub::CURSOR);
    let text = read_until(&mut client, |text| text.contains(&behind)).await;
    assert!(text.find("2 \n\n").unwrap() < text.find(&behind).unwrap(), "first told, then said to be told");
}

#[tokio::test]
async fn a_slow_reader_gets_whole_notifications_and_the_last_one() {
    let world = World::new();
    let (mut client, session) = listen(&world, Duration::from_millis(32), 50_000, QUIET).await;
    // The first one waits for the judge; what comes behind it is coalesced only once it is judged.
    world.change();
    read_until(&mut client, |text| text.ends_with("\n\n")).await;
    for _ in 1..400 {
        world.change();
        tokio::task::yield_now().await;
    }
    world.until(|hub| hub.counts().coalesced > 0).await;
    let text = read_until(&mut client, |text| {
        text.ends_with("x\n\n") && text.trim_end().rsplit('\n').next().is_some_and(|last| last.starts_with("400 "))
    })
    .await;
    let numbers = numbers(text.as_bytes(), 50_000);
    assert!(numbers.is_sorted() && numbers.len() < 400, "something was coalesced: {}", numbers.len());
    drop(client);
    soon(session).await.unwrap();
}

#[tokio::test]
async fn what_the_client_says_is_dropped() {
    let world = World::new();
    let (mut client, session) = listen(&world, NEVER, 0, QUIET).await;
    soon(client.write_all(&vec![b'z'; 4 << 20])).await.unwrap();
    world.change();
    assert_eq!(read_until(&mut client, |text| text.ends_with("\n\n")).await, "1 \n\n");
    assert!(!session.is_finished());
}

#[tokio::test]
async fn an_ending_ends_the_body_and_the_session_with_the_peer() {
    let world = World::new();
    let (mut client, session) = listen(&world, NEVER, 0, QUIET).await;
    world.change();
    world.until(|hub| hub.counts().sent == 1).await;
    world.hub.drain().await;
    let mut all = Vec::new();
    soon(client.read_to_end(&mut all)).await.unwrap();
    assert_eq!(all, b"1 \n\n");
    assert!(!session.is_finished(), "what the peer still sends does not take the end back");
    drop(client);
    soon(session).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_end_is_cut_and_leaves_nothing_behind() {
    let world = World::new();
    let (client, session) = listen(&world, Duration::from_secs(25), 0, QUIET).await;
    world.hub.drain().await;
    soon(session).await.unwrap();
    drop(client);
}

#[tokio::test]
async fn a_session_that_is_dropped_ends_the_connection() {
    let world = World::new();
    let (mut client, session) = listen(&world, NEVER, 0, QUIET).await;
    session.abort();
    let mut all = Vec::new();
    soon(client.read_to_end(&mut all)).await.unwrap();
    world.until(|hub| hub.counts().connections == 0).await;
}

use super::*;
use crate::{
    stream::{Kind, Streams},
    testing::{World, numbers, soon},
};
use podbell_hub::Begin;
use std::{future::poll_fn, time::Duration};

const QUIET: Kind = Kind::Stream { heartbeat: false };

async fn listen(world: &World, every: Duration, padding: u32, kind: Kind) -> StreamBody<Streams> {
    let (since, streams) = (world.head(), Streams::start(every));
    let held = streams.clone();
    streams.body(world.admit(padding).await, (Begin::Now, since), None, kind, held)
}

/// The next piece; none at the end.
async fn next<T>(body: &mut StreamBody<T>) -> Option<Bytes> {
    let frame = soon(poll_fn(|context| Pin::new(&mut *body).poll_frame(context))).await;
    frame.map(|frame| frame.unwrap().into_data().unwrap())
}

/// All that comes until the last byte of a change.
async fn until<T>(body: &mut StreamBody<T>, number: u64) -> Vec<u8> {
    let (mut all, mut line) = (Vec::new(), 0);
    loop {
        let piece = next(body).await.expect("it goes on");
        assert!(piece.len() <= 16 * 1_024);
        if &piece[..] == b"\n" {
            assert!(all.is_empty() || all.ends_with(b"\n\n"), "a beat inside a notification");
            continue;
        }
        all.extend_from_slice(&piece);
        if all.ends_with(b"\n\n") {
            if all[line..].starts_with(format!("{number} ").as_bytes()) {
                return all;
            }
            line = all.len();
        }
    }
}

/// The first change waits for the judge; what comes behind it is coalesced only once it is judged.
async fn judged<T>(world: &World, body: &mut StreamBody<T>) {
    world.change();
    until(body, world.head().0).await;
}

const NEVER: Duration = Duration::from_hours(1);

#[tokio::test]
async fn a_change_is_told_after_the_opening() {
    let world = World::new();
    let mut body = listen(&world, NEVER, 0, Kind::Events).await;
    assert_eq!(&next(&mut body).await.unwrap()[..], b"retry: 3000\n\n");
    world.change();
    assert_eq!(&next(&mut body).await.unwrap()[..], b"1 \n\n");
    assert!(!body.is_end_stream());
}

#[tokio::test]
async fn what_is_not_asked_for_waits_with_the_hub_and_is_coalesced() {
    let world = World::new();
    let mut body = listen(&world, NEVER, 50_000, QUIET).await;
    judged(&world, &mut body).await;
    for _ in 0..200 {
        world.change();
        tokio::task::yield_now().await;
    }
    world.until(|hub| hub.counts().coalesced > 100).await;
    assert_eq!(world.hub.counts().sent, 1);
    let numbers = numbers(&until(&mut body, 201).await, 50_000);
    assert!(numbers.is_sorted() && numbers.len() < 100);
}

#[tokio::test]
async fn an_idle_event_stream_beats_by_the_cursor_of_all_that_was_told() {
    let world = World::new();
    let mut body = listen(&world, Duration::from_millis(64), 0, Kind::Events).await;
    world.change();
    let behind = format!("id: {:1$}\n\n", 1, podbell_hub::CURSOR);
    let mut told = false;
    loop {
        let piece = next(&mut body).await.unwrap();
        told |= &piece[..] == b"1 \n\n";
        if &piece[..] == behind.as_bytes() {
            break;
        }
    }
    assert!(told, "first told, then said to be told");
}

#[tokio::test]
async fn the_end_of_a_channel_ends_the_body() {
    let world = World::new();
    let mut body = listen(&world, NEVER, 0, QUIET).await;
    let waiting = tokio::spawn(async move { next(&mut body).await });
    tokio::task::yield_now().await;
    world.hub.drain().await;
    assert_eq!(soon(waiting).await.unwrap(), None);
}

#[tokio::test]
async fn dropping_the_body_leaves() {
    let world = World::new();
    let body = listen(&world, NEVER, 0, QUIET).await;
    assert_eq!(world.hub.counts().connections, 1);
    drop(body);
    assert_eq!(world.hub.counts().connections, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_changes_beats_and_readers_at_once_end_with_the_last_change() {
    let world = World::new();
    let mut readers = Vec::new();
    for padding in [0_u32, 100, 20_000, 40_000] {
        let loud = Kind::Stream { heartbeat: true };
        let mut body = listen(&world, Duration::from_millis(1), padding, loud).await;
        judged(&world, &mut body).await;
        readers.push(tokio::spawn(async move { numbers(&until(&mut body, 3_000).await, padding as usize) }));
    }
    for _ in world.head().0..3_000 {
        world.change();
        tokio::task::yield_now().await;
    }
    for reader in readers {
        let numbers = soon(reader).await.unwrap();
        assert!(numbers.is_sorted() && numbers.last() == Some(&3_000));
    }
}

//! A hundred thousand events, and listeners on every transport who are cut, slow, or away, beside a server that is killed
//! again and again: each hears everything in order, or is told of a gap exactly where something is missing.
//!
//! Most events are committed to the database while the server is down, so that they have to be caught up with; the others
//! come over HTTP while everybody listens.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "resume/history.rs"]
mod history;
#[path = "resume/listener.rs"]
mod listener;
mod support;
#[path = "resume/told.rs"]
mod told;

use history::{History, KEPT};
use http::Method;
use listener::{Listener, Pace, Voice};
use podbell_test_client::Client;
use std::sync::Arc;
use support::Place;

/// How often the server is killed.
const ROUNDS: usize = 6;
/// Events that are committed while it is down, each time.
const OFFLINE: usize = 15_500;
/// Events over HTTP while it is up, each time.
const LIVE: usize = 1_250;
/// How many of them may be ahead of those who are quick.
const AHEAD: usize = 250;

/// Also T-RC4: what was cut comes again with the same id, and nothing by halves.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t_rc4_everybody_hears_everything_or_is_told_of_the_gap() {
    let place = Place::new();
    let beside = tempfile::tempdir().unwrap();
    let settings = beside.path().join("settings.toml");
    std::fs::write(&settings, format!("[limits]\nsend_queue = \"32KiB\"\n[retention]\nrecords = {KEPT}\n")).unwrap();
    let start = || async { place.start_with(&["--config", settings.to_str().unwrap()]).await };

    let mut server = start().await;
    let alice = server.log_in("ALICE").await;
    for folder in 0..history::FOLDERS {
        let url = format!("{}alice/log/{folder}/", server.base);
        alice.request(Method::PUT, &url, Some("text/turtle"), "").await.unwrap().success("PUT").unwrap();
    }
    let webid = server.env["USERS_ALICE_WEBID"].clone();
    let mut listeners = Vec::new();
    for (voice, folder, pace) in [
        (Voice::Socket, None, Pace::Quick),
        (Voice::Events, None, Pace::Quick),
        (Voice::Lines, None, Pace::Quick),
        (Voice::Turtle, Some(0), Pace::Quick),
        (Voice::Socket, Some(1), Pace::Slow),
        (Voice::Events, Some(1), Pace::Slow),
        (Voice::Turtle, Some(2), Pace::Slow),
        (Voice::Events, None, Pace::Away),
        (Voice::Lines, Some(3), Pace::Away),
    ] {
        listeners.push(Arc::new(Listener::subscribe(&alice, &server.base, voice, folder, pace).await));
    }
    server.kill_9().await;

    let mut history = History::new(&place).await;
    for round in 0..ROUNDS {
        history.write(&place, OFFLINE).await;
        let mut server = start().await;
        let alice = server.log_in("ALICE").await;
        let last = round + 1 == ROUNDS;
        let is_there = |listener: &&Arc<Listener>| last || listener.pace != Pace::Away || round % 3 == 0;
        let running = listeners.iter().filter(is_there).map(|listener| Arc::clone(listener).run(place.base(), round));
        let running: Vec<_> = running.map(tokio::spawn).collect();
        write_live(&alice, &server.base, round, &listeners).await;
        if last {
            let end = format!("{}alice/log/end", server.base);
            for folder in 0..history::FOLDERS {
                let url = format!("{}alice/log/{folder}/end", server.base);
                alice.request(Method::PUT, &url, Some("text/plain"), "").await.unwrap().success("PUT").unwrap();
            }
            alice.request(Method::PUT, &end, Some("text/plain"), "").await.unwrap().success("PUT").unwrap();
            for listener in &listeners {
                listener.hurry();
                support::until("the end is heard", || listener.has_ended()).await;
            }
        }
        server.kill_9().await;
        // Nobody waits for more of what does not come.
        for listener in &listeners {
            listener.hurry();
        }
        for run in running {
            run.await.unwrap();
        }
        history.read(&place).await;
    }
    assert!(history.len() >= 100_000, "{} events", history.len());
    let cursors = history.cursors(&place).await;
    for listener in &listeners {
        history.check(listener, &cursors, &webid);
    }
    let gaps: usize = listeners.iter().map(|listener| listener.gaps()).sum();
    assert!(gaps > 0, "somebody was away for too long");
    assert!(listeners.iter().any(|listener| listener.cuts() > 20), "connections were cut");
}

/// Writes over HTTP, several at a time and not too far ahead of those who are quick.
async fn write_live(alice: &Client, base: &str, round: usize, listeners: &[Arc<Listener>]) {
    let quick: Vec<_> =
        listeners.iter().filter(|listener| listener.pace == Pace::Quick && listener.folder.is_none()).collect();
    let heard = || quick.iter().map(|listener| listener.live(round)).min().unwrap();
    let mut written = 0;
    while written < LIVE {
        let writers = (0..AHEAD / 25).map(|writer| {
            let (alice, base) = (alice.clone(), base.to_owned());
            tokio::spawn(async move {
                for number in 0..25 {
                    let (folder, name) = ((writer + number) % history::FOLDERS, written + writer * 25 + number);
                    let url = format!("{base}alice/log/{folder}/live-{round}-{name}");
                    let answer = alice.request(Method::PUT, &url, Some("text/plain"), "x").await.unwrap();
                    answer.success("PUT").unwrap();
                }
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.unwrap();
        }
        written += AHEAD;
        for listener in listeners {
            listener.tick();
        }
        support::until("the quick have caught up", || heard() >= written).await;
    }
}

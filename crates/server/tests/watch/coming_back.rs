//! The server is killed and comes back: nothing is missed, nothing is told twice.

use crate::{
    support::Place,
    watcher::{Watcher, demo, put},
};
use std::collections::HashMap;

/// Documents that are written on each side of the kill, each twice.
const DOCUMENTS: usize = 50;

/// What was told of each document, in its order.
fn by_document(lines: impl Iterator<Item = (String, String)>) -> HashMap<String, Vec<String>> {
    let mut told: HashMap<String, Vec<String>> = HashMap::new();
    for (object, kind) in lines.filter(|(object, _)| object.strip_suffix(".txt").is_some()) {
        let name = object.rsplit('/').next().unwrap().to_owned();
        told.entry(name).or_default().push(kind);
    }
    told
}

fn of_json(watcher: &Watcher) -> HashMap<String, Vec<String>> {
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    by_document(watcher.json().iter().map(|told| (text(&told["object"]), text(&told["type"]))))
}

/// `18:45:01  Create  /alice/a.txt`, with colours.
fn of_words(watcher: &Watcher) -> HashMap<String, Vec<String>> {
    by_document(watcher.out().iter().map(|line| {
        let line = line.replace("\u{1b}[32m", "").replace("\u{1b}[33m", "").replace("\u{1b}[0m", "");
        let words: Vec<_> = line.split_whitespace().collect();
        (words[2].to_owned(), words[1].to_owned())
    }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_a_kill_nothing_is_missed_and_nothing_told_twice() {
    let place = Place::new();
    let mut server = place.start().await;
    let folder = format!("{}alice/watched/", server.base);
    let alice = server.log_in("ALICE").await;
    put(&alice, &format!("{folder}first"), "x").await;
    let arguments = |more: &[&'static str]| {
        let mut all = demo(&place, "alice").map(str::to_owned).to_vec();
        all.extend(more.iter().map(|one| (*one).to_owned()));
        all.extend(["--recursive".to_owned(), folder.clone()]);
        all
    };
    let piped = |way| {
        let all = arguments(&["--json", "--type", way]);
        Watcher::piped(&all.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let watchers = [piped("websocket"), piped("eventsource"), piped("streaming")];
    let all = arguments(&[]);
    let mut terminal = Watcher::at_terminal(&all.iter().map(String::as_str).collect::<Vec<_>>());
    for watcher in watchers.iter().chain([&terminal]) {
        watcher.listens().await;
    }
    for number in 0..DOCUMENTS {
        let url = format!("{folder}{number}.txt");
        put(&alice, &url, "one").await;
        put(&alice, &url, "two").await;
    }
    server.kill_9().await;
    let mut server = place.start().await;
    let alice = server.log_in("ALICE").await;
    for number in DOCUMENTS..2 * DOCUMENTS {
        let url = format!("{folder}{number}.txt");
        put(&alice, &url, "one").await;
        put(&alice, &url, "two").await;
    }
    put(&alice, &format!("{folder}last.txt"), "x").await;
    for (told, watcher) in watchers.iter().map(|one| (of_json(one), one)).chain([(of_words(&terminal), &terminal)]) {
        drop(told);
        watcher.wait("the last", |watcher| watcher.out().iter().any(|line| line.contains("last.txt"))).await;
    }
    for told in watchers.iter().map(of_json).chain([of_words(&terminal)]) {
        for number in 0..2 * DOCUMENTS {
            assert_eq!(told.get(&format!("{number}.txt")).unwrap(), &["Create", "Update"], "{number}");
        }
        assert_eq!(told.len(), 2 * DOCUMENTS + 1);
    }
    for watcher in watchers.iter().chain([&terminal]) {
        let err = watcher.err();
        assert!(
            err.contains("connection lost (") && err.contains("coming back in ") && err.contains("resumed: "),
            "{err}"
        );
        assert!(!err.contains("GAP") && !err.contains("/connect/"), "{err}");
    }
    terminal.types(b"\x03");
    assert_eq!(terminal.ended().await.0, 0);
    server.terminate().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_history_that_is_gone_is_told_as_a_gap() {
    let place = Place::new();
    let mut server = place.start().await;
    let folder = format!("{}alice/forgotten/", server.base);
    let alice = server.log_in("ALICE").await;
    put(&alice, &format!("{folder}a.txt"), "x").await;
    let one = [&demo(&place, "alice")[..], &["--json", "--count", "1", &folder]].concat();
    let mut watcher = Watcher::piped(&one);
    watcher.listens().await;
    put(&alice, &format!("{folder}b.txt"), "x").await;
    assert_eq!(watcher.ended().await.0, 0, "{}", watcher.err());
    let cursor = watcher.json()[0]["urn:podbell:terms#cursor"].as_str().unwrap().to_owned();
    server.terminate().await;
    let config = place.data().join("short.toml");
    std::fs::write(&config, "[retention]\nrecords = 5\n").unwrap();
    let server = place.start_with(&["--config", config.to_str().unwrap()]).await;
    let alice = server.log_in("ALICE").await;
    // What is forgotten goes a little at a time, beside what is written.
    for round in 0..20 {
        for number in 0..100 {
            put(&alice, &format!("{folder}{number}.txt"), &format!("{round}")).await;
        }
        let again = [&demo(&place, "alice")[..], &["--json", "--count", "1", "--since", &cursor, &folder]].concat();
        let mut watcher = Watcher::piped(&again);
        let (code, err) = watcher.ended().await;
        assert_eq!(code, 0, "{err}");
        if err.contains("GAP") {
            let told = watcher.json();
            assert_eq!(told[0]["type"], "urn:podbell:terms#Gap");
            assert!(told[0]["urn:podbell:terms#cursor"].is_string());
            assert_eq!((&told[1]["type"], &told[1]["object"]), (&"Update".into(), &folder.as_str().into()));
            return;
        }
        assert_eq!(watcher.json()[0]["type"], "Add", "until it is gone, it is told");
    }
    panic!("nothing was forgotten");
}

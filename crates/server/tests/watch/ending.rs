//! How it ends: by whoever runs it, by whoever reads it, by whoever owns what is watched.

use crate::{
    support::{Place, Server},
    watcher::{Watcher, demo, put, rules},
};
use http::Method;
use podbell_test_client::Client;
use serde_json::Value;
use std::process::{Command, Stdio};

const WAYS: [&str; 3] = ["websocket", "eventsource", "streaming"];

/// The channels in Alice's storage.
async fn channels(server: &Server, alice: &Client) -> Vec<String> {
    let url = format!("{0}.notifications/channels/?storage={0}alice/", server.base);
    let listed = alice.request(Method::GET, &url, None, "").await.unwrap().success("list").unwrap().json().unwrap();
    let mut ids = Vec::new();
    collect(&listed, &mut ids);
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn collect(value: &Value, ids: &mut Vec<String>) {
    match value {
        Value::String(text)
            if text.contains("/.notifications/channels/") && !text.contains('?') && !text.ends_with('/') =>
        {
            ids.push(text.clone());
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, ids)),
        Value::Object(members) => members.values().for_each(|value| collect(value, ids)),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_stops_it_leaves_no_channel_behind() {
    let place = Place::new();
    let server = place.start().await;
    let alice = server.log_in("ALICE").await;
    let root = format!("{}alice/", server.base);
    for (way, signal) in WAYS.into_iter().zip(["-INT", "-TERM", "-INT"]) {
        let arguments = [&demo(&place, "alice")[..], &["--type", way, &root]].concat();
        let mut watcher = Watcher::piped(&arguments);
        watcher.listens().await;
        assert_eq!(channels(&server, &alice).await.len(), 1, "{way}");
        watcher.signal(signal);
        assert_eq!(watcher.ended().await.0, 0, "{way}");
        assert_eq!(channels(&server, &alice).await, [""; 0], "{way}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_ends_with_its_count_and_with_whoever_reads_it() {
    let place = Place::new();
    let server = place.start().await;
    let alice = server.log_in("ALICE").await;
    let root = format!("{}alice/", server.base);
    let arguments = [&demo(&place, "alice")[..], &["--count", "2", "--quiet", &root]].concat();
    // Says nothing of how it fares, so what it tells is waited for.
    let mut quiet = Watcher::piped(&arguments);
    let mut number = 0;
    while quiet.out().is_empty() {
        number += 1;
        put(&alice, &format!("{root}{number}"), "x").await;
    }
    put(&alice, &format!("{root}another"), "x").await;
    let (code, err) = quiet.ended().await;
    assert_eq!((code, quiet.out().len(), err.as_str()), (0, 2, ""));

    let mut piped = Command::new("bash")
        .args(["-c", "set -o pipefail; \"$0\" watch --as alice --data \"$1\" --json \"$2\" | head -1"])
        .arg(env!("CARGO_BIN_EXE_podbell"))
        .arg(place.data())
        .arg(&root)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut turn = 0;
    // Once it has a channel nothing is missed. It must end by itself after one line, whether more happens or not.
    while channels(&server, &alice).await.is_empty() {
        turn += 1;
        assert!(turn < 10_000, "it never subscribes");
    }
    put(&alice, &format!("{root}piped"), "x").await;
    let status = tokio::task::spawn_blocking(move || {
        let status = piped.wait().unwrap();
        let mut out = String::new();
        std::io::Read::read_to_string(&mut piped.stdout.take().unwrap(), &mut out).unwrap();
        (status.code(), out)
    });
    let (code, out) = status.await.unwrap();
    assert_eq!((code, out.lines().count()), (Some(0), 1), "{out}");
    assert_eq!(channels(&server, &alice).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_loses_read_is_told_and_does_not_come_back() {
    let place = Place::new();
    let server = place.start().await;
    let alice = server.log_in("ALICE").await;
    let bob = format!("acl:agent <{}>", server.env["USERS_BOB_WEBID"]);
    for way in WAYS {
        let folder = format!("{}alice/lost-{way}/", server.base);
        put(&alice, &format!("{folder}a"), "x").await;
        rules(&server, &alice, &folder, &bob).await;
        let arguments = [&demo(&place, "bob")[..], &["--type", way, &folder]].concat();
        let mut watcher = Watcher::piped(&arguments);
        watcher.listens().await;
        rules(&server, &alice, &folder, "").await;
        put(&alice, &format!("{folder}secret"), "x").await;
        let (code, err) = watcher.ended().await;
        assert_eq!(code, 3, "{way}: {err}");
        assert!(err.contains("may not be read"), "{way}: {err}");
        assert_eq!(watcher.out(), [""; 0], "{way}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_owns_the_storage_ends_it() {
    let place = Place::new();
    let server = place.start().await;
    let alice = server.log_in("ALICE").await;
    let bob = format!("acl:agent <{}>", server.env["USERS_BOB_WEBID"]);
    let folder = format!("{}alice/ended/", server.base);
    put(&alice, &format!("{folder}a"), "x").await;
    rules(&server, &alice, &folder, &bob).await;
    for way in WAYS {
        let arguments = [&demo(&place, "bob")[..], &["--type", way, &folder]].concat();
        let mut watcher = Watcher::piped(&arguments);
        watcher.listens().await;
        let ids = channels(&server, &alice).await;
        assert_eq!(ids.len(), 1, "{way}");
        alice.request(Method::DELETE, &ids[0], None, "").await.unwrap().success("delete").unwrap();
        let (code, err) = watcher.ended().await;
        assert_eq!(code, 4, "{way}: {err}");
        assert!(err.contains("the channel was ended"), "{way}: {err}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_interrupt_ends_it_at_once() {
    let place = Place::new();
    let server = place.start().await;
    let root = format!("{}alice/", server.base);
    let arguments = [&demo(&place, "alice")[..], &[&root]].concat();
    let mut watcher = Watcher::piped(&arguments);
    watcher.listens().await;
    // A server that does not answer keeps it from ending its channel.
    let stopped = Command::new("kill").args(["-STOP", &server.pid().to_string()]).status().unwrap();
    assert!(stopped.success());
    watcher.signal("-INT");
    watcher.wait("it heard the first", |watcher| watcher.err().contains("Ctrl-C again")).await;
    watcher.signal("-INT");
    let (code, err) = watcher.ended().await;
    assert!(Command::new("kill").args(["-CONT", &server.pid().to_string()]).status().unwrap().success());
    assert_eq!(code, 130, "{err}");
}

//! Quotas: kept whatever comes at once, counted exactly whatever ends it.

use super::{content_type, done, get, put, refused, support::Place};
use serde_json::Value;
use std::fs;

const KIB: usize = 1024;

fn told(place: &Place, root: &str) -> (u64, Option<u64>) {
    let all: Value = serde_json::from_str(&done(place.data(), &["list", "--json"])).unwrap();
    let pod = all.as_array().unwrap().iter().find(|pod| pod["root"] == root).unwrap();
    (pod["used"].as_u64().unwrap(), pod["quota"].as_u64())
}

#[tokio::test]
async fn writes_at_once_never_exceed_a_quota() {
    let place = Place::new();
    let server = place.start().await;
    let alice = server.log_in("ALICE").await;
    let root = format!("{}alice/", server.base);
    let (begin, none) = told(&place, &root);
    assert_eq!(none, None);
    let quota = begin + 210 * KIB as u64;
    assert!(done(place.data(), &["quota", "alice", &quota.to_string()]).contains("of 21"));
    let writes = (0..24).map(|n| {
        let (alice, url) = (alice.clone(), format!("{root}file-{n}"));
        tokio::spawn(async move { put(&alice, &url, "text/plain", vec![b'x'; 50 * KIB]).await })
    });
    let mut written = 0;
    for answer in futures_util::future::join_all(writes).await {
        let answer = answer.unwrap();
        match answer.status.as_u16() {
            201 => written += 1,
            507 => {
                assert_eq!(content_type(&answer), "application/problem+json");
                assert!(answer.json().unwrap()["detail"].as_str().unwrap().contains(&quota.to_string()));
            }
            other => panic!("{other}"),
        }
    }
    assert_eq!(written, 4);
    assert_eq!(told(&place, &root), (begin + 200 * KIB as u64, Some(quota)));
    // Large bodies, which are files of their own, and one that is larger than all there is.
    // It is not waited for, so its connection ends.
    let other = server.log_in("ALICE").await;
    assert_eq!(put(&other, &format!("{root}big"), "text/plain", vec![b'x'; 200 * KIB]).await.status, 507);
    assert_eq!(get(&alice, &format!("{root}big")).await.status, 404);
    // What is replaced or deleted makes room.
    let one = (0..24).map(|n| format!("{root}file-{n}"));
    let mut held = Vec::new();
    for url in one {
        if get(&alice, &url).await.status == 200 {
            held.push(url);
        }
    }
    assert!(put(&alice, &held[0], "text/plain", vec![b'x'; 60 * KIB]).await.status.is_success());
    let deleted = alice.request(http::Method::DELETE, &held[1], None, "").await.unwrap();
    assert!(deleted.status.is_success());
    assert_eq!(put(&alice, &format!("{root}again"), "text/plain", vec![b'x'; 50 * KIB]).await.status, 201);
    assert_eq!(told(&place, &root), (quota, Some(quota)));
    done(place.data(), &["quota", "alice", "none"]);
    assert_eq!(put(&alice, &format!("{root}big"), "text/plain", vec![b'x'; 200 * KIB]).await.status, 201);
    assert_eq!(told(&place, &root).1, None);
    assert!(refused(place.data(), &["quota", "alice", "lots"]).contains("expected a size"));
}

#[tokio::test]
async fn the_setting_holds_for_every_pod_and_a_killed_server_has_counted_right() {
    let place = Place::new();
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "[limits]\npod = \"1 MiB\"\n").unwrap();
    let config = file.path().to_str().unwrap();
    let out = tempfile::tempdir().unwrap();
    for round in 0..3 {
        let mut server = place.start_with(&["--config", config]).await;
        let alice = server.log_in("ALICE").await;
        let root = format!("{}alice/", server.base);
        assert_eq!(told(&place, &root).1, Some(KIB as u64 * KIB as u64));
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let (alice, root) = (alice.clone(), root.clone());
                tokio::spawn(async move {
                    for n in 0.. {
                        let url = format!("{root}{round}-{writer}-{}", n % 7);
                        let write =
                            alice.request(http::Method::PUT, &url, Some("text/plain"), vec![b'x'; 100 * n % 977]);
                        let Ok(answer) = write.await else { return n };
                        assert!(answer.status.is_success());
                        if n % 5 == 4 && alice.request(http::Method::DELETE, &url, None, "").await.is_err() {
                            return n;
                        }
                    }
                    0
                })
            })
            .collect();
        let url = format!("{root}{round}-0-3");
        while get(&alice, &url).await.status != 200 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        server.kill_9().await;
        for writer in writers {
            writer.await.unwrap();
        }
        let directory = out.path().join(round.to_string());
        done(place.data(), &["export", "alice", directory.to_str().unwrap()]);
        // That says what every root is.
        fs::remove_file(directory.join(".meta")).unwrap();
        assert_eq!(told(&place, &root).0, size(&directory));
    }
}

fn size(directory: &std::path::Path) -> u64 {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { size(&path) } else { path.metadata().unwrap().len() }).sum()
}

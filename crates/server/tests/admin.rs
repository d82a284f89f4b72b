//! Pods administered with the binary: made, moved in and out, limited and deleted, beside a running server and without.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

#[path = "admin/archives.rs"]
mod archives;
#[path = "admin/making.rs"]
mod making;
#[path = "admin/moving.rs"]
mod moving;
#[path = "admin/quotas.rs"]
mod quotas;
#[path = "admin/sender.rs"]
mod sender;
mod support;

use podbell_test_client::{Answer, Client};
use std::{
    path::Path,
    process::{Command, Stdio},
};

/// Runs `podbell pod …` on a data directory; whether it succeeded, and what it said on both outputs.
fn pod(data: &Path, arguments: &[&str]) -> (bool, String) {
    let output = command(data, arguments).output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    (output.status.success(), said)
}

/// The same, which must succeed.
fn done(data: &Path, arguments: &[&str]) -> String {
    let (success, said) = pod(data, arguments);
    assert!(success, "{arguments:?}: {said}");
    said
}

/// The same, which must fail.
fn refused(data: &Path, arguments: &[&str]) -> String {
    let (success, said) = pod(data, arguments);
    assert!(!success, "{arguments:?}: {said}");
    said
}

fn command(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_podbell"));
    command.args(["pod", "--data"]).arg(data).args(arguments).stdin(Stdio::null());
    command
}

async fn put(client: &Client, url: &str, content_type: &str, body: impl Into<bytes::Bytes>) -> Answer {
    client.request(http::Method::PUT, url, Some(content_type), body).await.unwrap()
}

async fn get(client: &Client, url: &str) -> Answer {
    client.request(http::Method::GET, url, None, "").await.unwrap()
}

fn content_type(answer: &Answer) -> &str {
    answer.headers["content-type"].to_str().unwrap()
}

//! The keys of the sender: there without a provider, kept over restarts, replaced beside a running server and without.

use super::{get, support::Place};
use podbell_test_client::Client;
use serde_json::Value;
use std::{
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    process::{Command, Stdio},
};

/// Runs `podbell sender …`; the keys that it told, each with its purpose.
fn sender(data: &Path, base: &str, arguments: &[&str]) -> Vec<(String, String)> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_podbell"));
    command.args(["sender", "--base-url", base, "--data"]).arg(data).args(arguments).stdin(Stdio::null());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains(&format!("issuer  {base}.notifications/issuer\n")), "{said}");
    let keys = said.lines().filter_map(|line| line.strip_prefix("key")?.trim().split_once("  "));
    keys.map(|(kid, purpose)| (purpose.to_owned(), kid.to_owned())).collect()
}

fn of(keys: &[(String, String)], purpose: &str) -> Vec<String> {
    keys.iter().filter(|(told, _)| told.starts_with(purpose)).map(|(_, kid)| kid.clone()).collect()
}

async fn published(base: &str) -> Vec<String> {
    let told = get(&Client::new().unwrap(), &format!("{base}.notifications/issuer/jwks")).await;
    let keys = told.json().unwrap()["keys"].as_array().unwrap().clone();
    keys.iter().map(|key| key["kid"].as_str().map(str::to_owned).unwrap()).collect()
}

#[tokio::test]
async fn keys_follow_one_another_without_a_gap_and_stay_over_restarts() {
    let place = Place::new();
    let (data, base) = (place.data(), place.base());
    let config = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(config.path(), "[provider]\nenabled = false\n").unwrap();
    let arguments = ["--config", config.path().to_str().unwrap()];
    // No provider, so no accounts: what would name them is empty.
    let mut private = std::fs::OpenOptions::new();
    private.create(true).write(true).mode(0o600).open(data.join("demo.env")).unwrap();
    let mut server = place.start_with(&arguments).await;
    let first = published(&base).await;
    assert_eq!(first.len(), 1);
    let shown = sender(data, &base, &["show"]);
    assert_eq!(of(&shown, "access-token"), first);
    let rotated = sender(data, &base, &["rotate"]);
    let both = published(&base).await;
    assert_eq!((both.len(), &both[0]), (2, &first[0]));
    assert_eq!(of(&rotated, "access-token"), both);
    assert_eq!(of(&rotated, "vapid"), of(&shown, "vapid"), "browsers are bound to it");
    let told = |kid: &str| rotated.iter().find(|(_, other)| other == kid).unwrap().0.clone();
    assert!(told(&both[1]).starts_with("access-token, signs from 20"), "{rotated:?}");
    assert!(told(&both[0]).starts_with("access-token, signs until 20"), "{rotated:?}");
    server.kill_9().await;
    let elsewhere = sender(data, &base, &["rotate", "--now"]);
    let server = place.start_with(&arguments).await;
    let last = published(&server.base).await;
    assert_eq!(of(&elsewhere, "access-token"), last);
    assert!(last.len() == 1 && !both.contains(&last[0]));
    assert_eq!(of(&elsewhere, "vapid"), of(&shown, "vapid"));
    let configuration = format!("{base}.notifications/issuer/.well-known/openid-configuration");
    let document: Value = get(&Client::new().unwrap(), &configuration).await.json().unwrap();
    assert_eq!(document["issuer"], format!("{base}.notifications/issuer"));
}

//! The floors: which crate may use which. Whoever never meets matters more than who does.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use serde_json::Value;
use std::{collections::BTreeSet, process::Command};

/// The edges among Podbell's crates. `server` may use all.
const EDGES: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("wire", &["model"]),
    ("wac", &["model"]),
    ("log", &["model"]),
    ("egress", &["model"]),
    ("oidc", &["model", "egress"]),
    ("hub", &["log", "model"]),
    ("client", &["wire", "oidc", "model"]),
    ("delivery", &["hub", "wire", "oidc", "egress", "model"]),
    ("pod", &["wac", "log", "wire", "model"]),
    ("proxy", &["wac", "log", "wire", "egress", "model"]),
    ("provider", &["oidc", "egress", "model"]),
    ("sqlite", &["pod", "hub", "delivery", "oidc", "provider", "log", "model"]),
    ("cluster", &["pod", "hub", "delivery", "oidc", "provider", "log", "model"]),
    // No part of the product: what tests and benchmarks are made of.
    ("test-client", &["oidc"]),
    ("bench", &["test-client"]),
];

/// Crates that only some may use, tests included.
const KEPT: &[(&str, &[&str])] =
    &[("axum", &["server"]), ("rusqlite", &["sqlite"]), ("async-nats", &["cluster"]), ("clap", &["server", "bench"])];

/// Crates without sockets, clocks and runtimes, and what they may not use, tests included.
const PURE: &[&str] = &["model", "wire", "wac"];
const IMPURE: &[&str] = &["tokio", "hyper", "hyper-util", "rusqlite", "reqwest", "rand", "getrandom"];

/// One dependency of one crate of Podbell; names without `podbell-`.
struct Edge {
    from: String,
    to: String,
    is_ours: bool,
    is_for_tests: bool,
}

fn edges() -> Vec<Edge> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut edges = Vec::new();
    for package in metadata["packages"].as_array().unwrap() {
        let from = package["name"].as_str().unwrap().strip_prefix("podbell-").unwrap().to_owned();
        for dependency in package["dependencies"].as_array().unwrap() {
            let name = dependency["name"].as_str().unwrap();
            edges.push(Edge {
                from: from.clone(),
                to: name.strip_prefix("podbell-").unwrap_or(name).to_owned(),
                is_ours: name.starts_with("podbell-"),
                is_for_tests: dependency["kind"] == "dev",
            });
        }
    }
    edges
}

/// What is wrong with some edges.
fn faults(edges: &[Edge]) -> BTreeSet<String> {
    let mut faults = BTreeSet::new();
    for Edge { from, to, is_ours, is_for_tests } in edges {
        let allowed = EDGES.iter().find(|(name, _)| name == from).map(|(_, allowed)| *allowed);
        if *is_ours
            && !is_for_tests
            && from != "server"
            && !allowed.is_some_and(|allowed| allowed.contains(&to.as_str()))
        {
            faults.insert(format!("{from} -> {to} is no edge of the design"));
        }
        let keepers = KEPT.iter().find(|(name, _)| name == to).map(|(_, keepers)| *keepers);
        if keepers.is_some_and(|keepers| !keepers.contains(&from.as_str())) {
            faults.insert(format!("{from} -> {to} is only for {keepers:?}"));
        }
        if PURE.contains(&from.as_str()) && IMPURE.contains(&to.as_str()) {
            faults.insert(format!("{from} -> {to} brings I/O, a clock or a runtime"));
        }
    }
    faults
}

#[test]
fn every_edge_stands_in_the_design() {
    let edges = edges();
    assert!(edges.iter().any(|edge| edge.from == "hub" && edge.to == "log"), "the edges are read");
    assert_eq!(faults(&edges), BTreeSet::new());
}

#[test]
fn a_forbidden_edge_is_found() {
    let edge =
        |from: &str, to: &str, is_ours, is_for_tests| Edge { from: from.into(), to: to.into(), is_ours, is_for_tests };
    for bad in [
        edge("hub", "wire", true, false),
        edge("pod", "hub", true, false),
        edge("model", "log", true, false),
        edge("newcomer", "model", true, false),
        edge("hub", "axum", false, false),
        edge("pod", "rusqlite", false, true),
        edge("wire", "tokio", false, true),
    ] {
        assert_eq!(faults(std::slice::from_ref(&bad)).len(), 1, "{} -> {}", bad.from, bad.to);
    }
    for good in
        [edge("server", "hub", true, false), edge("hub", "sqlite", true, true), edge("oidc", "egress", true, false)]
    {
        assert!(faults(std::slice::from_ref(&good)).is_empty(), "{} -> {}", good.from, good.to);
    }
}

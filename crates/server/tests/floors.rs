//! The floors: which crate may use which. Whoever never meets matters more than who does. And how long a file may be.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use serde_json::Value;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

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

/// Most lines of a file of the product; a longer one has more than one idea.
const LONGEST: usize = 450;

/// The files of Rust below a folder, but for those of tests.
fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_for_tests = path.file_stem().is_some_and(|name| name == "tests");
        if path.is_dir() && !is_for_tests {
            sources(&path, into);
        } else if path.extension().is_some_and(|ending| ending == "rs") && !is_for_tests {
            into.push(path);
        }
    }
}

#[test]
fn no_file_of_the_product_is_longer_than_a_reader_bears() {
    let (crates, mut files) = (Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")), Vec::new());
    for entry in fs::read_dir(crates).unwrap() {
        sources(&entry.unwrap().path().join("src"), &mut files);
    }
    let lengths = files.iter().map(|path| (fs::read_to_string(path).unwrap().lines().count(), path));
    let mut lengths: Vec<_> = lengths.collect();
    lengths.sort();
    assert!(lengths.len() > 300, "the files are read");
    assert!(lengths.iter().any(|(_, path)| path.ends_with("hub/src/shard.rs")), "in every crate");
    lengths.retain(|(length, _)| *length > LONGEST);
    assert!(lengths.is_empty(), "{lengths:#?}");
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

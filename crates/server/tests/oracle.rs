//! The oracle: whatever happens in a pod, nobody hears what they may not read, and nobody misses what they may.
//!
//! Random histories of writes, rules, listeners and interruptions run through the real parts together, from the plan
//! of a request to the bytes of a frame, beside a model that says what must, may and must not be heard. Every history
//! that failed once is kept as a test of its own.
//!
//! `PODBELL_ORACLE_HISTORIES` sets how many histories are run, `PODBELL_ORACLE_STEPS` how long the longest are, and
//! `PODBELL_ORACLE_SEED` which; the seed is printed with what failed.

#![allow(clippy::unwrap_used, reason = "all of it is test code")]

#[path = "oracle/ask.rs"]
mod ask;
#[path = "oracle/check.rs"]
mod check;
#[path = "oracle/dialects.rs"]
mod dialects;
#[path = "oracle/ear.rs"]
mod ear;
#[path = "oracle/elsewhere.rs"]
mod elsewhere;
#[path = "oracle/history.rs"]
mod history;
#[path = "oracle/hooks.rs"]
mod hooks;
#[path = "oracle/listeners.rs"]
mod listeners;
#[path = "oracle/lws.rs"]
mod lws;
#[path = "oracle/model.rs"]
mod model;
#[path = "oracle/regressions.rs"]
mod regressions;
#[path = "oracle/returning.rs"]
mod returning;
#[path = "oracle/sockets.rs"]
mod sockets;
#[path = "oracle/words.rs"]
mod words;
#[path = "oracle/world.rs"]
mod world;

use history::{Step, prelude, step};
use proptest::{collection::vec, prelude::*, test_runner::RngSeed};
use std::fmt;
use world::World;

/// How many histories are run by default; in addition a sixth of that with threads that race, and a thirtieth over a
/// directory.
const HISTORIES: u32 = 2_000;

/// The length of the longest histories, in steps.
const STEPS: usize = 80;

fn asked<T: std::str::FromStr>(name: &str) -> Option<T> {
    let asked = std::env::var(name).ok()?;
    Some(asked.parse().unwrap_or_else(|_| panic!("{name}={asked} is no number")))
}

fn histories(share: u32) -> ProptestConfig {
    let cases = (asked("PODBELL_ORACLE_HISTORIES").unwrap_or(HISTORIES) / share).max(1);
    let seed = asked("PODBELL_ORACLE_SEED").unwrap_or_else(|| podbell_model::Uuid::new_v4().as_u64_pair().1);
    println!("PODBELL_ORACLE_SEED={seed}");
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        max_shrink_iters: 4_000,
        max_shrink_time: 30_000,
        ..ProptestConfig::default()
    }
}

/// Runs a history on one thread whose clock stands still.
fn run_in_memory(steps: Vec<Step>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async { World::in_memory(true).await.run(steps).await });
}

/// Runs a history on several threads, in memory or over a directory.
fn run_on_threads(on_disk: bool, steps: Vec<Step>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let world = if on_disk { World::on_disk().await } else { World::in_memory(false).await };
        world.run(steps).await;
    });
}

/// A history; written one step to a line, as it is kept.
struct History {
    begun: bool,
    steps: Vec<Step>,
}

impl History {
    fn all(self) -> Vec<Step> {
        let before = if self.begun { prelude() } else { Vec::new() };
        before.into_iter().chain(self.steps).collect()
    }
}

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "begun: {}", self.begun)?;
        self.steps.iter().try_for_each(|step| writeln!(f, "    {step:?},"))
    }
}

fn history() -> impl Strategy<Value = History> {
    let begun = prop::bool::weighted(0.7);
    (vec(step(), 0..=asked("PODBELL_ORACLE_STEPS").unwrap_or(STEPS)), begun)
        .prop_map(|(steps, begun)| History { begun, steps })
}

proptest! {
    #![proptest_config(histories(1))]

    #[test]
    fn nobody_hears_what_they_may_not_read_and_nobody_misses_what_they_may(history in history()) {
        run_in_memory(history.all());
    }
}

proptest! {
    #![proptest_config(histories(6))]

    #[test]
    fn the_same_holds_while_several_threads_race(history in history()) {
        run_on_threads(false, history.all());
    }
}

proptest! {
    #![proptest_config(histories(30))]

    #[test]
    fn the_same_holds_over_a_directory(history in history()) {
        run_on_threads(true, history.all());
    }
}

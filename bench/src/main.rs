//! Measures a running Podbell beside a floor, and prints a table.
//!
//! Load comes from processes of its own, over loopback, bounded in count and time; it ends by itself.

mod deliveries;
mod floor;
mod listen;
mod measure;
mod peers;
mod receive;
mod refusals;
mod resources;
mod server;
mod stopped;

use anyhow::{Context, Result, ensure};
use clap::{Parser, Subcommand};
use std::path::PathBuf;

#[derive(Parser)]
#[command(about, version)]
struct Arguments {
    #[command(subcommand)]
    task: Option<Task>,
    /// The server to measure; by default target/release/podbell.
    #[arg(long, default_value = "target/release/podbell")]
    binary: PathBuf,
    /// How often everything is measured; the median is shown.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Measure one group only.
    #[arg(long)]
    only: Option<measure::Group>,
}

#[derive(Subcommand)]
enum Task {
    /// The floor program.
    #[command(hide = true)]
    Floor {
        /// How many sockets it waits for.
        sockets: usize,
        /// Payload of a frame, in bytes.
        frame: usize,
    },
    /// The listening program.
    #[command(hide = true)]
    Listen {
        /// Notes how long each frame took.
        #[arg(long)]
        timed: bool,
    },
    /// The receiving program.
    #[command(hide = true)]
    Receive {
        /// How many receivers acknowledge everything.
        healthy: usize,
        /// How many never answer.
        hung: usize,
    },
    /// The floor of receiving: plain requests.
    #[command(hide = true)]
    Post {
        /// Where to.
        url: String,
        /// How many.
        count: usize,
        /// How many at once.
        at_once: usize,
        /// Bytes of a body.
        bytes: usize,
    },
    /// The asking program.
    #[command(hide = true)]
    Ask {
        /// GET or PUT.
        method: http::Method,
        /// Where to log in.
        issuer: String,
        /// Client id.
        id: String,
        /// Client secret.
        secret: String,
        /// Where.
        container: String,
        /// How many ask at once.
        clients: usize,
    },
}

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let arguments = Arguments::parse();
    match arguments.task {
        Some(Task::Floor { sockets, frame }) => runtime.block_on(floor::run(sockets, frame)),
        Some(Task::Listen { timed }) => runtime.block_on(listen::run(timed)),
        Some(Task::Receive { healthy, hung }) => runtime.block_on(receive::run(healthy, hung)),
        Some(Task::Post { url, count, at_once, bytes }) => {
            runtime.block_on(deliveries::post(&url, count, at_once, bytes))
        }
        Some(Task::Ask { method, issuer, id, secret, container, clients }) => {
            runtime.block_on(resources::ask(&method, &[&issuer, &id, &secret], &container, clients))
        }
        None => runtime.block_on(all(&arguments)),
    }
}

async fn all(arguments: &Arguments) -> Result<()> {
    ensure!(arguments.binary.exists(), "{} is missing; build it: cargo build --release", arguments.binary.display());
    let mut runs = Vec::new();
    for run in 1..=arguments.runs {
        eprintln!("run {run} of {}", arguments.runs);
        runs.push(measure::run(&arguments.binary, arguments.only).await?);
    }
    println!("| figure | median | least | most |\n|---|---:|---:|---:|");
    let names: Vec<&str> = runs.first().context("at least one run")?.iter().map(|(name, _)| *name).collect();
    for (at, name) in names.iter().enumerate() {
        let mut values: Vec<f64> = runs.iter().map(|run| run[at].1).collect();
        values.sort_by(f64::total_cmp);
        let shown = |value: f64| if value >= 100.0 { format!("{value:.0}") } else { format!("{value:.2}") };
        let (least, most) = (values[0], values[values.len() - 1]);
        println!("| {name} | {} | {} | {} |", shown(values[values.len() / 2]), shown(least), shown(most));
    }
    Ok(())
}

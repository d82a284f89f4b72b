//! Measures a running Podbell beside a floor, and prints a table.

mod floor;
mod listen;

use clap::Parser;

#[derive(Parser)]
#[command(about, version)]
enum Command {
    /// The floor program (started by the benchmark).
    #[command(hide = true)]
    Floor {
        /// How many sockets it waits for.
        sockets: usize,
        /// Payload of a frame, in bytes.
        frame: usize,
    },
    /// The listening program (started by the benchmark).
    #[command(hide = true)]
    Listen,
}

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match Command::parse() {
        Command::Floor { sockets, frame } => runtime.block_on(floor::run(sockets, frame)),
        Command::Listen => runtime.block_on(listen::run()),
    }
}

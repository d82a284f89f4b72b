//! The binary `podbell`.

use std::process::ExitCode;

fn main() -> ExitCode {
    podbell_server::cli::run()
}

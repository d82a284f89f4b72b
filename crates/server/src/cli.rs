//! The command line.

use crate::{
    act::{self, Act},
    admin::{self, account_cli::AccountCommand, cli::PodCommand},
    serve::{self, Ended},
    settings::{self, LoadError, Loaded, Override, Settings, Severity, findings, load},
};
use clap::{Args, Parser, Subcommand};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};
use toml::Value;
use url::Url;

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "podbell",
    bin_name = "podbell",
    version,
    about = "A Solid pod server whose heart is a notification service.\n\
             Without a command it serves: at http://localhost:3000/, with everything in ./podbell-data.",
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    max_term_width = 100,
    after_help = "Every setting can also stand in the environment: PODBELL_BASE_URL, PODBELL_LIMITS_URL_BYTES, …\n\
                  A flag wins over the environment, the environment over the file.\n\
                  `podbell check --print-example` prints a file with every setting and what it means."
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    flags: Flags,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve pods until told to stop (SIGTERM or Ctrl-C; a second one ends at once)
    Serve {
        #[command(flatten)]
        flags: Flags,
    },
    /// Say what is wrong or unwise about the settings; exit 0: nothing, 1: unwise, 2: wrong
    Check {
        #[command(flatten)]
        flags: Flags,
        /// Print a file with every setting, its meaning and its default, and do nothing else
        #[arg(long)]
        print_example: bool,
    },
    /// Make and list pods, whether the server runs or not
    Pod {
        #[command(flatten)]
        place: admin::cli::Place,
        #[command(subcommand)]
        command: PodCommand,
    },
    /// Make and keep the accounts of this server's provider, whether the server runs or not
    Account {
        #[command(flatten)]
        place: admin::cli::Place,
        #[command(subcommand)]
        command: AccountCommand,
    },
    /// Print what curl needs to make one request as a demo account of the server on this machine
    ///
    /// Use it so: podbell as alice PUT http://localhost:3000/alice/hello.txt | curl -K- -d hello
    As {
        /// The server's data directory, which holds demo.env
        #[arg(long, value_name = "DIRECTORY", env = "PODBELL_DATA", default_value = "podbell-data")]
        data: PathBuf,
        /// The demo account
        account: String,
        /// The method; or "listen" to hear the notifications about the URL; or "ring" to listen to a container for a
        /// moment and write a small text document into it meanwhile
        act: Act,
        /// The URL of the request
        url: Url,
    },
}

#[derive(Debug, Args)]
struct Flags {
    /// A file of settings
    #[arg(long, value_name = "FILE.toml", env = "PODBELL_CONFIG", hide_env_values = true)]
    config: Option<PathBuf>,
    /// The URL at which clients reach the server [default: http://localhost:3000/]
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// An address to listen on, port 0 for a free one; repeatable [default: the base URL's port, on this machine]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Vec<String>,
    /// The directory that holds everything [default: podbell-data]
    #[arg(long, value_name = "DIRECTORY")]
    data: Option<PathBuf>,
    /// A demo account to have, made if it is missing, or "none"; repeatable [default: the first start in a data directory
    /// makes alice and bob, later ones none]
    #[arg(long, value_name = "NAME")]
    seed: Vec<String>,
    /// Make no demo accounts, not even at the first start
    #[arg(long, conflicts_with = "seed")]
    no_seed: bool,
    /// Give each pod an origin of its own: http://alice.localhost:3000/ instead of http://localhost:3000/alice/
    #[arg(long)]
    subdomains: bool,
}

impl Flags {
    fn overrides(&self) -> Vec<Override> {
        let mut overrides = Vec::new();
        let mut put = |path, value, flag| overrides.push(Override { path, value, flag });
        if let Some(url) = &self.base_url {
            put("base_url", Value::String(url.clone()), "--base-url");
        }
        if !self.listen.is_empty() {
            put("listen", settings::list(&self.listen.join(",")), "--listen");
        }
        if let Some(data) = &self.data {
            put("data", Value::String(data.to_string_lossy().into_owned()), "--data");
        }
        if self.no_seed {
            put("seed", Value::Array(Vec::new()), "--no-seed");
        } else if !self.seed.is_empty() {
            put("seed", settings::list(&self.seed.join(",")), "--seed");
        }
        if self.subdomains {
            put("pods.layout", Value::String("subdomain".to_owned()), "--subdomains");
        }
        overrides
    }

    fn load(&self) -> Result<Loaded, LoadError> {
        let environment =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        load(self.config.as_deref(), environment, self.overrides())
    }
}

/// Does what the command line says.
pub fn run() -> ExitCode {
    let Cli { command, flags } = Cli::parse();
    match command.unwrap_or(Command::Serve { flags }) {
        Command::Check { print_example: true, .. } => {
            print!("{}", settings::example());
            ExitCode::SUCCESS
        }
        Command::Check { flags, .. } => check(&flags),
        Command::Serve { flags } => start(&flags),
        Command::Pod { place, command } => administer(&place, async |settings| command.run(settings).await),
        Command::Account { place, command } => administer(&place, async |settings| command.run(settings).await),
        Command::As { data, account, act, url } => run_as(&data, &account, &act, &url),
    }
}

fn administer(place: &admin::cli::Place, command: impl AsyncFnOnce(&Settings) -> anyhow::Result<()>) -> ExitCode {
    let done = place.settings().map_err(Into::into).and_then(|settings| {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(command(&settings))
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("podbell: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run_as(data: &Path, account: &str, act: &Act, url: &Url) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let config = runtime.map_err(Into::into).and_then(|runtime| runtime.block_on(act::act(data, account, act, url)));
    match config {
        Ok(config) => {
            print!("{config}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("podbell: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn check(flags: &Flags) -> ExitCode {
    let loaded = match flags.load() {
        Ok(loaded) => loaded,
        Err(error) => {
            for line in error.to_string().lines() {
                println!("error: {line}");
            }
            return ExitCode::from(2);
        }
    };
    let findings = findings(&loaded);
    for finding in &findings {
        println!("{finding}");
    }
    match findings.first().map(|worst| worst.severity) {
        None => {
            println!("ok: {} is served from {}", loaded.settings.base(), loaded.settings.data.display());
            ExitCode::SUCCESS
        }
        Some(Severity::Unwise) => ExitCode::from(1),
        Some(Severity::Wrong) => ExitCode::from(2),
    }
}

fn start(flags: &Flags) -> ExitCode {
    match try_start(flags) {
        Ok(Ended::Gracefully) => ExitCode::SUCCESS,
        Ok(Ended::AtOnce) => ExitCode::from(130),
        Err(error) => {
            eprintln!("podbell: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn try_start(flags: &Flags) -> anyhow::Result<Ended> {
    let loaded = flags.load().map_err(|error| match error {
        // One a line, below the program's name.
        LoadError::Faults(faults) if faults.len() > 1 => {
            anyhow::anyhow!("these settings are not accepted:\n{}", LoadError::Faults(faults))
        }
        error => error.into(),
    })?;
    let findings = findings(&loaded);
    for finding in &findings {
        eprintln!("podbell: {finding}");
    }
    if findings.iter().any(|finding| finding.severity == Severity::Wrong) {
        anyhow::bail!("not started: these settings are not accepted");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ended = runtime.block_on(serve::serve(loaded.settings));
    // Whoever still holds a socket has had the grace period.
    runtime.shutdown_background();
    ended
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn flags_become_settings() {
        let cli =
            Cli::parse_from(["podbell", "--seed", "carol", "--seed=dave", "--listen", "127.0.0.1:1", "--data", "d"]);
        let settings = load(None, Vec::new(), cli.flags.overrides()).unwrap().settings;
        assert_eq!(settings.demo_accounts(), ["carol", "dave"]);
        assert_eq!(settings.base().as_str(), "http://localhost:1/");
        assert_eq!(settings.data, PathBuf::from("d"));
        for none in [&["podbell", "--seed", "none"][..], &["podbell", "--no-seed"]] {
            let settings = load(None, Vec::new(), Cli::parse_from(none).flags.overrides()).unwrap().settings;
            assert_eq!(settings.seed, Some(Vec::new()));
        }
        let settings = load(None, Vec::new(), Cli::parse_from(["podbell", "--subdomains"]).flags.overrides());
        assert_eq!(settings.unwrap().settings.pods.layout, settings::Layout::Subdomain);
    }
}

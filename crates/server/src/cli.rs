//! The command line.

use crate::{
    act::{self, Act},
    admin::{self, account_cli::AccountCommand, cli::PodCommand, sender_cli::SenderCommand},
    serve::{self, Ended},
    settings::{self, LoadError, Loaded, Override, Settings, Severity, findings, load},
    watch::{self, WatchCommand},
};
use clap::{Args, Parser, Subcommand};
use std::{
    io::{self, IsTerminal as _, Write as _},
    path::PathBuf,
    process::ExitCode,
};
use toml::Value;

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "podbell",
    bin_name = "podbell",
    version,
    about = "A Solid pod server whose heart is a notification service.\n\
             Without a command it serves: at http://localhost:3000/, with everything in ./podbell-data.",
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
    /// Make, list, limit, move and delete pods, whether the server runs or not
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
    /// Look after this server as a sender of webhooks, whether it runs or not
    Sender {
        #[command(flatten)]
        place: admin::cli::Place,
        #[command(subcommand)]
        command: SenderCommand,
    },
    /// Print what curl needs to make one request as a demo account of the server on this machine
    ///
    /// Use it so:
    ///
    /// podbell as alice PUT http://localhost:3000/alice/hello.txt | curl -K- -d hello -H 'content-type: text/plain'
    ///
    /// The answer's body goes to standard output, its status to standard error.
    As {
        /// The server's data directory, which holds demo.env [env: PODBELL_DATA] [default: podbell-data]
        #[arg(long, value_name = "DIRECTORY")]
        data: Option<PathBuf>,
        /// The demo account
        account: String,
        /// The method; or "listen" to hear the notifications about the URL; or "ring" to listen to a container for a
        /// moment and write a small text document into it meanwhile
        #[arg(value_name = "METHOD|listen|ring")]
        act: String,
        /// The URL of the request
        url: String,
    },
    /// Tell in lines what changes at a URL, until Ctrl-C; after a cut it comes back and misses nothing
    #[command(after_help = watch::AFTER_HELP)]
    Watch(WatchCommand),
}

#[derive(Debug, Args)]
struct Flags {
    /// A file of settings
    #[arg(long, value_name = "FILE.toml", env = "PODBELL_CONFIG", hide_env_values = true)]
    config: Option<PathBuf>,
    /// The URL at which clients reach the server [default: http://localhost:3000/]
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// An address to listen on, port 0 for a free one; repeatable. Without --base-url its port is also that of the base
    /// URL [default: the base URL's port, on this machine]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Vec<String>,
    /// The directory that holds everything [default: podbell-data]
    #[arg(long, value_name = "DIRECTORY")]
    data: Option<PathBuf>,
    /// A demo account to have, made if it is missing; repeatable, or as a list: alice,bob; "none" alone for none [default:
    /// the first start in a data directory makes alice and bob, later ones none]
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
    /// These, and before the command `earlier` ones: of two that say the same, the later one counts.
    fn after(self, earlier: Self) -> Self {
        Self {
            config: self.config.or(earlier.config),
            base_url: self.base_url.or(earlier.base_url),
            listen: if self.listen.is_empty() { earlier.listen } else { self.listen },
            data: self.data.or(earlier.data),
            seed: if self.seed.is_empty() { earlier.seed } else { self.seed },
            no_seed: self.no_seed || earlier.no_seed,
            subdomains: self.subdomains || earlier.subdomains,
        }
    }

    /// What an administrator says of the place, after these.
    fn before(self, place: admin::cli::Place) -> admin::cli::Place {
        admin::cli::Place {
            config: place.config.or(self.config),
            base_url: place.base_url.or(self.base_url),
            data: place.data.or(self.data),
            subdomains: place.subdomains || self.subdomains,
        }
    }

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
    let Cli { command, flags: earlier } = Cli::try_parse().unwrap_or_else(|refused| {
        if refused.use_stderr() && std::env::args_os().nth(1).is_some_and(|command| command == "as") {
            hush_curl();
        }
        refused.exit()
    });
    match command {
        None => start(&earlier),
        Some(Command::Check { print_example: true, .. }) => {
            print!("{}", settings::example());
            ExitCode::SUCCESS
        }
        Some(Command::Check { flags, .. }) => check(&flags.after(earlier)),
        Some(Command::Serve { flags }) => start(&flags.after(earlier)),
        Some(Command::Pod { place, command }) => {
            administer(&earlier.before(place), async |settings| command.run(settings).await)
        }
        Some(Command::Account { place, command }) => {
            administer(&earlier.before(place), async |settings| command.run(settings).await)
        }
        Some(Command::Sender { place, command }) => {
            administer(&earlier.before(place), async |settings| command.run(settings).await)
        }
        Some(Command::As { data, account, act, url }) => run_as(data, earlier, &account, &act, &url),
        Some(Command::Watch(command)) => command.run(earlier.data),
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

fn run_as(data: Option<PathBuf>, earlier: Flags, account: &str, act: &str, url: &str) -> ExitCode {
    match try_as(data, earlier, account, act, url) {
        // Whoever was to read it may have gone.
        Ok(config) => match io::stdout().write_all(config.as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        },
        Err(error) => {
            hush_curl();
            eprintln!("podbell: {}", told(&error));
            ExitCode::FAILURE
        }
    }
}

fn try_as(data: Option<PathBuf>, earlier: Flags, account: &str, act: &str, url: &str) -> anyhow::Result<String> {
    let environment = || std::env::var_os("PODBELL_DATA").filter(|data| !data.is_empty()).map(PathBuf::from);
    if let Some(other) = earlier.overrides().iter().find(|given| given.flag != "--data") {
        anyhow::bail!("{} has no meaning for \"podbell as\", which takes --data alone", other.flag);
    }
    let data = data.or(earlier.data).or_else(environment).unwrap_or_else(|| "podbell-data".into());
    let act: Act = act.parse()?;
    let url = act::address(&data, url)?;
    if let Some(note) = act::elsewhere(&data, account, &url) {
        eprintln!("podbell: {note}");
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(act::act(&data, account, &act, &url))
}

/// Without a configuration, curl at the other end of a pipe would explain its own usage below what is said here. With
/// this one it fails in silence.
fn hush_curl() {
    if !std::io::stdout().is_terminal() {
        println!("silent\nurl = \"none:\"");
    }
}

/// An error and its causes, each once: some already repeat their cause.
fn told(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |mut text, cause| {
        if text.is_empty() {
            return cause;
        }
        if !text.ends_with(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
        text
    })
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
            let (base, data) = (loaded.settings.base(), loaded.settings.data.display());
            println!("ok: the settings are fine; {base} would be served from {data}");
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
            eprintln!("podbell: {}", told(&error));
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
    fn flags_count_before_and_after_the_command() {
        let cli =
            Cli::parse_from(["podbell", "--data", "a", "--subdomains", "check", "--base-url", "http://localhost:4/"]);
        let Some(Command::Check { flags, .. }) = cli.command else { panic!("no check") };
        let settings = load(None, Vec::new(), flags.after(cli.flags).overrides()).unwrap().settings;
        assert_eq!((settings.base().port(), settings.data), (4, PathBuf::from("a")));
        assert_eq!(settings.pods.layout, settings::Layout::Subdomain);
        let cli = Cli::parse_from(["podbell", "--data", "a", "serve", "--data", "b"]);
        let Some(Command::Serve { flags }) = cli.command else { panic!("no serve") };
        assert_eq!(flags.after(cli.flags).data, Some(PathBuf::from("b")));
    }

    #[test]
    fn a_cause_is_told_once() {
        let below = std::io::Error::other("no such file");
        let read = LoadError::Read { path: "x".into(), source: below };
        assert_eq!(told(&anyhow::Error::from(read)), "cannot read x: no such file");
        let other = anyhow::anyhow!("refused").context("cannot log in");
        assert_eq!(told(&other), "cannot log in: refused");
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

//! `podbell watch`: tells in lines what changes, until it is told to stop.
//!
//! What happened goes to the standard output, a line each, at once; how it fares to the standard error. It comes back by
//! itself after a cut, and says so if something was missed.

mod credentials;
mod exit;
mod lines;
mod reader;

use crate::act;
use anyhow::Context as _;
use clap::{Args, ValueEnum};
use credentials::Who;
use exit::Exit;
use lines::Lines;
use podbell_client::{ActivityType, Client, Event, Transport, Watch};
use std::{path::PathBuf, process::ExitCode, time::Duration};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What stands below the options.
pub const AFTER_HELP: &str = "\
Examples:
  podbell watch --as alice http://localhost:3000/alice/ --recursive
  podbell watch --as alice http://localhost:3000/alice/ --recursive --only Create,Delete
  podbell watch --as alice http://localhost:3000/alice/ --json | jq .object
  podbell watch https://pod.example/public/
  podbell watch --credentials me.env https://pod.example/me/

Who logs in:
  --as           a demo account of the server on this machine
  --credentials  PODBELL_ISSUER, PODBELL_CLIENT_ID and PODBELL_CLIENT_SECRET in a file,
                 or the same in the environment
  neither        nobody: what everybody may read is heard

Exit codes:
  0    ended by you, or by --count
  1    it could not begin
  2    the command line is wrong
  3    it may not be read, or not any longer, or the log-in was refused
  4    ended by the server, or by whoever owns the storage
  130  ended by a second Ctrl-C";

/// The ways to listen, for the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Way {
    Websocket,
    Eventsource,
    Streaming,
}

/// The command line.
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag")]
pub struct WatchCommand {
    /// What to listen to: documents, or folders, which tell who joins and who leaves them
    #[arg(required = true, value_name = "URL")]
    urls: Vec<String>,
    /// As a demo account of the server on this machine
    #[arg(long = "as", value_name = "ACCOUNT")]
    account: Option<String>,
    /// That server's data directory, which holds demo.env [env: PODBELL_DATA] [default: podbell-data]
    #[arg(long, value_name = "DIRECTORY")]
    data: Option<PathBuf>,
    /// A file with PODBELL_ISSUER, PODBELL_CLIENT_ID and PODBELL_CLIENT_SECRET; with --as, a demo.env
    #[arg(long, value_name = "FILE")]
    credentials: Option<PathBuf>,
    /// Where to log in, instead of what the credentials say
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// Trusts these authorities too: certificates in PEM, as of a test server
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// How to listen [default: the first that the server offers]
    #[arg(long = "type", value_name = "TYPE")]
    way: Option<Way>,
    /// Everything below the URLs too
    #[arg(long, short)]
    recursive: bool,
    /// Where the server does not offer --recursive, listen to the URLs alone
    #[arg(long)]
    fallback: bool,
    /// Only activities of these types: Create, Update, Delete, Add, Remove
    #[arg(long, value_name = "TYPES", value_delimiter = ',')]
    only: Vec<ActivityType>,
    /// First what has happened since then: a cursor that --json has shown
    #[arg(long, value_name = "CURSOR", allow_hyphen_values = true)]
    since: Option<String>,
    /// Not oftener than once in so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    rate: Option<u64>,
    /// One JSON object a line, as it came, with its cursor
    #[arg(long)]
    json: bool,
    /// End after so many
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Say nothing of connecting and coming back
    #[arg(long, short)]
    quiet: bool,
}

impl WatchCommand {
    /// Does it; `data` is what was said before the command.
    pub fn run(self, data: Option<PathBuf>) -> ExitCode {
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return Exit::could_not(&error).tell(),
        };
        let exit = runtime.block_on(self.watch(data));
        // Whatever still runs has had its time.
        runtime.shutdown_background();
        exit.map_or_else(Exit::tell, |()| ExitCode::SUCCESS)
    }

    async fn watch(self, data: Option<PathBuf>) -> Result<(), Exit> {
        let who = Who {
            account: self.account.clone(),
            data: self.data.clone().or(data).or_else(credentials::data).unwrap_or_else(|| "podbell-data".into()),
            file: self.credentials.clone(),
            issuer: self.issuer.clone(),
        };
        for url in &self.urls {
            let url = act::address(&who.data, url).map_err(|error| Exit::usage(&error))?;
            who.may_ask(&url).map_err(|error| Exit::usage(&error))?;
        }
        let lines = Lines::new(&self.urls, self.json, self.quiet);
        let mut builder = Client::builder();
        match who.credentials().map_err(|error| Exit::usage(&error))? {
            Some(credentials) => builder = builder.credentials(credentials),
            None => lines.say("without log-in: only what everybody may read is heard"),
        }
        if let Some(path) = &self.ca {
            let pem = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()));
            builder = builder.authorities(pem.map_err(|error| Exit::usage(&error))?);
        }
        let client = builder.build().map_err(|error| Exit::usage(&error.into()))?;
        let mut stop = Stop::new().map_err(|error| Exit::could_not(&error))?;
        lines.say(&format!("connecting to {}", self.urls.join(" ")));
        let listening = self.watching(&client).listen();
        let watch = tokio::select! {
            watch = listening => watch?,
            () = stop.asked() => return Ok(()),
        };
        self.tell(watch, lines, stop).await
    }

    fn watching(&self, client: &Client) -> podbell_client::Watching {
        let mut watching = client.watch(self.urls.iter().map(String::as_str)).only(self.only.iter().copied());
        if let Some(way) = self.way {
            watching = watching.transport(match way {
                Way::Websocket => Transport::WebSocket,
                Way::Eventsource => Transport::EventSource,
                Way::Streaming => Transport::Streaming,
            });
        }
        if self.recursive {
            watching = watching.recursive();
        }
        if self.fallback {
            watching = watching.fallback();
        }
        if let Some(cursor) = &self.since {
            watching = watching.since(cursor);
        }
        if let Some(seconds) = self.rate {
            watching = watching.rate(Duration::from_secs(seconds));
        }
        watching
    }

    async fn tell(&self, mut watch: Watch, mut lines: Lines, mut stop: Stop) -> Result<(), Exit> {
        let mut left = self.count;
        let ended = loop {
            let event = tokio::select! {
                event = watch.next() => event,
                () = stop.asked() => {
                    lines.say("ending the channel; Ctrl-C again leaves at once");
                    break Ok(());
                }
                () = reader::gone() => break Ok(()),
            };
            let event = match event {
                Some(Ok(event)) => event,
                Some(Err(error)) => break Err(error.into()),
                None => break Ok(()),
            };
            match lines.tell(&event) {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => break Ok(()),
                Err(error) => break Err(Exit::could_not(&error)),
            }
            if let (Event::Notification(_), Some(left)) = (&event, &mut left) {
                *left -= 1;
                if *left == 0 {
                    break Ok(());
                }
            }
        };
        // Whoever is in a hurry asks twice.
        tokio::select! {
            () = watch.close() => ended,
            () = stop.asked() => Err(Exit::at_once()),
        }
    }
}

/// Being told to stop.
struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    fn new() -> std::io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

//! The other processes of a measurement, spoken to by lines.

use crate::server::Process;
use anyhow::{Context, Result, bail};
use std::process::Stdio;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

/// This program again, with another task.
pub(crate) struct Peer {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Peer {
    pub(crate) fn start(arguments: &[&str]) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let input = child.stdin.take().context("stdin")?;
        let output = BufReader::new(child.stdout.take().context("stdout")?).lines();
        Ok(Self { child, input, output })
    }

    pub(crate) async fn say(&mut self, line: &str) -> Result<()> {
        self.input.write_all(format!("{line}\n").as_bytes()).await?;
        self.input.flush().await?;
        Ok(())
    }

    /// The rest of the next line, which must begin with `word`.
    pub(crate) async fn hear(&mut self, word: &str) -> Result<String> {
        match self.output.next_line().await? {
            Some(line) => match line.strip_prefix(word) {
                Some(rest) => Ok(rest.trim().to_owned()),
                None => bail!("`{line}` instead of `{word}`"),
            },
            None => bail!("the process ended before `{word}`"),
        }
    }

    pub(crate) fn process(&self) -> Result<Process> {
        Ok(Process(self.child.id().context("the process has ended")?))
    }
}

/// A listening process with so many sockets open.
pub(crate) struct Listener(Peer);

impl Listener {
    pub(crate) async fn open(urls: &[String]) -> Result<Self> {
        let mut listener = Self::begin(urls).await?;
        listener.ready().await?;
        Ok(listener)
    }

    /// Starts to open; the other side may have to do something before they are open.
    pub(crate) async fn begin(urls: &[String]) -> Result<Self> {
        Self::start(&["listen"], urls).await
    }

    /// The same, noting how long each frame takes.
    pub(crate) async fn timed(urls: &[String]) -> Result<Self> {
        let mut listener = Self::start(&["listen", "--timed"], urls).await?;
        listener.ready().await?;
        Ok(listener)
    }

    async fn start(arguments: &[&str], urls: &[String]) -> Result<Self> {
        let mut peer = Peer::start(arguments)?;
        for url in urls {
            peer.say(url).await?;
        }
        peer.say(".").await?;
        Ok(Self(peer))
    }

    pub(crate) async fn ready(&mut self) -> Result<()> {
        self.0.hear("ready").await?;
        Ok(())
    }

    /// From now on, that many frames are expected.
    pub(crate) async fn expect(&mut self, frames: u64) -> Result<()> {
        self.0.say(&format!("expect {frames}")).await
    }

    /// How long frames took since this was last asked, half and 99 of a hundred of them; in microseconds.
    pub(crate) async fn delays(&mut self) -> Result<(f64, f64)> {
        self.0.say("delays").await?;
        let rest = self.0.hear("delays").await?;
        let (half, most) = rest.split_once(' ').context("two numbers")?;
        Ok((half.parse()?, most.parse()?))
    }

    /// Waits for them.
    pub(crate) async fn reached(&mut self) -> Result<Reached> {
        let rest = self.0.hear("reached").await?;
        let mut numbers = rest.split(' ').map(str::parse);
        let mut next = || Ok::<u64, anyhow::Error>(numbers.next().context("four numbers")??);
        Ok(Reached { first: next()?, last: next()?, bytes: next()?, frames: next()? })
    }
}

/// What a listener heard: when the first and the last expected frame came (nanoseconds since the epoch), and how many
/// bytes and frames came ever.
pub(crate) struct Reached {
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) bytes: u64,
    pub(crate) frames: u64,
}

/// A process of receivers of what is pushed.
pub(crate) struct Receivers {
    /// What they heard: each request counts as a frame.
    pub(crate) heard: Listener,
    /// The URLs of those that acknowledge everything.
    pub(crate) healthy: Vec<String>,
    /// Of those that never answer.
    pub(crate) hung: Vec<String>,
}

impl Receivers {
    pub(crate) async fn start(healthy: usize, hung: usize) -> Result<Self> {
        let mut peer = Peer::start(&["receive", &healthy.to_string(), &hung.to_string()])?;
        let ports = peer.hear("listening").await?;
        let mut urls = ports.split(' ').map(|port| format!("http://localhost:{port}/"));
        let healthy = urls.by_ref().take(healthy).collect();
        Ok(Self { heard: Listener(peer), healthy, hung: urls.collect() })
    }
}

//! A Podbell of its own for a measurement: free ports, a directory that goes away, ended by its own id.

use anyhow::{Context, Result, bail};
use http::Method;
use podbell_test_client::Client;
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};
use tokio::process::{Child, Command};

/// A running server.
pub(crate) struct Server {
    pub(crate) base: String,
    pub(crate) env: HashMap<String, String>,
    /// From the start of the process to the first answer.
    pub(crate) started_in: Duration,
    child: Child,
}

/// Where a server runs, over several starts.
pub(crate) struct Place {
    binary: PathBuf,
    data: tempfile::TempDir,
    port: u16,
}

impl Place {
    /// An empty directory, and two neighbouring ports that are free now.
    pub(crate) fn new(binary: &Path) -> Result<Self> {
        for _ in 0..100 {
            let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
            if let Some(next) = port.checked_add(1)
                && std::net::TcpListener::bind(("127.0.0.1", next)).is_ok()
            {
                return Ok(Self { binary: binary.to_owned(), data: tempfile::tempdir()?, port });
            }
        }
        bail!("there are no two neighbouring free ports")
    }

    /// Starts the server and waits for its first answer.
    pub(crate) async fn start(&self) -> Result<Server> {
        self.start_with(&[]).await
    }

    /// The same with other settings, by their names in the environment.
    pub(crate) async fn start_with(&self, settings: &[(&str, &str)]) -> Result<Server> {
        let base = format!("http://localhost:{}/", self.port);
        let begun = Instant::now();
        let mut child = Command::new(&self.binary)
            .args(["serve", "--base-url", &base, "--data"])
            .arg(self.data.path())
            .envs([
                ("PODBELL_LIMITS_CHANNELS_PER_AGENT", "100000"),
                ("PODBELL_LIMITS_CHANNELS_PER_CLIENT", "100000"),
                ("PODBELL_LIMITS_CHANNELS_PER_TOPIC", "100000"),
                ("PODBELL_LIMITS_CONNECTIONS_PER_AGENT", "100000"),
                ("PODBELL_LIMITS_CONNECTIONS_PER_CLIENT", "100000"),
                ("PODBELL_LIMITS_UNUSED_CAPABILITY", "600"),
                ("PODBELL_LOG_LEVEL", "warn"),
            ])
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", self.binary.display()))?;
        let client = Client::new()?;
        let probe = format!("{base}.well-known/solid");
        while client.request(Method::GET, &probe, None, "").await.is_err() {
            if let Some(status) = child.try_wait()? {
                bail!("the server ended: {status}");
            }
            if begun.elapsed() > Duration::from_mins(1) {
                bail!("the server does not answer");
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let started_in = begun.elapsed();
        let text = std::fs::read_to_string(self.data.path().join("demo.env"))?;
        let env = text.lines().filter_map(|line| line.split_once('=')).map(|(k, v)| (k.into(), v.into())).collect();
        Ok(Server { base, env, started_in, child })
    }
}

impl Server {
    /// Alice, logged in.
    pub(crate) async fn alice(&self) -> Result<Client> {
        self.log_in("ALICE").await
    }

    /// A seeded account, logged in.
    pub(crate) async fn log_in(&self, name: &str) -> Result<Client> {
        let get = |key: &str| self.env.get(key).with_context(|| format!("{key} is missing"));
        let (id, secret) = (format!("USERS_{name}_CLIENTID"), format!("USERS_{name}_CLIENTSECRET"));
        Client::new()?.log_in(get("SOLID_IDENTITY_PROVIDER")?, get(&id)?, get(&secret)?).await
    }

    /// Its process.
    pub(crate) fn process(&self) -> Result<Process> {
        Ok(Process(self.child.id().context("the server has ended")?))
    }

    /// Ends it.
    pub(crate) async fn stop(mut self) -> Result<()> {
        self.child.kill().await?;
        Ok(())
    }
}

/// What the kernel says about a process.
#[derive(Clone, Copy)]
pub(crate) struct Process(pub(crate) u32);

impl Process {
    /// Resident memory, in KiB.
    pub(crate) fn rss(self) -> Result<u64> {
        self.field("status", "VmRSS:")
    }

    /// Begins to watch for its peak.
    pub(crate) fn forget_peak(self) -> Result<()> {
        Ok(std::fs::write(format!("/proc/{}/clear_refs", self.0), "5")?)
    }

    /// The most memory that was resident since, in KiB.
    pub(crate) fn peak(self) -> Result<u64> {
        self.field("status", "VmHWM:")
    }

    /// Its proportional share of memory, in KiB.
    pub(crate) fn pss(self) -> Result<u64> {
        self.field("smaps_rollup", "Pss:")
    }

    /// Processor time used by all its threads, those that have ended not counted.
    pub(crate) fn cpu(self) -> Result<Duration> {
        let mut nanos = 0;
        for thread in std::fs::read_dir(format!("/proc/{}/task", self.0))? {
            let text = std::fs::read_to_string(thread?.path().join("schedstat"))?;
            nanos += text.split_whitespace().next().context("schedstat")?.parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanos))
    }

    fn field(self, file: &str, name: &str) -> Result<u64> {
        let text = std::fs::read_to_string(format!("/proc/{}/{file}", self.0))?;
        let line = text.lines().find_map(|line| line.strip_prefix(name)).with_context(|| name.to_owned())?;
        Ok(line.trim().trim_end_matches(" kB").trim().parse()?)
    }
}

//! A server as its users run it: the binary, free ports, a directory that goes away, ended by its own id.

// Each test binary uses a part of it.
#![allow(dead_code, clippy::unwrap_used)]

use podbell_test_client::Client;
use std::{
    collections::HashMap,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};
use tokio::process::{Child, Command};

/// Where a server runs, over several starts.
pub(crate) struct Place {
    data: tempfile::TempDir,
    port: u16,
}

/// A running server.
pub(crate) struct Server {
    pub(crate) base: String,
    pub(crate) env: HashMap<String, String>,
    child: Child,
}

impl Place {
    /// An empty directory, and two neighbouring ports that are free now.
    pub(crate) fn new() -> Self {
        loop {
            let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            if let Some(next) = port.checked_add(1)
                && std::net::TcpListener::bind(("127.0.0.1", next)).is_ok()
            {
                return Self { data: tempfile::tempdir().unwrap(), port };
            }
        }
    }

    pub(crate) fn data(&self) -> &Path {
        self.data.path()
    }

    /// Starts the server and waits until it answers.
    pub(crate) async fn start(&self) -> Server {
        self.start_with(&[]).await
    }

    /// The base URL of its server.
    pub(crate) fn base(&self) -> String {
        format!("http://localhost:{}/", self.port)
    }

    /// The same with more arguments.
    pub(crate) async fn start_with(&self, arguments: &[&str]) -> Server {
        self.start_saying(arguments, "info", Stdio::inherit()).await
    }

    /// The same, with everything that it logs in a file.
    pub(crate) async fn start_logging(&self, arguments: &[&str], log: &Path) -> Server {
        self.start_saying(arguments, "debug", std::fs::File::create(log).unwrap().into()).await
    }

    async fn start_saying(&self, arguments: &[&str], level: &str, log: Stdio) -> Server {
        let base = self.base();
        let mut child = Command::new(env!("CARGO_BIN_EXE_podbell"))
            .args(["serve", "--base-url", &base, "--data"])
            .arg(self.data.path())
            .args(arguments)
            .env("PODBELL_LOG_LEVEL", level)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let client = Client::new().unwrap();
        let probe = format!("{base}.well-known/solid");
        let deadline = Instant::now() + Duration::from_mins(1);
        while client.request(http::Method::GET, &probe, None, "").await.is_err() {
            assert!(child.try_wait().unwrap().is_none(), "the server ended");
            assert!(Instant::now() < deadline, "the server does not answer");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let text = std::fs::read_to_string(self.data.path().join("demo.env")).unwrap();
        let env = text.lines().filter_map(|line| line.split_once('=')).map(|(k, v)| (k.into(), v.into())).collect();
        Server { base, env, child }
    }
}

impl Server {
    /// A seeded account (`ALICE`), logged in.
    pub(crate) async fn log_in(&self, name: &str) -> Client {
        let id = &self.env[&format!("USERS_{name}_CLIENTID")];
        let secret = &self.env[&format!("USERS_{name}_CLIENTSECRET")];
        Client::new().unwrap().log_in(&self.env["SOLID_IDENTITY_PROVIDER"], id, secret).await.unwrap()
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// Ends it as an administrator does.
    pub(crate) async fn terminate(&mut self) {
        let asked = Command::new("kill").args(["-TERM", &self.pid().to_string()]).status().await.unwrap();
        assert!(asked.success());
        self.child.wait().await.unwrap();
    }

    /// Ends it as a crash would.
    pub(crate) async fn kill_9(&mut self) {
        self.child.kill().await.unwrap();
    }
}

/// Waits for a condition; fails after a minute.
pub(crate) async fn until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !condition() {
        assert!(Instant::now() < deadline, "not within a minute: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

//! A running `podbell watch`, in a pipe or at a terminal of its own.

use crate::support::{Place, Server};
use http::Method;
use podbell_test_client::Client;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::Value;
use std::{
    fs::{File, OpenOptions},
    io::{BufRead as _, BufReader, Read, Write as _},
    os::{fd::OwnedFd, unix::ffi::OsStrExt as _},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

/// How long a test waits for a line.
const PATIENCE: Duration = Duration::from_mins(1);

type Told = Arc<Mutex<Vec<String>>>;

/// It, ended when it is dropped.
pub(crate) struct Watcher {
    child: Child,
    out: Told,
    err: Told,
    terminal: Option<File>,
    reading: Vec<thread::JoinHandle<()>>,
}

/// The command, before its arguments.
fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    for name in ["NO_COLOR", "PODBELL_DATA", "PODBELL_ISSUER", "PODBELL_CLIENT_ID", "PODBELL_CLIENT_SECRET"] {
        command.env_remove(name);
    }
    command.env("TERM", "xterm").env("TZ", "UTC");
    command
}

/// Keeps what is read, line by line, until the end. A terminal says with an error that nobody is there any longer.
fn keep(from: impl Read + Send + 'static) -> (Told, thread::JoinHandle<()>) {
    let told = Told::default();
    let into = Arc::clone(&told);
    let reading = thread::spawn(move || {
        let mut lines = BufReader::new(from);
        let mut line = String::new();
        while lines.read_line(&mut line).is_ok_and(|read| read > 0) {
            into.lock().unwrap().push(line.trim_end().to_owned());
            line.clear();
        }
    });
    (told, reading)
}

impl Watcher {
    /// In a pipe; `arguments` behind `watch`.
    pub(crate) fn piped(arguments: &[&str]) -> Self {
        Self::piped_with(arguments, &[])
    }

    /// The same with variables.
    pub(crate) fn piped_with(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut child = command(env!("CARGO_BIN_EXE_podbell"))
            .arg("watch")
            .args(arguments)
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (out, reading_out) = keep(child.stdout.take().unwrap());
        let (err, reading_err) = keep(child.stderr.take().unwrap());
        Self { child, out, err, terminal: None, reading: vec![reading_out, reading_err] }
    }

    /// At a terminal that is its own: what is typed there reaches it.
    pub(crate) fn at_terminal(arguments: &[&str]) -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let name = ptsname(&ours, Vec::new()).unwrap();
        let path = std::ffi::OsStr::from_bytes(name.as_bytes());
        let theirs: OwnedFd = OpenOptions::new().read(true).write(true).open(path).unwrap().into();
        // `setsid` gives it the terminal, as a log-in does.
        let mut child = command("setsid")
            .arg("-c")
            .arg(env!("CARGO_BIN_EXE_podbell"))
            .arg("watch")
            .args(arguments)
            .stdin(theirs.try_clone().unwrap())
            .stdout(theirs)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let ours = File::from(ours);
        let (out, reading_out) = keep(ours.try_clone().unwrap());
        let (err, reading_err) = keep(child.stderr.take().unwrap());
        Self { child, out, err, terminal: Some(ours), reading: vec![reading_out, reading_err] }
    }

    /// Types at its terminal.
    pub(crate) fn types(&mut self, bytes: &[u8]) {
        self.terminal.as_mut().unwrap().write_all(bytes).unwrap();
    }

    /// Sends it a signal, as `kill` does.
    pub(crate) fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap().success());
    }

    /// What it has told.
    pub(crate) fn out(&self) -> Vec<String> {
        self.out.lock().unwrap().clone()
    }

    /// What it has told as JSON.
    pub(crate) fn json(&self) -> Vec<Value> {
        self.out().iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// How it fared.
    pub(crate) fn err(&self) -> String {
        self.err.lock().unwrap().join("\n")
    }

    /// Waits until it is as it should be.
    pub(crate) async fn wait(&self, what: &str, done: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !done(self) {
            assert!(Instant::now() < deadline, "not in time: {what}\n{}\n{}", self.out().join("\n"), self.err());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until it listens.
    pub(crate) async fn listens(&self) {
        self.wait("it listens", |watcher| watcher.err().contains("listening to ")).await;
    }

    /// Waits until it has ended; its exit code, and all that it said.
    pub(crate) async fn ended(&mut self) -> (i32, String) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                for reading in self.reading.drain(..) {
                    reading.join().unwrap();
                }
                return (status.code().unwrap_or(-1), self.err());
            }
            assert!(Instant::now() < deadline, "it goes on: {}", self.err());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The arguments of a demo account.
pub(crate) fn demo<'a>(place: &'a Place, account: &'a str) -> [&'a str; 4] {
    ["--as", account, "--data", place.data().to_str().unwrap()]
}

/// Writes a text; it must succeed.
pub(crate) async fn put(client: &Client, url: &str, text: &str) {
    client.request(Method::PUT, url, Some("text/plain"), text.to_owned()).await.unwrap().success(url).unwrap();
}

/// Gives a folder rules: its owner may all; beside it what `others` says.
pub(crate) async fn rules(server: &Server, alice: &Client, folder: &str, others: &str) {
    let owner = &server.env["USERS_ALICE_WEBID"];
    let rule = |name: &str, what: &str| {
        format!("<#{name}> a acl:Authorization; acl:accessTo <{folder}>; acl:default <{folder}>; {what} .\n")
    };
    let mut acl =
        "@prefix acl: <http://www.w3.org/ns/auth/acl#>.\n@prefix foaf: <http://xmlns.com/foaf/0.1/>.\n".to_owned();
    acl += &rule("owner", &format!("acl:agent <{owner}>; acl:mode acl:Read, acl:Write, acl:Control"));
    if !others.is_empty() {
        acl += &rule("others", &format!("{others}; acl:mode acl:Read"));
    }
    let answer = alice.request(Method::PUT, &format!("{folder}.acl"), Some("text/turtle"), acl).await.unwrap();
    answer.success("rules").unwrap();
}

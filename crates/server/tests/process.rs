//! The binary as a whole: starting, standing side by side, running out of descriptors, stopping.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Child, Command, Output, Stdio},
};

/// A running server; ended when dropped.
struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    /// Starts the binary under a shell prelude, on free ports, and waits for its card.
    fn start(data: &Path, prelude: &str) -> Self {
        let mut child = Command::new("sh")
            .args(["-c", &format!("{prelude} exec \"$0\" --base-url http://localhost:0/ --data \"$1\" --no-seed")])
            .arg(env!("CARGO_BIN_EXE_podbell"))
            .arg(data)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let pods = lines.find(|line| line.trim_start().starts_with("Pods")).expect("the card names the base URL");
        let port = pods.trim_end_matches('/').rsplit(':').next().unwrap().parse().unwrap();
        // Read on, so that the server never waits for us.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address: SocketAddr::from(([127, 0, 0, 1], port)) }
    }

    fn ask(&self) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.write_all(b"GET /nowhere HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn podbell(arguments: &[&str]) -> (i32, String) {
    let Output { status, stdout, stderr } =
        Command::new(env!("CARGO_BIN_EXE_podbell")).args(arguments).output().unwrap();
    (status.code().unwrap(), String::from_utf8([stdout, stderr].concat()).unwrap())
}

#[test]
fn two_servers_stand_side_by_side_and_stop_when_told() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut first = Server::start(one.path(), "");
    let mut second = Server::start(two.path(), "");
    assert_ne!(first.address, second.address);
    for server in [&mut first, &mut second] {
        let answer = server.ask();
        assert!(answer.starts_with("HTTP/1.1 4") && answer.contains("application/problem+json\r\n"), "{answer}");
        server.signal("-TERM");
        assert!(server.child.wait().unwrap().success());
    }
}

#[test]
fn running_out_of_descriptors_is_survived() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), "ulimit -n 64;");
    let held: Vec<_> = (0..120).map(|_| TcpStream::connect(server.address).unwrap()).collect();
    drop(held);
    assert!(server.ask().starts_with("HTTP/1.1 4"));
}

#[test]
fn check_tells_by_its_exit_code() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path().join("new");
    let data = data.to_str().unwrap();
    assert_eq!(podbell(&["check", "--data", data]), (0, format!("ok: http://localhost:3000/ is served from {data}\n")));
    let (code, said) = podbell(&["check", "--data", data, "--listen", "0.0.0.0:3000"]);
    assert!(code == 1 && said.starts_with("unwise: listen: "), "{said}");
    let (code, said) = podbell(&["check", "--data", data, "--base-url", "http://pod.example/"]);
    assert!(code == 2 && said.starts_with("error: base_url: "), "{said}");
    let (code, said) = podbell(&["check", "--config", "/nowhere.toml"]);
    assert!(code == 2 && said.starts_with("error: cannot read /nowhere.toml"), "{said}");
}

#[test]
fn an_unsafe_start_is_refused() {
    let (code, said) = podbell(&["--base-url", "http://pod.example/"]);
    assert!(code == 1 && said.contains("use https"), "{said}");
}

#[test]
fn one_directory_belongs_to_one_server() {
    let data = tempfile::tempdir().unwrap();
    let _server = Server::start(data.path(), "");
    let (code, said) = podbell(&["--base-url", "http://localhost:0/", "--data", data.path().to_str().unwrap()]);
    assert!(code == 1 && said.contains("is in use by another server"), "{said}");
}

#[test]
fn acting_as_an_account_tells_what_is_missing() {
    let data = tempfile::tempdir().unwrap();
    let act = |url| podbell(&["as", "--data", data.path().to_str().unwrap(), "alice", "PUT", url]);
    let (code, said) = act("http://localhost:1/x");
    assert!(code == 1 && said.contains("there is no") && said.contains("--data"), "{said}");
    std::fs::write(data.path().join("demo.env"), "SOLID_IDENTITY_PROVIDER=http://127.0.0.1:1/\n").unwrap();
    let (code, said) = act("http://localhost:1/x");
    assert!(code == 1 && said.contains("demo.env tells nothing about alice"), "{said}");
    let account =
        "USERS_ALICE_WEBID=w\nUSERS_ALICE_CLIENTID=id\nUSERS_ALICE_CLIENTSECRET=hidden\nUSERS_ALICE_PASSWORD=p\n";
    let file = format!("SOLID_IDENTITY_PROVIDER=http://127.0.0.1:1/\n{account}");
    std::fs::write(data.path().join("demo.env"), file).unwrap();
    let (code, said) = act("http://localhost:1/x");
    assert!(code == 1 && said.contains("is Podbell running?") && !said.contains("hidden"), "{said}");
    let (code, said) = act("https://pod.example/x");
    assert!(code == 1 && said.contains("is not http on this machine"), "{said}");
}

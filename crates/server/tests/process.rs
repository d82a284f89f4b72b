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
    /// What its card shows of the log-in and of the console.
    pages: Vec<(String, u16)>,
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
        let port_in = |line: &str| {
            let url = line.split_whitespace().nth(1).unwrap();
            url.trim_end_matches('/').rsplit(':').next().unwrap().parse().unwrap()
        };
        let rows = lines.by_ref().take_while(|line| !line.trim_start().starts_with("Data"));
        let rows = rows.filter(|line| line.contains("http://"));
        let pages = rows.map(|line| (line.split_whitespace().next().unwrap().to_owned(), port_in(&line))).collect();
        let address = SocketAddr::from(([127, 0, 0, 1], port_in(&pods)));
        // Read on, so that the server never waits for us.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address, pages }
    }

    /// Starts the binary with more arguments, with demo accounts, and waits for the whole card.
    fn start_seeded(data: &Path, arguments: &[&str]) -> (Self, String) {
        let free = ["--base-url", "http://localhost:0/"];
        let mut child = Command::new(env!("CARGO_BIN_EXE_podbell"))
            .args(free.iter().filter(|_| !arguments.contains(&"--base-url")))
            .arg("--data")
            .arg(data)
            .args(arguments)
            // The port after a chosen one may be another test's.
            .envs((!data.join("demo.env").exists()).then_some(("PODBELL_PROVIDER_URL", "http://localhost:0/")))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut card = String::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        // The card ends with an empty line after its last words: where to hear a change, or that there is no pod.
        let mut last = false;
        for line in lines.by_ref() {
            let ends = last && line.is_empty();
            last |= line.contains(" watch ") || line.contains("no pod yet");
            card += &line;
            card.push('\n');
            if ends {
                break;
            }
        }
        std::thread::spawn(move || lines.for_each(drop));
        let pods = card.lines().find(|line| line.trim_start().starts_with("Pods")).expect("a base URL").to_owned();
        let port = pods.trim_end_matches('/').rsplit(':').next().unwrap().parse().unwrap();
        (Self { child, address: SocketAddr::from(([127, 0, 0, 1], port)), pages: Vec::new() }, card)
    }

    fn ask(&self) -> String {
        get(self.address.port(), "/nowhere")
    }

    /// The ports of what its card shows by that name.
    fn port_of(&self, row: &str) -> Option<u16> {
        self.pages.iter().find(|(name, _)| name == row).map(|(_, port)| *port)
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

fn get(port: u16, path: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
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
fn without_the_provider_the_console_stands_alone_and_without_both_nothing_does() {
    let data = tempfile::tempdir().unwrap();
    let elsewhere = "cd /; export PODBELL_PROVIDER_ENABLED=false;";
    let server = Server::start(data.path(), elsewhere);
    assert_eq!(server.port_of("Log-in"), None);
    let console = server.port_of("Console").unwrap();
    let page = get(console, "/");
    assert!(page.starts_with("HTTP/1.1 200 ") && page.contains("Who listens"), "{page}");
    let config = get(console, "/console/config.json");
    assert!(config.contains("\"issuer\":null") && config.contains("\"account\":null"), "{config}");
    assert!(get(console, "/.well-known/openid-configuration").starts_with("HTTP/1.1 404 "));
    drop(server);
    let server = Server::start(data.path(), &format!("{elsewhere} export PODBELL_CONSOLE_ENABLED=false;"));
    assert_eq!((server.port_of("Console"), server.pages.len()), (None, 0));
}

#[test]
fn three_origins_end_together_when_told_with_idle_connections_to_each() {
    let data = tempfile::tempdir().unwrap();
    let mut server = Server::start(data.path(), "export PODBELL_CONSOLE_URL=http://localhost:0/;");
    let ports = [server.address.port(), server.port_of("Log-in").unwrap(), server.port_of("Console").unwrap()];
    assert!(ports[0] != ports[1] && ports[1] != ports[2] && ports[0] != ports[2], "{ports:?}");
    let idle = ports.map(|port| {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.write_all(b"HEAD / HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
        stream.read_exact(&mut [0; 9]).unwrap();
        stream
    });
    server.signal("-TERM");
    assert!(server.child.wait().unwrap().success());
    for mut stream in idle {
        stream.read_to_end(&mut Vec::new()).unwrap();
    }
}

#[test]
fn no_pod_is_made_on_the_origin_of_the_console() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), "export PODBELL_PODS_LAYOUT=subdomain;");
    let port = server.address.port();
    drop(server);
    let create = |name: &str| {
        let mut create = Command::new(env!("CARGO_BIN_EXE_podbell"));
        create.args(["pod", "create", name, "--base-url", &format!("http://localhost:{port}/")]);
        create.args(["--owner", "https://id.example/#me"]);
        create.arg("--data").arg(data.path()).env("PODBELL_PODS_LAYOUT", "subdomain");
        let done = create.env("PODBELL_CONSOLE_URL", format!("http://bell.localhost:{port}/")).output().unwrap();
        (done.status.success(), String::from_utf8_lossy(&done.stderr).into_owned())
    };
    let (is_made, said) = create("bell");
    assert!(!is_made && said.contains("is the console's own origin"), "{said}");
    let (is_made, said) = create("other");
    assert!(is_made, "{said}");
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
fn the_line_on_the_card_shows_a_notification_and_ends() {
    let data = tempfile::tempdir().unwrap();
    let (server, card) = Server::start_seeded(data.path(), &[]);
    let line = card.lines().find(|line| line.contains(" | curl ")).unwrap();
    assert_eq!(line.matches("curl").count(), 1, "{line}");
    let Ok(Output { status, stdout, stderr }) = Command::new("bash").args(["-o", "pipefail", "-c", line]).output()
    else {
        return;
    };
    let told = String::from_utf8_lossy(&stdout);
    let root = format!("http://localhost:{}/alice/", server.address.port());
    assert!(status.success(), "{told}{}", String::from_utf8_lossy(&stderr));
    assert!(told.contains(&format!("PUT {root}hello-")) && told.contains(".txt -> 201"), "{told}");
    // Whichever comes first, the connection or the change, it is heard.
    let heard = [format!("\"target\":\"{root}\""), format!("\"object\":\"{root}\"")];
    assert!(told.contains("notifications-context/v1") && heard.iter().any(|heard| told.contains(heard)), "{told}");
    // A change from before the connection is told on connecting.
    let (code, config) = podbell(&["as", "--data", data.path().to_str().unwrap(), "alice", "ring", &root]);
    assert_eq!(code, 0, "{config}");
    let (listens, writes) = config.split_once("\nnext\n").unwrap();
    let curl = |config: &str| {
        let file = data.path().join("curl.config");
        std::fs::write(&file, config).unwrap();
        let told = Command::new("curl").arg("-sK").arg(&file).output().unwrap();
        (told.status.success(), String::from_utf8_lossy(&told.stdout).into_owned())
    };
    assert!(curl(writes).1.contains("201"));
    let (ended, told) = curl(listens);
    assert!(ended && told.contains("notifications-context/v1") && told.contains(&root), "{told}");
    let (code, said) =
        podbell(&["as", "--data", data.path().to_str().unwrap(), "alice", "ring", root.trim_end_matches('/')]);
    assert!(code == 1 && said.contains("ends with a slash"), "{said}");
}

#[test]
fn only_the_first_start_makes_accounts_that_nobody_asked_for() {
    let data = tempfile::tempdir().unwrap();
    let (none, card) = Server::start_seeded(data.path(), &["--no-seed"]);
    assert!(card.contains("There is no pod yet: start again with --seed NAME"), "{card}");
    let base = format!("http://localhost:{}/", none.address.port());
    drop(none);
    let (_, card) = Server::start_seeded(data.path(), &["--base-url", &base]);
    assert!(!card.contains("alice") && card.contains("no pod yet"), "{card}");
    assert!(!data.path().join("demo.env").exists());
    assert!(!data.path().join("lock").exists(), "one lock is enough");
}

#[test]
fn check_looks_at_the_data_directory_and_changes_nothing() {
    let data = tempfile::tempdir().unwrap();
    let path = data.path().to_str().unwrap();
    let (server, _) = Server::start_seeded(data.path(), &[]);
    let own = format!("http://localhost:{}/", server.address.port());
    let names = || {
        let mut names: Vec<_> = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = names();
    let file = std::fs::read_to_string(data.path().join("demo.env")).unwrap();
    let issuer = file.lines().find_map(|line| line.strip_prefix("SOLID_IDENTITY_PROVIDER=")).unwrap();
    let check = |issuer: &str| {
        let mut check = Command::new(env!("CARGO_BIN_EXE_podbell"));
        check.args(["check", "--data", path, "--base-url", &own]).env("PODBELL_PROVIDER_URL", issuer);
        String::from_utf8(check.output().unwrap().stdout).unwrap()
    };
    let said = check(issuer);
    assert!(!said.contains("error: "), "{said}");
    let said = check("http://localhost:1/");
    assert!(said.contains("error: provider.url: ") && said.contains(issuer), "{said}");
    let (code, said) = podbell(&["check", "--data", path, "--base-url", "http://localhost:1/"]);
    assert!(code == 2 && said.contains(&format!("start with --base-url {own}")), "{said}");
    drop(server);
    for start in [&["check"][..], &[]] {
        let arguments = [start, &["--data", path, "--base-url", &own, "--subdomains"]].concat();
        let (code, said) = podbell(&arguments);
        assert!(code != 0 && said.contains("layout \"path\"") && said.contains("without --subdomains"), "{said}");
    }
    let (code, said) = podbell(&["check", "--data", path, "--base-url", "http://localhost:1/"]);
    assert!(code == 2 && said.contains(&format!("start with --base-url {own}")), "{said}");
    assert_eq!(names(), before);
}

#[test]
fn a_server_without_pods_says_how_they_are_made() {
    let data = tempfile::tempdir().unwrap();
    let (code, said) =
        podbell(&["check", "--data", data.path().to_str().unwrap(), "--base-url", "https://pod.example/"]);
    assert!(code == 1 && said.contains("holds no pod yet") && said.contains("podbell pod create"), "{said}");
    let (code, said) = podbell(&["--seed", "alice", "--base-url", "https://pod.example/"]);
    assert!(code == 1 && said.contains("demo accounts cannot be made: this server has a public name"), "{said}");
}

#[test]
fn every_fault_of_a_file_is_told_at_once() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "datta = \"x\"\n[limits]\nurl_bytes = \"many\"\n").unwrap();
    let path = file.path().to_str().unwrap();
    let (code, said) = podbell(&["check", "--config", path, "--listen", "3000"]);
    assert!(code == 2 && said.lines().count() == 3 && said.lines().all(|line| line.starts_with("error: ")), "{said}");
    let (code, said) = podbell(&["--config", path]);
    assert!(code == 1 && said.contains("is it data?") && said.contains("limits.url_bytes"), "{said}");
}

#[test]
fn check_tells_by_its_exit_code() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path().join("new");
    let data = data.to_str().unwrap();
    assert_eq!(
        podbell(&["check", "--data", data]),
        (0, format!("ok: the settings are fine; http://localhost:3000/ would be served from {data}\n"))
    );
    let (code, said) = podbell(&["check", "--data", data, "--listen", "0.0.0.0:3000"]);
    assert!(code == 1 && said.starts_with("unwise: listen: "), "{said}");
    let (code, said) = podbell(&["check", "--data", data, "--base-url", "http://pod.example/"]);
    assert!(code == 2 && said.starts_with("error: base_url: "), "{said}");
    let (code, said) = podbell(&["check", "--config", "/nowhere.toml"]);
    assert!(code == 2 && said.starts_with("error: cannot read /nowhere.toml"), "{said}");
}

#[test]
fn a_start_that_fails_leaves_no_directory_behind() {
    let parent = tempfile::tempdir().unwrap();
    let data = parent.path().join("new");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://localhost:{}/", taken.local_addr().unwrap().port());
    let (code, said) = podbell(&["--base-url", &base, "--data", data.to_str().unwrap()]);
    assert!(code == 1 && said.contains("is taken by another program") && said.contains("--base-url"), "{said}");
    assert!(!data.exists());
}

#[test]
fn help_and_flags_are_found_where_they_are_looked_for() {
    let (code, said) = podbell(&["help"]);
    assert!(code == 0 && said.contains("Commands:"), "{said}");
    let (code, said) = podbell(&["--base-url", "http://pod.example/", "check", "--data", "/nowhere"]);
    assert!(code == 2 && said.contains("error: base_url: "), "{said}");
    let (code, said) = podbell(&["--seed", "none", "--seed", "carol"]);
    assert!(code == 1 && said.contains("stands alone"), "{said}");
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
    assert!(
        code == 1 && said.contains("is in use: Podbell is already running there") && said.contains("--data OTHER"),
        "{said}"
    );
}

#[test]
fn acting_as_an_account_tells_what_is_missing() {
    let data = tempfile::tempdir().unwrap();
    let act = |url| podbell(&["as", "--data", data.path().to_str().unwrap(), "alice", "PUT", url]);
    let (code, said) = act("http://localhost:1/x");
    assert!(code == 1 && said.contains("there is no") && said.contains("--data"), "{said}");
    std::fs::write(data.path().join("demo.env"), "SOLID_IDENTITY_PROVIDER=http://127.0.0.1:1/\n").unwrap();
    let (code, said) = act("http://localhost:1/x");
    assert!(code == 1 && said.contains("knows no demo account alice"), "{said}");
    let account =
        "USERS_ALICE_WEBID=w\nUSERS_ALICE_CLIENTID=id\nUSERS_ALICE_CLIENTSECRET=hidden\nUSERS_ALICE_PASSWORD=p\n";
    let file = format!("SOLID_IDENTITY_PROVIDER=http://127.0.0.1:1/\n{account}");
    std::fs::write(data.path().join("demo.env"), file).unwrap();
    let (code, said) = act("http://localhost:1/x");
    assert!(code == 1 && said.contains("is Podbell running?") && !said.contains("hidden"), "{said}");
    let (code, said) = act("https://pod.example/x");
    assert!(code == 1 && said.contains("is not http on this machine"), "{said}");
}

#[test]
fn nothing_is_kept_where_others_can_read_or_write_it() {
    use std::{
        fs::{Permissions, set_permissions},
        os::unix::fs::PermissionsExt as _,
    };
    let parent = tempfile::tempdir().unwrap();
    let refused = |data: &Path, why: &str| {
        let (code, said) = podbell(&["--base-url", "http://localhost:1/", "--data", data.to_str().unwrap()]);
        assert!(code == 1 && said.contains(why), "{said}");
    };
    let open = parent.path().join("open");
    std::fs::create_dir(&open).unwrap();
    set_permissions(&open, Permissions::from_mode(0o777)).unwrap();
    refused(&open, "other users of this machine can write into");
    for name in ["demo.env", "podbell.sqlite3"] {
        let data = parent.path().join(name);
        std::fs::create_dir(&data).unwrap();
        set_permissions(&data, Permissions::from_mode(0o700)).unwrap();
        std::fs::write(data.join(name), "").unwrap();
        set_permissions(data.join(name), Permissions::from_mode(0o644)).unwrap();
        refused(&data, "chmod 600");
        std::fs::remove_file(data.join(name)).unwrap();
        std::os::unix::fs::symlink(parent.path().join("elsewhere"), data.join(name)).unwrap();
        refused(&data, "leads elsewhere");
    }
    assert!(!parent.path().join("elsewhere").exists());
}

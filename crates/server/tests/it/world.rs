//! One server for all tests of this binary, and those who speak to it in plain bytes.
//!
//! Its pods are below its origin, or each has one of its own, as the binary's `SUBDOMAINS` says. Tests write names as if
//! they were below it (`/alice/x`); who asks turns them into what they are there (`/x` of `alice.localhost`).
//!
//! A shell starts the server and holds it for as long as this process lives, whatever becomes of the tests.

use super::SUBDOMAINS;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use podbell_model::Timestamp;
use podbell_oidc::{Algorithm, SigningKey};
use podbell_sqlite::{Options, Sqlite};
use podbell_test_client::tls::Authority;
use serde_json::Value;
use std::{
    collections::HashMap,
    fmt::{self, Write as _},
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the shell does: the server runs beside it until this process is gone, then its directory goes too.
///
/// Told a signal, it ends the server by that and keeps the directory.
const HOLD: &str = "\"$0\" serve --base-url \"$1\" --data \"$2\" $3 >/dev/null 2>>\"$2.log\" & child=$!; \
                    read -r how; kill -\"${how:-9}\" $child; wait $child; \
                    [ -n \"$how\" ] || rm -rf \"$2\" \"$2.log\"";

/// What the server is set to: its tests are many strangers, and wait for no minute.
const SETTINGS: &[(&str, &str)] =
    &[("PODBELL_WAC_REMOTE_GROUPS", "1s"), ("PODBELL_LIMITS_ANONYMOUS_CHANNELS_PER_HOUR", "100000")];

pub(super) const TURTLE: (&str, &str) = ("content-type", "text/turtle");
pub(super) const LD: (&str, &str) = ("content-type", "application/ld+json");

/// The server.
pub(super) struct World {
    /// Its base URL without the slash.
    pub(super) origin: String,
    port: u16,
    data: PathBuf,
    env: HashMap<String, String>,
    held: Mutex<(Child, ChildStdin)>,
}

/// The server, alice who owns a pod, and bob who owns another.
pub(super) static WORLD: LazyLock<World> = LazyLock::new(|| World::trusting(SETTINGS));
pub(super) static ALICE: LazyLock<Agent> = LazyLock::new(|| WORLD.log_in("ALICE"));
pub(super) static BOB: LazyLock<Agent> = LazyLock::new(|| WORLD.log_in("BOB"));
/// Whom servers trust beside the authorities of the web: receivers of tests have their certificates from there.
pub(super) static AUTHORITY: LazyLock<Authority> = LazyLock::new(|| Authority::new().unwrap());
/// Nobody.
pub(super) static ANYBODY: LazyLock<Agent> = LazyLock::new(|| WORLD.stranger());

impl World {
    /// Starts one with settings from the environment.
    pub(super) fn start(settings: &[(&str, &str)]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap().keep(), free_port(), settings)
    }

    /// The same, which trusts the authority of the tests.
    pub(super) fn trusting(settings: &[(&str, &str)]) -> Self {
        let roots = AUTHORITY.file().unwrap();
        let trust = ("PODBELL_EGRESS_EXTRA_ROOTS", roots.to_str().unwrap());
        let world = Self::start(&settings.iter().copied().chain([trust]).collect::<Vec<_>>());
        std::fs::remove_file(&roots).unwrap();
        world
    }

    /// Starts one again that was stopped, under its name and with what it holds.
    pub(super) fn start_again(&self, settings: &[(&str, &str)]) -> Self {
        Self::start_in(self.data.clone(), self.port, settings)
    }

    /// Ends it by a signal, and waits until it has ended.
    pub(super) fn stop(&self, signal: &str) {
        let (shell, held) = &mut *self.held.lock().unwrap();
        writeln!(held, "{signal}").unwrap();
        shell.wait().unwrap();
    }

    fn start_in(data: PathBuf, port: u16, settings: &[(&str, &str)]) -> Self {
        let origin = format!("http://localhost:{port}");
        let mut shell = Command::new("sh")
            .args(["-c", HOLD, env!("CARGO_BIN_EXE_podbell"), &format!("{origin}/")])
            .arg(&data)
            .arg(if SUBDOMAINS { "--subdomains" } else { "" })
            .env("PODBELL_LOG_LEVEL", "debug")
            .envs(settings.iter().copied())
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let held = shell.stdin.take().unwrap();
        until("the server answers", || {
            assert!(shell.try_wait().unwrap().is_none(), "the server ended");
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        // The answer comes when everything is there.
        talk(port, &head("GET", "/.well-known/solid", &[], None), b"");
        let text = std::fs::read_to_string(data.join("demo.env")).unwrap();
        let env = text.lines().filter_map(|line| line.split_once('=')).map(|(k, v)| (k.into(), v.into())).collect();
        Self { origin, port, data, env, held: Mutex::new((shell, held)) }
    }

    /// Somebody who is not logged in.
    pub(super) fn stranger(&'static self) -> Agent {
        self.agent(None)
    }

    /// Somebody with a key of their own.
    fn agent(&'static self, token: Option<String>) -> Agent {
        Agent { world: self, key: SigningKey::generate(Algorithm::Es256).unwrap(), token }
    }

    pub(super) fn log_in(&'static self, name: &str) -> Agent {
        let agent = self.agent(None);
        let issuer = self.issuer();
        let endpoint = get_json(&format!("{issuer}.well-known/openid-configuration"))["token_endpoint"].clone();
        let endpoint = endpoint.as_str().unwrap();
        let (id, secret) =
            (&self.env[&format!("USERS_{name}_CLIENTID")], &self.env[&format!("USERS_{name}_CLIENTSECRET")]);
        let basic = format!("Basic {}", BASE64_STANDARD.encode(format!("{id}:{secret}")));
        let proof = agent.key.prove("POST", endpoint, &unique("login"), Timestamp::now(), None).unwrap();
        let headers =
            [("content-type", "application/x-www-form-urlencoded"), ("authorization", &*basic), ("dpop", &*proof)];
        let (port, path) = split(endpoint);
        let told = talk(port, &head("POST", &path, &headers, Some(29)), b"grant_type=client_credentials");
        Agent { token: Some(told.json()["access_token"].as_str().unwrap().to_owned()), ..agent }
    }

    /// Its provider.
    pub(super) fn issuer(&self) -> &str {
        &self.env["SOLID_IDENTITY_PROVIDER"]
    }

    /// The password of a demo account.
    pub(super) fn password(&self, name: &str) -> &str {
        &self.env[&format!("USERS_{name}_PASSWORD")]
    }

    /// The port of its provider.
    pub(super) fn provider_port(&self) -> u16 {
        split(self.issuer()).0
    }

    pub(super) fn webid(&self, name: &str) -> &str {
        &self.env[&format!("USERS_{name}_WEBID")]
    }

    /// What a server holds that was stopped.
    pub(super) fn held(&self) -> Arc<Sqlite> {
        Sqlite::open(&self.data, &Options::default()).unwrap()
    }

    /// Makes one that was stopped like one that was restored from a copy.
    pub(super) fn restored(&self) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let _inside = runtime.enter();
        let options = Options { restored: Some(Timestamp::now()), ..Options::default() };
        drop(Sqlite::open(&self.data, &options).unwrap());
    }

    /// What it has logged so far.
    pub(super) fn log(&self) -> String {
        std::fs::read_to_string(format!("{}.log", self.data.display())).unwrap()
    }

    /// Runs `podbell pod …` beside it, which must succeed.
    pub(super) fn pod(&self, arguments: &[&str]) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_podbell"));
        let done = command.args(["pod", "--data"]).arg(&self.data).args(arguments).stdin(Stdio::null()).output();
        let done = done.unwrap();
        assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    }

    /// The absolute URL of a name.
    pub(super) fn url(&self, name: &str) -> String {
        let (host, path) = self.place(name);
        format!("http://{host}{path}")
    }

    /// The host of a name, and its path there; an absolute URL is taken as it is.
    fn place<'n>(&self, name: &'n str) -> (String, &'n str) {
        if let Some(rest) = name.strip_prefix("http://") {
            let (host, path) = rest.split_at(rest.find('/').unwrap());
            return (host.to_owned(), path);
        }
        let host = format!("localhost:{}", self.port);
        let own = ["alice", "bob"].into_iter().filter(|_| SUBDOMAINS).find_map(|pod| {
            let path = name.strip_prefix('/')?.strip_prefix(pod)?;
            path.starts_with('/').then(|| (format!("{pod}.{host}"), path))
        });
        own.unwrap_or((host, name))
    }

    /// Sends bytes as they are; the answer to the first request among them.
    pub(super) fn raw(&self, bytes: impl AsRef<[u8]>) -> Reply {
        talk(self.port, "", bytes.as_ref())
    }

    pub(super) fn connect(&self) -> TcpStream {
        connect(self.port)
    }
}

/// Somebody who asks: with a token and the key that it is bound to, or without.
pub(super) struct Agent {
    pub(super) world: &'static World,
    pub(super) key: SigningKey,
    pub(super) token: Option<String>,
}

impl Agent {
    /// One request.
    pub(super) fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Reply {
        let (host, raw) = self.world.place(path);
        let own = self.credentials(method, &self.world.url(path));
        let own = own.iter().map(|(name, value)| (*name, value.as_str()));
        let headers: Vec<_> = headers.iter().copied().chain(own).collect();
        let body = body.as_ref();
        let length = (!body.is_empty() || matches!(method, "PUT" | "POST" | "PATCH")).then_some(body.len());
        talk(self.world.port, &head_to(&host, method, raw, &headers, length), body)
    }

    pub(super) fn get(&self, path: &str) -> Reply {
        self.ask("GET", path, &[], "")
    }

    /// Writes Turtle, which must succeed.
    pub(super) fn put(&self, path: &str, turtle: &str) -> Reply {
        let told = self.ask("PUT", path, &[TURTLE], turtle);
        assert!(told.status < 300, "PUT {path}: {told:?}");
        told
    }

    /// The headers that say who it is.
    pub(super) fn credentials(&self, method: &str, url: &str) -> Vec<(&'static str, String)> {
        let Some(token) = &self.token else { return Vec::new() };
        let proof = self.key.prove(method, url, &unique("proof"), Timestamp::now(), None).unwrap();
        vec![("authorization", format!("DPoP {token}")), ("dpop", proof)]
    }

    /// Sets the rules of a container: alice everything, and what else is told in Turtle about `<#other>`.
    pub(super) fn rules(&self, of: &str, other: &str) -> Reply {
        let (owner, at) = (self.world.webid("ALICE"), self.world.url(of));
        let rule = |name: &str, what: &str| {
            format!("<#{name}> a acl:Authorization; acl:accessTo <{at}>; acl:default <{at}>; {what} .\n")
        };
        let mut acl =
            "@prefix acl: <http://www.w3.org/ns/auth/acl#>. @prefix foaf: <http://xmlns.com/foaf/0.1/>.\n".to_owned();
        acl += &rule("owner", &format!("acl:agent <{owner}>; acl:mode acl:Read, acl:Write, acl:Control"));
        if !other.is_empty() {
            acl += &rule("other", other);
        }
        self.put(&format!("{of}.acl"), &acl)
    }
}

/// A container of alice for one test, with rules of its own.
pub(super) fn container(name: &str, other: &str) -> String {
    let path = format!("/alice/{name}/");
    ALICE.put(&path, "");
    ALICE.rules(&path, other);
    path
}

/// What rules say for everybody.
pub(super) fn public(modes: &str) -> String {
    format!("acl:agentClass foaf:Agent; acl:mode {modes}")
}

/// What rules say for bob.
pub(super) fn for_bob(modes: &str) -> String {
    format!("acl:agent <{}>; acl:mode {modes}", WORLD.webid("BOB"))
}

/// The names that a container lists, as its owner sees it.
pub(super) fn listed(path: &str) -> Vec<String> {
    let told = ALICE.ask("GET", path, &[("accept", "application/n-triples")], "");
    assert_eq!(told.status, 200, "{told:?}");
    let text = told.text();
    let members = text.lines().filter(|line| line.contains("ldp#contains>"));
    members.filter_map(|line| line.rsplit_once('<')?.1.split_once('>')).map(|(iri, _)| iri.to_owned()).collect()
}

/// What came back.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} {}", self.status, self.headers, String::from_utf8_lossy(&self.body))
    }
}

impl Reply {
    fn parse(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no answer: {:?}", String::from_utf8_lossy(bytes)));
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: Vec<_> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(k, v)| (k.to_ascii_lowercase(), v.to_owned()))
            .collect();
        let mut told = Self { status, headers, body: bytes[end + 4..].to_vec() };
        if told.header("transfer-encoding") == Some("chunked") {
            told.body = unchunked(&told.body);
        }
        told
    }

    /// A header that stands there once or not at all.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let all = self.all(name);
        assert!(all.len() < 2, "{name} stands there more than once: {self:?}");
        all.first().copied()
    }

    pub(super) fn all(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(found, _)| found == name).map(|(_, value)| value.as_str()).collect()
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// That it is a problem with that status, as every client can read it.
    #[track_caller]
    pub(super) fn is_problem(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{} {self:?}", String::from_utf8_lossy(&self.body));
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        assert_eq!(self.header("cache-control"), Some("no-store"), "{self:?}");
        let body = self.json();
        assert_eq!(body["status"], status, "{body}");
        assert!(body["title"].is_string() && body["type"].is_string(), "{body}");
        if status == 401 {
            assert!(self.header("www-authenticate").unwrap().starts_with("DPoP "), "{self:?}");
        }
        self
    }

    /// The target of the link with that relation.
    pub(super) fn link(&self, rel: &str) -> Option<String> {
        let end = format!(">; rel=\"{rel}\"");
        self.all("link").iter().find_map(|link| Some(link.strip_prefix('<')?.strip_suffix(&end)?.to_owned()))
    }
}

/// The head of a request that is the last on its connection.
pub(super) fn head(method: &str, path: &str, headers: &[(&str, &str)], length: Option<usize>) -> String {
    head_to("localhost", method, path, headers, length)
}

fn head_to(host: &str, method: &str, path: &str, headers: &[(&str, &str)], length: Option<usize>) -> String {
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    if let Some(length) = length {
        write!(head, "content-length: {length}\r\n").unwrap();
    }
    head + "\r\n"
}

/// Sends a request; what comes back.
pub(super) fn talk(port: u16, head: &str, body: &[u8]) -> Reply {
    let mut stream = connect(port);
    stream.write_all(head.as_bytes()).unwrap();
    // Whoever is refused early may not be read to the end.
    let _ = stream.write_all(body);
    let mut answer = Vec::new();
    let mut part = [0; 16 * 1024];
    while !is_whole(&answer) {
        match stream.read(&mut part) {
            Ok(0) => break,
            Ok(count) => answer.extend_from_slice(&part[..count]),
            Err(error) => {
                assert!(!answer.is_empty(), "no answer to {}: {error}", head.lines().next().unwrap_or_default());
                break;
            }
        }
    }
    Reply::parse(&answer)
}

/// Whether all that was announced has come, so that nobody waits for the end of a connection that is kept.
fn is_whole(answer: &[u8]) -> bool {
    let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { return false };
    let told = Reply::parse(&answer[..end + 4]);
    let length = told.header("content-length").and_then(|length| length.parse::<usize>().ok());
    length.is_some_and(|length| answer.len() >= end + 4 + length)
}

fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// A document in JSON.
pub(super) fn get_json(url: &str) -> Value {
    let (port, path) = split(url);
    talk(port, &head("GET", &path, &[], None), b"").json()
}

/// Port and path of a URL on this machine.
pub(super) fn split(url: &str) -> (u16, String) {
    let url = url::Url::parse(url).unwrap();
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    (url.port().unwrap(), format!("{}{query}", url.path()))
}

fn unchunked(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = body.windows(2).position(|two| two == b"\r\n") {
        let length = usize::from_str_radix(std::str::from_utf8(&body[..end]).unwrap(), 16).unwrap();
        if length == 0 {
            break;
        }
        whole.extend_from_slice(&body[end + 2..end + 2 + length]);
        body = &body[end + 4 + length..];
    }
    whole
}

/// A port that is free, with the next one free too.
fn free_port() -> u16 {
    loop {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        if port < u16::MAX && TcpListener::bind(("127.0.0.1", port + 1)).is_ok() {
            return port;
        }
    }
}

/// A name that nobody has used.
pub(super) fn unique(what: &str) -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    format!("{what}-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Waits for a condition; fails after a while.
pub(super) fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

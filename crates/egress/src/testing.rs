//! For tests: a resolver that says what it is told, listeners that must not be touched, and the URLs of places that
//! nobody outside may reach through a server.

#![allow(clippy::unwrap_used, reason = "all of it is test code, compiled for the tests of other crates")]

use crate::Resolve;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// A resolver that gives its answers in turn, and the last one for ever.
pub struct Answers {
    answers: Mutex<VecDeque<Vec<IpAddr>>>,
    asked: AtomicUsize,
}

impl Answers {
    /// These answers; each a list of addresses.
    pub fn new<'a>(answers: impl IntoIterator<Item = &'a [&'a str]>) -> Arc<Self> {
        let parse = |answer: &[&str]| answer.iter().map(|address| address.parse().unwrap()).collect();
        let answers = answers.into_iter().map(parse).collect();
        Arc::new(Self { answers: Mutex::new(answers), asked: AtomicUsize::new(0) })
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait::async_trait]
impl Resolve for Answers {
    async fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock();
        let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        answer.ok_or_else(|| io::Error::other("no such name"))
    }
}

/// A listener that counts connections, sends a fixed answer to each, and then closes or holds.
pub struct Canary {
    /// Where it listens.
    pub port: u16,
    /// What came, one text for each connection.
    pub requests: Arc<Mutex<Vec<String>>>,
    /// Told when a connection has been answered.
    pub came: Arc<Notify>,
    touched: Arc<AtomicUsize>,
    _task: JoinSet<()>,
}

impl Canary {
    /// With these answers in turn, and the last one for ever; `hold`: connections stay open.
    pub async fn sing(answers: Vec<Vec<u8>>, hold: bool) -> Self {
        Self::perch(TcpListener::bind("127.0.0.1:0").await.unwrap(), answers, hold)
    }

    /// Under every address of this machine that the system offers, with nothing to say.
    pub async fn everywhere() -> Self {
        let listener = match TcpListener::bind("[::]:0").await {
            Ok(listener) => listener,
            Err(_) => TcpListener::bind("0.0.0.0:0").await.unwrap(),
        };
        Self::perch(listener, Vec::new(), false)
    }

    /// On that listener.
    pub fn perch(listener: TcpListener, answers: Vec<Vec<u8>>, hold: bool) -> Self {
        let port = listener.local_addr().unwrap().port();
        let (touched, requests, came) =
            (Arc::<AtomicUsize>::default(), Arc::<Mutex<Vec<String>>>::default(), Arc::default());
        let (counter, log, bell) = (Arc::clone(&touched), Arc::clone(&requests), Arc::<Notify>::clone(&came));
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut held = Vec::new();
            let mut answers = VecDeque::from(answers);
            while let Ok((mut stream, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                let mut request = vec![0; 8192];
                let length = stream.read(&mut request).await.unwrap_or(0);
                log.lock().push(String::from_utf8_lossy(&request[..length]).into_owned());
                let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
                // The client may hang up in the middle of an answer that it does not like.
                let _sent = stream.write_all(&answer.unwrap_or_default()).await;
                bell.notify_one();
                if hold {
                    held.push(stream);
                }
            }
        });
        Self { port, requests, came, touched, _task: task }
    }

    /// With one answer.
    pub async fn answering(answer: impl Into<Vec<u8>>) -> Self {
        Self::sing(vec![answer.into()], false).await
    }

    /// How many connections came.
    pub fn touched(&self) -> usize {
        self.touched.load(Ordering::SeqCst)
    }

    /// A URL of it.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}

/// URLs of places that nobody outside may be able to reach through this server.
pub fn forbidden(port: u16) -> Vec<String> {
    let mut hosts: Vec<String> = Vec::new();
    // Each special address in every spelling that somebody's parser accepts.
    for octets in [
        [127, 0, 0, 1],
        [127, 1, 2, 3],
        [127, 255, 255, 254],
        [0, 0, 0, 0],
        [10, 0, 0, 1],
        [10, 255, 255, 255],
        [100, 64, 0, 1],
        [169, 254, 169, 254],
        [172, 16, 0, 1],
        [172, 31, 255, 255],
        [192, 0, 0, 1],
        [192, 0, 2, 1],
        [192, 88, 99, 1],
        [192, 168, 1, 1],
        [198, 18, 0, 1],
        [198, 51, 100, 1],
        [203, 0, 113, 1],
        [224, 0, 0, 1],
        [240, 0, 0, 1],
        [255, 255, 255, 255],
    ] {
        let [a, b, c, d] = octets;
        let number = u32::from_be_bytes(octets);
        let pair = u16::from_be_bytes([c, d]);
        let dotted = format!("{a}.{b}.{c}.{d}");
        hosts.extend([
            dotted.clone(),
            number.to_string(),
            format!("0x{number:x}"),
            format!("0{number:o}"),
            format!("0x{a:x}.0x{b:x}.0x{c:x}.0x{d:x}"),
            format!("0{a:o}.0{b:o}.0{c:o}.0{d:o}"),
            format!("{a}.{b}.{pair}"),
            format!("{dotted}."),
            dotted.replace('.', "。"),
            dotted.replace('.', "%2e"),
            format!("[::ffff:{dotted}]"),
            format!("[::{dotted}]"),
            format!("[64:ff9b::{dotted}]"),
            format!("[64:ff9b:1::{dotted}]"),
            format!("[2002:{:x}:{pair:x}::1]", u16::from_be_bytes([a, b])),
            format!("[2606:4700::5efe:{dotted}]"),
        ]);
    }
    hosts.extend(
        [
            "127.1",
            "127.0.1",
            "0",
            "0x0",
            "00",
            "0177.1",
            "0x7f.1",
            "2130706433.",
            "①②⑦.⓪.⓪.①",
            "１２７.０.０.１",
            "127.0.0.1%00",
            "127.0.0.1%0d%0a",
            "[::1]",
            "[::]",
            "[0:0:0:0:0:0:0:1]",
            "[::ffff:7f00:1]",
            "[2001:0:4136:e378:8000:63bf:3fff:fdd2]",
            "[2001:db8::1]",
            "[3fff::1]",
            "[2001:2::1]",
            "[2001:10::1]",
            "[fc00::1]",
            "[fd00:ec2::254]",
            "[fe80::1]",
            "[fe80::1%25lo]",
            "[fe80::1%lo]",
            "[fec0::1]",
            "[ff02::1]",
            "[100::1]",
            "[5f00::1]",
            "[3ffe::1]",
            "[::1",
            "::1",
            "[127.0.0.1]",
            "localhost.",
            "a..b",
            ".a",
            "",
            "user@127.0.0.1",
            "public.example@127.0.0.1",
            "user:password@public.example",
            "@public.example",
            "127.0.0.1\\@public.example",
            "public.example\\",
            "public.example\r\n",
            "public.example\t",
            " public.example",
        ]
        .map(str::to_owned),
    );
    let mut urls: Vec<_> = hosts.iter().map(|host| format!("https://{host}:{port}/")).collect();
    for scheme in ["http", "ftp", "gopher", "file", "data", "ws", "wss", "javascript", "dict", "ldap", "jar:https"] {
        urls.push(format!("{scheme}://127.0.0.1:{port}/"));
        urls.push(format!("{scheme}://public.example:{port}/"));
    }
    for odd in [22, 25, 6379, 8080, 65535] {
        urls.push(format!("https://public.example:{odd}/"));
    }
    urls.push(format!("https://public.example:{port}/{}", "a".repeat(crate::MAX_URL)));
    urls
}

//! The listening side, in a process of its own: opens sockets, counts frames, tells when.
//!
//! Reads `ws:` URLs from standard input, one a line, and `.`; opens them and prints `ready`. Those after a `!` are opened
//! and never read. Then `expect N` prints, once N frames more have come in over all sockets, when the first and the last
//! one came (nanoseconds since the epoch), how many bytes and frames came ever, and `delays` how long frames took from `published` until they came.

use anyhow::{Context, Result};
use std::{
    future::poll_fn,
    io::Write as _,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines, Stdin},
    net::TcpStream,
    sync::Notify,
};

/// What came in, over all connections.
#[derive(Default)]
pub(crate) struct Heard {
    frames: AtomicU64,
    bytes: AtomicU64,
    wanted: AtomicU64,
    /// When the first frame came since frames were expected; 0 before.
    first: AtomicU64,
    at: AtomicU64,
    reached: Notify,
    /// From `published` until it came, in microseconds, if that is asked for.
    delays: Option<Mutex<Vec<u32>>>,
}

/// Nanoseconds since the epoch: comparable between the processes of one machine.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| u64::try_from(now.as_nanos()).unwrap_or(u64::MAX))
}

/// Runs until standard input ends.
pub(crate) async fn run(timed: bool) -> Result<()> {
    let mut commands = BufReader::new(tokio::io::stdin()).lines();
    let heard = Arc::new(Heard::new(timed));
    let (mut open, mut unread) = (0_u64, Vec::new());
    while let Some(line) = commands.next_line().await?.filter(|line: &String| line != ".") {
        let (stream, early) = connect(line.trim_start_matches('!')).await.with_context(|| format!("socket {open}"))?;
        if line.starts_with('!') {
            unread.push(stream);
        } else {
            tokio::spawn(read(stream, early, Arc::clone(&heard)));
        }
        open += 1;
    }
    println!("ready {open}");
    std::io::stdout().flush()?;
    heard.obey(&mut commands).await
}

async fn connect(url: &str) -> Result<(TcpStream, Vec<u8>)> {
    let rest = url.strip_prefix("ws://").context("not a ws: URL")?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut stream = TcpStream::connect(authority.replace("localhost", "127.0.0.1")).await?;
    stream.set_nodelay(true)?;
    let request = format!(
        "GET /{path} HTTP/1.1\r\nHost: {authority}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut head = Vec::new();
    loop {
        if let Some(end) = head.windows(4).position(|four| four == b"\r\n\r\n") {
            anyhow::ensure!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head[..end]));
            return Ok((stream, head.split_off(end + 4)));
        }
        anyhow::ensure!(stream.read_buf(&mut head).await? > 0, "the server ended the connection");
    }
}

/// Counts whole frames; keeps at most one partial frame.
async fn read(stream: TcpStream, mut rest: Vec<u8>, heard: Arc<Heard>) -> Result<()> {
    let mut buffer = [0; 16 * 1024];
    loop {
        let frames = take_frames(&mut rest, |frame| heard.time(frame));
        if frames > 0 {
            heard.came(frames);
        }
        poll_fn(|context| stream.poll_read_ready(context)).await?;
        match stream.try_read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => {
                heard.grew(read);
                rest.extend_from_slice(&buffer[..read]);
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
    }
}

impl Heard {
    /// With a note of how long each took, if that is asked for.
    pub(crate) fn new(timed: bool) -> Self {
        Self { delays: timed.then(Mutex::default), ..Self::default() }
    }

    /// So many have come whole.
    pub(crate) fn came(&self, frames: u64) {
        if self.first.load(Ordering::Relaxed) == 0 {
            self.first.store(now(), Ordering::SeqCst);
        }
        let total = self.frames.fetch_add(frames, Ordering::SeqCst) + frames;
        if total >= self.wanted.load(Ordering::SeqCst) {
            self.at.store(now(), Ordering::SeqCst);
            self.reached.notify_waiters();
        }
    }

    /// So many bytes have come.
    pub(crate) fn grew(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Answers `expect` and `delays` until there are no more commands.
    pub(crate) async fn obey(&self, commands: &mut Lines<BufReader<Stdin>>) -> Result<()> {
        while let Some(command) = commands.next_line().await? {
            if command == "delays" {
                let delays = self.delays.as_ref().context("not timed")?;
                let mut delays = std::mem::take(&mut *delays.lock().map_err(|_| anyhow::anyhow!("poisoned"))?);
                delays.sort_unstable();
                let at = |hundredth: usize| delays.get(delays.len() * hundredth / 100).copied().unwrap_or(0);
                println!("delays {} {}", at(50), at(99));
                std::io::stdout().flush()?;
                continue;
            }
            let more: u64 = command.strip_prefix("expect ").context("an unknown command")?.parse()?;
            let wanted = self.wanted.load(Ordering::SeqCst) + more;
            let reached = self.reached.notified();
            tokio::pin!(reached);
            reached.as_mut().enable();
            self.first.store(0, Ordering::SeqCst);
            self.wanted.store(wanted, Ordering::SeqCst);
            if self.frames.load(Ordering::SeqCst) < wanted {
                reached.await;
            }
            let (first, last) = (self.first.load(Ordering::SeqCst), self.at.load(Ordering::SeqCst));
            let (bytes, frames) = (self.bytes.load(Ordering::SeqCst), self.frames.load(Ordering::SeqCst));
            println!("reached {first} {last} {bytes} {frames}");
            std::io::stdout().flush()?;
        }
        Ok(())
    }

    /// Notes how long a notification took.
    pub(crate) fn time(&self, frame: &[u8]) {
        const BEFORE: &[u8] = b"\"published\":\"";
        let Some(delays) = &self.delays else { return };
        let published = frame.windows(BEFORE.len()).position(|window| window == BEFORE).and_then(|at| {
            let rest = frame.get(at + BEFORE.len()..)?;
            let text = std::str::from_utf8(&rest[..rest.iter().position(|byte| *byte == b'"')?]).ok()?;
            u64::try_from(text.parse::<jiff::Timestamp>().ok()?.as_nanosecond()).ok()
        });
        if let (Some(published), Ok(mut delays)) = (published, delays.lock()) {
            delays.push(u32::try_from(now().saturating_sub(published) / 1_000).unwrap_or(u32::MAX));
        }
    }
}

/// How many text frames `bytes` begins with; removes them, and control frames.
fn take_frames(bytes: &mut Vec<u8>, text: impl Fn(&[u8])) -> u64 {
    let (mut frames, mut at) = (0, 0);
    while let [first, second, rest @ ..] = &bytes[at..] {
        let (head, length) = match (second & 0x7f, rest) {
            (126, [high, low, ..]) => (4, usize::from(u16::from_be_bytes([*high, *low]))),
            (127, [length @ .., _]) if length.len() >= 8 => {
                (10, length[..8].iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)))
            }
            (126 | 127, _) => break,
            (length, _) => (2, usize::from(length)),
        };
        if bytes.len() - at < head + length {
            break;
        }
        if first & 0x0f == 1 {
            frames += 1;
            text(&bytes[at + head..at + head + length]);
        }
        at += head + length;
    }
    bytes.drain(..at);
    frames
}

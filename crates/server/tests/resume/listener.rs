//! A listener: it is cut again and again, comes back with what it heard last, and notes down all of it.

use http::Method;
use podbell_model::Uuid;
use podbell_test_client::Client;
use serde_json::json;
use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    sync::Semaphore,
};

const N1: &str = "https://www.w3.org/ns/solid/notification/v1";
/// What a slow one reads at a time.
const MOUTHFUL: usize = 4_096;
/// How often it does between two ticks.
const MOUTHFULS: usize = 60;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Voice {
    Socket,
    Events,
    Lines,
    Turtle,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    Quick,
    /// Its buffers are small, and it reads so much between two ticks.
    Slow,
    /// Quick, but away for most of the time.
    Away,
}

/// What a listener notes down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Note {
    /// It connected with that cursor, in that round.
    Connected {
        cursor: String,
        round: usize,
    },
    Gap,
    Told {
        kind: &'static str,
        id: Uuid,
        object: String,
        cursor: String,
    },
}

pub(crate) struct Listener {
    pub(crate) voice: Voice,
    /// It listens to that folder, or to all.
    pub(crate) folder: Option<usize>,
    pub(crate) pace: Pace,
    path: String,
    /// So much may be read.
    mouthfuls: Semaphore,
    random: AtomicU64,
    ended: AtomicBool,
    notes: Mutex<Notes>,
}

#[derive(Default)]
struct Notes {
    all: Vec<Note>,
    cursor: String,
    cuts: usize,
    /// How many notifications of live events of each round were heard.
    live: Vec<usize>,
}

impl Listener {
    pub(crate) async fn subscribe(alice: &Client, base: &str, voice: Voice, folder: Option<usize>, pace: Pace) -> Self {
        let kind = match voice {
            Voice::Socket => "WebSocketChannel2023",
            Voice::Events => "EventSourceChannel2023",
            Voice::Lines | Voice::Turtle => "StreamingHTTPChannel2023",
        };
        let topic = folder.map_or_else(|| format!("{base}alice/log/"), |folder| format!("{base}alice/log/{folder}/"));
        let accept = if voice == Voice::Turtle { "text/turtle" } else { "application/ld+json" };
        let body = json!({
            "@context": [N1], "type": kind, "topic": topic, "accept": accept,
            "urn:podbell:terms#recursive": true, "urn:podbell:terms#cursor": true,
        });
        let url = format!("{base}.notifications/{kind}/");
        let told = alice.request(Method::POST, &url, Some("application/ld+json"), body.to_string()).await.unwrap();
        let channel = told.success("subscribing").unwrap().json().unwrap();
        let read = alice.request(Method::HEAD, &topic, None, "").await.unwrap().success("HEAD").unwrap();
        let cursor = read.headers["podbell-cursor"].to_str().unwrap().to_owned();
        let url = channel["receiveFrom"].as_str().unwrap();
        Self {
            voice,
            folder,
            pace,
            path: url[url.find("/.notifications").unwrap()..].to_owned(),
            mouthfuls: Semaphore::new(0),
            random: AtomicU64::new(0x9e37_79b9_7f4a_7c15 ^ folder.unwrap_or(9) as u64 ^ (voice as u64) << 8),
            ended: AtomicBool::new(false),
            notes: Mutex::new(Notes { cursor, ..Notes::default() }),
        }
    }

    pub(crate) fn notes(&self) -> Vec<Note> {
        self.notes.lock().unwrap().all.clone()
    }

    pub(crate) fn gaps(&self) -> usize {
        self.notes.lock().unwrap().all.iter().filter(|note| **note == Note::Gap).count()
    }

    pub(crate) fn cuts(&self) -> usize {
        self.notes.lock().unwrap().cuts
    }

    /// How many of the live events of a round were heard.
    pub(crate) fn live(&self, round: usize) -> usize {
        self.notes.lock().unwrap().live.get(round).copied().unwrap_or(0)
    }

    /// Whether the last event was heard.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Relaxed)
    }

    /// A slow one may read a little.
    pub(crate) fn tick(&self) {
        self.mouthfuls.add_permits(MOUTHFULS);
    }

    /// It is slow no more.
    pub(crate) fn hurry(&self) {
        self.mouthfuls.add_permits(1 << 28);
    }

    /// A number below that.
    fn random(&self, below: u64) -> u64 {
        let next =
            |seed: u64| Some(seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
        (self.random.fetch_update(Relaxed, Relaxed, next).unwrap() >> 33) % below
    }

    /// Listens until the server is gone.
    pub(crate) async fn run(self: std::sync::Arc<Self>, base: String, round: usize) {
        let address = base.strip_prefix("http://localhost").unwrap().trim_end_matches('/');
        let address = format!("127.0.0.1{address}").parse().unwrap();
        self.mouthfuls.forget_permits(usize::MAX >> 3);
        self.tick();
        loop {
            let socket = TcpSocket::new_v4().unwrap();
            if self.pace == Pace::Slow {
                socket.set_recv_buffer_size(8 * 1_024).unwrap();
            }
            let Ok(mut stream) = socket.connect(address).await else { return };
            let cursor = self.notes.lock().unwrap().cursor.clone();
            let Some((status, chunked)) = self.ask(&mut stream, &cursor).await else { continue };
            if status != "200" && status != "101" {
                // Whoever was cut may still hold the seat.
                assert!(status == "429" || status == "503", "{:?}: {status}", self.voice);
                tokio::time::sleep(Duration::from_millis(5)).await;
                continue;
            }
            self.notes.lock().unwrap().all.push(Note::Connected { cursor, round });
            self.hear(stream, chunked).await;
        }
    }

    /// Opens; the status, and whether what follows comes in chunks; none if the connection ends before.
    async fn ask(&self, stream: &mut TcpStream, cursor: &str) -> Option<(String, bool)> {
        let (query, headers) = match self.voice {
            Voice::Socket => (
                format!("?since={cursor}"),
                "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                 sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                    .to_owned(),
            ),
            Voice::Events => (String::new(), format!("last-event-id: {cursor}\r\n")),
            _ => (format!("?since={cursor}"), String::new()),
        };
        let request = format!("GET {}{query} HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n", self.path);
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.ok()?);
        }
        let head = String::from_utf8(head).unwrap();
        let status = head.split(' ').nth(1)?;
        Some((status.to_owned(), head.to_ascii_lowercase().contains("transfer-encoding: chunked")))
    }

    /// Hears until it is cut.
    async fn hear(&self, mut stream: TcpStream, chunked: bool) {
        let patience = if self.pace == Pace::Slow { 500 } else { 4_000 };
        let mut left = if self.ended.load(Relaxed) { u64::MAX } else { 1 + self.random(patience) };
        let (mut raw, mut bytes, mut part) = (Vec::new(), Vec::new(), vec![0; 64 * 1_024]);
        loop {
            let room = if self.pace == Pace::Slow { MOUTHFUL } else { part.len() };
            if self.pace == Pace::Slow {
                self.mouthfuls.acquire().await.unwrap().forget();
            }
            let Ok(count @ 1..) = stream.read(&mut part[..room]).await else { return };
            if chunked {
                raw.extend_from_slice(&part[..count]);
                unchunk(&mut raw, &mut bytes);
            } else {
                bytes.extend_from_slice(&part[..count]);
            }
            let mut begin = 0;
            while let Some((length, text)) = first(&bytes[begin..], self.voice) {
                begin += length;
                let Some(text) = text else { continue };
                self.note(&text);
                left -= 1;
                if left == 0 {
                    self.notes.lock().unwrap().cuts += 1;
                    return;
                }
            }
            bytes.drain(..begin);
        }
    }

    fn note(&self, text: &str) {
        let between = |before: &str, end: char| {
            let (_, rest) = text.split_once(before)?;
            rest.split_once(end).map(|(found, _)| found.to_owned())
        };
        let field = |json: &str, turtle: &str, end: char| match self.voice {
            Voice::Turtle => between(turtle, end),
            _ => between(json, '"'),
        };
        let missing = |what: &str| -> String { panic!("no {what}: {text}") };
        let cursor = match self.voice {
            Voice::Events => between("id: ", '\n'),
            _ => field("\"urn:podbell:terms#cursor\":\"", "<urn:podbell:terms#cursor> \"", '"'),
        };
        let cursor = cursor.unwrap_or_else(|| missing("cursor"));
        let mut notes = self.notes.lock().unwrap();
        notes.cursor.clone_from(&cursor);
        if text.contains("urn:podbell:terms#Gap") {
            return notes.all.push(Note::Gap);
        }
        let kind = field("\"type\":\"", " a as:", ' ').unwrap_or_else(|| missing("type"));
        let kind = ["Create", "Update", "Delete"].into_iter().find(|known| kind.starts_with(known)).unwrap();
        let object = field("\"object\":\"", "as:object <", '>').unwrap_or_else(|| missing("object"));
        let id = text.split_once("urn:uuid:").and_then(|(_, rest)| rest.get(..36)).unwrap();
        if let Some((_, name)) = object.split_once("/live-") {
            let round = name.split('-').next().unwrap().parse().unwrap();
            if notes.live.len() <= round {
                notes.live.resize(round + 1, 0);
            }
            notes.live[round] += 1;
        }
        let end = self.folder.map_or_else(|| "/log/end".to_owned(), |folder| format!("/log/{folder}/end"));
        if object.ends_with(&end) {
            self.ended.store(true, Relaxed);
        }
        notes.all.push(Note::Told { kind, id: id.parse().unwrap(), object, cursor });
    }
}

/// Takes the chunks that have come whole.
fn unchunk(raw: &mut Vec<u8>, bytes: &mut Vec<u8>) {
    let mut begin = 0;
    while let Some(end) = raw[begin..].windows(2).position(|two| two == b"\r\n") {
        let from = begin + end + 2;
        let length = usize::from_str_radix(std::str::from_utf8(&raw[begin..begin + end]).unwrap(), 16).unwrap();
        if raw.len() < from + length + 2 {
            break;
        }
        bytes.extend_from_slice(&raw[from..from + length]);
        begin = from + length + 2;
    }
    raw.drain(..begin);
}

/// The first notification and its length; without text if it is none.
fn first(bytes: &[u8], voice: Voice) -> Option<(usize, Option<String>)> {
    let text = |part: &[u8]| String::from_utf8(part.to_vec()).unwrap();
    if voice == Voice::Socket {
        let (head, length) = match bytes {
            [_, 126, high, low, ..] => (4, usize::from(u16::from_be_bytes([*high, *low]))),
            [_, short @ ..126, ..] => (2, usize::from(*short)),
            _ => return None,
        };
        let payload = bytes.get(head..head + length)?;
        return Some((head + length, (bytes[0] & 15 == 1).then(|| text(payload))));
    }
    let mark: &[u8] = if voice == Voice::Lines { b"\n" } else { b"\n\n" };
    let end = bytes.windows(mark.len()).position(|window| window == mark)? + mark.len();
    let block = text(&bytes[..end]);
    // A bare id, a comment and an empty line are no notifications.
    let is_one = block.contains("urn:uuid:");
    Some((end, is_one.then_some(block)))
}

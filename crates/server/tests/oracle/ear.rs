//! An outlet that remembers every byte, and how far the log was when it took it; and what the bytes say.

use crate::model::{Commit, Message};
use parking_lot::Mutex;
use podbell_hub::{Ending, Outlet};
use podbell_log::Log;
use podbell_model::Timestamp;
use serde_json::Value;
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
};

/// Room without end.
pub(crate) const ROOM: usize = 1 << 40;

/// Bytes that were taken together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chunk {
    end: usize,
    /// The newest commit that was answered to its writer before.
    answered: Commit,
    /// The newest commit that could be read.
    head: Commit,
}

pub(crate) struct Ear {
    pub(crate) log: Arc<dyn Log>,
    pub(crate) answered: Arc<AtomicUsize>,
    pub(crate) room: AtomicUsize,
    heard: Mutex<(Vec<u8>, Vec<Chunk>)>,
    closed: Mutex<Option<(Ending, bool)>>,
    /// Nothing may come any more.
    pub(crate) deaf: AtomicBool,
    pub(crate) late: AtomicBool,
}

/// A notification that was heard, perhaps in part.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    /// None if it was cut.
    pub(crate) told: Option<Told>,
    /// The beginning of one that was cut, as far as it is text.
    pub(crate) text: String,
    pub(crate) chunks: Vec<Chunk>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) id: String,
    pub(crate) at: i64,
    pub(crate) message: Message,
}

impl Chunk {
    /// The commits by whose rules it may have been sent: everything answered counts, what is on its way may.
    pub(crate) fn rules(&self, told: Commit) -> std::ops::RangeInclusive<Commit> {
        self.answered.max(told)..=self.head.max(told)
    }
}

impl Ear {
    pub(crate) fn new(log: Arc<dyn Log>, answered: Arc<AtomicUsize>) -> Arc<Self> {
        Arc::new(Self {
            log,
            answered,
            room: AtomicUsize::new(ROOM),
            heard: Mutex::default(),
            closed: Mutex::default(),
            deaf: AtomicBool::new(false),
            late: AtomicBool::new(false),
        })
    }

    pub(crate) fn closed(&self) -> Option<(Ending, bool)> {
        *self.closed.lock()
    }

    /// Everything that was heard, frame by frame.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        let (bytes, chunks) = self.heard.lock().clone();
        let (mut start, mut all) = (0, Vec::new());
        while start < bytes.len() {
            let (head, length) = match &bytes[start..] {
                [_, 126, high, low, ..] => (4, usize::from(u16::from_be_bytes([*high, *low]))),
                [_, short @ ..126, ..] => (2, usize::from(*short)),
                cut => (cut.len(), 0),
            };
            assert!(bytes[start] == 0x81, "every notification is one text frame");
            let end = start + head + length;
            let body = &bytes[(start + head).min(bytes.len())..end.min(bytes.len())];
            let from = |index: usize| if index == 0 { 0 } else { chunks[index - 1].end };
            let carried = (0..chunks.len()).filter(|index| from(*index) < end && chunks[*index].end > start);
            all.push(Heard {
                told: (length > 0 && end <= bytes.len()).then(|| told(body)),
                text: String::from_utf8_lossy(body).into_owned(),
                chunks: carried.map(|index| chunks[index]).collect(),
            });
            start = end;
        }
        all
    }
}

impl Outlet for Ear {
    fn try_write(&self, parts: &[io::IoSlice<'_>]) -> io::Result<usize> {
        if self.deaf.load(SeqCst) || self.closed.lock().is_some() {
            self.late.store(true, SeqCst);
        }
        let answered = self.answered.load(SeqCst);
        let room = self.room.load(SeqCst);
        if room == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let bytes: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).take(room).collect();
        if room < ROOM {
            self.room.fetch_sub(bytes.len(), SeqCst);
        }
        let mut heard = self.heard.lock();
        heard.0.extend_from_slice(&bytes);
        let head = usize::try_from(self.log.head().0).unwrap();
        let end = heard.0.len();
        heard.1.push(Chunk { end, answered, head });
        Ok(bytes.len())
    }

    fn wake_when_writable(&self) {}

    fn close(&self, ending: Ending, mid_frame: bool) {
        let before = self.closed.lock().replace((ending, mid_frame));
        assert_eq!(before, None, "a connection is closed once");
    }
}

/// Reads the words of both dialects.
fn told(body: &[u8]) -> Told {
    let json: Value = serde_json::from_slice(body).unwrap();
    let path = |iri: &Value| iri.as_str().unwrap().strip_prefix("https://pod.example").unwrap().to_owned();
    let published: Timestamp = json["published"].as_str().unwrap().parse().unwrap();
    let message = if json["object"].is_object() {
        assert_eq!(json["actor"], serde_json::json!([]), "nobody asked for the actor");
        Message {
            kind: kind(&json["type"][1]),
            object: path(&json["object"]["id"]),
            target: None,
            state: json["object"]["state"].as_str().map(str::to_owned),
        }
    } else {
        let keys = ["@context", "id", "type", "object", "target", "state", "published"];
        assert!(json.as_object().unwrap().keys().all(|key| keys.contains(&key.as_str())), "{json}");
        let state = json["state"].as_str();
        Message {
            kind: kind(&json["type"]),
            object: path(&json["object"]),
            target: json.get("target").map(path),
            state: state.map(|state| state.strip_prefix('"').unwrap().strip_suffix('"').unwrap().to_owned()),
        }
    };
    Told { id: json["id"].as_str().unwrap().to_owned(), at: published.as_millisecond(), message }
}

fn kind(value: &Value) -> &'static str {
    let kinds = ["Create", "Update", "Delete", "Add", "Remove"];
    kinds.into_iter().find(|kind| value == *kind).unwrap()
}

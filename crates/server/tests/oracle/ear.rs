//! An outlet that remembers every byte, and how far the log and the clock were when it took it.

use crate::{
    model::{Commit, Voice},
    words::{Told, first},
};
use parking_lot::Mutex;
use podbell_hub::{Ending, Outlet};
use podbell_log::Log;
use podbell_wire::solid_0_1::MARK;
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering::SeqCst},
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
    pub(crate) head: Commit,
    /// When.
    pub(crate) at: i64,
}

pub(crate) struct Ear {
    pub(crate) log: Arc<dyn Log>,
    pub(crate) answered: Arc<AtomicUsize>,
    pub(crate) now: Arc<AtomicI64>,
    /// Of all that share a socket.
    pub(crate) room: Arc<AtomicUsize>,
    voice: Voice,
    taken: Mutex<Taken>,
    closed: Mutex<Option<(Ending, bool)>>,
    closed_at: AtomicI64,
    /// Nothing may come any more.
    pub(crate) deaf: AtomicBool,
    pub(crate) late: AtomicBool,
}

#[derive(Default)]
struct Taken {
    bytes: Vec<u8>,
    chunks: Vec<Chunk>,
    /// What was heard whole, and where it ends.
    whole: Vec<Heard>,
    end: usize,
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

impl Chunk {
    /// The commits by whose rules it may have been sent: everything answered counts, what is on its way may.
    pub(crate) fn rules(&self, told: Commit) -> std::ops::RangeInclusive<Commit> {
        self.answered.max(told)..=self.head.max(told)
    }
}

impl Ear {
    pub(crate) fn new(
        log: Arc<dyn Log>,
        (answered, now): (Arc<AtomicUsize>, Arc<AtomicI64>),
        (voice, room): (Voice, Arc<AtomicUsize>),
    ) -> Arc<Self> {
        Arc::new(Self {
            log,
            answered,
            now,
            room,
            voice,
            taken: Mutex::default(),
            closed: Mutex::default(),
            closed_at: AtomicI64::new(0),
            deaf: AtomicBool::new(false),
            late: AtomicBool::new(false),
        })
    }

    /// Whether what was heard ends inside a notification.
    pub(crate) fn is_cut(&self) -> bool {
        self.heard().last().is_some_and(|last| last.told.is_none())
    }

    pub(crate) fn closed(&self) -> Option<(Ending, bool)> {
        *self.closed.lock()
    }

    /// When it was closed, if it was.
    pub(crate) fn closed_at(&self) -> Option<i64> {
        self.closed().map(|_| self.closed_at.load(SeqCst))
    }

    /// What was heard whole.
    pub(crate) fn whole(&self) -> Vec<Told> {
        self.heard().into_iter().filter_map(|heard| heard.told).collect()
    }

    /// If it was told that something was missed: how far the log was by then.
    pub(crate) fn gap(&self) -> Option<Commit> {
        let is_gap = |heard: &Heard| heard.told.as_ref().is_some_and(|told| told.message.is_none());
        self.heard().into_iter().find(is_gap)?.chunks.last().map(|chunk| chunk.head)
    }

    /// Everything that was heard, one notification after the other.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        let mut taken = self.taken.lock();
        let taken = &mut *taken;
        while let Some((length, told)) = first(&taken.bytes[taken.end..], self.voice) {
            let chunks = taken.carried(taken.end, taken.end + length);
            taken.whole.push(Heard { told: Some(told), text: String::new(), chunks });
            taken.end += length;
        }
        let mut all = taken.whole.clone();
        if taken.end < taken.bytes.len() {
            let text = String::from_utf8_lossy(&taken.bytes[taken.end..]).into_owned();
            all.push(Heard { told: None, text, chunks: taken.carried(taken.end, taken.bytes.len()) });
        }
        all
    }
}

impl Taken {
    /// What carried the bytes between two places.
    fn carried(&self, start: usize, end: usize) -> Vec<Chunk> {
        let from = |index: usize| if index == 0 { 0 } else { self.chunks[index - 1].end };
        let carried = (0..self.chunks.len()).filter(|index| from(*index) < end && self.chunks[*index].end > start);
        carried.map(|index| self.chunks[index]).collect()
    }
}

impl Outlet for Ear {
    fn try_write(&self, parts: &[io::IoSlice<'_>]) -> io::Result<usize> {
        if self.deaf.load(SeqCst) || self.closed.lock().is_some() {
            self.late.store(true, SeqCst);
        }
        let answered = self.answered.load(SeqCst);
        let room = self.room.load(SeqCst);
        // A line goes whole or not at all.
        let room = if self.voice == Voice::Solid01 { room - room % MARK.len() } else { room };
        if room == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let bytes: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).take(room).collect();
        if room < ROOM {
            self.room.fetch_sub(bytes.len(), SeqCst);
        }
        let mut taken = self.taken.lock();
        taken.bytes.extend_from_slice(&bytes);
        let head = usize::try_from(self.log.head().0).unwrap();
        let end = taken.bytes.len();
        taken.chunks.push(Chunk { end, answered, head, at: self.now.load(SeqCst) });
        Ok(bytes.len())
    }

    fn wake_when_writable(&self) {}

    fn close(&self, ending: Ending, mid_frame: bool) {
        self.closed_at.store(self.now.load(SeqCst), SeqCst);
        let before = self.closed.lock().replace((ending, mid_frame));
        assert_eq!(before, None, "a connection is closed once");
    }
}

//! A WebSocket on which client and server converse, line by line, and on which the client hears of many topics: one
//! connection of the hub for each of them.
//!
//! Nothing that was judged waits here: a connection's notification is a mark, and becomes a line at the system call. Only
//! the rest of a frame that has begun is kept, and goes before anything else. What the client says is read when what it
//! has said before is answered, so one that floods waits for itself.

mod line;
mod session;
#[cfg(test)]
mod tests;

pub use session::{Converse, End, Heard};

use super::{frame, frame::CloseCode, frame::Opcode, socket::Socket};
use crate::{register::register, socket::Voice as _};
use line::Line;
use parking_lot::Mutex;
use podbell_hub::{Admission, Begin, Connection, Ending, Outlet as _};
use podbell_model::Sequence;
use podbell_wire::solid_0_1::Says;
use std::{
    fmt,
    io::{ErrorKind, IoSlice},
    ops::ControlFlow,
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::{Notify, mpsc};

/// Names what is heard on one socket; never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LineKey(u64);

/// The way out of one conversation.
pub struct Lines {
    socket: Arc<Socket>,
    /// Those that wait for room.
    waiting: Mutex<Vec<Weak<Line>>>,
    /// Told when there is room.
    room: Notify,
    /// One message for each subscription at most, so as bounded as these are.
    endings: mpsc::UnboundedSender<(LineKey, Ending)>,
    next: AtomicU64,
}

/// Something that is heard on a socket; dropping it ends that.
#[must_use = "dropping it ends it"]
pub struct Listening {
    line: Arc<Line>,
    connection: Arc<Connection>,
}

impl Lines {
    fn new(socket: Arc<Socket>, endings: mpsc::UnboundedSender<(LineKey, Ending)>) -> Arc<Self> {
        let lines =
            Arc::new(Self { socket, waiting: Mutex::default(), room: Notify::new(), endings, next: AtomicU64::new(0) });
        let told = Arc::downgrade(&lines);
        lines.socket.on_room(Box::new(move || {
            if let Some(lines) = told.upgrade() {
                lines.has_room();
            }
        }));
        lines
    }

    /// Says something, as soon as there is room; breaks if nothing can be said any more.
    pub async fn say(&self, says: Says<'_>) -> ControlFlow<End> {
        let frame = frame::frame(Opcode::Text, says.line().as_bytes());
        loop {
            let room = self.room.notified();
            tokio::pin!(room);
            // Before it is tried: room that comes in between is not missed.
            room.as_mut().enable();
            match self.socket.send(&[IoSlice::new(&frame)]) {
                Ok(_) => return ControlFlow::Continue(()),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                    self.socket.wake_when_writable();
                    room.await;
                }
                Err(_) => return ControlFlow::Break((CloseCode::NORMAL, "")),
            }
        }
    }

    /// Tells `uri` for every notification of that admission which was committed after `since`, a head of the log that was
    /// read before it was judged. Registered when this returns; tells nothing until it is opened.
    pub fn listen(self: &Arc<Self>, uri: &str, admission: Admission, since: Sequence) -> Listening {
        let key = LineKey(self.next.fetch_add(1, Ordering::Relaxed));
        let line = Line::new(key, uri, Arc::clone(self));
        let connection = register(admission, Arc::<Line>::clone(&line), (Begin::Now, since), None);
        line.belongs_to(&connection);
        Listening { line, connection }
    }

    /// There is room again, for as many as wait. Who was first is last, so that nobody is passed over for ever.
    fn has_room(&self) {
        self.room.notify_waiters();
        let mut waiting = std::mem::take(&mut *self.waiting.lock());
        if !waiting.is_empty() {
            waiting.rotate_left(1);
        }
        for line in waiting.iter().filter_map(Weak::upgrade) {
            line.goes_on();
        }
    }

    fn wait(&self, line: Weak<Line>) {
        self.waiting.lock().push(line);
        self.socket.wake_when_writable();
    }

    /// What is heard has ended. The whole conversation ends if the client is to come again.
    fn ended(&self, key: LineKey, ending: Ending) {
        if matches!(ending, Ending::Shutdown | Ending::Overload) {
            return self.socket.finish(&self.socket.voice.last_words(ending));
        }
        // Nobody hears it once the conversation is over.
        let _ = self.endings.send((key, ending));
    }
}

impl Listening {
    /// What it is named by when it ends.
    pub fn key(&self) -> LineKey {
        self.line.key()
    }

    /// From now on it is told; and first what has waited for this.
    pub fn open(&self) {
        self.line.open();
        self.connection.writable();
    }
}

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines").finish_non_exhaustive()
    }
}

impl fmt::Debug for Listening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listening").field("key", &self.key()).finish_non_exhaustive()
    }
}

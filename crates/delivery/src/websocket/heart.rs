//! The heartbeat of all WebSockets: one task pings them, cuts the dead, and ends those that do not answer a close.
//!
//! A timer per socket would cost more memory than the socket.

use super::socket::Socket;
use parking_lot::Mutex;
use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;

/// How long a peer may take to answer a close.
const CLOSE_ANSWER: Duration = Duration::from_secs(5);
/// Parts of a period; the sockets are spread over them.
const BUCKETS: usize = 32;

/// Pings the sockets that it watches, a part of them at a time.
#[derive(Default)]
pub(super) struct Heart {
    now: AtomicUsize,
    buckets: [Mutex<Vec<Weak<Socket>>>; BUCKETS],
    ending: Mutex<Vec<(Instant, Weak<Socket>)>>,
}

impl Heart {
    /// Starts to beat; stops when the last owner lets go.
    ///
    /// `every`: between two pings of one socket; to be well inside the 60 s after which proxies cut.
    pub(super) fn start(every: Duration) -> Arc<Self> {
        let heart = Arc::new(Self::default());
        let weak = Arc::downgrade(&heart);
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval((every / 32).max(Duration::from_millis(1)));
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                let Some(heart) = weak.upgrade() else { return };
                heart.tick();
            }
        });
        heart
    }

    /// Watches a socket until it is dropped; its first ping is one period away.
    pub(super) fn watch(&self, socket: &Arc<Socket>) {
        let bucket = self.now.load(Ordering::Relaxed) % BUCKETS;
        self.buckets[bucket].lock().push(Arc::downgrade(socket));
    }

    /// The socket has sent its close frame; it is cut if the peer does not answer.
    pub(super) fn expect_end(&self, socket: Weak<Socket>) {
        self.ending.lock().push((Instant::now() + CLOSE_ANSWER, socket));
    }

    fn tick(&self) {
        let now = self.now.fetch_add(1, Ordering::Relaxed) + 1;
        // Outside the lock: a socket that ends takes locks of its own.
        let watched: Vec<_> = {
            let mut bucket = self.buckets[now % BUCKETS].lock();
            bucket.retain(|socket| socket.strong_count() > 0);
            bucket.iter().filter_map(Weak::upgrade).collect()
        };
        watched.iter().for_each(|socket| socket.beat());
        let now = Instant::now();
        let mut ending = self.ending.lock();
        let (late, waiting): (Vec<_>, Vec<_>) = ending.drain(..).partition(|(due, _)| *due <= now);
        *ending = waiting;
        drop(ending);
        late.iter().filter_map(|(_, socket)| socket.upgrade()).for_each(|socket| socket.cut());
    }
}

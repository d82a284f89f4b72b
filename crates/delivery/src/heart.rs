//! The heartbeat of open connections: one task gives them their beats in turn, and cuts those that do not end when they
//! were told to.
//!
//! A timer per connection would cost more memory than the connection.

use parking_lot::Mutex;
use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;

/// How long a peer may take to end after it was told the end.
const END: Duration = Duration::from_secs(5);
/// Parts of a period; the connections are spread over them.
const BUCKETS: usize = 32;

/// A connection with a heartbeat.
pub(crate) trait Beating: Send + Sync + 'static {
    /// Shows the peer, and what stands between, that the connection lives.
    fn beat(&self);

    /// Ends the connection without a word.
    fn cut(&self);
}

/// Gives the connections that it watches their beats, a part of them at a time.
#[derive(Default)]
pub(crate) struct Heart {
    now: AtomicUsize,
    buckets: [Mutex<Vec<Weak<dyn Beating>>>; BUCKETS],
    ending: Mutex<Vec<(Instant, Weak<dyn Beating>)>>,
}

impl Heart {
    /// Starts to beat; stops when the last owner lets go.
    ///
    /// `every`: between two beats of one connection; to be well inside the 60 s after which proxies cut.
    pub(crate) fn start(every: Duration) -> Arc<Self> {
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

    /// Watches a connection until it is dropped; its first beat is one period away.
    pub(crate) fn watch(&self, connection: Weak<dyn Beating>) {
        let bucket = self.now.load(Ordering::Relaxed) % BUCKETS;
        self.buckets[bucket].lock().push(connection);
    }

    /// The peer was told the end; it is cut if it does not end too.
    pub(crate) fn expect_end(&self, connection: Weak<dyn Beating>) {
        self.ending.lock().push((Instant::now() + END, connection));
    }

    fn tick(&self) {
        let now = self.now.fetch_add(1, Ordering::Relaxed) + 1;
        // Outside the lock: a connection that ends takes locks of its own.
        let watched: Vec<_> = {
            let mut bucket = self.buckets[now % BUCKETS].lock();
            bucket.retain(|connection| connection.strong_count() > 0);
            bucket.iter().filter_map(Weak::upgrade).collect()
        };
        for connection in watched {
            connection.beat();
        }
        let now = Instant::now();
        let mut ending = self.ending.lock();
        let (late, waiting): (Vec<_>, Vec<_>) = ending.drain(..).partition(|(due, _)| *due <= now);
        *ending = waiting;
        drop(ending);
        for connection in late.iter().filter_map(|(_, connection)| connection.upgrade()) {
            connection.cut();
        }
    }
}

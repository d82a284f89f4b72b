//! How far long work is, told on standard error every few seconds.

use super::amount;
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// What takes less is not told of.
const EVERY: Duration = Duration::from_secs(3);

/// Counts what passes.
#[derive(Clone)]
pub(super) struct Progress(Arc<State>);

struct State {
    done: &'static str,
    files: AtomicU64,
    bytes: AtomicU64,
    told: Mutex<Instant>,
    ever: AtomicU64,
}

impl Progress {
    /// Of work that is called so when it is done.
    pub(super) fn begin(done: &'static str) -> Self {
        let told = Mutex::new(Instant::now());
        Self(Arc::new(State { done, files: 0.into(), bytes: 0.into(), told, ever: 0.into() }))
    }

    /// So many bytes have passed.
    pub(super) fn pass(&self, bytes: usize) {
        self.0.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        let mut told = self.0.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.elapsed() >= EVERY {
            *told = Instant::now();
            self.0.ever.fetch_add(1, Ordering::Relaxed);
            self.tell();
        }
    }

    /// A file or directory is done.
    pub(super) fn file(&self) {
        self.0.files.fetch_add(1, Ordering::Relaxed);
    }

    /// All is done.
    pub(super) fn end(&self) {
        if self.0.ever.load(Ordering::Relaxed) > 0 {
            self.tell();
        }
    }

    fn tell(&self) {
        let (files, bytes) = (self.0.files.load(Ordering::Relaxed), self.0.bytes.load(Ordering::Relaxed));
        let files = if files > 0 { format!("{files} files, ") } else { String::new() };
        eprintln!("{} {files}{}", self.0.done, amount(bytes));
    }
}

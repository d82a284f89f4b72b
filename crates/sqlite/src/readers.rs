//! Connections that only read, each question in a snapshot of its own.

use crate::error::EngineError;
use parking_lot::Mutex;
use rusqlite::{Connection, OpenFlags};
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::sync::Semaphore;

/// A pool of connections; they are opened when they are first needed.
#[derive(Debug)]
pub(crate) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    /// At most `count` questions at once.
    pub(crate) fn new(path: PathBuf, count: usize) -> Self {
        Self { path, idle: Mutex::default(), permits: Arc::new(Semaphore::new(count.max(1))) }
    }

    /// Answers a question on a thread that may block.
    pub(crate) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        question: impl FnOnce(&Connection) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, EngineError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| EngineError::Stopped)?;
        let readers = Arc::clone(self);
        let answer = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let idle = readers.idle.lock().pop();
            let db = idle.map_or_else(|| readers.connect(), Ok)?;
            // One snapshot for all statements of the question; a reader never waits for the writer.
            let snapshot = db.unchecked_transaction()?;
            let answer = question(&snapshot);
            snapshot.finish()?;
            readers.idle.lock().push(db);
            answer
        });
        answer.await.map_err(|_| EngineError::Stopped)?
    }

    fn connect(&self) -> Result<Connection, EngineError> {
        let db = Connection::open_with_flags(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        db.busy_timeout(Duration::from_secs(5))?;
        db.pragma_update(None, "mmap_size", 0)?;
        // In KiB: the pages stand in the kernel's cache too, and there are several readers.
        db.pragma_update(None, "cache_size", -512)?;
        db.set_prepared_statement_cache_capacity(64);
        Ok(db)
    }
}

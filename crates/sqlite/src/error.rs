//! What can go wrong below, and what each port calls it.

use podbell_delivery::push::QueueError;
use podbell_hub::ChannelStoreError;
use podbell_log::LogError;
use podbell_pod::store::{CommitError, StoreError};
use rusqlite::{ErrorCode, ffi};
use std::{io, path::PathBuf, sync::Arc};

/// Why a directory cannot be opened as a store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// A running server has it.
    #[error("{} is in use by another server", .0.display())]
    InUse(PathBuf),
    /// A later version of this program wrote it.
    #[error("{} was written by a later version (schema {found}, this one knows {known})", .path.display())]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest schema that this version knows.
        known: i64,
    },
    /// The database is damaged; restore a copy.
    #[error("{} is damaged: {report}", .path.display())]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What is wrong with it, in the engine's words.
        report: String,
    },
    /// A file or directory cannot be made or read.
    #[error("{} cannot be used", .0.display())]
    File(PathBuf, #[source] io::Error),
    /// The engine failed.
    #[error("the database cannot be opened")]
    Engine(#[from] EngineError),
}

/// What failed below.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// SQLite.
    #[error("SQLite failed")]
    Sqlite(#[from] rusqlite::Error),
    /// The transaction that this write was part of.
    #[error("the transaction failed")]
    Transaction(#[source] Arc<EngineError>),
    /// The transaction was rolled back because of another write in it.
    #[error("the transaction was rolled back")]
    RolledBack {
        /// Because there was no space left.
        full: bool,
    },
    /// A file.
    #[error("a file failed")]
    File(#[from] io::Error),
    /// The writer is gone; the server must be restarted.
    #[error("the writer has stopped")]
    Stopped,
    /// A body that is to be committed was never staged, or staged too long ago.
    #[error("the body {0} is not there")]
    NoBody(Arc<str>),
    /// A write set that no pod makes.
    #[error("no valid write set: {0}")]
    Invalid(&'static str),
}

impl EngineError {
    /// Whether there is no space left: on the disk, in the quota of the file system, or in [`crate::Options::limit`].
    pub fn is_full(&self) -> bool {
        match self {
            Self::Sqlite(rusqlite::Error::SqliteFailure(error, _)) => {
                // Without room for its index of the WAL, SQLite speaks of an I/O error.
                error.code == ErrorCode::DiskFull || error.extended_code == ffi::SQLITE_IOERR_SHMSIZE
            }
            Self::Transaction(error) => error.is_full(),
            Self::RolledBack { full } => *full,
            Self::File(error) => matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded),
            _ => false,
        }
    }
}

/// What a write may fail with.
pub(crate) trait Cause: From<EngineError> + Send + 'static {
    /// Whether there is no space left.
    fn is_full(&self) -> bool;
}

impl Cause for EngineError {
    fn is_full(&self) -> bool {
        self.is_full()
    }
}

/// What a commit may fail with, before it leaves the crate.
#[derive(Debug)]
pub(crate) enum Refusal {
    Commit(CommitError),
    Engine(EngineError),
}

impl Cause for Refusal {
    fn is_full(&self) -> bool {
        matches!(self, Self::Engine(error) if error.is_full())
    }
}

impl From<EngineError> for Refusal {
    fn from(error: EngineError) -> Self {
        Self::Engine(error)
    }
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        Self::Engine(error.into())
    }
}

impl From<CommitError> for Refusal {
    fn from(error: CommitError) -> Self {
        Self::Commit(error)
    }
}

impl From<Refusal> for CommitError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Commit(error) => error,
            Refusal::Engine(error) if error.is_full() => Self::Full,
            Refusal::Engine(error) => Self::Store(store(error)),
        }
    }
}

pub(crate) fn store(error: EngineError) -> StoreError {
    StoreError(Box::new(error))
}

pub(crate) fn log(error: EngineError) -> LogError {
    LogError::Engine(Box::new(error))
}

pub(crate) fn channel(error: EngineError) -> ChannelStoreError {
    ChannelStoreError(Box::new(error))
}

pub(crate) fn queue(error: EngineError) -> QueueError {
    QueueError(Box::new(error))
}

pub(crate) fn provider(error: EngineError) -> podbell_provider::store::StoreError {
    podbell_provider::store::StoreError(Box::new(error))
}

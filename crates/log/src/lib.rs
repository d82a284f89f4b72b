//! The log: what was committed, in order, and what the rules were at each commit.
//!
//! Reading and tailing only. Records are appended by the transaction that makes the change: `pod::Store::commit`.

mod fence;
mod policy;
mod record;

pub use fence::{Entered, Fence};
pub use policy::{At, PolicyBody, PolicyHistory, PolicyKind, PolicySnapshot};
pub use record::{Commit, Fact, MAX_CAUSES, Record, StorageChange};

use podbell_model::{Sequence, StorageId, StreamPosition, Timestamp};
use std::sync::Arc;
use tokio::sync::watch;

/// Why the log could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// Records after the asked position have been pruned, or belong to another epoch: the reader has a gap.
    #[error("the log no longer holds what follows the asked position")]
    Gap,
    /// No such storage.
    #[error("no such storage")]
    UnknownStorage,
    /// The engine below failed; trying again may help.
    #[error("the log cannot be read")]
    Engine(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What the log of one storage holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Horizon {
    /// Position before the oldest record that can still be read.
    pub oldest: StreamPosition,
    /// Position of the newest record.
    pub newest: StreamPosition,
}

/// A log of commits, in one order for the whole server.
#[async_trait::async_trait]
pub trait Log: Send + Sync + 'static {
    /// The newest commit that can be read. Monotonic; a commit is readable before its number shows here.
    fn head(&self) -> Sequence;

    /// Tells when the head moves. Values may be skipped; the newest always arrives.
    fn watch(&self) -> watch::Receiver<Sequence>;

    /// Whole commits after `after`, in order, at most `limit` of them; empty at the head.
    ///
    /// # Errors
    /// [`LogError::Gap`] if commits after `after` have been pruned.
    async fn read(&self, after: Sequence, limit: usize) -> Result<Vec<Arc<Commit>>, LogError>;

    /// Whole commits after `after` with a record in one of the storages, in order, at most `limit` of them; fewer only
    /// if there are no more up to the head. Other storages do not matter, nor what has been pruned of them.
    ///
    /// # Errors
    /// [`LogError::Gap`] if records of these storages after `after` have been pruned.
    async fn read_of(
        &self,
        storages: &[StorageId],
        after: Sequence,
        limit: usize,
    ) -> Result<Vec<Arc<Commit>>, LogError>;

    /// Records of one storage after a public position, in order, at most `limit`.
    ///
    /// # Errors
    /// [`LogError::Gap`] if the epoch is another one or the records have been pruned.
    async fn read_storage(
        &self,
        storage: StorageId,
        after: StreamPosition,
        limit: usize,
    ) -> Result<Vec<Record>, LogError>;

    /// The way back: records of one storage before a public position, or the newest ones, the newest first, at most
    /// `limit`; fewer only if no older ones can be read.
    ///
    /// # Errors
    /// [`LogError::Gap`] if the epoch is another one.
    async fn read_back(
        &self,
        storage: StorageId,
        before: Option<StreamPosition>,
        limit: usize,
    ) -> Result<Vec<Record>, LogError>;

    /// How far the log of one storage had come by each of these instants, which ascend: the position of its newest record
    /// that was published before. For an instant that the log does not reach, where it begins.
    async fn reached(&self, storage: StorageId, by: &[Timestamp]) -> Result<Vec<StreamPosition>, LogError>;

    /// What can be read of one storage.
    async fn horizon(&self, storage: StorageId) -> Result<Horizon, LogError>;
}

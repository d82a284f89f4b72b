//! The log and the history of rules.

use crate::{Sqlite, error, policy, records};
use podbell_log::{At, Commit, Horizon, Log, LogError, PolicyHistory, PolicySnapshot, Record};
use podbell_model::{Generation, ResourceIri, Sequence, StorageId, StreamPosition, Timestamp};
use rusqlite::OptionalExtension;
use std::sync::Arc;
use tokio::sync::watch;

#[async_trait::async_trait]
impl Log for Sqlite {
    fn head(&self) -> Sequence {
        *self.published.head.borrow()
    }

    fn watch(&self) -> watch::Receiver<Sequence> {
        self.published.head.subscribe()
    }

    async fn read(&self, after: Sequence, limit: usize) -> Result<Vec<Arc<Commit>>, LogError> {
        if let Some(commits) = self.published.read(after, limit) {
            return Ok(commits);
        }
        let read = self.readers.read(move |db| {
            if after < records::pruned(db)? {
                return Ok(Err(LogError::Gap));
            }
            Ok(Ok(records::commits(db, after, limit)?))
        });
        read.await.map_err(error::log)?
    }

    async fn read_of(
        &self,
        storages: &[StorageId],
        after: Sequence,
        limit: usize,
    ) -> Result<Vec<Arc<Commit>>, LogError> {
        if let Some(commits) = self.published.read(after, usize::MAX) {
            let concerned =
                |commit: &Arc<Commit>| commit.records.iter().any(|record| storages.contains(&record.storage));
            return Ok(commits.into_iter().filter(concerned).take(limit).collect());
        }
        let storages = storages.to_vec();
        let read = self.readers.read(move |db| {
            let mut commits = Vec::new();
            for storage in storages {
                let Some(some) = records::commits_of(db, storage, after, limit)? else { return Ok(Err(LogError::Gap)) };
                commits.extend(some);
            }
            commits.sort_by_key(|commit| commit.sequence);
            commits.dedup_by_key(|commit| commit.sequence);
            commits.truncate(limit);
            Ok(Ok(commits))
        });
        read.await.map_err(error::log)?
    }

    async fn read_storage(
        &self,
        storage: StorageId,
        after: StreamPosition,
        limit: usize,
    ) -> Result<Vec<Record>, LogError> {
        let read = self.readers.read(move |db| {
            let Some((oldest, newest)) = records::horizon(db, storage).optional()? else {
                return Ok(Err(LogError::UnknownStorage));
            };
            if after.epoch != newest.epoch || after < oldest || after > newest {
                return Ok(Err(LogError::Gap));
            }
            Ok(Ok(records::of_storage(db, storage, after, limit)?))
        });
        read.await.map_err(error::log)?
    }

    async fn read_back(
        &self,
        storage: StorageId,
        before: Option<StreamPosition>,
        limit: usize,
    ) -> Result<Vec<Record>, LogError> {
        let read = self.readers.read(move |db| {
            let Some((_, newest)) = records::horizon(db, storage).optional()? else {
                return Ok(Err(LogError::UnknownStorage));
            };
            let behind = StreamPosition { offset: newest.offset.saturating_add(1), ..newest };
            let before = before.unwrap_or(behind);
            if before.epoch != newest.epoch {
                return Ok(Err(LogError::Gap));
            }
            Ok(Ok(records::back(db, storage, before, limit)?))
        });
        read.await.map_err(error::log)?
    }

    async fn reached(&self, storage: StorageId, by: &[Timestamp]) -> Result<Vec<StreamPosition>, LogError> {
        let by = by.to_vec();
        let read = self.readers.read(move |db| {
            let Some(horizon) = records::horizon(db, storage).optional()? else {
                return Ok(Err(LogError::UnknownStorage));
            };
            Ok(Ok(records::reached(db, storage, horizon, &by)?))
        });
        read.await.map_err(error::log)?
    }

    async fn horizon(&self, storage: StorageId) -> Result<Horizon, LogError> {
        let horizon = self.readers.read(move |db| Ok(records::horizon(db, storage).optional()?));
        let (oldest, newest) = horizon.await.map_err(error::log)?.ok_or(LogError::UnknownStorage)?;
        Ok(Horizon { oldest, newest })
    }
}

#[async_trait::async_trait]
impl PolicyHistory for Sqlite {
    async fn policies(&self, documents: &[ResourceIri], at: At) -> Result<PolicySnapshot, LogError> {
        let documents = documents.to_vec();
        self.readers.read(move |db| Ok(policy::read(db, &documents, at)?)).await.map_err(error::log)?
    }

    async fn ended(&self, resource: &ResourceIri, generation: Generation) -> Result<Option<Sequence>, LogError> {
        let resource = resource.clone();
        self.readers.read(move |db| Ok(policy::ended(db, &resource, generation)?)).await.map_err(error::log)?
    }
}

//! Storages whose rules cannot be read, so that it is not known what those who listen there are owed.
//!
//! They are passed over, and asked about again with growing pauses; once their rules can be read, what was passed over is
//! looked at. The durable cursor stays before it until then: after a restart, the others' part of it is looked at again.

use crate::{
    Question,
    deriving::{AGAIN, COMMITS, Deriving, LONGEST, Stuck},
};
use podbell_log::LogError;
use podbell_model::{Sequence, StorageId};
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::task::JoinSet;

/// How many storages may be left behind; with more, everybody waits.
const BEHIND: usize = 1_024;

/// A storage that was left behind.
pub(crate) struct Behind {
    pub(crate) after: Sequence,
    question: Question,
    pause: Duration,
}

impl Deriving {
    /// Storages whose rules cannot be read stay behind, and are probed; gives which.
    pub(crate) fn leave_behind(
        &mut self,
        unknown: HashMap<StorageId, (Sequence, Question)>,
    ) -> Result<Vec<StorageId>, Stuck> {
        if self.behind.len() + unknown.len() > BEHIND {
            return Err(Stuck::Behind);
        }
        let left = unknown.keys().copied().collect();
        for (storage, (from, question)) in unknown {
            tracing::warn!(%from, storage = storage.0, "what a storage pushes waits for its rules");
            self.behind.insert(storage, Behind { after: from.before(), question, pause: AGAIN });
            self.probe(storage);
        }
        Ok(left)
    }

    fn probe(&mut self, storage: StorageId) {
        let Some(Behind { question, pause, .. }) = self.behind.get(&storage) else { return };
        let (inner, question, pause) = (Arc::clone(&self.inner), question.clone(), *pause);
        self.probes.spawn(async move {
            tokio::time::sleep(pause).await;
            (storage, inner.judge(&question).await.is_ok())
        });
    }

    /// The rules of a storage that is behind were asked for again.
    pub(crate) async fn probed(&mut self, probed: Option<(StorageId, bool)>) -> Result<(), Stuck> {
        let Some((storage, readable)) = probed else {
            // One broke, and it is not known which.
            self.probes = JoinSet::new();
            self.behind.keys().copied().collect::<Vec<_>>().into_iter().for_each(|storage| self.probe(storage));
            return Ok(());
        };
        let caught_up = if readable { self.catch_up(storage).await } else { Ok(()) };
        // Still behind: later.
        if let Some(behind) = self.behind.get_mut(&storage) {
            behind.pause = (behind.pause * 2).min(LONGEST);
            self.probe(storage);
        }
        caught_up
    }

    /// Looks at what a storage that is behind has committed up to the cursor, as far as its rules can be read.
    async fn catch_up(&mut self, storage: StorageId) -> Result<(), Stuck> {
        while let Some(after) = self.behind.get(&storage).map(|behind| behind.after) {
            let mut commits = match self.inner.log.read_of(&[storage], after, COMMITS).await {
                Err(LogError::Gap) => {
                    tracing::error!(storage = storage.0, "history that was to be pushed is gone");
                    self.owing.missed(Some(storage), self.cursor, None).await?;
                    Vec::new()
                }
                read => read?,
            };
            let several = commits.len() == COMMITS;
            commits.retain(|commit| commit.sequence <= self.cursor);
            let more = several && commits.len() == COMMITS;
            let (through, found) = self.find(&commits, Some(storage)).await?;
            self.owe(found.owed).await?;
            let Some(behind) = self.behind.get_mut(&storage) else { return Ok(()) };
            if let Some((from, question)) = found.unknown.into_values().next() {
                (behind.after, behind.question) = (from.before(), question);
                return Ok(());
            }
            let last = commits.last().map(|last| last.sequence);
            behind.after = through.filter(|_| more || through < last).unwrap_or(self.cursor);
            if behind.after >= self.cursor {
                self.behind.remove(&storage);
            }
        }
        self.keep(Vec::new(), false).await
    }
}

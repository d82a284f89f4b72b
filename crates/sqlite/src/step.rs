//! One write at work inside a transaction, and what the transaction will have done beyond the tables.

use podbell_log::Commit;
use podbell_model::{Sequence, StorageId, Timestamp};
use rusqlite::Connection;
use std::sync::Arc;

/// What becomes visible once the transaction is on disk.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// The newest commit.
    pub(crate) head: Sequence,
    /// The newest commit that changed policy.
    pub(crate) watermark: Sequence,
    /// The newest commit whose records were pruned.
    pub(crate) pruned: Sequence,
    /// The commits of this transaction.
    pub(crate) commits: Vec<Arc<Commit>>,
    /// The storages that it wrote to, and when.
    pub(crate) touched: Vec<(StorageId, Timestamp)>,
    /// Bodies that a resource had and has no longer.
    pub(crate) dropped: Vec<Arc<str>>,
    /// Old bodies that may go if nothing refers to them after the transaction.
    pub(crate) sweepable: Vec<(Arc<str>, std::time::SystemTime)>,
}

impl Ledger {
    /// For the next transaction.
    pub(crate) fn next(&self) -> Self {
        Self { head: self.head, watermark: self.watermark, pruned: self.pruned, ..Self::default() }
    }

    /// How it stands, to come back to.
    pub(crate) fn mark(&self) -> Mark {
        Mark {
            positions: (self.head, self.watermark, self.pruned),
            lengths: [self.commits.len(), self.touched.len(), self.dropped.len(), self.sweepable.len()],
        }
    }

    /// Forgets what a write did that is rolled back.
    pub(crate) fn back_to(&mut self, mark: Mark) {
        (self.head, self.watermark, self.pruned) = mark.positions;
        let [commits, touched, dropped, sweepable] = mark.lengths;
        self.commits.truncate(commits);
        self.touched.truncate(touched);
        self.dropped.truncate(dropped);
        self.sweepable.truncate(sweepable);
    }
}

/// See [`Ledger::mark`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    positions: (Sequence, Sequence, Sequence),
    lengths: [usize; 4],
}

/// What a write works with.
pub(crate) struct Step<'s> {
    /// Inside a savepoint of its own.
    pub(crate) db: &'s Connection,
    /// What to tell after the transaction.
    pub(crate) ledger: &'s mut Ledger,
}

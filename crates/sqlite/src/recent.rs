//! What the newest transactions told: the head, the fence, and the newest commits, kept at hand for those who tail.

use crate::step::Ledger;
use parking_lot::Mutex;
use podbell_log::{Commit, Fence};
use podbell_model::Sequence;
use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::watch;

/// Most records kept at hand.
const RECORDS: usize = 4096;

/// What everybody may see without asking the database.
#[derive(Debug)]
pub(crate) struct Published {
    pub(crate) head: watch::Sender<Sequence>,
    pub(crate) fence: Arc<Fence>,
    recent: Mutex<Recent>,
    transactions: AtomicU64,
}

#[derive(Debug, Default)]
struct Recent {
    /// Without a gap.
    commits: VecDeque<Arc<Commit>>,
    records: usize,
    pruned: Sequence,
}

impl Published {
    pub(crate) fn new(ledger: &Ledger) -> Self {
        Self {
            head: watch::Sender::new(ledger.head),
            fence: Arc::new(Fence::new(ledger.watermark)),
            recent: Mutex::new(Recent { pruned: ledger.pruned, ..Recent::default() }),
            transactions: AtomicU64::new(0),
        }
    }

    /// Shows a transaction that is on disk. In this order: a commit can be read before its number shows, and the
    /// fence is up before anybody is answered. Only policy, newer than the watermark `before`, waits for those who send.
    pub(crate) fn publish(&self, ledger: &mut Ledger, before: Sequence) {
        self.recent.lock().extend(ledger);
        self.head.send_if_modified(|head| std::mem::replace(head, ledger.head) != ledger.head);
        if ledger.watermark > before {
            self.fence.raise(ledger.watermark);
        }
        self.transactions.fetch_add(1, Ordering::Relaxed);
    }

    /// How many transactions were written.
    pub(crate) fn transactions(&self) -> u64 {
        self.transactions.load(Ordering::Relaxed)
    }

    /// The commits after `after`, if all of them are at hand.
    pub(crate) fn read(&self, after: Sequence, limit: usize) -> Option<Vec<Arc<Commit>>> {
        if after >= *self.head.borrow() {
            return Some(Vec::new());
        }
        let recent = self.recent.lock();
        let oldest = recent.commits.front()?.sequence;
        if after < recent.pruned || after < oldest.before() {
            return None;
        }
        let start = recent.commits.partition_point(|commit| commit.sequence <= after);
        Some(recent.commits.iter().skip(start).take(limit).cloned().collect())
    }
}

impl Recent {
    fn extend(&mut self, ledger: &mut Ledger) {
        self.pruned = ledger.pruned;
        for commit in ledger.commits.drain(..) {
            self.records += commit.records.len();
            self.commits.push_back(commit);
        }
        while self.records > RECORDS {
            let Some(oldest) = self.commits.pop_front() else { break };
            self.records -= oldest.records.len();
        }
    }
}

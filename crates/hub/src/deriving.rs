//! The task that finds what channels that push are owed.
//!
//! It follows the log from a durable cursor, which is kept in the transaction that keeps what was found: whatever
//! happens in between, nothing is missed and nothing is owed twice. Nobody's commit waits for it.
//!
//! A storage whose rules cannot be read holds up nobody else (see [`behind`](crate::behind)).

use crate::{
    ChannelStoreError, Owed, Owing,
    behind::Behind,
    engine::Inner,
    ringing::{Found, Ringing},
    shard::Chore,
};
use podbell_log::{Commit, Fact, LogError, StorageChange};
use podbell_model::{Sequence, StorageId};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};
use tokio::task::JoinSet;

/// Most commits that are looked at together.
pub(crate) const COMMITS: usize = 64;
/// About as much is found, or kept in one transaction, at a time; one commit may have more to tell.
const OWED: usize = 2_000;
/// The cursor is written at the latest when it is so far from where it was, though nothing is owed.
const FAR: u64 = 1_024;
/// How long to wait after the first failure; doubles each time.
pub(crate) const AGAIN: Duration = Duration::from_millis(100);
/// Longest wait after a failure.
pub(crate) const LONGEST: Duration = Duration::from_secs(30);

/// Why it does not go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stuck {
    #[error("the log cannot be read")]
    Log(#[from] LogError),
    #[error(transparent)]
    Store(#[from] ChannelStoreError),
    #[error("the rules of too many storages cannot be read")]
    Behind,
}

/// Where deriving stands.
pub(crate) struct Deriving {
    pub(crate) inner: Arc<Inner>,
    pub(crate) owing: Arc<dyn Owing>,
    /// What was committed up to then has been looked at, but for storages that are behind.
    pub(crate) cursor: Sequence,
    /// Where the durable cursor is.
    kept: Sequence,
    /// Whether nobody pushed when that was asked last.
    idle: bool,
    pub(crate) behind: HashMap<StorageId, Behind>,
    /// Ask the judge whether the rules can be read again.
    pub(crate) probes: JoinSet<(StorageId, bool)>,
}

impl Deriving {
    pub(crate) fn new(inner: Arc<Inner>, owing: Arc<dyn Owing>) -> Self {
        let (cursor, probes) = (Sequence::default(), JoinSet::new());
        Self { inner, owing, cursor, kept: cursor, idle: true, behind: HashMap::new(), probes }
    }

    /// Follows the log until the hub is dropped.
    pub(crate) async fn run(mut self) {
        let mut head = self.inner.log.watch();
        let mut pause = AGAIN;
        while let Err(error) = self.begin().await {
            again(&error, &mut pause).await;
        }
        loop {
            head.borrow_and_update();
            let looked = async {
                while let Some(probed) = self.probes.try_join_next() {
                    self.probed(probed.ok()).await?;
                }
                self.look().await
            };
            match looked.await {
                Ok(true) => {
                    pause = AGAIN;
                    tokio::task::yield_now().await;
                    continue;
                }
                Ok(false) => pause = AGAIN,
                Err(error) => {
                    again(&error, &mut pause).await;
                    continue;
                }
            }
            let probed = tokio::select! {
                moved = head.changed() => {
                    if moved.is_err() {
                        return;
                    }
                    continue;
                }
                Some(probed) = self.probes.join_next() => probed.ok(),
            };
            if let Err(error) = self.probed(probed).await {
                again(&error, &mut pause).await;
            }
        }
    }

    async fn begin(&mut self) -> Result<(), Stuck> {
        self.kept = self.owing.derived().await?;
        self.cursor = self.kept.min(self.inner.log.head());
        self.inner.metrics.derived(self.cursor);
        Ok(())
    }

    /// Looks at the next commits; true if there may be more.
    async fn look(&mut self) -> Result<bool, Stuck> {
        let head = self.inner.log.head();
        if head <= self.cursor {
            return Ok(false);
        }
        // Asked after the head was read: whoever begins to push later is told nothing of what was committed before.
        if self.behind.is_empty() && !self.owing.any().await? {
            (self.cursor, self.idle) = (head, true);
            self.keep(Vec::new(), false).await?;
            return Ok(false);
        }
        if std::mem::take(&mut self.idle) {
            // What was skipped may be pruned soon, so the durable cursor must not stay before it.
            self.keep(Vec::new(), true).await?;
        }
        let commits = match self.inner.log.read(self.cursor, COMMITS).await {
            Err(LogError::Gap) => {
                let (lost, readable) = (self.cursor, self.readable(head).await?);
                tracing::error!(%lost, %readable, "history that was to be pushed is gone; pushing goes on behind it");
                let through = self.through(readable);
                self.owing.missed(None, readable, Some(through)).await?;
                (self.cursor, self.kept) = (readable, self.kept.max(through));
                self.inner.metrics.derived(through);
                return Ok(true);
            }
            read => read?,
        };
        let (through, found) = self.find(&commits, None).await?;
        let Some(through) = through else { return Ok(false) };
        let left = self.leave_behind(found.unknown)?;
        let before = std::mem::replace(&mut self.cursor, through);
        if let Err(error) = self.owe(found.owed).await {
            // Nothing of it counts: all is looked at again.
            self.cursor = before;
            self.behind.retain(|storage, _| !left.contains(storage));
            return Err(error);
        }
        Ok(true)
    }

    /// Finds what the commits tell, as far as one look reaches, and up to which of them. With `only`, records of that
    /// storage; otherwise those of all that are not behind.
    pub(crate) async fn find(
        &self,
        commits: &[Arc<Commit>],
        only: Option<StorageId>,
    ) -> Result<(Option<Sequence>, Found), Stuck> {
        let (mut ringing, mut through, mut gone) = (Ringing::default(), None, HashSet::new());
        for commit in commits {
            for (number, record) in commit.records.iter().enumerate() {
                let storage = record.storage;
                if only.map_or(self.behind.contains_key(&storage), |only| only != storage) {
                    continue;
                }
                if matches!(record.fact, Fact::Storage(StorageChange::Deleted, _)) {
                    gone.insert(storage);
                }
                ringing.look((&*self.owing, &*self.inner.channels), commit, number).await?;
            }
            through = Some(commit.sequence);
            if ringing.len() >= OWED {
                break;
            }
        }
        for storage in gone {
            // Also if the process ended before those who are connected were told.
            self.inner.perform(&Chore::EndStorage(storage)).await?;
        }
        Ok((through, ringing.find(&self.inner).await))
    }

    /// Keeps what is owed in transactions of bounded size, the cursor with the last of them.
    pub(crate) async fn owe(&mut self, owed: Vec<Owed>) -> Result<(), Stuck> {
        let mut owed = owed.into_iter().peekable();
        loop {
            let some: Vec<_> = owed.by_ref().take(OWED).collect();
            if owed.peek().is_none() {
                return self.keep(some, false).await;
            }
            self.owing.owe(some, None).await?;
        }
    }

    /// Keeps what is owed, and how far it is known; that alone only if it is far, or `at_once`.
    pub(crate) async fn keep(&mut self, owed: Vec<Owed>, at_once: bool) -> Result<(), Stuck> {
        let through = self.through(self.cursor);
        let far = through.0.saturating_sub(self.kept.0) >= FAR;
        if !owed.is_empty() || far || at_once && through > self.kept {
            self.owing.owe(owed, Some(through)).await?;
            self.kept = self.kept.max(through);
        }
        self.inner.metrics.derived(through);
        Ok(())
    }

    /// Up to where all is known if what was committed up to `cursor` was looked at.
    fn through(&self, cursor: Sequence) -> Sequence {
        self.behind.values().map(|behind| behind.after).chain([cursor]).min().unwrap_or(cursor)
    }

    /// The first place behind the cursor from which the log can be read.
    async fn readable(&self, head: Sequence) -> Result<Sequence, Stuck> {
        let (mut gap, mut readable) = (self.cursor.0, head.0);
        while gap + 1 < readable {
            let middle = gap.midpoint(readable);
            match self.inner.log.read(Sequence(middle), 1).await {
                Err(LogError::Gap) => gap = middle,
                Err(error) => return Err(error.into()),
                Ok(_) => readable = middle,
            }
        }
        Ok(Sequence(readable))
    }
}

async fn again(error: &Stuck, pause: &mut Duration) {
    tracing::error!(error = error as &dyn std::error::Error, "what is pushed cannot be derived now");
    tokio::time::sleep(*pause).await;
    *pause = (*pause * 2).min(LONGEST);
}

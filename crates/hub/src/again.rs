//! A part of history, owed anew to one channel that pushes: for a receiver that has lost what it was sent.
//!
//! What it would have been told since a place in the log, by the rules as of each commit, under the same message ids; by
//! the rules of then it is judged again before it is sent. Only what deriving has looked at: the rest comes anyway.

use crate::{
    Channel, ChannelStoreError, Hub, Owed, Owing, Position, Push, Unavailable, What, engine::Inner, ringing::Ringing,
};
use podbell_log::{Commit, LogError};
use podbell_model::{Sequence, StorageId};
use std::{collections::BTreeSet, sync::Arc};

/// How many commits are read at a time.
const READ: usize = 64;
/// About so much is kept in one transaction.
const PORTION: usize = 1_000;
/// Most commits that are looked at for one request.
const MOST: usize = 16_384;

/// What came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Again {
    /// How much is owed that was not owed before.
    pub owed: u64,
    /// Whether some of what was asked for is forgotten.
    pub gap: bool,
    /// Where to go on, if there was no room for all of it or too much to look at.
    pub next: Option<Position>,
}

/// Why history is not owed anew, or not all of it; to ask again does no harm.
#[derive(Debug, thiserror::Error)]
pub enum AgainError {
    /// The rules cannot be read.
    #[error(transparent)]
    Rules(#[from] Unavailable),
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// What is owed cannot be kept.
    #[error(transparent)]
    Store(#[from] ChannelStoreError),
}

impl Hub {
    /// Owes a channel anew what it would have been told since `after`, also from before it was made. What is owed
    /// already is owed once.
    pub async fn owe_again(&self, channel: &Channel, after: Position) -> Result<Again, AgainError> {
        let (Some(owing), Some(push)) = (&self.inner.owing, &channel.push) else { return Ok(Again::default()) };
        let push = Push { since: Sequence::default(), ..(**push).clone() };
        let channel = Arc::new(Channel { push: Some(Arc::new(push)), ..channel.clone() });
        let storages: BTreeSet<_> = channel.topics.iter().map(|topic| topic.storage).collect();
        Range {
            inner: &self.inner,
            owing: &**owing,
            storages: storages.into_iter().collect(),
            until: Sequence(self.counts().derived),
            channel,
            place: after,
            again: Again::default(),
        }
        .owe()
        .await
    }
}

/// What is left to look at.
struct Range<'h> {
    inner: &'h Arc<Inner>,
    owing: &'h dyn Owing,
    channel: Arc<Channel>,
    storages: Vec<StorageId>,
    /// All up to there was looked at.
    place: Position,
    /// The last commit.
    until: Sequence,
    again: Again,
}

impl Range<'_> {
    async fn owe(mut self) -> Result<Again, AgainError> {
        if self.place.sequence > self.inner.log.head() {
            // A place that never was: nothing is known of what came before it.
            (self.again.gap, self.place) = (true, Position::after(Sequence::default()));
        }
        let (mut looked, mut found) = (0, Vec::new());
        loop {
            let commits = self.read().await?;
            looked += commits.len();
            found.extend(self.find(&commits).await?);
            let over = commits.len() < READ;
            if let Some(last) = commits.last().filter(|_| !over) {
                self.place = Position::after(last.sequence);
            }
            if (over || looked >= MOST || found.len() >= PORTION) && !self.keep(std::mem::take(&mut found)).await? {
                return Ok(self.again);
            }
            if over {
                return Ok(self.again);
            }
            if looked >= MOST {
                self.again.next = Some(self.place);
                return Ok(self.again);
            }
        }
    }

    /// The next commits; fewer than could be only at the end.
    async fn read(&mut self) -> Result<Vec<Arc<Commit>>, AgainError> {
        let after = |place: Position| if place.part == u32::MAX { place.sequence } else { place.sequence.before() };
        let mut commits = match self.inner.log.read_of(&self.storages, after(self.place), READ).await {
            Err(LogError::Gap) => {
                self.again.gap = true;
                self.place = Position::after(self.readable().await?);
                self.inner.log.read_of(&self.storages, after(self.place), READ).await?
            }
            read => read?,
        };
        commits.retain(|commit| commit.sequence <= self.until);
        Ok(commits)
    }

    /// The first place behind this one from which these storages can be read.
    async fn readable(&self) -> Result<Sequence, LogError> {
        let (mut gap, mut readable) = (self.place.sequence.0, self.inner.log.head().0);
        while gap + 1 < readable {
            let middle = gap.midpoint(readable);
            match self.inner.log.read_of(&self.storages, Sequence(middle), 1).await {
                Err(LogError::Gap) => gap = middle,
                Err(error) => return Err(error),
                Ok(_) => readable = middle,
            }
        }
        Ok(Sequence(readable))
    }

    async fn find(&self, commits: &[Arc<Commit>]) -> Result<Vec<Owed>, AgainError> {
        let mut ringing = Ringing::default();
        for commit in commits {
            for number in 0..commit.records.len() {
                ringing.look_for(&self.channel, commit, number, self.place);
            }
        }
        let mut found = ringing.find(self.inner).await;
        if !found.unknown.is_empty() {
            return Err(Unavailable("the rules of then are not known".into()).into());
        }
        // That a topic was lost is found by who delivers, and by deriving.
        found.owed.retain(|owed| matches!(owed.what, What::Change { .. }));
        Ok(found.owed)
    }

    /// Keeps what was found; false if there was no room for all of it.
    async fn keep(&mut self, found: Vec<Owed>) -> Result<bool, AgainError> {
        if found.is_empty() {
            return Ok(true);
        }
        let places: Vec<_> = found.iter().map(Owed::position).collect();
        let kept = self.owing.owe_again(found).await?;
        self.again.owed += kept.owed;
        self.again.next = places.get(kept.taken).copied().flatten().map(Position::before);
        Ok(self.again.next.is_none())
    }
}

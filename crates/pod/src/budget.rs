//! How much memory the RDF documents that are worked on at once may come to, in the whole server.
//!
//! A document is counted by the most that it can come to: short forms stand for long ones, so that little text can be
//! many terms, up to a bound that no document passes. What does not fit waits its turn, for a while; then the request is
//! refused, and trying again later helps. Nobody who has a share waits for another.
//!
//! What is received of large documents counts apart, and what is made of them until it is taken: so who sends slowly or
//! takes nothing fills no memory, and holds up only those who send large ones, or want them in another form.
//!
//! A part is for small documents alone: whoever has large ones converted again and again keeps nobody from reading what
//! is small, nor an owner from closing an ACL.

use crate::{document::LARGE, problem::Problem};
use bytes::Bytes;
use oxrdf::Dataset;
use podbell_model::rdf::MAX_WRITTEN_OUT;
use std::{ops::Deref, sync::Arc, time::Duration};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What is set aside where nothing else is said: room for three of the most costly documents, beside the small ones.
pub const BUDGET: u64 = 4 * MAX_WRITTEN_OUT as u64;
/// The terms that one byte of a document may come to, in bytes: four bytes can stand for an IRI of the greatest length.
const EXPANSION: u64 = 512;
/// How long a document waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);
/// What is counted: kibibytes.
const UNIT: u64 = 1_024;
/// What small documents have to themselves: one part in so many.
const FOR_SMALL: u32 = 4;
/// What is small: at most one part in so many. By default that is all ACLs and descriptions.
const SMALL: u32 = 16;

/// The memory that is set aside.
#[derive(Debug)]
pub(crate) struct Budget {
    common: Arc<Semaphore>,
    /// As much as `common` has when nobody works.
    most: u32,
    for_small: Arc<Semaphore>,
    /// The greatest cost that is small.
    small: u32,
    /// For what is made and not taken yet.
    made: Arc<Semaphore>,
    /// For what is received and not worked on yet.
    received: Arc<Semaphore>,
    /// As much as each of both has when nothing waits.
    whole: u32,
}

/// What is set aside for one document, until it is dropped.
#[derive(Debug)]
pub struct Share(#[expect(dead_code, reason = "it counts as long as it is there")] OwnedSemaphorePermit);

/// The statements of a document, and the share that they are in.
#[derive(Debug)]
pub struct Parsed {
    dataset: Dataset,
    _share: Share,
}

impl Budget {
    /// So many bytes.
    pub(crate) fn of(bytes: u64) -> Self {
        let whole = units(bytes).max(1);
        let for_small = whole / FOR_SMALL;
        let most = whole - for_small;
        let of = |units: u32| Arc::new(Semaphore::new(units as usize));
        Self {
            common: of(most),
            most,
            for_small: of(for_small),
            small: whole / SMALL,
            made: of(whole),
            received: of(whole),
            whole,
        }
    }

    /// A share for a document of that size.
    pub(crate) async fn share(&self, size: u64) -> Result<Share, Problem> {
        self.share_for(cost(size)).await
    }

    /// A share for what may come to so many bytes. What is more than everything waits until no other is that large.
    pub(crate) async fn share_for(&self, cost: u64) -> Result<Share, Problem> {
        let cost = units(cost).clamp(1, self.most);
        let own = if cost <= self.small { &self.for_small } else { &self.common };
        for part in [own, &self.common] {
            if let Ok(share) = Arc::clone(part).try_acquire_many_owned(cost) {
                return Ok(Share(share));
            }
        }
        let share = Arc::clone(own).acquire_many_owned(cost);
        match tokio::time::timeout(PATIENCE, share).await {
            Ok(Ok(share)) => Ok(Share(share)),
            // It is never closed.
            Ok(Err(_)) | Err(_) => Err(Problem::Busy),
        }
    }

    /// Counts what was made of a document until it is taken; refused at once if too much waits for that.
    pub(crate) fn until_taken(&self, bytes: Bytes) -> Result<Bytes, Problem> {
        let mut counted = self.counted(&self.made);
        counted.grow(bytes.len())?;
        Ok(counted.keep(bytes))
    }

    /// To count a document while it is received.
    pub(crate) fn receiving(&self) -> Counted {
        self.counted(&self.received)
    }

    fn counted(&self, of: &Arc<Semaphore>) -> Counted {
        Counted { of: Arc::clone(of), most: self.whole, share: None, units: 0 }
    }
}

/// Bytes that are counted as they become more; few are not.
pub(crate) struct Counted {
    of: Arc<Semaphore>,
    most: u32,
    share: Option<OwnedSemaphorePermit>,
    units: u32,
}

impl Counted {
    /// That there are so many now; refused at once if others have too much.
    pub(crate) fn grow(&mut self, size: usize) -> Result<(), Problem> {
        let wanted = units(size as u64).min(self.most);
        if size as u64 <= LARGE || wanted <= self.units {
            return Ok(());
        }
        let more = Arc::clone(&self.of).try_acquire_many_owned(wanted - self.units).map_err(|_| Problem::Busy)?;
        self.units = wanted;
        match &mut self.share {
            Some(share) => share.merge(more),
            None => self.share = Some(more),
        }
        Ok(())
    }

    /// The bytes, which count until the last who holds them lets go.
    pub(crate) fn keep(self, bytes: Bytes) -> Bytes {
        match self.share {
            Some(share) => Bytes::from_owner(Made { bytes, _share: share }),
            None => bytes,
        }
    }
}

/// Bytes that count until the last who holds them lets go.
struct Made {
    bytes: Bytes,
    _share: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Made {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Parsed {
    pub(crate) fn new(dataset: Dataset, share: Share) -> Self {
        Self { dataset, _share: share }
    }
}

impl Deref for Parsed {
    type Target = Dataset;

    fn deref(&self) -> &Dataset {
        &self.dataset
    }
}

/// The most that a document of that size comes to, in bytes.
pub(crate) fn cost(size: u64) -> u64 {
    size.saturating_mul(EXPANSION).min(MAX_WRITTEN_OUT as u64)
}

fn units(bytes: u64) -> u32 {
    // As many as a semaphore counts on every machine.
    u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX).min(u32::MAX >> 3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    const MOST: u64 = MAX_WRITTEN_OUT as u64;
    /// What costs the most.
    const LARGE: u64 = 16 << 20;

    #[tokio::test(start_paused = true)]
    async fn one_past_the_limit_waits_its_turn_and_is_refused_in_the_end() {
        let budget = Budget::of(BUDGET);
        let mut held = Vec::new();
        for _ in 0..3 {
            held.push(budget.share(LARGE).await.unwrap());
        }
        assert_eq!(budget.common.available_permits(), 0, "at the limit");
        assert!(matches!(budget.share(LARGE).await, Err(Problem::Busy)), "one past it, after a while");
        let begun = tokio::time::Instant::now();
        let (waited, ()) = tokio::join!(budget.share(LARGE), async {
            tokio::time::sleep(PATIENCE / 2).await;
            held.pop();
        });
        assert!(waited.is_ok() && begun.elapsed() < PATIENCE, "one past it, when one has ended");
        drop((waited, held));
        let free = budget.common.available_permits() + budget.for_small.available_permits();
        assert_eq!(free, usize::try_from(BUDGET / UNIT).unwrap(), "all is given back");
    }

    #[tokio::test(start_paused = true)]
    async fn small_documents_do_not_wait_for_large_ones() {
        const SMALL: u64 = crate::document::MAX_CONTROL;
        let budget = Budget::of(BUDGET);
        let mut held = Vec::new();
        for _ in 0..3 {
            held.push(budget.share(LARGE).await.unwrap());
        }
        let begun = tokio::time::Instant::now();
        // Many wait in the line before it.
        let mut line: Vec<_> = (0..50).map(|_| Box::pin(budget.share(LARGE))).collect();
        assert!(line.iter_mut().all(|large| large.now_or_never().is_none()));
        for _ in 0..4 {
            held.push(budget.share(SMALL).await.unwrap());
        }
        assert_eq!(begun.elapsed(), Duration::ZERO, "at once");
        assert!(matches!(budget.share(SMALL).await, Err(Problem::Busy)), "their part has a limit too");
        assert!(matches!(budget.share(SMALL + 2).await, Err(Problem::Busy)), "one that is not small waits in line");
    }

    #[test]
    fn what_nobody_takes_counts_until_it_is_let_go() {
        let budget = Budget::of(4 * LARGE);
        let made = || budget.until_taken(vec![b'x'; 2 * usize::try_from(LARGE).unwrap()].into());
        let (one, two) = (made().unwrap(), made().unwrap());
        let part = one.slice(5..);
        drop(one);
        assert!(matches!(made(), Err(Problem::Busy)), "a part of it is held");
        assert_eq!(budget.until_taken(Bytes::from_static(b"small")).unwrap(), "small");
        drop(part);
        let three = made().unwrap();
        assert!(made().is_err() && three.iter().all(|byte| *byte == b'x'));
        drop((two, three));
        assert!(budget.until_taken(vec![0; 1 << 20].into()).is_ok(), "what is more than everything goes alone");
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_up_waiting_takes_nothing_along() {
        let budget = Budget::of(MOST);
        let held = budget.share(LARGE).await.unwrap();
        assert!(budget.share(LARGE).await.is_err());
        drop(held);
        assert!(budget.share(LARGE).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_more_than_everything_is_worked_on_alone() {
        let budget = Budget::of(1);
        let alone = budget.share(LARGE).await.unwrap();
        assert!(budget.share(1).await.is_err());
        drop(alone);
        assert!(budget.share(1).await.is_ok());
    }

    #[test]
    fn a_document_costs_what_it_may_come_to() {
        assert_eq!((cost(0), cost(1_000), cost(LARGE)), (0, 512_000, MOST));
        assert_eq!((cost(MOST / EXPANSION), cost(u64::MAX)), (MOST, MOST));
    }
}

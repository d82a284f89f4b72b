//! Documents that were fetched, kept for a while.
//!
//! Documents of parties that have once taken part in a verified request stand apart from those of strangers, so
//! inventing names pushes out only other invented names. Whoever asks for a document that is being fetched waits for
//! that fetch. A failure is kept too, but shortly; and a failed refresh never replaces a document that is still good.
//! The time is an argument; a document whose time is over is not used, whatever happens to its refresh.

use moka::future::Cache;
use moka::policy::EvictionPolicy;
use podbell_egress::FetchError;
use podbell_model::Timestamp;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// How long it is remembered that there is no document.
pub(crate) const NEGATIVE: Duration = Duration::from_secs(15);
/// How far the clock may go back before what was kept is no longer trusted to be recent.
const BACKWARD: Duration = Duration::from_mins(1);

/// Why there is no document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// It cannot be reached now.
    Unreachable,
    /// This server has too much to fetch now; that says nothing about the document and is not kept.
    Busy,
    /// It may not be fetched, is not there, or is not what it should be.
    Unusable,
}

impl From<FetchError> for Missing {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Busy => Self::Busy,
            FetchError::Unreachable | FetchError::TimedOut => Self::Unreachable,
            FetchError::Status(status) if status >= 500 || status == 429 => Self::Unreachable,
            _ => Self::Unusable,
        }
    }
}

/// A document, and for how long it may be kept.
pub(crate) type Loaded<T> = Result<(T, Duration), Missing>;

#[derive(Debug)]
struct Kept<T> {
    outcome: Result<Arc<T>, Missing>,
    attempted: Timestamp,
    until: Timestamp,
}

impl<T> Clone for Kept<T> {
    fn clone(&self) -> Self {
        Self { outcome: self.outcome.clone(), ..*self }
    }
}

impl<T> Kept<T> {
    fn is_alive(&self, now: Timestamp) -> bool {
        now < self.until && self.attempted <= later(now, BACKWARD)
    }

    fn is_due(&self, now: Timestamp, again: Option<Duration>) -> bool {
        !self.is_alive(now) || again.is_some_and(|after| later(self.attempted, after) <= now)
    }
}

/// Documents by name.
pub(crate) struct Shelf<T> {
    known: Cache<String, Kept<T>>,
    strange: Cache<String, Kept<T>>,
}

impl<T: Send + Sync + 'static> Shelf<T> {
    /// Room for that many documents of known parties, and for a tenth of strangers'.
    pub(crate) fn new(capacity: u64) -> Self {
        let pool = |capacity| Cache::builder().max_capacity(capacity).eviction_policy(EvictionPolicy::lru()).build();
        Self { known: pool(capacity), strange: pool((capacity / 10).max(8)) }
    }

    /// The document of that name, kept or fetched. With `again`, also a good one is fetched anew if the last attempt is
    /// at least that long ago.
    pub(crate) async fn get(
        &self,
        name: &str,
        now: Timestamp,
        again: Option<Duration>,
        load: impl Future<Output = Loaded<T>> + Send,
    ) -> Result<Arc<T>, Missing> {
        let pool = if self.known.contains_key(name) { &self.known } else { &self.strange };
        if let Some(kept) = pool.get(name).await.filter(|kept| !kept.is_due(now, again)) {
            return kept.outcome;
        }
        let load = async {
            let before = pool.get(name).await.filter(|kept| kept.outcome.is_ok() && kept.is_alive(now));
            match (load.await, before) {
                (Ok((document, life)), _) => {
                    Kept { outcome: Ok(Arc::new(document)), attempted: now, until: later(now, life) }
                }
                (Err(_), Some(good)) => Kept { attempted: now, ..good },
                (Err(Missing::Busy), None) => Kept { outcome: Err(Missing::Busy), attempted: now, until: now },
                (Err(missing), None) => Kept { outcome: Err(missing), attempted: now, until: later(now, NEGATIVE) },
            }
        };
        // Boxed, since it is large and seldom needed.
        let entry = pool.entry_by_ref(name).or_insert_with_if(load, |kept| kept.is_due(now, again));
        Box::pin(entry).await.into_value().outcome
    }

    /// Puts a document among those of known parties.
    pub(crate) async fn know(&self, name: &str) {
        if self.known.contains_key(name) {
            return;
        }
        if let Some(kept) = self.strange.remove(name).await {
            self.known.insert(name.to_owned(), kept).await;
        }
    }
}

fn later(time: Timestamp, by: Duration) -> Timestamp {
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    const LIFE: Duration = Duration::from_mins(5);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn good(text: &'static str) -> std::future::Ready<Loaded<&'static str>> {
        std::future::ready(Ok((text, LIFE)))
    }

    fn bad() -> std::future::Ready<Loaded<&'static str>> {
        std::future::ready(Err(Missing::Unusable))
    }

    #[tokio::test]
    async fn a_document_is_kept_for_its_life_and_no_longer() {
        let shelf = Shelf::new(8);
        assert_eq!(*shelf.get("a", at(0), None, good("one")).await.unwrap(), "one");
        assert_eq!(*shelf.get("a", at(299), None, good("two")).await.unwrap(), "one");
        assert_eq!(*shelf.get("a", at(300), None, good("three")).await.unwrap(), "three");
        assert_eq!(shelf.get("a", at(600), None, bad()).await, Err(Missing::Unusable));
    }

    #[tokio::test]
    async fn a_failed_refresh_keeps_a_good_document_until_its_end() {
        let shelf = Shelf::new(8);
        let again = Some(Duration::from_mins(1));
        shelf.get("a", at(0), None, good("one")).await.unwrap();
        assert_eq!(*shelf.get("a", at(59), again, good("early")).await.unwrap(), "one");
        assert_eq!(*shelf.get("a", at(60), again, bad()).await.unwrap(), "one");
        assert_eq!(*shelf.get("a", at(119), again, good("early")).await.unwrap(), "one");
        assert_eq!(*shelf.get("a", at(120), again, good("two")).await.unwrap(), "two");
    }

    #[tokio::test]
    async fn a_failure_is_remembered_shortly() {
        let shelf = Shelf::new(8);
        assert_eq!(shelf.get("a", at(0), None, bad()).await, Err(Missing::Unusable));
        assert_eq!(shelf.get("a", at(14), None, good("one")).await, Err(Missing::Unusable));
        assert_eq!(*shelf.get("a", at(15), None, good("one")).await.unwrap(), "one");
    }

    #[tokio::test]
    async fn our_own_business_is_no_failure_of_others() {
        let shelf = Shelf::new(8);
        let busy = std::future::ready(Loaded::<&str>::Err(Missing::Busy));
        assert_eq!(shelf.get("a", at(0), None, busy).await, Err(Missing::Busy));
        assert_eq!(*shelf.get("a", at(0), None, good("one")).await.unwrap(), "one");
    }

    #[tokio::test]
    async fn a_clock_that_went_back_keeps_nothing_alive() {
        let shelf = Shelf::new(8);
        shelf.get("a", at(0), None, good("one")).await.unwrap();
        assert_eq!(*shelf.get("a", at(-3_600), None, good("two")).await.unwrap(), "two");
    }

    #[tokio::test]
    async fn strangers_push_out_only_strangers() {
        let shelf = Shelf::new(8);
        shelf.get("known", at(0), None, good("one")).await.unwrap();
        shelf.know("known").await;
        for name in 0..100 {
            shelf.get(&name.to_string(), at(1), None, good("x")).await.unwrap();
        }
        shelf.strange.run_pending_tasks().await;
        assert!(shelf.strange.entry_count() <= 8);
        assert_eq!(*shelf.get("known", at(2), None, good("two")).await.unwrap(), "one");
    }

    #[tokio::test]
    async fn many_at_once_fetch_once() {
        let shelf = Arc::new(Shelf::new(8));
        let fetches = Arc::new(AtomicUsize::new(0));
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..32 {
            let (shelf, fetches) = (Arc::clone(&shelf), Arc::clone(&fetches));
            tasks.spawn(async move {
                let load = async {
                    fetches.fetch_add(1, Ordering::SeqCst);
                    tokio::task::yield_now().await;
                    Ok(("one", LIFE))
                };
                shelf.get("a", at(0), None, load).await.is_ok()
            });
        }
        assert!(tasks.join_all().await.into_iter().all(|found| found));
        assert_eq!(fetches.load(Ordering::SeqCst), 1);
    }
}

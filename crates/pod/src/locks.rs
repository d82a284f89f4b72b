//! One writer at a time on each resource, so that writers wait in line and do not race for the commit.
//!
//! The locks only spare retries; what keeps writes apart is the store, which checks every expectation again.

use parking_lot::Mutex;
use podbell_model::ResourceIri;
use std::{collections::HashMap, sync::Arc};
use tokio::sync::{Mutex as Turn, OwnedMutexGuard};

/// A lock for every resource that somebody is writing or waits to write; empty when nobody is.
#[derive(Debug, Default)]
pub(crate) struct Locks {
    turns: Mutex<HashMap<ResourceIri, Arc<Turn<()>>>>,
}

/// The turn on one resource; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    // Dropped before the entry is looked at, in `drop`.
    guard: Option<OwnedMutexGuard<()>>,
    place: Place,
}

/// A place in the line, kept also while waiting: whoever is cancelled leaves nothing behind.
#[derive(Debug)]
struct Place {
    locks: Arc<Locks>,
    resource: ResourceIri,
    turn: Option<Arc<Turn<()>>>,
}

impl Locks {
    /// Waits for the turn on `resource`.
    pub(crate) async fn hold(self: &Arc<Self>, resource: &ResourceIri) -> Held {
        let turn = Arc::clone(self.turns.lock().entry(resource.clone()).or_default());
        let place = Place { locks: Arc::clone(self), resource: resource.clone(), turn: Some(Arc::clone(&turn)) };
        let guard = turn.lock_owned().await;
        Held { guard: Some(guard), place }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.guard.take();
        // Whoever waits holds a clone of the turn, so the entry outlives them.
        self.place.leave();
    }
}

impl Place {
    fn leave(&mut self) {
        let mut turns = self.locks.turns.lock();
        self.turn.take();
        if turns.get(&self.resource).is_some_and(|turn| Arc::strong_count(turn) == 1) {
            turns.remove(&self.resource);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.leave();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    fn doc() -> ResourceIri {
        ResourceIri::parse("http://x/doc").unwrap()
    }

    #[tokio::test]
    async fn turns_are_taken_one_by_one_and_leave_nothing_behind() {
        let locks = Arc::new(Locks::default());
        let first = locks.hold(&doc()).await;
        let waiting = tokio::spawn({
            let locks = Arc::clone(&locks);
            async move { drop(locks.hold(&doc()).await) }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(first);
        waiting.await.unwrap();
        assert!(locks.turns.lock().is_empty());
    }

    #[tokio::test]
    async fn other_resources_are_not_waited_for() {
        let locks = Arc::new(Locks::default());
        let _first = locks.hold(&doc()).await;
        let other = ResourceIri::parse("http://x/other").unwrap();
        let held = locks.hold(&other).now_or_never();
        assert!(held.is_some());
        assert!(locks.hold(&doc()).now_or_never().is_none());
    }

    #[tokio::test]
    async fn who_came_first_writes_first() {
        let locks = Arc::new(Locks::default());
        let first = locks.hold(&doc()).await;
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut waiting = Vec::new();
        for number in 0..10 {
            let (locks, order) = (Arc::clone(&locks), Arc::clone(&order));
            let mut turn = Box::pin(async move {
                let _turn = locks.hold(&doc()).await;
                order.lock().push(number);
            });
            assert!(futures_util::poll!(&mut turn).is_pending());
            waiting.push(tokio::spawn(turn));
        }
        drop(first);
        for turn in waiting {
            turn.await.unwrap();
        }
        assert_eq!(*order.lock(), (0..10).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn who_stops_waiting_leaves_the_line() {
        let locks = Arc::new(Locks::default());
        let first = locks.hold(&doc()).await;
        let waiting = tokio::spawn({
            let locks = Arc::clone(&locks);
            async move { drop(locks.hold(&doc()).await) }
        });
        tokio::task::yield_now().await;
        waiting.abort();
        assert!(waiting.await.unwrap_err().is_cancelled());
        drop(first);
        assert!(locks.turns.lock().is_empty());
    }
}

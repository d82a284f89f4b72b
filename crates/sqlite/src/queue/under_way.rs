//! Which deliveries somebody works on: what is being sent is not changed under his hands.
//!
//! A later change may take the place of an earlier one that waits ([`Self::replace`](UnderWay::replace)). Whoever takes
//! deliveries chooses them here inside one lock, and passes over those that are being replaced until that is durable. So
//! each is either sent as it is, and what comes later follows it, or replaced and then sent. After a restart nobody
//! works on anything.

use crate::error::EngineError;
use parking_lot::Mutex;
use podbell_delivery::push::{DeliveryId, Lane};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct UnderWay(Mutex<Sets>);

#[derive(Debug, Default)]
struct Sets {
    /// What was taken, by lane: that of the last taking, with what was under way then.
    taken: HashMap<Lane, HashSet<i64>>,
    /// What is being replaced, and by how many.
    replaced: HashMap<i64, usize>,
}

/// What one who takes may not have.
#[derive(Debug)]
pub(crate) struct Spoken {
    /// He has them already.
    pub(crate) for_him: HashSet<i64>,
    /// These are being replaced.
    pub(crate) otherwise: HashSet<i64>,
}

/// What one transaction replaces; to be dropped when that is over, however it ends.
#[derive(Debug)]
pub(crate) struct Replaced {
    registry: Arc<UnderWay>,
    ids: Vec<i64>,
}

impl UnderWay {
    /// Chooses what may be taken, and notes what was. `choose` gives targets and ids; what it saw stays as it is until
    /// somebody is done with it.
    pub(crate) fn take(
        &self,
        lane: &Lane,
        under_way: Vec<DeliveryId>,
        choose: impl FnOnce(&Spoken) -> Result<Vec<(i64, i64)>, EngineError>,
    ) -> Result<Vec<(i64, i64)>, EngineError> {
        let mut sets = self.0.lock();
        let mine: HashSet<i64> = under_way.into_iter().map(|id| id.0).collect();
        let spoken = Spoken { for_him: mine, otherwise: sets.replaced.keys().copied().collect() };
        let chosen = choose(&spoken)?;
        let mut mine = spoken.for_him;
        mine.extend(chosen.iter().map(|(_, id)| id));
        // What was taken before and is under way no more was dropped without a word.
        if mine.is_empty() {
            sets.taken.remove(lane)
        } else {
            sets.taken.insert(lane.clone(), mine)
        };
        Ok(chosen)
    }

    /// Nobody works on it any longer.
    pub(crate) fn give_back(&self, id: i64) {
        self.0.lock().taken.retain(|_, taken| {
            taken.remove(&id);
            !taken.is_empty()
        });
    }

    /// For one transaction.
    pub(crate) fn replacing(self: &Arc<Self>) -> Replaced {
        Replaced { registry: Arc::clone(self), ids: Vec::new() }
    }
}

impl Replaced {
    /// Whether it may be replaced: nobody works on it, nor will before the transaction is over.
    pub(crate) fn replace(&mut self, id: i64) -> bool {
        let mut sets = self.registry.0.lock();
        if sets.taken.values().any(|taken| taken.contains(&id)) {
            return false;
        }
        *sets.replaced.entry(id).or_default() += 1;
        self.ids.push(id);
        true
    }
}

impl Drop for Replaced {
    fn drop(&mut self) {
        let mut sets = self.registry.0.lock();
        for id in self.ids.drain(..) {
            if let Some(count) = sets.replaced.get_mut(&id) {
                *count -= 1;
                if *count == 0 {
                    sets.replaced.remove(&id);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(registry: &UnderWay, under_way: &[i64], wanted: i64) -> Option<i64> {
        let under_way = under_way.iter().map(|id| DeliveryId(*id)).collect();
        let choose = |spoken: &Spoken| {
            let may = !spoken.for_him.contains(&wanted) && !spoken.otherwise.contains(&wanted);
            Ok(may.then_some((0, wanted)).into_iter().collect())
        };
        registry.take(&Lane("lane".into()), under_way, choose).unwrap().pop().map(|(_, id)| id)
    }

    #[test]
    fn one_is_either_taken_or_replaced() {
        let registry = Arc::new(UnderWay::default());
        let (mut first, mut second) = (registry.replacing(), registry.replacing());
        assert!(first.replace(1) && second.replace(1));
        assert_eq!(take(&registry, &[], 1), None);
        drop(first);
        assert_eq!(take(&registry, &[], 1), None, "the second is not durable yet");
        drop(second);
        assert_eq!(take(&registry, &[], 1), Some(1));
        assert!(!registry.replacing().replace(1));
        registry.give_back(1);
        assert!(registry.replacing().replace(1));
    }

    #[test]
    fn what_was_dropped_without_a_word_is_nobodys() {
        let registry = Arc::new(UnderWay::default());
        assert_eq!(take(&registry, &[], 1), Some(1));
        assert_eq!(take(&registry, &[1], 2), Some(2));
        assert!(!registry.replacing().replace(1));
        assert_eq!(take(&registry, &[2], 2), None);
        assert!(registry.replacing().replace(1));
        assert!(!registry.replacing().replace(2));
    }
}

//! Leave that was given to send, and how it is taken back.
//!
//! Leave rests on two things: that the rules grant it, which [`Held`] tells exactly, and that the channel is still what
//! it was when leave was asked for, which its [`Way`] tells. Whoever ends a channel, or a part of it, first writes that
//! down where leave is looked up, then voids what is on its way, and then waits for those inside the fence
//! ([`Inner::void`](crate::engine::Inner::void)): from there on nothing is sent.

use crate::{ChannelId, Question, rules::Held};
use parking_lot::Mutex;
use podbell_model::Timestamp;
use std::{
    collections::HashMap,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

/// Most grants of the judge that are kept; when there are more, all are asked for again.
const KEPT: usize = 16_384;
/// So many channels may be on their way before those that have arrived are looked for.
const LOOK: usize = 1_024;

/// Whether what was found of a channel still holds.
#[derive(Clone, Debug)]
pub(crate) struct Way(Arc<AtomicBool>);

impl Way {
    /// To be asked inside the fence.
    pub(crate) fn is_open(&self) -> bool {
        !self.0.load(Ordering::SeqCst)
    }

    /// Whether both are closed together.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// Channels on their way, and what the judge granted.
#[derive(Debug, Default)]
pub(crate) struct Grants {
    ways: Mutex<Ways>,
    granted: Mutex<HashMap<Question, Held>>,
}

#[derive(Debug, Default)]
struct Ways {
    open: HashMap<ChannelId, Weak<AtomicBool>>,
    look_at: usize,
}

impl Grants {
    /// To be called before the channel is looked up: what becomes of it later voids the way.
    pub(crate) fn enter(&self, id: ChannelId) -> Way {
        let mut ways = self.ways.lock();
        if let Some(way) = ways.open.get(&id).and_then(Weak::upgrade) {
            return Way(way);
        }
        if ways.open.len() >= ways.look_at.max(LOOK) {
            ways.open.retain(|_, way| way.strong_count() > 0);
            ways.look_at = ways.open.len() * 2;
        }
        let way = Arc::new(AtomicBool::new(false));
        ways.open.insert(id, Arc::downgrade(&way));
        Way(way)
    }

    /// Voids what is on its way for a channel; true if there was something.
    pub(crate) fn void(&self, id: ChannelId) -> bool {
        let way = self.ways.lock().open.remove(&id).and_then(|way| way.upgrade());
        way.inspect(|way| way.store(true, Ordering::SeqCst)).is_some()
    }

    /// Voids everything.
    pub(crate) fn void_all(&self) {
        for way in self.ways.lock().open.drain().filter_map(|(_, way)| way.upgrade()) {
            way.store(true, Ordering::SeqCst);
        }
        self.granted.lock().clear();
    }

    /// A grant that still holds by the rules that are known.
    pub(crate) fn find(&self, question: &Question, now: Timestamp) -> Option<Held> {
        let mut granted = self.granted.lock();
        let held = granted.get(question)?;
        if held.now(now) == Some(true) {
            return Some(held.clone());
        }
        granted.remove(question);
        None
    }

    /// Keeps a grant for the next time.
    pub(crate) fn keep(&self, question: Question, held: Held) {
        let mut granted = self.granted.lock();
        if granted.len() >= KEPT {
            granted.clear();
        }
        granted.insert(question, held);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use podbell_model::Uuid;

    #[test]
    fn channels_that_have_arrived_take_no_room() {
        let grants = Grants::default();
        let kept: Vec<_> = (0..10).map(|number| grants.enter(ChannelId(Uuid::from_u128(number)))).collect();
        for number in 10..20_000 {
            grants.enter(ChannelId(Uuid::from_u128(number)));
        }
        assert!(grants.ways.lock().open.len() <= LOOK + kept.len());
        assert!(grants.void(ChannelId(Uuid::from_u128(3))) && !grants.void(ChannelId(Uuid::from_u128(10))));
        assert_eq!(kept.iter().filter(|way| way.is_open()).count(), 9);
    }
}

//! The fence between policy and sending: exact, with no race left.
//!
//! A store raises the watermark after a policy write is durable and before it is answered. Whoever sends enters the
//! fence, compares the watermark with what it has applied, and makes the system call inside. Because raising waits
//! for those who are inside, nothing judged by older rules is sent once the policy write has been answered.

use parking_lot::{RwLock, RwLockReadGuard};
use podbell_model::Sequence;

/// The newest policy commit, behind a lock that senders hold for the length of one batch.
#[derive(Debug, Default)]
pub struct Fence {
    watermark: RwLock<Sequence>,
}

/// Proof of being inside; keep it for one batch of system calls that do not block, never across an `await`.
#[derive(Debug)]
pub struct Entered<'f> {
    watermark: RwLockReadGuard<'f, Sequence>,
}

impl Fence {
    /// A fence whose newest policy commit is `watermark`.
    pub fn new(watermark: Sequence) -> Self {
        Self { watermark: RwLock::new(watermark) }
    }

    /// Says that commit `sequence` changed policy. Waits for senders that are inside.
    pub fn raise(&self, sequence: Sequence) {
        let mut watermark = self.watermark.write();
        *watermark = sequence.max(*watermark);
    }

    /// Enters to send; the guard tells the newest policy commit.
    pub fn enter(&self) -> Entered<'_> {
        Entered { watermark: self.watermark.read() }
    }
}

impl Entered<'_> {
    /// The newest policy commit. Rules read before it must not decide a send.
    pub fn watermark(&self) -> Sequence {
        *self.watermark
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, mpsc};

    #[test]
    fn raising_waits_for_those_inside() {
        let fence = Arc::new(Fence::default());
        let entered = fence.enter();
        assert_eq!(entered.watermark(), Sequence(0));
        let (raised, is_raised) = mpsc::channel();
        let raiser = std::thread::spawn({
            let fence = Arc::clone(&fence);
            move || {
                fence.raise(Sequence(7));
                raised.send(()).unwrap();
            }
        });
        assert!(is_raised.try_recv().is_err());
        drop(entered);
        is_raised.recv().unwrap();
        raiser.join().unwrap();
        fence.raise(Sequence(3));
        assert_eq!(fence.enter().watermark(), Sequence(7));
    }
}

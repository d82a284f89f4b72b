//! What has come within the time in which it would be believed again.
//!
//! Remembered is what was signed, not the signature: of ECDSA there are two of the same.

use super::{FUTURE, PAST, Refused};
use aws_lc_rs::digest::{SHA256, digest};
use std::collections::{HashSet, VecDeque};

/// Most requests that are remembered. A server sends ten in a second at most.
const MOST: usize = 65_536;

/// The newest requests.
#[derive(Default)]
pub(super) struct Replays {
    known: HashSet<[u8; 32]>,
    order: VecDeque<(i64, [u8; 32])>,
}

impl Replays {
    /// Lets something by for the first time.
    pub(super) fn admit(&mut self, base: &[u8], now: i64) -> Result<(), Refused> {
        while let Some((at, hash)) = self.order.front()
            && now > at.saturating_add(PAST + FUTURE)
        {
            self.known.remove(hash);
            self.order.pop_front();
        }
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, base).as_ref());
        if self.known.contains(&hash) {
            return Err(Refused::Replayed);
        }
        if self.order.len() >= MOST {
            return Err(Refused::TooMany);
        }
        self.known.insert(hash);
        self.order.push_back((now, hash));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_comes_by_once_for_as_long_as_it_would_be_believed() {
        let mut replays = Replays::default();
        assert_eq!(replays.admit(b"a", 1000), Ok(()));
        assert_eq!(replays.admit(b"b", 1000), Ok(()));
        assert_eq!(replays.admit(b"a", 1000 + PAST + FUTURE), Err(Refused::Replayed));
        assert_eq!(replays.admit(b"c", 1001 + PAST + FUTURE), Ok(()));
        assert_eq!((replays.known.len(), replays.order.len()), (1, 1), "the rest is forgotten");
    }

    #[test]
    fn more_than_can_be_remembered_is_not_believed() {
        let mut replays = Replays::default();
        for number in 0..MOST {
            assert_eq!(replays.admit(&number.to_be_bytes(), 0), Ok(()));
        }
        assert_eq!(replays.admit(b"more", 0), Err(Refused::TooMany));
        assert!(Refused::TooMany.is_transient());
    }
}

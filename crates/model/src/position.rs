//! Where something stands in the log.
//!
//! One internal commit sequence orders everything (`tail`, policy); the public position is per storage.

use std::fmt;

/// Number of a commit in the server's one internal order; the first commit is 1, 0 is "before everything".
///
/// All records of one write set share it, so that a resource created together with its own ACL is ruled by that
/// ACL from its first record on. Internal: it tells the traffic of other storages and never leaves the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(pub u64);

impl Sequence {
    /// The commit before this one; of the first, "before everything".
    #[must_use]
    pub fn before(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Position of a record in the log of one storage: gap-free within an epoch, the first offset is 1.
///
/// The epoch changes when history was lost or restored, so that a reader learns that it cannot resume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamPosition {
    /// Which history this offset counts in.
    pub epoch: u64,
    /// How many records of this storage the history held, this one included.
    pub offset: u64,
}

/// Which life of a resource: the commit that created it.
///
/// A resource deleted and created again under one name has another generation, so that the rules of the new one
/// open nothing of the old one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(pub Sequence);

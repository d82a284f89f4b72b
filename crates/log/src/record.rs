//! What one commit put into the log.

use crate::PolicyKind;
use podbell_model::{Activity, ResourceIri, Sequence, StorageId, StreamPosition, Timestamp, Uuid};
use std::sync::Arc;

/// Most channels in a chain of causes. A change that a longer one led to is a storm: those whose channels are in the chain
/// are pushed nothing of it.
pub const MAX_CAUSES: usize = 16;

/// All records of one write set: committed together, ruled together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Its place in the one internal order.
    pub sequence: Sequence,
    /// At least one; in the order in which they were made.
    pub records: Vec<Record>,
}

/// One entry of the log of a storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The commit that it belongs to.
    pub sequence: Sequence,
    /// The storage whose log it is in.
    pub storage: StorageId,
    /// Its public position in that log.
    pub position: StreamPosition,
    /// When it was committed.
    pub published: Timestamp,
    /// What it says.
    pub fact: Fact,
    /// The channels whose deliveries led to it, the first one first; empty for most.
    pub causes: Arc<[Uuid]>,
}

impl Record {
    /// Whether so many deliveries led to it, one after the other, that those whose channels they were are pushed nothing of
    /// it.
    pub fn is_storm(&self) -> bool {
        self.causes.len() > MAX_CAUSES
    }

    /// The chain that one more channel makes of it. Of a storm, the newest are kept.
    pub fn causes_with(&self, channel: Uuid) -> Arc<[Uuid]> {
        let newest = &self.causes[self.causes.len().saturating_sub(MAX_CAUSES)..];
        newest.iter().copied().chain([channel]).collect()
    }
}

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A resource changed.
    Change(Activity),
    /// A document that rules access changed: an ACL (its activity is for holders of Control only), or a group
    /// document (an ordinary resource besides).
    Policy {
        /// The change of the document itself.
        activity: Activity,
        /// Which kind of document.
        kind: PolicyKind,
    },
    /// The storage itself.
    Storage(StorageChange, ResourceIri),
}

impl Fact {
    /// The change of a resource that this record tells, if any.
    pub fn activity(&self) -> Option<&Activity> {
        match self {
            Self::Change(activity) | Self::Policy { activity, .. } => Some(activity),
            Self::Storage(..) => None,
        }
    }

    /// The policy document that changed, if any.
    pub fn policy(&self) -> Option<&ResourceIri> {
        match self {
            Self::Policy { activity, .. } => Some(&activity.object),
            Self::Change(_) | Self::Storage(..) => None,
        }
    }
}

/// What became of a storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StorageChange {
    /// It was created; the IRI is its root.
    Created,
    /// It was deleted, with everything in it.
    Deleted,
}

//! What the rules were: every ACL and local group document by IRI and commit.
//!
//! Bodies are kept as long as the records that they rule, so that a replay is judged by the rules of its time and of
//! now. Local group documents are policy too; remote ones are judged by now only and are no part of this history.

use crate::LogError;
use podbell_model::{Generation, ResourceIri, Sequence};
use std::sync::Arc;

/// Which kind of document rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PolicyKind {
    /// An ACL resource.
    Acl,
    /// A document with `vcard:hasMember` statements.
    Group,
}

/// As of which commit a question is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum At {
    /// The newest rules.
    Now,
    /// The rules after that commit, its own changes included.
    Commit(Sequence),
}

/// A policy document as it stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyBody {
    /// The commit that wrote this body.
    pub since: Sequence,
    /// Which kind of document.
    pub kind: PolicyKind,
    /// N-Triples with absolute IRIs. Of a group document: its `vcard:hasMember` statements.
    pub body: Arc<str>,
}

/// The answer to one question about several documents, all as of one commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicySnapshot {
    /// The commit that the answer is as of: for [`At::Now`] the head when it was read.
    pub as_of: Sequence,
    /// For each asked document in order: the newest entry not after `as_of`. The commit that last touched the
    /// document (0 if none did), and its body if it existed.
    pub documents: Vec<(Sequence, Option<Arc<PolicyBody>>)>,
}

/// Reads the history of rules. Implemented by the stores.
#[async_trait::async_trait]
pub trait PolicyHistory: Send + Sync + 'static {
    /// Several policy documents, consistent with each other.
    ///
    /// # Errors
    /// [`LogError::Gap`] if the history no longer reaches back to `at`.
    async fn policies(&self, documents: &[ResourceIri], at: At) -> Result<PolicySnapshot, LogError>;

    /// The commit that ended that life of the resource; none while it lives.
    async fn ended(&self, resource: &ResourceIri, generation: Generation) -> Result<Option<Sequence>, LogError>;
}

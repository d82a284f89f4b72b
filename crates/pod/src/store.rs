//! What the pod needs of a store: one transaction per write set, whatever the engine.
//!
//! The store decides nothing about permissions or formats. It re-checks, inside the transaction, that what the pod
//! saw still holds, and appends the records of the change in the same transaction.

use bytes::Bytes;
use futures_core::Stream;
use podbell_log::Record;
use podbell_model::{Generation, ResourceClass, ResourceIri, Sequence, Storage, StorageId, Timestamp, Uuid, WebId};
use std::{pin::Pin, sync::Arc};

/// Bytes as they come.
pub type ByteStream = Pin<Box<dyn Stream<Item = std::io::Result<Bytes>> + Send>>;

/// Bodies up to this size, in bytes, are kept in the row; larger ones in files beside the database.
pub const INLINE_BODY: usize = 64 * 1024;

/// A body that the store holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// In memory, and in the row.
    Inline(Bytes),
    /// In a file named by the SHA-256 of its content (hexadecimal); durable since it was staged.
    File {
        /// The file's name.
        digest: Arc<str>,
        /// Its length in bytes.
        size: u64,
    },
}

impl Body {
    /// Its length in bytes.
    pub fn size(&self) -> u64 {
        match self {
            Self::Inline(bytes) => bytes.len() as u64,
            Self::File { size, .. } => *size,
        }
    }
}

/// A resource as it stands: container, document, or auxiliary resource (under its own IRI).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Its name.
    pub iri: ResourceIri,
    /// The storage that it is in.
    pub storage: StorageId,
    /// What kind of resource.
    pub class: ResourceClass,
    /// Which life of it.
    pub generation: Generation,
    /// [`podbell_model::activity::version`] of the change that wrote it; of a container: of its membership or
    /// description.
    pub version: Arc<str>,
    /// Of a container: how many times children were modified since `version` (the listing shows their size and
    /// date, so the representation changed). Else 0.
    pub listing: u64,
    /// Last-Modified: of a container, when a child was added or removed or its description changed.
    pub modified: Timestamp,
    /// As it was written; of a container `text/turtle`.
    pub content_type: Arc<str>,
    /// The representation as it was written; of a container empty.
    pub body: Body,
}

/// A non-auxiliary child of a container, as its listing shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name.
    pub iri: ResourceIri,
    /// What kind of resource.
    pub class: ResourceClass,
    /// Its media type.
    pub content_type: Arc<str>,
    /// Its Last-Modified.
    pub modified: Timestamp,
    /// Its length in bytes.
    pub size: u64,
    /// Which life of it.
    pub generation: Generation,
}

/// What the pod saw, checked again inside the transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// Neither this resource nor its twin (the other spelling of the trailing slash) exists.
    Absent(ResourceIri),
    /// It exists with that version.
    Version(ResourceIri, Arc<str>),
    /// It exists and is a container.
    Container(ResourceIri),
    /// It is a container without non-auxiliary children.
    Empty(ResourceIri),
}

/// One thing to do. The store finds out whether it creates or updates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Creates or replaces a document, or creates a container. Its parent exists by then.
    Put {
        /// Id of the activity.
        id: Uuid,
        /// What is written; no auxiliary resource.
        resource: ResourceIri,
        /// What kind of resource.
        class: ResourceClass,
        /// Its media type, parameters included.
        content_type: Arc<str>,
        /// The representation.
        body: Body,
        /// If it is a group document: its `vcard:hasMember` statements in N-Triples. A document that was one and
        /// is none any longer is a change of policy too.
        group: Option<Arc<str>>,
    },
    /// Deletes a resource with its auxiliary resources.
    Delete {
        /// Id of the activity.
        id: Uuid,
        /// What is deleted.
        resource: ResourceIri,
    },
    /// Creates or replaces an ACL.
    PutAcl {
        /// Id of the activity.
        id: Uuid,
        /// Whose ACL; exists by then.
        subject: ResourceIri,
        /// Media type of the representation.
        content_type: Arc<str>,
        /// The representation as it was written.
        body: Body,
        /// The same graph in N-Triples with absolute IRIs, for the policy history.
        policy: Arc<str>,
    },
    /// Deletes an ACL.
    DeleteAcl {
        /// Id of the activity.
        id: Uuid,
        /// Whose ACL.
        subject: ResourceIri,
    },
    /// Creates or replaces a description (`.meta`): an `Update` of its subject, whose version and date change. Of a subject
    /// that the same commit creates it is a part of the creation, which is told once.
    PutDescription {
        /// Id of the activity.
        id: Uuid,
        /// Whose description; exists by then.
        subject: ResourceIri,
        /// Media type of the representation.
        content_type: Arc<str>,
        /// The representation as it was written.
        body: Body,
    },
    /// Deletes a description: an `Update` of its subject.
    DeleteDescription {
        /// Id of the activity.
        id: Uuid,
        /// Whose description.
        subject: ResourceIri,
    },
}

impl Change {
    /// Id of its activity.
    pub fn id(&self) -> Uuid {
        match self {
            Self::Put { id, .. }
            | Self::Delete { id, .. }
            | Self::PutAcl { id, .. }
            | Self::DeleteAcl { id, .. }
            | Self::PutDescription { id, .. }
            | Self::DeleteDescription { id, .. } => *id,
        }
    }
}

/// Everything that one request changes; all of it is committed, or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteSet {
    /// The storage that every change is in.
    pub storage: StorageId,
    /// The commit as of which the permission was computed.
    pub permitted_as_of: Sequence,
    /// The policy documents (and the slots where one is absent) that the permission depends on: none may have been
    /// touched since.
    pub depends_on: Arc<[ResourceIri]>,
    /// What must still hold.
    pub expected: Vec<Expectation>,
    /// What is done, in order; not empty.
    pub changes: Vec<Change>,
    /// Who does it.
    pub actor: Option<WebId>,
    /// When.
    pub now: Timestamp,
    /// The channels whose deliveries led to it; they stand in its records.
    pub causes: Arc<[Uuid]>,
    /// If it tells what somebody else is allowed to hear: no rules of the server may have changed after that commit.
    pub rules_as_of: Option<Sequence>,
}

/// How much a storage may hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Quota {
    /// As much as the store allows every storage of which nothing else is said.
    #[default]
    Default,
    /// What the disk holds.
    Unlimited,
    /// So many bytes.
    Bytes(u64),
}

/// What a storage holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// The size of all its resources, auxiliary ones included, in bytes.
    pub used: u64,
    /// The quota that applies to it, in bytes.
    pub quota: Option<u64>,
}

impl Usage {
    /// How many more bytes fit.
    pub fn room(&self) -> Option<u64> {
        self.quota.map(|quota| quota.saturating_sub(self.used))
    }
}

/// What a commit did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Its place in the one internal order.
    pub sequence: Sequence,
    /// The records that it appended.
    pub records: Vec<Record>,
}

/// Why nothing was committed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// Rules that the permission depends on have changed: authorize again.
    #[error("the rules changed meanwhile")]
    PolicyChanged,
    /// An expectation does not hold any longer: look again.
    #[error("{0} changed meanwhile")]
    Conflict(ResourceIri),
    /// The storage does not exist.
    #[error("no such storage")]
    NoStorage,
    /// A storage with that root exists, or one above or below it.
    #[error("the storage overlaps another one")]
    Overlap,
    /// The storage would hold more than its quota, in bytes.
    #[error("the pod may hold {0} bytes, and this would be more")]
    OverQuota(u64),
    /// The disk is full; nothing is lost.
    #[error("no space left to write")]
    Full,
    /// The engine below failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

/// The engine below failed; the cause is for the log, not for the client.
#[derive(Debug, thiserror::Error)]
#[error("the store failed")]
pub struct StoreError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// A store of resources. The same object is the [`podbell_log::Log`] and the [`podbell_log::PolicyHistory`].
#[async_trait::async_trait]
pub trait Store: Send + Sync + 'static {
    /// Every storage of the server that is finished.
    async fn storages(&self) -> Result<Vec<Storage>, StoreError>;

    /// A resource, auxiliary ones included.
    async fn resource(&self, iri: &ResourceIri) -> Result<Option<Resource>, StoreError>;

    /// The newest commit that a look at the store sees.
    async fn newest(&self) -> Result<Sequence, StoreError>;

    /// At most `limit` of the non-auxiliary children of a container, ordered by IRI, from the first whose IRI comes
    /// after `after`. Each call sees one moment: a child that is there throughout is met exactly once.
    async fn members_after(
        &self,
        container: &ResourceIri,
        after: Option<&ResourceIri>,
        limit: usize,
    ) -> Result<Vec<Member>, StoreError>;

    /// Makes a body ready to be committed: inline up to [`INLINE_BODY`], else durable in a file. A staged body that
    /// is never committed is swept later.
    ///
    /// # Errors
    /// [`CommitError::Full`]; an error of the stream itself as [`StoreError`] with the `io::Error` as its source.
    async fn stage(&self, body: ByteStream) -> Result<Body, CommitError>;

    /// The bytes of a body from `offset` on.
    async fn open(&self, body: &Body, offset: u64) -> Result<ByteStream, StoreError>;

    /// Commits a write set in one transaction, durably, with its records.
    ///
    /// In order: the storage exists; no document of `depends_on` was touched after `permitted_as_of`, and no rules at all
    /// after `rules_as_of`; every expectation holds; the changes are applied; the storage is within its quota, or holds no more than before; the
    /// records are appended. All records share the new sequence and
    /// take consecutive positions of the storage. Returns after the transaction is on disk, the head of the log has
    /// moved, and, if policy changed, the fence was raised.
    ///
    /// Records: one per change, `Create` or `Update` by prior existence, and `Delete`; with a deletion, also the
    /// deletion of its ACL as policy (under [`podbell_model::activity::secondary_id`]). `membership` is set for a
    /// creation or deletion whose container was not itself created in this write set.
    async fn commit(&self, writes: WriteSet) -> Result<Committed, CommitError>;

    /// Creates a storage with its root container (a `Put` of the root is implied, ahead of `changes`), the root ACL
    /// among `changes`; a [`podbell_log::Fact::Storage`] record comes first.
    async fn create_storage(
        &self,
        root: ResourceIri,
        owner: WebId,
        changes: Vec<Change>,
        now: Timestamp,
    ) -> Result<(Storage, Committed), CommitError>;

    /// The same, but nobody finds the storage until it is finished.
    async fn begin_storage(
        &self,
        root: ResourceIri,
        owner: WebId,
        changes: Vec<Change>,
        now: Timestamp,
    ) -> Result<(Storage, Committed), CommitError>;

    /// Gives resources of a storage that was begun the dates (Last-Modified) that they had elsewhere; what is not there
    /// is passed over.
    ///
    /// # Errors
    /// [`CommitError::NoStorage`] also of a storage that is finished: its dates are those of its changes.
    async fn date(&self, storage: StorageId, dates: Vec<(ResourceIri, Timestamp)>) -> Result<(), CommitError>;

    /// From now on the storage is one of [`storages`](Self::storages).
    async fn finish_storage(&self, storage: StorageId) -> Result<(), CommitError>;

    /// The storages that were begun and not finished.
    async fn unfinished(&self) -> Result<Vec<Storage>, StoreError>;

    /// What a storage holds and may hold.
    async fn usage(&self, storage: StorageId) -> Result<Usage, CommitError>;

    /// Says how much a storage may hold. One that holds more keeps it, and only shrinks.
    async fn set_quota(&self, storage: StorageId, quota: Quota) -> Result<(), CommitError>;

    /// Deletes a storage with everything in it; its number is never used again.
    async fn delete_storage(&self, storage: StorageId, now: Timestamp) -> Result<Committed, CommitError>;
}

//! Why an operation was not done, in terms that the front of the server can answer.
//!
//! A broken requirement of the protocol carries the fragment of that requirement. Nothing in a message is secret:
//! it names the resource that was asked for and what the request itself said.

use crate::{
    patch::{PatchConflict, PatchError},
    store::{CommitError, StoreError},
};
use podbell_model::{IriError, ResourceIri, rdf::RdfError};

macro_rules! requirement {
    ($fragment:literal) => {
        concat!("https://solidproject.org/TR/protocol#", $fragment)
    };
}

/// What sort of refusal; the front maps each to one status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The request itself is malformed.
    BadRequest,
    /// Nobody may do this, whatever the rules of access say.
    Forbidden,
    /// Nothing is there.
    NotFound,
    /// The target does not support the operation.
    NotAllowed,
    /// No representation that the client accepts.
    NotAcceptable,
    /// The state of the resource, or of one around it, stands against it.
    Conflict,
    /// A precondition of the request does not hold.
    PreconditionFailed,
    /// The content is larger than accepted.
    TooLarge,
    /// The media type of the content does not fit the target.
    UnsupportedMediaType,
    /// The range is not within the representation.
    RangeNotSatisfiable,
    /// Well-formed, but without a meaning that can be applied.
    Unprocessable,
    /// Too many writers at once; trying again helps.
    Contended,
    /// Too much is worked on at once; trying again later helps.
    Busy,
    /// No space left.
    Full,
    /// The engine below failed; the cause is for the log.
    Failed,
}

/// Why an operation was not done. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// Nothing is stored there.
    #[error("nothing is stored at <{0}>")]
    NotFound(ResourceIri),
    /// The name is in no storage of this server.
    #[error("<{0}> is in no storage of this server")]
    NoStorage(ResourceIri),
    /// POST to something that is no container.
    #[error("<{0}> is no container: it takes no POST")]
    NotAContainer(ResourceIri),
    /// Deletion of the root container of a storage, or of its ACL.
    #[error("<{0}> cannot be deleted: it holds the storage together")]
    RootProtected(ResourceIri),
    /// Deletion of a container that has members.
    #[error("<{0}> is not empty")]
    NotEmpty(ResourceIri),
    /// PUT on a container that exists.
    #[error("<{0}> is a container: its members change one by one, its own statements by PATCH")]
    ContainerExists(ResourceIri),
    /// The name with and without a trailing slash would both exist.
    #[error("<{0}> exists: names that differ in a trailing slash only cannot both be used")]
    Twin(ResourceIri),
    /// An ancestor in the path is a document.
    #[error("<{0}> is no container, so nothing can be created below it")]
    AncestorIsDocument(ResourceIri),
    /// The name is reserved for an auxiliary resource.
    #[error("names that end in .acl or .meta are those of auxiliary resources")]
    AuxiliaryName(ResourceIri),
    /// A statement that the server keeps itself.
    #[error("the statement `{0}` is kept by the server")]
    ManagedStatement(String),
    /// A containment statement.
    #[error("containment follows the creation and deletion of members: `{0}`")]
    Containment(String),
    /// The issuer of a hosted WebID, changed by somebody else.
    #[error("only the owner of the storage may change who speaks for the WebIDs in <{0}>")]
    IssuerProtected(ResourceIri),
    /// PATCH of something that is no RDF document.
    #[error("<{0}> is no RDF document: it cannot be patched")]
    NotRdfTarget(ResourceIri),
    /// The target takes RDF only.
    #[error("`{0}` is no media type of RDF that this resource takes")]
    NotRdf(String),
    /// The patch is in no language that is known.
    #[error("`{0}` is no patch language of this server")]
    UnknownPatch(String),
    /// Content without a media type.
    #[error("the content has no Content-Type")]
    NoContentType,
    /// A media type that does not parse.
    #[error("`{0}` is no media type")]
    BadContentType(String),
    /// A header that does not parse.
    #[error("the header {0} is malformed")]
    BadHeader(&'static str),
    /// A Slug that can be part of no name.
    #[error("the Slug can be part of no name: {0}")]
    BadSlug(&'static str),
    /// A name that cannot be used.
    #[error("the name cannot be used: {0}")]
    BadName(#[from] IriError),
    /// The content is no RDF of its media type.
    #[error(transparent)]
    Rdf(#[from] RdfError),
    /// The patch is malformed.
    #[error(transparent)]
    Patch(#[from] PatchError),
    /// The patch does not fit the state of the target.
    #[error(transparent)]
    PatchConflict(#[from] PatchConflict),
    /// An ACL that must not be stored.
    #[error("the ACL is refused: {0}")]
    Acl(String),
    /// No acceptable representation; what there is instead.
    #[error("available: {}", .0.join(", "))]
    NotAcceptable(Vec<String>),
    /// A precondition does not hold.
    #[error("the precondition {0} does not hold")]
    Precondition(&'static str),
    /// The range is beyond the end; the length in bytes.
    #[error("the representation has {0} bytes")]
    Range(u64),
    /// The content is larger than the bound, in bytes.
    #[error("more than {0} bytes")]
    TooLarge(u64),
    /// The content could not be received.
    #[error("the content could not be received")]
    Receive(#[source] std::io::Error),
    /// Others wrote the same resource each time.
    #[error("too many writers at once")]
    Contended,
    /// The documents that are worked on leave no room for another.
    #[error("too many documents are being worked on; try again later")]
    Busy,
    /// The storage would hold more than its quota, in bytes.
    #[error("the pod may hold {0} bytes, and this would be more; nothing was changed")]
    OverQuota(u64),
    /// No space left.
    #[error("no space left to write")]
    Full,
    /// The engine below failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// Work on a document was broken off.
    #[error("the work on a document was broken off")]
    Interrupted,
}

impl Problem {
    /// What sort of refusal.
    pub fn kind(&self) -> Kind {
        match self {
            Self::NotFound(_) | Self::NoStorage(_) => Kind::NotFound,
            Self::NotAContainer(_) | Self::RootProtected(_) => Kind::NotAllowed,
            Self::NotEmpty(_)
            | Self::ContainerExists(_)
            | Self::Twin(_)
            | Self::AncestorIsDocument(_)
            | Self::ManagedStatement(_)
            | Self::Containment(_)
            | Self::IssuerProtected(_)
            | Self::NotRdfTarget(_)
            | Self::PatchConflict(
                PatchConflict::NoMapping
                | PatchConflict::ManyMappings
                | PatchConflict::Absent(_)
                | PatchConflict::LiteralPosition,
            ) => Kind::Conflict,
            Self::AuxiliaryName(_) => Kind::Forbidden,
            Self::NotRdf(_) | Self::UnknownPatch(_) => Kind::UnsupportedMediaType,
            Self::NoContentType
            | Self::BadContentType(_)
            | Self::BadHeader(_)
            | Self::BadSlug(_)
            | Self::BadName(_)
            | Self::Receive(_)
            | Self::Patch(PatchError::Syntax(_))
            | Self::Rdf(RdfError::Syntax { .. }) => Kind::BadRequest,
            Self::Rdf(_) | Self::Patch(_) | Self::PatchConflict(_) | Self::Acl(_) => Kind::Unprocessable,
            Self::NotAcceptable(_) => Kind::NotAcceptable,
            Self::Precondition(_) => Kind::PreconditionFailed,
            Self::Range(_) => Kind::RangeNotSatisfiable,
            Self::TooLarge(_) => Kind::TooLarge,
            Self::Contended => Kind::Contended,
            Self::Busy => Kind::Busy,
            Self::Full | Self::OverQuota(_) => Kind::Full,
            Self::Store(_) | Self::Interrupted => Kind::Failed,
        }
    }

    /// The requirement of the Solid Protocol that stands behind the refusal.
    pub fn requirement(&self) -> Option<&'static str> {
        Some(match self {
            Self::NotAContainer(_) => requirement!("server-method-not-allowed"),
            Self::RootProtected(_) => requirement!("server-delete-protect-root-container"),
            Self::NotEmpty(_) => requirement!("server-delete-protect-nonempty-container"),
            Self::ContainerExists(_) | Self::Containment(_) => requirement!("server-protect-containment"),
            Self::ManagedStatement(_) => requirement!("server-protect-contained-resource-metadata"),
            Self::Twin(_) => requirement!("server-uri-trailing-slash-distinct"),
            Self::AncestorIsDocument(_) => requirement!("server-put-patch-intermediate-containers"),
            Self::AuxiliaryName(_) => requirement!("server-auxiliary-resources-management"),
            Self::NoContentType => requirement!("server-content-type-missing"),
            Self::Rdf(_) => requirement!("server-representation-turtle-jsonld"),
            Self::Patch(error) => error.requirement()?,
            Self::PatchConflict(PatchConflict::Absent(_)) => {
                requirement!("server-patch-n3-semantics-deletions-non-empty-all-triples")
            }
            Self::PatchConflict(PatchConflict::NoMapping | PatchConflict::ManyMappings) => {
                requirement!("server-patch-n3-semantics")
            }
            _ => return None,
        })
    }
}

impl From<CommitError> for Problem {
    /// Conflicts and changed rules are retried before this; what arrives here ends the operation.
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::OverQuota(quota) => Self::OverQuota(quota),
            CommitError::Full => Self::Full,
            CommitError::Store(error) => Self::Store(error),
            CommitError::Conflict(_) | CommitError::PolicyChanged => Self::Contended,
            other @ (CommitError::NoStorage | CommitError::Overlap) => Self::Store(StoreError(Box::new(other))),
        }
    }
}

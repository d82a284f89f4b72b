//! What happened to a resource.
//!
//! One change is one activity with one id; what a receiver reads (`Add` and `Remove`, the container's `Update`, a
//! `pub` line) are projections of it, made by the protocols.
//!
//! Spec: <https://www.w3.org/TR/activitystreams-vocabulary/#activity-types>

use crate::{Generation, ResourceIri, Timestamp, Uuid, WebId};
use std::sync::Arc;

/// The version that a change gives its object: opaque, unlinkable, 16 hexadecimal digits of the activity's id.
///
/// Not a count and not a position: a reader must not learn from an entity-tag how much else happens.
pub fn version(id: Uuid) -> Arc<str> {
    format!("{:016x}", id.as_u64_pair().1).into()
}

/// The version that a change with that id gives the membership of `container`.
pub fn membership_version(id: Uuid, container: &ResourceIri) -> Arc<str> {
    version(secondary_id(id, container))
}

/// The id of what the change with that id also did to another resource (deleting its ACL, ringing its container).
pub fn secondary_id(id: Uuid, other: &ResourceIri) -> Uuid {
    Uuid::new_v5(&id, other.as_str().as_bytes())
}

/// What became of the resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ActivityKind {
    /// It did not exist before.
    Create,
    /// Its representation or its description was written.
    Update,
    /// It exists no longer.
    Delete,
}

/// What kind of thing the resource is, in the terms of LDP.
///
/// Spec: <https://www.w3.org/TR/ldp/#terms>
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResourceClass {
    /// `ldp:BasicContainer`, `ldp:Container`, `ldp:RDFSource`, `ldp:Resource`.
    Container,
    /// `ldp:RDFSource`, `ldp:Resource`.
    RdfSource,
    /// `ldp:NonRDFSource`, `ldp:Resource`.
    NonRdfSource,
}

/// That the change added the object to, or removed it from, a container that stood before the request and stands
/// after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The parent of the object.
    pub container: ResourceIri,
    /// Which life of the container.
    pub generation: Generation,
    /// Version of the container's membership after the change, as a `state` shows it (unquoted).
    pub state: Arc<str>,
}

/// One committed change of one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    /// The same on every transport, retry and replay; printed as `urn:uuid:…`.
    pub id: Uuid,
    /// What happened.
    pub kind: ActivityKind,
    /// The resource that changed. For a change of a description (`.meta`): its subject.
    pub object: ResourceIri,
    /// What kind of resource it is, or was.
    pub class: ResourceClass,
    /// Which life of the object.
    pub generation: Generation,
    /// Version of the object after the change (unquoted, membership part for a container); at `Delete` its last one.
    pub state: Option<Arc<str>>,
    /// For a creation or deletion in a container that outlives the request. None when the container was created by
    /// the same request: its own `Create` covers its first member.
    pub membership: Option<Membership>,
    /// Who did it; none for the anonymous public.
    pub actor: Option<WebId>,
    /// When it was committed.
    pub published: Timestamp,
}

//! The nouns of the field: resources, storages, agents, activities and the vocabularies they are named by.
//!
//! No I/O, no clock, no randomness, no runtime: time and ids are arguments.

pub mod activity;
pub mod agent;
pub mod contexts;
pub mod iri;
pub mod position;
#[cfg(any(test, feature = "fuzzing"))]
pub mod properties;
pub mod rdf;
pub mod storage;
pub mod vocab;

pub use activity::{Activity, ActivityKind, Membership, ResourceClass};
pub use agent::{Subject, WebId};
pub use iri::{Auxiliary, IriError, ResourceIri};
pub use position::{Generation, Sequence, StreamPosition};
pub use storage::{Storage, StorageId};
pub use uuid::Uuid;

/// An instant, UTC; printed as RFC 3339.
pub type Timestamp = jiff::Timestamp;

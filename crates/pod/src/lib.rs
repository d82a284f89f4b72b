//! The Solid resource server: operations on resources, without HTTP.
//!
//! A [`Request`] is planned by [`Pod::plan`] into an [`Operation`], authorized by `podbell_wac::authorize`, and
//! applied by [`Pod::apply`], which takes nothing but a permitted operation. What was written comes to the hub by the
//! log alone.
//!
//! Spec: <https://solidproject.org/TR/protocol>

mod access;
mod auxiliary;
mod budget;
mod conditions;
mod create;
mod document;
mod import;
mod keeping;
mod link;
mod listed;
mod listing;
mod locks;
mod members;
mod modify;
mod moved;
mod negotiate;
mod operation;
mod patch;
mod pod;
mod problem;
#[cfg(any(test, feature = "fuzzing"))]
pub mod properties;
mod range;
mod read;
mod seed;
mod shape;
mod slug;
mod storages;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod write;

pub use budget::{BUDGET, Parsed, Share};
pub use conditions::{Preconditions, Tags, version_of};
pub use document::{MAX_CONTROL, MAX_RDF};
pub use link::asks_for_container;
pub use members::MemberStream;
pub use negotiate::prefers_page;
pub use operation::{
    Action, Applied, Content, Effect, Operation, Outcome, Outline, PageContent, Reading, Representation,
    RepresentationBody, Request, Validators, Written,
};
pub use patch::{Patch, PatchConflict, PatchError};
pub use pod::{AclRules, Ids, Pod};
pub use problem::{Kind, Problem};
pub use seed::SeedError;
pub use shape::{ACCEPT_PATCH, Allowed, Links, Shape, Verb, types};
pub use storages::Storages;

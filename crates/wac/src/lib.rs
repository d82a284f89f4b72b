//! Web Access Control: who may do what to a resource.
//!
//! Pure: the caller loads the documents that [`Slots`] and [`Effective::groups_needed`] name, and gets a [`Decision`]
//! with everything that it depends on. [`authorize`] turns decisions into a [`Permitted`] operation, which nothing
//! else can make. Whatever cannot be read grants nothing.
//!
//! Spec: <https://solidproject.org/TR/wac>

mod authorization;
mod condition;
mod decision;
mod document;
mod effective;
mod groups;
mod modes;
mod operation;
mod permit;
#[cfg(any(test, feature = "fuzzing"))]
pub mod properties;
mod validate;

#[cfg(test)]
mod tests;

pub use condition::CONDITION_TYPES;
pub use decision::{Decision, OriginRule, Rules};
pub use document::{AclDocument, AclError};
pub use effective::{Effective, Found, Nobody, Ruled, Slot, Slots, ruled_by};
pub use groups::{GroupMembers, Groups, group_document};
pub use modes::{Mode, Modes};
pub use operation::{Access, Operation, Place, Requirement};
pub use permit::{Decisions, Permit, Permitted, Refusal, authorize};
pub use validate::{InvalidAcl, validate};

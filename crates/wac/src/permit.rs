//! The proof that an operation is permitted.
//!
//! Only [`authorize`] makes a [`Permitted`]. It carries the commit as of which the rules were read and the documents
//! that were read, so that a store can check inside its transaction that they still hold.

use crate::{Access, Decision, Modes, Operation, Requirement};
use podbell_model::{ResourceIri, Sequence, Storage, StorageId, Subject};
use std::sync::Arc;

/// Why an operation is not permitted; says no more than whether credentials were shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The public may not; somebody who says who they are perhaps may.
    #[error("authentication is required")]
    Unauthenticated,
    /// This agent may not.
    #[error("access is denied")]
    Forbidden,
}

/// Decisions about the resources that one operation touches, all for one subject.
#[derive(Clone, Debug)]
pub struct Decisions {
    subject: Subject,
    as_of: Option<Sequence>,
    made: Vec<Decision>,
}

impl Decisions {
    /// None yet.
    pub fn new(subject: Subject) -> Self {
        Self { subject, as_of: None, made: Vec::new() }
    }

    /// Adds what was decided by the rules as of that commit. The oldest of these commits is what counts in the end.
    pub fn insert(&mut self, decision: Decision, as_of: Sequence) {
        self.as_of = Some(self.as_of.map_or(as_of, |oldest| oldest.min(as_of)));
        self.made.push(decision);
    }

    /// Who was judged.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// What was decided about the resource that rules `resource`.
    pub fn of(&self, resource: &ResourceIri) -> Option<&Decision> {
        let ruled = crate::ruled_by(resource).resource;
        self.made.iter().find(|decision| decision.resource == ruled && decision.subject == self.subject)
    }

    fn meet(&self, need: &Requirement) -> bool {
        let user = self.of(&need.resource).map_or(Modes::NONE, |decision| decision.user);
        user.meets(need.modes)
    }
}

/// On what a permission rests.
#[derive(Clone, Debug)]
pub struct Permit {
    storage: StorageId,
    as_of: Sequence,
    depends_on: Arc<[ResourceIri]>,
    decisions: Decisions,
}

impl Permit {
    /// The storage that it is for.
    pub fn storage(&self) -> StorageId {
        self.storage
    }

    /// The commit as of which the rules were read.
    pub fn permitted_as_of(&self) -> Sequence {
        self.as_of
    }

    /// The documents, and the empty slots, that were read; sorted, each once.
    pub fn depends_on(&self) -> Arc<[ResourceIri]> {
        Arc::clone(&self.depends_on)
    }

    /// Who is permitted.
    pub fn subject(&self) -> &Subject {
        &self.decisions.subject
    }

    /// What was decided about the resource that rules `resource`, for `WAC-Allow` and for what a response may show.
    pub fn decision(&self, resource: &ResourceIri) -> Option<&Decision> {
        self.decisions.of(resource)
    }
}

/// An operation that is permitted, with the proof.
#[derive(Clone, Debug)]
pub struct Permitted<O> {
    operation: O,
    permit: Permit,
}

impl<O> Permitted<O> {
    /// The operation.
    pub fn operation(&self) -> &O {
        &self.operation
    }

    /// What the permission rests on.
    pub fn permit(&self) -> &Permit {
        &self.permit
    }

    /// Both, to apply the operation.
    pub fn into_parts(self) -> (O, Permit) {
        (self.operation, self.permit)
    }
}

impl Permitted<Access> {
    /// The permission for an operation that does exactly this; any other comes back.
    pub fn to<O: Operation>(self, operation: O) -> Result<Permitted<O>, O> {
        if operation.access() == self.operation {
            Ok(Permitted { operation, permit: self.permit })
        } else {
            Err(operation)
        }
    }
}

/// Permits an operation if everything that it needs is granted.
///
/// A resource that nothing was decided about, or for another subject, is granted nothing.
pub fn authorize<O: Operation>(operation: O, storage: &Storage, decisions: Decisions) -> Result<Permitted<O>, Refusal> {
    let needs = operation.access().requirements(storage);
    match decisions.as_of {
        Some(as_of) if needs.iter().all(|need| decisions.meet(need)) => {
            let mut depends_on: Vec<_> = decisions.made.iter().flat_map(|made| made.depends_on.clone()).collect();
            depends_on.sort();
            depends_on.dedup();
            let permit = Permit { storage: storage.id, as_of, depends_on: depends_on.into(), decisions };
            Ok(Permitted { operation, permit })
        }
        _ if decisions.subject.webid.is_none() => Err(Refusal::Unauthenticated),
        _ => Err(Refusal::Forbidden),
    }
}

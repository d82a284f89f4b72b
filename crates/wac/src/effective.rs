//! Which ACL rules a resource: its own, else that of the nearest ancestor that has one.
//!
//! Levels are never merged, and nothing above the root of the storage is looked at. A storage whose root has no
//! readable ACL is open to nobody but its owner, and an ACL that cannot be read is not passed over for the next.
//!
//! Spec: <https://solidproject.org/TR/wac#effective-acl-resource>

use crate::{
    AclDocument, Modes,
    authorization::Authorization,
    condition::Condition,
    groups::{GroupMembers, group_document},
};
use podbell_model::{Auxiliary, ResourceIri, Storage, Subject};
use std::sync::Arc;

/// Which rules an auxiliary resource goes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruled {
    /// The resource whose rules count.
    pub resource: ResourceIri,
    /// Whether whatever is done needs Control of it and nothing else: an ACL.
    pub control: bool,
}

/// Who rules a resource: an ACL is opened by Control of its subject alone, a description is ruled as its subject,
/// anything else by itself.
pub fn ruled_by(resource: &ResourceIri) -> Ruled {
    let mut ruled = Ruled { resource: resource.clone(), control: false };
    // No auxiliary has auxiliaries, but a name like one must not be judged by a slot that nobody guards.
    while let Some((kind, subject)) = ruled.resource.as_auxiliary() {
        ruled = Ruled { resource: subject, control: ruled.control || kind == Auxiliary::Acl };
    }
    ruled
}

impl Ruled {
    /// The modes that are needed on the ruling resource to use `modes` on the resource itself.
    pub fn need(&self, modes: Modes) -> Modes {
        if self.control { Modes::CONTROL } else { modes }
    }
}

/// A place where an ACL may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Whose ACL.
    pub subject: ResourceIri,
    /// Its IRI.
    pub acl: ResourceIri,
}

/// The places where the ACL of a resource may be, nearest first, up to the root of its storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slots {
    resource: ResourceIri,
    slots: Vec<Slot>,
}

/// What was found in a slot.
#[derive(Clone, Debug)]
pub enum Found {
    /// No ACL.
    Absent,
    /// One that cannot be read.
    Unreadable,
    /// One that can.
    Document(Arc<AclDocument>),
}

/// Why no ACL rules a resource; worth a word in the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Nobody {
    /// The resource is not in the storage.
    #[error("the resource is not in the storage")]
    OutsideStorage,
    /// The root of the storage has no ACL, nor has anything on the way to it.
    #[error("the storage has no root ACL")]
    NoRootAcl,
    /// The nearest ACL cannot be read.
    #[error("the ACL {0} cannot be read")]
    Unreadable(ResourceIri),
}

/// The ACL that rules a resource.
#[derive(Clone, Debug)]
pub struct Effective {
    pub(crate) resource: ResourceIri,
    pub(crate) ruling: Result<Ruling, Nobody>,
    pub(crate) depends_on: Vec<ResourceIri>,
}

#[derive(Clone, Debug)]
pub(crate) struct Ruling {
    document: Arc<AclDocument>,
    inherited: bool,
}

impl Slots {
    /// The slots of the resource that rules `resource` (see [`ruled_by`]); none if it is not in the storage.
    pub fn of(resource: &ResourceIri, storage: &Storage) -> Self {
        let resource = ruled_by(resource).resource;
        let slots = std::iter::once(resource.clone())
            .chain(resource.ancestors())
            .take_while(|subject| storage.contains(subject))
            .map(|subject| Slot { acl: subject.acl(), subject })
            .collect();
        Self { resource, slots }
    }

    /// The slots, nearest first; the first is the resource's own.
    pub fn as_slice(&self) -> &[Slot] {
        &self.slots
    }

    /// The IRIs of the ACLs, nearest first.
    pub fn acls(&self) -> impl Iterator<Item = &ResourceIri> {
        self.slots.iter().map(|slot| &slot.acl)
    }

    /// The effective ACL. `documents` are asked in the order of the slots, and no further than needed; one that is
    /// missing counts as unreadable.
    pub fn effective(&self, documents: impl IntoIterator<Item = Found>) -> Effective {
        let mut documents = documents.into_iter();
        let mut depends_on = Vec::new();
        let mut ruling = Err(if self.slots.is_empty() { Nobody::OutsideStorage } else { Nobody::NoRootAcl });
        for (distance, slot) in self.slots.iter().enumerate() {
            depends_on.push(slot.acl.clone());
            match documents.next().unwrap_or(Found::Unreadable) {
                Found::Absent => continue,
                Found::Unreadable => ruling = Err(Nobody::Unreadable(slot.acl.clone())),
                Found::Document(document) => ruling = Ok(Ruling { document, inherited: distance > 0 }),
            }
            break;
        }
        Effective { resource: self.resource.clone(), ruling, depends_on }
    }
}

impl Effective {
    /// The ACL that rules.
    pub fn acl(&self) -> Result<&ResourceIri, &Nobody> {
        self.ruling.as_ref().map(|ruling| &ruling.document.acl)
    }

    /// The ACLs and the empty slots that were looked at, nearest first.
    pub fn depends_on(&self) -> &[ResourceIri] {
        &self.depends_on
    }

    /// The documents of groups that must be loaded to decide for this subject, each once: IRIs without fragment,
    /// not normalised. Groups that the ACL defines itself need none.
    pub fn groups_needed(&self, subject: &Subject) -> Vec<Arc<str>> {
        let Ok(ruling) = &self.ruling else { return Vec::new() };
        let document = &ruling.document;
        let named = ruling.authorizations().flat_map(|rule| {
            let of_agents = subject.webid.iter().flat_map(|_| rule.groups.iter());
            of_agents.chain(rule.conditions.iter().flat_map(Condition::groups))
        });
        let mut needed: Vec<Arc<str>> = named
            .filter(|group| !group.starts_with("_:") && !document.groups.names(group))
            .map(|group| group_document(group))
            .filter(|iri| *iri != document.acl.as_str())
            .map(Arc::from)
            .collect();
        needed.sort();
        needed.dedup();
        needed
    }
}

impl Ruling {
    /// The authorizations that apply to the resource.
    pub(crate) fn authorizations(&self) -> impl Iterator<Item = &Authorization> {
        let applies = |rule: &&Authorization| if self.inherited { rule.default } else { rule.access_to };
        self.document.authorizations.iter().filter(applies)
    }

    /// The groups that the ACL defines itself.
    pub(crate) fn own_groups(&self) -> &GroupMembers {
        &self.document.groups
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use podbell_model::{StorageId, WebId};

    fn iri(text: &str) -> ResourceIri {
        ResourceIri::parse(text).unwrap()
    }

    fn storage() -> Storage {
        Storage { id: StorageId(1), root: iri("http://x/alice/"), owner: WebId::new("http://x/alice/card#me") }
    }

    #[test]
    fn slots_end_at_the_root_of_the_storage() {
        let slots = Slots::of(&iri("http://x/alice/a/b"), &storage());
        let acls: Vec<_> = slots.acls().map(ResourceIri::as_str).collect();
        assert_eq!(acls, ["http://x/alice/a/b.acl", "http://x/alice/a/.acl", "http://x/alice/.acl"]);
        assert!(Slots::of(&iri("http://x/bob/a"), &storage()).as_slice().is_empty());
        assert!(Slots::of(&iri("http://x/"), &storage()).as_slice().is_empty());
    }

    #[test]
    fn auxiliaries_are_ruled_by_their_subject() {
        let ruled = |text| {
            let ruled = ruled_by(&iri(text));
            (ruled.resource.to_string(), ruled.control)
        };
        assert_eq!(ruled("http://x/a/.acl"), ("http://x/a/".into(), true));
        assert_eq!(ruled("http://x/a.meta"), ("http://x/a".into(), false));
        assert_eq!(ruled("http://x/a.acl.meta"), ("http://x/a".into(), true));
        assert_eq!(ruled("http://x/a.meta.acl"), ("http://x/a".into(), true));
        assert_eq!(ruled("http://x/a"), ("http://x/a".into(), false));
    }

    #[test]
    fn an_acl_that_cannot_be_read_is_not_passed_over() {
        let slots = Slots::of(&iri("http://x/alice/a/b"), &storage());
        let effective = slots.effective([Found::Absent, Found::Unreadable, Found::Absent]);
        assert_eq!(effective.acl(), Err(&Nobody::Unreadable(iri("http://x/alice/a/.acl"))));
        assert_eq!(effective.depends_on().len(), 2);
        assert_eq!(slots.effective([]).acl(), Err(&Nobody::Unreadable(iri("http://x/alice/a/b.acl"))));
    }
}

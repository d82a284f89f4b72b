//! A storage with ACLs and group documents in Turtle, and questions to it.

use crate::{
    Access, AclDocument, Decision, Decisions, Found, GroupMembers, Groups, Permitted, Refusal, Rules, Slots, authorize,
};
use podbell_model::{
    ResourceIri, Sequence, Storage, StorageId, Subject, WebId,
    rdf::{RdfFormat, parse},
};
use std::{collections::BTreeMap, sync::Arc};

pub(crate) const PREFIXES: &str =
    "@prefix acl: <http://www.w3.org/ns/auth/acl#>. @prefix vcard: <http://www.w3.org/2006/vcard/ns#>.
    @prefix foaf: <http://xmlns.com/foaf/0.1/>. @prefix a: <http://agents/>.\n";
pub(crate) const OWNER: &str = "http://agents/owner";

/// Resources are named by paths under `http://x`; the root of the storage is `/`.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) acls: BTreeMap<ResourceIri, String>,
    pub(crate) groups: BTreeMap<String, String>,
    pub(crate) rules: Rules,
}

pub(crate) fn iri(path: &str) -> ResourceIri {
    ResourceIri::parse(&format!("http://x{path}")).unwrap()
}

pub(crate) fn storage() -> Storage {
    Storage { id: StorageId(1), root: iri("/"), owner: WebId::new(OWNER) }
}

/// `alice` is `http://agents/alice`; empty is the public.
pub(crate) fn agent(name: &str) -> Subject {
    if name.is_empty() { Subject::public() } else { Subject::agent(WebId::new(format!("http://agents/{name}"))) }
}

pub(crate) fn from(name: &str, origin: &str) -> Subject {
    Subject { origin: Some(origin.into()), ..agent(name) }
}

impl World {
    /// A world with the ACLs of these subjects.
    pub(crate) fn new(acls: &[(&str, &str)]) -> Self {
        let mut world = Self::default();
        for (subject, turtle) in acls {
            world.acls.insert(iri(subject).acl(), (*turtle).to_owned());
        }
        world
    }

    pub(crate) fn with_group(mut self, document: &str, turtle: &str) -> Self {
        self.groups.insert(document.to_owned(), turtle.to_owned());
        self
    }

    pub(crate) fn decide(&self, subject: &Subject, resource: &str) -> Decision {
        let storage = storage();
        let slots = Slots::of(&iri(resource), &storage);
        let found = slots.as_slice().iter().map(|slot| match self.acls.get(&slot.acl) {
            None => Found::Absent,
            Some(turtle) => match parse(RdfFormat::Turtle, slot.acl.as_str(), format!("{PREFIXES}{turtle}").as_bytes())
            {
                Ok(dataset) => Found::Document(Arc::new(AclDocument::read(&slot.acl, &slot.subject, &dataset))),
                Err(_) => Found::Unreadable,
            },
        });
        let effective = slots.effective(found);
        let mut groups = Groups::default();
        for document in effective.groups_needed(subject) {
            let turtle = self.groups.get(&*document);
            let members = turtle.map(|turtle| {
                let turtle = format!("{PREFIXES}{turtle}");
                Arc::new(GroupMembers::read(&parse(RdfFormat::Turtle, &document, turtle.as_bytes()).unwrap()))
            });
            if document.starts_with("http://x/") {
                groups.insert_local(Arc::clone(&document), ResourceIri::parse(&document).unwrap(), members);
            } else {
                groups.insert_remote(document, members);
            }
        }
        effective.decide(subject, &groups, &self.rules, &storage.owner)
    }

    /// What the subject may do, as `WAC-Allow` writes it.
    pub(crate) fn user(&self, subject: &Subject, resource: &str) -> String {
        self.decide(subject, resource).user.to_string()
    }

    pub(crate) fn authorize(&self, subject: &Subject, access: Access) -> Result<Permitted<Access>, Refusal> {
        let mut decisions = Decisions::new(subject.clone());
        for need in access.requirements(&storage()) {
            decisions.insert(self.decide(subject, need.resource.path()), Sequence(7));
        }
        authorize(access, &storage(), decisions)
    }
}

//! Groups of agents: `vcard:hasMember` statements, in the ACL itself or in documents of their own.
//!
//! A group is looked for in the ACL first, then in the document that its IRI without the fragment names. There are no
//! groups of groups: a member is whoever is named.
//!
//! Spec: <https://solidproject.org/TR/wac#acl-agentgroup>

use oxrdf::{Dataset, NamedOrBlankNodeRef, TermRef};
use podbell_model::{
    ResourceIri,
    rdf::{self, RdfError, RdfFormat},
    vocab::vcard,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// The document of a group: its IRI without the fragment.
pub fn group_document(group: &str) -> &str {
    group.split('#').next().unwrap_or(group)
}

/// Who is in which group, by one document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupMembers(BTreeMap<Arc<str>, BTreeSet<Arc<str>>>);

impl GroupMembers {
    /// Reads the kept form of a local group document.
    pub fn parse(n_triples: &str) -> Result<Self, RdfError> {
        Ok(Self::read(&rdf::parse(RdfFormat::NTriples, "", n_triples.as_bytes())?))
    }

    /// Reads the default graph of a document.
    pub fn read(dataset: &Dataset) -> Self {
        let mut groups: BTreeMap<Arc<str>, BTreeSet<Arc<str>>> = BTreeMap::new();
        for quad in dataset.iter().filter(|quad| quad.graph_name.is_default_graph()) {
            let TermRef::NamedNode(member) = quad.object else { continue };
            if quad.predicate.as_str() == vcard::HAS_MEMBER {
                groups.entry(node_key(quad.subject)).or_default().insert(member.as_str().into());
            }
        }
        Self(groups)
    }

    /// Whether the document says anything of that group.
    pub fn names(&self, group: &str) -> bool {
        self.0.contains_key(group)
    }

    /// Whether the document names `member` as a member of `group`; both compared as strings.
    pub fn has(&self, group: &str, member: &str) -> bool {
        self.0.get(group).is_some_and(|members| members.contains(member))
    }

    /// How many statements it holds; to bound what is kept of them.
    pub fn len(&self) -> usize {
        self.0.values().map(BTreeSet::len).sum()
    }

    /// Whether nobody is in any group.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Group documents that were loaded for one decision.
#[derive(Clone, Debug, Default)]
pub struct Groups(BTreeMap<Arc<str>, Loaded>);

#[derive(Clone, Debug)]
struct Loaded {
    /// Its name in the policy history, if it is a document of this server.
    local: Option<ResourceIri>,
    members: Option<Arc<GroupMembers>>,
}

impl Groups {
    /// A group document of this server, named as [`Effective::groups_needed`](crate::Effective::groups_needed) names
    /// it; no members if it does not exist or cannot be read.
    pub fn insert_local(&mut self, document: Arc<str>, resource: ResourceIri, members: Option<Arc<GroupMembers>>) {
        self.0.insert(document, Loaded { local: Some(resource), members });
    }

    /// A group document elsewhere; no members if it could not be fetched or read.
    pub fn insert_remote(&mut self, document: Arc<str>, members: Option<Arc<GroupMembers>>) {
        self.0.insert(document, Loaded { local: None, members });
    }

    /// Whether `member` is in `group` by the document of the group.
    pub(crate) fn has(&self, group: &str, member: &str) -> bool {
        let loaded = self.0.get(group_document(group)).and_then(|loaded| loaded.members.as_deref());
        loaded.is_some_and(|members| members.has(group, member))
    }

    /// The local resource that a needed document is; none if it is remote or was not loaded.
    pub(crate) fn local(&self, document: &str) -> Option<&ResourceIri> {
        self.0.get(document)?.local.as_ref()
    }
}

/// A key for a node of one document: IRIs as they are, blank nodes with the prefix that no IRI has.
pub(crate) fn node_key(node: NamedOrBlankNodeRef<'_>) -> Arc<str> {
    match node {
        NamedOrBlankNodeRef::NamedNode(node) => node.as_str().into(),
        NamedOrBlankNodeRef::BlankNode(node) => format!("_:{}", node.as_str()).into(),
    }
}

/// The same for an object; none for a literal.
pub(crate) fn term_key(term: TermRef<'_>) -> Option<Arc<str>> {
    match term {
        TermRef::NamedNode(node) => Some(node.as_str().into()),
        TermRef::BlankNode(node) => Some(format!("_:{}", node.as_str()).into()),
        TermRef::Literal(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_speaks_for_its_own_groups_only() {
        let says = "<http://evil/g#a> <http://www.w3.org/2006/vcard/ns#hasMember> <http://m/#me> .\n\
                    <http://good/g#a> <http://www.w3.org/2006/vcard/ns#hasMember> <http://m/#me> .";
        let mut groups = Groups::default();
        groups.insert_remote("http://evil/g".into(), Some(Arc::new(GroupMembers::parse(says).unwrap())));
        assert!(groups.has("http://evil/g#a", "http://m/#me"));
        assert!(!groups.has("http://good/g#a", "http://m/#me"));
        assert!(!groups.has("http://evil/g#a", "http://m/"));
        assert!(!groups.has("http://evil/g#b", "http://m/#me"));
    }

    #[test]
    fn a_literal_is_no_member() {
        let says = "<http://g/#a> <http://www.w3.org/2006/vcard/ns#hasMember> \"http://m/#me\" .";
        assert!(GroupMembers::parse(says).unwrap().is_empty());
    }
}

//! An ACL as it is stored: its authorizations, and the groups that it defines itself.
//!
//! A document that does not parse rules nobody in.
//!
//! Spec: <https://solidproject.org/TR/wac#acl-resource-representation>

use crate::{authorization::Authorization, groups::GroupMembers};
use oxrdf::{Dataset, NamedNodeRef};
use podbell_model::{
    ResourceIri,
    rdf::{self, RdfError, RdfFormat},
    vocab,
};

/// Why an ACL cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the ACL {acl} cannot be read")]
pub struct AclError {
    /// Which one.
    pub acl: ResourceIri,
    /// What is wrong with it.
    #[source]
    pub source: RdfError,
}

/// An ACL, read for the resource whose ACL it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AclDocument {
    pub(crate) acl: ResourceIri,
    pub(crate) authorizations: Vec<Authorization>,
    /// Groups defined in the ACL itself.
    pub(crate) groups: GroupMembers,
}

impl AclDocument {
    /// Reads the kept form (N-Triples, absolute IRIs) of the ACL of `subject`.
    pub fn parse(acl: &ResourceIri, subject: &ResourceIri, n_triples: &str) -> Result<Self, AclError> {
        rdf::parse(RdfFormat::NTriples, acl.as_str(), n_triples.as_bytes())
            .map(|dataset| Self::read(acl, subject, &dataset))
            .map_err(|source| AclError { acl: acl.clone(), source })
    }

    /// Reads the default graph of a document that has been parsed already.
    pub fn read(acl: &ResourceIri, subject: &ResourceIri, dataset: &Dataset) -> Self {
        let typed = dataset
            .quads_for_object(NamedNodeRef::new_unchecked(vocab::acl::AUTHORIZATION))
            .filter(|quad| quad.predicate.as_str() == vocab::rdf::TYPE && quad.graph_name.is_default_graph());
        Self {
            acl: acl.clone(),
            authorizations: typed.filter_map(|quad| Authorization::read(dataset, quad.subject, subject)).collect(),
            groups: GroupMembers::read(dataset),
        }
    }
}

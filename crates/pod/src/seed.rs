//! A new storage: its root with an ACL for the owner alone, and the owner's WebID document.
//!
//! Everything is one commit, so a storage without rules, or a WebID without a document, is never seen.
//!
//! Spec: <https://solidproject.org/TR/protocol#storage>, <https://solid.github.io/webid-profile/>

use crate::{
    document::n_triples,
    pod::Pod,
    problem::Problem,
    store::{Body, Change, CommitError, Committed},
};
use bytes::Bytes;
use oxrdf::{Dataset, GraphName, Literal, NamedNode, Quad, Term};
use podbell_model::{
    IriError, ResourceClass, ResourceIri, Storage, Timestamp, WebId,
    rdf::{self, RdfFormat},
    vocab,
};
use std::sync::Arc;

const PREFIXES: &[(&str, &str)] = &[
    ("acl", vocab::acl::NS),
    ("foaf", "http://xmlns.com/foaf/0.1/"),
    ("pim", "http://www.w3.org/ns/pim/space#"),
    ("solid", vocab::solid::NS),
];

/// Why no storage was made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SeedError {
    /// The root is no container.
    #[error("<{0}> is no container")]
    NotAContainer(ResourceIri),
    /// A name below the root cannot be used.
    #[error(transparent)]
    Name(#[from] IriError),
    /// The owner or the issuer is no IRI.
    #[error("<{0}> is no IRI")]
    Iri(String),
    /// The store refused.
    #[error(transparent)]
    Store(#[from] CommitError),
}

impl Pod {
    /// Creates a storage for its owner. If the WebID is `profile/card#…` in it, its document is made too: readable
    /// by everybody, naming the issuer that may speak for it.
    pub async fn create_pod(
        &self,
        root: &ResourceIri,
        owner: &WebId,
        issuer: &str,
        name: &str,
        now: Timestamp,
    ) -> Result<(Storage, Committed), SeedError> {
        let changes = self.first_changes(root, owner, issuer, name)?;
        let made = self.store.create_storage(root.clone(), owner.clone(), changes, now).await?;
        self.remember(made.0.clone());
        Ok(made)
    }

    /// What a new storage holds.
    pub(crate) fn first_changes(
        &self,
        root: &ResourceIri,
        owner: &WebId,
        issuer: &str,
        name: &str,
    ) -> Result<Vec<Change>, SeedError> {
        if !root.is_container() {
            return Err(SeedError::NotAContainer(root.clone()));
        }
        let mut changes = vec![self.acl(root, owner, false)?];
        let profile = root.child("profile", true)?;
        let card = profile.child("card", false)?;
        if owner.document() == card.as_str() {
            let turtle: Arc<str> = RdfFormat::Turtle.media_type().into();
            changes.push(Change::Put {
                id: self.ids.next(),
                resource: profile,
                class: ResourceClass::Container,
                content_type: Arc::clone(&turtle),
                body: Body::Inline(Bytes::new()),
                group: None,
            });
            let person = person(root, owner, issuer, name)?;
            changes.push(Change::Put {
                id: self.ids.next(),
                resource: card.clone(),
                class: ResourceClass::RdfSource,
                content_type: turtle,
                body: Body::Inline(turtle_of(&person)),
                group: None,
            });
            changes.push(self.acl(&card, owner, true)?);
        }
        Ok(changes)
    }

    /// Deletes a storage with everything in it.
    pub async fn delete_pod(&self, storage: &Storage, now: Timestamp) -> Result<Committed, SeedError> {
        let committed = self.store.delete_storage(storage.id, now).await?;
        self.forget(storage);
        Ok(committed)
    }

    fn acl(&self, subject: &ResourceIri, owner: &WebId, public_read: bool) -> Result<Change, SeedError> {
        let (acl, subject_iri) = (subject.acl(), subject.as_str());
        let mut graph = Statements::default();
        let rule = format!("{acl}#owner");
        let on: &[&str] = if subject.is_container() { &["accessTo", "default"] } else { &["accessTo"] };
        graph.rule(&rule, subject_iri, on, &["Read", "Write", "Control"])?;
        graph.link(&rule, &term("agent"), owner.as_str())?;
        if public_read {
            let rule = format!("{acl}#public");
            graph.rule(&rule, subject_iri, on, &["Read"])?;
            graph.link(&rule, &term("agentClass"), vocab::foaf::AGENT)?;
        }
        Ok(Change::PutAcl {
            id: self.ids.next(),
            subject: subject.clone(),
            content_type: RdfFormat::Turtle.media_type().into(),
            body: Body::Inline(turtle_of(&graph.0)),
            policy: n_triples(&graph.0).map_err(|problem: Problem| SeedError::Iri(problem.to_string()))?,
        })
    }
}

fn person(root: &ResourceIri, owner: &WebId, issuer: &str, name: &str) -> Result<Dataset, SeedError> {
    let mut graph = Statements::default();
    graph.link(owner.as_str(), vocab::rdf::TYPE, "http://xmlns.com/foaf/0.1/Person")?;
    graph.add(owner.as_str(), "http://xmlns.com/foaf/0.1/name", Literal::new_simple_literal(name).into())?;
    graph.link(owner.as_str(), vocab::solid::OIDC_ISSUER, issuer)?;
    graph.link(owner.as_str(), vocab::pim::STORAGE, root.as_str())?;
    Ok(graph.0)
}

fn term(name: &str) -> String {
    format!("{}{name}", vocab::acl::NS)
}

fn turtle_of(graph: &Dataset) -> Bytes {
    rdf::serialize(RdfFormat::Turtle, graph, PREFIXES).into()
}

#[derive(Default)]
struct Statements(Dataset);

impl Statements {
    fn rule(&mut self, rule: &str, subject: &str, on: &[&str], modes: &[&str]) -> Result<(), SeedError> {
        self.link(rule, vocab::rdf::TYPE, vocab::acl::AUTHORIZATION)?;
        on.iter().try_for_each(|predicate| self.link(rule, &term(predicate), subject))?;
        modes.iter().try_for_each(|mode| self.link(rule, &term("mode"), &term(mode)))
    }

    fn link(&mut self, subject: &str, predicate: &str, object: &str) -> Result<(), SeedError> {
        self.add(subject, predicate, iri(object)?.into())
    }

    fn add(&mut self, subject: &str, predicate: &str, object: Term) -> Result<(), SeedError> {
        self.0.insert(&Quad::new(iri(subject)?, iri(predicate)?, object, GraphName::DefaultGraph));
        Ok(())
    }
}

fn iri(text: &str) -> Result<NamedNode, SeedError> {
    NamedNode::new(text).map_err(|_| SeedError::Iri(text.to_owned()))
}

//! ACLs and descriptions: written, replaced and deleted under their own names, ruled by their subject.
//!
//! Spec: <https://solidproject.org/TR/protocol#auxiliary-resources>, <https://solidproject.org/TR/wac#acl-resources>

use crate::{
    conditions::UNWRITTEN,
    document::n_triples,
    listing::{refuse_managed, restates},
    operation::Effect,
    problem::Problem,
    store::{Body, Change, Expectation, Resource},
    write::{Step, Writing},
};
use oxrdf::Dataset;
use podbell_model::{ResourceClass, ResourceIri};
use std::sync::Arc;

impl Writing<'_> {
    pub(crate) async fn put_acl(
        &self,
        subject: &ResourceIri,
        is_root: bool,
        content_type: &Arc<str>,
        body: &Body,
        dataset: &Dataset,
    ) -> Result<Step, Problem> {
        let mut expected = vec![self.subject_stands(subject).await?];
        let before = self.seen().await?;
        self.pod.acl_rules.judge(self.target, subject, is_root, dataset).map_err(Problem::Acl)?;
        expected.push(pin(self.target, before.as_ref()));
        let id = self.pod.ids.next();
        let change = Change::PutAcl {
            id,
            subject: subject.clone(),
            content_type: Arc::clone(content_type),
            body: body.clone(),
            policy: n_triples(dataset)?,
        };
        Ok(self.draft(expected, vec![change], effect(before.as_ref()), ResourceClass::RdfSource, id))
    }

    pub(crate) async fn delete_acl(&self, subject: &ResourceIri) -> Result<Step, Problem> {
        let before = self.pod.store.resource(self.target).await?;
        let before = before.ok_or_else(|| Problem::NotFound(self.target.clone()))?;
        self.preconditions.judge_write(Some((&before.version, before.modified)))?;
        let id = self.pod.ids.next();
        let change = Change::DeleteAcl { id, subject: subject.clone() };
        let expected = vec![pin(self.target, Some(&before))];
        Ok(self.draft(expected, vec![change], Effect::Deleted, ResourceClass::RdfSource, id))
    }

    pub(crate) async fn put_description(
        &self,
        subject: &ResourceIri,
        content_type: &Arc<str>,
        body: &Body,
        dataset: &Dataset,
    ) -> Result<Step, Problem> {
        let stands = self.subject_stands(subject).await?;
        let before = self.seen_description().await?;
        if subject.is_container() {
            let is_root = *subject == self.storage.root;
            for quad in dataset.iter().filter(|quad| !restates(subject, is_root, *quad)) {
                refuse_managed(subject, quad)?;
            }
            self.guard_container(subject, Some(dataset)).await?;
        }
        let id = self.pod.ids.next();
        let change = Change::PutDescription {
            id,
            subject: subject.clone(),
            content_type: Arc::clone(content_type),
            body: body.clone(),
        };
        let expected = vec![stands, pin(self.target, before.as_ref())];
        Ok(self.draft(expected, vec![change], effect(before.as_ref()), ResourceClass::RdfSource, id))
    }

    pub(crate) async fn delete_description(&self, subject: &ResourceIri) -> Result<Step, Problem> {
        let stands = self.subject_stands(subject).await?;
        // One that was never written is there and empty, and so it is afterwards.
        let Some(before) = self.seen_description().await? else {
            return Ok(Step::Nothing(None, ResourceClass::RdfSource));
        };
        if subject.is_container() {
            self.guard_container(subject, None).await?;
        }
        let id = self.pod.ids.next();
        let change = Change::DeleteDescription { id, subject: subject.clone() };
        let expected = vec![stands, pin(self.target, Some(&before))];
        Ok(self.draft(expected, vec![change], Effect::Deleted, ResourceClass::RdfSource, id))
    }

    /// The stored description. One that was never written answers to both views of it: that it is absent, and that
    /// it is there and empty, as a reader sees it.
    pub(crate) async fn seen_description(&self) -> Result<Option<Resource>, Problem> {
        let stored = self.pod.store.resource(self.target).await?;
        if let Some(resource) = &stored {
            self.preconditions.judge_write(Some((&resource.version, resource.modified)))?;
        } else {
            let absent = self.preconditions.judge_write(None);
            absent.or_else(|_| self.preconditions.judge_write(Some((UNWRITTEN, self.now))))?;
        }
        Ok(stored)
    }

    /// An auxiliary resource is written only while its subject stands.
    pub(crate) async fn subject_stands(&self, subject: &ResourceIri) -> Result<Expectation, Problem> {
        let standing = self.pod.store.resource(subject).await?;
        let standing = standing.ok_or_else(|| Problem::NotFound(subject.clone()))?;
        Ok(match standing.class {
            ResourceClass::Container => Expectation::Container(subject.clone()),
            _ => Expectation::Version(subject.clone(), standing.version),
        })
    }
}

/// That a resource still is as it was seen.
pub(crate) fn pin(iri: &ResourceIri, seen: Option<&Resource>) -> Expectation {
    match seen {
        Some(resource) => Expectation::Version(iri.clone(), Arc::clone(&resource.version)),
        None => Expectation::Absent(iri.clone()),
    }
}

/// What a write does to what was seen.
pub(crate) fn effect(seen: Option<&Resource>) -> Effect {
    if seen.is_some() { Effect::Replaced } else { Effect::Created }
}

//! Patching: documents, ACLs, descriptions, and the owner's own statements of a container.
//!
//! A document keeps its media type; one that a patch creates is Turtle. A patch that changes nothing commits
//! nothing: the entity-tag stays and nobody is told.
//!
//! Spec: <https://solidproject.org/TR/protocol#n3-patch>

use crate::{
    auxiliary::{effect, pin},
    budget::{Parsed, cost},
    conditions::tag,
    create::describing,
    document::{LARGE, aside, group, load, prefixes, write},
    listing::{containment, graph, nodes, refuse_managed, restates},
    negotiate::format_of,
    operation::{Effect, Validators},
    patch::{Effect as PatchEffect, Patch},
    pod::limit,
    problem::Problem,
    shape::Shape,
    store::{Change, Expectation, Member, Resource},
    write::{Step, Writing},
};
use bytes::Bytes;
use oxrdf::Dataset;
use podbell_model::{
    Auxiliary, ResourceClass,
    rdf::{self, RdfError, RdfFormat},
};
use std::sync::Arc;

/// Most members of a container that a patch sees.
const MAX_PATCHED: usize = 10_000;

/// A document after a patch.
struct Patched {
    dataset: Parsed,
    bytes: Bytes,
    effect: PatchEffect,
    content_type: Arc<str>,
}

impl Writing<'_> {
    pub(crate) async fn patch(&self, patch: &Arc<Patch>) -> Result<Step, Problem> {
        match self.shape {
            Shape::Reserved => Err(Problem::AuxiliaryName(self.target.clone())),
            Shape::Document => self.patch_document(patch).await,
            Shape::Root | Shape::Container => self.patch_container(patch).await,
            Shape::Acl { subject, root } => {
                self.subject_stands(subject).await?;
                let before = self.seen().await?;
                let patched = self.patched(patch, before.as_ref()).await?;
                if !patched.effect.changed {
                    return self.unchanged(before.as_ref());
                }
                let body = self.pod.stage(patched.bytes).await?;
                self.put_acl(subject, *root, &patched.content_type, &body, &patched.dataset).await
            }
            Shape::Description { subject } => {
                self.subject_stands(subject).await?;
                let before = self.seen_description().await?;
                let patched = self.patched(patch, before.as_ref()).await?;
                if !patched.effect.changed {
                    let standing = self.pod.standing(self.shape, self.target).await?;
                    return self.unchanged(Some(&standing));
                }
                let body = self.pod.stage(patched.bytes).await?;
                self.put_description(subject, &patched.content_type, &body, &patched.dataset).await
            }
        }
    }

    async fn patch_document(&self, patch: &Arc<Patch>) -> Result<Step, Problem> {
        let before = self.seen().await?;
        let (expected, mut changes) = match &before {
            Some(_) => (vec![pin(self.target, before.as_ref())], Vec::new()),
            None => self.path_to(self.target).await?,
        };
        let issuers = self.issuers_before(self.target, before.as_ref()).await?;
        let patched = self.patched(patch, before.as_ref()).await?;
        if !patched.effect.changed {
            return self.unchanged(before.as_ref());
        }
        self.keep_issuers(self.target, issuers.as_ref(), Some(&patched.dataset))?;
        let id = self.pod.ids.next();
        changes.push(Change::Put {
            id,
            resource: self.target.clone(),
            class: ResourceClass::RdfSource,
            content_type: patched.content_type,
            body: self.pod.stage(patched.bytes).await?,
            group: group(&patched.dataset)?,
        });
        Ok(self.draft(expected, changes, effect(before.as_ref()), ResourceClass::RdfSource, id))
    }

    /// A patch sees the whole graph of a container and may change what the server does not keep.
    async fn patch_container(&self, patch: &Arc<Patch>) -> Result<Step, Problem> {
        let before = self.seen().await?;
        let is_root = *self.shape == Shape::Root;
        let description = self.pod.description(self.shape, self.target).await?;
        let mut own = description.as_deref().cloned().unwrap_or_default();
        let mut whole = match &before {
            Some(container) => {
                let members = self.members_to_patch(patch).await?;
                let mut whole = graph(container, is_root, Some(own.clone()));
                whole.extend(containment(&container.iri, &members));
                whole.extend(nodes(&members));
                whole
            }
            None => Dataset::new(),
        };
        let applied = Arc::clone(patch);
        let (whole, effect) = aside(work(patch, whole.len() as u64 * 100), move || {
            let effect = applied.apply(&mut whole)?;
            Ok((whole, effect))
        })
        .await?;
        for quad in &effect.deleted {
            refuse_managed(self.target, quad.as_ref())?;
        }
        for quad in &effect.deleted {
            own.remove(quad);
        }
        for quad in effect.inserted.iter().filter(|quad| !restates(self.target, is_root, quad.as_ref())) {
            refuse_managed(self.target, quad.as_ref())?;
            // What a later step of the patch took away again is not there.
            if whole.contains(quad) {
                own.insert(quad);
            }
        }
        self.guard_container(self.target, Some(&own)).await?;
        match before {
            Some(before) if !effect.changed => self.unchanged(Some(&before)),
            Some(before) => self.describe_container(&before, &own).await,
            None if !effect.changed => self.unchanged(None),
            None => {
                let (expected, mut changes) = self.path_to(self.target).await?;
                let id = self.new_container(self.target, describing(&own)?, &mut changes);
                Ok(self.draft(expected, changes, Effect::Created, ResourceClass::Container, id))
            }
        }
    }

    /// The members that a patch sees. Of too many, one that looks for nothing sees none: what it may change is not
    /// about them.
    async fn members_to_patch(&self, patch: &Patch) -> Result<Vec<Member>, Problem> {
        let members = self.pod.store.members_after(self.target, None, MAX_PATCHED + 1).await?;
        match members.len() > MAX_PATCHED {
            true if patch.looks() => Err(RdfError::TooComplex { what: "members", limit: MAX_PATCHED }.into()),
            true => Ok(Vec::new()),
            false => Ok(members),
        }
    }

    async fn describe_container(&self, container: &Resource, own: &Dataset) -> Result<Step, Problem> {
        let iri = self.target.auxiliary(Auxiliary::Description);
        let stored = self.pod.store.resource(&iri).await?;
        let expected =
            vec![Expectation::Version(self.target.clone(), Arc::clone(&container.version)), pin(&iri, stored.as_ref())];
        let id = self.pod.ids.next();
        let subject = self.target.clone();
        let change = match describing(own)? {
            Some(bytes) => Change::PutDescription {
                id,
                subject,
                content_type: RdfFormat::Turtle.media_type().into(),
                body: self.pod.stage(bytes).await?,
            },
            None => Change::DeleteDescription { id, subject },
        };
        Ok(self.draft(expected, vec![change], Effect::Replaced, ResourceClass::Container, id))
    }

    /// Applies a patch to a stored document, or to none.
    async fn patched(&self, patch: &Arc<Patch>, before: Option<&Resource>) -> Result<Patched, Problem> {
        let content_type =
            before.map_or_else(|| RdfFormat::Turtle.media_type().into(), |b| Arc::clone(&b.content_type));
        let format = format_of(&content_type).filter(|_| before.is_none_or(|b| b.class == ResourceClass::RdfSource));
        let format = format.ok_or_else(|| Problem::NotRdfTarget(self.target.clone()))?;
        let (patch, base, empty) = (Arc::clone(patch), self.target.clone(), before.is_none());
        let limit = limit(self.shape);
        let size = before.map_or(0, |before| before.body.size());
        let share = self.pod.budget.share_for(cost(size).saturating_add(patch.cost())).await?;
        // Not in memory before it has its share.
        let bytes = match before {
            Some(before) => load(&*self.pod.store, &before.body).await?,
            None => Bytes::new(),
        };
        aside(work(&patch, bytes.len() as u64), move || {
            let mut dataset = if empty { Dataset::new() } else { rdf::parse(format, base.as_str(), &bytes)? };
            let effect = patch.apply(&mut dataset)?;
            rdf::check(&dataset)?;
            let bytes = write(format, &dataset, &prefixes(format, &base, &bytes));
            if bytes.len() as u64 > limit {
                return Err(Problem::TooLarge(limit));
            }
            Ok(Patched { dataset: Parsed::new(dataset, share), bytes, effect, content_type })
        })
        .await
    }

    /// A patch without effect; it does not create anything either.
    fn unchanged(&self, standing: Option<&Resource>) -> Result<Step, Problem> {
        let standing = standing.ok_or_else(|| Problem::NotFound(self.target.clone()))?;
        let validators =
            Validators { etag: tag(standing, crate::conditions::Variant::default()), modified: standing.modified };
        Ok(Step::Nothing(Some(validators), standing.class))
    }
}

/// The size that stands for the work of a patch: looking for matches can take long in a small document too.
fn work(patch: &Patch, size: u64) -> u64 {
    if patch.looks() { LARGE } else { size }
}

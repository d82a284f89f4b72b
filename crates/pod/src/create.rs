//! Creating and replacing: PUT and POST.
//!
//! What is missing of the path is created from the outside in, in the same commit, and never over a document.
//!
//! Spec: <https://solidproject.org/TR/protocol#server-put-patch-intermediate-containers>,
//! <https://solidproject.org/TR/protocol#server-post-container>

use crate::{
    auxiliary::pin,
    budget::Parsed,
    document::{MAX_CONTROL, group, parse},
    listing::{PREFIXES, own_statements},
    operation::Effect,
    problem::Problem,
    shape::{Shape, is_reserved_name},
    slug::names,
    store::{Body, Change, Expectation},
    write::{Draft, Incoming, Step, Writing},
};
use bytes::Bytes;
use oxrdf::Dataset;
use podbell_model::{
    ResourceClass, ResourceIri, Uuid,
    rdf::{self, RdfFormat},
};
use std::sync::Arc;

impl Writing<'_> {
    pub(crate) async fn put(&self, incoming: &Incoming) -> Result<Step, Problem> {
        match self.shape {
            Shape::Reserved => Err(Problem::AuxiliaryName(self.target.clone())),
            Shape::Acl { subject, root } => {
                let dataset = self.dataset(incoming, self.target).await?;
                self.put_acl(subject, *root, &incoming.content_type, &incoming.body, &dataset).await
            }
            Shape::Description { subject } => {
                let dataset = self.dataset(incoming, self.target).await?;
                self.put_description(subject, &incoming.content_type, &incoming.body, &dataset).await
            }
            Shape::Root | Shape::Container => self.put_container(incoming).await,
            Shape::Document => self.put_document(incoming).await,
        }
    }

    async fn put_document(&self, incoming: &Incoming) -> Result<Step, Problem> {
        let before = self.seen().await?;
        let issuers = self.issuers_before(self.target, before.as_ref()).await?;
        let dataset = self.optional_dataset(incoming, self.target).await?;
        self.keep_issuers(self.target, issuers.as_ref(), dataset.as_deref())?;
        let (expected, mut changes, effect) = if before.is_some() {
            (vec![pin(self.target, before.as_ref())], Vec::new(), Effect::Replaced)
        } else {
            let (expected, changes) = self.path_to(self.target).await?;
            (expected, changes, Effect::Created)
        };
        let id = self.pod.ids.next();
        let (change, class) = document(id, self.target, incoming, dataset.as_deref())?;
        changes.push(change);
        Ok(self.draft(expected, changes, effect, class, id))
    }

    async fn put_container(&self, incoming: &Incoming) -> Result<Step, Problem> {
        if self.seen().await?.is_some() {
            return Err(Problem::ContainerExists(self.target.clone()));
        }
        let (expected, mut changes) = self.path_to(self.target).await?;
        let description = self.first_description(incoming, self.target).await?;
        let id = self.new_container(self.target, description, &mut changes);
        Ok(self.draft(expected, changes, Effect::Created, ResourceClass::Container, id))
    }

    pub(crate) async fn post(&self, incoming: &Incoming, slug: Option<&str>, container: bool) -> Result<Step, Problem> {
        let parent = self.pod.standing(self.shape, self.target).await?;
        if parent.class != ResourceClass::Container {
            return Err(Problem::NotAContainer(self.target.clone()));
        }
        self.preconditions.judge_write(Some((&parent.version, parent.modified)))?;
        let member = self.free_name(names(self.target, slug, container, self.pod.ids.next())?).await?;
        let expected = vec![Expectation::Container(self.target.clone()), Expectation::Absent(member.clone())];
        let (mut changes, id, class) = (Vec::new(), self.pod.ids.next(), ResourceClass::Container);
        let (id, class) = if container {
            let description = self.first_description(incoming, &member).await?;
            (self.new_container(&member, description, &mut changes), class)
        } else {
            let dataset = self.optional_dataset(incoming, &member).await?;
            let issuers = self.issuers_before(&member, None).await?;
            self.keep_issuers(&member, issuers.as_ref(), dataset.as_deref())?;
            let (change, class) = document(id, &member, incoming, dataset.as_deref())?;
            changes.push(change);
            (id, class)
        };
        Ok(Step::Commit(Draft { expected, changes, effect: Effect::Created, resource: member, class, id }))
    }

    async fn free_name(&self, names: Vec<ResourceIri>) -> Result<ResourceIri, Problem> {
        for name in names {
            if !self.stands(&name).await? && !self.twin_stands(&name).await? {
                return Ok(name);
            }
        }
        Err(Problem::Contended)
    }

    /// What must be expected, and created, so that an absent name can be created.
    pub(crate) async fn path_to(&self, target: &ResourceIri) -> Result<(Vec<Expectation>, Vec<Change>), Problem> {
        if let Some(twin) = target.twin().filter(|twin| *twin != self.storage.root)
            && self.stands(&twin).await?
        {
            return Err(Problem::Twin(twin));
        }
        let mut expected = vec![Expectation::Absent(target.clone())];
        let mut missing = Vec::new();
        for ancestor in target.ancestors().take_while(|ancestor| self.storage.contains(ancestor)) {
            if self.stands(&ancestor).await? {
                expected.push(Expectation::Container(ancestor));
                break;
            }
            if let Some(document) = ancestor.twin()
                && self.stands(&document).await?
            {
                return Err(Problem::AncestorIsDocument(document));
            }
            if is_reserved_name(ancestor.name()) {
                return Err(Problem::AuxiliaryName(ancestor));
            }
            expected.push(Expectation::Absent(ancestor.clone()));
            missing.push(ancestor);
        }
        let mut changes = Vec::new();
        for container in missing.iter().rev() {
            self.new_container(container, None, &mut changes);
        }
        Ok((expected, changes))
    }

    /// Adds the creation of a container; the id that gives it its version.
    pub(crate) fn new_container(
        &self,
        container: &ResourceIri,
        description: Option<Bytes>,
        changes: &mut Vec<Change>,
    ) -> Uuid {
        let turtle: Arc<str> = RdfFormat::Turtle.media_type().into();
        let id = self.pod.ids.next();
        changes.push(Change::Put {
            id,
            resource: container.clone(),
            class: ResourceClass::Container,
            content_type: Arc::clone(&turtle),
            body: Body::Inline(Bytes::new()),
            group: None,
        });
        if let Some(body) = description {
            let (id, subject, body) = (self.pod.ids.next(), container.clone(), Body::Inline(body));
            changes.push(Change::PutDescription { id, subject, content_type: turtle, body });
        }
        id
    }

    /// The owner's own statements in the content of a new container, with absolute IRIs: the description lives under
    /// another name. None if there are none.
    async fn first_description(&self, incoming: &Incoming, container: &ResourceIri) -> Result<Option<Bytes>, Problem> {
        if incoming.body.size() == 0 {
            return Ok(None);
        }
        let dataset = self.dataset(incoming, container).await?;
        let own = own_statements(container, *container == self.storage.root, &dataset)?;
        self.guard_container(container, Some(&own)).await?;
        describing(&own)
    }

    /// The graph of content that must be RDF.
    async fn dataset(&self, incoming: &Incoming, base: &ResourceIri) -> Result<Parsed, Problem> {
        let dataset = self.optional_dataset(incoming, base).await?;
        dataset.ok_or_else(|| Problem::NotRdf(incoming.content_type.to_string()))
    }

    async fn optional_dataset(&self, incoming: &Incoming, base: &ResourceIri) -> Result<Option<Parsed>, Problem> {
        match &incoming.rdf {
            Some((format, bytes)) => parse(&self.pod.budget, *format, base, bytes.clone()).await.map(Some),
            None => Ok(None),
        }
    }

    pub(crate) async fn stands(&self, iri: &ResourceIri) -> Result<bool, Problem> {
        Ok(self.pod.store.resource(iri).await?.is_some())
    }

    async fn twin_stands(&self, iri: &ResourceIri) -> Result<bool, Problem> {
        match iri.twin() {
            Some(twin) => self.stands(&twin).await,
            None => Ok(false),
        }
    }
}

/// A description in Turtle, if it says anything.
pub(crate) fn describing(own: &Dataset) -> Result<Option<Bytes>, Problem> {
    if own.is_empty() {
        return Ok(None);
    }
    // What could not be read again would take the container with it.
    rdf::check(own)?;
    let bytes = Bytes::from(rdf::serialize(RdfFormat::Turtle, own, PREFIXES));
    if bytes.len() as u64 > MAX_CONTROL {
        return Err(Problem::TooLarge(MAX_CONTROL));
    }
    Ok(Some(bytes))
}

fn document(
    id: Uuid,
    resource: &ResourceIri,
    incoming: &Incoming,
    dataset: Option<&Dataset>,
) -> Result<(Change, ResourceClass), Problem> {
    let class = if dataset.is_some() { ResourceClass::RdfSource } else { ResourceClass::NonRdfSource };
    let change = Change::Put {
        id,
        resource: resource.clone(),
        class,
        content_type: Arc::clone(&incoming.content_type),
        body: incoming.body.clone(),
        group: dataset.map(group).transpose()?.flatten(),
    };
    Ok((change, class))
}

//! The pod: requests are planned, authorized elsewhere, and applied.
//!
//! Spec: <https://solidproject.org/TR/protocol#resources>

use crate::{
    access::access,
    budget::{BUDGET, Budget},
    document::{self, MAX_CONTROL, MAX_RDF, load},
    locks::Locks,
    negotiate::media_type,
    operation::{Action, Applied, Content, Operation, Outcome, Outline, Payload, Request},
    patch::Patch,
    problem::Problem,
    shape::{Links, Shape},
    storages::Storages,
    store::{Body, Store, StoreError},
};
use oxrdf::Dataset;
use podbell_model::{ResourceIri, Storage, Uuid};
use podbell_wac::Permitted;
use std::{fmt, sync::Arc};

/// Where ids of activities and names of new members come from: random in a server, counted in tests.
pub trait Ids: Send + Sync {
    /// An id that no other call returns.
    fn next(&self) -> Uuid;
}

impl<F: Fn() -> Uuid + Send + Sync> Ids for F {
    fn next(&self) -> Uuid {
        self()
    }
}

/// What must hold of an ACL before it is stored.
pub trait AclRules: Send + Sync {
    /// Judges the graph of an ACL by its IRI and that of its subject, the root of a storage or not.
    ///
    /// # Errors
    /// The reason for a refusal, for the client.
    fn judge(&self, acl: &ResourceIri, subject: &ResourceIri, is_root: bool, graph: &Dataset) -> Result<(), String>;
}

impl AclRules for podbell_wac::Rules {
    fn judge(&self, acl: &ResourceIri, subject: &ResourceIri, is_root: bool, graph: &Dataset) -> Result<(), String> {
        let document = podbell_wac::AclDocument::read(acl, subject, graph);
        podbell_wac::validate(&document, is_root, self).map_err(|invalid| invalid.to_string())
    }
}

/// The Solid resource server over one store.
pub struct Pod {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) acl_rules: Arc<dyn AclRules>,
    pub(crate) locks: Arc<Locks>,
    pub(crate) budget: Arc<Budget>,
    storages: Arc<Storages>,
}

impl Pod {
    /// Opens the pod on a store.
    pub async fn open(
        store: Arc<dyn Store>,
        ids: Arc<dyn Ids>,
        acl_rules: Arc<dyn AclRules>,
    ) -> Result<Self, StoreError> {
        let budget = Arc::new(Budget::of(BUDGET));
        let pod = Self { store, ids, acl_rules, locks: Arc::default(), budget, storages: Arc::default() };
        pod.refresh().await?;
        Ok(pod)
    }

    /// Sets so many bytes aside for the documents that are worked on at once, in place of [`BUDGET`].
    #[must_use]
    pub fn with_budget(mut self, bytes: u64) -> Self {
        self.budget = Arc::new(Budget::of(bytes));
        self
    }

    /// Learns of storages that were created or deleted not through this pod.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        self.storages.replace(self.store.storages().await?);
        Ok(())
    }

    /// The storage that a name is in, whether anything has that name or not.
    pub fn storage_of(&self, resource: &ResourceIri) -> Option<Arc<Storage>> {
        self.storages.containing(resource)
    }

    /// Every storage, as they come and go.
    pub fn storages(&self) -> &Arc<Storages> {
        &self.storages
    }

    pub(crate) fn remember(&self, storage: Storage) {
        self.storages.insert(storage);
    }

    pub(crate) fn forget(&self, storage: &Storage) {
        self.storages.remove(storage);
    }

    /// What links about a name lead to, by its spelling alone: for answers that tell nothing else.
    pub fn links(&self, target: &ResourceIri) -> Option<Links> {
        Some(Links::of(target, &*self.storage_of(target)?, None))
    }

    /// What a name can be, by its spelling alone.
    pub fn shape(&self, target: &ResourceIri) -> Option<Shape> {
        Some(Shape::of(target, &*self.storage_of(target)?))
    }

    /// Makes an operation of a request, so that it can be authorized.
    ///
    /// # Errors
    /// Those of [`Pod::outline`] and [`Pod::settle`].
    pub async fn plan(&self, request: Request) -> Result<Operation, Problem> {
        self.settle(self.outline(request).await?).await
    }

    /// Looks at what exists, and so makes an operation of an outline.
    pub async fn settle(&self, outline: Outline) -> Result<Operation, Problem> {
        let Outline { request, storage, shape, patch } = outline;
        let access = access(&*self.store, &storage, &shape, &request, patch.as_ref()).await?;
        Ok(Operation { request, storage, shape, patch, access })
    }

    /// Reads a request without a look at what exists. Of content, only a patch is read.
    ///
    /// # Errors
    /// Only what may be told to anybody: the name is in no storage, or the request is malformed in itself.
    pub async fn outline(&self, mut request: Request) -> Result<Outline, Problem> {
        let target = &request.target;
        let storage = self.storage_of(target).ok_or_else(|| Problem::NoStorage(target.clone()))?;
        let shape = Shape::of(target, &storage);
        let mut patch = None;
        match &mut request.action {
            Action::Put { content } | Action::Post { content, .. } => {
                media_type(&content.media_type()?)?;
            }
            Action::Patch { content } => {
                let mime = media_type(&content.media_type()?)?;
                let (body, parsed) = self.receive_patch(target, &shape, mime.essence_str(), content).await?;
                *content = Content::kept(content.content_type.clone(), body);
                patch = Some(parsed);
            }
            Action::Read(_) | Action::Delete => {}
        }
        Ok(Outline { request, storage, shape, patch })
    }

    /// Applies a permitted operation.
    pub async fn apply(&self, permitted: Permitted<Operation>) -> Result<Applied, Problem> {
        let (operation, permit) = permitted.into_parts();
        match &operation.request.action {
            Action::Read(reading) => {
                let outcome: Outcome = self.read(&operation, reading).await?;
                Ok(Applied::Done(outcome))
            }
            _ => self.write(operation, &permit).await,
        }
    }

    async fn receive_patch(
        &self,
        target: &ResourceIri,
        shape: &Shape,
        media_type: &str,
        content: &mut Content,
    ) -> Result<(Body, Result<Patch, Problem>), Problem> {
        let bytes = self.receive(content, limit(shape)).await?;
        let (base, media_type, document) = (target.clone(), media_type.to_owned(), bytes.clone());
        // Given back before a share for the target is waited for.
        let _share = self.budget.share(bytes.len() as u64).await?;
        let parsed = document::aside(bytes.len() as u64, move || Ok(Patch::parse(&media_type, &base, &document)));
        Ok((Body::Inline(bytes), parsed.await?))
    }

    /// Receives the content of a request in memory.
    pub(crate) async fn receive(&self, content: &mut Content, limit: u64) -> Result<bytes::Bytes, Problem> {
        if content.announced.is_some_and(|bytes| bytes > limit) {
            return Err(Problem::TooLarge(limit));
        }
        let empty = Payload::Kept(Body::Inline(bytes::Bytes::new()));
        match std::mem::replace(&mut content.payload, empty) {
            Payload::Stream(stream) => document::receive(&self.budget, stream.into_inner(), limit).await,
            Payload::Kept(body) => load(&*self.store, &body).await,
        }
    }
}

impl fmt::Debug for Pod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pod").field("storages", &self.storages.all().len()).finish_non_exhaustive()
    }
}

/// Longest RDF content of a target, in bytes.
pub(crate) fn limit(shape: &Shape) -> u64 {
    match shape {
        Shape::Acl { .. } | Shape::Description { .. } => MAX_CONTROL,
        Shape::Root | Shape::Container | Shape::Document | Shape::Reserved => MAX_RDF,
    }
}

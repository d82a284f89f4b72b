//! Writing: what was seen is pinned, the write set is committed, and who lost a race looks again.
//!
//! Preconditions are judged against the state that the expectations pin, so nothing slips in between. A write that
//! would need more than was permitted, or whose rules changed, is handed back and nothing is done.
//!
//! Spec: <https://solidproject.org/TR/protocol#writing-resources>

use crate::{
    access::{access, covers},
    auxiliary::pin,
    conditions::{Preconditions, default_tag},
    document::{Issuers, issuers, load, parse_stored},
    negotiate::format_of,
    operation::{Action, Applied, Content, Effect, Operation, Outcome, Payload, Request, Validators, Written},
    patch::Patch,
    pod::{Pod, limit},
    problem::Problem,
    shape::{Links, Shape},
    store::{Body, ByteStream, Change, CommitError, Expectation, INLINE_BODY, Resource, WriteSet},
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use oxrdf::Dataset;
use parking_lot::Mutex;
use podbell_model::{
    Auxiliary, ResourceClass, ResourceIri, Storage, Timestamp, Uuid, WebId,
    activity::version,
    rdf::{self, RdfFormat},
};
use podbell_wac::Permit;
use std::{io, sync::Arc};

/// How often a write looks again after somebody else was first.
const ATTEMPTS: usize = 16;

/// Content that was received: ready to be committed.
pub(crate) struct Incoming {
    pub(crate) content_type: Arc<str>,
    pub(crate) body: Body,
    /// If it claims to be RDF: the syntax and the bytes.
    pub(crate) rdf: Option<(RdfFormat, Bytes)>,
}

/// What of some content fits into the quota.
pub(crate) struct Room {
    bytes: u64,
    quota: u64,
}

pub(crate) enum Work {
    Put(Incoming),
    Post { incoming: Incoming, slug: Option<Arc<str>>, container: bool },
    Patch(Arc<Patch>),
    Delete,
}

/// One attempt at a write.
pub(crate) enum Step {
    /// To be committed.
    Commit(Draft),
    /// Nothing to commit: the state of the resource.
    Nothing(Option<Validators>, ResourceClass),
}

/// What is to be committed, and what it does to the resource.
pub(crate) struct Draft {
    pub(crate) expected: Vec<Expectation>,
    pub(crate) changes: Vec<Change>,
    pub(crate) effect: Effect,
    pub(crate) resource: ResourceIri,
    pub(crate) class: ResourceClass,
    /// Id of the activity that gives the resource its version.
    pub(crate) id: Uuid,
}

/// What every attempt at a write looks at.
pub(crate) struct Writing<'a> {
    pub(crate) pod: &'a Pod,
    pub(crate) storage: &'a Storage,
    pub(crate) shape: &'a Shape,
    pub(crate) target: &'a ResourceIri,
    pub(crate) preconditions: &'a Preconditions,
    pub(crate) actor: Option<&'a WebId>,
    pub(crate) now: Timestamp,
}

impl Pod {
    /// Does a write.
    pub(crate) async fn write(&self, operation: Operation, permit: &Permit) -> Result<Applied, Problem> {
        let Operation { mut request, storage, shape, patch, access: planned } = operation;
        let work = self.receive_work(&mut request, &storage, &shape, patch).await?;
        let patch = match &work {
            Work::Patch(patch) => Some(Ok(Patch::clone(patch))),
            _ => None,
        };
        let subject = match &shape {
            Shape::Acl { subject, .. } | Shape::Description { subject } => subject,
            _ => &request.target,
        };
        // Members are created in parallel: their names keep them apart.
        let _turn = match work {
            Work::Post { .. } => None,
            _ => Some(self.locks.hold(subject).await),
        };
        for _ in 0..ATTEMPTS {
            let now = access(&*self.store, &storage, &shape, &request, patch.as_ref()).await?;
            if !covers(&storage, &planned, &now) {
                return Ok(Applied::Again(request));
            }
            let writing = Writing {
                pod: self,
                storage: &storage,
                shape: &shape,
                target: &request.target,
                preconditions: &request.preconditions,
                actor: permit.subject().webid.as_ref(),
                now: request.now,
            };
            let draft = match writing.attempt(&work).await? {
                Step::Commit(draft) => draft,
                Step::Nothing(validators, class) => {
                    let links = Links::of(&request.target, &storage, Some(class));
                    let resource = request.target.clone();
                    return Ok(done(Written { effect: Effect::Unchanged, resource, validators, links }));
                }
            };
            let writes = WriteSet {
                storage: storage.id,
                permitted_as_of: permit.permitted_as_of(),
                depends_on: permit.depends_on(),
                expected: draft.expected,
                changes: draft.changes,
                actor: permit.subject().webid.clone(),
                now: request.now,
                causes: Arc::clone(&request.causes),
                rules_as_of: request.rules_as_of,
            };
            match self.store.commit(writes).await {
                Ok(_) => {
                    let deleted = draft.effect == Effect::Deleted;
                    let validators = Validators { etag: default_tag(&version(draft.id)), modified: request.now };
                    return Ok(done(Written {
                        effect: draft.effect,
                        validators: (!deleted).then_some(validators),
                        links: Links::of(&draft.resource, &storage, (!deleted).then_some(draft.class)),
                        resource: draft.resource,
                    }));
                }
                Err(CommitError::Conflict(_)) => {}
                Err(CommitError::PolicyChanged) => return Ok(Applied::Again(request)),
                Err(CommitError::NoStorage) => {
                    self.forget(&storage);
                    return Err(Problem::NoStorage(request.target));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(Problem::Contended)
    }

    /// Receives the content before anybody waits for a turn; the request keeps it, should it be handed back.
    async fn receive_work(
        &self,
        request: &mut Request,
        storage: &Storage,
        shape: &Shape,
        patch: Option<Result<Patch, Problem>>,
    ) -> Result<Work, Problem> {
        Ok(match &mut request.action {
            Action::Put { content } => {
                let room = self.room(storage, Some(&request.target), content).await?;
                Work::Put(self.receive_content(content, shape, room).await?)
            }
            Action::Post { content, slug, container } => {
                let room = self.room(storage, None, content).await?;
                let incoming = self.receive_content(content, shape, room).await?;
                Work::Post { incoming, slug: slug.clone(), container: *container }
            }
            Action::Patch { .. } => match patch {
                Some(patch) => Work::Patch(Arc::new(patch?)),
                None => return Err(Problem::Interrupted),
            },
            Action::Delete | Action::Read(_) => Work::Delete,
        })
    }

    /// What of the content fits into the quota: a look ahead, so that much is not received in vain. The commit decides.
    async fn room(
        &self,
        storage: &Storage,
        replaced: Option<&ResourceIri>,
        content: &Content,
    ) -> Result<Option<Room>, Problem> {
        let is_small = content.announced.is_some_and(|bytes| bytes <= INLINE_BODY as u64);
        if is_small || matches!(content.payload, Payload::Kept(_)) {
            return Ok(None);
        }
        let usage = self.store.usage(storage.id).await?;
        let Some((room, quota)) = usage.room().zip(usage.quota) else { return Ok(None) };
        let replaced = match replaced {
            Some(target) => self.store.resource(target).await?.map_or(0, |resource| resource.body.size()),
            None => 0,
        };
        // One that is over its quota already may still be given less than it had.
        let room = Room { bytes: room + replaced, quota };
        match content.announced {
            Some(bytes) if bytes > room.bytes => Err(Problem::OverQuota(quota)),
            _ => Ok(Some(room)),
        }
    }

    pub(crate) async fn receive_content(
        &self,
        content: &mut Content,
        shape: &Shape,
        room: Option<Room>,
    ) -> Result<Incoming, Problem> {
        let content_type = content.media_type()?;
        let rdf = match format_of(&content_type) {
            Some(format) => Some((format, self.receive(content, limit(shape)).await?)),
            None => None,
        };
        let body = match &rdf {
            Some((_, bytes)) => self.stage(bytes.clone()).await?,
            None => match std::mem::replace(&mut content.payload, Payload::Kept(Body::Inline(Bytes::new()))) {
                Payload::Kept(Body::Inline(bytes)) => self.stage(bytes).await?,
                Payload::Kept(body) => body,
                Payload::Stream(stream) => self.stage_stream(stream.into_inner(), room).await?,
            },
        };
        *content = Content::kept(content.content_type.clone(), body.clone());
        Ok(Incoming { content_type, body, rdf })
    }

    /// Makes bytes ready to be committed.
    pub(crate) async fn stage(&self, bytes: Bytes) -> Result<Body, Problem> {
        if bytes.len() <= INLINE_BODY {
            return Ok(Body::Inline(bytes));
        }
        Ok(self.store.stage(stream::iter([Ok(bytes)]).boxed()).await?)
    }

    /// Tells a client that broke off, or sends more than fits, from a store that failed.
    async fn stage_stream(&self, stream: ByteStream, room: Option<Room>) -> Result<Body, Problem> {
        let broken = Arc::new(Mutex::new(None));
        let seen = Arc::clone(&broken);
        let mut received = 0;
        let stream = stream.map(move |chunk| {
            received += chunk.as_ref().map_or(0, Bytes::len) as u64;
            match (chunk, &room) {
                (Ok(_), Some(room)) if received > room.bytes => {
                    *seen.lock() = Some(Problem::OverQuota(room.quota));
                    Err(io::Error::from(io::ErrorKind::QuotaExceeded))
                }
                (Ok(chunk), _) => Ok(chunk),
                (Err(error), _) => {
                    let kind = error.kind();
                    *seen.lock() = Some(Problem::Receive(error));
                    Err(io::Error::from(kind))
                }
            }
        });
        let staged = self.store.stage(stream.boxed()).await;
        let broken = broken.lock().take();
        match (staged, broken) {
            (Err(_), Some(problem)) => Err(problem),
            (staged, _) => Ok(staged?),
        }
    }
}

fn done(written: Written) -> Applied {
    Applied::Done(Outcome::Written(Box::new(written)))
}

impl Writing<'_> {
    pub(crate) async fn attempt(&self, work: &Work) -> Result<Step, Problem> {
        match work {
            Work::Put(incoming) => self.put(incoming).await,
            Work::Post { incoming, slug, container } => self.post(incoming, slug.as_deref(), *container).await,
            Work::Patch(patch) => self.patch(patch).await,
            Work::Delete => self.delete().await,
        }
    }

    /// What stands under the target's name, with the preconditions judged against it.
    pub(crate) async fn seen(&self) -> Result<Option<Resource>, Problem> {
        let resource = self.pod.store.resource(self.target).await?;
        self.preconditions.judge_write(resource.as_ref().map(|r| (&*r.version, r.modified)))?;
        Ok(resource)
    }

    async fn delete(&self) -> Result<Step, Problem> {
        match self.shape {
            Shape::Root | Shape::Acl { root: true, .. } => Err(Problem::RootProtected(self.target.clone())),
            Shape::Reserved => Err(Problem::NotFound(self.target.clone())),
            Shape::Acl { subject, .. } => self.delete_acl(subject).await,
            Shape::Description { subject } => self.delete_description(subject).await,
            Shape::Container | Shape::Document => self.delete_resource().await,
        }
    }

    async fn delete_resource(&self) -> Result<Step, Problem> {
        let resource = self.pod.store.resource(self.target).await?;
        let resource = resource.ok_or_else(|| Problem::NotFound(self.target.clone()))?;
        self.preconditions.judge_write(Some((&resource.version, resource.modified)))?;
        let mut expected = vec![pin(self.target, Some(&resource))];
        if resource.class == ResourceClass::Container {
            if !self.pod.store.members_after(self.target, None, 1).await?.is_empty() {
                return Err(Problem::NotEmpty(self.target.clone()));
            }
            expected.push(Expectation::Empty(self.target.clone()));
            self.guard_container(self.target, None).await?;
        }
        let issuers = self.issuers_before(self.target, Some(&resource)).await?;
        self.keep_issuers(self.target, issuers.as_ref(), None)?;
        let id = self.pod.ids.next();
        let changes = vec![Change::Delete { id, resource: self.target.clone() }];
        Ok(self.draft(expected, changes, Effect::Deleted, resource.class, id))
    }

    pub(crate) fn draft(
        &self,
        expected: Vec<Expectation>,
        changes: Vec<Change>,
        effect: Effect,
        class: ResourceClass,
        id: Uuid,
    ) -> Step {
        Step::Commit(Draft { expected, changes, effect, resource: self.target.clone(), class, id })
    }

    /// Who may speak for the WebIDs of a document as it stands; none if the owner of the storage asks, who may change it.
    pub(crate) async fn issuers_before(
        &self,
        document: &ResourceIri,
        before: Option<&Resource>,
    ) -> Result<Option<Issuers>, Problem> {
        if self.actor == Some(&self.storage.owner) {
            return Ok(None);
        }
        Ok(Some(match before.and_then(|resource| Some((resource, format_of(&resource.content_type)?))) {
            Some((resource, format)) if resource.class == ResourceClass::RdfSource => {
                let (store, budget) = (&*self.pod.store, &self.pod.budget);
                issuers(document, &*parse_stored(store, budget, format, document, &resource.body).await?)
            }
            _ => Issuers::new(),
        }))
    }

    /// Only the owner of the storage changes who may speak for the WebIDs of a container that has such statements, or
    /// that is the owner's own: it says what its description says.
    pub(crate) async fn guard_container(
        &self,
        container: &ResourceIri,
        after: Option<&Dataset>,
    ) -> Result<(), Problem> {
        if self.actor == Some(&self.storage.owner) {
            return Ok(());
        }
        let description = container.auxiliary(Auxiliary::Description);
        let before = self.pod.store.resource(&description).await?;
        let before = match before.and_then(|resource| Some((format_of(&resource.content_type)?, resource))) {
            Some((format, resource)) => {
                let bytes = load(&*self.pod.store, &resource.body).await?;
                // Small, and dropped at once: who has a share already must not wait for another.
                issuers(container, &rdf::parse(format, description.as_str(), &bytes)?)
            }
            None => Issuers::new(),
        };
        self.keep_issuers(container, Some(&before), after)
    }

    /// Only the owner of the storage changes who may speak for the WebIDs of a document that has such statements, or
    /// that is the owner's own. `before` is what [`Writing::issuers_before`] told.
    ///
    /// Spec: <https://solid.github.io/webid-profile/>
    pub(crate) fn keep_issuers(
        &self,
        document: &ResourceIri,
        before: Option<&Issuers>,
        after: Option<&Dataset>,
    ) -> Result<(), Problem> {
        let Some(before) = before else { return Ok(()) };
        let after = after.map(|dataset| issuers(document, dataset)).unwrap_or_default();
        let hosted = !before.is_empty() || self.storage.owner.document() == document.as_str();
        if hosted && *before != after {
            return Err(Problem::IssuerProtected(document.clone()));
        }
        Ok(())
    }
}

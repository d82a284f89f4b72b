//! Pods as whoever owns the data directory keeps them: everything in them, how much that is, and how much it may be.
//!
//! Nobody is asked for a permission here, so nothing of it is reached by a request about a resource.

use crate::{
    document::{convert, load},
    members::{MemberStream, portions},
    negotiate::format_of,
    pod::Pod,
    problem::Problem,
    store::{Body, ByteStream, CommitError, Quota, Resource, StoreError, Usage},
};
use bytes::Bytes;
use podbell_model::{ResourceIri, Storage, rdf::RdfFormat};
use std::sync::Arc;

impl Pod {
    /// What a storage holds and may hold.
    pub async fn usage(&self, storage: &Storage) -> Result<Usage, CommitError> {
        self.store.usage(storage.id).await
    }

    /// Says how much a storage may hold.
    pub async fn set_quota(&self, storage: &Storage, quota: Quota) -> Result<(), CommitError> {
        self.store.set_quota(storage.id, quota).await
    }

    /// A resource as it is kept.
    pub async fn kept(&self, iri: &ResourceIri) -> Result<Option<Resource>, StoreError> {
        self.store.resource(iri).await
    }

    /// What is in a container, auxiliary resources left out, some at a time.
    pub fn kept_in(&self, container: &ResourceIri) -> MemberStream {
        portions(Arc::clone(&self.store), container.clone(), None)
    }

    /// The bytes of a body.
    pub async fn bytes_of(&self, body: &Body) -> Result<ByteStream, StoreError> {
        self.store.open(body, 0).await
    }

    /// A document, all of it; for those that are known to be small.
    pub async fn whole(&self, resource: &Resource) -> Result<Bytes, Problem> {
        load(&*self.store, &resource.body).await
    }

    /// An RDF document in Turtle: as it was written, if it was written so.
    pub async fn turtle_of(&self, resource: &Resource) -> Result<Bytes, Problem> {
        match format_of(&resource.content_type) {
            Some(RdfFormat::Turtle) | None => self.whole(resource).await,
            Some(format) => {
                let (store, budget, body) = (&*self.store, &self.budget, &resource.body);
                convert(store, budget, format, RdfFormat::Turtle, &resource.iri, body).await
            }
        }
    }
}

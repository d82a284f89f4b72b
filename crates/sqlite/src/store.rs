//! The pod's store.

use crate::{
    Sqlite,
    error::{self, EngineError, Refusal},
    quota, resources, storages,
};
use podbell_model::{ResourceIri, Sequence, Storage, StorageId, Timestamp, WebId};
use podbell_pod::store::{
    Body, ByteStream, Change, CommitError, Committed, Member, Quota, Resource, Store, StoreError, Usage, WriteSet,
};
use std::sync::Arc;

#[async_trait::async_trait]
impl Store for Sqlite {
    async fn storages(&self) -> Result<Vec<Storage>, StoreError> {
        self.readers.read(|db| Ok(storages::all(db, true)?)).await.map_err(error::store)
    }

    async fn resource(&self, iri: &ResourceIri) -> Result<Option<Resource>, StoreError> {
        let iri = iri.clone();
        self.readers.read(move |db| Ok(resources::resource(db, &iri)?)).await.map_err(error::store)
    }

    async fn newest(&self) -> Result<Sequence, StoreError> {
        self.readers.read(|db| Ok(resources::newest(db)?)).await.map_err(error::store)
    }

    async fn members_after(
        &self,
        container: &ResourceIri,
        after: Option<&ResourceIri>,
        limit: usize,
    ) -> Result<Vec<Member>, StoreError> {
        let (container, after) = (container.clone(), after.cloned());
        let members = move |db: &_| Ok(resources::members(db, &container, after.as_ref(), limit)?);
        self.readers.read(members).await.map_err(error::store)
    }

    async fn stage(&self, body: ByteStream) -> Result<Body, CommitError> {
        Arc::clone(&self.bodies).stage(body).await
    }

    async fn open(&self, body: &Body, offset: u64) -> Result<ByteStream, StoreError> {
        self.bodies.read(body, offset).await.map_err(|error| error::store(error.into()))
    }

    async fn commit(&self, writes: WriteSet) -> Result<Committed, CommitError> {
        let (bodies, quota) = (Arc::clone(&self.bodies), self.quota);
        let commit = self.writer.write::<_, Refusal>(move |step| {
            bodies.check(&writes.changes)?;
            storages::commit(step, writes, quota)
        });
        Ok(commit.await?)
    }

    async fn create_storage(
        &self,
        root: ResourceIri,
        owner: WebId,
        changes: Vec<Change>,
        now: Timestamp,
    ) -> Result<(Storage, Committed), CommitError> {
        self.make_storage(root, owner, changes, now, true).await
    }

    async fn begin_storage(
        &self,
        root: ResourceIri,
        owner: WebId,
        changes: Vec<Change>,
        now: Timestamp,
    ) -> Result<(Storage, Committed), CommitError> {
        self.make_storage(root, owner, changes, now, false).await
    }

    async fn date(&self, storage: StorageId, dates: Vec<(ResourceIri, Timestamp)>) -> Result<(), CommitError> {
        Ok(self.writer.write::<_, Refusal>(move |step| storages::date(step.db, storage, &dates)).await?)
    }

    async fn finish_storage(&self, storage: StorageId) -> Result<(), CommitError> {
        Ok(self.writer.write::<_, Refusal>(move |step| storages::finish(step.db, storage)).await?)
    }

    async fn unfinished(&self) -> Result<Vec<Storage>, StoreError> {
        self.readers.read(|db| Ok(storages::all(db, false)?)).await.map_err(error::store)
    }

    async fn usage(&self, storage: StorageId) -> Result<Usage, CommitError> {
        let default = self.quota;
        // Not being there is an answer, not a failure of the engine.
        let read = self.readers.read(move |db| match quota::usage(db, storage, default) {
            Ok(usage) => Ok(Some(usage)),
            Err(Refusal::Commit(_)) => Ok(None),
            Err(Refusal::Engine(error)) => Err(error),
        });
        read.await.map_err(error::store)?.ok_or(CommitError::NoStorage)
    }

    async fn set_quota(&self, storage: StorageId, quota: Quota) -> Result<(), CommitError> {
        Ok(self.writer.write::<_, Refusal>(move |step| quota::set(step.db, storage, quota)).await?)
    }

    async fn delete_storage(&self, storage: StorageId, now: Timestamp) -> Result<Committed, CommitError> {
        Ok(self.writer.write::<_, Refusal>(move |step| storages::delete(step, storage, now)).await?)
    }
}

impl Sqlite {
    async fn make_storage(
        &self,
        root: ResourceIri,
        owner: WebId,
        changes: Vec<Change>,
        now: Timestamp,
        finished: bool,
    ) -> Result<(Storage, Committed), CommitError> {
        let bodies = Arc::clone(&self.bodies);
        let create = self.writer.write::<_, Refusal>(move |step| {
            bodies.check(&changes)?;
            storages::create(step, root, owner, changes, now, finished)
        });
        Ok(create.await?)
    }

    /// Prunes what is older than it need be and sweeps bodies that nothing refers to; for a call every few minutes.
    ///
    /// In small steps, between which writers come first.
    pub async fn tend(&self, now: Timestamp) -> Result<(), EngineError> {
        for storage in self.readers.read(|db| Ok(crate::retention::storages(db)?)).await? {
            self.prune(storage, now).await?;
        }
        self.sweep_bodies(now).await
    }
}

#[cfg(test)]
mod tests {
    use crate::{Sqlite, retention::Limits};
    use podbell_log::Fence;
    use podbell_model::Timestamp;
    use podbell_pod::{store::Store, testing::Fixture};
    use std::sync::Arc;

    #[async_trait::async_trait]
    impl Fixture for Sqlite {
        type Store = Sqlite;

        async fn fresh() -> Self {
            crate::fresh::store()
        }

        fn store(&self) -> &Sqlite {
            self
        }

        fn fence(&self) -> Arc<Fence> {
            self.fence()
        }

        async fn prune(&self, records: u64) {
            let limits = Limits { records, ..self.limits };
            for storage in self.storages().await.unwrap() {
                self.prune_to(storage.id, Timestamp::MIN, limits).await.unwrap();
            }
        }
    }

    podbell_pod::store_contract!(Sqlite);
}

//! A store in memory: simple, and right at a glance.

use super::{state::State, writing::Writing};
use crate::store::{
    Body, ByteStream, Change, CommitError, Committed, INLINE_BODY, Member, Quota, Resource, Store, StoreError, Usage,
    WriteSet,
};
use aws_lc_rs::digest::{SHA256, digest};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, TryStreamExt, stream};
use parking_lot::Mutex;
use podbell_log::{At, Commit, Fact, Fence, Horizon, Log, LogError, PolicyHistory, PolicySnapshot, Record};
use podbell_model::{Generation, ResourceIri, Sequence, Storage, StorageId, StreamPosition, Timestamp, WebId};
use std::{collections::HashMap, fmt::Write, io, sync::Arc};
use tokio::sync::watch;

/// A store that forgets everything with the process.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: Mutex<State>,
    bodies: Mutex<HashMap<Arc<str>, Bytes>>,
    head: watch::Sender<Sequence>,
    fence: Arc<Fence>,
}

impl MemoryStore {
    /// A store without storages.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// The fence that a change of policy raises.
    pub fn fence(&self) -> Arc<Fence> {
        Arc::clone(&self.fence)
    }

    /// Forgets all records but the newest `keep` of each storage, as retention does.
    pub fn prune(&self, keep: u64) {
        self.state.lock().prune(keep);
    }

    fn all(&self, finished: bool) -> Vec<Storage> {
        let state = self.state.lock();
        let pods = state.pods.values().filter(|pod| pod.finished == finished);
        pods.map(|pod| pod.storage.clone()).collect()
    }

    fn transact<T>(
        &self,
        work: impl FnOnce(&mut State) -> Result<T, CommitError>,
        committed: impl FnOnce(&T) -> &Committed,
    ) -> Result<T, CommitError> {
        let mut state = self.state.lock();
        let mut next = state.clone();
        let done = work(&mut next)?;
        *state = next;
        self.head.send_replace(state.head);
        drop(state);
        let Committed { sequence, records } = committed(&done);
        if records.iter().any(|record| matches!(record.fact, Fact::Policy { .. } | Fact::Storage(..))) {
            self.fence.raise(*sequence);
        }
        Ok(done)
    }
}

#[async_trait::async_trait]
impl Store for MemoryStore {
    async fn storages(&self) -> Result<Vec<Storage>, StoreError> {
        Ok(self.all(true))
    }

    async fn resource(&self, iri: &ResourceIri) -> Result<Option<Resource>, StoreError> {
        Ok(self.state.lock().resources.get(iri).cloned())
    }

    async fn newest(&self) -> Result<Sequence, StoreError> {
        Ok(self.state.lock().head)
    }

    async fn members_after(
        &self,
        container: &ResourceIri,
        after: Option<&ResourceIri>,
        limit: usize,
    ) -> Result<Vec<Member>, StoreError> {
        let members = self.state.lock().members(container);
        Ok(members.into_iter().filter(|member| after.is_none_or(|after| member.iri > *after)).take(limit).collect())
    }

    async fn stage(&self, body: ByteStream) -> Result<Body, CommitError> {
        let bytes: BytesMut = body.try_collect().await.map_err(|error| StoreError(Box::new(error)))?;
        let bytes = bytes.freeze();
        if bytes.len() <= INLINE_BODY {
            return Ok(Body::Inline(bytes));
        }
        let mut name = String::new();
        for byte in digest(&SHA256, &bytes).as_ref() {
            let _ = write!(name, "{byte:02x}");
        }
        let (name, size) = (Arc::<str>::from(name), bytes.len() as u64);
        self.bodies.lock().insert(Arc::clone(&name), bytes);
        Ok(Body::File { digest: name, size })
    }

    async fn open(&self, body: &Body, offset: u64) -> Result<ByteStream, StoreError> {
        let bytes = match body {
            Body::Inline(bytes) => Some(bytes.clone()),
            Body::File { digest, .. } => self.bodies.lock().get(digest).cloned(),
        };
        let mut bytes = bytes.ok_or_else(|| StoreError(Box::new(io::Error::from(io::ErrorKind::NotFound))))?;
        let offset = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        Ok(stream::iter([Ok(bytes.split_off(offset))]).boxed())
    }

    async fn commit(&self, writes: WriteSet) -> Result<Committed, CommitError> {
        self.transact(|state| Writing::commit(state, writes), |committed| committed)
    }

    async fn create_storage(
        &self,
        root: ResourceIri,
        owner: WebId,
        changes: Vec<Change>,
        now: Timestamp,
    ) -> Result<(Storage, Committed), CommitError> {
        self.transact(|state| Writing::create_storage(state, root, owner, changes, now, true), |done| &done.1)
    }

    async fn begin_storage(
        &self,
        root: ResourceIri,
        owner: WebId,
        changes: Vec<Change>,
        now: Timestamp,
    ) -> Result<(Storage, Committed), CommitError> {
        self.transact(|state| Writing::create_storage(state, root, owner, changes, now, false), |done| &done.1)
    }

    async fn date(&self, storage: StorageId, dates: Vec<(ResourceIri, Timestamp)>) -> Result<(), CommitError> {
        let mut state = self.state.lock();
        if state.pods.get(&storage).is_none_or(|pod| pod.finished) {
            return Err(CommitError::NoStorage);
        }
        for (resource, modified) in dates {
            if let Some(kept) = state.resources.get_mut(&resource).filter(|kept| kept.storage == storage) {
                kept.modified = modified;
            }
        }
        Ok(())
    }

    async fn finish_storage(&self, storage: StorageId) -> Result<(), CommitError> {
        self.state.lock().pods.get_mut(&storage).ok_or(CommitError::NoStorage)?.finished = true;
        Ok(())
    }

    async fn unfinished(&self) -> Result<Vec<Storage>, StoreError> {
        Ok(self.all(false))
    }

    async fn usage(&self, storage: StorageId) -> Result<Usage, CommitError> {
        self.state.lock().usage(storage).ok_or(CommitError::NoStorage)
    }

    async fn set_quota(&self, storage: StorageId, quota: Quota) -> Result<(), CommitError> {
        self.state.lock().pods.get_mut(&storage).ok_or(CommitError::NoStorage)?.quota = quota;
        Ok(())
    }

    async fn delete_storage(&self, storage: StorageId, now: Timestamp) -> Result<Committed, CommitError> {
        self.transact(|state| Writing::delete_storage(state, storage, now), |committed| committed)
    }
}

#[async_trait::async_trait]
impl Log for MemoryStore {
    fn head(&self) -> Sequence {
        *self.head.borrow()
    }

    fn watch(&self) -> watch::Receiver<Sequence> {
        self.head.subscribe()
    }

    async fn read(&self, after: Sequence, limit: usize) -> Result<Vec<Arc<Commit>>, LogError> {
        self.state.lock().read(after, limit)
    }

    async fn read_of(
        &self,
        storages: &[StorageId],
        after: Sequence,
        limit: usize,
    ) -> Result<Vec<Arc<Commit>>, LogError> {
        self.state.lock().read_of(storages, after, limit)
    }

    async fn read_storage(
        &self,
        storage: StorageId,
        after: StreamPosition,
        limit: usize,
    ) -> Result<Vec<Record>, LogError> {
        self.state.lock().read_storage(storage, after, limit)
    }

    async fn read_back(
        &self,
        storage: StorageId,
        before: Option<StreamPosition>,
        limit: usize,
    ) -> Result<Vec<Record>, LogError> {
        self.state.lock().read_back(storage, before, limit)
    }

    async fn reached(&self, storage: StorageId, by: &[Timestamp]) -> Result<Vec<StreamPosition>, LogError> {
        self.state.lock().reached(storage, by)
    }

    async fn horizon(&self, storage: StorageId) -> Result<Horizon, LogError> {
        self.state.lock().horizon(storage)
    }
}

#[async_trait::async_trait]
impl PolicyHistory for MemoryStore {
    async fn policies(&self, documents: &[ResourceIri], at: At) -> Result<PolicySnapshot, LogError> {
        self.state.lock().policies(documents, at)
    }

    async fn ended(&self, resource: &ResourceIri, generation: Generation) -> Result<Option<Sequence>, LogError> {
        Ok(self.state.lock().ended.get(&(resource.clone(), generation)).copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Fixture;

    struct InMemory(Arc<MemoryStore>);

    #[async_trait::async_trait]
    impl Fixture for InMemory {
        type Store = MemoryStore;

        async fn fresh() -> Self {
            Self(MemoryStore::new())
        }

        fn store(&self) -> &MemoryStore {
            &self.0
        }

        fn fence(&self) -> Arc<Fence> {
            self.0.fence()
        }

        async fn prune(&self, keep: u64) {
            self.0.prune(keep);
        }
    }

    crate::store_contract!(InMemory);
}

//! Everything that the store in memory knows; a commit works on a copy, which makes it all or nothing.

use crate::store::{CommitError, Expectation, Member, Quota, Resource, Usage};
use podbell_log::{At, Commit, Fact, Horizon, LogError, PolicyBody, PolicyKind, PolicySnapshot, Record};
use podbell_model::{Generation, ResourceClass, ResourceIri, Sequence, Storage, StorageId, StreamPosition, Timestamp};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// One storage and where its log stands.
#[derive(Clone, Debug)]
pub(super) struct Pod {
    pub(super) storage: Storage,
    pub(super) newest: u64,
    /// Offset of the newest record that was forgotten.
    pub(super) pruned: u64,
    /// The newest commit with records here that was forgotten.
    pub(super) forgotten: Sequence,
    pub(super) finished: bool,
    pub(super) quota: Quota,
}

impl State {
    /// What a storage holds; of which nothing is said may hold what it likes.
    pub(super) fn usage(&self, id: StorageId) -> Option<Usage> {
        let pod = self.pods.get(&id)?;
        let used = self.resources.values().filter(|row| row.storage == id).map(|row| row.body.size()).sum();
        let quota = if let Quota::Bytes(quota) = pod.quota { Some(quota) } else { None };
        Some(Usage { used, quota })
    }
}

/// The history of one policy document, oldest first; without a body where it ended.
pub(super) type History = Vec<(Sequence, Option<Arc<PolicyBody>>)>;

/// The epoch of every storage: this store never loses history without saying so.
pub(super) const EPOCH: u64 = 1;

#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) head: Sequence,
    pub(super) last_storage: u64,
    pub(super) pods: BTreeMap<StorageId, Pod>,
    pub(super) resources: BTreeMap<ResourceIri, Resource>,
    pub(super) policy: HashMap<ResourceIri, History>,
    pub(super) ended: HashMap<(ResourceIri, Generation), Sequence>,
    pub(super) commits: Vec<Arc<Commit>>,
    /// The newest commit that was forgotten.
    pub(super) pruned: Sequence,
}

impl State {
    pub(super) fn members(&self, container: &ResourceIri) -> Vec<Member> {
        self.resources
            .values()
            .filter(|row| row.iri.parent().as_ref() == Some(container) && row.iri.as_auxiliary().is_none())
            .map(|row| Member {
                iri: row.iri.clone(),
                class: row.class,
                content_type: Arc::clone(&row.content_type),
                modified: row.modified,
                size: row.body.size(),
                generation: row.generation,
            })
            .collect()
    }

    pub(super) fn check(&self, expectation: &Expectation) -> Result<(), CommitError> {
        let exists = |iri: &ResourceIri| self.resources.contains_key(iri);
        let (iri, holds) = match expectation {
            Expectation::Absent(iri) => (iri, !exists(iri) && !iri.twin().is_some_and(|twin| exists(&twin))),
            Expectation::Version(iri, version) => {
                (iri, self.resources.get(iri).is_some_and(|row| row.version == *version))
            }
            Expectation::Container(iri) => (iri, self.is_container(iri)),
            Expectation::Empty(iri) => (iri, self.is_container(iri) && self.members(iri).is_empty()),
        };
        if holds { Ok(()) } else { Err(CommitError::Conflict(iri.clone())) }
    }

    /// The commit that last touched a policy document; 0 if none did.
    pub(super) fn touched(&self, document: &ResourceIri) -> Sequence {
        self.policy.get(document).and_then(|history| history.last()).map_or(Sequence(0), |entry| entry.0)
    }

    /// The newest commit that changed rules; 0 if none did.
    pub(super) fn ruled(&self) -> Sequence {
        let rules = |record: &Record| !matches!(record.fact, Fact::Change(_));
        let ruled = self.commits.iter().rev().find(|commit| commit.records.iter().any(rules));
        ruled.map_or(Sequence(0), |commit| commit.sequence)
    }

    /// The body that a policy document has now.
    pub(super) fn policy_now(&self, document: &ResourceIri) -> Option<&Arc<PolicyBody>> {
        self.policy.get(document)?.last()?.1.as_ref()
    }

    /// Writes the next entry of a policy document's history.
    pub(super) fn rule(&mut self, document: &ResourceIri, sequence: Sequence, body: Option<(PolicyKind, Arc<str>)>) {
        let history = self.policy.entry(document.clone()).or_default();
        history.retain(|entry| entry.0 != sequence);
        history.push((sequence, body.map(|(kind, body)| Arc::new(PolicyBody { since: sequence, kind, body }))));
    }

    pub(super) fn policies(&self, documents: &[ResourceIri], at: At) -> Result<PolicySnapshot, LogError> {
        let as_of = match at {
            At::Now => self.head,
            At::Commit(sequence) => sequence.min(self.head),
        };
        // Rules are needed from just before the oldest record that can still be read.
        if as_of < self.commits.first().map_or(self.head, |oldest| oldest.sequence.before()) {
            return Err(LogError::Gap);
        }
        let entry = |document| {
            let history = self.policy.get(document)?;
            history.iter().rev().find(|entry| entry.0 <= as_of).cloned()
        };
        let documents = documents.iter().map(|document| entry(document).unwrap_or_default()).collect();
        Ok(PolicySnapshot { as_of, documents })
    }

    pub(super) fn read(&self, after: Sequence, limit: usize) -> Result<Vec<Arc<Commit>>, LogError> {
        if after < self.pruned {
            return Err(LogError::Gap);
        }
        Ok(self.commits.iter().filter(|commit| commit.sequence > after).take(limit).cloned().collect())
    }

    pub(super) fn read_of(
        &self,
        storages: &[StorageId],
        after: Sequence,
        limit: usize,
    ) -> Result<Vec<Arc<Commit>>, LogError> {
        if storages.iter().any(|id| self.pods.get(id).is_none_or(|pod| after < pod.forgotten)) {
            return Err(LogError::Gap);
        }
        let concerned = |commit: &&Arc<Commit>| commit.records.iter().any(|record| storages.contains(&record.storage));
        let later = self.commits.iter().filter(|commit| commit.sequence > after);
        Ok(later.filter(concerned).take(limit).cloned().collect())
    }

    pub(super) fn read_storage(
        &self,
        storage: StorageId,
        after: StreamPosition,
        limit: usize,
    ) -> Result<Vec<Record>, LogError> {
        let pod = self.pods.get(&storage).ok_or(LogError::UnknownStorage)?;
        if after.epoch != EPOCH || after.offset < pod.pruned || after.offset > pod.newest {
            return Err(LogError::Gap);
        }
        let records = self.commits.iter().flat_map(|commit| &commit.records);
        let later = records.filter(|record| record.storage == storage && record.position > after);
        Ok(later.take(limit).cloned().collect())
    }

    pub(super) fn read_back(
        &self,
        storage: StorageId,
        before: Option<StreamPosition>,
        limit: usize,
    ) -> Result<Vec<Record>, LogError> {
        if before.is_some_and(|before| before.epoch != EPOCH) {
            return Err(LogError::Gap);
        }
        let earlier = |record: &&Record| before.is_none_or(|before| record.position < before);
        Ok(self.records_of(storage)?.rev().filter(earlier).take(limit).cloned().collect())
    }

    pub(super) fn reached(&self, storage: StorageId, by: &[Timestamp]) -> Result<Vec<StreamPosition>, LogError> {
        let oldest = self.horizon(storage)?.oldest;
        let reached = |instant: &Timestamp| {
            let records = self.records_of(storage)?.rev();
            let newest = records.map(|record| (record.published, record.position)).find(|(at, _)| at < instant);
            Ok(newest.map_or(oldest, |(_, position)| position))
        };
        by.iter().map(reached).collect()
    }

    fn records_of(&self, storage: StorageId) -> Result<impl DoubleEndedIterator<Item = &Record>, LogError> {
        self.pods.get(&storage).ok_or(LogError::UnknownStorage)?;
        let records = self.commits.iter().flat_map(|commit| &commit.records);
        Ok(records.filter(move |record| record.storage == storage))
    }

    pub(super) fn horizon(&self, storage: StorageId) -> Result<Horizon, LogError> {
        let pod = self.pods.get(&storage).ok_or(LogError::UnknownStorage)?;
        let at = |offset| StreamPosition { epoch: EPOCH, offset };
        Ok(Horizon { oldest: at(pod.pruned), newest: at(pod.newest) })
    }

    pub(super) fn prune(&mut self, keep: u64) {
        let State { pods, commits, pruned, .. } = self;
        commits.retain(|commit| {
            let forgotten = commit.records.iter().all(|record| match pods.get_mut(&record.storage) {
                None => true,
                Some(pod) if record.position.offset + keep <= pod.newest => {
                    pod.pruned = pod.pruned.max(record.position.offset);
                    true
                }
                Some(_) => false,
            });
            if forgotten {
                *pruned = commit.sequence.max(*pruned);
                for record in &commit.records {
                    if let Some(pod) = pods.get_mut(&record.storage) {
                        pod.forgotten = commit.sequence.max(pod.forgotten);
                    }
                }
            }
            !forgotten
        });
    }

    fn is_container(&self, iri: &ResourceIri) -> bool {
        self.resources.get(iri).is_some_and(|row| row.class == ResourceClass::Container)
    }
}

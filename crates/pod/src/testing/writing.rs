//! One write set at work on a copy of the state.

use super::state::{EPOCH, Pod, State};
use crate::store::{Body, Change, CommitError, Committed, Quota, Resource, StoreError, WriteSet};
use bytes::Bytes;
use podbell_log::{Commit, Fact, PolicyKind, Record, StorageChange};
use podbell_model::{
    Activity, ActivityKind, Auxiliary, Generation, Membership, ResourceClass, ResourceIri, Sequence, Storage,
    StorageId, StreamPosition, Timestamp, Uuid, WebId,
    activity::{membership_version, secondary_id, version},
};
use std::{collections::HashSet, sync::Arc};

#[derive(Debug, thiserror::Error)]
#[error("no valid write set: {0}")]
struct Invalid(&'static str);

fn invalid(why: &'static str) -> CommitError {
    CommitError::Store(StoreError(Box::new(Invalid(why))))
}

/// One transaction: what it works on, and what it says in the log.
pub(super) struct Writing<'s> {
    state: &'s mut State,
    storage: Storage,
    sequence: Sequence,
    actor: Option<WebId>,
    now: Timestamp,
    created: HashSet<ResourceIri>,
    deleted: HashSet<ResourceIri>,
    facts: Vec<Fact>,
    causes: Arc<[Uuid]>,
}

impl<'s> Writing<'s> {
    /// Checks and applies a write set.
    pub(super) fn commit(state: &'s mut State, writes: WriteSet) -> Result<Committed, CommitError> {
        let storage = state.pods.get(&writes.storage).ok_or(CommitError::NoStorage)?.storage.clone();
        let newer = writes.rules_as_of.is_some_and(|as_of| state.ruled() > as_of);
        let mut documents = writes.depends_on.iter();
        if newer || documents.any(|document| state.touched(document) > writes.permitted_as_of) {
            return Err(CommitError::PolicyChanged);
        }
        writes.expected.iter().try_for_each(|expectation| state.check(expectation))?;
        if writes.changes.is_empty() {
            return Err(invalid("it changes nothing"));
        }
        let before = state.usage(storage.id).unwrap_or_default();
        let mut writing = Writing::new(state, storage, writes.actor, writes.now);
        writing.causes = writes.causes;
        writes.changes.into_iter().try_for_each(|change| writing.apply(change))?;
        let after = writing.state.usage(writes.storage).unwrap_or_default();
        match after.quota {
            Some(quota) if after.used > quota && after.used > before.used => Err(CommitError::OverQuota(quota)),
            _ => Ok(writing.finish()),
        }
    }

    /// Creates a storage with its root.
    pub(super) fn create_storage(
        state: &'s mut State,
        root: ResourceIri,
        owner: WebId,
        changes: Vec<Change>,
        now: Timestamp,
        finished: bool,
    ) -> Result<(Storage, Committed), CommitError> {
        if !root.is_container() {
            return Err(invalid("the root is no container"));
        }
        let overlaps = |other: &Pod| {
            let (a, b) = (root.as_str(), other.storage.root.as_str());
            a.starts_with(b) || b.starts_with(a)
        };
        if state.pods.values().any(overlaps) {
            return Err(CommitError::Overlap);
        }
        state.last_storage += 1;
        let storage = Storage { id: StorageId(state.last_storage), root: root.clone(), owner };
        state.pods.insert(
            storage.id,
            Pod {
                storage: storage.clone(),
                newest: 0,
                pruned: 0,
                forgotten: Sequence(0),
                finished,
                quota: Quota::Default,
            },
        );
        let id = changes.first().map_or_else(Uuid::new_v4, |change| secondary_id(change.id(), &root));
        let mut writing = Writing::new(state, storage.clone(), Some(storage.owner.clone()), now);
        writing.facts.push(Fact::Storage(StorageChange::Created, root.clone()));
        writing.apply(Change::Put {
            id,
            resource: root,
            class: ResourceClass::Container,
            content_type: "text/turtle".into(),
            body: Body::Inline(Bytes::new()),
            group: None,
        })?;
        changes.into_iter().try_for_each(|change| writing.apply(change))?;
        Ok((storage, writing.finish()))
    }

    /// Deletes a storage; every policy document in it ends with a record of its own.
    pub(super) fn delete_storage(
        state: &'s mut State,
        id: StorageId,
        now: Timestamp,
    ) -> Result<Committed, CommitError> {
        let storage = state.pods.get(&id).ok_or(CommitError::NoStorage)?.storage.clone();
        let rows: Vec<_> = state.resources.values().filter(|row| row.storage == id).cloned().collect();
        let mut writing = Writing::new(state, storage.clone(), None, now);
        writing.facts.push(Fact::Storage(StorageChange::Deleted, storage.root));
        let base = Uuid::new_v4();
        for row in &rows {
            if let Some(kind) = writing.state.policy_now(&row.iri).map(|body| body.kind) {
                let activity = writing.activity(secondary_id(base, &row.iri), ActivityKind::Delete, row, None);
                writing.facts.push(Fact::Policy { activity, kind });
                writing.state.rule(&row.iri, writing.sequence, None);
            }
            writing.forget(&row.iri);
        }
        let committed = writing.finish();
        state.pods.remove(&id);
        Ok(committed)
    }

    fn new(state: &'s mut State, storage: Storage, actor: Option<WebId>, now: Timestamp) -> Self {
        let sequence = Sequence(state.head.0 + 1);
        let (created, deleted, facts, causes) = Default::default();
        Self { state, storage, sequence, actor, now, created, deleted, facts, causes }
    }

    fn finish(self) -> Committed {
        let Self { state, storage, sequence, now, deleted, mut facts, causes, .. } = self;
        for fact in &mut facts {
            if let Fact::Change(activity) | Fact::Policy { activity, .. } = fact {
                // A container that the same request deletes does not tell its losses one by one.
                activity.membership.take_if(|membership| deleted.contains(&membership.container));
            }
        }
        let mut records = Vec::new();
        if let Some(pod) = state.pods.get_mut(&storage.id) {
            records.extend(facts.into_iter().map(|fact| {
                pod.newest += 1;
                let position = StreamPosition { epoch: EPOCH, offset: pod.newest };
                Record { sequence, storage: storage.id, position, published: now, fact, causes: Arc::clone(&causes) }
            }));
        }
        state.head = sequence;
        state.commits.push(Arc::new(Commit { sequence, records: records.clone() }));
        Committed { sequence, records }
    }

    fn apply(&mut self, change: Change) -> Result<(), CommitError> {
        match change {
            Change::Put { id, resource, class, content_type, body, group } => {
                self.put(id, &resource, class, content_type, body, group)
            }
            Change::Delete { id, resource } => self.delete(id, &resource),
            Change::PutAcl { id, subject, content_type, body, policy } => {
                self.standing(&subject)?;
                let (kind, row) = self.put_auxiliary(id, &subject.acl(), content_type, body);
                self.state.rule(&row.iri, self.sequence, Some((PolicyKind::Acl, policy)));
                let activity = self.activity(id, kind, &row, None);
                self.facts.push(Fact::Policy { activity, kind: PolicyKind::Acl });
                Ok(())
            }
            Change::DeleteAcl { id, subject } => {
                self.standing(&subject.acl())?;
                self.end_acl(id, &subject.acl());
                Ok(())
            }
            Change::PutDescription { id, subject, content_type, body } => {
                self.standing(&subject)?;
                self.put_auxiliary(id, &subject.auxiliary(Auxiliary::Description), content_type, body);
                self.describe(id, &subject)
            }
            Change::DeleteDescription { id, subject } => {
                let description = subject.auxiliary(Auxiliary::Description);
                self.standing(&description)?;
                self.forget(&description);
                self.describe(id, &subject)
            }
        }
    }

    fn put(
        &mut self,
        id: Uuid,
        iri: &ResourceIri,
        class: ResourceClass,
        content_type: Arc<str>,
        body: Body,
        group: Option<Arc<str>>,
    ) -> Result<(), CommitError> {
        let container = class == ResourceClass::Container;
        if iri.as_auxiliary().is_some() || container != iri.is_container() || !self.storage.contains(iri) {
            return Err(invalid("the name does not fit what is put"));
        }
        let before = self.state.resources.get(iri).cloned();
        if before.is_some() && container || self.twin_stands(iri) {
            return Err(CommitError::Conflict(iri.clone()));
        }
        let row = Resource {
            iri: iri.clone(),
            storage: self.storage.id,
            class,
            generation: before.as_ref().map_or(Generation(self.sequence), |row| row.generation),
            version: version(id),
            listing: 0,
            modified: self.now,
            content_type,
            body,
        };
        let kind = if before.is_some() { ActivityKind::Update } else { ActivityKind::Create };
        let mut membership = None;
        if before.is_some() {
            self.listed(iri);
        } else if *iri != self.storage.root {
            let parent = iri.parent().ok_or_else(|| invalid("it is in no container"))?;
            self.standing(&parent)?;
            membership = self.ring(id, iri);
            self.state.ended.remove(&(iri.clone(), row.generation));
        }
        if before.is_none() {
            self.created.insert(iri.clone());
        }
        self.state.resources.insert(iri.clone(), row.clone());
        let activity = self.activity(id, kind, &row, membership);
        self.tell(activity, group);
        Ok(())
    }

    fn delete(&mut self, id: Uuid, iri: &ResourceIri) -> Result<(), CommitError> {
        if iri.as_auxiliary().is_some() || *iri == self.storage.root {
            return Err(invalid("it cannot be deleted like this"));
        }
        let row = self.standing(iri)?;
        if !self.state.members(iri).is_empty() {
            return Err(CommitError::Conflict(iri.clone()));
        }
        let membership = self.ring(id, iri);
        let activity = self.activity(id, ActivityKind::Delete, &row, membership);
        self.tell(activity, None);
        if self.state.resources.contains_key(&iri.acl()) {
            self.end_acl(secondary_id(id, &iri.acl()), &iri.acl());
        }
        self.forget(&iri.auxiliary(Auxiliary::Description));
        self.forget(iri);
        self.deleted.insert(iri.clone());
        Ok(())
    }

    /// The record of a document: of policy, if it is or was a group document.
    fn tell(&mut self, activity: Activity, group: Option<Arc<str>>) {
        if group.is_none() && self.state.policy_now(&activity.object).is_none() {
            return self.facts.push(Fact::Change(activity));
        }
        self.state.rule(&activity.object, self.sequence, group.map(|body| (PolicyKind::Group, body)));
        self.facts.push(Fact::Policy { activity, kind: PolicyKind::Group });
    }

    fn put_auxiliary(
        &mut self,
        id: Uuid,
        iri: &ResourceIri,
        content_type: Arc<str>,
        body: Body,
    ) -> (ActivityKind, Resource) {
        let before = self.state.resources.get(iri).map(|row| row.generation);
        let row = Resource {
            iri: iri.clone(),
            storage: self.storage.id,
            class: ResourceClass::RdfSource,
            generation: before.unwrap_or(Generation(self.sequence)),
            version: version(id),
            listing: 0,
            modified: self.now,
            content_type,
            body,
        };
        self.state.ended.remove(&(iri.clone(), row.generation));
        self.state.resources.insert(iri.clone(), row.clone());
        (if before.is_some() { ActivityKind::Update } else { ActivityKind::Create }, row)
    }

    fn end_acl(&mut self, id: Uuid, acl: &ResourceIri) {
        if let Some(row) = self.state.resources.get(acl).cloned() {
            let activity = self.activity(id, ActivityKind::Delete, &row, None);
            self.facts.push(Fact::Policy { activity, kind: PolicyKind::Acl });
            self.state.rule(acl, self.sequence, None);
            self.forget(acl);
        }
    }

    /// The subject's own version and date follow its description.
    fn describe(&mut self, id: Uuid, subject: &ResourceIri) -> Result<(), CommitError> {
        let mut row = self.standing(subject)?;
        if self.created.contains(subject) {
            return Ok(());
        }
        (row.version, row.listing, row.modified) = (version(id), 0, self.now);
        self.state.resources.insert(subject.clone(), row.clone());
        self.listed(subject);
        let activity = self.activity(id, ActivityKind::Update, &row, None);
        self.facts.push(Fact::Change(activity));
        Ok(())
    }

    /// The container of a child that came or went changes, unless it is itself new.
    fn ring(&mut self, id: Uuid, child: &ResourceIri) -> Option<Membership> {
        let container = child.parent().filter(|parent| !self.created.contains(parent))?;
        let row = self.state.resources.get_mut(&container)?;
        (row.version, row.listing, row.modified) = (membership_version(id, &container), 0, self.now);
        let membership =
            Membership { container: container.clone(), generation: row.generation, state: Arc::clone(&row.version) };
        self.listed(&container);
        Some(membership)
    }

    /// The date that the parent's listing shows of this resource has changed.
    fn listed(&mut self, child: &ResourceIri) {
        if let Some(parent) = child.parent().filter(|parent| !self.created.contains(parent))
            && let Some(row) = self.state.resources.get_mut(&parent)
        {
            row.listing += 1;
        }
    }

    fn forget(&mut self, iri: &ResourceIri) {
        if let Some(row) = self.state.resources.remove(iri) {
            self.state.ended.insert((row.iri, row.generation), self.sequence);
        }
    }

    fn standing(&self, iri: &ResourceIri) -> Result<Resource, CommitError> {
        let row = self.state.resources.get(iri).filter(|row| row.storage == self.storage.id);
        row.cloned().ok_or_else(|| CommitError::Conflict(iri.clone()))
    }

    fn twin_stands(&self, iri: &ResourceIri) -> bool {
        iri.twin().is_some_and(|twin| self.state.resources.contains_key(&twin))
    }

    fn activity(&self, id: Uuid, kind: ActivityKind, row: &Resource, membership: Option<Membership>) -> Activity {
        Activity {
            id,
            kind,
            object: row.iri.clone(),
            class: row.class,
            generation: row.generation,
            state: Some(Arc::clone(&row.version)),
            membership,
            actor: self.actor.clone(),
            published: self.now,
        }
    }
}

//! A write set at work: checked, applied, and told in the log.

use crate::{
    columns::{class_number, nanos, signed},
    error::{EngineError, Refusal},
    policy, records,
    resources::{self, Node},
    step::Step,
};
use podbell_log::{Commit, Fact, PolicyKind};
use podbell_model::{
    Activity, ActivityKind, Auxiliary, Generation, Membership, ResourceClass, ResourceIri, Sequence, Storage,
    Timestamp, Uuid, WebId,
    activity::{membership_version, secondary_id, version},
};
use podbell_pod::store::{Body, Change, CommitError, Committed, Expectation, Resource};
use rusqlite::{Connection, OptionalExtension, params};
use std::{collections::HashSet, sync::Arc};

/// One commit in the making.
pub(crate) struct Writing<'w, 's> {
    step: &'w mut Step<'s>,
    pub(crate) sequence: Sequence,
    storage: Storage,
    actor: Option<WebId>,
    now: Timestamp,
    /// What this commit created: containers among it tell no membership.
    created: HashSet<ResourceIri>,
    deleted: HashSet<ResourceIri>,
    pub(crate) facts: Vec<Fact>,
    pub(crate) causes: Arc<[Uuid]>,
}

/// What must still hold.
pub(crate) fn expect(db: &Connection, expectation: &Expectation) -> Result<(), Refusal> {
    let container =
        |iri| resources::node(db, iri).map(|node| node.is_some_and(|n| n.class == ResourceClass::Container));
    let (iri, holds) = match expectation {
        Expectation::Absent(iri) => (iri, resources::node(db, iri)?.is_none() && !twin_stands(db, iri)?),
        Expectation::Version(iri, version) => {
            (iri, resources::node(db, iri)?.is_some_and(|node| node.version == *version))
        }
        Expectation::Container(iri) => (iri, container(iri)?),
        Expectation::Empty(iri) => (iri, container(iri)? && resources::is_empty(db, iri)?),
    };
    if holds { Ok(()) } else { Err(conflict(iri)) }
}

fn twin_stands(db: &Connection, iri: &ResourceIri) -> rusqlite::Result<bool> {
    iri.twin().map_or(Ok(false), |twin| Ok(resources::node(db, &twin)?.is_some()))
}

fn conflict(iri: &ResourceIri) -> Refusal {
    CommitError::Conflict(iri.clone()).into()
}

fn invalid(why: &'static str) -> Refusal {
    EngineError::Invalid(why).into()
}

impl<'w, 's> Writing<'w, 's> {
    pub(crate) fn new(step: &'w mut Step<'s>, storage: Storage, actor: Option<WebId>, now: Timestamp) -> Self {
        let sequence = Sequence(step.ledger.head.0 + 1);
        let (created, deleted, facts) = (HashSet::new(), HashSet::new(), Vec::new());
        Self { step, sequence, storage, actor, now, created, deleted, facts, causes: Arc::default() }
    }

    pub(crate) fn apply(&mut self, change: Change) -> Result<(), Refusal> {
        match change {
            Change::Put { id, resource, class, content_type, body, group } => {
                let row = self.row(id, resource, class, content_type, body);
                self.put(id, row, group.as_deref())
            }
            Change::Delete { id, resource } => self.delete(id, &resource),
            Change::PutAcl { id, subject, content_type, body, policy } => {
                self.standing(&subject)?;
                let (kind, row) = self.put_auxiliary(id, subject.acl(), content_type, body)?;
                policy::write(self.step.db, &row.iri, self.sequence, PolicyKind::Acl, Some(&policy))?;
                let activity = self.activity(id, kind, &row.iri, &Node::of(&row), None);
                self.facts.push(Fact::Policy { activity, kind: PolicyKind::Acl });
                Ok(())
            }
            Change::DeleteAcl { id, subject } => {
                let node = self.standing(&subject.acl())?;
                self.end_acl(id, &subject.acl(), &node)
            }
            Change::PutDescription { id, subject, content_type, body } => {
                self.standing(&subject)?;
                self.put_auxiliary(id, subject.auxiliary(Auxiliary::Description), content_type, body)?;
                self.describe(id, &subject)
            }
            Change::DeleteDescription { id, subject } => {
                let description = subject.auxiliary(Auxiliary::Description);
                let node = self.standing(&description)?;
                self.forget(&description, &node)?;
                self.describe(id, &subject)
            }
        }
    }

    /// Appends the records; the commit is whole.
    pub(crate) fn finish(self) -> Result<Committed, Refusal> {
        let Self { step, sequence, storage, now, deleted, mut facts, causes, .. } = self;
        for fact in &mut facts {
            if let Fact::Change(activity) | Fact::Policy { activity, .. } = fact {
                // A container that the same request deletes does not tell its losses one by one.
                activity.membership.take_if(|membership| deleted.contains(&membership.container));
            }
        }
        let ruled = facts.iter().any(|fact| !matches!(fact, Fact::Change(_)));
        let records = records::append(step.db, sequence, storage.id, now, facts, &causes)?;
        step.ledger.head = sequence;
        if ruled {
            step.ledger.watermark = sequence;
        }
        step.ledger.touched.push((storage.id, now));
        step.ledger.commits.push(Arc::new(Commit { sequence, records: records.clone() }));
        Ok(Committed { sequence, records })
    }

    pub(crate) fn activity(
        &self,
        id: Uuid,
        kind: ActivityKind,
        object: &ResourceIri,
        node: &Node,
        membership: Option<Membership>,
    ) -> Activity {
        Activity {
            id,
            kind,
            object: object.clone(),
            class: node.class,
            generation: node.generation,
            state: Some(Arc::clone(&node.version)),
            membership,
            actor: self.actor.clone(),
            published: self.now,
        }
    }

    fn row(&self, id: Uuid, iri: ResourceIri, class: ResourceClass, content_type: Arc<str>, body: Body) -> Resource {
        Resource {
            iri,
            storage: self.storage.id,
            class,
            generation: Generation(self.sequence),
            version: version(id),
            listing: 0,
            modified: self.now,
            content_type,
            body,
        }
    }

    fn put(&mut self, id: Uuid, mut row: Resource, group: Option<&str>) -> Result<(), Refusal> {
        let iri = row.iri.clone();
        let container = row.class == ResourceClass::Container;
        if iri.as_auxiliary().is_some() || container != iri.is_container() || !self.storage.contains(&iri) {
            return Err(invalid("the name does not fit what is put"));
        }
        let before = resources::node(self.step.db, &iri)?;
        if before.is_some() && container || twin_stands(self.step.db, &iri)? {
            return Err(conflict(&iri));
        }
        let parent = iri.parent().filter(|_| iri != self.storage.root);
        let (kind, membership) = if let Some(before) = before {
            row.generation = before.generation;
            self.step.ledger.dropped.extend(before.digest);
            self.listed(&iri)?;
            (ActivityKind::Update, None)
        } else {
            if let Some(parent) = &parent {
                self.standing(parent)?;
            }
            self.born(&iri)?;
            (ActivityKind::Create, self.ring(id, &iri)?)
        };
        resources::write(self.step.db, &row, parent.as_ref())?;
        let activity = self.activity(id, kind, &iri, &Node::of(&row), membership);
        self.tell(activity, group)
    }

    fn delete(&mut self, id: Uuid, iri: &ResourceIri) -> Result<(), Refusal> {
        if iri.as_auxiliary().is_some() || *iri == self.storage.root {
            return Err(invalid("it cannot be deleted like this"));
        }
        let node = self.standing(iri)?;
        if !resources::is_empty(self.step.db, iri)? {
            return Err(conflict(iri));
        }
        let membership = self.ring(id, iri)?;
        let activity = self.activity(id, ActivityKind::Delete, iri, &node, membership);
        self.tell(activity, None)?;
        let (acl, description) = (iri.acl(), iri.auxiliary(Auxiliary::Description));
        if let Some(node) = resources::node(self.step.db, &acl)? {
            self.end_acl(secondary_id(id, &acl), &acl, &node)?;
        }
        if let Some(node) = resources::node(self.step.db, &description)? {
            self.forget(&description, &node)?;
        }
        self.forget(iri, &node)?;
        self.deleted.insert(iri.clone());
        Ok(())
    }

    /// The record of a document: of policy, if it is or was a group document.
    fn tell(&mut self, activity: Activity, group: Option<&str>) -> Result<(), Refusal> {
        let kind = PolicyKind::Group;
        let fact = if group.is_some() || policy::rules(self.step.db, &activity.object)? {
            policy::write(self.step.db, &activity.object, self.sequence, kind, group)?;
            Fact::Policy { activity, kind }
        } else {
            Fact::Change(activity)
        };
        self.facts.push(fact);
        Ok(())
    }

    fn put_auxiliary(
        &mut self,
        id: Uuid,
        iri: ResourceIri,
        content_type: Arc<str>,
        body: Body,
    ) -> Result<(ActivityKind, Resource), Refusal> {
        let mut row = self.row(id, iri, ResourceClass::RdfSource, content_type, body);
        let kind = if let Some(before) = resources::node(self.step.db, &row.iri)? {
            row.generation = before.generation;
            self.step.ledger.dropped.extend(before.digest);
            ActivityKind::Update
        } else {
            self.born(&row.iri)?;
            ActivityKind::Create
        };
        resources::write(self.step.db, &row, None)?;
        Ok((kind, row))
    }

    fn end_acl(&mut self, id: Uuid, acl: &ResourceIri, node: &Node) -> Result<(), Refusal> {
        let activity = self.activity(id, ActivityKind::Delete, acl, node, None);
        self.facts.push(Fact::Policy { activity, kind: PolicyKind::Acl });
        policy::write(self.step.db, acl, self.sequence, PolicyKind::Acl, None)?;
        self.forget(acl, node)
    }

    /// The subject's own version and date follow its description; what is created with one is told once.
    fn describe(&mut self, id: Uuid, subject: &ResourceIri) -> Result<(), Refusal> {
        let mut node = self.standing(subject)?;
        if self.created.contains(subject) {
            return Ok(());
        }
        node.version = version(id);
        let sql = "UPDATE resources SET version = ?2, listing = 0, modified = ?3 WHERE iri = ?1";
        let values = params![subject.as_str(), &*node.version, nanos(self.now)];
        self.step.db.prepare_cached(sql)?.execute(values)?;
        self.listed(subject)?;
        let activity = self.activity(id, ActivityKind::Update, subject, &node, None);
        self.facts.push(Fact::Change(activity));
        Ok(())
    }

    /// The container of a child that comes or goes changes, unless it is itself new.
    fn ring(&mut self, id: Uuid, child: &ResourceIri) -> Result<Option<Membership>, Refusal> {
        let Some(container) = child.parent().filter(|parent| !self.created.contains(parent)) else {
            return Ok(None);
        };
        let state = membership_version(id, &container);
        let sql = "UPDATE resources SET version = ?2, listing = 0, modified = ?3
                   WHERE iri = ?1 AND storage = ?4 AND class = ?5 RETURNING generation";
        let class = class_number(ResourceClass::Container);
        let values = params![container.as_str(), &*state, nanos(self.now), signed(self.storage.id.0), class];
        let generation = self.step.db.prepare_cached(sql)?.query_row(values, |row| row.get::<_, i64>(0)).optional()?;
        let Some(generation) = generation else { return Ok(None) };
        self.listed(&container)?;
        let generation = Generation(Sequence(crate::columns::unsigned(generation)));
        Ok(Some(Membership { container, generation, state }))
    }

    /// The date that the parent's listing shows of this resource has changed.
    fn listed(&mut self, child: &ResourceIri) -> Result<(), Refusal> {
        if let Some(parent) = child.parent().filter(|parent| !self.created.contains(parent)) {
            let sql = "UPDATE resources SET listing = listing + 1 WHERE iri = ?1 AND storage = ?2";
            let values = params![parent.as_str(), signed(self.storage.id.0)];
            self.step.db.prepare_cached(sql)?.execute(values)?;
        }
        Ok(())
    }

    /// Created anew in the commit that deleted it, a resource has a life of the same number, which goes on.
    fn born(&mut self, iri: &ResourceIri) -> Result<(), Refusal> {
        self.created.insert(iri.clone());
        let sql = "DELETE FROM ended WHERE iri = ?1 AND generation = ?2";
        self.step.db.prepare_cached(sql)?.execute(params![iri.as_str(), signed(self.sequence.0)])?;
        Ok(())
    }

    fn forget(&mut self, iri: &ResourceIri, node: &Node) -> Result<(), Refusal> {
        let db = self.step.db;
        db.prepare_cached("DELETE FROM resources WHERE iri = ?1")?.execute([iri.as_str()])?;
        let life = params![iri.as_str(), signed(node.generation.0.0), signed(self.sequence.0)];
        db.prepare_cached("INSERT OR REPLACE INTO ended (iri, generation, sequence) VALUES (?1, ?2, ?3)")?
            .execute(life)?;
        self.step.ledger.dropped.extend(node.digest.clone());
        Ok(())
    }

    fn standing(&self, iri: &ResourceIri) -> Result<Node, Refusal> {
        let node = resources::node(self.step.db, iri)?.filter(|node| node.storage == self.storage.id);
        node.ok_or_else(|| conflict(iri))
    }
}

impl Node {
    fn of(row: &Resource) -> Self {
        let (storage, class, generation) = (row.storage, row.class, row.generation);
        Self { storage, class, generation, version: Arc::clone(&row.version), digest: None }
    }
}

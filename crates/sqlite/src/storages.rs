//! Storages: created with their root, deleted with everything in them.

use crate::{
    columns::{Columns, nanos, signed},
    error::{EngineError, Refusal},
    policy, quota, records, resources,
    step::Step,
    writing::{Writing, expect},
};
use bytes::Bytes;
use podbell_log::{Fact, StorageChange};
use podbell_model::{
    ActivityKind, ResourceClass, ResourceIri, Storage, StorageId, Timestamp, Uuid, WebId, activity::secondary_id,
};
use podbell_pod::store::{Body, Change, CommitError, Committed, WriteSet};
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::sync::Arc;

const COLUMNS: &str = "id, root, owner";

fn storage(row: &Row<'_>) -> rusqlite::Result<Storage> {
    Ok(Storage { id: row.storage(0)?, root: row.iri(1)?, owner: WebId::new(row.get::<_, Arc<str>>(2)?) })
}

/// Those that are finished, or those that are not.
pub(crate) fn all(db: &Connection, finished: bool) -> rusqlite::Result<Vec<Storage>> {
    let sql = format!("SELECT {COLUMNS} FROM storages WHERE NOT deleted AND unfinished <> ?1 ORDER BY id");
    db.prepare_cached(&sql)?.query_map([finished], storage)?.collect()
}

/// From now on it is found.
pub(crate) fn finish(db: &Connection, id: StorageId) -> Result<(), Refusal> {
    standing(db, id)?;
    db.execute("UPDATE storages SET unfinished = 0 WHERE id = ?1", [signed(id.0)])?;
    Ok(())
}

/// Other dates for what is in a storage that nobody has seen.
pub(crate) fn date(db: &Connection, id: StorageId, dates: &[(ResourceIri, Timestamp)]) -> Result<(), Refusal> {
    let sql = "SELECT EXISTS (SELECT 1 FROM storages WHERE id = ?1 AND unfinished AND NOT deleted)";
    let begun: bool = db.prepare_cached(sql)?.query_row([signed(id.0)], |row| row.get(0))?;
    if !begun {
        return Err(CommitError::NoStorage.into());
    }
    let mut update = db.prepare_cached("UPDATE resources SET modified = ?1 WHERE iri = ?2 AND storage = ?3")?;
    for (resource, modified) in dates {
        update.execute(params![nanos(*modified), resource.as_str(), signed(id.0)])?;
    }
    Ok(())
}

fn standing(db: &Connection, id: StorageId) -> Result<Storage, Refusal> {
    let sql = format!("SELECT {COLUMNS} FROM storages WHERE id = ?1 AND NOT deleted");
    let found = db.prepare_cached(&sql)?.query_row([signed(id.0)], storage).optional()?;
    found.ok_or(Refusal::Commit(CommitError::NoStorage))
}

/// Commits a write set; the order of the checks is that of the port.
pub(crate) fn commit(step: &mut Step<'_>, writes: WriteSet, default: Option<u64>) -> Result<Committed, Refusal> {
    let db = step.db;
    let storage = standing(db, writes.storage)?;
    // What was touched before the floor may be forgotten: so old a permission proves nothing.
    let mut changed = !writes.depends_on.is_empty() && writes.permitted_as_of < policy::floor(db)?;
    for document in writes.depends_on.iter() {
        changed |= policy::touched(db, document)? > writes.permitted_as_of;
    }
    changed |= writes.rules_as_of.is_some_and(|as_of| step.ledger.watermark > as_of);
    if changed {
        return Err(CommitError::PolicyChanged.into());
    }
    writes.expected.iter().try_for_each(|expectation| expect(db, expectation))?;
    if writes.changes.is_empty() {
        return Err(EngineError::Invalid("it changes nothing").into());
    }
    let before = quota::usage(db, storage.id, default)?;
    let mut writing = Writing::new(step, storage, writes.actor, writes.now);
    writing.causes = writes.causes;
    writes.changes.into_iter().try_for_each(|change| writing.apply(change))?;
    quota::judge(before, quota::usage(db, writes.storage, default)?)?;
    writing.finish()
}

pub(crate) fn create(
    step: &mut Step<'_>,
    root: ResourceIri,
    owner: WebId,
    changes: Vec<Change>,
    now: Timestamp,
    finished: bool,
) -> Result<(Storage, Committed), Refusal> {
    if !root.is_container() {
        return Err(EngineError::Invalid("the root is no container").into());
    }
    let overlaps: bool = step.db.query_row(
        "SELECT EXISTS (SELECT 1 FROM storages WHERE NOT deleted
             AND (substr(?1, 1, length(root)) = root OR substr(root, 1, length(?1)) = ?1))",
        [root.as_str()],
        |row| row.get(0),
    )?;
    if overlaps {
        return Err(CommitError::Overlap.into());
    }
    // The clock makes epochs of storages in restored copies differ from those that were lost.
    let epoch = now.as_millisecond().max(1);
    let id = step.db.query_row(
        "INSERT INTO storages (root, owner, epoch, unfinished) VALUES (?1, ?2, ?3, ?4) RETURNING id",
        params![root.as_str(), owner.as_str(), epoch, !finished],
        |row| row.storage(0),
    )?;
    let storage = Storage { id, root: root.clone(), owner };
    let id = changes.first().map_or_else(Uuid::new_v4, |change| secondary_id(change.id(), &root));
    let mut writing = Writing::new(step, storage.clone(), Some(storage.owner.clone()), now);
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
    Ok((storage, writing.finish()?))
}

/// Every policy document ends with a record of its own, for those whom it rules from elsewhere.
pub(crate) fn delete(step: &mut Step<'_>, id: StorageId, now: Timestamp) -> Result<Committed, Refusal> {
    let db = step.db;
    let storage = standing(db, id)?;
    let root = storage.root.clone();
    // All that begins with the root: '0' follows '/' in the order of the index.
    let end = format!("{}0", root.as_str().trim_end_matches('/'));
    let mut writing = Writing::new(step, storage, None, now);
    writing.facts.push(Fact::Storage(StorageChange::Deleted, root.clone()));
    let base = Uuid::new_v4();
    for (document, kind) in records::policy_of(db, &root, &end)? {
        if let Some(node) = resources::node(db, &document)? {
            let id = secondary_id(base, &document);
            let activity = writing.activity(id, ActivityKind::Delete, &document, &node, None);
            writing.facts.push(Fact::Policy { activity, kind });
        }
        policy::write(db, &document, writing.sequence, kind, None)?;
    }
    let sequence = signed(writing.sequence.0);
    let committed = writing.finish()?;
    let range = params![root.as_str(), end];
    let mut digests =
        db.prepare_cached("SELECT digest FROM resources WHERE digest IS NOT NULL AND iri >= ?1 AND iri < ?2")?;
    for digest in digests.query_map(range, |row| row.get(0))? {
        step.ledger.dropped.push(digest?);
    }
    db.execute(
        "INSERT OR REPLACE INTO ended SELECT iri, generation, ?3 FROM resources WHERE iri >= ?1 AND iri < ?2",
        params![root.as_str(), end, sequence],
    )?;
    db.execute("DELETE FROM resources WHERE iri >= ?1 AND iri < ?2", range)?;
    db.execute("UPDATE storages SET deleted = 1 WHERE id = ?1", [signed(id.0)])?;
    Ok(committed)
}

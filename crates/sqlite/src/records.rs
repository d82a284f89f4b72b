//! The log as rows.

use crate::{
    columns::{Columns, class_number, joined, nanos, parted, signed},
    policy,
};
use podbell_log::{Commit, Fact, PolicyKind, Record, StorageChange};
use podbell_model::{
    Activity, ActivityKind, Membership, ResourceIri, Sequence, StorageId, StreamPosition, Timestamp, Uuid, WebId,
};
use rusqlite::{Connection, OptionalExtension, Row, Rows, named_params, params, types::ValueRef};
use std::sync::Arc;

/// What [`record`] reads, in its order.
const COLUMNS: &str = "sequence, storage, epoch, \"offset\", published, fact, object, id, kind, class, generation, \
                       state, container, container_generation, container_state, actor, causes";

/// Appends the facts of a commit to the log of a storage, in consecutive positions.
pub(crate) fn append(
    db: &Connection,
    sequence: Sequence,
    storage: StorageId,
    published: Timestamp,
    facts: Vec<Fact>,
    causes: &Arc<[Uuid]>,
) -> rusqlite::Result<Vec<Record>> {
    let sql = "UPDATE storages SET newest = newest + ?2 WHERE id = ?1 RETURNING epoch, newest";
    let count = facts.len() as u64;
    let (epoch, newest) = db
        .prepare_cached(sql)?
        .query_row([signed(storage.0), signed(count)], |row| Ok((row.number(0)?, row.number(1)?)))?;
    let record = |(fact, offset)| Record {
        sequence,
        storage,
        position: StreamPosition { epoch, offset },
        published,
        fact,
        causes: Arc::clone(causes),
    };
    let records: Vec<_> = facts.into_iter().zip(newest - count + 1..).map(record).collect();
    records.iter().try_for_each(|record| insert(db, record))?;
    Ok(records)
}

fn insert(db: &Connection, record: &Record) -> rusqlite::Result<()> {
    let sql = "INSERT INTO records VALUES
                   (:sequence, :storage, :epoch, :offset, :published, :fact, :object, :id, :kind, :class, :generation,
                    :state, :container, :container_generation, :container_state, :actor, :causes)";
    let activity = record.fact.activity();
    let membership = activity.and_then(|activity| activity.membership.as_ref());
    let (fact, object) = match &record.fact {
        Fact::Change(activity) => (0, &activity.object),
        Fact::Policy { activity, kind: PolicyKind::Acl } => (1, &activity.object),
        Fact::Policy { activity, kind: PolicyKind::Group } => (2, &activity.object),
        Fact::Storage(StorageChange::Created, root) => (3, root),
        Fact::Storage(StorageChange::Deleted, root) => (4, root),
    };
    db.prepare_cached(sql)?.execute(named_params! {
        ":sequence": signed(record.sequence.0),
        ":storage": signed(record.storage.0),
        ":epoch": signed(record.position.epoch),
        ":offset": signed(record.position.offset),
        ":published": nanos(record.published),
        ":fact": fact,
        ":object": object.as_str(),
        ":id": activity.map(|activity| activity.id.as_bytes()),
        ":kind": activity.map(|activity| match activity.kind {
            ActivityKind::Create => 0,
            ActivityKind::Update => 1,
            ActivityKind::Delete => 2,
        }),
        ":class": activity.map(|activity| class_number(activity.class)),
        ":generation": activity.map(|activity| signed(activity.generation.0.0)),
        ":state": activity.and_then(|activity| activity.state.as_deref()),
        ":container": membership.map(|membership| membership.container.as_str()),
        ":container_generation": membership.map(|membership| signed(membership.generation.0.0)),
        ":container_state": membership.map(|membership| &*membership.state),
        ":actor": activity.and_then(|activity| activity.actor.as_ref()).map(WebId::as_str),
        ":causes": (!record.causes.is_empty()).then(|| joined(&record.causes)),
    })?;
    Ok(())
}

/// Whole commits after `after`, at most `limit`.
pub(crate) fn commits(db: &Connection, after: Sequence, limit: usize) -> rusqlite::Result<Vec<Arc<Commit>>> {
    let sql = format!("SELECT {COLUMNS} FROM records WHERE sequence > ?1 ORDER BY sequence, \"offset\"");
    whole(&mut db.prepare_cached(&sql)?.query([signed(after.0)])?, limit)
}

/// The same of those that concern a storage, and whether none of these has been pruned.
pub(crate) fn commits_of(
    db: &Connection,
    storage: StorageId,
    after: Sequence,
    limit: usize,
) -> rusqlite::Result<Option<Vec<Arc<Commit>>>> {
    let sql = "SELECT pruned_at FROM storages WHERE id = ?1";
    let pruned = db.prepare_cached(sql)?.query_row([signed(storage.0)], |row| row.sequence(0)).optional()?;
    // Of a storage that is gone, everything may be.
    if pruned.is_none_or(|pruned| after < pruned) {
        return Ok(None);
    }
    // One commit writes to one storage.
    let sql = format!(
        "SELECT {COLUMNS} FROM records INDEXED BY records_of_storage WHERE storage = ?1 AND sequence > ?2
         ORDER BY sequence, \"offset\""
    );
    whole(&mut db.prepare_cached(&sql)?.query(params![signed(storage.0), signed(after.0)])?, limit).map(Some)
}

fn whole(rows: &mut Rows<'_>, limit: usize) -> rusqlite::Result<Vec<Arc<Commit>>> {
    let mut commits: Vec<Commit> = Vec::new();
    while let Some(row) = rows.next()? {
        let record = record(row)?;
        let kept = commits.len();
        match commits.last_mut() {
            Some(commit) if commit.sequence == record.sequence => commit.records.push(record),
            _ if kept == limit => break,
            _ => commits.push(Commit { sequence: record.sequence, records: vec![record] }),
        }
    }
    Ok(commits.into_iter().map(Arc::new).collect())
}

/// Records of a storage after a position of its epoch, at most `limit`.
pub(crate) fn of_storage(
    db: &Connection,
    storage: StorageId,
    after: StreamPosition,
    limit: usize,
) -> rusqlite::Result<Vec<Record>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM records WHERE storage = ?1 AND epoch = ?2 AND \"offset\" > ?3
         ORDER BY \"offset\" LIMIT ?4"
    );
    let limit = signed(limit as u64);
    let key = params![signed(storage.0), signed(after.epoch), signed(after.offset), limit];
    db.prepare_cached(&sql)?.query_map(key, record)?.collect()
}

/// The way back, in the order of an index: a page costs what it shows, however long the log is.
const BACK: &str =
    "FROM records WHERE storage = ?1 AND epoch = ?2 AND \"offset\" < ?3 ORDER BY \"offset\" DESC LIMIT ?4";

/// Records of a storage before a position of its epoch, the newest first, at most `limit`.
pub(crate) fn back(
    db: &Connection,
    storage: StorageId,
    before: StreamPosition,
    limit: usize,
) -> rusqlite::Result<Vec<Record>> {
    let limit = signed(limit as u64);
    let key = params![signed(storage.0), signed(before.epoch), signed(before.offset), limit];
    db.prepare_cached(&format!("SELECT {COLUMNS} {BACK}"))?.query_map(key, record)?.collect()
}

/// How far a log that begins and ends there had come by each of these instants, which ascend.
///
/// Looks a few records up for each of them, instead of reading what may be a million: positions have no gaps, and go with
/// the time.
pub(crate) fn reached(
    db: &Connection,
    storage: StorageId,
    (oldest, newest): (StreamPosition, StreamPosition),
    by: &[Timestamp],
) -> rusqlite::Result<Vec<StreamPosition>> {
    let sql = "SELECT published FROM records WHERE storage = ?1 AND epoch = ?2 AND \"offset\" = ?3";
    let mut published = db.prepare_cached(sql)?;
    let mut reached = Vec::with_capacity(by.len());
    let mut low = oldest.offset;
    for instant in by {
        let mut high = newest.offset;
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            let key = [signed(storage.0), signed(newest.epoch), signed(middle)];
            let at: Option<i64> = published.query_row(key, |row| row.get(0)).optional()?;
            if at.is_none_or(|at| at < nanos(*instant)) { low = middle } else { high = middle - 1 }
        }
        reached.push(StreamPosition { epoch: newest.epoch, offset: low });
    }
    Ok(reached)
}

fn record(row: &Row<'_>) -> rusqlite::Result<Record> {
    let fact = match row.get(5)? {
        0 => Fact::Change(activity(row)?),
        number @ (1 | 2) => Fact::Policy { activity: activity(row)?, kind: policy::kind(number - 1) },
        3 => Fact::Storage(StorageChange::Created, row.iri(6)?),
        4 => Fact::Storage(StorageChange::Deleted, row.iri(6)?),
        other => return Err(rusqlite::Error::IntegralValueOutOfRange(5, other)),
    };
    Ok(Record {
        sequence: row.sequence(0)?,
        storage: row.storage(1)?,
        position: StreamPosition { epoch: row.number(2)?, offset: row.number(3)? },
        published: row.time(4)?,
        fact,
        causes: parted(row, 16)?,
    })
}

fn activity(row: &Row<'_>) -> rusqlite::Result<Activity> {
    let membership = match row.get_ref(12)? {
        ValueRef::Null => None,
        _ => Some(Membership { container: row.iri(12)?, generation: row.generation(13)?, state: row.get(14)? }),
    };
    Ok(Activity {
        id: row.uuid(7)?,
        kind: match row.get(8)? {
            0 => ActivityKind::Create,
            1 => ActivityKind::Update,
            2 => ActivityKind::Delete,
            other => return Err(rusqlite::Error::IntegralValueOutOfRange(8, other)),
        },
        object: row.iri(6)?,
        class: row.class(9)?,
        generation: row.generation(10)?,
        state: row.get(11)?,
        membership,
        actor: row.get::<_, Option<Arc<str>>>(15)?.map(WebId::new),
        published: row.time(4)?,
    })
}

/// The newest commit whose records were pruned.
pub(crate) fn pruned(db: &Connection) -> rusqlite::Result<Sequence> {
    db.prepare_cached("SELECT pruned FROM standing")?.query_row([], |row| row.sequence(0))
}

/// The position before the oldest record of a storage, and its newest.
pub(crate) fn horizon(db: &Connection, storage: StorageId) -> rusqlite::Result<(StreamPosition, StreamPosition)> {
    let sql = "SELECT epoch, pruned, newest FROM storages WHERE id = ?1 AND NOT deleted";
    db.prepare_cached(sql)?.query_row([signed(storage.0)], |row| {
        let epoch = row.number(0)?;
        let at = |offset| StreamPosition { epoch, offset };
        Ok((at(row.number(1)?), at(row.number(2)?)))
    })
}

/// Which documents of policy a storage holds, by IRI.
pub(crate) fn policy_of(
    db: &Connection,
    root: &ResourceIri,
    end: &str,
) -> rusqlite::Result<Vec<(ResourceIri, PolicyKind)>> {
    let sql = "SELECT iri, kind FROM policy WHERE until IS NULL AND iri >= ?1 AND iri < ?2 ORDER BY iri";
    let entry = |row: &Row<'_>| Ok((row.iri(0)?, policy::kind(row.get(1)?)));
    db.prepare_cached(sql)?.query_map([root.as_str(), end], entry)?.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, Sqlite, look::DATABASE};

    #[test]
    fn the_way_back_follows_an_index_and_sorts_nothing() {
        let directory = tempfile::tempdir().unwrap();
        drop(Sqlite::open(directory.path(), &Options::default()).unwrap());
        let db = Connection::open(directory.path().join(DATABASE)).unwrap();
        let sql = format!("EXPLAIN QUERY PLAN SELECT {COLUMNS} {BACK}");
        let mut plan = db.prepare(&sql).unwrap();
        let plan: Vec<String> =
            plan.query_map([1, 1, 1, 1], |row| row.get(3)).unwrap().collect::<Result<_, _>>().unwrap();
        let [step] = &*plan else { panic!("{plan:?}") };
        assert!(step.contains("USING INDEX records_by_position (storage=? AND epoch=? AND offset<?)"), "{step}");
    }
}

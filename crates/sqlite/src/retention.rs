//! How long history is kept: by time and by count, pruned a few commits at a time.
//!
//! Whole commits go, oldest first. Rules go when no record that can still be read needs them; the rules that stand
//! never do.

use crate::{
    Sqlite,
    columns::{Columns, nanos, signed, unsigned},
    error::EngineError,
    queue,
    step::Step,
};
use podbell_model::{Sequence, StorageId, Timestamp};
use rusqlite::{Connection, Row, params};
use std::{
    collections::VecDeque,
    time::{Duration, SystemTime},
};

/// Most rows that one step takes from a table.
const STEP: usize = 256;

/// What is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// How long a record.
    pub(crate) age: Duration,
    /// How many records of a storage.
    pub(crate) records: u64,
    /// How long an unused body.
    pub(crate) body_grace: Duration,
}

/// What is to be looked at.
#[derive(Debug)]
pub(crate) struct Retention {
    pub(crate) limits: Limits,
    pub(crate) due: VecDeque<(StorageId, Timestamp)>,
}

impl Retention {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, due: VecDeque::new() }
    }
}

/// Every storage that has records, deleted ones too.
pub(crate) fn storages(db: &Connection) -> rusqlite::Result<Vec<StorageId>> {
    db.prepare_cached("SELECT id FROM storages")?.query_map([], |row| row.storage(0))?.collect()
}

struct Candidate {
    sequence: Sequence,
    offset: u64,
    published: i64,
}

/// One step for one storage; true if there is more to do.
pub(crate) fn prune(
    step: &mut Step<'_>,
    storage: StorageId,
    now: Timestamp,
    limits: Limits,
) -> Result<bool, EngineError> {
    let more = prune_records(step, storage, now, limits)?;
    Ok(more | prune_rules(step.db)?)
}

fn prune_records(step: &mut Step<'_>, storage: StorageId, now: Timestamp, limits: Limits) -> Result<bool, EngineError> {
    let db = step.db;
    let id = signed(storage.0);
    let mut candidates = candidates(db, id)?;
    let full = candidates.len() == STEP;
    let newest: i64 =
        db.query_row("SELECT ifnull(max(newest), 0) FROM storages WHERE id = ?1", [id], |row| row.get(0))?;
    let newest = unsigned(newest);
    let oldest_kept = nanos(now).saturating_sub(i64::try_from(limits.age.as_nanos()).unwrap_or(i64::MAX));
    if full && let Some(last) = candidates.last().map(|last| last.sequence) {
        // The last commit may go on beyond what was read; only if it is the first one too, all of it is wanted.
        if candidates[0].sequence == last {
            candidates = whole(db, last)?;
        } else {
            candidates.retain(|candidate| candidate.sequence < last);
        }
    }
    // What nobody has looked at for those that are owed something stays.
    let derived = if queue::any(db)? { queue::derived(db)? } else { Sequence(u64::MAX) };
    let kept = |record: &Candidate| {
        let recent = record.offset.saturating_add(limits.records) > newest && record.published >= oldest_kept;
        recent || record.sequence > derived
    };
    let first_kept = candidates.iter().find(|record| kept(record)).map(|record| record.sequence);
    candidates.retain(|candidate| first_kept.is_none_or(|kept| candidate.sequence < kept));
    let (Some(first), Some(last)) = (candidates.first(), candidates.last()) else {
        db.execute("DELETE FROM storages WHERE id = ?1 AND deleted AND pruned >= newest", [id])?;
        return Ok(false);
    };
    let range = params![id, signed(first.offset), signed(last.offset)];
    db.execute(
        "DELETE FROM records WHERE storage = ?1 AND epoch = (SELECT epoch FROM storages WHERE id = ?1)
             AND \"offset\" BETWEEN ?2 AND ?3",
        range,
    )?;
    let sql = "UPDATE storages SET pruned = ?2, pruned_at = max(pruned_at, ?3) WHERE id = ?1";
    db.execute(sql, [id, signed(last.offset), signed(last.sequence.0)])?;
    db.execute("UPDATE standing SET pruned = max(pruned, ?1)", [signed(last.sequence.0)])?;
    step.ledger.pruned = step.ledger.pruned.max(last.sequence);
    Ok(true)
}

const CANDIDATE: &str = "SELECT r.sequence, r.\"offset\", r.published FROM records r";

fn candidate(row: &Row<'_>) -> rusqlite::Result<Candidate> {
    Ok(Candidate { sequence: row.sequence(0)?, offset: row.number(1)?, published: row.get(2)? })
}

fn candidates(db: &Connection, storage: i64) -> rusqlite::Result<Vec<Candidate>> {
    let sql = format!(
        "{CANDIDATE} JOIN storages s ON s.id = r.storage AND s.epoch = r.epoch
         WHERE r.storage = ?1 AND r.\"offset\" > s.pruned ORDER BY r.\"offset\" LIMIT ?2"
    );
    db.prepare_cached(&sql)?.query_map([storage, signed(STEP as u64)], candidate)?.collect()
}

fn whole(db: &Connection, commit: Sequence) -> rusqlite::Result<Vec<Candidate>> {
    let sql = format!("{CANDIDATE} WHERE r.sequence = ?1 ORDER BY r.\"offset\"");
    db.prepare_cached(&sql)?.query_map([signed(commit.0)], candidate)?.collect()
}

/// Rules are needed from just before the oldest record of any storage.
fn prune_rules(db: &Connection) -> Result<bool, EngineError> {
    // Nothing is written where nothing changes: that would cost a sync.
    db.execute(
        "UPDATE standing SET floor = oldest.needed
         FROM (SELECT ifnull((SELECT min(sequence) - 1 FROM records), head) AS needed FROM standing) AS oldest
         WHERE floor < oldest.needed",
        [],
    )?;
    let limit = [signed(STEP as u64)];
    // Older entries of a document go before the one that ended it.
    let entries = db.execute(
        "DELETE FROM policy WHERE (iri, sequence) IN (
             SELECT iri, sequence FROM policy WHERE until IS NOT NULL AND until <= (SELECT floor FROM standing)
             ORDER BY until, sequence LIMIT ?1)",
        limit,
    )?;
    let lives = db.execute(
        "DELETE FROM ended WHERE (iri, generation) IN (
             SELECT iri, generation FROM ended WHERE sequence <= (SELECT floor FROM standing)
             ORDER BY sequence LIMIT ?1)",
        limit,
    )?;
    Ok(entries == STEP || lives == STEP)
}

impl Sqlite {
    pub(crate) async fn prune(&self, storage: StorageId, now: Timestamp) -> Result<(), EngineError> {
        self.prune_to(storage, now, self.limits).await
    }

    pub(crate) async fn prune_to(&self, storage: StorageId, now: Timestamp, limits: Limits) -> Result<(), EngineError> {
        while self.writer.write(move |step| prune(step, storage, now, limits)).await? {}
        Ok(())
    }

    pub(crate) async fn sweep_bodies(&self, now: Timestamp) -> Result<(), EngineError> {
        let now: SystemTime = now.into();
        let Some(old) = now.checked_sub(self.limits.body_grace) else { return Ok(()) };
        let bodies = std::sync::Arc::clone(&self.bodies);
        let listed = tokio::task::spawn_blocking(move || bodies.older_than(old));
        let listed = listed.await.map_err(|_| EngineError::Stopped)??;
        for some in listed.chunks(STEP) {
            let some = some.to_vec();
            let note = move |step: &mut Step<'_>| {
                step.ledger.sweepable.extend(some.into_iter().map(|digest| (digest, old)));
                Ok::<_, EngineError>(())
            };
            self.writer.write(note).await?;
        }
        Ok(())
    }
}

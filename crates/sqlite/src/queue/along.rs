//! What goes along with a delivery in one request: more of the same channel and storage, in the order of the commits.
//!
//! Of each resource from the oldest on. Where one is left, whatever is younger about that resource is too, so that
//! nothing overtakes anything.

use crate::{columns::nanos, error::EngineError, queue::under_way::Spoken};
use podbell_delivery::push::Lane;
use podbell_model::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};
use std::collections::HashSet;

/// How much that waits is looked at: behind that, it goes another time.
const LOOKED_AT: i64 = 1_000;

/// Targets and ids for [`podbell_delivery::push::Queue::take_along`].
pub(crate) fn choose(
    db: &Connection,
    lane: &Lane,
    lead: i64,
    now: Timestamp,
    limit: usize,
    spoken: &Spoken,
) -> Result<Vec<(i64, i64)>, EngineError> {
    let sql = "SELECT d.target, d.storage FROM deliveries d JOIN targets t ON t.number = d.target
               WHERE d.id = ?1 AND d.storage IS NOT NULL AND t.lane = ?2";
    let place = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?));
    let Some((target, storage)) = db.prepare_cached(sql)?.query_row(params![lead, &*lane.0], place).optional()? else {
        return Ok(Vec::new());
    };
    let sql = "SELECT id, object, head, due, storage FROM deliveries
               WHERE target = ?1 AND died IS NULL AND sequence IS NOT NULL ORDER BY sequence, part LIMIT ?2";
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query(params![target, LOOKED_AT])?;
    let (mut open, mut left, mut chosen) = (HashSet::new(), HashSet::<String>::new(), Vec::new());
    while let Some(row) = rows.next()?
        && chosen.len() < limit
    {
        let (id, object): (i64, String) = (row.get(0)?, row.get(1)?);
        if id == lead {
            open.insert(object);
            continue;
        }
        let is_next = (row.get(2)? || open.contains(&object)) && !left.contains(&object);
        // What goes in order waits for what is before it, and for nothing else.
        let is_due = object.is_empty() || row.get::<_, i64>(3)? <= nanos(now);
        let is_here = row.get::<_, i64>(4)? == storage;
        let is_free = !spoken.for_him.contains(&id) && !spoken.otherwise.contains(&id);
        if is_next && is_due && is_here && is_free {
            open.insert(object);
            chosen.push((target, id));
        } else {
            left.insert(object);
        }
    }
    Ok(chosen)
}

//! The rate of a channel, as its receiver sees it: what was late keeps it too.

use crate::columns::nanos;
use podbell_model::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

/// Something was told of a topic: what waits to be told of it, and is due before the rate allows, is put off, one behind
/// the other.
pub(crate) fn told(
    db: &Connection,
    target: i64,
    (storage, resource): &(i64, String),
    at: Timestamp,
) -> rusqlite::Result<()> {
    let sql = "SELECT c.id, c.rate FROM targets t JOIN channels c ON c.id = t.channel
               WHERE t.number = ?1 AND c.rate IS NOT NULL";
    let found =
        db.prepare_cached(sql)?.query_row([target], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, i64>(1)?)));
    let Some((channel, rate)) = found.optional()? else { return Ok(()) };
    let sql = "UPDATE push_topics SET due = max(ifnull(due, ?4), ?4)
               WHERE storage = ?1 AND resource = ?2 AND channel = ?3";
    db.prepare_cached(sql)?.execute(params![storage, resource, channel, nanos(at)])?;
    let sql = "UPDATE deliveries SET due = spaced.due FROM (
                   SELECT id, ?4 + ?5 * row_number() OVER (ORDER BY due, id) AS due FROM deliveries
                   WHERE target = ?1 AND head AND storage = ?2 AND topic = ?3
               ) AS spaced
               WHERE deliveries.id = spaced.id AND deliveries.due < spaced.due";
    db.prepare_cached(sql)?.execute(params![target, storage, resource, nanos(at), rate])?;
    Ok(())
}

//! Deliveries and attempts as rows, and back.

use crate::{
    columns::{Columns, parted, unsigned},
    error::EngineError,
};
use podbell_delivery::push::{Attempt, Delivery, DeliveryId, Kind, Outcome};
use podbell_hub::{About, Channel, Encoded, Need, Position, Topic};
use rusqlite::{Connection, OptionalExtension as _, Row};
use std::{sync::Arc, time::Duration};

/// What [`delivery`] and [`kind`] read, in their order.
pub(crate) const COLUMNS: &str = "message, kind, attempts, owed, storage, topic, resource, generation, need, sequence, \
                                  part, causes, cursor_at, body";

/// A delivery of a channel; none if it is gone.
pub(crate) fn delivery(
    db: &Connection,
    id: i64,
    channel: &Arc<Channel>,
    oldest: Option<Position>,
) -> Result<Option<Delivery>, EngineError> {
    let sql = format!("SELECT {COLUMNS} FROM deliveries WHERE id = ?1");
    let delivery = |row: &Row<'_>| {
        Ok(Delivery {
            id: DeliveryId(id),
            channel: Arc::clone(channel),
            message: row.uuid(0)?,
            kind: kind(row)?,
            attempts: u32::try_from(row.number(2)?).unwrap_or(u32::MAX),
            owed: row.time(3)?,
            causes: parted(row, 11)?,
            oldest,
        })
    };
    Ok(db.prepare_cached(&sql)?.query_row([id], delivery).optional()?)
}

/// What it is to tell.
pub(crate) fn kind(row: &Row<'_>) -> rusqlite::Result<Kind> {
    let body = || row.get::<_, Vec<u8>>(13);
    match row.get(1)? {
        0 => {
            let cursor_at = row.get::<_, Option<i64>>(12)?.map(|at| usize::try_from(at).unwrap_or(usize::MAX));
            let position = Position { sequence: row.sequence(9)?, part: row.get(10)? };
            Ok(Kind::Change { about: about(row)?, body: Encoded { bytes: body()?.into(), cursor_at }, position })
        }
        1 => Ok(Kind::State { about: about(row)? }),
        2 => Ok(Kind::Ping { body: body()?.into() }),
        3 => Ok(Kind::Lifecycle { body: body()?.into() }),
        other => Err(rusqlite::Error::IntegralValueOutOfRange(1, other)),
    }
}

fn about(row: &Row<'_>) -> rusqlite::Result<About> {
    let generation = row.get::<_, Option<i64>>(7)?.map(|_| row.generation(7)).transpose()?;
    let need = match row.get(8)? {
        0 => Need::Read,
        1 => Need::Control,
        other => return Err(rusqlite::Error::IntegralValueOutOfRange(8, other)),
    };
    let topic = Topic { storage: row.storage(4)?, resource: row.iri(5)? };
    Ok(About { topic, resource: row.iri(6)?, generation, need })
}

/// The oldest place of what a target is still owed.
pub(crate) fn oldest(db: &Connection, target: i64) -> rusqlite::Result<Option<Position>> {
    let sql = "SELECT sequence, part FROM deliveries
               WHERE target = ?1 AND died IS NULL AND sequence IS NOT NULL ORDER BY sequence, part LIMIT 1";
    let position = |row: &Row<'_>| Ok(Position { sequence: row.sequence(0)?, part: row.get(1)? });
    db.prepare_cached(sql)?.query_row([target], position).optional()
}

/// As schema 6 says.
pub(crate) fn outcome_code(outcome: Outcome) -> i64 {
    let (kind, status) = match outcome {
        Outcome::Acknowledged(status) => (0, status),
        Outcome::Refused(status) => (1, status),
        Outcome::Forbidden => (2, 0),
        Outcome::Unreachable => (3, 0),
        Outcome::TimedOut => (4, 0),
    };
    kind << 16 | i64::from(status)
}

/// The way back.
pub(crate) fn outcome(row: &Row<'_>, column: usize) -> rusqlite::Result<Outcome> {
    let code: i64 = row.get(column)?;
    let status = u16::try_from(code & 0xffff).unwrap_or(u16::MAX);
    match code >> 16 {
        0 => Ok(Outcome::Acknowledged(status)),
        1 => Ok(Outcome::Refused(status)),
        2 => Ok(Outcome::Forbidden),
        3 => Ok(Outcome::Unreachable),
        4 => Ok(Outcome::TimedOut),
        _ => Err(rusqlite::Error::IntegralValueOutOfRange(column, code)),
    }
}

/// An attempt from three columns: when, how long, how it ended.
pub(crate) fn attempt(row: &Row<'_>, first: usize) -> rusqlite::Result<Attempt> {
    let took = Duration::from_nanos(unsigned(row.get(first + 1)?));
    Ok(Attempt { at: row.time(first)?, took, outcome: outcome(row, first + 2)? })
}

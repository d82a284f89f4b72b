//! How channels that push fare, and switching them off and on.

use crate::{
    columns::{Columns, nanos},
    error::EngineError,
    queue::{
        heads,
        receivers::{Purpose, target},
        rows,
    },
};
use podbell_delivery::push::{Health, Reason};
use podbell_hub::ChannelId;
use podbell_model::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

/// See [`podbell_delivery::push::Queue::health`].
pub(crate) fn read(db: &Connection, channel: ChannelId) -> rusqlite::Result<Option<Health>> {
    let sql =
        "SELECT last_success, failed_at, failed_took, failed_outcome, failing_since, pending, dead, disabled, reason,
                   missed,
                   (SELECT min(due) FROM targets JOIN deliveries ON target = number
                    WHERE targets.channel = ?1 AND purpose IN (0, 1) AND head AND disabled IS NULL)
               FROM pushes WHERE channel = ?1";
    db.prepare_cached(sql)?.query_row([channel.0.as_bytes()], health).optional()
}

fn health(row: &Row<'_>) -> rusqlite::Result<Health> {
    let disabled = match row.time_if(7)? {
        Some(since) => Some((since, reason(row, 8)?)),
        None => None,
    };
    Ok(Health {
        last_success: row.time_if(0)?,
        last_failure: row.time_if(1)?.map(|_| rows::attempt(row, 1)).transpose()?,
        failing_since: row.time_if(4)?,
        pending: row.number(5)?,
        next_attempt: row.time_if(10)?,
        dead_letters: row.number(6)?,
        disabled,
        missed: row.number(9)?,
    })
}

fn reason(row: &Row<'_>, column: usize) -> rusqlite::Result<Reason> {
    match row.get(column)? {
        0 => Ok(Reason::Failing),
        other => Err(rusqlite::Error::IntegralValueOutOfRange(column, other)),
    }
}

/// See [`podbell_delivery::push::Queue::disable`].
pub(crate) fn disable(db: &Connection, channel: ChannelId, reason: Reason, now: Timestamp) -> Result<(), EngineError> {
    let Some(target) = target(db, channel, Purpose::Changes)? else { return Ok(()) };
    let Reason::Failing = reason;
    let sql = "UPDATE pushes SET disabled = ?2, reason = 0 WHERE channel = ?1 AND disabled IS NULL";
    if db.prepare_cached(sql)?.execute(params![channel.0.as_bytes(), nanos(now)])? > 0 {
        heads::switch(db, target, true)?;
    }
    Ok(())
}

/// See [`podbell_delivery::push::Queue::enable`].
pub(crate) fn enable(db: &Connection, channel: ChannelId, now: Timestamp) -> Result<(), EngineError> {
    let Some(target) = target(db, channel, Purpose::Changes)? else { return Ok(()) };
    // It has as long again as it had before.
    let sql = "UPDATE pushes SET disabled = NULL, reason = NULL, failing_since = NULL
               WHERE channel = ?1 AND disabled IS NOT NULL";
    if db.prepare_cached(sql)?.execute([channel.0.as_bytes()])? > 0 {
        let sql = "UPDATE deliveries SET due = ?2 WHERE target = ?1 AND died IS NULL AND due > ?2";
        db.prepare_cached(sql)?.execute([target, nanos(now)])?;
        heads::switch(db, target, false)?;
    }
    Ok(())
}

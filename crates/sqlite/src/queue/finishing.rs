//! What became of a delivery: noted with the attempt and the channel's health, in one step.

use crate::{
    columns::{Columns, nanos, signed, span},
    error::EngineError,
    queue::{dead, heads, pace, receivers::Purpose, rows},
};
use podbell_delivery::push::{Attempt, DeliveryId, Done, Outcome};
use podbell_hub::ChannelId;
use podbell_model::{Timestamp, Uuid};
use rusqlite::{Connection, OptionalExtension as _, params};

/// How many attempts of a channel are kept.
const ATTEMPTS: i64 = 100;

/// What is to be known of a delivery that is finished.
struct Finished {
    id: i64,
    target: i64,
    object: String,
    message: Uuid,
    due: Timestamp,
    tells_a_change: bool,
    /// None for last words.
    channel: Option<ChannelId>,
    purpose: i64,
    /// What it was about, by storage and resource, if anything.
    topic: Option<(i64, String)>,
}

/// See [`podbell_delivery::push::Queue::finish`]; of what is gone, or given up already, nothing is noted.
pub(crate) fn finish(
    db: &Connection,
    id: DeliveryId,
    attempt: Option<&Attempt>,
    done: &Done,
) -> Result<(), EngineError> {
    let Some(finished) = find(db, id)? else { return Ok(()) };
    let Finished { id, target, .. } = finished;
    let ended = attempt.map(end_of);
    if let Some(attempt) = attempt {
        note(db, &finished, attempt)?;
        heads::serve(db, target, attempt.at)?;
    }
    let (tried, outcome) = (attempt.is_some(), attempt.map(|attempt| rows::outcome_code(attempt.outcome)));
    match done {
        Done::Again(at) => {
            let sql = "UPDATE deliveries SET attempts = attempts + ?2, due = ?3, outcome = ifnull(?4, outcome)
                       WHERE id = ?1";
            db.prepare_cached(sql)?.execute(params![id, tried, nanos(*at), outcome])?;
        }
        Done::Dead if finished.tells_a_change => {
            let sql =
                "UPDATE deliveries SET attempts = attempts + ?2, died = ?3, outcome = ifnull(?4, outcome), head = 0
                       WHERE id = ?1";
            let died = nanos(ended.unwrap_or(finished.due));
            db.prepare_cached(sql)?.execute(params![id, tried, died, outcome])?;
            dead::bound(db, target)?;
            heads::promote(db, target, &finished.object)?;
        }
        // A ping that did not arrive, or a word about a channel, is of no use later.
        Done::Acknowledged | Done::Withheld | Done::Dead => {
            db.prepare_cached("DELETE FROM deliveries WHERE id = ?1")?.execute([id])?;
            if finished.channel.is_none() {
                db.prepare_cached("DELETE FROM targets WHERE number = ?1")?.execute([target])?;
                return Ok(());
            }
            heads::promote(db, target, &finished.object)?;
            if let (Some(ended), Some(topic), Done::Acknowledged) = (ended, &finished.topic, done) {
                pace::told(db, target, topic, ended)?;
            }
        }
    }
    Ok(heads::settle(db, target)?)
}

fn find(db: &Connection, id: DeliveryId) -> rusqlite::Result<Option<Finished>> {
    let sql = "SELECT d.target, d.object, d.message, d.due, d.kind, t.channel, t.purpose,
                   d.storage, d.topic
               FROM deliveries d JOIN targets t ON t.number = d.target WHERE d.id = ?1 AND d.died IS NULL";
    let finished = |row: &rusqlite::Row<'_>| {
        Ok(Finished {
            id: id.0,
            target: row.get(0)?,
            object: row.get(1)?,
            message: row.uuid(2)?,
            due: row.time(3)?,
            tells_a_change: row.get::<_, i64>(4)? < 2,
            channel: row.get::<_, Option<[u8; 16]>>(5)?.map(|_| row.uuid(5).map(ChannelId)).transpose()?,
            purpose: row.get(6)?,
            topic: row.get::<_, Option<i64>>(7)?.zip(row.get(8)?),
        })
    };
    db.prepare_cached(sql)?.query_row([id.0], finished).optional()
}

fn end_of(attempt: &Attempt) -> Timestamp {
    attempt.at.checked_add(attempt.took).unwrap_or(attempt.at)
}

/// Notes an attempt, and how the channel fares since.
fn note(db: &Connection, finished: &Finished, attempt: &Attempt) -> rusqlite::Result<()> {
    let Some(channel) = finished.channel else { return Ok(()) };
    let (channel, at, took) = (channel.0.as_bytes(), nanos(attempt.at), span(attempt.took));
    let outcome = rows::outcome_code(attempt.outcome);
    let sql = "INSERT INTO attempts (channel, number, message, at, took, outcome)
               VALUES (?1, (SELECT ifnull(max(number), 0) + 1 FROM attempts WHERE channel = ?1), ?2, ?3, ?4, ?5)
               RETURNING number";
    let row = params![channel, finished.message.as_bytes(), at, took, outcome];
    let number: i64 = db.prepare_cached(sql)?.query_row(row, |row| row.get(0))?;
    db.prepare_cached("DELETE FROM attempts WHERE channel = ?1 AND number <= ?2")?
        .execute(params![channel, number - ATTEMPTS])?;
    // What becomes of a channel may be told elsewhere: that says nothing of its receiver.
    let elsewhere = "?2 AND send_to IS NOT lifecycle";
    let is_lifecycle = finished.purpose == Purpose::Lifecycle as i64;
    if matches!(attempt.outcome, Outcome::Acknowledged(_)) {
        let sql = format!(
            "UPDATE pushes SET last_success = ?3, failing_since = NULL WHERE channel = ?1 AND NOT ({elsewhere})"
        );
        db.prepare_cached(&sql)?.execute(params![channel, is_lifecycle, at])?;
    } else {
        let sql = format!(
            "UPDATE pushes SET failed_at = ?3, failed_took = ?4, failed_outcome = ?5,
                 failing_since = ifnull(failing_since, ?3) WHERE channel = ?1 AND NOT ({elsewhere})"
        );
        db.prepare_cached(&sql)?.execute(params![channel, is_lifecycle, at, took, outcome])?;
    }
    Ok(())
}

/// See [`podbell_delivery::push::Queue::attempts`].
pub(crate) fn attempts(db: &Connection, channel: ChannelId, limit: usize) -> rusqlite::Result<Vec<(Uuid, Attempt)>> {
    let sql = "SELECT message, at, took, outcome FROM attempts WHERE channel = ?1 ORDER BY number DESC LIMIT ?2";
    db.prepare_cached(sql)?
        .query_map(params![channel.0.as_bytes(), signed(limit as u64)], |row| {
            Ok((row.uuid(0)?, rows::attempt(row, 1)?))
        })?
        .collect()
}

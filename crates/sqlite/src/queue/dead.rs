//! Dead letters: what was given up, kept for the channel's owner, and owed anew if he wants it.

use crate::{
    columns::{Columns, nanos, signed},
    error::EngineError,
    queue::{
        heads,
        receivers::{Purpose, target},
        rows,
    },
};
use podbell_delivery::push::{DeadLetter, DeliveryId, Wanted};
use podbell_hub::ChannelId;
use podbell_model::Timestamp;
use rusqlite::{Connection, Row, params};
use std::time::Duration;

/// How many of a channel are kept.
const MOST: i64 = 1_000;
/// How long they are kept.
const AGE: Duration = Duration::from_hours(30 * 24);
/// Most that are forgotten at once for their age.
const STEP: i64 = 1_000;

/// Forgets the oldest of a target beyond what is kept.
pub(crate) fn bound(db: &Connection, target: i64) -> rusqlite::Result<()> {
    let sql = "SELECT dead FROM pushes JOIN targets ON pushes.channel = targets.channel WHERE number = ?1";
    let dead: i64 = db.prepare_cached(sql)?.query_row([target], |row| row.get(0))?;
    if dead > MOST {
        let sql = "DELETE FROM deliveries WHERE id IN (
                       SELECT id FROM deliveries WHERE target = ?1 AND died IS NOT NULL ORDER BY id LIMIT ?2)";
        db.prepare_cached(sql)?.execute([target, dead - MOST])?;
    }
    Ok(())
}

/// Forgets those that are old.
pub(crate) fn sweep(db: &Connection, now: Timestamp) -> rusqlite::Result<()> {
    let Ok(before) = now.checked_sub(AGE) else { return Ok(()) };
    let sql = "DELETE FROM deliveries WHERE id IN (
                   SELECT id FROM deliveries WHERE died IS NOT NULL AND died < ?1 ORDER BY died LIMIT ?2)";
    db.prepare_cached(sql)?.execute([nanos(before), STEP])?;
    Ok(())
}

/// See [`podbell_delivery::push::Queue::dead_letters`].
pub(crate) fn read(
    db: &Connection,
    channel: ChannelId,
    after: Option<DeliveryId>,
    limit: usize,
) -> rusqlite::Result<Vec<DeadLetter>> {
    let Some(target) = target(db, channel, Purpose::Changes)? else { return Ok(Vec::new()) };
    let sql = format!(
        "SELECT {}, id, died, outcome FROM deliveries
         WHERE target = ?1 AND died IS NOT NULL AND id > ?2 ORDER BY id LIMIT ?3",
        rows::COLUMNS
    );
    let letter = |row: &Row<'_>| {
        Ok(DeadLetter {
            id: DeliveryId(row.get(14)?),
            message: row.uuid(0)?,
            kind: rows::kind(row)?,
            attempts: u32::try_from(row.number(2)?).unwrap_or(u32::MAX),
            owed: row.time(3)?,
            died: row.time(15)?,
            last: row.get::<_, Option<i64>>(16)?.map(|_| rows::outcome(row, 16)).transpose()?,
        })
    };
    let key = params![target, after.map_or(i64::MIN, |after| after.0), signed(limit as u64)];
    db.prepare_cached(&sql)?.query_map(key, letter)?.collect()
}

/// See [`podbell_delivery::push::Queue::redeliver`]. They keep their numbers: so they go before what is younger.
pub(crate) fn redeliver(
    db: &Connection,
    channel: ChannelId,
    wanted: &Wanted,
    now: Timestamp,
) -> Result<u64, EngineError> {
    let Some(target) = target(db, channel, Purpose::Changes)? else { return Ok(0) };
    let sql = "UPDATE deliveries SET died = NULL, attempts = 0, outcome = NULL, due = ?2
               WHERE target = ?1 AND died IS NOT NULL";
    let revived = match wanted {
        Wanted::All => db.prepare_cached(sql)?.execute([target, nanos(now)])?,
        Wanted::These(these) => {
            let mut one = db.prepare_cached(&format!("{sql} AND id = ?3"))?;
            these
                .iter()
                .try_fold(0, |sum, id| Ok::<_, rusqlite::Error>(sum + one.execute([target, nanos(now), id.0])?))?
        }
    };
    if revived > 0 {
        heads::promote_all(db, target)?;
        heads::settle(db, target)?;
    }
    Ok(revived as u64)
}

//! Receivers as rows: kept with their channels, in the same transaction.

use crate::{
    channels,
    columns::{Columns, nanos, signed},
    crowds,
    error::EngineError,
    queue::heads,
};
use podbell_delivery::push::Lane;
use podbell_hub::{Channel, ChannelId, ChannelLimits, Crowd, Push, PushKeys, Secret, TooMany, Topic};
use podbell_model::Sequence;
use rusqlite::{Connection, OptionalExtension as _, Row, params, types::Type};
use std::sync::Arc;

/// What deliveries are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Changes = 0,
    Pings = 1,
    Lifecycle = 2,
}

/// What [`push`] reads, in its order.
pub(crate) const COLUMNS: &str = "send_to, auth, p256dh, secrets, lifecycle, since";

/// Keeps the receiver of a new channel; what was committed up to `head` is not told.
pub(crate) fn insert(db: &Connection, channel: &Channel, push: &Push, head: Sequence) -> Result<(), EngineError> {
    // Nobody was owed anything of what came before the first one.
    db.prepare_cached("UPDATE standing SET derived = max(derived, ?1) WHERE NOT EXISTS (SELECT 1 FROM pushes)")?
        .execute([signed(head.0)])?;
    let sql = "INSERT INTO pushes (channel, send_to, auth, p256dh, secrets, lifecycle, since, ends)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let id = channel.id.0.as_bytes();
    db.prepare_cached(sql)?.execute(params![
        id,
        &*push.send_to,
        push.keys.as_ref().map(|keys| &*keys.auth),
        push.keys.as_ref().map(|keys| &*keys.p256dh),
        secrets_text(&push.secrets),
        push.lifecycle.as_deref(),
        signed(head.0),
        channel.end_at.map(nanos),
    ])?;
    let mut statement =
        db.prepare_cached("INSERT INTO push_topics (storage, resource, channel) VALUES (?1, ?2, ?3)")?;
    for topic in channel.topics.iter() {
        statement.execute(params![signed(topic.storage.0), topic.resource.as_str(), id])?;
    }
    open(db, channel.id, Purpose::Changes, &push.send_to)?;
    Ok(())
}

/// A receiver as kept; none if the channel does not push. The columns begin at `first`.
pub(crate) fn push(row: &Row<'_>, first: usize) -> rusqlite::Result<Option<Arc<Push>>> {
    let Some(send_to) = row.get(first)? else { return Ok(None) };
    let keys = match (row.get(first + 1)?, row.get(first + 2)?) {
        (Some(auth), Some(p256dh)) => Some(PushKeys { auth, p256dh }),
        _ => None,
    };
    Ok(Some(Arc::new(Push {
        send_to,
        keys,
        secrets: secrets(row, first + 3)?,
        lifecycle: row.get(first + 4)?,
        since: row.sequence(first + 5)?,
    })))
}

pub(crate) fn secrets_text(secrets: &[Secret]) -> String {
    let pairs = secrets.iter().map(|secret| serde_json::json!([&*secret.text, secret.until.map(nanos)]));
    serde_json::Value::Array(pairs.collect()).to_string()
}

pub(crate) fn secrets(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<Secret>> {
    let foreign = |error| crate::columns::foreign(column, Type::Text, error);
    let pairs: Vec<(Arc<str>, Option<i64>)> =
        serde_json::from_str::<Vec<(String, Option<i64>)>>(row.get_ref(column)?.as_str()?)
            .map_err(foreign)?
            .into_iter()
            .map(|(text, until)| (text.into(), until))
            .collect();
    let secret = |(text, until): (Arc<str>, Option<i64>)| {
        Ok(Secret { text, until: until.map(|until| crate::columns::instant(column, until)).transpose()? })
    };
    pairs.into_iter().map(secret).collect()
}

/// See [`podbell_delivery::push::Queue::set_secrets`].
pub(crate) fn set_secrets(db: &Connection, channel: ChannelId, secrets: &[Secret]) -> Result<bool, EngineError> {
    let sql = "UPDATE pushes SET secrets = ?2 WHERE channel = ?1";
    Ok(db.prepare_cached(sql)?.execute(params![channel.0.as_bytes(), secrets_text(secrets)])? > 0)
}

/// See [`podbell_delivery::push::Queue::redirect`]. Words about the channel that went to the same place go along.
pub(crate) fn redirect(
    db: &Connection,
    channel: ChannelId,
    send_to: &str,
    limits: &ChannelLimits,
) -> Result<Result<bool, TooMany>, EngineError> {
    let id = channel.0.as_bytes();
    let Some(kept) = channels::get(db, channel)? else { return Ok(Ok(false)) };
    let limit = limits.targets;
    if crowds::targets(db, &kept, &Lane::of(send_to), limit)? >= limit {
        return Ok(Err(TooMany { crowd: Crowd::Targets, limit }));
    }
    let sql = "SELECT ifnull(lifecycle = send_to, 0) FROM pushes WHERE channel = ?1";
    let Some(together) = db.prepare_cached(sql)?.query_row([id], |row| row.get::<_, bool>(0)).optional()? else {
        return Ok(Ok(false));
    };
    let sql = "UPDATE pushes SET send_to = ?2, lifecycle = iif(?3, ?2, lifecycle) WHERE channel = ?1";
    db.prepare_cached(sql)?.execute(params![id, send_to, together])?;
    for purpose in [Purpose::Changes, Purpose::Pings, Purpose::Lifecycle] {
        if purpose != Purpose::Lifecycle || together {
            let Some(number) = target(db, channel, purpose)? else { continue };
            change_lane(db, number, &Lane::of(send_to))?;
        }
    }
    Ok(Ok(true))
}

/// The lanes know what is ready in them by what becomes ready and what no longer is: so it leaves one and enters the
/// other.
fn change_lane(db: &Connection, target: i64, lane: &Lane) -> rusqlite::Result<()> {
    let ready: Option<i64> =
        db.prepare_cached("SELECT ready FROM targets WHERE number = ?1")?.query_row([target], |row| row.get(0))?;
    db.prepare_cached("UPDATE targets SET ready = NULL WHERE number = ?1")?.execute([target])?;
    let sql = "UPDATE targets SET lane = ?2, ready = ?3 WHERE number = ?1";
    db.prepare_cached(sql)?.execute(params![target, &*lane.0, ready])?;
    Ok(())
}

/// The target of a channel for something, made if there is none yet.
pub(crate) fn open(db: &Connection, channel: ChannelId, purpose: Purpose, url: &str) -> rusqlite::Result<i64> {
    if let Some(target) = target(db, channel, purpose)? {
        return Ok(target);
    }
    let sql = "INSERT INTO targets (channel, purpose, lane) VALUES (?1, ?2, ?3) RETURNING number";
    let row = params![channel.0.as_bytes(), purpose as i64, &*Lane::of(url).0];
    db.prepare_cached(sql)?.query_row(row, |row| row.get(0))
}

/// The target of a channel for something, if there is one.
pub(crate) fn target(db: &Connection, channel: ChannelId, purpose: Purpose) -> rusqlite::Result<Option<i64>> {
    let sql = "SELECT number FROM targets WHERE channel = ?1 AND purpose = ?2";
    db.prepare_cached(sql)?.query_row(params![channel.0.as_bytes(), purpose as i64], |row| row.get(0)).optional()
}

/// Forgets topics that a channel has lost, and what it is owed about them.
pub(crate) fn narrow(db: &Connection, channel: ChannelId, lost: &[Topic]) -> Result<(), EngineError> {
    let Some(target) = target(db, channel, Purpose::Changes)? else { return Ok(()) };
    let id = channel.0.as_bytes();
    for topic in lost {
        let (storage, resource) = (signed(topic.storage.0), topic.resource.as_str());
        db.prepare_cached("DELETE FROM push_topics WHERE storage = ?1 AND resource = ?2 AND channel = ?3")?
            .execute(params![storage, resource, id])?;
        db.prepare_cached("DELETE FROM deliveries WHERE target = ?1 AND storage = ?2 AND topic = ?3")?
            .execute(params![target, storage, resource])?;
    }
    if leaves_storage(db, id, lost)? {
        // These name no topic, and tell when something happened there: those who own what is left may look at them.
        db.prepare_cached("DELETE FROM attempts WHERE channel = ?1")?.execute([id])?;
        let sql = "UPDATE pushes SET last_success = NULL, failed_at = NULL, failed_took = NULL, failed_outcome = NULL,
                       failing_since = NULL WHERE channel = ?1";
        db.prepare_cached(sql)?.execute([id])?;
    }
    heads::promote_all(db, target)?;
    Ok(heads::settle(db, target)?)
}

/// Whether nothing is left of a channel in the storage of some topic that it has lost.
fn leaves_storage(db: &Connection, id: &[u8; 16], lost: &[Topic]) -> rusqlite::Result<bool> {
    let sql = "SELECT NOT EXISTS (SELECT 1 FROM push_topics WHERE channel = ?1 AND storage = ?2)";
    let mut statement = db.prepare_cached(sql)?;
    for topic in lost {
        if statement.query_row(params![id, signed(topic.storage.0)], |row| row.get(0))? {
            return Ok(true);
        }
    }
    Ok(false)
}

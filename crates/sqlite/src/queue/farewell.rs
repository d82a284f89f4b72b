//! Words about channels, not about resources: pings, what becomes of them, and the last words to one that is gone.

use crate::{
    channels,
    columns::{Columns, joined, nanos, signed},
    error::EngineError,
    queue::{
        heads,
        receivers::{self, Purpose},
    },
};
use podbell_delivery::push::{Kind, Lane};
use podbell_hub::{Channel, ChannelId, Push, RenderingId};
use podbell_model::{Subject, Timestamp, Uuid, WebId};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::sync::Arc;

/// Most of each that wait for one channel; what comes then is not queued.
const WAITING: i64 = 100;
/// Most last words that wait for one agent; of more channels that end, nobody is told.
const FAREWELLS: i64 = 1_000;

/// See [`podbell_delivery::push::Queue::add`].
pub(crate) fn add(
    db: &Connection,
    id: ChannelId,
    message: Uuid,
    kind: &Kind,
    now: Timestamp,
) -> Result<(), EngineError> {
    let sql = "SELECT send_to, lifecycle FROM pushes WHERE channel = ?1";
    let urls = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?));
    let urls = db.prepare_cached(sql)?.query_row([id.0.as_bytes()], urls).optional()?;
    let Some((send_to, lifecycle)) = urls else { return Ok(()) };
    let (target, number, body) = match kind {
        Kind::Ping { body } => (receivers::open(db, id, Purpose::Pings, &send_to)?, 2, body),
        Kind::Lifecycle { body } => {
            let Some(url) = lifecycle else { return Ok(()) };
            (receivers::open(db, id, Purpose::Lifecycle, &url)?, 3, body)
        }
        Kind::Change { .. } | Kind::State { .. } => {
            return Err(EngineError::Invalid("what tells of a resource is owed, and not added"));
        }
    };
    let waiting: i64 = db
        .prepare_cached("SELECT count(*) FROM deliveries WHERE target = ?1 AND died IS NULL")?
        .query_row([target], |row| row.get(0))?;
    if waiting < WAITING {
        say(db, target, id, message, number, body, now)?;
    }
    Ok(())
}

/// One of those that tell nothing of any resource; they go one after the other.
fn say(
    db: &Connection,
    target: i64,
    channel: ChannelId,
    message: Uuid,
    kind: i64,
    body: &[u8],
    now: Timestamp,
) -> rusqlite::Result<()> {
    let sql = "INSERT INTO deliveries
                   (target, message, object, head, due, kind, mergeable, attempts, owed, causes, body)
               VALUES (?1, ?2, '', 0, ?4, ?3, 0, 0, ?4, ?5, ?6) ON CONFLICT (target, message) DO NOTHING";
    let row = params![target, message.as_bytes(), kind, nanos(now), joined(&[channel.0]), body];
    db.prepare_cached(sql)?.execute(row)?;
    heads::promote(db, target, "")?;
    heads::settle(db, target)
}

/// See [`podbell_delivery::push::Queue::remove`].
pub(crate) fn remove(
    db: &Connection,
    id: ChannelId,
    farewell: Option<(Uuid, Arc<[u8]>)>,
    now: Timestamp,
) -> Result<bool, EngineError> {
    let Some(channel) = channels::get(db, id)? else { return Ok(false) };
    channels::remove(db, id)?;
    let Some((message, body)) = farewell else { return Ok(true) };
    let Some((push, lifecycle)) = channel.push.as_ref().and_then(|push| Some((push, push.lifecycle.as_ref()?))) else {
        return Ok(true);
    };
    if crowded(db, &channel)? {
        return Ok(true);
    }
    let sql = "INSERT INTO targets (purpose, lane) VALUES (?1, ?2) RETURNING number";
    let lane = Lane::of(lifecycle);
    let target = db.prepare_cached(sql)?.query_row(params![Purpose::Lifecycle as i64, &*lane.0], |row| row.get(0))?;
    let sql = "INSERT INTO farewells
                   (target, channel, webid, client, issuer, origin, rendering, created, send_to, secrets, lifecycle, since)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
    let subject = &channel.subject;
    db.prepare_cached(sql)?.execute(params![
        target,
        id.0.as_bytes(),
        subject.webid.as_ref().map(WebId::as_str),
        subject.client.as_deref(),
        subject.issuer.as_deref(),
        subject.origin.as_deref(),
        channel.rendering.0,
        nanos(channel.created),
        &*push.send_to,
        receivers::secrets_text(&push.secrets),
        &**lifecycle,
        signed(push.since.0),
    ])?;
    say(db, target, id, message, 3, &body, now)?;
    Ok(true)
}

/// Whether too many last words to an agent's channels wait. Channels that are gone are in no count of those that there may
/// be: somebody who makes and ends them all day, with words to a receiver that never answers, would fill the disk.
fn crowded(db: &Connection, channel: &Channel) -> rusqlite::Result<bool> {
    let sql = "SELECT count(*) FROM (SELECT 1 FROM farewells WHERE webid IS ?1 LIMIT ?2)";
    let webid = channel.subject.webid.as_ref().map(WebId::as_str);
    let waiting: i64 = db.prepare_cached(sql)?.query_row(params![webid, FAREWELLS], |row| row.get(0))?;
    Ok(waiting >= FAREWELLS)
}

/// A channel that is gone, as it was, but for its topics; whose last words go to that target.
pub(crate) fn channel(db: &Connection, target: i64) -> rusqlite::Result<Option<Channel>> {
    let sql = "SELECT channel, webid, client, issuer, origin, rendering, created, send_to, secrets, lifecycle, since
               FROM farewells WHERE target = ?1";
    let channel = |row: &Row<'_>| {
        let subject = Subject {
            webid: row.get::<_, Option<Arc<str>>>(1)?.map(WebId::new),
            client: row.get(2)?,
            issuer: row.get(3)?,
            origin: row.get(4)?,
        };
        let (id, rendering) = (ChannelId(row.uuid(0)?), RenderingId(row.get(5)?));
        let mut channel = Channel::new(id, Arc::new(subject), Arc::new([]), rendering, row.time(6)?);
        channel.push = Some(Arc::new(Push {
            send_to: row.get(7)?,
            keys: None,
            secrets: receivers::secrets(row, 8)?,
            lifecycle: row.get(9)?,
            since: row.sequence(10)?,
        }));
        Ok(channel)
    };
    db.prepare_cached(sql)?.query_row([target], channel).optional()
}

/// See [`podbell_delivery::push::Queue::expiring`].
pub(crate) fn expiring(db: &Connection, before: Timestamp, limit: usize) -> Result<Vec<Arc<Channel>>, EngineError> {
    let ending = "lifecycle IS NOT NULL AND ends IS NOT NULL AND told = 0 AND ends < ?2 ORDER BY ends";
    let found = some(db, ending, limit, Some(before))?;
    for channel in &found {
        db.prepare_cached("UPDATE pushes SET told = 1 WHERE channel = ?1")?.execute([channel.id.0.as_bytes()])?;
    }
    Ok(found)
}

/// See [`podbell_delivery::push::Queue::expired`].
pub(crate) fn expired(db: &Connection, now: Timestamp, limit: usize) -> Result<Vec<Arc<Channel>>, EngineError> {
    let ended = "lifecycle IS NOT NULL AND ends IS NOT NULL AND told IN (0, 1) AND ends <= ?2";
    some(db, ended, limit, Some(now))
}

/// See [`podbell_delivery::push::Queue::failing`].
pub(crate) fn failing(db: &Connection, before: Timestamp, limit: usize) -> Result<Vec<Arc<Channel>>, EngineError> {
    some(db, "disabled IS NOT NULL AND disabled <= ?2 ORDER BY disabled", limit, Some(before))
}

/// See [`podbell_delivery::push::Queue::missed`].
pub(crate) fn missed(db: &Connection, limit: usize) -> Result<Vec<Arc<Channel>>, EngineError> {
    let found = some(db, "missed > missed_told AND lifecycle IS NOT NULL", limit, None)?;
    for channel in &found {
        db.prepare_cached("UPDATE pushes SET missed_told = missed WHERE channel = ?1")?
            .execute([channel.id.0.as_bytes()])?;
    }
    Ok(found)
}

/// Some of those that a condition chooses; a time, if it asks for one, is its second value.
fn some(
    db: &Connection,
    condition: &str,
    limit: usize,
    time: Option<Timestamp>,
) -> Result<Vec<Arc<Channel>>, EngineError> {
    let sql = format!("SELECT channel FROM pushes WHERE {condition} LIMIT ?1");
    let mut statement = db.prepare_cached(&sql)?;
    let id = |row: &Row<'_>| row.uuid(0).map(ChannelId);
    let limit = signed(limit as u64);
    let ids = match time {
        Some(time) => statement.query_map([limit, nanos(time)], id)?,
        None => statement.query_map([limit], id)?,
    };
    let ids: Vec<ChannelId> = ids.collect::<rusqlite::Result<_>>()?;
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        found.extend(channels::get(db, id)?.map(Arc::new));
    }
    Ok(found)
}

//! One notification that is owed enters the queue, or takes the place of one that waits there.

use crate::{
    columns::{Columns, joined, nanos, signed, span},
    error::EngineError,
    queue::under_way::Replaced,
};
use podbell_hub::{About, Encoded, Need, Owed, Position, What};
use rusqlite::{Connection, OptionalExtension as _, named_params, params};
use std::collections::HashMap;

/// So many channels of one agent may have all that one may have pending; of more, each may have less.
const FULL: u64 = 100;
/// Each may have so much in any case.
const LEAST: u64 = 16;

/// How much may be pending.
pub(crate) struct Bounds {
    /// For one channel.
    bound: u64,
    /// How many channels of an agent push, once that was looked up.
    channels: HashMap<String, u64>,
}

impl Bounds {
    /// So much for one channel. For one transaction.
    pub(crate) fn new(bound: u64) -> Self {
        Self { bound, channels: HashMap::new() }
    }

    /// How much may be pending for a channel of an agent: what is pending for all of its channels fills no disk.
    fn of(&mut self, db: &Connection, webid: Option<String>) -> rusqlite::Result<u64> {
        let Some(webid) = webid else { return Ok(self.bound) };
        if !self.channels.contains_key(&webid) {
            let sql = "SELECT count(*) FROM channels JOIN pushes ON pushes.channel = channels.id WHERE webid = ?1";
            let count = db.prepare_cached(sql)?.query_row([&webid], |row| row.number(0))?;
            self.channels.insert(webid.clone(), count);
        }
        let count = self.channels.get(&webid).copied().unwrap_or_default().max(1);
        Ok((self.bound.saturating_mul(FULL) / count).max(LEAST).min(self.bound))
    }
}

/// The receiver of a channel, as far as it matters here.
struct Receiver {
    target: i64,
    off: bool,
    pending: u64,
    webid: Option<String>,
}

/// What became of it.
pub(crate) enum Entry {
    /// It is owed to nobody, or was owed before.
    Nothing,
    /// It took the place of another one.
    Merged,
    /// There is no room for it.
    Full,
    /// It waits, and the turns of that target have changed.
    Queued(i64),
}

/// Keeps what is owed; what was the same and is `dead` is forgotten for it.
pub(crate) fn enter(
    db: &Connection,
    owed: &Owed,
    bounds: &mut Bounds,
    dead: Option<i64>,
    replaced: &mut Replaced,
) -> Result<Entry, EngineError> {
    let Some(receiver) = receiver(db, owed)? else { return Ok(Entry::Nothing) };
    let Some(last) = last_due(db, owed)? else { return Ok(Entry::Nothing) };
    let bound = if receiver.pending < LEAST / 2 { bounds.bound } else { bounds.of(db, receiver.webid)? };
    // Otherwise it is found out by the insertion.
    let careful = owed.rate.is_some() || receiver.pending >= bound;
    if receiver.off || careful && dead.is_none() && is_queued(db, receiver.target, owed)? {
        return Ok(Entry::Nothing);
    }
    if let Some(dead) = dead {
        if receiver.pending >= bound {
            return Ok(Entry::Full);
        }
        db.prepare_cached("DELETE FROM deliveries WHERE id = ?1")?.execute([dead])?;
    }
    // Nothing takes the place of anything unless the receiver asked to be told less often.
    if owed.rate.is_some() && !owed.in_order && merge(db, receiver.target, owed, replaced)? {
        return Ok(Entry::Merged);
    }
    let channel = owed.channel.0.as_bytes();
    if receiver.pending >= bound {
        return Ok(Entry::Full);
    }
    let mut due = nanos(owed.due);
    if let Some(rate) = owed.rate {
        due = last.map_or(due, |last| due.max(last.saturating_add(span(rate))));
        let topic = &owed.about.topic;
        db.prepare_cached("UPDATE push_topics SET due = ?4 WHERE storage = ?1 AND resource = ?2 AND channel = ?3")?
            .execute(params![signed(topic.storage.0), topic.resource.as_str(), channel, due])?;
    }
    insert(db, receiver.target, owed, due)?;
    Ok(Entry::Queued(receiver.target))
}

/// Counts that there was no room for something.
pub(crate) fn miss(db: &Connection, owed: &Owed) -> rusqlite::Result<()> {
    let sql = "UPDATE pushes SET missed = missed + 1 WHERE channel = ?1";
    db.prepare_cached(sql)?.execute([owed.channel.0.as_bytes()])?;
    Ok(())
}

fn receiver(db: &Connection, owed: &Owed) -> rusqlite::Result<Option<Receiver>> {
    let sql = "SELECT t.number, t.off, p.pending, c.webid FROM targets t
               JOIN pushes p ON p.channel = t.channel JOIN channels c ON c.id = t.channel
               WHERE t.channel = ?1 AND t.purpose = 0";
    let receiver = |row: &rusqlite::Row<'_>| {
        Ok(Receiver { target: row.get(0)?, off: row.get(1)?, pending: row.number(2)?, webid: row.get(3)? })
    };
    db.prepare_cached(sql)?.query_row([owed.channel.0.as_bytes()], receiver).optional()
}

/// When the topic was due last, if it ever was; nothing if the channel has lost it.
#[allow(clippy::option_option, reason = "whether there is such a topic, and what is known of it")]
fn last_due(db: &Connection, owed: &Owed) -> rusqlite::Result<Option<Option<i64>>> {
    let topic = &owed.about.topic;
    let sql = "SELECT due FROM push_topics WHERE storage = ?1 AND resource = ?2 AND channel = ?3";
    let key = params![signed(topic.storage.0), topic.resource.as_str(), owed.channel.0.as_bytes()];
    db.prepare_cached(sql)?.query_row(key, |row| row.get(0)).optional()
}

fn is_queued(db: &Connection, target: i64, owed: &Owed) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM deliveries WHERE target = ?1 AND message = ?2)";
    db.prepare_cached(sql)?.query_row(params![target, owed.message.as_bytes()], |row| row.get(0))
}

/// Lets it take the place of the newest one about the same object, if that one is older, may be replaced and was never
/// tried. Nothing else about the object is passed over by that.
fn merge(db: &Connection, target: i64, owed: &Owed, replaced: &mut Replaced) -> Result<bool, EngineError> {
    let What::Change { body, position, mergeable: true } = &owed.what else { return Ok(false) };
    let sql = "SELECT id, mergeable AND attempts = 0 AND storage = ?3 AND topic = ?4 AND (sequence, part) < (?5, ?6)
               FROM deliveries WHERE target = ?1 AND object = ?2 AND died IS NULL ORDER BY id DESC LIMIT 1";
    let topic = &owed.about.topic;
    let (storage, sequence) = (signed(topic.storage.0), signed(position.sequence.0));
    let key = params![target, owed.object.as_str(), storage, topic.resource.as_str(), sequence, position.part];
    let newest = db
        .prepare_cached(sql)?
        .query_row(key, |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Option<bool>>(1)?)))
        .optional()?;
    let Some((id, Some(true))) = newest else { return Ok(false) };
    if !replaced.replace(id) {
        return Ok(false);
    }
    let sql = "UPDATE deliveries SET message = ?2, resource = ?3, generation = ?4, need = ?5, sequence = ?6, part = ?7,
                   causes = ?8, cursor_at = ?9, body = ?10 WHERE id = ?1";
    db.prepare_cached(sql)?.execute(params![
        id,
        owed.message.as_bytes(),
        owed.about.resource.as_str(),
        owed.about.generation.map(|generation| signed(generation.0.0)),
        need(&owed.about),
        sequence,
        position.part,
        joined(&owed.causes),
        body.cursor_at.map(|at| signed(at as u64)),
        &*body.bytes,
    ])?;
    Ok(true)
}

fn need(about: &About) -> i64 {
    match about.need {
        Need::Read => 0,
        Need::Control => 1,
    }
}

fn insert(db: &Connection, target: i64, owed: &Owed, due: i64) -> rusqlite::Result<()> {
    let nothing = Encoded::default();
    let (kind, body, position, mergeable): (_, _, Option<Position>, _) = match &owed.what {
        What::Change { body, position, mergeable } => (0, body, Some(*position), *mergeable),
        What::State => (1, &nothing, None, false),
    };
    let sql = "INSERT INTO deliveries
                   (target, message, object, head, due, kind, mergeable, attempts, owed, storage, topic, resource,
                    generation, need, sequence, part, causes, cursor_at, body)
               VALUES
                   (:target, :message, :object,
                    NOT EXISTS (SELECT 1 FROM deliveries WHERE target = :target AND object = :object AND died IS NULL),
                    :due, :kind, :mergeable, 0, :owed, :storage, :topic, :resource, :generation, :need, :sequence, :part,
                    :causes, :cursor_at, :body)
               ON CONFLICT (target, message) DO NOTHING";
    let about = &owed.about;
    db.prepare_cached(sql)?.execute(named_params! {
        ":target": target,
        ":message": owed.message.as_bytes(),
        // One row for all that goes one behind the other.
        ":object": if owed.in_order { "" } else { owed.object.as_str() },
        ":due": due,
        ":kind": kind,
        ":mergeable": mergeable,
        ":owed": nanos(owed.due),
        ":storage": signed(about.topic.storage.0),
        ":topic": about.topic.resource.as_str(),
        ":resource": about.resource.as_str(),
        ":generation": about.generation.map(|generation| signed(generation.0.0)),
        ":need": need(about),
        ":sequence": position.map(|position| signed(position.sequence.0)),
        ":part": position.map(|position| position.part),
        ":causes": joined(&owed.causes),
        ":cursor_at": body.cursor_at.map(|at| signed(at as u64)),
        ":body": &*body.bytes,
    })?;
    Ok(())
}

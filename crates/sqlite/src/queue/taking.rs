//! What is due, lane by lane, in rounds over those who wait.
//!
//! Costs what is given, not what waits: a lane knows when it is ready, a target when its first delivery is.

use crate::{
    channels,
    columns::{Columns, nanos},
    error::EngineError,
    queue::{farewell, rows, under_way::Spoken},
};
use podbell_delivery::push::{Delivery, Lane};
use podbell_hub::{Channel, ChannelId, Position};
use podbell_model::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};
use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    sync::Arc,
};

/// See [`podbell_delivery::push::Queue::lanes`].
pub(crate) fn lanes(db: &Connection, now: Timestamp) -> rusqlite::Result<(Vec<Lane>, Option<Timestamp>)> {
    let mut statement = db.prepare_cached("SELECT lane FROM lanes WHERE ready <= ?1 ORDER BY ready")?;
    let lanes = statement.query_map([nanos(now)], |row| row.get(0).map(Lane))?.collect::<Result<_, _>>()?;
    let mut next = None;
    for sql in [
        "SELECT due FROM deliveries WHERE head AND due > ?1 ORDER BY due LIMIT 1",
        "SELECT ready FROM lanes WHERE ready > ?1 ORDER BY ready LIMIT 1",
    ] {
        let first = db.prepare_cached(sql)?.query_row([nanos(now)], |row| row.time(0)).optional()?;
        next = first.into_iter().chain(next).min();
    }
    Ok((lanes, next))
}

/// Where the reading of one target stands: behind the delivery due then, with that id.
type Place = (i64, i64);

/// A target's next delivery: how many of it go before, how early its turn comes, its place.
type Turn = Reverse<(usize, usize, Place)>;

/// Targets and ids for [`podbell_delivery::push::Queue::take`]. What is under way counts as a round that the channel has
/// had.
pub(crate) fn choose(
    db: &Connection,
    lane: &Lane,
    now: Timestamp,
    limit: usize,
    spoken: &Spoken,
) -> Result<Vec<(i64, i64)>, EngineError> {
    let due = Due { db, now: nanos(now), spoken };
    // One for each that may be given, and for each that may turn out to be under way with all that it has.
    let most = limit.saturating_add(spoken.for_him.len()).saturating_add(spoken.otherwise.len());
    let targets = due.targets(lane, most)?;
    let mut turns = BinaryHeap::new();
    for (order, target) in targets.iter().enumerate() {
        turns.extend(due.next(*target, (i64::MIN, i64::MIN), order, 0)?);
    }
    let mut chosen = Vec::new();
    while chosen.len() < limit
        && let Some(Reverse((round, order, place))) = turns.pop()
    {
        chosen.push((targets[order], place.1));
        turns.extend(due.next(targets[order], place, order, round + 1)?);
    }
    Ok(chosen)
}

struct Due<'d> {
    db: &'d Connection,
    now: i64,
    spoken: &'d Spoken,
}

impl Due<'_> {
    /// The targets of a lane with something due, who waited longest first.
    fn targets(&self, lane: &Lane, most: usize) -> rusqlite::Result<Vec<i64>> {
        let sql = "SELECT number FROM targets WHERE lane = ?1 AND ready <= ?2 ORDER BY ready, number LIMIT ?3";
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.db.prepare_cached(sql)?.query_map(params![&*lane.0, self.now, most], |row| row.get(0))?.collect()
    }

    /// The next delivery of a target behind a place that may be taken.
    fn next(&self, target: i64, after: Place, order: usize, mut round: usize) -> rusqlite::Result<Option<Turn>> {
        let sql = "SELECT due, id FROM deliveries
                   WHERE target = ?1 AND head AND due <= ?2 AND (due, id) > (?3, ?4) ORDER BY due, id";
        let mut statement = self.db.prepare_cached(sql)?;
        let mut rows = statement.query(params![target, self.now, after.0, after.1])?;
        while let Some(row) = rows.next()? {
            let place: Place = (row.get(0)?, row.get(1)?);
            if self.spoken.for_him.contains(&place.1) {
                round += 1;
            } else if !self.spoken.otherwise.contains(&place.1) {
                return Ok(Some(Reverse((round, order, place))));
            }
        }
        Ok(None)
    }
}

/// What was chosen, as it stood then: to be called in the same snapshot.
pub(crate) fn deliveries(db: &Connection, chosen: &[(i64, i64)]) -> Result<Vec<Delivery>, EngineError> {
    let mut receivers = Receivers { db, of_targets: HashMap::new(), channels: HashMap::new() };
    let mut deliveries = Vec::with_capacity(chosen.len());
    for (target, id) in chosen {
        if let Some((channel, oldest)) = receivers.of(*target)? {
            deliveries.extend(rows::delivery(db, *id, &channel, oldest)?);
        }
    }
    Ok(deliveries)
}

/// Who receives, and the oldest place of what he is still owed.
type Receiver = (Arc<Channel>, Option<Position>);

/// Those that were looked up: each channel once, whatever it is sent.
struct Receivers<'d> {
    db: &'d Connection,
    of_targets: HashMap<i64, Option<Receiver>>,
    channels: HashMap<ChannelId, Option<Receiver>>,
}

impl Receivers<'_> {
    fn of(&mut self, target: i64) -> Result<Option<Receiver>, EngineError> {
        if let Some(found) = self.of_targets.get(&target) {
            return Ok(found.clone());
        }
        let found = self.look_up(target)?;
        self.of_targets.insert(target, found.clone());
        Ok(found)
    }

    fn look_up(&mut self, target: i64) -> Result<Option<Receiver>, EngineError> {
        let sql = "SELECT t.channel, changes.number FROM targets t
                   LEFT JOIN targets changes ON changes.channel = t.channel AND changes.purpose = 0 WHERE t.number = ?1";
        let found = self.db.prepare_cached(sql)?.query_row([target], |row| {
            let channel = row.get::<_, Option<[u8; 16]>>(0)?.map(|_| row.uuid(0).map(ChannelId)).transpose()?;
            Ok((channel, row.get::<_, Option<i64>>(1)?))
        });
        let (id, changes) = match found.optional()? {
            Some((Some(id), changes)) => (id, changes),
            Some((None, _)) => return Ok(farewell::channel(self.db, target)?.map(|channel| (Arc::new(channel), None))),
            None => return Ok(None),
        };
        if let Some(found) = self.channels.get(&id) {
            return Ok(found.clone());
        }
        let oldest = changes.map_or(Ok(None), |changes| rows::oldest(self.db, changes))?;
        let found = channels::receiver(self.db, id)?.map(|channel| (Arc::new(channel), oldest));
        self.channels.insert(id, found.clone());
        Ok(found)
    }
}

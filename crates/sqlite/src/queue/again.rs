//! History that is owed anew to one channel goes into the queue in its own order, and so does what waits there already.

use crate::{
    columns::signed,
    error::EngineError,
    queue::{
        entering::{self, Bounds, Entry},
        heads,
        under_way::Replaced,
    },
};
use podbell_hub::{Anew, Owed};
use rusqlite::{Connection, OptionalExtension as _, params};
use std::collections::BTreeSet;

/// See [`podbell_hub::Owing::owe_again`].
pub(crate) fn owe(
    db: &Connection,
    owed: &[Owed],
    bounds: &mut Bounds,
    replaced: &mut Replaced,
) -> Result<Anew, EngineError> {
    let (mut anew, mut targets) = (Anew { taken: 0, owed: 0 }, BTreeSet::new());
    for owed in owed {
        match known(db, owed)? {
            Some(Known { id, target, is_dead: false }) => {
                // What is under way keeps its place: it comes first.
                if replaced.replace(id) {
                    move_behind(db, id)?;
                    targets.insert(target);
                }
            }
            found => {
                let dead = found.map(|found| found.id);
                match entering::enter(db, owed, bounds, dead, replaced)? {
                    Entry::Full => break,
                    Entry::Nothing | Entry::Merged => {}
                    Entry::Queued(target) => {
                        anew.owed += 1;
                        targets.insert(target);
                    }
                }
            }
        }
        anew.taken += 1;
    }
    for target in targets {
        heads::promote_all(db, target)?;
        heads::settle(db, target)?;
    }
    Ok(anew)
}

/// One that is in the queue already.
struct Known {
    id: i64,
    target: i64,
    is_dead: bool,
}

fn known(db: &Connection, owed: &Owed) -> rusqlite::Result<Option<Known>> {
    let sql = "SELECT d.id, d.target, d.died IS NOT NULL FROM targets t JOIN deliveries d ON d.target = t.number
               WHERE t.channel = ?1 AND t.purpose = 0 AND d.message = ?2";
    let known = |row: &rusqlite::Row<'_>| Ok(Known { id: row.get(0)?, target: row.get(1)?, is_dead: row.get(2)? });
    let key = params![owed.channel.0.as_bytes(), owed.message.as_bytes()];
    db.prepare_cached(sql)?.query_row(key, known).optional()
}

/// Gives a delivery the next number, as if it came in now. None is used twice.
fn move_behind(db: &Connection, id: i64) -> Result<(), EngineError> {
    let sql = "UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'deliveries' RETURNING seq";
    let next: i64 = db.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
    db.prepare_cached("UPDATE deliveries SET id = ?2 WHERE id = ?1")?.execute([id, next])?;
    Ok(())
}

/// See [`podbell_hub::Owing::missed`].
pub(crate) fn missed(
    db: &Connection,
    storage: Option<podbell_model::StorageId>,
    before: podbell_model::Sequence,
) -> rusqlite::Result<()> {
    let before = signed(before.0);
    let sql = "UPDATE pushes SET missed = missed + 1 WHERE since < ?1";
    match storage {
        None => db.prepare_cached(sql)?.execute([before])?,
        Some(storage) => db
            .prepare_cached(&format!("{sql} AND channel IN (SELECT channel FROM push_topics WHERE storage = ?2)"))?
            .execute([before, signed(storage.0)])?,
    };
    Ok(())
}

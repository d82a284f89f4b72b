//! Whose turn it is: of one object the oldest, and of a target what is due first.

use crate::columns::nanos;
use podbell_model::Timestamp;
use rusqlite::{Connection, params};

/// The oldest about an object becomes due, or whatever is left is not, if nothing of the target is.
pub(crate) fn promote(db: &Connection, target: i64, object: &str) -> rusqlite::Result<()> {
    let sql = "UPDATE deliveries SET head = 1
               WHERE id = (SELECT id FROM deliveries WHERE target = ?1 AND object = ?2 AND died IS NULL
                           ORDER BY id LIMIT 1)
                   AND NOT head AND NOT (SELECT off FROM targets WHERE number = ?1)";
    db.prepare_cached(sql)?.execute(params![target, object])?;
    Ok(())
}

/// The same of every object of a target. Reads all that it is owed.
pub(crate) fn promote_all(db: &Connection, target: i64) -> rusqlite::Result<()> {
    let oldest = "SELECT min(id) FROM deliveries WHERE target = ?1 AND died IS NULL GROUP BY object";
    let sql = format!("UPDATE deliveries SET head = 0 WHERE target = ?1 AND head AND id NOT IN ({oldest})");
    db.prepare_cached(&sql)?.execute([target])?;
    let sql = format!(
        "UPDATE deliveries SET head = 1 WHERE id IN ({oldest}) AND NOT head
             AND NOT (SELECT off FROM targets WHERE number = ?1)"
    );
    db.prepare_cached(&sql)?.execute([target])?;
    Ok(())
}

/// Notes when a target has something due first. To be called after whatever changes what is due.
pub(crate) fn settle(db: &Connection, target: i64) -> rusqlite::Result<()> {
    let sql = "UPDATE targets SET ready = first.due FROM (
                   SELECT max(due, ifnull((SELECT served FROM targets WHERE number = ?1), due)) AS due
                   FROM (SELECT (SELECT due FROM deliveries WHERE target = ?1 AND head ORDER BY due LIMIT 1) AS due)
               ) AS first
               WHERE number = ?1 AND ready IS NOT first.due";
    db.prepare_cached(sql)?.execute([target])?;
    Ok(())
}

/// Something of it was tried: others come first now.
pub(crate) fn serve(db: &Connection, target: i64, at: Timestamp) -> rusqlite::Result<()> {
    db.prepare_cached("UPDATE targets SET served = ?2 WHERE number = ?1")?.execute([target, nanos(at)])?;
    Ok(())
}

/// Switches what a target is owed off or on.
pub(crate) fn switch(db: &Connection, target: i64, off: bool) -> rusqlite::Result<()> {
    db.prepare_cached("UPDATE targets SET off = ?2 WHERE number = ?1")?.execute(params![target, off])?;
    if off {
        db.prepare_cached("UPDATE deliveries SET head = 0 WHERE target = ?1 AND head")?.execute([target])?;
    } else {
        promote_all(db, target)?;
    }
    settle(db, target)
}

//! How much storages hold and may hold.
//!
//! The counter is kept by triggers, so that it is exact in every transaction; a commit looks at it last.

use crate::{
    columns::{signed, unsigned},
    error::Refusal,
};
use podbell_model::StorageId;
use podbell_pod::store::{CommitError, Quota, Usage};
use rusqlite::{Connection, OptionalExtension, params};

/// In the column: what the disk holds.
const UNLIMITED: i64 = -1;

/// What a storage holds and may hold, if nothing else is said as much as `default`.
pub(crate) fn usage(db: &Connection, id: StorageId, default: Option<u64>) -> Result<Usage, Refusal> {
    let sql = "SELECT used, quota FROM storages WHERE id = ?1 AND NOT deleted";
    let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?));
    let found = db.prepare_cached(sql)?.query_row([signed(id.0)], row).optional()?;
    let (used, quota) = found.ok_or(CommitError::NoStorage)?;
    let quota = match quota {
        None => default,
        Some(UNLIMITED) => None,
        Some(bytes) => Some(unsigned(bytes)),
    };
    Ok(Usage { used: unsigned(used), quota })
}

/// Says how much a storage may hold.
pub(crate) fn set(db: &Connection, id: StorageId, quota: Quota) -> Result<(), Refusal> {
    let quota = match quota {
        Quota::Default => None,
        Quota::Unlimited => Some(UNLIMITED),
        Quota::Bytes(bytes) => Some(signed(bytes)),
    };
    let sql = "UPDATE storages SET quota = ?2 WHERE id = ?1 AND NOT deleted";
    let found = db.prepare_cached(sql)?.execute(params![signed(id.0), quota])?;
    if found == 0 { Err(CommitError::NoStorage.into()) } else { Ok(()) }
}

/// Refuses what makes a storage larger than it may be.
pub(crate) fn judge(before: Usage, after: Usage) -> Result<(), Refusal> {
    match after.quota {
        Some(quota) if after.used > quota && after.used > before.used => Err(CommitError::OverQuota(quota).into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use crate::{Options, Sqlite};
    use podbell_model::StorageId;
    use podbell_pod::store::{Store, Usage};
    use rusqlite::Connection;

    #[tokio::test]
    async fn what_was_there_before_the_counter_is_counted() {
        let directory = tempfile::tempdir().unwrap();
        let db = Connection::open(directory.path().join("podbell.sqlite3")).unwrap();
        db.execute_batch(include_str!("schema/1.sql")).unwrap();
        db.execute_batch(
            "INSERT INTO storages (root, owner, epoch) VALUES ('https://a/', 'o', 1), ('https://b/', 'o', 1);
             INSERT INTO resources (iri, storage, class, generation, version, modified, content_type, size) VALUES
                 ('https://a/', 1, 0, 1, 'v', 0, 'text/turtle', 0), ('https://a/x', 1, 2, 1, 'v', 0, 'a/b', 5),
                 ('https://a/.acl', 1, 1, 1, 'v', 0, 'text/turtle', 7), ('https://b/', 2, 0, 1, 'v', 0, 'text/turtle', 0);
             PRAGMA user_version = 1;",
        )
        .unwrap();
        drop(db);
        let store = Sqlite::open(directory.path(), &Options { quota: Some(9), ..Options::default() }).unwrap();
        let usage = |id| store.usage(StorageId(id));
        assert_eq!(usage(1).await.unwrap(), Usage { used: 12, quota: Some(9) });
        assert_eq!(usage(2).await.unwrap(), Usage { used: 0, quota: Some(9) });
        assert_eq!(store.storages().await.unwrap().len(), 2);
    }
}

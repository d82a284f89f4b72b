//! Looking at a directory without serving it: for those who check a configuration.
//!
//! Nothing that is kept changes: nothing is made, migrated, checkpointed or repaired.

use crate::{
    columns::signed,
    error::{EngineError, OpenError},
    open::SCHEMA,
};
use podbell_model::ResourceIri;
use rusqlite::{Connection, OpenFlags};
use std::{fs, path::Path, time::Duration};

/// The database in a directory.
pub(crate) const DATABASE: &str = "podbell.sqlite3";

/// Whether no store was ever opened in a directory.
pub fn is_new(directory: &Path) -> bool {
    !directory.join(DATABASE).exists()
}

/// The roots of all storages in a directory, which a server may be using; none if there is no store.
///
/// # Errors
/// [`OpenError::Newer`] and [`OpenError::Damaged`] as for opening it, though damage is not looked for.
pub fn roots(directory: &Path) -> Result<Vec<ResourceIri>, OpenError> {
    let path = directory.join(DATABASE);
    if !path.exists() {
        return Ok(Vec::new());
    }
    let db = open(&path)?;
    let damaged = |error: rusqlite::Error| match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt) => {
            OpenError::Damaged { path: path.clone(), report: error.to_string() }
        }
        _ => EngineError::from(error).into(),
    };
    let found = db.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0)).map_err(damaged)?;
    let known = signed(SCHEMA.len() as u64);
    match found {
        // Its first start was cut off.
        0 => return Ok(Vec::new()),
        found if found > known => return Err(OpenError::Newer { path, found, known }),
        _ => {}
    }
    let mut statement = db.prepare("SELECT root FROM storages WHERE NOT deleted ORDER BY id").map_err(damaged)?;
    let rows = statement.query_map([], |row| row.get::<_, String>(0)).map_err(damaged)?;
    let roots = rows.collect::<Result<Vec<_>, _>>().map_err(damaged)?;
    Ok(roots.iter().filter_map(|root| ResourceIri::parse(root).ok()).collect())
}

fn open(path: &Path) -> Result<Connection, OpenError> {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let is_settled = fs::metadata(Path::new(&log)).map_or(true, |about| about.len() == 0);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = match path.to_str().filter(|_| is_settled) {
        // Without a write-ahead log to read, SQLite would make an empty one.
        Some(path) => {
            let path = path.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
            Connection::open_with_flags(format!("file:{path}?immutable=1"), flags | OpenFlags::SQLITE_OPEN_URI)
        }
        None => Connection::open_with_flags(path, flags),
    };
    let db = db.map_err(EngineError::from)?;
    db.busy_timeout(Duration::from_secs(1)).map_err(EngineError::from)?;
    Ok(db)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, Sqlite};

    fn files(directory: &Path) -> Vec<(std::path::PathBuf, Option<Vec<u8>>)> {
        let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
        // What SQLite shares among processes is no part of what is kept.
        let mut files: Vec<_> = entries
            .filter(|path| !path.to_string_lossy().ends_with("-shm"))
            .map(|path| (path.clone(), fs::read(path).ok()))
            .collect();
        files.sort();
        files
    }

    #[test]
    fn an_empty_directory_stays_empty() {
        let directory = tempfile::tempdir().unwrap();
        assert!(is_new(directory.path()));
        assert_eq!(roots(directory.path()).unwrap(), []);
        assert_eq!(files(directory.path()), []);
    }

    #[test]
    fn looking_changes_nothing_while_it_is_served_and_after() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("50% #1?");
        let store = Sqlite::open(&directory, &Options::default()).unwrap();
        let look = || {
            let before = files(&directory);
            assert_eq!(roots(&directory).unwrap(), []);
            assert_eq!(files(&directory), before);
        };
        look();
        drop(store);
        look();
        assert!(!is_new(&directory));
        let db = Connection::open(directory.join(DATABASE)).unwrap();
        db.execute_batch("INSERT INTO storages (root, owner, epoch) VALUES ('http://localhost:3000/a/', 'o', 1)")
            .unwrap();
        assert_eq!(roots(&directory).unwrap()[0].as_str(), "http://localhost:3000/a/");
        db.pragma_update(None, "user_version", 99).unwrap();
        drop(db);
        assert!(matches!(roots(&directory), Err(OpenError::Newer { found: 99, .. })));
        fs::write(directory.join(DATABASE), b"no database ".repeat(1_000)).unwrap();
        assert!(matches!(roots(&directory), Err(OpenError::Damaged { .. })));
    }
}

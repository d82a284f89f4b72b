//! A directory as a store: made or checked, locked, brought up to date.

use crate::{
    bodies::Bodies,
    columns::{Columns, signed},
    error::{EngineError, OpenError},
    look::DATABASE,
    queue::UnderWay,
    readers::Readers,
    recent::Published,
    retention::{Limits, Retention},
    step::Ledger,
    writer::Writer,
};
use podbell_log::Fence;
use podbell_model::Timestamp;
use rusqlite::Connection;
use std::{
    fs::{self, File, TryLockError},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
    sync::Arc,
    time::Duration,
};

/// One script per version of the schema; applied in order, never changed once released.
pub(crate) const SCHEMA: &[&str] = &[
    include_str!("schema/1.sql"),
    include_str!("schema/2.sql"),
    include_str!("schema/3.sql"),
    include_str!("schema/4.sql"),
    include_str!("schema/5.sql"),
    include_str!("schema/6.sql"),
    include_str!("schema/7.sql"),
    include_str!("schema/8.sql"),
];
/// Bytes in a page of the database.
const PAGE: u64 = 4096;

/// How a store is kept.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long records can be read; they may stay longer while nothing is written and nobody calls
    /// [`Sqlite::tend`].
    pub history: Duration,
    /// How many records of a storage can be read.
    pub history_records: u64,
    /// How long a body stays that no resource has (any longer).
    pub body_grace: Duration,
    /// How many questions are answered at once.
    pub readers: usize,
    /// Most that the database may hold, in bytes, files of large bodies not counted; none for what the disk holds.
    pub limit: Option<u64>,
    /// Most that a storage may hold of which nothing else is said, in bytes; none for what the disk holds.
    pub quota: Option<u64>,
    /// How many deliveries one channel may be owed; what comes then is not queued.
    pub pending: u64,
    /// The directory was restored from a copy at that time: every storage begins a new epoch, so that nobody
    /// resumes in a history that never was.
    pub restored: Option<Timestamp>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            history: Duration::from_hours(72),
            history_records: 1_000_000,
            // Longer than anybody is between staging and committing, or between finding a row and opening its file.
            body_grace: Duration::from_hours(1),
            readers: 8,
            limit: None,
            quota: None,
            pending: 10_000,
            restored: None,
        }
    }
}

/// Every store of the server, in one directory. Implements `pod::store::Store`, `log::Log`, `log::PolicyHistory`,
/// `hub::ChannelStore`, `hub::Owing`, `delivery::push::{Queue, keys::KeyStore}` and `provider::store::Store`.
///
/// Dropping it finishes what was begun and frees the directory.
#[derive(Debug)]
pub struct Sqlite {
    // Dropped in this order: the lock goes last.
    pub(crate) writer: Writer,
    pub(crate) readers: Arc<Readers>,
    pub(crate) published: Arc<Published>,
    pub(crate) bodies: Arc<Bodies>,
    pub(crate) limits: Limits,
    /// Most that a storage may hold of which nothing else is said.
    pub(crate) quota: Option<u64>,
    /// How many deliveries one channel may be owed.
    pub(crate) pending: u64,
    pub(crate) under_way: Arc<UnderWay>,
    _lock: File,
}

impl Sqlite {
    /// Opens a directory, and makes it if there is none. Blocks while it checks what is there.
    ///
    /// # Errors
    /// [`OpenError::InUse`], [`OpenError::Newer`] and [`OpenError::Damaged`] say what to do; nothing is changed then.
    pub fn open(directory: &Path, options: &Options) -> Result<Arc<Self>, OpenError> {
        let file = |path: &Path| {
            let path = path.to_path_buf();
            move |error| OpenError::File(path, error)
        };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(file(directory))?;
        let lock = lock(&directory.join("podbell.lock"))?;
        let path = directory.join(DATABASE);
        private(&path).map_err(file(&path))?;
        let mut db = Connection::open(&path).map_err(EngineError::from)?;
        check(&db, &path)?;
        prepare(&db, options)?;
        migrate(&mut db, &path)?;
        if let Some(now) = options.restored {
            begin_epochs(&mut db, now)?;
        }
        let ledger = standing(&db)?;
        let bodies = directory.join("bodies");
        let bodies = Arc::new(Bodies::open(&bodies).map_err(file(&bodies))?);
        sync_directory(directory).map_err(file(directory))?;

        let limits = Limits { age: options.history, records: options.history_records, body_grace: options.body_grace };
        let published = Arc::new(Published::new(&ledger));
        let retention = Retention::new(limits);
        let writer = Writer::start(db, ledger, retention, Arc::clone(&published), Arc::clone(&bodies));
        let writer = writer.map_err(EngineError::from)?;
        let readers = Arc::new(Readers::new(path, options.readers));
        Ok(Arc::new(Self {
            writer,
            readers,
            published,
            bodies,
            limits,
            quota: options.quota,
            pending: options.pending,
            under_way: Arc::default(),
            _lock: lock,
        }))
    }

    /// The fence that a change of policy raises.
    pub fn fence(&self) -> Arc<Fence> {
        Arc::clone(&self.published.fence)
    }

    /// How many transactions were written since the directory was opened; each cost one sync of the disk.
    pub fn transactions(&self) -> u64 {
        self.published.transactions()
    }
}

/// Takes the directory; the kernel gives it back when the process ends, however it ends.
fn lock(path: &Path) -> Result<File, OpenError> {
    let failed = |error| OpenError::File(path.to_path_buf(), error);
    let lock = private(path).map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(path.parent().unwrap_or(path).to_path_buf())),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

/// A file that only the server's user may read; SQLite gives its companions the same mode.
fn private(path: &Path) -> std::io::Result<File> {
    File::options().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

pub(crate) fn sync_directory(path: &Path) -> std::io::Result<()> {
    File::open(path)?.sync_all()
}

fn check(db: &Connection, path: &Path) -> Result<(), OpenError> {
    let damaged = |report| OpenError::Damaged { path: path.to_path_buf(), report };
    match db.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0)) {
        Ok(report) if report == "ok" => Ok(()),
        Ok(report) => Err(damaged(report)),
        Err(rusqlite::Error::SqliteFailure(error, message))
            if matches!(error.code, rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt) =>
        {
            Err(damaged(message.unwrap_or_else(|| error.to_string())))
        }
        Err(error) => Err(EngineError::from(error).into()),
    }
}

fn prepare(db: &Connection, options: &Options) -> Result<(), EngineError> {
    db.busy_timeout(Duration::from_secs(5))?;
    db.execute_batch(&format!(
        "PRAGMA page_size = {PAGE};
         PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA mmap_size = 0;
         PRAGMA trusted_schema = OFF;
         PRAGMA cell_size_check = ON;
         PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -2048;
         PRAGMA journal_size_limit = 67108864;
         PRAGMA max_page_count = {};",
        options.limit.map_or(4_294_967_294, |bytes| (bytes / PAGE).max(1)),
    ))?;
    db.set_prepared_statement_cache_capacity(192);
    Ok(())
}

fn migrate(db: &mut Connection, path: &Path) -> Result<(), OpenError> {
    let transaction = db.transaction().map_err(EngineError::from)?;
    let found = transaction.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0));
    let found = found.map_err(EngineError::from)?;
    let known = signed(SCHEMA.len() as u64);
    if found > known {
        return Err(OpenError::Newer { path: path.to_path_buf(), found, known });
    }
    let missing = &SCHEMA[usize::try_from(found).unwrap_or(0)..];
    missing.iter().try_for_each(|script| transaction.execute_batch(script)).map_err(EngineError::from)?;
    if found < known {
        transaction.pragma_update(None, "user_version", known).map_err(EngineError::from)?;
    }
    transaction.commit().map_err(EngineError::from)?;
    Ok(())
}

fn begin_epochs(db: &mut Connection, now: Timestamp) -> Result<(), EngineError> {
    let transaction = db.transaction()?;
    transaction.execute(
        "UPDATE storages SET epoch = max(epoch + 1, ?1), newest = 0, pruned = 0,
             pruned_at = (SELECT head FROM standing)",
        [now.as_millisecond()],
    )?;
    transaction.execute_batch(
        "DELETE FROM records;
         DELETE FROM keys;
         DELETE FROM storages WHERE deleted;
         UPDATE standing SET pruned = head, floor = head, derived = head;",
    )?;
    Ok(transaction.commit()?)
}

fn standing(db: &Connection) -> Result<Ledger, EngineError> {
    let row = db.query_row("SELECT head, watermark, pruned FROM standing", [], |row| {
        Ok((row.sequence(0)?, row.sequence(1)?, row.sequence(2)?))
    })?;
    let (head, watermark, pruned) = row;
    Ok(Ledger { head, watermark, pruned, ..Ledger::default() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{os::unix::fs::PermissionsExt, path::PathBuf};

    fn open(directory: &Path) -> Result<Arc<Sqlite>, OpenError> {
        Sqlite::open(directory, &Options::default())
    }

    fn database(directory: &Path) -> PathBuf {
        directory.join("podbell.sqlite3")
    }

    #[test]
    fn two_servers_never_share_a_directory() {
        let directory = tempfile::tempdir().unwrap();
        let first = open(directory.path()).unwrap();
        let error = open(directory.path()).unwrap_err();
        assert!(matches!(&error, OpenError::InUse(path) if path == directory.path()), "{error}");
        drop(first);
        open(directory.path()).unwrap();
    }

    #[test]
    fn nobody_else_may_read_what_is_kept() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("deep/data");
        let _store = open(&directory).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&directory), 0o700);
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            let expected = if path.is_dir() { 0o700 } else { 0o600 };
            assert_eq!(mode(&path), expected, "{}", path.display());
        }
    }

    #[test]
    fn a_later_schema_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        drop(open(directory.path()).unwrap());
        let db = Connection::open(database(directory.path())).unwrap();
        db.pragma_update(None, "user_version", 99).unwrap();
        drop(db);
        assert!(matches!(open(directory.path()), Err(OpenError::Newer { found: 99, known: 8, .. })));
    }

    #[test]
    fn damage_is_reported_and_never_skipped() {
        let directory = tempfile::tempdir().unwrap();
        drop(open(directory.path()).unwrap());
        let path = database(directory.path());
        let good = fs::read(&path).unwrap();
        let mut bad = good.clone();
        bad[4096..8192].fill(0x55);
        for bytes in [b"This is no database, but a letter to whoever reads it.".repeat(200), bad] {
            fs::write(&path, bytes).unwrap();
            let error = open(directory.path()).unwrap_err();
            assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
        }
        fs::write(&path, good).unwrap();
        open(directory.path()).unwrap();
    }

    #[test]
    fn what_commits_rely_on_is_set() {
        let directory = tempfile::tempdir().unwrap();
        let db = Connection::open(database(directory.path())).unwrap();
        prepare(&db, &Options::default()).unwrap();
        let pragma = |name: &str| db.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!((pragma("synchronous"), pragma("foreign_keys"), pragma("mmap_size")), (2, 1, 0));
        let mode: String = db.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
        assert_eq!(mode, "wal");
    }
}

//! The data directory: for this user's eyes only. The store in it sees to it that one server at a time has it.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// What a running server's store holds in its directory.
pub(crate) const LOCK: &str = "podbell.lock";

/// A data directory that is there.
#[derive(Debug)]
pub struct DataDirectory {
    path: PathBuf,
}

/// Why a data directory cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// Another server has it.
    #[error(
        "{} is in use: Podbell is already running there. Stop it, or start a second one with --base-url \
         http://localhost:PORT/ --data OTHER", .0.display()
    )]
    InUse(PathBuf),
    /// It cannot be made or written.
    #[error("cannot use {}", path.display())]
    Unusable {
        /// The directory or the file in it.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl DataDirectory {
    /// Says so if a running server has the directory, before anything else is tried. The store's own lock decides, when
    /// it is opened; what cannot be told here counts as free.
    pub fn look(path: &Path) -> Result<(), DataError> {
        let Ok(lock) = File::open(path.join(LOCK)) else { return Ok(()) };
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => Err(DataError::InUse(path.to_owned())),
            _ => Ok(()),
        }
    }

    /// Makes the directory if it is missing, closed to other users.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        if !path.is_dir() {
            make(path).map_err(|source| DataError::Unusable { path: path.to_owned(), source })?;
        }
        Ok(Self { path: path.to_owned() })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a new file with secrets, readable by this user only, durably; returns its path.
    ///
    /// # Errors
    /// Also if there is such a file already: nothing secret is ever overwritten.
    pub fn write_secret(&self, name: &str, content: &[u8]) -> Result<PathBuf, DataError> {
        let path = self.path.join(name);
        let written = private().create_new(true).open(&path).and_then(|mut file| {
            file.write_all(content)?;
            file.sync_all()
        });
        match written {
            Ok(()) => Ok(path),
            Err(source) => Err(DataError::Unusable { path, source }),
        }
    }

    /// Adds to a file with secrets, durably; makes it, readable by this user only, if it is missing. Returns its path.
    /// What was there stays as it is, whatever happens meanwhile.
    pub fn append_secret(&self, name: &str, content: &[u8]) -> Result<PathBuf, DataError> {
        let path = self.path.join(name);
        let written = private().create(true).append(true).open(&path).and_then(|mut file| {
            file.write_all(content)?;
            file.sync_all()
        });
        match written.and_then(|()| sync(&self.path)) {
            Ok(()) => Ok(path),
            Err(source) => Err(DataError::Unusable { path, source }),
        }
    }
}

/// Makes the names in a directory durable.
#[cfg(unix)]
fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "the other one can fail")]
fn sync(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn make(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(not(unix))]
fn make(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

/// Opens files for writing that other users cannot read.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        // A link may have been put there by somebody else, and lead anywhere.
        options.mode(0o600).custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_overwritten() {
        let parent = tempfile::tempdir().unwrap();
        let data = DataDirectory::open(&parent.path().join("data")).unwrap();
        let path = data.write_secret("demo.env", b"first").unwrap();
        assert!(data.write_secret("demo.env", b"second").is_err());
        assert_eq!(fs::read(path).unwrap(), b"first");
    }

    #[cfg(unix)]
    #[test]
    fn other_users_see_nothing() {
        use std::os::unix::fs::PermissionsExt as _;
        let parent = tempfile::tempdir().unwrap();
        let data = DataDirectory::open(&parent.path().join("data")).unwrap();
        let secret = data.write_secret("demo.env", b"secret").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(data.path()), mode(&secret)), (0o700, 0o600));
        assert_eq!(mode(&data.append_secret("other.env", b"secret").unwrap()), 0o600);
    }

    #[test]
    fn a_directory_in_use_is_told() {
        let data = tempfile::tempdir().unwrap();
        assert!(DataDirectory::look(data.path()).is_ok());
        let lock = File::create(data.path().join(LOCK)).unwrap();
        assert!(DataDirectory::look(data.path()).is_ok());
        lock.lock().unwrap();
        let told = DataDirectory::look(data.path()).unwrap_err().to_string();
        assert!(
            told.contains("already running there") && told.contains("--base-url") && told.contains("--data"),
            "{told}"
        );
        drop(lock);
        assert!(DataDirectory::look(data.path()).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn secrets_follow_no_link() {
        let parent = tempfile::tempdir().unwrap();
        let data = DataDirectory::open(&parent.path().join("data")).unwrap();
        let elsewhere = parent.path().join("elsewhere");
        std::os::unix::fs::symlink(&elsewhere, data.path().join("demo.env")).unwrap();
        assert!(data.append_secret("demo.env", b"secret").is_err());
        assert!(!elsewhere.exists());
    }

    #[test]
    fn a_file_in_the_way_is_an_error() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(matches!(DataDirectory::open(file.path()), Err(DataError::Unusable { .. })));
    }
}

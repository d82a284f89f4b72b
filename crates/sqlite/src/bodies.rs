//! Large bodies: files named by the SHA-256 of their content, durable before anything refers to them.
//!
//! A file is written under a temporary name, synced, renamed, and its directory synced. Equal bodies are one file. One
//! that nothing refers to is swept when it has not been touched for a while; staging it again, or letting go of it,
//! touches it. Who reads one that is swept has it open and reads on.

use crate::{
    error::{EngineError, Refusal},
    open::sync_directory,
};
use aws_lc_rs::digest::{Context, SHA256};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use parking_lot::Mutex;
use podbell_pod::store::{Body, ByteStream, Change, CommitError, INLINE_BODY, StoreError};
use rusqlite::Connection;
use std::{
    fmt::Write as _,
    fs::{self, DirBuilder, File},
    io::{self, Write as _},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};
use tempfile::NamedTempFile;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

/// How much is written or read at once, in bytes.
const PIECE: usize = 256 * 1024;

/// The directory of large bodies.
#[derive(Debug)]
pub(crate) struct Bodies {
    directory: PathBuf,
    unfinished: PathBuf,
    /// Held while a file gets its name or loses it: a body that is staged anew is never swept as the old one.
    naming: Mutex<()>,
}

impl Bodies {
    /// Makes the directory, and clears away what an earlier process did not finish.
    pub(crate) fn open(directory: &Path) -> io::Result<Self> {
        let unfinished = directory.join("unfinished");
        let made = |path: &Path| DirBuilder::new().recursive(true).mode(0o700).create(path);
        made(&unfinished)?;
        for entry in fs::read_dir(&unfinished)? {
            fs::remove_file(entry?.path())?;
        }
        sync_directory(directory)?;
        Ok(Self { directory: directory.to_path_buf(), unfinished, naming: Mutex::default() })
    }

    /// See [`podbell_pod::store::Store::stage`].
    pub(crate) async fn stage(self: Arc<Self>, mut body: ByteStream) -> Result<Body, CommitError> {
        let mut piece = BytesMut::new();
        let mut spool: Option<Spool> = None;
        while let Some(bytes) = body.next().await {
            piece.extend_from_slice(&bytes.map_err(|error| StoreError(Box::new(error)))?);
            if piece.len() >= PIECE {
                spool = Some(Arc::clone(&self).spool(spool, piece.split().freeze()).await?);
            }
        }
        if spool.is_none() && piece.len() <= INLINE_BODY {
            return Ok(Body::Inline(piece.freeze()));
        }
        let spool = Arc::clone(&self).spool(spool, piece.freeze()).await?;
        blocking(move || self.keep(spool)).await
    }

    /// See [`podbell_pod::store::Store::open`].
    pub(crate) async fn read(&self, body: &Body, offset: u64) -> io::Result<ByteStream> {
        let digest = match body {
            Body::Inline(bytes) => {
                let offset = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
                return Ok(stream::iter([Ok(bytes.slice(offset..))]).boxed());
            }
            Body::File { digest, .. } => digest,
        };
        let mut file = tokio::fs::File::open(self.path(digest)?).await?;
        file.seek(io::SeekFrom::Start(offset)).await?;
        let pieces = stream::try_unfold(file, |mut file| async move {
            let mut piece = BytesMut::with_capacity(PIECE);
            let read = file.read_buf(&mut piece).await?;
            Ok((read > 0).then(|| (piece.freeze(), file)))
        });
        Ok(pieces.boxed())
    }

    /// Every file that a write set refers to is there: a row never points to nothing.
    pub(crate) fn check(&self, changes: &[Change]) -> Result<(), Refusal> {
        for change in changes {
            if let Change::Put { body, .. } | Change::PutAcl { body, .. } | Change::PutDescription { body, .. } = change
                && let Body::File { digest, size } = body
            {
                let there = self.path(digest).and_then(fs::metadata).is_ok_and(|file| file.len() == *size);
                if !there {
                    return Err(EngineError::NoBody(Arc::clone(digest)).into());
                }
            }
        }
        Ok(())
    }

    /// A resource let go of it: whoever is about to read it has some time left.
    pub(crate) fn dropped(&self, digest: &str) {
        let touch = |path| File::options().write(true).open(path)?.set_modified(SystemTime::now());
        if let Err(error) = self.path(digest).and_then(touch) {
            tracing::warn!(%error, digest, "a body without a resource could not be touched");
        }
    }

    /// The names of the files that were not touched since.
    pub(crate) fn older_than(&self, old: SystemTime) -> io::Result<Vec<Arc<str>>> {
        let mut found = Vec::new();
        for shard in fs::read_dir(&self.directory)? {
            let shard = shard?.path();
            if shard == self.unfinished || !shard.is_dir() {
                continue;
            }
            for file in fs::read_dir(shard)? {
                let file = file?;
                if let Some(name) = file.file_name().to_str()
                    && file.metadata()?.modified()? < old
                {
                    found.push(name.into());
                }
            }
        }
        Ok(found)
    }

    /// Removes a file that is still old and that nothing refers to.
    pub(crate) fn sweep(&self, db: &Connection, digest: &str, old: SystemTime) -> Result<(), EngineError> {
        let path = self.path(digest)?;
        let sql = "SELECT EXISTS (SELECT 1 FROM resources WHERE digest = ?1)";
        let used: bool = db.prepare_cached(sql)?.query_row([digest], |row| row.get(0))?;
        let _naming = self.naming.lock();
        if !used && fs::metadata(&path)?.modified()? < old {
            fs::remove_file(path)?;
        }
        Ok(())
    }

    async fn spool(self: Arc<Self>, spool: Option<Spool>, piece: Bytes) -> Result<Spool, CommitError> {
        blocking(move || {
            let mut spool = spool.map_or_else(|| Spool::begin(&self.unfinished), Ok)?;
            spool.hash.update(&piece);
            spool.size += piece.len() as u64;
            spool.file.write_all(&piece)?;
            Ok(spool)
        })
        .await
    }

    fn keep(&self, spool: Spool) -> io::Result<Body> {
        let Spool { file, hash, size } = spool;
        let mut digest = String::with_capacity(64);
        for byte in hash.finish().as_ref() {
            let _ = write!(digest, "{byte:02x}");
        }
        file.as_file().sync_all()?;
        let path = self.path(&digest)?;
        let shard = self.directory.join(&digest[..2]);
        if !shard.is_dir() {
            DirBuilder::new().recursive(true).mode(0o700).create(&shard)?;
            sync_directory(&self.directory)?;
        }
        let naming = self.naming.lock();
        file.persist(path).map_err(|error| error.error)?;
        drop(naming);
        sync_directory(&shard)?;
        Ok(Body::File { digest: digest.into(), size })
    }

    /// Where a body is; a name that is no digest leads nowhere.
    fn path(&self, digest: &str) -> io::Result<PathBuf> {
        if digest.len() != 64 || !digest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not the name of a body"));
        }
        Ok(self.directory.join(&digest[..2]).join(digest))
    }
}

/// A body on its way to the disk; gone if it is dropped.
struct Spool {
    file: NamedTempFile,
    hash: Context,
    size: u64,
}

impl Spool {
    fn begin(directory: &Path) -> io::Result<Self> {
        Ok(Self { file: NamedTempFile::new_in(directory)?, hash: Context::new(&SHA256), size: 0 })
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, CommitError> {
    let done = tokio::task::spawn_blocking(work).await.map_err(|_| Refusal::from(EngineError::Stopped))?;
    done.map_err(|error| Refusal::from(EngineError::from(error)).into())
}

//! A tar as a directory, which is new or empty.

use super::{super::layout, Progress};
use anyhow::{Context as _, bail};
use futures_util::StreamExt as _;
use std::{
    fs::{self, File},
    io::ErrorKind,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::io::AsyncRead;
use tokio_tar::Archive;

/// A directory in which there is nothing yet.
pub(super) struct NewDirectory<'a>(&'a Path);

/// Makes a directory, unless it is there and empty.
pub(super) fn new_directory(path: &Path) -> anyhow::Result<NewDirectory<'_>> {
    private_directory().recursive(true).create(path)?;
    if fs::read_dir(path)?.next().is_some() {
        bail!("there is something in it already: name a directory that is new or empty");
    }
    Ok(NewDirectory(path))
}

/// Unpacks everything; times of modification are kept.
pub(super) async fn unpack(
    source: impl AsyncRead + Unpin + Send,
    NewDirectory(directory): NewDirectory<'_>,
    progress: &Progress,
) -> anyhow::Result<()> {
    let mut archive = Archive::new(source);
    let mut entries = archive.entries()?;
    // What is written into a directory changes its time.
    let mut directories: Vec<(PathBuf, SystemTime)> = Vec::new();
    while let Some(entry) = entries.next().await {
        let mut entry = entry?;
        let path = entry.path_bytes()?.into_owned();
        let path = directory.join(layout::parts(&path)?.iter().collect::<PathBuf>());
        let modified = UNIX_EPOCH + Duration::from_secs(entry.header().mtime()?);
        let written = async {
            if entry.header().entry_type().is_dir() {
                private_directory().create(&path)?;
                directories.push((path.clone(), modified));
                return Ok(());
            }
            let mut file = private_file(&path).await?;
            tokio::io::copy(&mut entry, &mut file).await?;
            let file = file.into_std().await;
            file.set_modified(modified)
        };
        written.await.map_err(explain).with_context(|| path.display().to_string())?;
        progress.file();
    }
    for (path, modified) in directories.into_iter().rev() {
        File::open(&path).and_then(|directory| directory.set_modified(modified))?;
    }
    Ok(())
}

/// A new file that only its user reads, as the pod's data directory is.
pub(super) async fn private_file(path: &Path) -> std::io::Result<tokio::fs::File> {
    tokio::fs::File::options().write(true).create_new(true).mode(0o600).open(path).await
}

fn private_directory() -> fs::DirBuilder {
    let mut builder = fs::DirBuilder::new();
    builder.mode(0o700);
    builder
}

fn explain(error: std::io::Error) -> anyhow::Error {
    match error.kind() {
        ErrorKind::AlreadyExists => anyhow::anyhow!(
            "this file system cannot tell its name from that of another resource; export to a .tar instead"
        ),
        ErrorKind::InvalidFilename => {
            anyhow::anyhow!("this file system has no such names; export to a .tar instead ({error})")
        }
        _ => error.into(),
    }
}

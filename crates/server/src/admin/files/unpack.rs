//! A tar as a directory, which is new or empty.

use super::{super::layout, Progress};
use anyhow::{Context as _, bail};
use futures_util::StreamExt as _;
use std::{
    fs::{self, File},
    io::ErrorKind,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::io::AsyncRead;
use tokio_tar::Archive;

/// Unpacks everything; times of modification are kept.
pub(super) async fn unpack(
    source: impl AsyncRead + Unpin + Send,
    directory: &Path,
    progress: &Progress,
) -> anyhow::Result<()> {
    fs::create_dir_all(directory)?;
    if fs::read_dir(directory)?.next().is_some() {
        bail!("there is something in it already: name a directory that is new or empty");
    }
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
                fs::create_dir(&path)?;
                directories.push((path.clone(), modified));
                return Ok(());
            }
            let mut file = tokio::fs::File::create_new(&path).await?;
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

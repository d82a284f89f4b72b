//! A directory as a tar: in order, so that what an ACL is about comes before it, and its own description before all.
//!
//! What is neither a file nor a directory is passed on as what it is, so that it is refused with everything else that is
//! wrong; no link is followed.

use super::Progress;
use anyhow::{Context as _, bail};
use std::{
    fs::{self, Metadata},
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};
use tokio::io::{AsyncReadExt as _, AsyncWrite};
use tokio_tar::{Builder, EntryType, Header};

/// Packs everything in a directory.
pub(super) async fn pack(
    directory: &Path,
    writer: impl AsyncWrite + Unpin + Send + 'static,
    progress: &Progress,
) -> anyhow::Result<()> {
    let mut tar = Builder::new_non_terminated(writer);
    let mut directories = vec![PathBuf::new()];
    while let Some(inner) = directories.pop() {
        let mut names = Vec::new();
        let listed = directory.join(&inner);
        for entry in fs::read_dir(&listed).with_context(|| listed.display().to_string())? {
            names.push(entry.with_context(|| listed.display().to_string())?.file_name());
        }
        // The description of a directory may tell what names in it stand for.
        names.sort_by_key(|name| (name != ".meta", name.as_bytes().to_owned()));
        for name in names {
            let path = inner.join(name);
            let source = directory.join(&path);
            let packed = one(&mut tar, &source, &path, progress).await;
            if packed.with_context(|| source.display().to_string())? {
                directories.push(path);
            }
            progress.file();
        }
    }
    tar.finish().await?;
    Ok(())
}

/// Packs one; whether it is a directory.
async fn one(
    tar: &mut Builder<impl AsyncWrite + Unpin + Send + 'static>,
    source: &Path,
    path: &Path,
    progress: &Progress,
) -> anyhow::Result<bool> {
    let about = fs::symlink_metadata(source)?;
    let mut header = head(&about);
    if !about.is_file() {
        header.set_entry_type(match about.file_type() {
            kind if kind.is_dir() => EntryType::Directory,
            kind if kind.is_symlink() => EntryType::Symlink,
            _ => EntryType::Fifo,
        });
        tar.append_data(&mut header, path, tokio::io::empty()).await?;
        return Ok(about.is_dir());
    }
    header.set_size(about.len());
    let mut file = tokio::fs::File::open(source).await?.take(about.len());
    tar.append_data(&mut header, path, &mut file).await?;
    if file.limit() > 0 {
        bail!("it became shorter while it was read");
    }
    progress.pass(usize::try_from(about.len()).unwrap_or(usize::MAX));
    Ok(false)
}

fn head(about: &Metadata) -> Header {
    let mut header = Header::new_gnu();
    header.set_size(0);
    header.set_mode(0o600);
    let modified = about.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    header.set_mtime(modified.map_or(0, |time| time.as_secs()));
    header
}

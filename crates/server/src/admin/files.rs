//! Pods on disk: what is exported is written there, what is imported is read from there.
//!
//! Everything is a tar on its way, and passes piece by piece. Nothing that exists is overwritten.

mod pack;
mod progress;
mod unpack;

use super::{
    Reach,
    export::{self, amount},
    import::{Report, Said, Wanted},
    pipe::piped,
};
use anyhow::{Context as _, bail};
use axum::body::Body;
use futures_util::{StreamExt as _, TryStreamExt as _};
use progress::Progress;
use std::{
    io,
    os::fd::AsFd,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio_util::io::{ReaderStream, StreamReader};

/// How much is read at once, in bytes.
const PIECE: usize = 256 * 1024;

/// Endings by which people mean an archive that is not written here, and no directory.
const COMPRESSED: [&str; 7] = ["tgz", "gz", "bz2", "xz", "zst", "zip", "7z"];

/// Writes a pod into a directory, a tar, or to standard output.
pub(super) async fn export(reach: &Reach, wanted: &export::Wanted, target: &str) -> anyhow::Result<()> {
    let progress = Progress::begin("exported");
    let path = Path::new(target);
    if path.extension().is_some_and(|extension| COMPRESSED.iter().any(|other| extension == *other)) {
        bail!("{target}: nothing compressed is written; name a directory or a .tar, or - and compress what comes");
    }
    // Asked first, so that a name that is wrong leaves nothing behind.
    let body = reach.ask("POST", "/pods/export", wanted).await?.into_body();
    let counted = progress.clone();
    let stream = body.into_data_stream().map_err(io::Error::other).inspect_ok(move |bytes| counted.pass(bytes.len()));
    let mut source = StreamReader::new(Box::pin(stream));
    if target == "-" {
        copy(&mut source, &mut descriptor(&io::stdout())?).await.context("the export broke off")?;
    } else if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("tar")) {
        let mut file = unpack::private_file(path).await.with_context(|| target.to_owned())?;
        let copied = async {
            copy(&mut source, &mut file).await?;
            file.sync_all().await
        };
        if let Err(error) = copied.await {
            tokio::fs::remove_file(path).await?;
            return Err(error).context("the export broke off, and nothing is kept of it");
        }
    } else {
        let directory = unpack::new_directory(path).with_context(|| target.to_owned())?;
        unpack::unpack(source, directory, &progress).await.with_context(|| format!("{target} is not whole"))?;
    }
    progress.end();
    Ok(())
}

/// Makes a pod of a directory, a tar, or of standard input.
pub(super) async fn import(reach: &Reach, source: &str, wanted: &Wanted) -> anyhow::Result<()> {
    let progress = Progress::begin("read");
    let failed: Arc<Mutex<Option<String>>> = Arc::default();
    let body = if source == "-" {
        read(descriptor(&io::stdin())?, &progress)
    } else {
        let path = Path::new(source).to_owned();
        if tokio::fs::metadata(&path).await.with_context(|| source.to_owned())?.is_dir() {
            let (progress, failed) = (progress.clone(), Arc::clone(&failed));
            piped(move |writer| async move {
                let packed = pack::pack(&path, writer, &progress).await;
                if let Err(error) = &packed {
                    *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(format!("{error:#}"));
                }
                packed
            })
        } else {
            read(tokio::fs::File::open(&path).await.with_context(|| source.to_owned())?, &progress)
        }
    };
    let query = serde_urlencoded(wanted)?;
    let asked = reach.send("POST", &format!("/pods/import?{query}"), "application/x-tar", body).await;
    // What could not be read here is the cause of whatever is said there.
    if let (Err(_), Some(error)) = (&asked, failed.lock().unwrap_or_else(PoisonError::into_inner).take()) {
        bail!("nothing was imported: {error}");
    }
    let report: Report = asked?.json().await?;
    progress.end();
    tell(&report, wanted)
}

fn tell(report: &Report, wanted: &Wanted) -> anyhow::Result<()> {
    let list = |what: &str, files: &[Said]| {
        for Said { file, why } in files {
            eprintln!("{what}: {file}: {why}");
        }
    };
    list("left out", &report.left_out);
    list("unwise", &report.unwise);
    if let (Some(from), true) = (&wanted.from, report.rewritten > 0) {
        let what = if wanted.documents {
            count(report.rewritten, "RDF document, ACL or description", "RDF documents, ACLs and descriptions")
        } else {
            count(report.rewritten, "ACL or description", "ACLs and descriptions")
        };
        let verb = if wanted.check { "would be" } else { "are now" };
        eprintln!("in {what}, IRIs below {from} {verb} below {}", report.root);
    }
    if wanted.check {
        list("would be refused", &report.refused);
        if report.refusals > 0 {
            bail!("{} would be refused, so nothing would be imported", count(report.refusals, "file", "files"));
        }
    }
    let would = if wanted.check { "would be " } else { "" };
    super::cli::print(&format!(
        "{}\t{would}owned by {}\t{}, {}, {}\n",
        report.root,
        report.owner,
        count(report.resources, "resource", "resources"),
        count(report.auxiliaries, "ACL or description", "ACLs and descriptions"),
        amount(report.bytes)
    ))
}

fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

fn serde_urlencoded(wanted: &Wanted) -> anyhow::Result<String> {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    if let serde_json::Value::Object(members) = serde_json::to_value(wanted)? {
        for (name, value) in members {
            query.append_pair(&name, value.as_str().map_or_else(|| value.to_string(), str::to_owned).as_str());
        }
    }
    Ok(query.finish())
}

fn read(source: impl AsyncRead + Send + 'static, progress: &Progress) -> Body {
    let progress = progress.clone();
    Body::from_stream(
        ReaderStream::with_capacity(source, PIECE).inspect_ok(move |bytes| progress.pass(bytes.len())).boxed(),
    )
}

/// Standard input or output, read and written outside the threads that serve.
fn descriptor(of: &impl AsFd) -> io::Result<tokio::fs::File> {
    Ok(tokio::fs::File::from_std(std::fs::File::from(of.as_fd().try_clone_to_owned()?)))
}

async fn copy(source: &mut (impl AsyncRead + Unpin), target: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
    tokio::io::copy(source, target).await?;
    target.flush().await
}

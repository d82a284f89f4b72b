//! A body that somebody writes while it is sent.

use axum::body::Body;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use std::{future::Future, io};
use tokio::io::DuplexStream;
use tokio_util::io::ReaderStream;

/// How much waits to be sent, in bytes.
const WAITING: usize = 256 * 1024;

/// A body of what is written; broken off, so that nobody takes it for whole, if the writer fails.
pub(super) fn piped<F>(write: impl FnOnce(DuplexStream) -> F) -> Body
where
    F: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let (reader, writer) = tokio::io::duplex(WAITING);
    let written = tokio::spawn(write(writer));
    let end = stream::once(async move {
        let written = written.await.map_err(anyhow::Error::from).flatten();
        written.map(|()| Bytes::new()).map_err(|error| io::Error::other(format!("{error:#}")))
    });
    Body::from_stream(ReaderStream::with_capacity(reader, WAITING).chain(end))
}

//! Writing an answer on a bare socket.
//!
//! Spec: <https://www.rfc-editor.org/rfc/rfc9112#section-4>

use axum::body::Body;
use bytes::{BufMut as _, Bytes, BytesMut};
use http::{Response, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use jiff::{Timestamp, fmt::rfc2822::DateTimePrinter};
use std::io;
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

/// The largest body, in bytes: an answer that ends the connection is a problem or a redirection.
const MAX_BODY: usize = 64 * 1_024;

/// Writes the head; and the body too, unless the socket is taken over.
pub(super) async fn write(stream: &mut TcpStream, response: Response<Body>, is_taken: bool) -> io::Result<()> {
    let (mut parts, body) = response.into_parts();
    let body = if is_taken { Bytes::new() } else { collect(body).await? };
    parts.headers.remove(header::CONTENT_LENGTH);
    let mut bytes = begin(parts.status);
    for (name, value) in &parts.headers {
        line(&mut bytes, name.as_str(), value.as_bytes());
    }
    if parts.status != StatusCode::SWITCHING_PROTOCOLS
        && !parts.headers.contains_key(header::DATE)
        && let Ok(date) = DateTimePrinter::new().timestamp_to_rfc9110_string(&Timestamp::now())
    {
        line(&mut bytes, "date", date.as_bytes());
    }
    if !is_taken {
        line(&mut bytes, "content-length", body.len().to_string().as_bytes());
        line(&mut bytes, "connection", b"close");
    }
    bytes.put_slice(b"\r\n");
    bytes.put_slice(&body);
    stream.write_all(&bytes).await
}

/// Answers what could not be read.
pub(super) async fn refuse(stream: &mut TcpStream, status: StatusCode) -> io::Result<()> {
    write(stream, Response::builder().status(status).body(Body::empty()).map_err(io::Error::other)?, false).await?;
    stream.shutdown().await
}

async fn collect(body: Body) -> io::Result<Bytes> {
    Ok(Limited::new(body, MAX_BODY).collect().await.map_err(io::Error::other)?.to_bytes())
}

fn begin(status: StatusCode) -> BytesMut {
    let mut bytes = BytesMut::with_capacity(1_024);
    bytes.put_slice(b"HTTP/1.1 ");
    bytes.put_slice(status.as_str().as_bytes());
    bytes.put_u8(b' ');
    bytes.put_slice(status.canonical_reason().unwrap_or_default().as_bytes());
    bytes.put_slice(b"\r\n");
    bytes
}

fn line(bytes: &mut BytesMut, name: &str, value: &[u8]) {
    bytes.put_slice(name.as_bytes());
    bytes.put_slice(b": ");
    bytes.put_slice(value);
    bytes.put_slice(b"\r\n");
}

//! Recognising and reading the head of a request, within limits.

use super::super::Limits;
use bytes::{Buf as _, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Version, header};
use std::{io, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, Interest, Ready},
    net::TcpStream,
    time::{sleep, timeout},
};

/// What a request for a capability begins with.
const BEGINNING: &[u8] = b"GET /.notifications/connect/";

/// How long is waited for more of the beginning, at first and at most; the kernel tells only that there is something,
/// not that there is more.
const PAUSES: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(500));

/// Whether the connection begins with a request for a capability; reads nothing. Answers as soon as the first
/// differing byte is there; none if nothing of the kind has come in time.
pub(in super::super) async fn is_for_capability(stream: &TcpStream, patience: Duration) -> Option<bool> {
    let mut beginning = [0; BEGINNING.len()];
    let looking = async {
        let mut pause = PAUSES.0;
        loop {
            match stream.peek(&mut beginning).await {
                Ok(0) | Err(_) => return Some(false),
                Ok(count) if beginning[..count] != BEGINNING[..count] => return Some(false),
                Ok(count) if count == BEGINNING.len() => return Some(true),
                Ok(_) => sleep(pause).await,
            }
            pause = (pause * 2).min(PAUSES.1);
            if stream.ready(Interest::READABLE).await.is_ok_and(Ready::is_read_closed) {
                // What is there is all that comes.
                let count = stream.peek(&mut beginning).await.ok()?;
                return (count == BEGINNING.len()).then_some(beginning == BEGINNING);
            }
        }
    };
    timeout(patience, looking).await.ok().flatten()
}

/// Reads a whole head, and what came with it. A head that breaks the grammar or a limit is answered with that status.
pub(super) async fn read(
    stream: &mut TcpStream,
    limits: &Limits,
) -> io::Result<Result<(Request<()>, BytesMut), StatusCode>> {
    let mut read = BytesMut::with_capacity(1_024);
    loop {
        match parse(&read, limits) {
            Ok(Some((request, length))) => {
                read.advance(length);
                return Ok(Ok((request, read)));
            }
            Ok(None) if read.len() > limits.header_bytes.saturating_mul(2) => {
                return Ok(Err(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE));
            }
            Ok(None) => {}
            Err(status) => return Ok(Err(status)),
        }
        if stream.read_buf(&mut read).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// The request and the length of its head; none while the head is not whole.
fn parse(read: &[u8], limits: &Limits) -> Result<Option<(Request<()>, usize)>, StatusCode> {
    let mut lines = vec![httparse::EMPTY_HEADER; limits.header_lines];
    let mut parsed = httparse::Request::new(&mut lines);
    let length = match parsed.parse(read) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE),
        Err(_) => return Err(StatusCode::BAD_REQUEST),
    };
    // The parser takes a lone line feed for a line's end; a server in front may not.
    if read[..length].iter().enumerate().any(|(at, byte)| *byte == b'\n' && (at == 0 || read[at - 1] != b'\r')) {
        return Err(StatusCode::BAD_REQUEST);
    }
    let mut request = Request::new(());
    *request.method_mut() = Method::GET;
    *request.uri_mut() = parsed.path.unwrap_or_default().parse().map_err(|_| StatusCode::BAD_REQUEST)?;
    *request.version_mut() = if parsed.version == Some(1) { Version::HTTP_11 } else { Version::HTTP_10 };
    for line in parsed.headers.iter() {
        let name = HeaderName::from_bytes(line.name.as_bytes()).map_err(|_| StatusCode::BAD_REQUEST)?;
        request.headers_mut().append(name, HeaderValue::from_bytes(line.value).map_err(|_| StatusCode::BAD_REQUEST)?);
    }
    Ok(Some((request, length)))
}

/// Whether a body follows.
pub(super) fn has_body(headers: &HeaderMap) -> bool {
    headers.contains_key(header::TRANSFER_ENCODING)
        || headers.get_all(header::CONTENT_LENGTH).iter().any(|length| length.as_bytes() != b"0")
}

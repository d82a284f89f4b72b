//! HTTP/2 with a client that others have written: several streams on one connection.

use super::{
    streams::Stream,
    world::{Agent, Reply},
};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::{
    io::{Error, ErrorKind, Read, Result},
    sync::{LazyLock, mpsc},
    time::Duration,
};
use tokio::{runtime::Runtime, task::AbortHandle};

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap());

/// One connection; it ends when this and all its streams are dropped.
pub(super) struct Http2(SendRequest<Empty<Bytes>>);

/// The body of an answer. Dropping it resets the stream.
struct Body {
    parts: mpsc::Receiver<Result<Bytes>>,
    rest: Bytes,
    pump: AbortHandle,
}

impl Http2 {
    pub(super) fn connect(agent: &Agent) -> Self {
        let stream = agent.world.connect();
        stream.set_nonblocking(true).unwrap();
        RUNTIME.block_on(async {
            let stream = tokio::net::TcpStream::from_std(stream).unwrap();
            let made = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
            let (send, connection) = made.unwrap();
            tokio::spawn(connection);
            Self(send)
        })
    }

    /// One request without a body and without credentials; the whole answer.
    pub(super) fn ask(&self, agent: &Agent, method: &str, path: &str) -> Reply {
        let url = format!("{}{path}", agent.world.origin);
        let request = http::Request::builder().method(method).uri(&url).body(Empty::new()).unwrap();
        let answer = async {
            let (head, body) = self.0.clone().send_request(request).await.unwrap().into_parts();
            (head, body.collect().await.unwrap().to_bytes())
        };
        let (head, body) =
            RUNTIME.block_on(async { tokio::time::timeout(Duration::from_secs(30), answer).await }).unwrap();
        let headers = head.headers.iter();
        let headers = headers.map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap().to_owned()));
        Reply { status: head.status.as_u16(), headers: headers.collect(), body: body.to_vec() }
    }

    /// Asks for a stream with the credentials of somebody.
    pub(super) fn get(&self, agent: &Agent, path: &str, headers: &[(&str, &str)]) -> Stream {
        let url = format!("{}{path}", agent.world.origin);
        let mut request = http::Request::get(&url);
        for (name, value) in agent.credentials("GET", &url) {
            request = request.header(name, value);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = self.0.clone().send_request(request.body(Empty::new()).unwrap());
        let answer = RUNTIME.block_on(async { tokio::time::timeout(Duration::from_secs(30), answer).await });
        let (head, mut body) = answer.unwrap().unwrap().into_parts();
        assert_eq!(head.version, http::Version::HTTP_2);
        let text = |value: &http::HeaderValue| value.to_str().unwrap().to_owned();
        let headers = head.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
        let (sender, parts) = mpsc::channel();
        let pump = RUNTIME.spawn(async move {
            while let Some(frame) = body.frame().await {
                let part = frame.map(|frame| frame.into_data().unwrap_or_default()).map_err(Error::other);
                if sender.send(part).is_err() {
                    return;
                }
            }
        });
        let body = Body { parts, rest: Bytes::new(), pump: pump.abort_handle() };
        Stream::over(Reply { status: head.status.as_u16(), headers, body: Vec::new() }, body)
    }
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        while self.rest.is_empty() {
            match self.parts.recv_timeout(Duration::from_secs(30)) {
                Ok(part) => self.rest = part?,
                Err(mpsc::RecvTimeoutError::Disconnected) => return Ok(0),
                Err(mpsc::RecvTimeoutError::Timeout) => return Err(ErrorKind::TimedOut.into()),
            }
        }
        let count = buffer.len().min(self.rest.len());
        buffer[..count].copy_from_slice(&self.rest.split_to(count));
        Ok(count)
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        self.pump.abort();
    }
}

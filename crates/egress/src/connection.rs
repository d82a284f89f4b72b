//! One connection to an address that was judged, with TLS where the URL says so, and HTTP over it.

use crate::line::{Above, Below, Line};
use crate::{FetchError, Gate};
use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use rustls::pki_types::{IpAddr as TlsIp, ServerName};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::{Host, Position, Url};

/// Most bytes of a response's head.
const MAX_HEAD: usize = 16 * 1024;
/// Most header fields of a response.
pub(crate) const MAX_FIELDS: usize = 64;
/// How many of a name's addresses are tried.
const TRIES: usize = 3;
/// How long a connection whose answer was read to its end has to become idle.
const SETTLE: Duration = Duration::from_millis(50);

/// To whom: scheme, host and port, as the URL's parser writes them.
pub(crate) fn lane(url: &Url) -> &str {
    &url[..Position::BeforePath]
}

/// An open connection. It ends when it is dropped.
pub(crate) struct Connection {
    pub(crate) lane: Box<str>,
    pub(crate) address: SocketAddr,
    pub(crate) line: Arc<Line>,
    sender: SendRequest<Full<Bytes>>,
    _driver: JoinSet<()>,
}

impl Connection {
    /// Connects to one of these addresses, which were judged.
    pub(crate) async fn open(url: &Url, addresses: &[SocketAddr], tls: &TlsConnector) -> Result<Self, FetchError> {
        let (tcp, address) = dial(addresses).await?;
        let line = Line::new();
        let tcp = Below::new(tcp, Arc::clone(&line));
        if url.scheme() == "http" {
            return Self::over(tcp, url, address, line).await;
        }
        let name = server_name(url).ok_or(FetchError::Refused)?;
        // Its part of the handshake has left when this returns.
        let stream = tls.connect(name, tcp).await.map_err(|_| FetchError::Unreachable)?;
        Self::over(stream, url, address, line).await
    }

    async fn over<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(
        stream: S,
        url: &Url,
        address: SocketAddr,
        line: Arc<Line>,
    ) -> Result<Self, FetchError> {
        let (sender, connection) = hyper::client::conn::http1::Builder::new()
            .max_buf_size(MAX_HEAD)
            .max_headers(MAX_FIELDS)
            .handshake(TokioIo::new(Above::new(stream, Arc::clone(&line))))
            .await
            .map_err(|_| FetchError::Unreachable)?;
        // Dropped with the set, so nothing goes on once nobody holds it.
        let mut driver = JoinSet::new();
        driver.spawn(async move { drop(connection.await) });
        Ok(Self { lane: lane(url).into(), address, line, sender, _driver: driver })
    }

    /// Sends a request through a gate; the answer's head has come, its body has not. At most `body` bytes of that are
    /// of use.
    pub(crate) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
        gate: Option<Arc<dyn Gate>>,
        body: usize,
    ) -> Result<Response<Incoming>, FetchError> {
        // Interim answers, chunks and records of TLS cost more than they carry; without end they are none.
        self.line.begin(gate, 4 * MAX_HEAD as u64 + 8 * body as u64);
        self.sender.send_request(request).await.map_err(|_| self.broken())
    }

    /// Why it broke.
    pub(crate) fn broken(&self) -> FetchError {
        if self.line.is_refused() { FetchError::Withheld } else { FetchError::Unreachable }
    }

    /// Whether another request may be sent.
    pub(crate) fn is_ready(&self) -> bool {
        self.sender.is_ready() && !self.sender.is_closed() && !self.line.is_refused()
    }

    /// Whether it becomes idle, with nothing of the last request left to send. Its answer was read to its end.
    pub(crate) async fn settles(&mut self) -> bool {
        matches!(timeout(SETTLE, self.sender.ready()).await, Ok(Ok(()))) && self.line.has_left() && self.is_ready()
    }
}

/// What to do with a body that is too large.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Overflow {
    Cut,
    Refuse,
}

/// Reads a body, and whether that was all of it.
pub(crate) async fn read(
    response: &mut Response<Incoming>,
    limit: usize,
    overflow: Overflow,
) -> Result<(Bytes, bool), FetchError> {
    let announced = response.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if overflow == Overflow::Refuse && announced.is_some_and(|length: u64| length > limit as u64) {
        return Err(FetchError::TooLarge { limit });
    }
    let (mut body, mut cut) = (Vec::new(), false);
    // Whoever wants the beginning does not wait for the end.
    while overflow == Overflow::Refuse || body.len() < limit {
        let Some(frame) = response.body_mut().frame().await else { return Ok((body.into(), !cut)) };
        let frame = frame.map_err(|_| FetchError::Unreachable)?;
        let Some(data) = frame.data_ref() else { continue };
        let room = limit - body.len();
        if data.len() > room && overflow == Overflow::Refuse {
            return Err(FetchError::TooLarge { limit });
        }
        cut |= data.len() > room;
        body.extend_from_slice(&data[..data.len().min(room)]);
    }
    Ok((body.into(), !cut && response.body().is_end_stream()))
}

async fn dial(addresses: &[SocketAddr]) -> Result<(TcpStream, SocketAddr), FetchError> {
    for address in addresses.iter().take(TRIES) {
        if let Ok(stream) = TcpStream::connect(address).await {
            stream.set_nodelay(true).map_err(|_| FetchError::Unreachable)?;
            return Ok((stream, *address));
        }
    }
    Err(FetchError::Unreachable)
}

fn server_name(url: &Url) -> Option<ServerName<'static>> {
    match url.host()? {
        Host::Domain(name) => ServerName::try_from(name.to_owned()).ok(),
        Host::Ipv4(address) => Some(ServerName::IpAddress(TlsIp::V4(address.into()))),
        Host::Ipv6(address) => Some(ServerName::IpAddress(TlsIp::V6(address.into()))),
    }
}

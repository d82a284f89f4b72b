//! The guarded client: one connection for each request, to an address that was judged.
//!
//! Nothing is sent but what the caller gives: no cookies, no credentials, no proxies of the environment. Connections
//! are not kept, so none is used for another name. What comes back is bounded while it is read.

use crate::guard::{self, Resolve, SystemResolver};
use crate::policy::{Policy, PolicyError};
use crate::room::{Place, Room};
use crate::{Document, Fetch, FetchError, Gate, Get};
use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, LOCATION, USER_AGENT,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use rustls::pki_types::{IpAddr as TlsIp, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::{Host, Url};

/// Most bytes of a response's head.
const MAX_HEAD: usize = 16 * 1024;
/// Most header fields of a response.
const MAX_FIELDS: usize = 64;
/// How many of a name's addresses are tried.
const TRIES: usize = 3;

/// A request that is more than a look at a document.
#[derive(Clone)]
pub struct Exchange {
    /// The method.
    pub method: Method,
    /// Where; no redirect is followed.
    pub url: Url,
    /// All header fields but those that belong to the connection: `Host`, `Connection`, `Content-Length`.
    pub headers: HeaderMap,
    /// The body; may be empty.
    pub body: Bytes,
    /// For all of it; the policy's connect limit holds as well.
    pub total: Duration,
    /// How much of the answer's body is read; the rest is cut off.
    pub keep: usize,
    /// Asked at each write of the request's bytes, after the connection stands.
    pub gate: Option<Arc<dyn Gate>>,
}

/// What a receiver answered, of whatever status.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The header fields.
    pub headers: HeaderMap,
    /// The beginning of the body, not longer than was asked for.
    pub body: Bytes,
}

/// The one guarded way out. Clones share their bounds.
#[derive(Clone)]
pub struct Client {
    policy: Arc<Policy>,
    resolver: Arc<dyn Resolve>,
    tls: TlsConnector,
    room: Room,
}

impl Client {
    /// A client with the system's resolver.
    pub fn new(policy: Policy) -> Result<Self, PolicyError> {
        Self::with_resolver(policy, Arc::new(SystemResolver))
    }

    /// A client with a resolver of its own.
    pub fn with_resolver(policy: Policy, resolver: Arc<dyn Resolve>) -> Result<Self, PolicyError> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        for root in &policy.roots {
            roots.add(root.clone()).map_err(|_| PolicyError::Certificate)?;
        }
        let mut tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|_| PolicyError::Tls)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { policy: Arc::new(policy), resolver, tls: TlsConnector::from(Arc::new(tls)), room: Room::default() })
    }

    /// Whether a URL may be connected to at this moment, without a connection. Each request is judged anew.
    ///
    /// # Errors
    /// [`FetchError::Refused`] if not; others if nobody can tell now.
    pub async fn check(&self, url: &Url) -> Result<(), FetchError> {
        let _place = self.enter(url)?;
        let judged = timeout(self.policy.total, guard::addresses(url, &self.policy, &*self.resolver)).await;
        judged.map_err(|_| FetchError::TimedOut)?.map(drop)
    }

    /// Sends one request and reads the beginning of its answer, whatever its status. No redirect is followed.
    pub async fn exchange(&self, exchange: Exchange) -> Result<Answer, FetchError> {
        let _place = self.enter(&exchange.url)?;
        let limit = exchange.total;
        let answered = async {
            let mut request = Request::new(Full::new(exchange.body));
            *request.method_mut() = exchange.method;
            *request.headers_mut() = exchange.headers;
            let mut connection = self.send(&exchange.url, request).await?;
            let body = connection.read(exchange.keep, Overflow::Cut).await?;
            let (head, _) = connection.response.into_parts();
            Ok(Answer { status: head.status, headers: head.headers, body })
        };
        timeout(limit, answered).await.map_err(|_| FetchError::TimedOut)?
    }

    async fn follow(&self, get: &Get) -> Result<Document, FetchError> {
        let mut url = get.url.clone();
        let mut left = get.redirects;
        loop {
            let place = self.enter(&url)?;
            let mut request = Request::new(Full::new(Bytes::new()));
            request.headers_mut().insert(ACCEPT, HeaderValue::from_static(get.accept));
            request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
            request.headers_mut().insert(USER_AGENT, HeaderValue::from_static("podbell"));
            let mut connection = self.send(&url, request).await?;
            let status = connection.response.status();
            if status == StatusCode::OK {
                let body = connection.read(self.policy.max_body, Overflow::Refuse).await?;
                url.set_fragment(None);
                let headers = connection.response.headers();
                return Ok(Document { url, media_type: media_type(headers), body, max_age: max_age(headers) });
            }
            let Some(target) = redirect(&url, &connection.response).filter(|_| left > 0) else {
                return Err(FetchError::Status(status.as_u16()));
            };
            drop((connection, place));
            left -= 1;
            url = target?;
        }
    }

    fn enter(&self, url: &Url) -> Result<Place, FetchError> {
        let host = url.host_str().ok_or(FetchError::Refused)?;
        self.room.enter(host, self.policy.per_host, self.policy.at_once).ok_or(FetchError::Busy)
    }

    /// Connects to a judged address and sends the request; the answer's head has come, its body has not.
    async fn send(&self, url: &Url, mut request: Request<Full<Bytes>>) -> Result<Connection, FetchError> {
        let addresses = guard::addresses(url, &self.policy, &*self.resolver).await?;
        let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
        *request.uri_mut() = target.parse().map_err(|_| FetchError::Refused)?;
        let authority = &url[url::Position::BeforeHost..url::Position::AfterPort];
        let headers = request.headers_mut();
        headers.insert(HOST, authority.parse().map_err(|_| FetchError::Refused)?);
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        headers.remove(CONTENT_LENGTH);
        let connecting = async {
            let tcp = dial(&addresses).await?;
            if url.scheme() == "http" {
                return Http::over(tcp).await;
            }
            let name = server_name(url).ok_or(FetchError::Refused)?;
            Http::over(self.tls.connect(name, tcp).await.map_err(|_| FetchError::Unreachable)?).await
        };
        let Http { mut sender, driver } =
            timeout(self.policy.connect, connecting).await.map_err(|_| FetchError::TimedOut)??;
        let response = sender.send_request(request).await.map_err(|_| FetchError::Unreachable)?;
        Ok(Connection { response, _driver: driver })
    }
}

#[async_trait::async_trait]
impl Fetch for Client {
    async fn get(&self, get: &Get) -> Result<Document, FetchError> {
        let result = timeout(self.policy.total, self.follow(get)).await.unwrap_or(Err(FetchError::TimedOut));
        if let Err(error) = &result {
            tracing::debug!(host = get.url.host_str(), %error, "nothing was fetched: {error}");
        }
        result
    }
}

struct Http {
    sender: hyper::client::conn::http1::SendRequest<Full<Bytes>>,
    driver: JoinSet<()>,
}

impl Http {
    async fn over<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(stream: S) -> Result<Self, FetchError> {
        let (sender, connection) = hyper::client::conn::http1::Builder::new()
            .max_buf_size(MAX_HEAD)
            .max_headers(MAX_FIELDS)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|_| FetchError::Unreachable)?;
        // Dropped with the set, so no connection outlives its request.
        let mut driver = JoinSet::new();
        driver.spawn(async move { drop(connection.await) });
        Ok(Self { sender, driver })
    }
}

struct Connection {
    response: Response<Incoming>,
    _driver: JoinSet<()>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Overflow {
    Cut,
    Refuse,
}

impl Connection {
    async fn read(&mut self, limit: usize, overflow: Overflow) -> Result<Bytes, FetchError> {
        let announced =
            self.response.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        if overflow == Overflow::Refuse && announced.is_some_and(|length: u64| length > limit as u64) {
            return Err(FetchError::TooLarge { limit });
        }
        let mut body = Vec::new();
        // Whoever wants the beginning does not wait for the end.
        while overflow == Overflow::Refuse || body.len() < limit {
            let Some(frame) = self.response.body_mut().frame().await else { break };
            let frame = frame.map_err(|_| FetchError::Unreachable)?;
            let Some(data) = frame.data_ref() else { continue };
            let room = limit - body.len();
            if data.len() > room && overflow == Overflow::Refuse {
                return Err(FetchError::TooLarge { limit });
            }
            body.extend_from_slice(&data[..data.len().min(room)]);
        }
        Ok(body.into())
    }
}

async fn dial(addresses: &[SocketAddr]) -> Result<TcpStream, FetchError> {
    for address in addresses.iter().take(TRIES) {
        if let Ok(stream) = TcpStream::connect(address).await {
            stream.set_nodelay(true).map_err(|_| FetchError::Unreachable)?;
            return Ok(stream);
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

/// Where a redirect leads; none if the answer is no redirect.
fn redirect(from: &Url, response: &Response<Incoming>) -> Option<Result<Url, FetchError>> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = response.headers().get(LOCATION)?.to_str().ok()?;
    Some(from.join(location).map_err(|_| FetchError::Refused))
}

fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let mut age = None;
    for value in headers.get_all(CACHE_CONTROL) {
        for directive in value.to_str().unwrap_or_default().split(',') {
            let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
            match name.trim().to_ascii_lowercase().as_str() {
                "no-store" | "no-cache" => return Some(Duration::ZERO),
                "max-age" => age = value.trim().trim_matches('"').parse().ok().map(Duration::from_secs).or(age),
                _ => {}
            }
        }
    }
    age
}

#[cfg(test)]
mod tests;

//! The guarded client: each request goes to an address that was judged for it.
//!
//! Nothing is sent but what the caller gives: no cookies, no credentials, no proxies of the environment. Documents are
//! fetched over connections of their own; exchanges may follow each other on one (see [`kept`](crate::kept)). What comes
//! back is bounded while it is read.

use crate::connection::{Connection, Overflow, lane, read};
use crate::exchange::{Answer, Exchange, keep_alive};
use crate::guard::{Guard, Resolve, SystemResolver};
use crate::kept::{IDLE, Kept};
use crate::policy::{Policy, PolicyError};
use crate::room::{Place, Room};
use crate::{Document, Fetch, FetchError, Get};
use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HOST, LOCATION, USER_AGENT};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use rustls::{ClientConfig, RootCertStore};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::Url;

/// The one guarded way out. Clones share their bounds.
#[derive(Clone)]
pub struct Client {
    policy: Arc<Policy>,
    guard: Guard,
    tls: TlsConnector,
    room: Room,
    kept: Kept,
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
        let policy = Arc::new(policy);
        let guard = Guard::new(Arc::clone(&policy), resolver);
        let tls = TlsConnector::from(Arc::new(tls));
        Ok(Self { policy, guard, tls, room: Room::default(), kept: Kept::default() })
    }

    /// The same way out with room of its own, for so many requests to one host and port and at once: whoever hangs there
    /// keeps nobody here from anything.
    #[must_use]
    pub fn with_room(&self, per_host: usize, at_once: usize) -> Self {
        let policy = Arc::new(Policy { per_host, at_once, ..Policy::clone(&self.policy) });
        let guard = self.guard.apart(Arc::clone(&policy));
        Self { policy, guard, tls: self.tls.clone(), room: Room::default(), kept: Kept::default() }
    }

    /// Whether this machine may be connected to.
    pub fn is_development(&self) -> bool {
        self.policy.development
    }

    /// Whether a URL may be connected to at this moment, without a connection. Each request is judged anew.
    ///
    /// # Errors
    /// [`FetchError::Refused`] if not; others if nobody can tell now.
    pub async fn check(&self, url: &Url) -> Result<(), FetchError> {
        let _place = self.enter(url)?;
        let judged = timeout(self.policy.total, self.guard.addresses(url)).await;
        judged.map_err(|_| FetchError::TimedOut)?.map(drop)
    }

    /// Sends one request and reads the beginning of its answer, whatever its status. No redirect is followed.
    pub async fn exchange(&self, exchange: Exchange) -> Result<Answer, FetchError> {
        let _place = self.enter(&exchange.url)?;
        timeout(exchange.total, self.converse(&exchange)).await.map_err(|_| FetchError::TimedOut)?
    }

    async fn converse(&self, exchange: &Exchange) -> Result<Answer, FetchError> {
        let addresses = self.guard.addresses(&exchange.url).await?;
        if let Some(kept) = self.kept.take(lane(&exchange.url), &addresses) {
            let line = Arc::clone(&kept.line);
            match self.ask(kept, exchange).await {
                // It was closed before anything was sent: that is no answer.
                Err(FetchError::Unreachable) if line.is_untouched() => {}
                told => return told,
            }
        }
        self.ask(self.connect(&exchange.url, &addresses).await?, exchange).await
    }

    async fn ask(&self, mut connection: Connection, exchange: &Exchange) -> Result<Answer, FetchError> {
        let request = addressed(exchange.request(), &exchange.url)?;
        let mut response = connection.send(request, exchange.gate.clone(), exchange.keep).await?;
        let (body, ended) = read(&mut response, exchange.keep, Overflow::Cut).await.map_err(|_| connection.broken())?;
        let (head, rest) = response.into_parts();
        drop(rest);
        let time = keep_alive(&head.headers).unwrap_or(IDLE);
        if ended && !time.is_zero() && connection.settles().await {
            self.kept.put(connection, time);
        }
        Ok(Answer { status: head.status, headers: head.headers, body })
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
            request.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            let request = addressed(request, &url)?;
            let addresses = self.guard.addresses(&url).await?;
            let mut connection = self.connect(&url, &addresses).await?;
            let mut response = connection.send(request, None, self.policy.max_body).await?;
            let status = response.status();
            if status == StatusCode::OK {
                let (body, _) = read(&mut response, self.policy.max_body, Overflow::Refuse).await?;
                url.set_fragment(None);
                let headers = response.headers();
                return Ok(Document { url, media_type: media_type(headers), body, max_age: max_age(headers) });
            }
            let Some(target) = redirect(&url, &response).filter(|_| left > 0) else {
                return Err(FetchError::Status(status.as_u16()));
            };
            drop((connection, place));
            left -= 1;
            url = target?;
        }
    }

    fn enter(&self, url: &Url) -> Result<Place, FetchError> {
        let (host, port) = url.host_str().zip(url.port_or_known_default()).ok_or(FetchError::Refused)?;
        self.room.enter(&format!("{host}:{port}"), self.policy.per_host, self.policy.at_once).ok_or(FetchError::Busy)
    }

    async fn connect(&self, url: &Url, addresses: &[SocketAddr]) -> Result<Connection, FetchError> {
        let connecting = Connection::open(url, addresses, &self.tls);
        timeout(self.policy.connect, connecting).await.map_err(|_| FetchError::TimedOut)?
    }
}

/// A request with its target and its `Host`.
fn addressed(mut request: Request<Full<Bytes>>, url: &Url) -> Result<Request<Full<Bytes>>, FetchError> {
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    *request.uri_mut() = target.parse().map_err(|_| FetchError::Refused)?;
    let authority = &url[url::Position::BeforeHost..url::Position::AfterPort];
    request.headers_mut().insert(HOST, authority.parse().map_err(|_| FetchError::Refused)?);
    Ok(request)
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

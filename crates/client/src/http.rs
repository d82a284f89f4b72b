//! HTTP, with TLS where the URL says so, and bare connections for WebSockets: over one connector.
//!
//! The names of this machine (`localhost` and those below it) lead to this machine whatever the system knows of them, as
//! RFC 6761 asks. Answers are bounded, in bytes and in time.

use crate::{answer::Answer, error::WatchError};
use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::{
    client::legacy::{
        Client,
        connect::{
            HttpConnector,
            dns::{GaiResolver, Name},
        },
    },
    rt::{TokioExecutor, TokioIo},
};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{net::TcpStream, time::timeout};
use tower::{Service, ServiceExt as _};
use url::{Host, Url};

/// Most bytes of an answer that is no stream.
const MAX_ANSWER: usize = 1024 * 1024;
/// How long the head of an answer may take, and the whole of one that is no stream.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a connection may take to stand.
const DIAL: Duration = Duration::from_secs(10);
/// After how much silence the peer's system is asked whether the connection still stands, and how often.
const KEEPALIVE: (Duration, Duration, u32) = (Duration::from_secs(30), Duration::from_secs(10), 3);

type Connector = HttpsConnector<HttpConnector<Resolver>>;

/// A connection, with TLS or without.
pub(crate) type Line = TokioIo<MaybeHttpsStream<TokioIo<TcpStream>>>;

/// Asks; clones share connections.
#[derive(Clone)]
pub(crate) struct Http {
    client: Client<Connector, Full<Bytes>>,
    connector: Connector,
}

impl Http {
    /// `authorities`: certificates in PEM that are trusted besides those that everybody trusts.
    pub(crate) fn new(authorities: &[Vec<u8>]) -> Result<Self, rustls::Error> {
        let roots = roots(authorities)?;
        let tls = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut tcp = HttpConnector::new_with_resolver(Resolver(GaiResolver::new()));
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(DIAL));
        let (after, every, times) = KEEPALIVE;
        tcp.set_keepalive(Some(after));
        tcp.set_keepalive_interval(Some(every));
        tcp.set_keepalive_retries(Some(times));
        let connector =
            HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(tcp);
        Ok(Self { client: Client::builder(TokioExecutor::new()).build(connector.clone()), connector })
    }

    /// An answer whose head has come. `told`: what errors call it, for URLs that are secrets.
    pub(crate) async fn send(
        &self,
        request: Request<Full<Bytes>>,
        told: &str,
    ) -> Result<Response<Incoming>, WatchError> {
        match timeout(PATIENCE, self.client.request(request)).await {
            Err(_) => Err(WatchError::unreachable(told, "no answer came in time")),
            Ok(Err(error)) => Err(WatchError::unreachable(told, innermost(&error))),
            Ok(Ok(answer)) => Ok(answer),
        }
    }

    /// The whole of an answer.
    pub(crate) async fn whole(&self, url: &str, answer: Response<Incoming>) -> Result<Answer, WatchError> {
        let (parts, body) = answer.into_parts();
        let read = timeout(PATIENCE, Limited::new(body, MAX_ANSWER).collect()).await;
        let body = read.map_err(|_| WatchError::unreachable(url, "the answer did not end in time"))?;
        let body = body.map_err(|error| WatchError::unreachable(url, error.to_string()))?.to_bytes();
        Ok(Answer { url: url.to_owned(), status: parts.status, headers: parts.headers, body })
    }

    /// A connection for something else than HTTP. `told` as above.
    pub(crate) async fn dial(&self, url: &Url, told: &str) -> Result<Line, WatchError> {
        let uri: Uri = url.as_str().parse().map_err(|_| WatchError::not_understood(told, "it is no URL"))?;
        let dialled = timeout(DIAL, self.connector.clone().oneshot(uri)).await;
        let dialled = dialled.map_err(|_| WatchError::unreachable(told, "no connection came in time"))?;
        Ok(TokioIo::new(dialled.map_err(|error| WatchError::unreachable(told, innermost(&*error)))?))
    }
}

fn roots(authorities: &[Vec<u8>]) -> Result<RootCertStore, rustls::Error> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for pem in authorities {
        let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let read = read.map_err(|error| rustls::Error::General(format!("the authorities are no PEM: {error}")))?;
        if read.is_empty() {
            return Err(rustls::Error::General("among the authorities is no certificate".to_owned()));
        }
        for certificate in read {
            roots.add(certificate)?;
        }
    }
    Ok(roots)
}

/// What is at the bottom of an error: those above it only say that something went wrong.
pub(crate) fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(below) = cause.source() {
        cause = below;
    }
    cause.to_string()
}

/// Whether what is sent there stays on this machine, or is hidden from those on the way.
pub(crate) fn is_private(url: &Url) -> bool {
    is_hidden(url) || is_here(url)
}

/// Whether what a server names may be followed: from elsewhere nothing leads to this machine, and from what is hidden on
/// the way nothing to what is not.
pub(crate) fn leads(from: &Url, to: &Url) -> bool {
    (is_hidden(to) || !is_hidden(from)) && (!is_here(to) || is_here(from))
}

fn is_hidden(url: &Url) -> bool {
    matches!(url.scheme(), "https" | "wss")
}

/// Whether it is on this machine.
fn is_here(url: &Url) -> bool {
    let address = match url.host() {
        Some(Host::Domain(name)) => return is_local(name),
        Some(Host::Ipv4(address)) => IpAddr::V4(address),
        Some(Host::Ipv6(address)) => address.to_canonical(),
        None => return false,
    };
    address.is_loopback() || address.is_unspecified()
}

fn is_local(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

/// Finds addresses of names.
#[derive(Clone)]
struct Resolver(GaiResolver);

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        if is_local(name.as_str()) {
            let here = vec![(Ipv4Addr::LOCALHOST, 0).into(), (Ipv6Addr::LOCALHOST, 0).into()];
            return Box::pin(async move { Ok(here.into_iter()) });
        }
        let found = self.0.call(name);
        Box::pin(async move { Ok(found.await?.collect::<Vec<_>>().into_iter()) })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn servers_elsewhere_lead_neither_here_nor_out_into_the_open() {
        for (from, to, may) in [
            ("https://pod.example/", "https://bell.example/", true),
            ("https://pod.example/", "wss://bell.example/", true),
            ("https://pod.example/", "http://bell.example/", false),
            ("https://pod.example/", "ws://pod.example/", false),
            ("https://pod.example/", "https://localhost/", false),
            ("https://pod.example/", "wss://a.localhost/", false),
            ("https://pod.example/", "https://127.9.9.9/", false),
            ("https://pod.example/", "https://0.0.0.0/", false),
            ("https://pod.example/", "https://[::ffff:127.0.0.1]/", false),
            ("https://pod.example/", "wss://[::1]:8080/", false),
            ("http://pod.example/", "http://[::1]:8080/", false),
            ("http://pod.example/", "ws://pod.example/", true),
            ("http://localhost:3000/", "ws://127.0.0.1:3000/", true),
            ("http://localhost:3000/", "https://pod.example/", true),
        ] {
            assert_eq!(leads(&Url::parse(from).unwrap(), &Url::parse(to).unwrap()), may, "{from} {to}");
        }
    }
}

//! Accepting connections and serving HTTP/1.1 and HTTP/2 (prior knowledge) on them, within limits.
//!
//! The loop survives everything that a peer or an exhausted table of descriptors can do to it. A connection that says
//! nothing sensible in time is cut. The socket under an upgraded connection is a bare [`TcpStream`] in [`TokioIo`],
//! so that `hyper_util::server::conn::auto::upgrade::downcast::<TokioIo<TcpStream>>` recovers it.

mod bare;
mod connections;

pub use bare::{Bare, TakeOver};

use crate::{settings::Settings, shutdown::Stop};
use axum::Router;
use connections::{Connections, Full, Permit};
use http::Request;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use ipnet::IpNet;
use std::{
    io::{self, Write as _},
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{sleep, timeout},
};
use tower::ServiceExt as _;

/// Header lines that hyper takes without being told; telling it costs an allocation for each request.
const HYPER_HEADER_LINES: usize = 100;
/// The smallest buffer that hyper takes, in bytes.
const HYPER_BUFFER: usize = 8_192;

/// What a connection may cost. The figures are those of the settings of the same names.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at once.
    pub connections: usize,
    /// Connections at once from one address.
    pub connections_per_address: usize,
    /// Who is exempt from that: trusted proxies. Loopback always is.
    pub exempt: Vec<IpNet>,
    /// Time for a request head, and for the first request to come.
    pub header_timeout: Duration,
    /// Bytes of a request head that are answered with a problem; twice as many are cut off by the parser.
    pub header_bytes: usize,
    /// Header lines.
    pub header_lines: usize,
    /// HTTP/2 streams at once on one connection.
    pub http2_streams: u32,
    /// HTTP/2 streams that may be reset.
    pub http2_resets: usize,
    /// How long sent data may stay unacknowledged.
    pub unacknowledged: Duration,
    /// How long requests may go on after a stop.
    pub grace: Duration,
}

impl From<&Settings> for Limits {
    fn from(settings: &Settings) -> Self {
        let limits = &settings.limits;
        Self {
            connections: limits.connections,
            connections_per_address: limits.connections_per_address,
            exempt: settings.proxies.networks(),
            header_timeout: limits.header_timeout.0,
            header_bytes: limits.header_bytes.bytes(),
            header_lines: limits.header_lines,
            http2_streams: limits.http2_streams,
            http2_resets: limits.http2_resets,
            unacknowledged: limits.unacknowledged.0,
            grace: limits.shutdown.0,
        }
    }
}

/// The connection that a request came on: an extension of every request.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Who connected: the client or the nearest proxy.
    pub peer: SocketAddr,
    /// Its room among the connections.
    pub room: Room,
}

/// The room that an open connection takes: whoever keeps its socket keeps this too.
#[derive(Clone, Debug)]
pub struct Room {
    _permit: Arc<Permit>,
}

/// Serves on all listeners until the stop, then lets requests finish for the grace period.
pub async fn serve(listeners: Vec<TcpListener>, routes: Router, limits: Limits, stop: Stop) {
    let connections = Connections::new(limits.connections, limits.connections_per_address, limits.exempt.clone());
    let builder = builder(&limits);
    let limits = Arc::new(limits);
    let mut loops = JoinSet::new();
    for listener in listeners {
        let front =
            Front { builder: builder.clone(), routes: routes.clone(), limits: Arc::clone(&limits), stop: stop.clone() };
        loops.spawn(front.accept(listener, connections.clone()));
    }
    while loops.join_next().await.is_some() {}
}

fn builder(limits: &Limits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    let buffer = limits.header_bytes.saturating_mul(2).max(HYPER_BUFFER);
    let mut http1 = builder.http1();
    http1.timer(TokioTimer::new()).header_read_timeout(limits.header_timeout).max_buf_size(buffer);
    if limits.header_lines != HYPER_HEADER_LINES {
        http1.max_headers(limits.header_lines);
    }
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(20))
        .max_concurrent_streams(limits.http2_streams)
        .max_pending_accept_reset_streams(limits.http2_resets)
        .max_local_error_reset_streams(limits.http2_resets)
        .max_header_list_size(u32::try_from(buffer).unwrap_or(u32::MAX))
        // What is in there can be judged no more.
        .max_send_buf_size(32 * 1_024);
    builder
}

/// One accept loop and what it hands to each connection.
#[derive(Clone)]
struct Front {
    builder: Builder<TokioExecutor>,
    routes: Router,
    limits: Arc<Limits>,
    stop: Stop,
}

impl Front {
    async fn accept(mut self, listener: TcpListener, connections: Connections) {
        let mut tasks = JoinSet::new();
        let mut pause = FIRST_PAUSE;
        loop {
            let accepted = tokio::select! {
                biased;
                () = self.stop.stopped() => break,
                Some(_) = tasks.join_next() => continue,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    pause = FIRST_PAUSE;
                    match connections.admit(peer) {
                        Ok(permit) => {
                            tasks.spawn(
                                self.clone()
                                    .connection(stream, Connection { peer, room: Room { _permit: Arc::new(permit) } }),
                            );
                        }
                        Err(full) => refuse(stream, full),
                    }
                }
                Err(error) if concerns_one_peer(&error) => {}
                Err(error) => {
                    // Out of descriptors or memory: the connection stays in the queue, and trying at once would spin.
                    tracing::warn!(error = %error, pause_ms = pause.as_millis(), "cannot accept connections for now");
                    let mut stop = self.stop.clone();
                    tokio::select! {
                        () = stop.stopped() => break,
                        () = sleep(pause) => {}
                    }
                    pause = (pause * 2).min(LAST_PAUSE);
                }
            }
        }
        drop(listener);
        if timeout(self.limits.grace, async { while tasks.join_next().await.is_some() {} }).await.is_err() {
            tracing::warn!(connections = tasks.len(), "requests were cut after the grace period");
        }
    }

    async fn connection(mut self, stream: TcpStream, connection: Connection) {
        prepare(&stream, self.limits.unacknowledged);
        let looking = bare::is_for_capability(&stream, self.limits.header_timeout);
        let is_for_capability = tokio::select! {
            is_for_capability = looking => is_for_capability,
            () = self.stop.stopped() => return,
        };
        match is_for_capability {
            Some(false) => {}
            Some(true) => return bare::serve(stream, connection, self.routes, &self.limits).await,
            None => return,
        }
        let has_asked = Arc::new(AtomicBool::new(false));
        let service = service_fn({
            let (routes, connection, has_asked) = (self.routes, connection.clone(), Arc::clone(&has_asked));
            move |mut request: Request<Incoming>| {
                has_asked.store(true, Ordering::Relaxed);
                request.extensions_mut().insert(connection.clone());
                routes.clone().oneshot(request)
            }
        });
        let mut served = pin!(self.builder.serve_connection_with_upgrades(TokioIo::new(stream), service));
        // The parser watches the time of a head that has begun; a peer that says nothing, or only half of the HTTP/2
        // preface, is watched here. A moment later, so that the parser's own answer wins.
        let mut patience = pin!(sleep(self.limits.header_timeout + Duration::from_millis(500)));
        let (mut is_patient, mut is_stopping) = (true, false);
        loop {
            tokio::select! {
                ended = served.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(error, "connection ended");
                    }
                    return;
                }
                () = self.stop.stopped(), if !is_stopping => {
                    is_stopping = true;
                    served.as_mut().graceful_shutdown();
                }
                () = patience.as_mut(), if is_patient => {
                    is_patient = false;
                    if !has_asked.load(Ordering::Relaxed) {
                        return;
                    }
                }
            }
        }
    }
}

const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LAST_PAUSE: Duration = Duration::from_secs(1);

/// Errors of one connection that was gone before it was accepted.
fn concerns_one_peer(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// Sends small writes at once, and cuts peers that no longer acknowledge or never open their window.
fn prepare(stream: &TcpStream, unacknowledged: Duration) {
    let told = stream.set_nodelay(true);
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let told = told.and_then(|()| socket2::SockRef::from(stream).set_tcp_user_timeout(Some(unacknowledged)));
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _ = unacknowledged;
    if let Err(error) = told {
        // The peer may be gone already; then serving it ends at once.
        tracing::debug!(error = %error, "socket options refused");
    }
}

/// Says that there is no room, if the socket takes it at once, and closes.
fn refuse(stream: TcpStream, full: Full) {
    let status = match full {
        Full::Server => "503 Service Unavailable",
        Full::Address => "429 Too Many Requests",
    };
    tracing::debug!(reason = ?full, "connection refused");
    let answer = format!("HTTP/1.1 {status}\r\nRetry-After: 10\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    if let Ok(mut stream) = stream.into_std() {
        // Best effort: the answer fits into the empty buffer of a new socket.
        let _ = stream.write_all(answer.as_bytes()).and_then(|()| stream.shutdown(std::net::Shutdown::Write));
    }
}

#[cfg(test)]
mod tests;

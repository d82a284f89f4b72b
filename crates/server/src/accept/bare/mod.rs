//! Requests for capabilities, answered on the bare socket when they are the first of an HTTP/1.1 connection.
//!
//! hyper gives sockets back only after 101 and CONNECT; streams that answer 200 would keep its buffers for their whole
//! life. The request goes through the same routes and layers as any other. What comes later on a connection goes
//! through hyper, as everything else does.

mod answer;
mod head;

pub(super) use head::is_for_capability;

use super::{Connection, Limits};
use axum::{Router, body::Body};
use bytes::BytesMut;
use http::Request;
use parking_lot::Mutex;
use std::{fmt, io, sync::Arc};
use tokio::{net::TcpStream, time::timeout};
use tower::ServiceExt as _;

/// Marks a request that came on a bare socket: its answer may carry a [`TakeOver`].
#[derive(Clone, Copy, Debug)]
pub struct Bare;

/// An extension of an answer to a request that is marked [`Bare`]: who gets the socket, and what was read after the
/// request, once the head of the answer is out. An answer without one ends the connection.
#[derive(Clone)]
pub struct TakeOver(Arc<Mutex<Option<Taker>>>);

type Taker = Box<dyn FnOnce(TcpStream, BytesMut) + Send>;

impl TakeOver {
    /// Takes over with `take`, which must not wait.
    pub fn new(take: impl FnOnce(TcpStream, BytesMut) + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Some(Box::new(take)))))
    }
}

impl fmt::Debug for TakeOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TakeOver")
    }
}

/// Reads one request, lets the routes answer it, and either hands the socket over or ends the connection.
pub(super) async fn serve(mut stream: TcpStream, connection: Connection, routes: Router, limits: &Limits) {
    if let Err(error) = exchange(&mut stream, connection, routes, limits).await.map(|taken| {
        if let Some((take, early)) = taken {
            take(stream, early);
        }
    }) {
        tracing::debug!(error = %error, "connection ended");
    }
}

async fn exchange(
    stream: &mut TcpStream,
    connection: Connection,
    routes: Router,
    limits: &Limits,
) -> io::Result<Option<(Taker, BytesMut)>> {
    let (mut request, early) = match timeout(limits.header_timeout, head::read(stream, limits)).await?? {
        Ok(read) => read,
        Err(status) => {
            answer::refuse(stream, status).await?;
            return Ok(None);
        }
    };
    request.extensions_mut().insert(connection);
    // A body would be taken for what the client says on the stream.
    if !head::has_body(request.headers()) {
        request.extensions_mut().insert(Bare);
    }
    let Ok(mut response) = routes.oneshot(Request::map(request, |()| Body::empty())).await;
    let taker = response.extensions_mut().remove::<TakeOver>().and_then(|take| take.0.lock().take());
    timeout(limits.header_timeout, answer::write(stream, response, taker.is_some())).await??;
    Ok(taker.map(|taker| (taker, early)))
}

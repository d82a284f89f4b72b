//! A request that is more than a look at a document, and its answer.

use crate::Gate;
use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::Full;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// A request that is more than a look at a document.
#[derive(Clone)]
pub struct Exchange {
    /// The method.
    pub method: Method,
    /// Where; no redirect is followed.
    pub url: Url,
    /// All header fields but those that belong to the connection: `Host`, `Connection`, `Content-Length`,
    /// `Transfer-Encoding`.
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

impl Exchange {
    pub(crate) fn request(&self) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        let mut headers = self.headers.clone();
        for own in [HOST, CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING] {
            headers.remove(own);
        }
        *request.headers_mut() = headers;
        request
    }
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

/// How long the peer says that it keeps an idle connection, less a second for the way.
pub(crate) fn keep_alive(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get("keep-alive")?.to_str().ok()?;
    let seconds = value.split(',').find_map(|part| part.trim().strip_prefix("timeout=")?.parse::<u64>().ok())?;
    Some(Duration::from_secs(seconds.saturating_sub(1)))
}

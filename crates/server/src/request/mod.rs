//! What is true of every request before a route sees it: method, target, head within limits, one `Host`.
//!
//! Names come from the base URL, never from what the client calls this server, so no header can change what a proof of
//! possession is compared with, or where a link points. The one exception: where pods have origins of their own, a name
//! one label below the base URL's is believed, since it says which pod is meant.

mod body;
mod forwarded;
mod named;

pub use body::{BodyError, collect, paced, problem_of};
pub(crate) use named::is_label;

use crate::{
    accept::Connection,
    cors::METHODS,
    problem::Problem,
    settings::{Layout, Settings},
};
use axum::{
    body::{Body, HttpBody as _},
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::FutureExt as _;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header};
use ipnet::IpNet;
use std::{
    net::{IpAddr, Ipv4Addr},
    panic::AssertUnwindSafe,
    sync::Arc,
};

/// Where a request goes and who sends it: an extension of every request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Scheme and authority without a slash: that of the base URL, or of a name below it that the client uses (where
    /// pods have such) or a trusted proxy tells.
    pub origin: Arc<str>,
    /// Path and query as they were sent; begins with a slash.
    pub raw: String,
    /// The client's address: the peer's, or what trusted proxies tell.
    pub client: IpAddr,
}

impl Target {
    /// The URL of the request as a client must name it, query included: what `htu` is compared with.
    pub fn uri(&self) -> String {
        format!("{}{}", self.origin, self.raw)
    }

    /// The path as it was sent, without the query.
    pub fn path(&self) -> &str {
        self.raw.split('?').next().unwrap_or_default()
    }
}

/// What every request is held to.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The origin that is served: scheme and authority without a slash.
    pub origin: Arc<str>,
    /// The longest target, in bytes.
    pub url_bytes: usize,
    /// The largest head, in bytes.
    pub header_bytes: usize,
    /// The most header lines.
    pub header_lines: usize,
    /// Whose forwarding headers are believed.
    pub trusted: Vec<IpNet>,
    /// Whether names one label below that of the origin are origins too.
    pub names_below: bool,
}

impl Rules {
    /// The rules of an origin (`https://host[:port]`); names below it are none.
    pub fn new(origin: &str, settings: &Settings) -> Self {
        Self {
            origin: origin.into(),
            url_bytes: settings.limits.url_bytes,
            header_bytes: settings.limits.header_bytes.bytes(),
            header_lines: settings.limits.header_lines,
            trusted: settings.proxies.networks(),
            names_below: false,
        }
    }

    /// Serves the names one label below that of the origin too, if pods have origins of their own.
    #[must_use]
    pub fn with_pods(mut self, layout: Layout) -> Self {
        self.names_below = layout == Layout::Subdomain;
        self
    }
}

/// Refuses what breaks the rules, tells routes the [`Target`], and turns a panic into a problem.
pub async fn receive(State(rules): State<Arc<Rules>>, mut request: Request, next: Next) -> Response {
    if request.method() == Method::OPTIONS && request.uri().path() == "*" {
        return (StatusCode::NO_CONTENT, [(header::ALLOW, METHODS)]).into_response();
    }
    let target = match examine(&rules, &request) {
        Ok(target) => target,
        Err(problem) => return problem.into_response(),
    };
    request.extensions_mut().insert(target);
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        // The hook has logged where; what it says may hold anything.
        Err(_) => Problem::internal("a handler panicked").into_response(),
    }
}

fn examine(rules: &Rules, request: &Request) -> Result<Target, Problem> {
    let allowed =
        [Method::GET, Method::HEAD, Method::OPTIONS, Method::PUT, Method::POST, Method::PATCH, Method::DELETE];
    if !allowed.contains(request.method()) {
        return Err(Problem::method_not_allowed(METHODS));
    }
    let uri = request.uri();
    let raw = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    if raw.len() > rules.url_bytes {
        return Err(Problem::new(StatusCode::URI_TOO_LONG, "url-too-long", "The URL is too long")
            .detail(format!("at most {} bytes are taken", rules.url_bytes)));
    }
    if !raw.starts_with('/') {
        return Err(Problem::bad_request("the request target is no path"));
    }
    let headers = request.headers();
    // A line costs ": " and the line break.
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if headers.len() > rules.header_lines || bytes + raw.len() > rules.header_bytes {
        return Err(Problem::blank(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE)
            .detail(format!("at most {} lines and {} bytes are taken", rules.header_lines, rules.header_bytes)));
    }
    one_host(request.version(), headers)?;
    let peer = request
        .extensions()
        .get::<Connection>()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |connection| connection.peer.ip().to_canonical());
    let is_trusted = rules.trusted.iter().any(|network| network.contains(&peer));
    let (client, origin) = if is_trusted {
        // Where no pod has an origin of its own, no other name is one, whoever tells it.
        let told = rules.names_below.then(|| forwarded::origin(headers, &rules.origin)).flatten();
        (forwarded::client(headers, peer, &rules.trusted), told)
    } else {
        (peer, None)
    };
    let origin = match origin {
        None if rules.names_below => named::origin(uri, headers, &rules.origin)?,
        origin => origin,
    };
    Ok(Target { origin: origin.unwrap_or_else(|| Arc::clone(&rules.origin)), raw: raw.to_owned(), client })
}

/// Two `Host` lines mean two things to two servers on the way.
///
/// Spec: RFC 9112 §3.2
fn one_host(version: Version, headers: &HeaderMap) -> Result<(), Problem> {
    let hosts = headers.get_all(header::HOST).iter().count();
    if hosts > 1 || (hosts == 0 && version == Version::HTTP_11) {
        return Err(Problem::bad_request("exactly one Host header is needed"));
    }
    Ok(())
}

/// Gives bare errors a body, and takes the body from answers to HEAD.
pub async fn complete(request: Request, next: Next) -> Response {
    let is_head = request.method() == Method::HEAD;
    let mut response = next.run(request).await;
    let status = response.status();
    if (status.is_client_error() || status.is_server_error()) && !response.headers().contains_key(header::CONTENT_TYPE)
    {
        let (parts, _) = response.into_parts();
        response = Problem::blank(status).into_response();
        response.extensions_mut().extend(parts.extensions);
        for (name, value) in &parts.headers {
            if *name != header::CONTENT_LENGTH {
                response.headers_mut().append(name, value.clone());
            }
        }
    }
    if is_head { without_body(response) } else { response }
}

fn without_body(mut response: Response) -> Response {
    if let Some(length) = response.body().size_hint().exact().filter(|length| *length > 0) {
        response.headers_mut().entry(header::CONTENT_LENGTH).or_insert(HeaderValue::from(length));
    }
    *response.body_mut() = Body::empty();
    response
}

#[cfg(test)]
mod tests;

//! What people see: log-in, consent, log-out, and a word at the root.
//!
//! No other origin may read or frame a page: it holds the tokens of its forms. That other ports of this machine are of
//! the same site to a browser, so that cookies go along, is the rule in development.

use super::{DISCOVERY, Site};
use crate::{cors::Unshared, problem::Problem, request::Target};
use axum::{
    body::Body,
    extract::{Extension, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use podbell_provider::{Answer, BrowserRequest, Next, PageKind, SESSION_COOKIE, pages};
use std::sync::Arc;

/// How long somebody waits after too many wrong passwords for one account, in seconds.
const ACCOUNT_WAIT: u64 = 15 * 60;

/// What stands at the root.
pub(super) async fn welcome(State(site): State<Arc<Site>>) -> Response {
    let issuer = site.provider.issuer();
    page(StatusCode::OK, pages::welcome(issuer, &format!("{issuer}{DISCOVERY}")))
}

/// The authorization endpoint, and where its forms go.
pub(super) async fn authorize(
    State(site): State<Arc<Site>>,
    Extension(target): Extension<Target>,
    method: Method,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let visit = match Visit::read(&site, &target, &method, &headers, body).await {
        Ok(visit) => visit,
        Err(response) => return *response,
    };
    answer(site.provider.authorize(visit.request(&site, &target, &headers)).await)
}

/// The end-session endpoint, and where its form goes.
pub(super) async fn end_session(
    State(site): State<Arc<Site>>,
    Extension(target): Extension<Target>,
    method: Method,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let visit = match Visit::read(&site, &target, &method, &headers, body).await {
        Ok(visit) => visit,
        Err(response) => return *response,
    };
    answer(site.provider.end_session(visit.request(&site, &target, &headers)).await)
}

/// A visit with what was filled in, if that is a POST.
struct Visit(Option<String>);

impl Visit {
    async fn read(
        site: &Site,
        target: &Target,
        method: &Method,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Self, Box<Response>> {
        if method != Method::POST {
            return Ok(Self(None));
        }
        if let Err(wait) = site.attempts.admit(target.client, site.now()) {
            return Err(Box::new(wait_for(page(StatusCode::TOO_MANY_REQUESTS, pages::slow_down()), wait)));
        }
        match site.form(headers, body).await {
            Ok(form) => Ok(Self(Some(form))),
            Err(refused) => Err(Box::new(guard(Problem::from(refused).into_response()))),
        }
    }

    fn request<'a>(&'a self, site: &Site, target: &'a Target, headers: &'a HeaderMap) -> BrowserRequest<'a> {
        let query = target.raw.split_once('?').map_or("", |(_, query)| query);
        BrowserRequest { query, form: self.0.as_deref(), cookie: cookie(headers), now: site.now() }
    }
}

/// The session cookie, if there is exactly one: of two, one was planted by somebody else.
fn cookie(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut named = pairs.filter(|(name, _)| *name == SESSION_COOKIE).map(|(_, value)| value);
    named.next().filter(|_| named.next().is_none())
}

fn answer(answer: Answer) -> Response {
    let mut response = match answer.next {
        Next::Redirect(to) => redirect(&to),
        Next::Page(shown) => {
            let status = status(shown.kind);
            let response = page(status, shown.html);
            if status == StatusCode::TOO_MANY_REQUESTS { wait_for(response, ACCOUNT_WAIT) } else { response }
        }
    };
    if let Some(cookie) = answer.set_cookie {
        match HeaderValue::from_str(&cookie) {
            Ok(cookie) => response.headers_mut().append(header::SET_COOKIE, cookie),
            Err(error) => return guard(Problem::internal(error).into_response()),
        };
    }
    response
}

fn status(kind: PageKind) -> StatusCode {
    match kind {
        PageKind::LogIn | PageKind::Consent | PageKind::LogOut | PageKind::LoggedOut => StatusCode::OK,
        PageKind::LogInRefused => StatusCode::FORBIDDEN,
        PageKind::TooManyAttempts => StatusCode::TOO_MANY_REQUESTS,
        PageKind::BadRequest => StatusCode::BAD_REQUEST,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Sends the browser on with GET, whatever the method was.
fn redirect(to: &str) -> Response {
    match HeaderValue::from_str(to) {
        Ok(to) => guard((StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response()),
        // A URL that was parsed is ASCII. What it is stays out of the log: it holds a code.
        Err(error) => guard(Problem::internal(error).into_response()),
    }
}

fn page(status: StatusCode, html: String) -> Response {
    guard((status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response())
}

fn wait_for(mut response: Response, seconds: u64) -> Response {
    response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    response
}

/// Keeps an answer to a person from everybody else: caches, frames, other origins, the next page's `Referer`.
fn guard(response: Response) -> Response {
    let mut response = super::no_store(response);
    response.extensions_mut().insert(Unshared);
    let headers = response.headers_mut();
    match HeaderValue::from_str(&pages::content_security_policy()) {
        Ok(policy) => headers.insert(header::CONTENT_SECURITY_POLICY, policy),
        Err(_) => {
            headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'"))
        }
    };
    for (name, value) in [
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    response
}

//! What people see: log-in, consent, log-out, their accounts, and a word at the root.
//!
//! No other origin may read or frame a page, or fill in its form: it holds the tokens of its forms. That other ports of
//! this machine are of the same site to a browser, so that cookies go along, is the rule in development; their cookies
//! are not kept apart either, so that a neighbour can plant one.

use super::Site;
use crate::{cors::Unshared, problem::Problem, request::Target};
use axum::{
    extract::{Extension, FromRequest, FromRequestParts as _, Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use podbell_provider::{Answer, BrowserRequest, Next, PageKind, pages};
use std::sync::Arc;

/// How long somebody waits after too many wrong passwords for one account, in seconds.
const ACCOUNT_WAIT: u64 = 15 * 60;

/// The short way to people's own accounts.
pub(super) async fn to_account(State(site): State<Arc<Site>>) -> Response {
    redirect(&site.provider.endpoints().account)
}

/// The short way to sign-up, with the invitation.
pub(super) async fn to_sign_up(State(site): State<Arc<Site>>, Extension(target): Extension<Target>) -> Response {
    redirect(&format!("{}?{}", site.provider.endpoints().sign_up, query(&target)))
}

/// Somebody's own account, and where its forms go.
pub(super) async fn account(State(site): State<Arc<Site>>, visit: Visit) -> Response {
    answer(site.provider.account_page(visit.request(&site)).await)
}

/// Where invitations lead, and where the form goes.
pub(super) async fn sign_up(State(site): State<Arc<Site>>, visit: Visit) -> Response {
    // A form that was sent has been counted.
    if visit.form.is_none()
        && let Err(wait) = site.attempts.admit(visit.target.client, site.now())
    {
        return too_many(wait);
    }
    answer(site.provider.sign_up(visit.request(&site), &*site.homes).await)
}

/// The authorization endpoint, and where its forms go.
pub(super) async fn authorize(State(site): State<Arc<Site>>, visit: Visit) -> Response {
    answer(site.provider.authorize(visit.request(&site)).await)
}

/// The end-session endpoint, and where its form goes.
pub(super) async fn end_session(State(site): State<Arc<Site>>, visit: Visit) -> Response {
    answer(site.provider.end_session(visit.request(&site)).await)
}

/// A visit, with what was filled in if that is a POST.
pub(super) struct Visit {
    target: Target,
    headers: HeaderMap,
    form: Option<String>,
}

impl FromRequest<Arc<Site>> for Visit {
    type Rejection = Response;

    async fn from_request(request: Request, site: &Arc<Site>) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let extracted = Extension::<Target>::from_request_parts(&mut parts, site).await;
        let Extension(target) = extracted.map_err(IntoResponse::into_response)?;
        let (is_form, headers) = (parts.method == Method::POST, parts.headers);
        if is_fetched(&headers) {
            return Err(guard(
                Problem::blank(StatusCode::FORBIDDEN)
                    .detail("people come here themselves; no script or frame does")
                    .into_response(),
            ));
        }
        if !is_form && !names_document(query(&target)) {
            return Ok(Self { target, headers, form: None });
        }
        let attempts = if is_form { &site.attempts } else { &site.documents };
        attempts.admit(target.client, site.now()).map_err(too_many)?;
        if !is_form {
            return Ok(Self { target, headers, form: None });
        }
        match site.form(&headers, body).await {
            Ok(form) => Ok(Self { target, headers, form: Some(form) }),
            Err(refused) => Err(guard(Problem::from(refused).into_response())),
        }
    }
}

impl Visit {
    fn request(&self, site: &Site) -> BrowserRequest<'_> {
        let cookie = cookie(&self.headers, site.provider.session_cookie());
        let foreign = self.form.is_some() && is_foreign(&self.headers, site.provider.issuer());
        BrowserRequest { query: query(&self.target), form: self.form.as_deref(), cookie, foreign, now: site.now() }
    }
}

fn query(target: &Target) -> &str {
    target.raw.split_once('?').map_or("", |(_, query)| query)
}

/// Whether the client is named by a URL, which may have to be fetched.
fn names_document(query: &str) -> bool {
    url::form_urlencoded::parse(query.as_bytes()).any(|(name, value)| name == "client_id" && value.contains(':'))
}

/// Whether the browser says that another origin sent a form. Programs say nothing; what they lack is the form's token.
///
/// Spec: <https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header>
fn is_foreign(headers: &HeaderMap, issuer: &str) -> bool {
    let origin = headers.get(header::ORIGIN).map(HeaderValue::as_bytes);
    match headers.get("sec-fetch-site").map(HeaderValue::as_bytes) {
        Some(site) => !matches!(site, b"same-origin" | b"none"),
        None => origin.is_some_and(|origin| origin != issuer.trim_end_matches('/').as_bytes()),
    }
}

/// Whether something else asks than a person who goes there, a script or a frame, be it of this very origin: the console
/// may stand beside, and has no part in what people do here.
/// Only browsers say so; programs have no cookie of anybody's.
///
/// Spec: <https://www.w3.org/TR/fetch-metadata/#sec-fetch-dest-header>
fn is_fetched(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-dest").is_some_and(|destination| destination.as_bytes() != b"document")
}

/// The session cookie, if there is exactly one: of two, one was planted by somebody else.
fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut named = pairs.filter(|(sent, _)| *sent == name).map(|(_, value)| value);
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
        PageKind::LogIn
        | PageKind::Consent
        | PageKind::LogOut
        | PageKind::LoggedOut
        | PageKind::Account
        | PageKind::SignUp => StatusCode::OK,
        PageKind::LogInRefused | PageKind::AccountRefused => StatusCode::FORBIDDEN,
        PageKind::SignUpRefused => StatusCode::UNPROCESSABLE_ENTITY,
        PageKind::NoInvitation => StatusCode::NOT_FOUND,
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

fn too_many(wait: u64) -> Response {
    wait_for(page(StatusCode::TOO_MANY_REQUESTS, pages::slow_down()), wait)
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
        // To itself it is told, since browsers send `Origin: null` with a form otherwise.
        (header::REFERRER_POLICY, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    response
}

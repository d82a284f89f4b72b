//! The provider's HTTP origin: routes to the machine in `podbell_provider`, and the statuses of its answers.
//!
//! What programs ask is answered in JSON and may be read by every app; what people see are pages that nobody else may
//! read or frame. Nothing here is kept by a cache except what is published.
//!
//! Spec: RFC 6749, 7591, 9449, OpenID Connect Core and Discovery, <https://solidproject.org/TR/oidc>

mod form;
mod homes;
mod oauth;
mod pages;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use homes::Homes;

use crate::attempts::Attempts;
use crate::{problem::Problem, settings::Settings};
use axum::{
    Router,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use podbell_hub::Clock;
use podbell_model::Timestamp;
use podbell_provider::{Hosting, Provider};
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use url::Url;

/// Where issuers publish what they tell about themselves, below an issuer with its slash.
pub const DISCOVERY: &str = ".well-known/openid-configuration";

/// How often one address may register a client, fill in a form or show an invitation within a minute; and how often it
/// may come with a client that is named by a URL.
const ATTEMPTS: u32 = 120;

/// What the routes share.
struct Site {
    provider: Arc<Provider>,
    /// Makes the pods of people who sign up.
    homes: Arc<dyn Hosting>,
    clock: Clock,
    attempts: Attempts,
    /// Visits that may make this server fetch a client identifier document.
    documents: Attempts,
    /// Largest body, in bytes.
    body: usize,
    /// How long a body may take.
    patience: Duration,
}

impl Site {
    fn now(&self) -> Timestamp {
        (self.clock)()
    }
}

/// The routes of the provider's origin, at the paths that its discovery document names.
pub fn routes(provider: Arc<Provider>, homes: Arc<dyn Hosting>, clock: Clock, settings: &Settings) -> Router {
    limited_routes(provider, homes, clock, settings, ATTEMPTS)
}

fn limited_routes(
    provider: Arc<Provider>,
    homes: Arc<dyn Hosting>,
    clock: Clock,
    settings: &Settings,
    attempts: u32,
) -> Router {
    let published = provider.discovery();
    let at = |name: &str| path(&published, name);
    let (body, patience) = (settings.limits.control_body.bytes(), settings.limits.body_timeout.0);
    let (attempts, documents) = (Attempts::per_minute(attempts), Attempts::per_minute(attempts));
    let endpoints = provider.endpoints();
    let (account, sign_up) = (url_path(&endpoints.account), url_path(&endpoints.sign_up));
    let site = Arc::new(Site { provider, homes, clock, attempts, documents, body, patience });
    Router::new()
        .route(&format!("/{DISCOVERY}"), get(oauth::discovery).options(async || options("GET, HEAD, OPTIONS")))
        .route(&at("jwks_uri"), get(oauth::jwks).options(async || options("GET, HEAD, OPTIONS")))
        .route(&at("registration_endpoint"), post(oauth::register).options(async || options("OPTIONS, POST")))
        .route(&at("token_endpoint"), post(oauth::token).options(async || options("OPTIONS, POST")))
        .route(
            &at("userinfo_endpoint"),
            get(oauth::userinfo).post(oauth::userinfo).options(async || options("GET, HEAD, OPTIONS, POST")),
        )
        .route(&at("authorization_endpoint"), get(pages::authorize).post(pages::authorize))
        .route(&at("end_session_endpoint"), get(pages::end_session).post(pages::end_session))
        .route(&account, get(pages::account).post(pages::account))
        .route(&sign_up, get(pages::sign_up).post(pages::sign_up))
        .route("/account", get(pages::to_account))
        .route("/sign-up", get(pages::to_sign_up))
        .fallback(|| async { Problem::not_found() })
        .with_state(site)
}

/// The path of an endpoint; the root for a URL that is none, which the provider does not start with.
fn path(published: &Value, endpoint: &str) -> String {
    published[endpoint].as_str().map_or_else(|| format!("/{endpoint}"), url_path)
}

fn url_path(url: &str) -> String {
    Url::parse(url).map_or_else(|_| "/".to_owned(), |url| url.path().to_owned())
}

fn options(allow: &'static str) -> Response {
    (StatusCode::NO_CONTENT, [(header::ALLOW, allow)]).into_response()
}

/// Lets no cache keep an answer, also none of HTTP/1.0.
///
/// Spec: RFC 6749 §5.1
fn no_store(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

/// The `DPoP` header, which the library of headers does not name.
static DPOP: HeaderName = HeaderName::from_static("dpop");

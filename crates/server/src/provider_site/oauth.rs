//! What programs ask the provider: discovery, keys, registration, tokens, user info.
//!
//! Spec: RFC 6749 §5, RFC 7591 §3, RFC 9449 §5 and §7, OpenID Connect Core §5.3, OpenID Connect Discovery §4

use super::{DPOP, Site, form::Refused, no_store};
use crate::{problem::Problem, request::Target};
use axum::{
    body::Body,
    extract::{Extension, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use podbell_oidc::Challenge;
use podbell_provider::{ErrorCode, OAuthError, TokenRequest, UserinfoRequest};
use serde_json::Value;
use std::sync::Arc;

/// How long discovery and keys may be kept, in seconds; as long as those who verify tokens keep keys.
const PUBLISHED: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// The discovery document.
pub(super) async fn discovery(State(site): State<Arc<Site>>) -> Response {
    published(&site.provider.discovery())
}

/// The public keys.
pub(super) async fn jwks(State(site): State<Arc<Site>>) -> Response {
    published(&site.provider.jwks())
}

fn published(document: &Value) -> Response {
    let mut response = json(StatusCode::OK, document);
    response.headers_mut().insert(header::CACHE_CONTROL, PUBLISHED);
    response
}

/// Dynamic registration of a client.
pub(super) async fn register(
    State(site): State<Arc<Site>>,
    Extension(target): Extension<Target>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let now = site.now();
    if let Err(wait) = site.attempts.admit(target.client, now) {
        return Problem::too_many("too many attempts from this address", wait).into_response();
    }
    let body = match site.read(&headers, body, "application/json").await {
        Ok(body) => body,
        Err(refused) => return not_taken(refused, ErrorCode::InvalidClientMetadata, "application/json is needed"),
    };
    match site.provider.register(&body, now).await {
        Ok(registered) => no_store(json(StatusCode::CREATED, &registered)),
        Err(error) => failed(&error),
    }
}

/// The token endpoint.
pub(super) async fn token(State(site): State<Arc<Site>>, headers: HeaderMap, body: Body) -> Response {
    let form = match site.form(&headers, body).await {
        Ok(form) => form,
        Err(refused) => {
            return not_taken(
                refused,
                ErrorCode::InvalidRequest,
                "a form (application/x-www-form-urlencoded) is needed",
            );
        }
    };
    let Ok(authorization) = at_most_one(&headers, &header::AUTHORIZATION) else {
        return failed(&error(ErrorCode::InvalidClient, "at most one Authorization header is taken"));
    };
    let dpop = texts(&headers, &DPOP);
    let request = TokenRequest { form: &form, authorization, dpop: &dpop, now: site.now() };
    match site.provider.token(request).await {
        Ok(tokens) => no_store(json(StatusCode::OK, &tokens)),
        Err(error) => failed(&error),
    }
}

/// Who the bearer of a token is.
pub(super) async fn userinfo(State(site): State<Arc<Site>>, method: Method, headers: HeaderMap) -> Response {
    // A second header makes neither the right one.
    let authorization = at_most_one(&headers, &header::AUTHORIZATION).unwrap_or(None);
    let dpop = texts(&headers, &DPOP);
    // Whoever asks with HEAD has proved that method.
    let request = UserinfoRequest { method: method.as_str(), authorization, dpop: &dpop, now: site.now() };
    match site.provider.userinfo(request).await {
        Ok(claims) => no_store(json(StatusCode::OK, &claims)),
        Err(error) => match error.code {
            ErrorCode::InvalidToken | ErrorCode::InvalidDpopProof => {
                let challenge = Challenge { error: Some(error.code.as_str()), ..Challenge::default() };
                challenged(oauth_error(StatusCode::UNAUTHORIZED, &error), &challenge.to_string())
            }
            _ => failed(&error),
        },
    }
}

/// An error as the status that its code means.
fn failed(error: &OAuthError) -> Response {
    match error.code {
        ErrorCode::InvalidClient => {
            challenged(oauth_error(StatusCode::UNAUTHORIZED, error), "Basic realm=\"Podbell\", charset=\"UTF-8\"")
        }
        ErrorCode::ServerError => oauth_error(StatusCode::INTERNAL_SERVER_ERROR, error),
        ErrorCode::TemporarilyUnavailable => {
            let mut response = oauth_error(StatusCode::SERVICE_UNAVAILABLE, error);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
            response
        }
        _ => oauth_error(StatusCode::BAD_REQUEST, error),
    }
}

fn not_taken(refused: Refused, code: ErrorCode, description: &'static str) -> Response {
    match refused {
        Refused::Kind => failed(&error(code, description)),
        Refused::Body(error) => error.into_response(),
    }
}

fn error(code: ErrorCode, description: &'static str) -> OAuthError {
    OAuthError { code, description: description.into(), cause: None }
}

fn oauth_error(status: StatusCode, error: &OAuthError) -> Response {
    no_store(json(status, &error.to_json()))
}

fn challenged(mut response: Response, challenge: &str) -> Response {
    if let Ok(challenge) = HeaderValue::from_str(challenge) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

fn json(status: StatusCode, body: &Value) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    (status, headers, body.to_string()).into_response()
}

/// Every value of a header; one that is no text counts as an empty one, which nothing accepts.
fn texts<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Vec<&'h str> {
    headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default()).collect()
}

fn at_most_one<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, ()> {
    match texts(headers, name).as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(*one)),
        _ => Err(()),
    }
}

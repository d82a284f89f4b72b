//! The documents of the sender and of its issuer, over HTTP. Public.

use super::answer::{joined, kept, options};
use crate::{
    app::App,
    problem::Problem,
    sender::{self, OFFERS},
};
use axum::{extract::State, response::Response};
use http::{HeaderMap, HeaderValue, Method, header};
use podbell_wire::media;
use serde_json::Value;
use std::sync::Arc;

const ALLOW: &str = "GET, HEAD, OPTIONS";

/// The WebID document.
pub async fn document(State(app): State<Arc<App>>, method: Method, headers: HeaderMap) -> Result<Response, Problem> {
    if let Some(answer) = unless_read(&method)? {
        return Ok(answer);
    }
    let representation = media::negotiate(joined(&headers, &header::ACCEPT).as_deref(), &OFFERS)?;
    let body = sender::document(&app.sender, app.now()).write(representation);
    let mut response = kept(&headers, representation.media_type(), body)?;
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept"));
    Ok(response)
}

/// The configuration of the issuer.
pub async fn configuration(
    State(app): State<Arc<App>>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    json(&method, &headers, || sender::configuration(&app.sender))
}

/// The keys of the issuer.
pub async fn jwks(State(app): State<Arc<App>>, method: Method, headers: HeaderMap) -> Result<Response, Problem> {
    json(&method, &headers, || sender::jwks(&app.sender, app.now()))
}

fn json(method: &Method, headers: &HeaderMap, document: impl FnOnce() -> Value) -> Result<Response, Problem> {
    match unless_read(method)? {
        Some(answer) => Ok(answer),
        None => kept(headers, "application/json", document().to_string().into_bytes()),
    }
}

/// The answer to whoever does not want to read.
fn unless_read(method: &Method) -> Result<Option<Response>, Problem> {
    match *method {
        Method::GET | Method::HEAD => Ok(None),
        Method::OPTIONS => Ok(Some(options(ALLOW, None))),
        _ => Err(Problem::method_not_allowed(ALLOW)),
    }
}

//! `GET /.notifications/storages/`: the storages that somebody owns, so that an application finds what it may look after.
//!
//! An extension. Nobody learns of another's.

use super::{
    answer::{joined, options},
    managing::answer,
};
use crate::{
    app::App,
    authenticate::{authenticate, not_allowed},
    problem::Problem,
    request::Target,
};
use axum::{
    body::Body,
    extract::{Extension, State},
    response::Response,
};
use http::{Method, Request, StatusCode, header};
use podbell_wac::Refusal;
use podbell_wire::{Syntax, media};
use serde_json::json;
use std::sync::Arc;

const ALLOW: &str = "GET, HEAD, OPTIONS";
const PATH: &str = "/.notifications/storages/";

/// The list, by the spelling of their roots.
pub async fn storages(
    State(app): State<Arc<App>>,
    Extension(target): Extension<Target>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    // A body cannot be shared between threads, and is not looked at.
    let (request, _) = request.into_parts();
    match request.method {
        Method::OPTIONS => return Ok(options(ALLOW, None)),
        Method::GET | Method::HEAD => {}
        _ => return Err(Problem::method_not_allowed(ALLOW)),
    }
    let subject = authenticate(&app, &request.method, &target, &request.headers).await?;
    let Some(webid) = subject.webid else { return Err(not_allowed(Refusal::Unauthenticated)) };
    media::negotiate(joined(&request.headers, &header::ACCEPT).as_deref(), &[Syntax::JsonLd])?;
    let all = app.storages.all();
    let own: Vec<_> = all.iter().filter(|storage| storage.owner == webid).collect();
    let own: Vec<_> = own.iter().map(|storage| json!({ "id": storage.root.as_str() })).collect();
    answer(StatusCode::OK, Some(&app.url(PATH)), json!({ "storage": own }))
}

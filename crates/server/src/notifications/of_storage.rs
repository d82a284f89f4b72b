//! What the owner of a storage asks about it: who asks is looked at first, then whose storage it is, then all else.
//!
//! Anybody else is refused in the same words whether there is such a storage or not.

use super::{
    answer::{joined, options},
    listing,
};
use crate::{
    app::App,
    authenticate::{authenticate, not_allowed, refusal},
    problem::Problem,
    request::Target,
};
use axum::{
    body::Body,
    extract::{Extension, FromRequest, FromRequestParts as _},
    response::{IntoResponse, Response},
};
use http::{Method, Request, header, request::Parts};
use percent_encoding::percent_decode_str;
use podbell_log::LogError;
use podbell_model::{StorageId, Subject};
use podbell_wac::Refusal;
use podbell_wire::{Syntax, media};
use std::sync::Arc;

const ALLOW: &str = "GET, HEAD, OPTIONS";

/// A question of the owner of the storage that `?storage=ROOT` names.
pub struct OfStorage {
    pub(super) app: Arc<App>,
    pub(super) target: Target,
    pub(super) subject: Arc<Subject>,
    pub(super) storage: StorageId,
    /// As it was named.
    pub(super) root: String,
    parts: Parts,
}

impl FromRequest<Arc<App>> for OfStorage {
    type Rejection = Response;

    async fn from_request(request: Request<Body>, app: &Arc<App>) -> Result<Self, Response> {
        // A body cannot be shared between threads, and is not looked at.
        let (mut parts, _) = request.into_parts();
        match parts.method {
            Method::OPTIONS => return Err(options(ALLOW, None)),
            Method::GET | Method::HEAD => {}
            _ => return Err(Problem::method_not_allowed(ALLOW).into_response()),
        }
        let Extension(target) =
            Extension::<Target>::from_request_parts(&mut parts, app).await.map_err(IntoResponse::into_response)?;
        Self::asked(Arc::clone(app), target, parts).await.map_err(IntoResponse::into_response)
    }
}

impl OfStorage {
    async fn asked(app: Arc<App>, target: Target, parts: Parts) -> Result<Self, Problem> {
        let subject = authenticate(&app, &parts.method, &target, &parts.headers).await?;
        if subject.webid.is_none() {
            return Err(not_allowed(Refusal::Unauthenticated));
        }
        media::negotiate(joined(&parts.headers, &header::ACCEPT).as_deref(), &[Syntax::JsonLd])?;
        let root = value(&parts, "storage").ok_or_else(|| Problem::bad_request("`storage` is missing"))?;
        let storage = listing::owned(&app, &root, &subject)?;
        Ok(Self { app, target, subject: Arc::new(subject), storage, root, parts })
    }

    /// The first parameter of that name.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        value(&self.parts, name)
    }

    /// Why the log of the storage cannot be read.
    pub(super) fn unread(&self, error: LogError) -> Problem {
        match error {
            // It was theirs a moment ago.
            LogError::UnknownStorage => not_allowed(refusal(&self.subject)),
            error => Problem::unavailable(error),
        }
    }
}

fn value(parts: &Parts, name: &str) -> Option<String> {
    let mut pairs = parts.uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| percent_decode_str(value).decode_utf8_lossy().into_owned())
}

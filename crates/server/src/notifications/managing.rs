//! What the agent that made a channel that pushes does with it, below the channel's IRI: `attempts`, `dead-letters`,
//! `redeliver`, `ping`, `secret`. An extension.
//!
//! For that agent alone, not for owners of storages; to everybody else these look like the channel itself.

mod asked;
mod attempts;
mod dead_letters;
mod ping;
mod redeliver;
mod secret;

use asked::{Acts, Asked, Reads};
pub use attempts::attempts;
pub use dead_letters::dead_letters;
pub use ping::ping;
pub use redeliver::redeliver;
pub use secret::secret;

use super::{
    answer::{joined, no_store},
    health,
};
use crate::{app::App, problem::Problem, request};
use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header, request::Parts};
use podbell_delivery::push::Outcome;
use podbell_hub::Channel;
use podbell_wire::{EXTENSIONS, Representation, Syntax, media};
use serde_json::{Map, Value, json};

/// Entries of a page.
const PAGE: usize = 100;

/// Counts what costs something.
fn counted(app: &App, channel: &Channel) -> Result<(), Problem> {
    app.managing.count(channel.id, app.now()).map_err(|seconds| {
        let limit = app.settings.webhooks.requests_per_minute;
        Problem::too_many(format!("a channel takes {limit} such requests a minute"), seconds)
            .member("limit", json!(limit))
    })
}

/// A body in JSON; nothing at all is none.
async fn sent(app: &App, parts: &Parts, body: Body) -> Result<Option<Vec<u8>>, Problem> {
    let limits = &app.settings.limits;
    let body = request::collect(body, limits.control_body.bytes(), limits.body_timeout.into()).await?;
    if body.trim_ascii().is_empty() {
        return Ok(None);
    }
    let body_type = media::body_type(joined(&parts.headers, &header::CONTENT_TYPE).as_deref())?;
    if body_type.syntax == Syntax::JsonLd {
        return Ok(Some(body.to_vec()));
    }
    Err(Problem::blank(StatusCode::UNSUPPORTED_MEDIA_TYPE)
        .detail("send application/json")
        .header(http::HeaderName::from_static("accept-post"), HeaderValue::from_static("application/json")))
}

/// What was sent says something else than is understood.
fn not_understood(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-request", "The request cannot be understood")
        .detail(detail.into())
}

/// A document whose keys are terms of ours.
pub(super) fn answer(status: StatusCode, id: Option<&str>, members: Value) -> Result<Response, Problem> {
    let mut document = Map::new();
    document.insert("@context".into(), json!({ "@vocab": EXTENSIONS, "id": "@id" }));
    document.extend(id.map(|id| ("id".to_owned(), id.into())));
    if let Value::Object(members) = members {
        document.extend(members);
    }
    let body = serde_json::to_vec(&document).map_err(Problem::internal)?;
    let media_type = HeaderValue::from_static(Representation::default().media_type());
    Ok(no_store((status, [(header::CONTENT_TYPE, media_type)], body).into_response()))
}

/// How an attempt ended.
fn ended(outcome: Outcome) -> Value {
    let (word, status) = health::outcome(outcome);
    let mut ended = json!({ "outcome": word });
    if let Some(status) = status {
        ended["status"] = status.into();
    }
    ended
}

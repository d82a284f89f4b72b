//! What the agent that made a channel that pushes does with it, below the channel's IRI: `attempts`, `dead-letters`,
//! `redeliver`, `ping`, `secret`. An extension.
//!
//! For that agent alone, not for owners of storages; to everybody else these look like the channel itself.

mod attempts;
mod dead_letters;
mod ping;
mod redeliver;
mod secret;

pub use attempts::attempts;
pub use dead_letters::dead_letters;
pub use ping::ping;
pub use redeliver::redeliver;
pub use secret::secret;

use super::{
    answer::{joined, no_store, options},
    channels, health,
};
use crate::{
    app::App,
    authenticate::authenticate,
    problem::Problem,
    request::{self, Target},
};
use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, Method, StatusCode, header, request::Parts};
use podbell_delivery::push::Outcome;
use podbell_hub::{Channel, ChannelId, Push};
use podbell_model::Uuid;
use podbell_wire::{EXTENSIONS, Rendering, Representation, Syntax, media};
use serde_json::{Map, Value, json};
use std::sync::Arc;

const READ: &str = "GET, HEAD, OPTIONS";
const ACT: &str = "POST, OPTIONS";
/// Entries of a page.
const PAGE: usize = 100;

/// A channel that pushes, and where it does.
struct Pushing {
    channel: Channel,
    push: Arc<Push>,
}

/// The channel that is named, for the agent that made it.
async fn own(app: &App, target: &Target, parts: &Parts, id: &str) -> Result<Pushing, Problem> {
    let subject = authenticate(app, &parts.method, target, &parts.headers).await?;
    let id = ChannelId(Uuid::try_parse(id).unwrap_or_default());
    let channel = app.hub.channel(id, &subject, |_| false).await.map_err(channels::told)?;
    // One that is connected to has none of this.
    let push = channel.push.clone().ok_or_else(Problem::not_found)?;
    Ok(Pushing { channel, push })
}

/// The same, for what only Solid has words for.
async fn own_of_solid(app: &App, target: &Target, parts: &Parts, id: &str) -> Result<Pushing, Problem> {
    let pushing = own(app, target, parts, id).await?;
    if let Some(Rendering::Lws { .. }) = Rendering::from_code(pushing.channel.rendering.0) {
        let title = "There is nothing like that for Linked Web Storage";
        return Err(Problem::new(StatusCode::CONFLICT, "not-for-lws", title)
            .detail("this subscription is one of Linked Web Storage, which has neither pings nor secrets"));
    }
    Ok(pushing)
}

/// The answer to what does not read.
fn unless_read(parts: &Parts) -> Option<Result<Response, Problem>> {
    match parts.method {
        Method::OPTIONS => Some(Ok(options(READ, None))),
        Method::GET | Method::HEAD => {
            let accept = joined(&parts.headers, &header::ACCEPT);
            media::negotiate(accept.as_deref(), &[Syntax::JsonLd]).err().map(|error| Err(error.into()))
        }
        _ => Some(Err(Problem::method_not_allowed(READ))),
    }
}

/// The answer to what does not act.
fn unless_post(parts: &Parts) -> Option<Result<Response, Problem>> {
    match parts.method {
        Method::OPTIONS => Some(Ok(options(ACT, Some("application/json")))),
        Method::POST => None,
        _ => Some(Err(Problem::method_not_allowed(ACT))),
    }
}

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
fn answer(status: StatusCode, id: Option<&str>, members: Value) -> Result<Response, Problem> {
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

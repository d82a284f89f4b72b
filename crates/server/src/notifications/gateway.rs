//! The notification gateway of ESS and the endpoint that it names.
//!
//! The deployed client takes nothing but 200 for success, and sends its credentials to the gateway too, which must
//! not look at them.

use super::{
    answer::{joined, no_store, options, refused},
    capability, opening,
    services::{after, life, not_subscribed, topics},
};
use crate::{
    app::App,
    authenticate::authenticate,
    problem::Problem,
    request::{self, Target},
};
use axum::{
    body::Body,
    extract::{Extension, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use podbell_delivery::{
    rendering_id,
    websocket::{Dialect, handshake::Subprotocol},
};
use podbell_hub::{Channel, ChannelId, ConnectionLimit};
use podbell_model::Uuid;
use podbell_wire::{Rendering, gateway};
use serde_json::json;
use std::{sync::Arc, time::Duration};

const GATEWAY_ALLOW: &str = "OPTIONS, POST";
const ENDPOINT_ALLOW: &str = "GET, OPTIONS, POST";
const ACCEPT_POST: &str = "application/json, application/ld+json";
const ENDPOINT: &str = "/.notifications/ess/";

/// URL of the gateway, as discovery names it: normalised, with its slash.
pub fn url(app: &App) -> String {
    app.url("/.notifications/gateway/")
}

/// The gateway: which endpoint speaks the protocol that the client knows.
pub async fn negotiate(State(app): State<Arc<App>>, request: Request<Body>) -> Result<Response, Problem> {
    match *request.method() {
        Method::OPTIONS => Ok(options(GATEWAY_ALLOW, Some(ACCEPT_POST))),
        Method::POST => {
            let (parts, body) = request.into_parts();
            let body = read(&app, &parts.headers, body).await?;
            gateway::parse_negotiation(&body).map_err(|error| told(&error))?;
            Ok(json(gateway::negotiation_answer(&app.url(ENDPOINT), gateway::FEATURES)))
        }
        _ => Err(Problem::method_not_allowed(GATEWAY_ALLOW)),
    }
}

/// The endpoint: POST subscribes, GET opens the socket.
pub async fn endpoint(
    State(app): State<Arc<App>>,
    Extension(target): Extension<Target>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    match *request.method() {
        Method::OPTIONS => Ok(options(ENDPOINT_ALLOW, Some(ACCEPT_POST))),
        Method::POST => subscribe(&app, &target, request).await.map(no_store),
        Method::GET => {
            let query = request.uri().query().unwrap_or_default();
            let secret = query.split('&').find_map(|pair| pair.strip_prefix("auth=")).unwrap_or_default().to_owned();
            opening::open(&app, &secret, request, Dialect::Ess, Subprotocol::Only(gateway::SUBPROTOCOL)).await
        }
        _ => Err(Problem::method_not_allowed(ENDPOINT_ALLOW)),
    }
}

async fn subscribe(app: &App, target: &Target, request: Request<Body>) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let subject = authenticate(app, &parts.method, target, &parts.headers).await?;
    app.count_stranger(&subject, target)?;
    let body = read(app, &parts.headers, body).await?;
    let asked = gateway::parse_subscription(&body).map_err(|error| told(&error))?;
    let topics = topics(app, &asked.topics, &subject)?;
    let now = app.now();
    let (_, end_at) = life(None, asked.ttl.map(|ttl| after(now, ttl)), (app, &subject), now);
    let (secret, hash) = capability::new().map_err(Problem::internal)?;
    let rendering = rendering_id(Rendering::Ess { actor: app.settings.ess.actor });
    let channel = Channel {
        network: app.network(&subject, target),
        capability: Some(hash),
        // The client fetches a new URL for every connection.
        connections: ConnectionLimit { concurrent: 1, total: Some(1) },
        linger: Some(Duration::ZERO),
        connect_by: Some(after(now, app.settings.limits.unused_capability.into())),
        end_at: Some(end_at),
        rate: asked.rate,
        state: asked.state.as_deref().map(|state| podbell_pod::version_of(state.trim_matches('"')).into()),
        ..Channel::new(ChannelId(Uuid::new_v4()), Arc::new(subject), topics, rendering, now)
    };
    let subject = Arc::clone(&channel.subject);
    app.hub
        .subscribe_as(channel, super::channels::owns(app, &subject))
        .await
        .map_err(|error| not_subscribed(error, &subject))?;
    Ok(json(gateway::subscription_answer(&app.socket_url(&format!("{ENDPOINT}?auth={secret}")))))
}

async fn read(app: &App, headers: &HeaderMap, body: Body) -> Result<bytes::Bytes, Problem> {
    gateway::check_content_type(joined(headers, &header::CONTENT_TYPE).as_deref()).map_err(|error| told(&error))?;
    let limits = &app.settings.limits;
    Ok(request::collect(body, limits.control_body.bytes(), limits.body_timeout.into()).await?)
}

fn told(error: &gateway::GatewayError) -> Problem {
    let mut problem = refused(error.problem(), error.to_string());
    if let gateway::GatewayError::MediaType = error {
        problem = problem.replacing(HeaderName::from_static("accept-post"), HeaderValue::from_static(ACCEPT_POST));
    }
    match error.field() {
        Some(field) => problem.member("violations", json!([format!("{field}: {error}")])),
        None => problem,
    }
}

fn json(body: Vec<u8>) -> Response {
    (StatusCode::OK, [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
}

//! How each of these begins: its method is looked at first, then whose channel it is.

use super::super::{
    answer::{joined, options},
    channels,
};
use crate::{app::App, authenticate::authenticate, problem::Problem, request::Target};
use axum::{
    body::Body,
    extract::{Extension, FromRequest, FromRequestParts as _, Path},
    response::{IntoResponse, Response},
};
use http::{Method, Request, StatusCode, header, request::Parts};
use podbell_hub::{Channel, ChannelId, Push};
use podbell_model::Uuid;
use podbell_wire::{Rendering, Syntax, media};
use std::sync::Arc;

const READ: &str = "GET, HEAD, OPTIONS";
const ACT: &str = "POST, OPTIONS";

/// What the agent that made a channel that pushes asks below the channel's IRI.
pub(super) struct Asked {
    pub(super) app: Arc<App>,
    pub(super) target: Target,
    pub(super) parts: Parts,
    pub(super) body: Body,
    pub(super) channel: Channel,
    /// Where the channel pushes.
    pub(super) push: Arc<Push>,
}

/// To read something.
pub struct Reads(pub(super) Asked);

/// To have something done.
pub struct Acts(pub(super) Asked);

impl FromRequest<Arc<App>> for Reads {
    type Rejection = Response;

    async fn from_request(request: Request<Body>, app: &Arc<App>) -> Result<Self, Response> {
        match *request.method() {
            Method::OPTIONS => return Err(options(READ, None)),
            Method::GET | Method::HEAD => {
                let accept = joined(request.headers(), &header::ACCEPT);
                media::negotiate(accept.as_deref(), &[Syntax::JsonLd])
                    .map_err(|error| Problem::from(error).into_response())?;
            }
            _ => return Err(Problem::method_not_allowed(READ).into_response()),
        }
        Asked::of(request, app).await.map(Self)
    }
}

impl FromRequest<Arc<App>> for Acts {
    type Rejection = Response;

    async fn from_request(request: Request<Body>, app: &Arc<App>) -> Result<Self, Response> {
        match *request.method() {
            Method::OPTIONS => Err(options(ACT, Some("application/json"))),
            Method::POST => Asked::of(request, app).await.map(Self),
            _ => Err(Problem::method_not_allowed(ACT).into_response()),
        }
    }
}

impl Asked {
    /// For the agent that made the channel which the path names.
    async fn of(request: Request<Body>, app: &Arc<App>) -> Result<Self, Response> {
        // A body cannot be shared between threads, and is not looked at.
        let (mut parts, body) = request.into_parts();
        let Path(id): Path<String> =
            Path::from_request_parts(&mut parts, app).await.map_err(IntoResponse::into_response)?;
        let Extension(target) =
            Extension::<Target>::from_request_parts(&mut parts, app).await.map_err(IntoResponse::into_response)?;
        let (channel, push) = own(app, &target, &parts, &id).await.map_err(IntoResponse::into_response)?;
        Ok(Self { app: Arc::clone(app), target, parts, body, channel, push })
    }

    /// For what only Solid has words for.
    pub(super) fn of_solid(self) -> Result<Self, Problem> {
        if let Some(Rendering::Lws { .. }) = Rendering::from_code(self.channel.rendering.0) {
            let title = "There is nothing like that for Linked Web Storage";
            return Err(Problem::new(StatusCode::CONFLICT, "not-for-lws", title)
                .detail("this subscription is one of Linked Web Storage, which has neither pings nor secrets"));
        }
        Ok(self)
    }
}

async fn own(app: &App, target: &Target, parts: &Parts, id: &str) -> Result<(Channel, Arc<Push>), Problem> {
    let subject = authenticate(app, &parts.method, target, &parts.headers).await?;
    let id = ChannelId(Uuid::try_parse(id).unwrap_or_default());
    let channel = app.hub.channel(id, &subject, |_| false).await.map_err(channels::told)?;
    // One that is connected to has none of this.
    let push = channel.push.clone().ok_or_else(Problem::not_found)?;
    Ok((channel, push))
}

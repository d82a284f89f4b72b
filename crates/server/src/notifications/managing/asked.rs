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
use podbell_model::{Subject, Uuid};
use podbell_wire::{Rendering, Syntax, media};
use std::sync::Arc;

const READ: &str = "GET, HEAD, OPTIONS";
const ACT: &str = "POST, OPTIONS";

/// What is asked below the IRI of a channel that pushes.
pub(super) struct Asked {
    pub(super) app: Arc<App>,
    pub(super) target: Target,
    pub(super) parts: Parts,
    pub(super) body: Body,
    pub(super) channel: Channel,
    /// Who asks.
    pub(super) subject: Arc<Subject>,
    /// Where the channel pushes.
    pub(super) push: Arc<Push>,
}

/// For whom it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum For {
    /// The agent that made the channel.
    Maker,
    /// That agent, and who owns the storages of all of its topics.
    OwnersToo,
}

/// To read something.
pub struct Reads(pub(super) Asked);

/// To have something delivered again.
pub struct Repeats(pub(super) Asked);

/// To have something else done.
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
        Asked::of(request, app, For::OwnersToo).await.map(Self)
    }
}

impl FromRequest<Arc<App>> for Repeats {
    type Rejection = Response;

    async fn from_request(request: Request<Body>, app: &Arc<App>) -> Result<Self, Response> {
        Asked::to_act(request, app, For::OwnersToo).await.map(Self)
    }
}

impl FromRequest<Arc<App>> for Acts {
    type Rejection = Response;

    async fn from_request(request: Request<Body>, app: &Arc<App>) -> Result<Self, Response> {
        Asked::to_act(request, app, For::Maker).await.map(Self)
    }
}

impl Asked {
    async fn to_act(request: Request<Body>, app: &Arc<App>, whom: For) -> Result<Self, Response> {
        match *request.method() {
            Method::OPTIONS => Err(options(ACT, Some("application/json"))),
            Method::POST => Self::of(request, app, whom).await,
            _ => Err(Problem::method_not_allowed(ACT).into_response()),
        }
    }

    /// About the channel which the path names.
    async fn of(request: Request<Body>, app: &Arc<App>, whom: For) -> Result<Self, Response> {
        // A body cannot be shared between threads, and is not looked at.
        let (mut parts, body) = request.into_parts();
        let Path(id): Path<String> =
            Path::from_request_parts(&mut parts, app).await.map_err(IntoResponse::into_response)?;
        let Extension(target) =
            Extension::<Target>::from_request_parts(&mut parts, app).await.map_err(IntoResponse::into_response)?;
        let found = channel(app, &target, &parts, (&id, whom)).await.map_err(IntoResponse::into_response)?;
        let (channel, push, subject) = found;
        Ok(Self { app: Arc::clone(app), target, parts, body, channel, subject, push })
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

async fn channel(
    app: &App,
    target: &Target,
    parts: &Parts,
    (id, whom): (&str, For),
) -> Result<(Channel, Arc<Push>, Arc<Subject>), Problem> {
    let subject = authenticate(app, &parts.method, target, &parts.headers).await?;
    let id = ChannelId(Uuid::try_parse(id).unwrap_or_default());
    let channel = {
        let owns = channels::owns(app, &subject);
        let owns = move |storage| whom == For::OwnersToo && owns(storage);
        app.hub.whole(id, &subject, owns).await.map_err(channels::told)?
    };
    // One that is connected to has none of this.
    let push = channel.push.clone().ok_or_else(Problem::not_found)?;
    Ok((channel, push, Arc::new(subject)))
}

//! The front door of Linked Web Storage: follows a draft (2026-06-29), and stands behind one adapter and one switch, so
//! that it can change with it.
//!
//! A subscription is a channel over everything below its topics. What it hears is judged by the hub as for any other, on
//! the object of each activity; what is sent to inboxes goes out elsewhere.

mod answer;
mod description;
mod listing;
mod one;
mod streaming;
mod subscribing;

pub use description::{describe, described_at, link};
pub use streaming::can_be_read;
pub(super) use streaming::events;

use crate::{
    app::App,
    authenticate::{
        lws::{authenticate, challenged},
        not_allowed,
    },
    problem::Problem,
    request::Target,
};
use axum::{
    Router,
    body::Body,
    extract::{Extension, State},
    response::Response,
    routing::any,
};
use http::{Method, Request, request::Parts};
use podbell_delivery::Descriptions;
use podbell_hub::{Channel, ChannelId};
use podbell_model::{ResourceIri, Subject};
use podbell_pod::Storages;
use podbell_wac::Refusal;
use podbell_wire::{Rendering, lws};
use std::sync::Arc;

/// Where a storage is described, below its root.
pub const DESCRIPTION: &str = ".notifications/LWS/storage";
/// Where subscriptions are made, listed and looked after.
const ENDPOINT: &str = "/.notifications/LWS/";
const ALLOW: &str = "GET, HEAD, OPTIONS, POST";

/// The description of the storage with that root: what Linked Web Storage calls the storage.
pub fn description_of(root: &ResourceIri) -> String {
    format!("{root}{DESCRIPTION}")
}

/// What the storages of this server are called.
pub fn descriptions(storages: Arc<Storages>) -> Descriptions {
    Arc::new(move |storage| storages.get(storage).map(|storage| description_of(&storage.root).into()))
}

/// The routes, on a server that has this door.
pub(super) fn routes() -> Router<Arc<App>> {
    let mut routes = Router::new();
    for path in ["/.notifications/LWS", ENDPOINT] {
        routes = routes.route(path, any(endpoint));
    }
    routes
        .route("/.notifications/LWS/storage", any(description::at_root))
        .route("/.notifications/LWS/{id}", any(one::subscription))
}

/// Where a subscription is looked after.
fn url(app: &App, id: ChannelId) -> String {
    app.url(&format!("{ENDPOINT}{}", id.0))
}

/// The type of a subscription; none if the channel was made at another door.
fn type_of(channel: &Channel) -> Option<lws::SubscriptionType> {
    match Rendering::from_code(channel.rendering.0)? {
        Rendering::Lws { framing, .. } => lws::SubscriptionType::of_framing(framing),
        _ => None,
    }
}

/// Who asks; nothing here is for the public.
async fn authenticated(app: &App, target: &Target, parts: &Parts) -> Result<Subject, Problem> {
    let subject = authenticate(app, &parts.method, target, &parts.headers).await?;
    if subject.webid.is_some() { Ok(subject) } else { Err(challenged(app, not_allowed(Refusal::Unauthenticated))) }
}

/// The endpoint: POST subscribes, GET lists.
async fn endpoint(
    State(app): State<Arc<App>>,
    Extension(target): Extension<Target>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    match *request.method() {
        Method::OPTIONS => Ok(super::answer::options(ALLOW, Some(lws::ACCEPT_POST))),
        Method::GET | Method::HEAD => {
            // A body cannot be shared between threads, and is not looked at.
            let (parts, _) = request.into_parts();
            listing::list(&app, &target, &parts).await
        }
        Method::POST => subscribing::subscribe(&app, &target, request).await.map(super::answer::no_store),
        _ => Err(Problem::method_not_allowed(ALLOW)),
    }
}

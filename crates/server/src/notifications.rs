//! The front doors of notifications: discovery, subscription services, channels, connections, the ESS gateway,
//! `solid-0.1`.
//!
//! Each parses its own grammar into the same channel and answers in its own words. What is pushed goes out elsewhere:
//! here it is asked for (`pushing`, `targets`) and looked after (`health`, `managing`).

pub mod activity;
mod answer;
mod capability;
pub mod channels;
mod clearing;
pub mod connect;
mod cursor;
pub mod discovery;
pub mod gateway;
mod health;
mod listeners;
pub mod listing;
pub mod local;
pub mod lws;
pub mod managing;
mod of_storage;
mod opening;
mod pushing;
pub mod sender;
pub mod services;
mod shown;
pub mod solid_0_1;
pub mod storages;
pub mod streams;
mod targets;
pub mod traffic;

pub use cursor::Seals;
pub use targets::Targets;

use crate::{app::App, settings::Settings};
use axum::{Router, routing::any};
use std::sync::Arc;

/// Where subscription services, channels and connections live.
pub const ROOT: &str = "/.notifications/";

/// The header that tells from which cursor the changes of what was read follow; an extension.
pub const CURSOR: http::HeaderName = http::HeaderName::from_static("podbell-cursor");

/// The routes below [`ROOT`]. Every service and stream answers with and without its last slash.
pub fn routes(settings: &Settings) -> Router<Arc<App>> {
    let mut routes = if settings.lws.enabled { lws::routes() } else { Router::new() };
    for channel_type in services::TYPES {
        let path = format!("/.notifications/{}", channel_type.name());
        let service = any(move |app, target, request| services::service(app, target, request, channel_type));
        routes = routes.route(&path, service.clone()).route(&format!("{path}/"), service);
    }
    for channel_type in streams::TYPES {
        let path = format!("/.notifications/{}/{{topic}}", channel_type.name());
        let stream = any(move |app, target, request| streams::topic(app, target, request, channel_type));
        routes = routes.route(&path, stream.clone()).route(&format!("{path}/"), stream);
    }
    for path in ["/.notifications/channels", "/.notifications/channels/"] {
        routes = routes.route(path, any(listing::channels));
    }
    for path in ["/.notifications/storages", "/.notifications/storages/"] {
        routes = routes.route(path, any(storages::storages));
    }
    for path in ["/.notifications/activity", "/.notifications/activity/"] {
        routes = routes.route(path, any(activity::activity));
    }
    for path in ["/.notifications/traffic", "/.notifications/traffic/"] {
        routes = routes.route(path, any(traffic::traffic));
    }
    for path in ["/.notifications/gateway", "/.notifications/gateway/"] {
        routes = routes.route(path, any(gateway::negotiate));
    }
    for path in ["/.notifications/ess", "/.notifications/ess/"] {
        routes = routes.route(path, any(gateway::endpoint));
    }
    routes
        .merge(solid_0_1::routes())
        .route(crate::sender::SENDER, any(sender::document))
        .route(crate::sender::CONFIGURATION, any(sender::configuration))
        .route(crate::sender::JWKS, any(sender::jwks))
        .route("/.notifications/channels/{id}", any(channels::channel))
        .route("/.notifications/channels/{id}/attempts", any(managing::attempts))
        .route("/.notifications/channels/{id}/dead-letters", any(managing::dead_letters))
        .route("/.notifications/channels/{id}/redeliver", any(managing::redeliver))
        .route("/.notifications/channels/{id}/ping", any(managing::ping))
        .route("/.notifications/channels/{id}/secret", any(managing::secret))
        .route("/.notifications/connect/{capability}", any(connect::connect))
}

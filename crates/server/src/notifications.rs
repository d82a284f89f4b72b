//! The front doors of notifications: discovery, subscription services, channels, connections, the ESS gateway.
//!
//! Each parses its own grammar into the same channel and answers in its own words.

mod answer;
mod capability;
pub mod channels;
pub mod connect;
pub mod discovery;
pub mod gateway;
pub mod services;

use crate::app::App;
use axum::{
    Router,
    routing::{any, get},
};
use std::sync::Arc;

/// Where subscription services, channels and connections live.
pub const ROOT: &str = "/.notifications/";

/// The routes below [`ROOT`]. Every service answers with and without its last slash.
pub fn routes() -> Router<Arc<App>> {
    let mut routes = Router::new();
    for path in ["/.notifications/WebSocketChannel2023", "/.notifications/WebSocketChannel2023/"] {
        routes = routes.route(path, any(services::websocket));
    }
    for path in ["/.notifications/gateway", "/.notifications/gateway/"] {
        routes = routes.route(path, any(gateway::negotiate));
    }
    for path in ["/.notifications/ess", "/.notifications/ess/"] {
        routes = routes.route(path, any(gateway::endpoint));
    }
    routes
        .route("/.notifications/channels/{id}", any(channels::channel))
        .route("/.notifications/connect/{capability}", get(connect::connect))
}

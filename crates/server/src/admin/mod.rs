//! Administration: what whoever owns the data directory may ask, of a running server or without one.
//!
//! One set of routes answers both. A running server serves them on a socket in its data directory, which nobody else
//! can open; without a server the command opens the store itself. Nobody is asked who they are: the file system has.

pub mod account_cli;
mod accounts;
mod arrival;
mod batch;
pub mod cli;
mod dates;
mod export;
mod files;
mod import;
mod invitations;
mod layout;
mod media;
mod names;
mod note;
mod pipe;
mod pods;
mod reach;
mod sender;
pub mod sender_cli;
mod socket;
mod types;

pub use reach::{Answer, Reach};
pub use socket::{SOCKET, Socket};

use crate::settings::{BaseUrl, Layout};
use axum::{
    Router,
    routing::{get, post},
};
use podbell_delivery::push::sign::Sender;
use podbell_hub::Clock;
use podbell_model::Timestamp;
use podbell_pod::Pod;
use podbell_provider::{Provider, store};
use std::sync::Arc;

/// What administration works on.
#[derive(Clone)]
pub struct Admin {
    /// The base URL of the pods.
    pub base: BaseUrl,
    /// Where pods are.
    pub layout: Layout,
    /// The resources.
    pub pod: Arc<Pod>,
    /// The OpenID provider, if it is served.
    pub provider: Option<Arc<Provider>>,
    /// The console, if it is served.
    pub console: Option<BaseUrl>,
    /// What the provider keeps.
    pub accounts: Arc<dyn store::Store>,
    /// This server as a sender of what it pushes.
    pub sender: Arc<Sender>,
    /// The time.
    pub clock: Clock,
}

impl Admin {
    fn now(&self) -> Timestamp {
        (self.clock)()
    }
}

/// The routes of administration.
pub fn routes(admin: Admin) -> Router {
    Router::new()
        .route("/pods", get(pods::list).post(pods::create).delete(pods::delete))
        .route("/pods/quota", post(pods::allow))
        .route("/pods/export", post(export::export))
        .route("/pods/import", post(import::import))
        .route("/sender", get(sender::show))
        .route("/sender/rotate", post(sender::rotate))
        .merge(accounts::routes())
        .with_state(Arc::new(admin))
}

//! What every route of the pods' origin has at hand.

use crate::{
    attempts::Attempts,
    authorize::Judge,
    causes::Causes,
    notifications::{Seals, Targets, solid_0_1::Capabilities},
    problem::Problem,
    request::Target,
    settings::Settings,
    strangers::Strangers,
};
use podbell_delivery::{
    push::{Courier, Queue, sign::Sender},
    stream::Streams,
    websocket::WebSockets,
};
use podbell_hub::{ChannelId, Clock, Hub, Network};
use podbell_log::Log;
use podbell_model::{Subject, Timestamp};
use podbell_oidc::{LwsVerifier, Verifier};
use podbell_pod::{Pod, Storages};
use std::sync::Arc;

/// The parts of a running server, as its routes use them.
pub struct App {
    /// As they were read.
    pub settings: Settings,
    /// Scheme and authority of the base URL, without a slash.
    pub origin: Arc<str>,
    /// The provider, if it is served.
    pub issuer: Option<Arc<str>>,
    /// The console, if it is served.
    pub console: Option<Arc<str>>,
    /// The time.
    pub clock: Clock,
    /// When it was put together: what follows from the settings alone is as old as that.
    pub started: Timestamp,
    /// Where the storages are.
    pub storages: Arc<Storages>,
    /// Who asks.
    pub verifier: Arc<Verifier>,
    /// The same by bearer tokens, at the door of Linked Web Storage alone; none if no authorization server is named.
    pub lws_verifier: Option<LwsVerifier>,
    /// What is allowed.
    pub judge: Arc<Judge>,
    /// The resources.
    pub pod: Arc<Pod>,
    /// Who listens.
    pub hub: Arc<Hub>,
    /// How far somebody has heard, sealed.
    pub cursors: Arc<Seals>,
    /// Whom the legacy socket speaks for, sealed.
    pub capabilities: Capabilities,
    /// What led to a change, sealed.
    pub causes: Arc<Causes>,
    /// What was committed.
    pub log: Arc<dyn Log>,
    /// Who subscribes without logging in.
    pub strangers: Strangers,
    /// Where channels may push to.
    pub targets: Targets,
    /// What the channels that push are owed.
    pub queue: Arc<dyn Queue>,
    /// Who delivers it.
    pub courier: Arc<Courier>,
    /// How often a channel that pushes is acted on.
    pub managing: Attempts<ChannelId>,
    /// This server as a sender of what it pushes.
    pub sender: Arc<Sender>,
    /// The open sockets.
    pub websockets: WebSockets,
    /// The open event streams and HTTP streams.
    pub streams: Streams,
}

impl App {
    /// The time now.
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Counts a subscription of somebody who has not logged in.
    ///
    /// # Errors
    /// 429 if there were too many from that address.
    pub fn count_stranger(&self, subject: &Subject, target: &Target) -> Result<(), Problem> {
        match subject.webid {
            Some(_) => Ok(()),
            None => self.strangers.admit(target.client, self.now()),
        }
    }

    /// What somebody who has not logged in is counted by.
    pub fn network(&self, subject: &Subject, target: &Target) -> Option<Network> {
        self.strangers.network(target.client).filter(|_| subject.webid.is_none())
    }

    /// An absolute URL of this origin; `path` begins with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// The same with the scheme of WebSockets.
    pub fn socket_url(&self, path: &str) -> String {
        // `http` becomes `ws`, `https` becomes `wss`.
        format!("ws{}{path}", self.origin.trim_start_matches("http"))
    }
}

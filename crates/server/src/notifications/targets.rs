//! Where may be pushed to: judged when somebody subscribes, so that they learn at once, and by `egress` again at each
//! attempt, since names lead elsewhere tomorrow.
//!
//! Whatever the reason of a refusal of a property, it reads the same: nobody maps a network by what this server says of it. A target
//! on this server is a resource of a pod or none: what is served beside them takes no notifications.

use crate::{
    own_origins::{OwnOrigins, Owner},
    problem::Problem,
};
use http::StatusCode;
use podbell_egress::{Client, FetchError};
use podbell_model::ResourceIri;
use podbell_pod::Storages;
use podbell_wire::ChannelType;
use std::{sync::Arc, time::Duration};
use url::Url;

/// What no pod has: names below a root that are this server's own.
const OWN: [&str; 4] = [".notifications", ".well-known", ".oidc", ".account"];

/// How often it is asked for a turn to look a name up, and how long between.
const TURNS: usize = 250;
const TURN: Duration = Duration::from_millis(20);

/// Judges targets.
pub struct Targets {
    client: Client,
    origins: OwnOrigins,
    storages: Arc<Storages>,
}

impl Targets {
    /// By the rules of a client, and by what is on this server.
    pub fn new(client: Client, origins: OwnOrigins, storages: Arc<Storages>) -> Self {
        Self { client, origins, storages }
    }

    /// Whether a channel of a type may push to what a property of the request names. Nothing is connected to.
    ///
    /// # Errors
    /// 422; 503 if too many ask at once.
    pub async fn judge(&self, property: &str, target: &str, channel_type: ChannelType) -> Result<(), Problem> {
        match self.is_open(target, channel_type).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(self.refused(property)),
            Err(busy) => Err(Problem::unavailable(busy)),
        }
    }

    async fn is_open(&self, target: &str, channel_type: ChannelType) -> Result<bool, FetchError> {
        let Ok(url) = podbell_egress::parse(target) else { return Ok(false) };
        if url.fragment().is_some() {
            return Ok(false);
        }
        match self.origins.owner(&url) {
            Owner::Pods => Ok(channel_type != ChannelType::WebPush && self.is_resource(&url)),
            Owner::Pages | Owner::Alias => Ok(false),
            Owner::Stranger => self.leads_outside(&url).await,
        }
    }

    /// Many may name the same host at once: each waits for its turn.
    async fn leads_outside(&self, url: &Url) -> Result<bool, FetchError> {
        for _ in 0..TURNS {
            match self.client.check(url).await {
                Err(FetchError::Busy) => tokio::time::sleep(TURN).await,
                checked => return Ok(checked.is_ok()),
            }
        }
        Err(FetchError::Busy)
    }

    /// Whether it can be the name of a resource of a pod. What is there is seen when something is sent.
    fn is_resource(&self, url: &Url) -> bool {
        let Ok(resource) = ResourceIri::parse(url.as_str()) else { return false };
        let Some(storage) = self.storages.containing(&resource) else { return false };
        let below = resource.as_str().strip_prefix(storage.root.as_str()).unwrap_or_default();
        url.query().is_none() && !OWN.contains(&below.split('/').next().unwrap_or_default())
    }

    fn refused(&self, property: &str) -> Problem {
        let development = if self.client.is_development() { "to http URLs on this machine, " } else { "" };
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-target", "Nothing can be sent to this target").detail(
            format!(
                "{property} leads nowhere that is sent to: notifications go to https URLs on the public internet, \
                 without user information and fragment, {development}and to resources of this server's pods"
            ),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Layout;
    use podbell_egress::Policy;
    use tokio::task::JoinSet;

    #[tokio::test]
    async fn all_who_name_one_host_at_once_are_judged() {
        let client = Client::new(Policy { development: true, ..Policy::default() }).unwrap().with_room(1, 1);
        let origins = OwnOrigins::new(&"http://localhost:3000/".parse().unwrap(), Layout::Path, None);
        let targets = Arc::new(Targets::new(client, origins, Arc::new(Storages::default())));
        let mut asked = JoinSet::new();
        for number in 0..32 {
            let targets = Arc::clone(&targets);
            let target = format!("http://localhost:9/{number}");
            asked.spawn(async move { targets.judge("sendTo", &target, ChannelType::Webhook).await.is_ok() });
        }
        assert!(asked.join_all().await.into_iter().all(|open| open));
    }
}

//! Pushing, put together: the courier between the queue, the hub, the sender and the two ways to receivers.

use crate::{
    causes::Causes,
    notifications::local::{Local, Posted},
    settings::Settings,
};
use aws_lc_rs::rand;
use http::{HeaderValue, header};
use podbell_delivery::Descriptions;
use podbell_delivery::push::{
    Answer, Courier, CourierPorts, Lane, Network, Outgoing, Queue, SealCauses, Signer, Transport,
};
use podbell_egress::{Client, FetchError};
use podbell_hub::{ChannelId, Clock, Cursors, Hub};
use podbell_model::Uuid;
use std::{num::NonZeroU32, sync::Arc};
use tokio::sync::Notify;
use url::Url;

/// What is needed to push.
pub struct Parts {
    /// What is owed.
    pub queue: Arc<dyn Queue>,
    /// Who may hear what.
    pub hub: Arc<Hub>,
    /// How positions are sealed.
    pub cursors: Arc<dyn Cursors>,
    /// How requests are signed.
    pub signer: Arc<dyn Signer>,
    /// What storages are called where messages go in their names.
    pub descriptions: Descriptions,
    /// The guarded way out.
    pub client: Client,
    /// Receivers on this server.
    pub local: Local,
    /// Chains of causes.
    pub causes: Arc<Causes>,
    /// The time.
    pub clock: Clock,
    /// Scheme and authority of this server.
    pub origin: Arc<str>,
    /// Rings when something is owed.
    pub owed: Arc<Notify>,
}

/// Starts the courier.
pub fn start(parts: Parts, settings: &Settings) -> Courier {
    let Parts { queue, hub, cursors, signer, descriptions, client, local, causes, clock, origin, owed } = parts;
    let settings = courier_settings(settings);
    // Receivers that hang keep nobody from reading WebIDs and keys.
    let client = client.with_room(settings.per_lane, settings.at_once);
    let sealed = Sealed { causes, clock: Arc::clone(&clock) };
    let ways = Ways { local, network: Network::new(client, Some(Arc::new(sealed))) };
    let names = move |id: ChannelId| format!("{origin}/.notifications/channels/{}", id.0);
    let ports = CourierPorts {
        queue,
        traffic: Arc::clone(hub.traffic()),
        rules: hub,
        cursors,
        signer,
        descriptions,
        transport: Arc::new(ways),
        clock,
        random: Arc::new(random),
        ids: Arc::new(Uuid::new_v4),
        names: Arc::new(names),
        owed,
    };
    Courier::start(ports, settings)
}

fn courier_settings(settings: &Settings) -> podbell_delivery::push::Settings {
    let webhooks = &settings.webhooks;
    let positive = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
    podbell_delivery::push::Settings {
        timeout: webhooks.timeout.into(),
        payload: webhooks.payload.bytes(),
        at_once: webhooks.at_once,
        per_lane: webhooks.at_once_per_target,
        per_second: positive(webhooks.per_second),
        burst: positive(webhooks.burst),
        disable_after: webhooks.disable_after.into(),
        remove_after: webhooks.remove_after.into(),
        ..podbell_delivery::push::Settings::default()
    }
}

/// Spreads retries; nothing secret depends on it.
fn random() -> u64 {
    let mut bytes = [0; 8];
    // Without randomness they are not spread, and still made.
    let _ = rand::fill(&mut bytes);
    u64::from_ne_bytes(bytes)
}

/// To receivers on this server in process, to all others over the network.
struct Ways {
    local: Local,
    network: Network,
}

#[async_trait::async_trait]
impl Transport for Ways {
    async fn send(&self, outgoing: Outgoing) -> Result<Answer, FetchError> {
        if !self.local.is_here(&outgoing.url) {
            return self.network.send(outgoing).await;
        }
        let content_type = outgoing.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let posted = Posted {
            content_type: content_type.unwrap_or_default().into(),
            url: outgoing.url,
            body: outgoing.body,
            causes: outgoing.causes,
            gate: outgoing.gate,
        };
        let answered = self.local.post(posted).await?;
        Ok(Answer { status: answered.status.as_u16(), retry_after: None })
    }

    fn is_here(&self, lane: &Lane) -> bool {
        Url::parse(&lane.0).is_ok_and(|url| self.local.is_here(&url))
    }
}

/// Seals chains with the time.
struct Sealed {
    causes: Arc<Causes>,
    clock: Clock,
}

impl SealCauses for Sealed {
    fn seal(&self, causes: &[Uuid]) -> Option<HeaderValue> {
        self.causes.seal(causes, (self.clock)())
    }
}

//! Composition: the one place where concrete parts are named together.

use crate::{
    admin::{self, Admin},
    app::App,
    attempts::Attempts,
    card::Card,
    causes::Causes,
    console,
    data::DataDirectory,
    listen::{Bound, ConsoleSite},
    notifications::{self, Seals, Targets, local::Local, lws, solid_0_1::Capabilities},
    parts::{self, Parts, outbound},
    provider_site::{self, Homes},
    pushing, resources,
    seed::{self, Seeding},
    sender,
    serve::Composed,
    settings::Settings,
    shutdown::Stop,
    standing::Standings,
    strangers::Strangers,
};
use anyhow::Context as _;
use podbell_delivery::{
    Frames,
    push::{Courier, Waking, sign::Sender},
    stream::Streams,
    websocket::WebSockets,
};
use podbell_egress::{Client, Fetch};
use podbell_hub::{ChannelLimits, ChannelStore as _, Clock, Hub};
use podbell_model::Timestamp;
use podbell_oidc::{LwsVerifier, ProofRules, Verifier};
use podbell_pod::Pod;
use podbell_provider::Provider;
use podbell_sqlite::Sqlite;
use std::{sync::Arc, time::Duration};
use tokio::sync::Notify;

/// How long what is being pushed may go on once the server stops; what is cut off is sent again.
const LAST_PUSHES: Duration = Duration::from_secs(5);
/// Receivers that are judged at once when somebody subscribes: of one host, and in all.
const TARGETS: (usize, usize) = (8, 64);
/// How often what has ended is swept.
const TEND_EVERY: Duration = Duration::from_mins(5);

/// Opens the stores and makes the routes of all origins.
pub async fn compose(settings: &Settings, data: &DataDirectory, bound: &Bound, stop: Stop) -> anyhow::Result<Composed> {
    compose_with(settings, data, bound, stop, outbound(settings)?).await
}

/// The same with another way out.
pub async fn compose_with(
    settings: &Settings,
    data: &DataDirectory,
    bound: &Bound,
    stop: Stop,
    client: Client,
) -> anyhow::Result<Composed> {
    let origin: Arc<str> = bound.pods.url.origin().into();
    if bound.provider.is_some() && settings.seeds() {
        seed::begin(settings.seed.as_deref(), data)?;
    }
    let urls = bound.urls();
    let parts = Parts::open_with(settings, data, &urls, client).await?;
    let Parts { clock, store, fetch, client, origins, pod, judge, replay, provider, sender } = parts;
    let storages = Arc::clone(pod.storages());
    let mut composed = Composed::default();
    if let Some(provider) = &provider {
        composed.card = seeded(settings, data, bound, &store, &pod, provider, clock()).await?;
        tokio::spawn(sweep_provider(Arc::clone(provider), Arc::clone(&clock)));
        let homes = Arc::new(Homes {
            base: bound.pods.url.clone(),
            layout: settings.pods.layout,
            pod: Arc::clone(&pod),
            issuer: provider.issuer().into(),
            console: urls.console.clone(),
        });
        composed.provider = provider_site::routes(Arc::clone(provider), homes, Arc::clone(&clock), settings);
    }
    if let Some(facts) = parts::console(settings, &urls) {
        match bound.console {
            Some(ConsoleSite::WithProvider) => composed.provider = composed.provider.merge(console::routes(facts)),
            _ => composed.console = console::alone(facts),
        }
    }
    composed.admin = admin::routes(Admin {
        base: bound.pods.url.clone(),
        layout: settings.pods.layout,
        pod: Arc::clone(&pod),
        provider,
        console: urls.console.clone(),
        accounts: store.clone(),
        sender: Arc::clone(&sender),
        clock: Arc::clone(&clock),
    });
    composed.card.has_pods = !storages.is_empty();
    let lws_verifier = lws_verifier(settings, bound.pods.url.as_str(), Arc::clone(&fetch));
    let verifier = Arc::new(Verifier::new(oidc_config(settings), fetch, replay));
    let cursors = Arc::new(Seals::new(&store.key("cursors").await?).context("cursors cannot be sealed")?);
    let causes = Arc::new(Causes::new(&store.key("causes").await?).context("causes cannot be sealed")?);
    let capabilities = Capabilities::new(&store.key("solid-0.1").await?, settings.solid_0_1.capability_life.into());
    let owed = Arc::new(Notify::new());
    store.strand(clock()).await.context("the channels cannot be read")?;
    let hub = Hub::start(
        podbell_hub::Ports {
            log: store.clone(),
            fence: store.fence(),
            authorize: judge.clone(),
            encoder: Arc::new(Frames::new(lws::descriptions(storages.clone()))),
            cursors: cursors.clone(),
            channels: store.clone(),
            owing: Some(Arc::new(Waking::new(store.clone(), Arc::clone(&owed)))),
            states: Arc::new(Standings::new(store.clone(), store.clone())),
            clock: Arc::clone(&clock),
        },
        hub_settings(settings),
    );
    let local = Local {
        origins: origins.clone(),
        pod: Arc::clone(&pod),
        judge: Arc::clone(&judge),
        fence: store.fence(),
        clock: Arc::clone(&clock),
        sender: sender::subject(&sender),
    };
    let courier = pushing::start(
        pushing::Parts {
            queue: store.clone(),
            hub: Arc::clone(&hub),
            cursors: cursors.clone(),
            signer: sender.clone(),
            descriptions: lws::descriptions(storages.clone()),
            client: client.clone(),
            local,
            causes: Arc::clone(&causes),
            clock: Arc::clone(&clock),
            origin: Arc::clone(&origin),
            owed,
        },
        settings,
    );
    let courier = Arc::new(courier);
    let websockets = WebSockets::start(settings.limits.ping.into(), settings.limits.message.bytes());
    let app = Arc::new(App {
        settings: settings.clone(),
        origin,
        issuer: urls.provider.as_ref().map(|issuer| issuer.as_str().into()),
        console: urls.console.as_ref().map(|console| console.as_str().into()),
        started: clock(),
        clock: Arc::clone(&clock),
        // Names that nobody answers for keep nobody from logging in.
        targets: Targets::new(client.with_room(TARGETS.0, TARGETS.1), origins, storages.clone()),
        queue: store.clone(),
        courier: Arc::clone(&courier),
        managing: Attempts::per_minute(settings.webhooks.requests_per_minute),
        storages,
        verifier,
        lws_verifier,
        judge,
        pod,
        hub: Arc::clone(&hub),
        cursors,
        capabilities: capabilities.context("capabilities cannot be sealed")?,
        causes,
        log: store.clone(),
        sender: Arc::clone(&sender),
        strangers: Strangers::new(settings, &store.key("networks").await?),
        websockets: websockets.clone(),
        streams: Streams::start(settings.limits.ping.into()),
    });
    tokio::spawn(drain((hub, websockets), courier, stop));
    tokio::spawn(tend_keys(sender, Arc::clone(&clock)));
    tokio::spawn(tend(store, clock));
    composed.pods = notifications::routes(settings).fallback(resources::resource).with_state(app);
    Ok(composed)
}

/// Makes the demo accounts, on a server in development only.
async fn seeded(
    settings: &Settings,
    data: &DataDirectory,
    bound: &Bound,
    store: &Arc<Sqlite>,
    pod: &Pod,
    provider: &Provider,
    now: Timestamp,
) -> anyhow::Result<Card> {
    if !settings.seeds() {
        return Ok(Card::default());
    }
    let seeded = seed::seed(&Seeding {
        names: settings.seed.as_deref(),
        base: &bound.pods.url,
        layout: settings.pods.layout,
        provider,
        accounts: &**store,
        pods: pod,
        data,
        now,
    })
    .await?;
    Ok(seeded.card(&settings.data))
}

fn oidc_config(settings: &Settings) -> podbell_oidc::Config {
    podbell_oidc::Config {
        proof: ProofRules { require_ath: settings.dpop.require_ath, ..ProofRules::default() },
        development: settings.is_development(),
        ..podbell_oidc::Config::default()
    }
}

/// Bearer tokens for Linked Web Storage, made for the base URL.
fn lws_verifier(settings: &Settings, realm: &str, fetch: Arc<dyn Fetch>) -> Option<LwsVerifier> {
    let servers = settings.lws.authorization_servers.clone();
    (!servers.is_empty()).then(|| LwsVerifier::new(servers, realm, oidc_config(settings), fetch))
}

/// How many channels there may be.
pub(crate) fn channel_limits(settings: &Settings) -> ChannelLimits {
    let limits = &settings.limits;
    ChannelLimits {
        per_client: limits.channels_per_client,
        per_agent: limits.channels_per_agent,
        of_the_public: limits.anonymous_channels,
        per_network: limits.anonymous_channels_per_address,
        per_topic: limits.channels_per_topic,
        pushed_per_topic: settings.webhooks.channels_per_topic,
        targets: settings.webhooks.targets_per_agent,
    }
}

fn hub_settings(settings: &Settings) -> podbell_hub::Settings {
    let limits = &settings.limits;
    podbell_hub::Settings {
        outbox_bytes: limits.send_queue.bytes(),
        channels: channel_limits(settings),
        connections_per_client: limits.connections_per_client,
        connections_per_agent: limits.connections_per_agent,
        connections_per_network: u32::try_from(limits.connections_per_address).unwrap_or(u32::MAX),
        topics_per_channel: limits.topics_per_channel,
        ..podbell_hub::Settings::default()
    }
}

/// Says goodbye to every listener when the server stops, and lets what is pushed arrive.
async fn drain((hub, websockets): (Arc<Hub>, WebSockets), courier: Arc<Courier>, mut stop: Stop) {
    stop.stopped().await;
    websockets.stop();
    tokio::join!(hub.drain(), courier.stop(LAST_PUSHES));
}

/// Sweeps what has ended, as long as the server runs.
async fn tend(store: Arc<Sqlite>, clock: Clock) {
    let mut rounds = tokio::time::interval(TEND_EVERY);
    loop {
        rounds.tick().await;
        if let Err(error) = store.tend(clock()).await {
            tracing::error!(error = &error as &dyn std::error::Error, "the store could not be swept");
        }
    }
}

/// Lets one key of the sender follow another.
async fn tend_keys(sender: Arc<Sender>, clock: Clock) {
    let mut rounds = tokio::time::interval(TEND_EVERY);
    loop {
        rounds.tick().await;
        if let Err(error) = sender.keys().tend(clock()).await {
            tracing::error!(error = &error as &dyn std::error::Error, "the sender's keys could not be tended");
        }
    }
}

/// The same for what the provider keeps.
async fn sweep_provider(provider: Arc<Provider>, clock: Clock) {
    let mut rounds = tokio::time::interval(TEND_EVERY);
    loop {
        rounds.tick().await;
        if let Err(error) = provider.sweep(clock()).await {
            tracing::error!(error = &error as &dyn std::error::Error, "the provider could not be swept");
        }
    }
}

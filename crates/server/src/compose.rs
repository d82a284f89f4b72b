//! Composition: the one place where concrete parts are named together.

use crate::{
    app::App,
    attempts::Attempts,
    authorize::Judge,
    card::Card,
    data::{DataDirectory, DataError},
    listen::Bound,
    notifications,
    own_documents::OwnDocuments,
    provider_site,
    public_documents::AsPublic,
    resources,
    seed::{self, Seeding},
    serve::Composed,
    settings::{self, Settings},
    shutdown::Stop,
    standing::Standings,
};
use anyhow::Context as _;
use podbell_delivery::{Frames, websocket::WebSockets};
use podbell_egress::Fetch;
use podbell_hub::{Clock, Hub};
use podbell_model::{Timestamp, Uuid};
use podbell_oidc::{MemoryReplay, ProofRules, Verifier};
use podbell_pod::Pod;
use podbell_provider::Provider;
use podbell_sqlite::{OpenError, Sqlite};
use std::{sync::Arc, time::Duration};

/// How often what has ended is swept.
const TEND_EVERY: Duration = Duration::from_mins(5);

/// Opens the stores and makes the routes of both origins.
pub async fn compose(settings: &Settings, data: &DataDirectory, bound: &Bound, stop: Stop) -> anyhow::Result<Composed> {
    let clock: Clock = Arc::new(Timestamp::now);
    let origin: Arc<str> = bound.pods.url.origin().into();
    if bound.provider.is_some() && settings.seeds() {
        seed::begin(settings.seed.as_deref(), data)?;
    }
    let store = open_store(settings, data).await?;
    let guarded =
        podbell_egress::Client::new(egress_policy(settings)?).context("the outbound client cannot be made")?;
    let issuer = bound.provider.as_ref().map(|site| &site.url);
    let own = Arc::new(OwnDocuments::new(Arc::new(guarded), &bound.pods.url, settings.pods.layout, issuer));
    let fetch: Arc<dyn Fetch> = own.clone();
    let rules = wac_rules(settings, &origin);
    let pod = Arc::new(Pod::open(store.clone(), Arc::new(Uuid::new_v4), Arc::new(rules.clone())).await?);
    let storages = Arc::clone(pod.storages());
    let judge = Arc::new(Judge::new(store.clone(), storages.clone(), Arc::clone(&fetch), rules));
    let replay = Arc::new(MemoryReplay::new(MemoryReplay::DEFAULT_CAPACITY, clock()));
    own.publish_pods(Arc::new(AsPublic { pod: pod.clone(), judge: judge.clone(), clock: clock.clone() }));
    let mut composed = Composed::default();
    seed::check_base(&bound.pods.url, &seed::Pods::roots(&*pod), data.path())?;
    if let Some(issuer) = issuer {
        let config = provider_config(settings, issuer.as_str());
        let provider = Provider::new(config, store.clone(), Arc::clone(&fetch), replay.clone(), clock()).await?;
        own.publish_provider(&provider);
        composed.card = seeded(settings, data, bound, &store, &pod, &provider, clock()).await?;
        let provider = Arc::new(provider);
        tokio::spawn(sweep_provider(Arc::clone(&provider), Arc::clone(&clock)));
        composed.provider = provider_site::routes(provider, Arc::clone(&clock), settings);
    }
    composed.card.has_pods = !storages.is_empty();
    let verifier = Arc::new(Verifier::new(oidc_config(settings), Arc::clone(&fetch), replay));
    let hub = Hub::start(
        podbell_hub::Ports {
            log: store.clone(),
            fence: store.fence(),
            authorize: judge.clone(),
            encoder: Arc::new(Frames),
            channels: store.clone(),
            states: Arc::new(Standings::new(store.clone(), store.clone())),
            clock: Arc::clone(&clock),
        },
        hub_settings(settings),
    );
    let app = Arc::new(App {
        settings: settings.clone(),
        origin,
        issuer: issuer.map(|issuer| issuer.as_str().into()),
        started: clock(),
        clock: Arc::clone(&clock),
        storages,
        verifier,
        judge,
        pod,
        hub: Arc::clone(&hub),
        log: store.clone(),
        strangers: Attempts::per_hour(settings.limits.anonymous_channels_per_hour),
        websockets: WebSockets::start(settings.limits.ping.into(), settings.limits.message.bytes()),
    });
    tokio::spawn(drain(hub, stop));
    tokio::spawn(tend(store, clock));
    composed.pods = notifications::routes().fallback(resources::resource).with_state(app);
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

fn provider_config(settings: &Settings, issuer: &str) -> podbell_provider::Config {
    let mut config = podbell_provider::Config::new(issuer);
    config.development = settings.is_development();
    if settings.provider.auto_login && config.development {
        config.auto_login = settings.demo_accounts().first().map(|name| name.as_str().into());
    }
    config
}

async fn open_store(settings: &Settings, data: &DataDirectory) -> anyhow::Result<Arc<Sqlite>> {
    let options = podbell_sqlite::Options {
        history: settings.retention.time.into(),
        history_records: settings.retention.records,
        ..podbell_sqlite::Options::default()
    };
    let path = data.path().to_owned();
    match tokio::task::spawn_blocking(move || Sqlite::open(&path, &options)).await? {
        Err(OpenError::InUse(path)) => Err(DataError::InUse(path).into()),
        opened => Ok(opened?),
    }
}

fn egress_policy(settings: &Settings) -> anyhow::Result<podbell_egress::Policy> {
    let mut roots = Vec::new();
    for path in &settings.egress.extra_roots {
        let pem = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        roots.extend(podbell_egress::roots_from_pem(&pem).with_context(|| path.display().to_string())?);
    }
    Ok(podbell_egress::Policy { development: settings.is_development(), roots, ..podbell_egress::Policy::default() })
}

fn wac_rules(settings: &Settings, origin: &Arc<str>) -> podbell_wac::Rules {
    podbell_wac::Rules {
        origin: match settings.wac.origin {
            settings::OriginRule::Ignore => podbell_wac::OriginRule::Ignore,
            settings::OriginRule::RestrictIfPresent => podbell_wac::OriginRule::RestrictIfPresent,
            settings::OriginRule::Strict => podbell_wac::OriginRule::Strict,
        },
        own_origins: vec![Arc::clone(origin)],
        conditions: settings.wac.conditions,
    }
}

fn oidc_config(settings: &Settings) -> podbell_oidc::Config {
    podbell_oidc::Config {
        proof: ProofRules { require_ath: settings.dpop.require_ath, ..ProofRules::default() },
        development: settings.is_development(),
        ..podbell_oidc::Config::default()
    }
}

fn hub_settings(settings: &Settings) -> podbell_hub::Settings {
    let limits = &settings.limits;
    podbell_hub::Settings {
        outbox_bytes: limits.send_queue.bytes(),
        channels_per_subject: limits.channels_per_agent,
        channels_of_the_public: limits.anonymous_channels,
        connections_per_subject: u32::try_from(limits.connections_per_agent).unwrap_or(u32::MAX),
        topics_per_channel: limits.topics_per_channel,
        ..podbell_hub::Settings::default()
    }
}

/// Says goodbye to every listener when the server stops.
async fn drain(hub: Arc<Hub>, mut stop: Stop) {
    stop.stopped().await;
    hub.drain().await;
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

//! Composition: the one place where concrete parts are named together.

use crate::{
    app::{App, StorageTable},
    authorize::Judge,
    data::DataDirectory,
    listen::Bound,
    notifications, resources,
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
use podbell_pod::{Pod, store::Store as _};
use podbell_sqlite::Sqlite;
use std::{sync::Arc, time::Duration};

/// How often what has ended is swept.
const TEND_EVERY: Duration = Duration::from_mins(5);

/// Opens the stores and makes the routes of both origins.
pub async fn compose(settings: &Settings, data: &DataDirectory, bound: &Bound, stop: Stop) -> anyhow::Result<Composed> {
    let clock: Clock = Arc::new(Timestamp::now);
    let origin: Arc<str> = bound.pods.url.origin().into();
    let store = open_store(settings, data).await?;
    let storages = Arc::new(StorageTable::default());
    storages.fill(store.storages().await?);
    let guarded =
        podbell_egress::Client::new(egress_policy(settings)?).context("the outbound client cannot be made")?;
    let fetch: Arc<dyn Fetch> = Arc::new(guarded);
    let rules = wac_rules(settings, &origin);
    let judge = Arc::new(Judge::new(store.clone(), storages.clone(), Arc::clone(&fetch), rules.clone()));
    let pod = Arc::new(Pod::open(store.clone(), Arc::new(Uuid::new_v4), Arc::new(rules)).await?);
    let replay = Arc::new(MemoryReplay::new(MemoryReplay::DEFAULT_CAPACITY, clock()));
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
        clock,
        storages,
        verifier,
        judge,
        pod,
        hub: Arc::clone(&hub),
        log: store.clone(),
        websockets: WebSockets::start(settings.limits.ping.into()),
    });
    tokio::spawn(drain(hub, stop));
    tokio::spawn(tend(store, Arc::clone(&app)));
    let pods = notifications::routes().fallback(resources::resource).with_state(app);
    Ok(Composed { pods, ..Composed::default() })
}

async fn open_store(settings: &Settings, data: &DataDirectory) -> anyhow::Result<Arc<Sqlite>> {
    let options = podbell_sqlite::Options {
        history: settings.retention.time.into(),
        history_records: settings.retention.records,
        ..podbell_sqlite::Options::default()
    };
    let path = data.path().to_owned();
    Ok(tokio::task::spawn_blocking(move || Sqlite::open(&path, &options)).await??)
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
async fn tend(store: Arc<Sqlite>, app: Arc<App>) {
    let mut rounds = tokio::time::interval(TEND_EVERY);
    loop {
        rounds.tick().await;
        if let Err(error) = store.tend(app.now()).await {
            tracing::error!(error = &error as &dyn std::error::Error, "the store could not be swept");
        }
    }
}

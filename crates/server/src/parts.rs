//! The parts of a server that need no listener: the store and what stands on it.
//!
//! A running server and an administrator's command both begin here, so both do the same.

use crate::{
    authorize::Judge,
    console::Facts,
    data::{DataDirectory, DataError},
    listen::Urls,
    own_documents::OwnDocuments,
    own_origins::OwnOrigins,
    public_documents::AsPublic,
    seed,
    sender::{self, WithSender},
    settings::{self, BaseUrl, Settings},
};
use anyhow::Context as _;
use podbell_delivery::push::sign::Sender;
use podbell_egress::{Client, Fetch};
use podbell_hub::Clock;
use podbell_model::{Timestamp, Uuid};
use podbell_oidc::MemoryReplay;
use podbell_pod::Pod;
use podbell_provider::Provider;
use podbell_sqlite::{OpenError, Sqlite};
use std::sync::Arc;

/// What stands on an open store.
pub struct Parts {
    /// The time.
    pub clock: Clock,
    /// Everything that is kept.
    pub store: Arc<Sqlite>,
    /// The guarded way out.
    pub client: Client,
    /// What leads to this very server.
    pub origins: OwnOrigins,
    /// What is fetched, our own documents without a request.
    pub fetch: Arc<dyn Fetch>,
    /// The resources.
    pub pod: Arc<Pod>,
    /// What is allowed.
    pub judge: Arc<Judge>,
    /// Proofs that were seen.
    pub replay: Arc<MemoryReplay>,
    /// The OpenID provider, if it is served.
    pub provider: Option<Arc<Provider>>,
    /// This server as a sender of what it pushes.
    pub sender: Arc<Sender>,
}

impl Parts {
    /// Opens the store in a data directory, which nobody else may have open.
    ///
    /// # Errors
    /// Also if the pods in it are those of another base URL.
    pub async fn open(settings: &Settings, data: &DataDirectory, urls: &Urls) -> anyhow::Result<Self> {
        Self::open_with(settings, data, urls, outbound(settings)?).await
    }

    /// The same with another way out.
    ///
    /// # Errors
    /// Those of [`Parts::open`].
    pub async fn open_with(
        settings: &Settings,
        data: &DataDirectory,
        urls: &Urls,
        client: Client,
    ) -> anyhow::Result<Self> {
        let base = &urls.pods;
        let clock: Clock = Arc::new(Timestamp::now);
        let store = open_store(settings, data).await?;
        let origins = OwnOrigins::new(base, settings.pods.layout, urls.pages());
        let own = Arc::new(OwnDocuments::new(Arc::new(client.clone()), origins.clone()));
        let fetch: Arc<dyn Fetch> = own.clone();
        let rules = wac_rules(settings, &base.origin().into());
        let pod = Pod::open(store.clone(), Arc::new(Uuid::new_v4), Arc::new(rules.clone())).await?;
        let pod = Arc::new(pod.with_budget(settings.limits.rdf_memory.0));
        for root in pod.discard_unfinished(clock()).await? {
            tracing::info!(pod.root = %root, "what is left of an import that was broken off is deleted: {root}");
        }
        let judge = Judge::new(store.clone(), pod.storages().clone(), Arc::clone(&fetch), rules);
        let judge = Arc::new(judge.with_remote_group_bound(settings.wac.remote_groups.into()));
        let replay = Arc::new(MemoryReplay::new(MemoryReplay::DEFAULT_CAPACITY, clock()));
        let sender =
            sender::open(settings, base.origin(), settings.webhooks.contact.as_deref(), store.clone(), clock()).await?;
        own.publish_pods(Arc::new(WithSender {
            sender: sender.clone(),
            clock: clock.clone(),
            others: AsPublic { pod: pod.clone(), judge: judge.clone(), clock: clock.clone() },
        }));
        seed::check_base(base, &seed::Pods::roots(&*pod), data.path())?;
        let mut provider = None;
        if let Some(issuer) = &urls.provider {
            let config = provider_config(settings, issuer.as_str(), urls.console.as_ref());
            let made = Provider::new(config, store.clone(), Arc::clone(&fetch), replay.clone(), clock()).await?;
            provider = Some(Arc::new(made));
        }
        own.publish_pages(provider.as_deref(), console(settings, urls).as_ref());
        Ok(Self { clock, store, client, origins, fetch, pod, judge, replay, provider, sender })
    }
}

/// What the console knows, if it is served.
pub fn console(settings: &Settings, urls: &Urls) -> Option<Facts> {
    Some(Facts {
        url: urls.console.as_ref()?.to_string(),
        pods: urls.pods.to_string(),
        issuer: urls.provider.as_ref().map(ToString::to_string),
        is_development: settings.is_development(),
    })
}

fn provider_config(settings: &Settings, issuer: &str, console: Option<&BaseUrl>) -> podbell_provider::Config {
    let mut config = podbell_provider::Config::new(issuer);
    config.console = console.map(|console| console.as_str().into());
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
        quota: settings.limits.pod.map(|size| size.0),
        pending: settings.webhooks.pending,
        ..podbell_sqlite::Options::default()
    };
    let path = data.path().to_owned();
    match tokio::task::spawn_blocking(move || Sqlite::open(&path, &options)).await? {
        Err(OpenError::InUse(path)) => Err(DataError::InUse(path).into()),
        opened => Ok(opened?),
    }
}

/// The guarded way out, as the settings say.
pub fn outbound(settings: &Settings) -> anyhow::Result<Client> {
    let mut roots = Vec::new();
    for path in &settings.egress.extra_roots {
        let pem = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        roots.extend(podbell_egress::roots_from_pem(&pem).with_context(|| path.display().to_string())?);
    }
    let allowed = settings.egress.allowed.iter().map(|network| network.0).collect();
    let development = settings.is_development();
    let policy = podbell_egress::Policy { development, roots, allowed, ..podbell_egress::Policy::default() };
    Client::new(policy).context("the outbound client cannot be made")
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

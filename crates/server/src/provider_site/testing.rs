//! A provider in memory, and its origin on a free port.

use super::limited_routes;
use crate::{
    accept::{self, Limits},
    front,
    request::Rules,
    settings::Settings,
    shutdown::{self, Stopper},
};
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use jiff::Timestamp;
use podbell_egress::{Document, Fetch, FetchError, Get};
use podbell_model::WebId;
use podbell_oidc::{Algorithm, MemoryReplay, SigningKey};
use podbell_provider::{
    Config, Found, Home, Hosting, HostingError, Provider,
    store::{SigningKey as Kept, Store as _},
    testing::MemoryStore,
};
use serde_json::Value;
use std::sync::Arc;
use tokio::{net::TcpListener, sync::OnceCell};
use uuid::Uuid;

/// The issuer of [`provider`].
pub(crate) const ISSUER: &str = "http://localhost:3001/";
/// Alice's password.
pub(crate) const PASSWORD: &str = "correct horse";

/// The keys of every provider here: finding an RSA key takes a moment.
static KEYS: OnceCell<Vec<Kept>> = OnceCell::const_new();

struct Nowhere;

#[async_trait::async_trait]
impl Fetch for Nowhere {
    async fn get(&self, _: &Get) -> Result<Document, FetchError> {
        Err(FetchError::Unreachable)
    }
}

/// A provider with a store of its own.
pub(crate) async fn provider() -> Provider {
    provider_at(ISSUER).await.0
}

/// The same with its store, for another issuer.
pub(crate) async fn provider_at(issuer: &str) -> (Provider, Arc<MemoryStore>) {
    let config = Config { development: true, ..Config::new(issuer) };
    let store = Arc::new(MemoryStore::default());
    for key in KEYS.get().into_iter().flatten() {
        store.keep_signing_key(key).await.unwrap();
    }
    let replay = Arc::new(MemoryReplay::new(1_000, Timestamp::now()));
    let provider = Provider::new(config, store.clone(), Arc::new(Nowhere), replay, Timestamp::now()).await.unwrap();
    KEYS.get_or_init(|| async { store.signing_keys().await.unwrap() }).await;
    (provider, store)
}

/// Alice's WebID.
pub(crate) fn alice() -> WebId {
    WebId::new("http://localhost:3000/alice/profile/card#me")
}

/// Homes in memory: each name is free once.
#[derive(Default)]
pub(crate) struct Street(parking_lot::Mutex<std::collections::BTreeSet<String>>);

#[async_trait::async_trait]
impl Hosting for Street {
    fn home(&self, name: &str) -> Option<Home> {
        let found = if self.0.lock().contains(name) { Found::Own } else { Found::Nothing };
        Some(Home { webid: WebId::new(format!("http://localhost:3000/{name}/profile/card#me")), found })
    }

    async fn make(&self, name: &str, _: Timestamp) -> Result<(), HostingError> {
        if self.0.lock().insert(name.to_owned()) { Ok(()) } else { Err(HostingError::Taken) }
    }
}

/// A provider's origin that is served until this is dropped.
pub(crate) struct Origin {
    pub(crate) issuer: String,
    pub(crate) provider: Arc<Provider>,
    pub(crate) store: Arc<MemoryStore>,
    address: std::net::SocketAddr,
    _stopper: Stopper,
}

impl Origin {
    /// Serves a provider with one account, alice, that takes so many attempts of one address a minute.
    pub(crate) async fn serve(attempts: u32) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let issuer = format!("http://localhost:{}/", address.port());
        let (provider, store) = provider_at(&issuer).await;
        provider.create_account("alice", alice(), Some(PASSWORD)).await.unwrap();
        let provider = Arc::new(provider);
        let settings = Settings::default();
        let homes = Arc::new(Street::default());
        let routes = limited_routes(Arc::clone(&provider), homes, Arc::new(Timestamp::now), &settings, attempts);
        let routes = front::pages(routes, Rules::new(issuer.trim_end_matches('/'), &settings));
        let (stopper, stop) = shutdown::channel();
        tokio::spawn(accept::serve(vec![listener], routes, Limits::from(&settings), stop));
        Self { issuer, provider, store, address, _stopper: stopper }
    }

    /// Asks at a path, and reads the whole answer.
    pub(crate) async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
        let mut request = Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::from(body.to_owned())).unwrap();
        let (parts, body) = client.request(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status, headers: parts.headers, body: String::from_utf8(body.into()).unwrap() }
    }

    /// A proof for a POST to the token endpoint.
    pub(crate) fn proof(&self, key: &SigningKey) -> String {
        let endpoint = format!("{}.oidc/token", self.issuer);
        key.prove("POST", &endpoint, &Uuid::new_v4().to_string(), Timestamp::now(), None).unwrap()
    }
}

/// A key for proofs.
pub(crate) fn key() -> SigningKey {
    SigningKey::generate(Algorithm::Es256).unwrap()
}

/// An answer that was read.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    /// A header; empty if it is missing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), "application/json", "{}", self.body);
        serde_json::from_str(&self.body).unwrap()
    }
}

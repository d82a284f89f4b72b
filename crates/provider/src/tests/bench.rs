//! A provider with two accounts, and a client that speaks to it.

use crate::{
    Answer, BrowserRequest, Config, ErrorCode, Next, OAuthError, Page, PageKind, Provider, TokenRequest, store::Store,
    testing::MemoryStore,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{DecodingKey, Validation, decode, decode_header, jwk::JwkSet};
use parking_lot::Mutex;
use podbell_egress::{Document, Fetch, FetchError, Get};
use podbell_model::{Timestamp, WebId};
use podbell_oidc::{Algorithm, MemoryReplay, Proof, ReplayError, ReplayStore, SigningKey};
use serde_json::{Value, json};
use std::{collections::HashMap, sync::Arc};
use url::{Url, form_urlencoded};

pub(super) const ISSUER: &str = "http://localhost:3001/";
pub(super) const BACK: &str = "https://app.example/back?a=b";
pub(super) const PASSWORD: &str = "correct horse";
/// 43 characters, the least that a verifier may have.
pub(super) const VERIFIER: &str = "verifier-verifier-verifier-verifier-verifie";

/// Documents in memory.
#[derive(Default)]
pub(super) struct Web(pub(super) Mutex<HashMap<String, String>>);

#[async_trait::async_trait]
impl Fetch for Web {
    async fn get(&self, get: &Get) -> Result<Document, FetchError> {
        let body = self.0.lock().get(get.url.as_str()).cloned().ok_or(FetchError::Status(404))?;
        let media_type = match get.url.path().rsplit('/').next() {
            Some("card") => "text/turtle",
            Some("openid-configuration" | "jwks") => "application/json",
            _ => "application/ld+json",
        };
        Ok(Document { url: get.url.clone(), media_type: media_type.into(), body: body.into(), max_age: None })
    }
}

/// A replay store that lets others go first, as one over a network would.
struct SlowReplay(MemoryReplay);

#[async_trait::async_trait]
impl ReplayStore for SlowReplay {
    async fn use_up(&self, proof: &Proof, now: Timestamp) -> Result<(), ReplayError> {
        tokio::task::yield_now().await;
        self.0.use_up(proof, now).await
    }
}

/// The keys of every bench: finding an RSA key takes a moment.
static KEYS: tokio::sync::OnceCell<Vec<crate::store::SigningKey>> = tokio::sync::OnceCell::const_new();

async fn store() -> MemoryStore {
    let store = MemoryStore::default();
    let made = async {
        let store = MemoryStore::default();
        crate::keys::Keys::open(&store, at(0)).await.unwrap();
        store.signing_keys().await.unwrap()
    };
    for key in KEYS.get_or_init(|| made).await {
        store.keep_signing_key(key).await.unwrap();
    }
    store
}

pub(super) struct Bench {
    pub(super) provider: Provider,
    pub(super) store: Arc<MemoryStore>,
    pub(super) web: Arc<Web>,
    pub(super) key: SigningKey,
    proofs: Mutex<u32>,
}

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

pub(super) fn webid(name: &str) -> WebId {
    WebId::new(format!("http://localhost:3000/{name}/profile/card#me"))
}

pub(super) fn new_key() -> SigningKey {
    SigningKey::generate(Algorithm::Es256).unwrap()
}

pub(super) fn encode(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

pub(super) fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(crate::random::sha256(verifier.as_bytes()))
}

/// A registered client.
pub(super) struct App {
    pub(super) id: String,
    pub(super) secret: Option<String>,
}

impl App {
    pub(super) fn basic(&self) -> Option<String> {
        let pair = format!("{}:{}", self.id, self.secret.as_ref()?);
        Some(format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair)))
    }
}

impl Bench {
    pub(super) async fn new() -> Self {
        Self::with(|_| ()).await
    }

    pub(super) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::new(ISSUER);
        config.development = true;
        change(&mut config);
        let (store, web) = (Arc::new(store().await), Arc::new(Web::default()));
        let replay = Arc::new(SlowReplay(MemoryReplay::new(1_000, at(0))));
        let provider = Provider::new(config, store.clone(), web.clone(), replay, at(0)).await.unwrap();
        provider.create_account("alice", webid("alice"), Some(PASSWORD)).await.unwrap();
        Self { provider, store, web, key: new_key(), proofs: Mutex::default() }
    }

    pub(super) async fn register(&self, metadata: Value) -> App {
        let answer = self.provider.register(metadata.to_string().as_bytes(), at(0)).await.unwrap();
        let text = |name: &str| answer[name].as_str().map(str::to_owned);
        App { id: text("client_id").unwrap(), secret: text("client_secret") }
    }

    pub(super) async fn app(&self) -> App {
        self.register(json!({ "redirect_uris": [BACK], "client_name": "An <b>app</b>" })).await
    }

    pub(super) fn query<'a>(client: &'a str, changes: &[(&'a str, &'a str)]) -> String {
        let challenge = challenge(VERIFIER);
        let mut pairs = vec![
            ("client_id", client),
            ("redirect_uri", BACK),
            ("response_type", "code"),
            ("scope", "openid offline_access webid"),
            ("state", "s&1"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        for (name, value) in changes {
            pairs.retain(|(there, _)| there != name);
            pairs.push((name, value));
        }
        encode(&pairs)
    }

    pub(super) async fn visit(&self, query: &str, form: Option<&str>, cookie: Option<&str>, now: Timestamp) -> Answer {
        self.provider.authorize(BrowserRequest { query, form, cookie, foreign: false, now }).await
    }

    /// Logs in; the session's cookie and the consent page.
    pub(super) async fn log_in(&self, query: &str, now: Timestamp) -> (String, Page) {
        let answer = self.visit(query, None, None, now).await;
        let before = cookie(&answer).unwrap();
        let form =
            encode(&[("csrf", &csrf(&page(&answer))), ("action", "login"), ("name", "alice"), ("password", PASSWORD)]);
        let answer = self.visit(query, Some(&form), Some(&before), now).await;
        (cookie(&answer).expect("a new cookie"), page(&answer))
    }

    /// Logs in and agrees; where the browser is sent.
    pub(super) async fn agree(&self, query: &str, now: Timestamp) -> String {
        let (cookie, consent) = self.log_in(query, now).await;
        assert_eq!(consent.kind, PageKind::Consent);
        let form = encode(&[("csrf", &csrf(&consent)), ("action", "allow")]);
        redirect(&self.visit(query, Some(&form), Some(&cookie), now).await)
    }

    pub(super) async fn code(&self, app: &App, now: Timestamp) -> String {
        param(&self.agree(&Self::query(&app.id, &[]), now).await, "code").unwrap()
    }

    pub(super) fn proof(&self, key: &SigningKey, now: Timestamp) -> String {
        let mut proofs = self.proofs.lock();
        *proofs += 1;
        key.prove("POST", &format!("{ISSUER}.oidc/token"), &proofs.to_string(), now, None).unwrap()
    }

    pub(super) async fn token_with(
        &self,
        key: &SigningKey,
        app: &App,
        pairs: &[(&str, &str)],
        now: Timestamp,
    ) -> Result<Value, OAuthError> {
        let basic = app.basic();
        let mut pairs = pairs.to_vec();
        if basic.is_none() {
            pairs.push(("client_id", &app.id));
        }
        let (form, proof) = (encode(&pairs), self.proof(key, now));
        let request = TokenRequest { form: &form, authorization: basic.as_deref(), dpop: &[&proof], now };
        self.provider.token(request).await
    }

    pub(super) async fn redeem(&self, app: &App, code: &str, now: Timestamp) -> Result<Value, OAuthError> {
        self.token_with(&self.key, app, &code_form(code), now).await
    }

    pub(super) async fn refresh(
        &self,
        key: &SigningKey,
        app: &App,
        token: &str,
        now: Timestamp,
    ) -> Result<Value, OAuthError> {
        self.token_with(key, app, &[("grant_type", "refresh_token"), ("refresh_token", token)], now).await
    }

    /// The claims of a token, verified with the published keys alone.
    pub(super) fn verified(&self, token: &Value, typ: &str) -> Value {
        let token = token.as_str().unwrap();
        let head = decode_header(token).unwrap();
        assert_eq!(head.typ.as_deref(), Some(typ));
        let keys: JwkSet = serde_json::from_value(self.provider.jwks()).unwrap();
        let key = DecodingKey::from_jwk(keys.find(&head.kid.unwrap()).unwrap()).unwrap();
        let mut validation = Validation::new(head.alg);
        validation.set_audience(&["solid"]);
        validation.set_issuer(&[ISSUER]);
        validation.validate_exp = false;
        decode(token, &key, &validation).unwrap().claims
    }
}

pub(super) fn code_form(code: &str) -> [(&str, &str); 4] {
    [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", BACK), ("code_verifier", VERIFIER)]
}

pub(super) fn page(answer: &Answer) -> Page {
    match &answer.next {
        Next::Page(page) => page.clone(),
        Next::Redirect(to) => panic!("a redirect to {to}"),
    }
}

pub(super) fn redirect(answer: &Answer) -> String {
    match &answer.next {
        Next::Redirect(to) => to.clone(),
        Next::Page(page) => panic!("a page: {}", page.html),
    }
}

pub(super) fn param(url: &str, name: &str) -> Option<String> {
    let url = Url::parse(url).unwrap();
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

pub(super) fn cookie(answer: &Answer) -> Option<String> {
    let header = answer.set_cookie.as_ref()?;
    let value = header.strip_prefix("podbell_session=").unwrap().split(';').next().unwrap();
    assert!(header.contains("; Path=/.oidc/;") && header.contains("; HttpOnly") && header.contains("; SameSite=Lax"));
    Some(value.to_owned())
}

pub(super) fn csrf(page: &Page) -> String {
    let rest = page.html.split_once("name=\"csrf\" value=\"").unwrap().1;
    rest.split('"').next().unwrap().to_owned()
}

pub(super) fn code_of(result: Result<Value, OAuthError>) -> ErrorCode {
    result.unwrap_err().code
}

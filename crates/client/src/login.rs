//! Log-in with client credentials, and proofs that a request comes from whoever logged in.
//!
//! The token is bound to a key that lives as long as the client; it is renewed before its end, and once when a server
//! no longer takes it. Credentials and tokens are sent over TLS, or to this machine.
//!
//! Spec: <https://solidproject.org/TR/oidc>, <https://www.rfc-editor.org/rfc/rfc9449>

use crate::{
    answer::{Answer, text},
    error::WatchError,
    http::{Http, is_private},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, Request, header};
use http_body_util::Full;
use jiff::Timestamp;
use podbell_oidc::{Algorithm, KeyError, SigningKey};
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;
use url::{Url, form_urlencoded};
use uuid::Uuid;

/// The field of a proof.
pub(crate) const DPOP: HeaderName = HeaderName::from_static("dpop");
const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");
/// How long a token lives whose answer does not say so.
const LIFE: Duration = Duration::from_mins(5);
/// How long a token is used at most, whatever its answer says.
const LONGEST_LIFE: Duration = Duration::from_hours(24);
/// Most origins whose nonces are kept.
const MAX_NONCES: usize = 64;

/// What a program logs in with.
#[derive(Clone)]
pub struct Credentials {
    issuer: String,
    id: String,
    secret: String,
}

impl Credentials {
    /// Of a client that its issuer knows: `http://localhost:3001/`, its id, its secret.
    pub fn new(issuer: impl Into<String>, id: impl Into<String>, secret: impl Into<String>) -> Self {
        Self { issuer: issuer.into(), id: id.into(), secret: secret.into() }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("issuer", &self.issuer).field("id", &self.id).finish_non_exhaustive()
    }
}

struct Token {
    value: Arc<str>,
    renew_at: Instant,
}

/// Somebody who logs in when that is needed.
pub(crate) struct Login {
    credentials: Credentials,
    key: SigningKey,
    token: tokio::sync::Mutex<Option<Token>>,
    nonces: Mutex<HashMap<String, String>>,
}

impl Login {
    pub(crate) fn new(credentials: Credentials) -> Result<Self, KeyError> {
        let key = SigningKey::generate(Algorithm::Es256)?;
        Ok(Self { credentials, key, token: tokio::sync::Mutex::default(), nonces: Mutex::default() })
    }

    /// The fields that say who asks.
    pub(crate) async fn fields(
        &self,
        http: &Http,
        method: &Method,
        url: &Url,
    ) -> Result<[(HeaderName, String); 2], WatchError> {
        if !is_private(url) {
            return Err(WatchError::unsupported(url.as_str(), "who logs in is not sent over http; use https"));
        }
        let token = self.token(http).await?;
        let proof = self.proof(method, url, Some(&token))?;
        Ok([(header::AUTHORIZATION, format!("DPoP {token}")), (DPOP, proof)])
    }

    /// Whether the same request may go better now: the server gave a nonce, or took the token for an old one.
    pub(crate) async fn learns(&self, url: &Url, status: u16, headers: &HeaderMap) -> bool {
        let given = self.keep_nonce(url, headers);
        if status != 401 {
            return false;
        }
        let challenge = text(headers, &header::WWW_AUTHENTICATE).unwrap_or_default();
        if challenge.contains("use_dpop_nonce") {
            return given;
        }
        self.token.lock().await.take().is_some()
    }

    fn keep_nonce(&self, url: &Url, headers: &HeaderMap) -> bool {
        let Some(nonce) = text(headers, &DPOP_NONCE) else { return false };
        let mut nonces = self.nonces.lock().unwrap_or_else(PoisonError::into_inner);
        if nonces.len() >= MAX_NONCES {
            nonces.clear();
        }
        nonces.insert(url.origin().ascii_serialization(), nonce.to_owned());
        true
    }

    fn proof(&self, method: &Method, url: &Url, token: Option<&str>) -> Result<String, WatchError> {
        let origin = url.origin().ascii_serialization();
        let nonce = self.nonces.lock().unwrap_or_else(PoisonError::into_inner).get(&origin).cloned();
        let (jti, now) = (Uuid::new_v4().to_string(), Timestamp::now());
        let proof = self.key.prove_anew(method.as_str(), url.as_str(), &jti, now, token, nonce.as_deref());
        proof.map_err(|error| WatchError::unsupported(url.as_str(), error.to_string()))
    }

    async fn token(&self, http: &Http) -> Result<Arc<str>, WatchError> {
        let mut kept = self.token.lock().await;
        if let Some(token) = kept.as_ref().filter(|token| Instant::now() < token.renew_at) {
            return Ok(Arc::clone(&token.value));
        }
        let issuer = self.issuer()?;
        let endpoint = self.endpoint(http, &issuer).await?;
        let asked = Instant::now();
        let mut answer = self.ask(http, &endpoint).await?;
        if !answer.status.is_success() && answer.reason_is("use_dpop_nonce") {
            answer = self.ask(http, &endpoint).await?;
        }
        if matches!(answer.status.as_u16(), 400 | 401 | 403) {
            return Err(WatchError::LogIn { issuer: issuer.into(), reason: answer.reason() });
        }
        let answer = answer.success()?;
        let told: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let missing = || WatchError::not_understood(endpoint.as_str(), "it holds no token");
        let value: Arc<str> = told["access_token"].as_str().ok_or_else(missing)?.into();
        let life = told["expires_in"].as_u64().map_or(LIFE, Duration::from_secs).min(LONGEST_LIFE);
        // Four fifths of its life: whoever asks with it asks in time.
        *kept = Some(Token { value: Arc::clone(&value), renew_at: asked + life / 5 * 4 });
        Ok(value)
    }

    fn issuer(&self) -> Result<Url, WatchError> {
        let wrong = |what: &str| WatchError::unsupported(&self.credentials.issuer, what);
        let issuer = Url::parse(&self.credentials.issuer).map_err(|_| wrong("the issuer is no URL"))?;
        if is_private(&issuer) { Ok(issuer) } else { Err(wrong("credentials are not sent over http; use https")) }
    }

    /// Where the issuer gives tokens.
    async fn endpoint(&self, http: &Http, issuer: &Url) -> Result<Url, WatchError> {
        let base = issuer.as_str().trim_end_matches('/');
        let url = format!("{base}/.well-known/openid-configuration");
        let request = Request::get(&url).header(header::ACCEPT, "application/json").body(Full::default());
        let request = request.map_err(|error| WatchError::not_understood(&url, error.to_string()))?;
        let answer = http.whole(&url, http.send(request, &url).await?).await?.success()?;
        let told: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let wrong = |what: &str| WatchError::not_understood(&url, what);
        if told["issuer"].as_str().map(|named| named.trim_end_matches('/')) != Some(base) {
            return Err(wrong("it is of another issuer"));
        }
        let endpoint = told["token_endpoint"].as_str().and_then(|endpoint| Url::parse(endpoint).ok());
        endpoint.filter(is_private).ok_or_else(|| wrong("it names no token endpoint that may be asked"))
    }

    async fn ask(&self, http: &Http, endpoint: &Url) -> Result<Answer, WatchError> {
        let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let basic = format!("{}:{}", encoded(&self.credentials.id), encoded(&self.credentials.secret));
        let request = Request::post(endpoint.as_str())
            .header(header::AUTHORIZATION, format!("Basic {}", STANDARD.encode(basic)))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT, "application/json")
            .header(DPOP, self.proof(&Method::POST, endpoint, None)?)
            .body(Full::new(Bytes::from_static(b"grant_type=client_credentials&scope=webid")))
            .map_err(|error| WatchError::not_understood(endpoint.as_str(), error.to_string()))?;
        let answer = http.whole(endpoint.as_str(), http.send(request, endpoint.as_str()).await?).await?;
        self.keep_nonce(endpoint, &answer.headers);
        Ok(answer)
    }
}

impl Answer {
    fn reason_is(&self, code: &str) -> bool {
        serde_json::from_slice::<serde_json::Value>(&self.body).is_ok_and(|body| body["error"] == code)
    }
}

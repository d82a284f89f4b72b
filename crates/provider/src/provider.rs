//! The provider itself: its parts, and the little that every endpoint shares.

use crate::{
    OAuthError,
    attempts::Attempts,
    code::Codes,
    config::{Config, ConfigError, Endpoints},
    document::Documents,
    keys::{KeyError, Keys},
    session::Sessions,
    store::{Store, StoreError},
};
use aws_lc_rs::hmac;
use podbell_egress::Fetch;
use podbell_model::Timestamp;
use podbell_oidc::ReplayStore;
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use tokio::sync::Semaphore;
use url::Url;

/// Passwords that are hashed at once: each takes a processor for a tenth of a second.
const PARALLEL_PASSWORDS: usize = 2;

/// The OpenID provider. Every method is one request; `server` maps them to routes.
pub struct Provider {
    pub(crate) config: Config,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) replay: Arc<dyn ReplayStore>,
    pub(crate) keys: Keys,
    pub(crate) documents: Documents,
    pub(crate) sessions: Sessions,
    pub(crate) codes: Codes,
    pub(crate) attempts: Attempts,
    pub(crate) passwords: Semaphore,
    /// Held while an account is made with its pod.
    pub(crate) making: tokio::sync::Mutex<()>,
    /// Signs the tokens in forms; made anew by each process.
    pub(crate) forms: hmac::Key,
    /// The path that the session cookie is limited to where there is no TLS.
    pub(crate) cookie_path: String,
}

/// Why the provider does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The settings are not acceptable.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// There are no keys to sign with.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// No randomness.
    #[error("no randomness to start with")]
    Random(#[from] aws_lc_rs::error::Unspecified),
}

impl Provider {
    /// Checks the settings and reads the keys; at the first start it makes them.
    pub async fn new(
        config: Config,
        store: Arc<dyn Store>,
        fetch: Arc<dyn Fetch>,
        replay: Arc<dyn ReplayStore>,
        now: Timestamp,
    ) -> Result<Self, StartError> {
        config.check()?;
        let keys = Keys::open(&*store, now).await?;
        let forms = hmac::Key::new(hmac::HMAC_SHA256, &crate::random::bytes::<32>()?);
        Ok(Self {
            keys,
            forms,
            documents: Documents::new(fetch, config.development),
            sessions: Sessions::new(config.limits),
            codes: Codes::new(config.limits.codes),
            attempts: Attempts::new(config.limits),
            passwords: Semaphore::new(PARALLEL_PASSWORDS),
            making: tokio::sync::Mutex::default(),
            cookie_path: pages_path(&config.endpoints),
            config,
            store,
            replay,
        })
    }

    /// The issuer string.
    pub fn issuer(&self) -> &str {
        &self.config.issuer
    }

    /// Where its endpoints and pages are.
    pub fn endpoints(&self) -> &Endpoints {
        &self.config.endpoints
    }

    /// The JWK set at `jwks_uri`: public halves with `kid`, `alg` and `use`.
    pub fn jwks(&self) -> Value {
        self.keys.jwks()
    }

    /// Forgets what has expired, and registered clients that nobody uses. To be called now and then.
    pub async fn sweep(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.sessions.sweep(now);
        self.codes.sweep(now);
        self.store.sweep(now, before(now, self.config.lifetimes.unused_client)).await
    }

    /// What comes of a failure that is nobody's fault outside: for the log here, a bare code for the client.
    pub(crate) fn log(error: OAuthError) -> OAuthError {
        if let Some(cause) = &error.cause {
            tracing::error!(error.code = error.code.as_str(), error.cause = %cause, "a request to the provider failed");
        }
        error
    }
}

/// `now` plus a while.
pub(crate) fn after(now: Timestamp, while_: Duration) -> Timestamp {
    now.checked_add(while_).unwrap_or(Timestamp::MAX)
}

/// `now` less a while.
pub(crate) fn before(now: Timestamp, while_: Duration) -> Timestamp {
    now.checked_sub(while_).unwrap_or(Timestamp::MIN)
}

/// The longest directory that all pages are in.
fn pages_path(endpoints: &Endpoints) -> String {
    let pages = [&endpoints.end_session, &endpoints.account, &endpoints.sign_up];
    let paths = pages.map(|page| cookie_path(&endpoints.authorization, page));
    // Each is a directory above the first page, so the shortest is above the others.
    paths.into_iter().min_by_key(String::len).unwrap_or_else(|| "/".into())
}

/// The longest directory that both URLs are in; both have been parsed before.
fn cookie_path(one: &str, other: &str) -> String {
    let path = |url: &str| Url::parse(url).map(|url| url.path().to_owned()).unwrap_or_default();
    let (one, other) = (path(one), path(other));
    let common = one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    let end = one.as_bytes()[..common].iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
    if end == 0 { "/".into() } else { one[..end].into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_limited_to_the_directory_of_the_pages() {
        let path = |one, other| cookie_path(&format!("https://x{one}"), &format!("https://x{other}"));
        assert_eq!(path("/.oidc/authorize", "/.oidc/logout"), "/.oidc/");
        assert_eq!(path("/login", "/logout"), "/");
        assert_eq!(path("/a/é/x", "/a/è/x"), "/a/");
    }
}

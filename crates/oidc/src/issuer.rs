//! Issuers: their published configuration, and the keys that they sign with.
//!
//! Spec: <https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig>,
//! <https://www.rfc-editor.org/rfc/rfc7517#section-5>

use crate::algorithm::Algorithm;
use crate::json;
use crate::jwk::PublicJwk;
use crate::shelf::{Loaded, Missing, Shelf};
use crate::token::http_url;
use podbell_egress::{Fetch, Get};
use podbell_model::Timestamp;
use serde_json::Value;
use std::time::Duration;
use url::Url;

const ACCEPT: &str = "application/json";
const DISCOVERY_LIFE: Duration = Duration::from_mins(10);
const KEYS_LIFE: (Duration, Duration) = (Duration::from_mins(5), Duration::from_mins(15));
/// Most keys of one issuer.
const MAX_KEYS: usize = 64;
/// The keys are fetched again for a name that is not among them, but not more often than this.
const AGAIN: Duration = Duration::from_mins(1);

/// Behind which name issuers publish their configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WellKnown {
    /// OpenID providers.
    OpenId,
    /// Authorization servers of Linked Web Storage.
    Lws,
}

impl WellKnown {
    fn name(self) -> &'static str {
        match self {
            Self::OpenId => "openid-configuration",
            Self::Lws => "lws-configuration",
        }
    }
}

/// What issuers publish.
pub(crate) struct Issuers {
    well_known: WellKnown,
    configurations: Shelf<Url>,
    keys: Shelf<Vec<PublicJwk>>,
    development: bool,
}

impl Issuers {
    pub(crate) fn new(capacity: u64, development: bool, well_known: WellKnown) -> Self {
        Self { well_known, configurations: Shelf::new(capacity), keys: Shelf::new(capacity), development }
    }

    /// The key of an issuer that a token names; without a name, the only one that fits.
    pub(crate) async fn key(
        &self,
        fetch: &dyn Fetch,
        issuer: &str,
        kid: Option<&str>,
        algorithm: Algorithm,
        now: Timestamp,
    ) -> Result<Option<PublicJwk>, Missing> {
        for again in [None, Some(AGAIN)] {
            let keys = self.keys.get(issuer, now, again, self.load_keys(fetch, issuer, now)).await?;
            if let Some(key) = choose(&keys, kid, algorithm) {
                return Ok(Some(key.clone()));
            }
        }
        Ok(None)
    }

    pub(crate) async fn know(&self, issuer: &str) {
        self.configurations.know(issuer).await;
        self.keys.know(issuer).await;
    }

    async fn load_keys(&self, fetch: &dyn Fetch, issuer: &str, now: Timestamp) -> Loaded<Vec<PublicJwk>> {
        let found = self.configurations.get(issuer, now, None, self.load_configuration(fetch, issuer)).await?;
        let document = fetch.get(&Get { url: (*found).clone(), accept: ACCEPT, redirects: 0 }).await?;
        let set = json::object(&document.body).ok_or(Missing::Unusable)?;
        let Some(Value::Array(keys)) = set.get("keys") else {
            return Err(Missing::Unusable);
        };
        if keys.len() > MAX_KEYS {
            return Err(Missing::Unusable);
        }
        // Issuers may publish keys of kinds that are not used here.
        let keys: Vec<_> = keys.iter().filter_map(|key| PublicJwk::parse(key.as_object()?).ok()).collect();
        if keys.is_empty() {
            return Err(Missing::Unusable);
        }
        Ok((keys, document.max_age.unwrap_or(KEYS_LIFE.0).clamp(KEYS_LIFE.0, KEYS_LIFE.1)))
    }

    async fn load_configuration(&self, fetch: &dyn Fetch, issuer: &str) -> Loaded<Url> {
        let base = issuer.strip_suffix('/').unwrap_or(issuer);
        let url = podbell_egress::parse(&format!("{base}/.well-known/{}", self.well_known.name()))?;
        let document = fetch.get(&Get { url, accept: ACCEPT, redirects: 0 }).await?;
        let configuration = json::object(&document.body).ok_or(Missing::Unusable)?;
        if json::text(&configuration, "issuer") != Some(issuer) {
            return Err(Missing::Unusable);
        }
        let keys = json::text(&configuration, "jwks_uri").and_then(|uri| http_url(uri, self.development));
        Ok((keys.ok_or(Missing::Unusable)?, DISCOVERY_LIFE))
    }
}

fn choose<'k>(keys: &'k [PublicJwk], kid: Option<&str>, algorithm: Algorithm) -> Option<&'k PublicJwk> {
    let mut fitting = keys
        .iter()
        .filter(|key| key.meant_for(algorithm) && kid.is_none_or(|kid| key.kid().is_none_or(|name| name == kid)));
    let exact = |key: &&PublicJwk| kid.is_some() && key.kid() == kid;
    fitting.clone().find(exact).or_else(|| fitting.next().filter(|_| fitting.next().is_none()))
}

//! Access tokens of Linked Web Storage: presented as `Bearer`, signed by an authorization server that this server trusts.
//!
//! Whoever runs this server names its authorization servers; what they say of an agent is believed, and no profile is
//! asked. A token of anybody else causes no fetch. It is made for this server alone: exactly one audience, its realm. A
//! token that is bound to a key is not taken without that key.
//!
//! Follows the draft of 2026-06-29 (`w3c/lws-protocol`, `lws10-core`). The metadata are looked for at the server's URL,
//! with `/.well-known/lws-configuration` behind it, as OpenID Connect Discovery does with its own.

use crate::config::Config;
use crate::credentials::Credentials;
use crate::error::AuthError;
use crate::issuer::{Issuers, WellKnown};
use crate::json;
use crate::jws::{Jws, MAX_BYTES};
use crate::token::{self, TokenError};
use crate::verifier::unfetched;
use podbell_egress::Fetch;
use podbell_model::{Timestamp, WebId};
use serde_json::Value;
use std::fmt;
use std::sync::Arc;

/// Most authorization servers whose keys are kept.
const MAX_SERVERS: u64 = 100;

/// Verifies bearer tokens. One for the whole server.
pub struct LwsVerifier {
    /// With the authorization servers as its issuers.
    config: Config,
    realm: Arc<str>,
    servers: Issuers,
    fetch: Arc<dyn Fetch>,
}

impl LwsVerifier {
    /// Trusts these authorization servers, exactly as they write themselves. `realm`: the audience of their tokens; of
    /// `config` the times and `development` count.
    pub fn new(servers: Vec<String>, realm: &str, config: Config, fetch: Arc<dyn Fetch>) -> Self {
        let known = Issuers::new(MAX_SERVERS, config.development, WellKnown::Lws);
        Self { config: Config { issuers: Some(servers), ..config }, realm: realm.into(), servers: known, fetch }
    }

    /// The token in an `Authorization` header, if it is presented as `Bearer`.
    pub fn token(header: &str) -> Option<&str> {
        let (scheme, token) = header.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_matches(' '))
    }

    /// Who presents a token.
    pub async fn verify(&self, token: &str, now: Timestamp) -> Result<Credentials, AuthError> {
        if token.len() > MAX_BYTES {
            return Err(AuthError::Authorization);
        }
        let jws = Jws::parse(token).map_err(TokenError::from)?;
        let (credentials, kid) = self.claims(&jws, now)?;
        let key = self.servers.key(&*self.fetch, &credentials.issuer, kid.as_deref(), jws.algorithm, now).await;
        let key = key.map_err(|missing| unfetched(missing, AuthError::Issuer))?.ok_or(AuthError::Signature)?;
        if !key.verify(jws.algorithm, jws.message, &jws.signature) {
            return Err(AuthError::Signature);
        }
        self.servers.know(&credentials.issuer).await;
        Ok(credentials)
    }

    /// The challenges for a request without acceptable credentials, one for each authorization server.
    pub fn challenges(&self) -> impl Iterator<Item = LwsChallenge<'_>> {
        let servers = self.config.issuers.iter().flatten();
        servers.map(|server| LwsChallenge { as_uri: server, realm: &self.realm })
    }

    /// What the token says, as far as it can be checked before anybody is asked; and the name of its key.
    fn claims(&self, jws: &Jws<'_>, now: Timestamp) -> Result<(Credentials, Option<String>), AuthError> {
        let kid = token::read_header(&jws.header)?;
        let claims = &jws.claims;
        let issuer = json::text(claims, "iss").ok_or(TokenError::Claim("iss"))?;
        if !self.config.issuers.iter().flatten().any(|server| server == issuer) {
            return Err(TokenError::Issuer.into());
        }
        let expires = token::check_times(claims, now, &self.config)?;
        let audience = match claims.get("aud") {
            Some(Value::String(audience)) => Some(audience.as_str()),
            Some(Value::Array(audiences)) => match &**audiences {
                [Value::String(audience)] => Some(audience.as_str()),
                _ => None,
            },
            _ => None,
        };
        if audience != Some(&*self.realm) {
            return Err(TokenError::Realm.into());
        }
        if token::thumbprint(claims)?.is_some() {
            return Err(AuthError::Scheme);
        }
        let agent = json::text(claims, "sub").filter(|agent| token::http_url(agent, self.config.development).is_some());
        let credentials = Credentials {
            webid: WebId::new(agent.ok_or(TokenError::Claim("sub"))?),
            issuer: issuer.into(),
            client: token::client(claims)?,
            jkt: None,
            expires,
        };
        Ok((credentials, kid))
    }
}

impl fmt::Debug for LwsVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LwsVerifier").field("realm", &self.realm).finish_non_exhaustive()
    }
}

/// The challenge that names an authorization server; its `Display` form is the value of a `WWW-Authenticate` header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LwsChallenge<'v> {
    as_uri: &'v str,
    realm: &'v str,
}

impl fmt::Display for LwsChallenge<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bearer as_uri=\"{}\", realm=\"{}\"", self.as_uri, self.realm)
    }
}

#[cfg(test)]
mod tests;

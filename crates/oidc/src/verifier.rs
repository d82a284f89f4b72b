//! The walk from two headers to credentials, in an order in which nothing is fetched for junk and nothing is remembered
//! for a stranger: the request's own parts first, then the profile, the issuer and the signature, and at last the proof
//! is used up.
//!
//! Spec: <https://solidproject.org/TR/oidc#resource-access-validation>,
//! <https://www.rfc-editor.org/rfc/rfc9449#section-7>

use crate::config::Config;
use crate::credentials::Credentials;
use crate::error::AuthError;
use crate::issuer::{Issuers, WellKnown};
use crate::jws::{Jws, MAX_BYTES};
use crate::profile::Profiles;
use crate::proof::{Proof, Purpose, verify_proof_for};
use crate::replay::ReplayStore;
use crate::shelf::Missing;
use crate::token::Claims;
use aws_lc_rs::digest::{SHA256, digest};
use moka::future::Cache;
use podbell_egress::Fetch;
use podbell_model::{Timestamp, WebId};
use std::sync::Arc;
use std::time::Duration;

/// How long it is remembered that a token was signed by an issuer that the profile names.
const VERIFIED: Duration = Duration::from_mins(1);
/// Most verified tokens that are remembered.
const MAX_VERIFIED: u64 = 10_000;
/// Most profiles and most issuers that are known; of strangers' a tenth.
const MAX_PROFILES: u64 = 10_000;
const MAX_ISSUERS: u64 = 1_000;

/// The parts of a request that tell who asks.
#[derive(Clone, Copy)]
pub struct Presented<'r> {
    /// The method.
    pub method: &'r str,
    /// The absolute URI, by the name that the server knows itself by, not by the `Host` header.
    pub uri: &'r str,
    /// The values of all `Authorization` headers.
    pub authorization: &'r [&'r str],
    /// The values of all `DPoP` headers.
    pub dpop: &'r [&'r str],
}

/// A token and a proof that were said as lines on a socket, where no request carries them.
#[derive(Clone, Copy)]
pub struct Said<'l> {
    /// What would be the value of an `Authorization` header.
    pub authorization: &'l str,
    /// What would be the value of a `DPoP` header.
    pub proof: &'l str,
    /// The methods that the proof may be for, in any case.
    pub methods: &'l [&'l str],
    /// Whether the proof may be for a URI; it is given in normal form and with `http` or `https`.
    pub is_for: &'l (dyn Fn(&str) -> bool + Sync),
}

/// What was proved by lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proved {
    /// By whom.
    pub credentials: Credentials,
    /// The URI that the proof is for, as it was asked for with [`Said::is_for`].
    pub uri: String,
    /// The same as the proof spells it: a URI without white space.
    pub spelled: String,
}

/// Verifies who asks. One for the whole server.
pub struct Verifier {
    config: Config,
    fetch: Arc<dyn Fetch>,
    replay: Arc<dyn ReplayStore>,
    profiles: Profiles,
    issuers: Issuers,
    verified: Cache<[u8; 32], Timestamp>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Dpop,
    Bearer,
}

impl Verifier {
    /// A verifier that fetches with `fetch`, which also knows the documents of this server's own origins.
    pub fn new(config: Config, fetch: Arc<dyn Fetch>, replay: Arc<dyn ReplayStore>) -> Self {
        let issuers = Issuers::new(MAX_ISSUERS, config.development, WellKnown::OpenId);
        let verified = Cache::new(MAX_VERIFIED);
        Self { config, fetch, replay, profiles: Profiles::new(MAX_PROFILES), issuers, verified }
    }

    /// Who asks: nobody if there is no `Authorization` header at all; never nobody if there is a wrong one.
    pub async fn verify(&self, presented: &Presented<'_>, now: Timestamp) -> Result<Option<Credentials>, AuthError> {
        if presented.authorization.is_empty() {
            return Ok(None);
        }
        let (scheme, token) = self.scheme(presented.authorization)?;
        let jws = Jws::parse(token).map_err(crate::token::TokenError::from)?;
        let claims = Claims::read(&jws, now, &self.config)?;
        let proof = match scheme {
            Scheme::Dpop => Some(self.proof(presented, token, &claims, now)?),
            // A bound token says by whom it may be presented; without a proof anybody could.
            Scheme::Bearer if claims.jkt.is_some() => return Err(AuthError::Scheme),
            Scheme::Bearer => None,
        };
        self.believe(token, &jws, &claims, now).await?;
        if let Some(proof) = proof {
            self.replay.use_up(&proof, now).await?;
        }
        Ok(Some(claims.into()))
    }

    /// Who speaks on a socket, and for what. As strict as [`Verifier::verify`] in everything but the method's case; a
    /// proof counts once, whether on a socket or in a request. No token is accepted without a proof.
    pub async fn verify_said(&self, said: &Said<'_>, now: Timestamp) -> Result<Proved, AuthError> {
        let (Scheme::Dpop, token) = self.scheme(&[said.authorization])? else {
            return Err(AuthError::Scheme);
        };
        let jws = Jws::parse(token).map_err(crate::token::TokenError::from)?;
        let claims = Claims::read(&jws, now, &self.config)?;
        let purpose = Purpose::Line { methods: said.methods, is_for: said.is_for };
        let (proof, spelled) = self.bound(said.proof, &purpose, token, &claims, now)?;
        self.believe(token, &jws, &claims, now).await?;
        self.replay.use_up(&proof, now).await?;
        Ok(Proved { credentials: claims.into(), uri: proof.htu, spelled })
    }

    /// Whether an issuer may still speak for an agent, as it could when a token of theirs was verified: the profile names
    /// it, and this server takes its tokens. What profiles say is known for up to two minutes.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`] if that cannot be found out now.
    pub async fn is_vouched(&self, webid: &WebId, issuer: &str, now: Timestamp) -> Result<bool, AuthError> {
        let is_taken = |issuers: &Vec<String>| issuers.iter().any(|taken| taken == issuer);
        if !self.config.issuers.as_ref().is_none_or(is_taken) {
            return Ok(false);
        }
        match self.profiles.names(&*self.fetch, webid, issuer, now).await {
            Ok(named) => Ok(named),
            Err(Missing::Unusable) => Ok(false),
            Err(Missing::Unreachable | Missing::Busy) => Err(AuthError::Unavailable),
        }
    }

    fn scheme<'r>(&self, headers: &[&'r str]) -> Result<(Scheme, &'r str), AuthError> {
        let [header] = headers else {
            return Err(AuthError::Authorization);
        };
        if header.len() > MAX_BYTES {
            return Err(AuthError::Authorization);
        }
        let (scheme, token) = header.split_once(' ').ok_or(AuthError::Authorization)?;
        let token = token.trim_matches(' ');
        if scheme.eq_ignore_ascii_case("dpop") {
            Ok((Scheme::Dpop, token))
        } else if scheme.eq_ignore_ascii_case("bearer") {
            if self.config.unbound_bearer { Ok((Scheme::Bearer, token)) } else { Err(AuthError::Scheme) }
        } else {
            Err(AuthError::Authorization)
        }
    }

    fn proof(
        &self,
        presented: &Presented<'_>,
        token: &str,
        claims: &Claims,
        now: Timestamp,
    ) -> Result<Proof, AuthError> {
        if claims.jkt.is_none() {
            return Err(AuthError::Scheme);
        }
        let [proof] = presented.dpop else {
            return Err(AuthError::ProofCount);
        };
        let purpose = Purpose::Request { method: presented.method, uri: presented.uri };
        Ok(self.bound(proof, &purpose, token, claims, now)?.0)
    }

    /// That a proof serves its purpose, by the key that the token is bound to.
    fn bound(
        &self,
        proof: &str,
        purpose: &Purpose<'_>,
        token: &str,
        claims: &Claims,
        now: Timestamp,
    ) -> Result<(Proof, String), AuthError> {
        let jkt = claims.jkt.as_deref().ok_or(AuthError::Scheme)?;
        let proved = verify_proof_for(proof, purpose, now, &self.config.proof, Some(token))?;
        if proved.0.jkt == jkt { Ok(proved) } else { Err(AuthError::Binding) }
    }

    /// That the profile names the issuer, and that the issuer has signed the token.
    async fn believe(&self, token: &str, jws: &Jws<'_>, claims: &Claims, now: Timestamp) -> Result<(), AuthError> {
        let name = fingerprint(token);
        if self.verified.get(&name).await.is_some_and(|at| recently(at, now)) {
            return Ok(());
        }
        let named = self.profiles.names(&*self.fetch, &claims.webid, &claims.issuer, now).await;
        if !named.map_err(|missing| unfetched(missing, AuthError::Profile))? {
            return Err(AuthError::Profile);
        }
        let key = self.issuers.key(&*self.fetch, &claims.issuer, claims.kid.as_deref(), jws.algorithm, now).await;
        let key = key.map_err(|missing| unfetched(missing, AuthError::Issuer))?.ok_or(AuthError::Signature)?;
        if !key.verify(jws.algorithm, jws.message, &jws.signature) {
            return Err(AuthError::Signature);
        }
        self.profiles.know(&claims.webid).await;
        self.issuers.know(&claims.issuer).await;
        self.verified.insert(name, now).await;
        Ok(())
    }
}

impl From<Claims> for Credentials {
    fn from(claims: Claims) -> Self {
        let Claims { issuer, webid, client, jkt, expires, .. } = claims;
        Self { webid, issuer, client, jkt, expires }
    }
}

fn fingerprint(token: &str) -> [u8; 32] {
    let mut name = [0; 32];
    name.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    name
}

/// Neither long ago nor, after the clock went back, in the future.
fn recently(at: Timestamp, now: Timestamp) -> bool {
    now.duration_since(at).unsigned_abs() < VERIFIED
}

pub(crate) fn unfetched(missing: Missing, unusable: AuthError) -> AuthError {
    match missing {
        Missing::Unreachable | Missing::Busy => AuthError::Unavailable,
        Missing::Unusable => unusable,
    }
}

#[cfg(test)]
mod tests;

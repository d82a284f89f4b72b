//! The tokens that the provider signs.
//!
//! Spec: <https://solidproject.org/TR/oidc#tokens>, RFC 9068, RFC 9449 §6.

use crate::{OAuthError, Provider, provider, random, store::SigningAlgorithm};
use podbell_model::{Timestamp, WebId};
use podbell_oidc::AccessToken;
use serde_json::json;
use std::time::Duration;

/// Whom a token is for, and which key it is bound to.
#[derive(Clone, Copy)]
pub(crate) struct Bearer<'a> {
    pub(crate) webid: &'a WebId,
    pub(crate) client_id: &'a str,
    pub(crate) jkt: &'a str,
}

/// What an ID token says beside that.
#[derive(Clone, Copy)]
pub(crate) struct Authentication<'a> {
    pub(crate) nonce: Option<&'a str>,
    /// None when a refresh token, not a person, was presented.
    pub(crate) auth_time: Option<Timestamp>,
    pub(crate) algorithm: SigningAlgorithm,
}

impl Provider {
    /// An access token for audience `solid`, always ES256.
    pub(crate) fn access_token(
        &self,
        bearer: Bearer<'_>,
        life: Duration,
        now: Timestamp,
    ) -> Result<String, OAuthError> {
        let token = AccessToken {
            issuer: &self.config.issuer,
            webid: bearer.webid,
            client: bearer.client_id,
            jkt: bearer.jkt,
            jti: &random::id()?,
            issued_at: now,
            expires: provider::after(now, life),
        };
        Ok(self.keys.signing(SigningAlgorithm::Es256)?.issue(&token)?)
    }

    /// An ID token, signed as the client wants it.
    pub(crate) fn id_token(
        &self,
        bearer: Bearer<'_>,
        authentication: Authentication<'_>,
        now: Timestamp,
    ) -> Result<String, OAuthError> {
        let mut claims = json!({
            "iss": self.config.issuer,
            "sub": bearer.webid.as_str(),
            "webid": bearer.webid.as_str(),
            "aud": [bearer.client_id, "solid"],
            "azp": bearer.client_id,
            "iat": now.as_second(),
            "exp": provider::after(now, self.config.lifetimes.token).as_second(),
            "jti": random::id()?,
            "cnf": { "jkt": bearer.jkt },
        });
        if let Some(nonce) = authentication.nonce {
            claims["nonce"] = nonce.into();
        }
        if let Some(auth_time) = authentication.auth_time {
            claims["auth_time"] = auth_time.as_second().into();
        }
        Ok(self.keys.signing(authentication.algorithm)?.sign_token(ID_TOKEN, &claims)?)
    }
}

/// The `typ` of ID tokens.
pub(crate) const ID_TOKEN: &str = "JWT";
/// The `typ` of access tokens.
pub(crate) const ACCESS_TOKEN: &str = "at+jwt";

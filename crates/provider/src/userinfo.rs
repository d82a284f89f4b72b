//! The userinfo endpoint.
//!
//! Spec: OpenID Connect Core §5.3, RFC 9449 §7.

use crate::{ErrorCode, OAuthError, Provider, issue::ACCESS_TOKEN};
use podbell_model::Timestamp;
use serde_json::{Value, json};

/// A request to the userinfo endpoint.
#[derive(Clone, Copy)]
pub struct UserinfoRequest<'a> {
    /// `GET` or `POST`.
    pub method: &'a str,
    /// The `Authorization` header.
    pub authorization: Option<&'a str>,
    /// Every `DPoP` header.
    pub dpop: &'a [&'a str],
    /// Now.
    pub now: Timestamp,
}

impl Provider {
    /// Who the bearer of an access token of this provider is: `sub` and `webid`.
    ///
    /// # Errors
    /// `invalid_token` and `invalid_dpop_proof`, for a DPoP challenge.
    pub async fn userinfo(&self, request: UserinfoRequest<'_>) -> Result<Value, OAuthError> {
        let now = request.now;
        let token = request.authorization.and_then(|header| header.split_once(' '));
        let token = token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("dpop")).map(|(_, token)| token.trim());
        let claims = token.and_then(|token| self.keys.verify(token, ACCESS_TOKEN)).ok_or_else(invalid)?;
        if claims["iss"] != *self.config.issuer || claims["exp"].as_i64().is_none_or(|end| end <= now.as_second()) {
            return Err(invalid());
        }
        let proof = Self::prove(request.dpop, request.method, &self.config.endpoints.userinfo, token, now)?;
        if claims["cnf"]["jkt"] != *proof.jkt {
            return Err(OAuthError::new(ErrorCode::InvalidDpopProof, "the token is bound to another key"));
        }
        self.use_up(&proof, now).await?;
        Ok(json!({ "sub": claims["sub"], "webid": claims["webid"] }))
    }
}

fn invalid() -> OAuthError {
    OAuthError::new(ErrorCode::InvalidToken, "an access token of this provider is required, with scheme DPoP")
}

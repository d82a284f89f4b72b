//! What the provider tells about itself; clients in use fail without one field or the other, so all are there.
//!
//! Spec: OpenID Connect Discovery §3, RFC 8414, <https://solidproject.org/TR/oidc#discovery>

use crate::{Provider, store::SigningAlgorithm};
use podbell_oidc::Algorithm;
use serde_json::{Value, json};

/// The scopes that can be granted.
pub(crate) const SCOPES: [&str; 4] = ["openid", "profile", "offline_access", "webid"];

impl Provider {
    /// The document at `/.well-known/openid-configuration`.
    pub fn discovery(&self) -> Value {
        let endpoints = &self.config.endpoints;
        json!({
            "issuer": self.config.issuer,
            "authorization_endpoint": endpoints.authorization,
            "token_endpoint": endpoints.token,
            "jwks_uri": endpoints.jwks,
            "registration_endpoint": endpoints.registration,
            "userinfo_endpoint": endpoints.userinfo,
            "end_session_endpoint": endpoints.end_session,
            "scopes_supported": SCOPES,
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
            "subject_types_supported": ["public"],
            "claims_supported": ["sub", "webid", "iss", "aud", "azp", "exp", "iat"],
            "id_token_signing_alg_values_supported": SigningAlgorithm::ALL.map(SigningAlgorithm::as_str),
            "dpop_signing_alg_values_supported": Algorithm::ALL.map(Algorithm::name),
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": true,
        })
    }
}

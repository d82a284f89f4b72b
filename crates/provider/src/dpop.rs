//! Proof of possession at the provider's own endpoints.
//!
//! Spec: RFC 9449 §5 and §7.

use crate::{ErrorCode, OAuthError, Provider};
use podbell_model::Timestamp;
use podbell_oidc::{Proof, ProofRules, ReplayError, verify_proof};

impl Provider {
    /// Verifies the one `DPoP` header of a request. Whether it is used for the first time is asked later, by
    /// [`Self::use_up`], when strangers have been turned away.
    pub(crate) fn prove(
        headers: &[&str],
        method: &str,
        endpoint: &str,
        access_token: Option<&str>,
        now: Timestamp,
    ) -> Result<Proof, OAuthError> {
        let [header] = headers else {
            return Err(invalid("exactly one DPoP header is required"));
        };
        verify_proof(header, method, endpoint, now, &ProofRules::default(), access_token)
            .map_err(|error| invalid(error.to_string()))
    }

    /// Uses a proof up.
    pub(crate) async fn use_up(&self, proof: &Proof, now: Timestamp) -> Result<(), OAuthError> {
        self.replay.use_up(proof, now).await.map_err(|error| match error {
            ReplayError::Used | ReplayError::BeforeMemory => invalid(error.to_string()),
            _ => OAuthError::new(ErrorCode::TemporarilyUnavailable, error.to_string()),
        })
    }
}

fn invalid(description: impl Into<std::borrow::Cow<'static, str>>) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidDpopProof, description)
}

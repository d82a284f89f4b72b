//! A Solid-OIDC access token with a proof: the sender as an agent, so that an inbox can let it in by its ACL and a
//! webhook can ask who calls.
//!
//! A token is of use at one receiver: its audience names the receiver's origin, and each proof its URL. `solid` stands
//! in the audience too, since verifiers in use (`@solid/access-token-verifier`) refuse a token without it; what keeps
//! such a verifier from taking the token of another receiver is that nobody but this process can make a proof for it.
//!
//! Spec: <https://solidproject.org/TR/oidc#tokens-access>, <https://www.rfc-editor.org/rfc/rfc9449>

use super::{Identity, per_origin::PerOrigin};
use http::HeaderName;
use podbell_model::{Timestamp, Uuid};
use podbell_oidc::{KeyError, SigningKey};
use serde_json::json;
use std::{sync::Arc, time::Duration};
use url::Url;

/// The header field of proofs.
pub const DPOP: HeaderName = HeaderName::from_static("dpop");
/// How long a token is good.
pub const LIFE: Duration = Duration::from_mins(5);

/// Makes tokens and proofs.
pub(super) struct Tokens {
    proof: SigningKey,
    kept: PerOrigin,
}

impl Tokens {
    /// Tokens that are bound to this key.
    pub(super) fn new(proof: SigningKey) -> Self {
        Self { proof, kept: PerOrigin::new(LIFE) }
    }

    /// A token for the origin of a target, and a proof for one POST to it.
    pub(super) fn present(
        &self,
        identity: &Identity,
        key: &SigningKey,
        target: &Url,
        now: Timestamp,
    ) -> Result<(Arc<str>, String), KeyError> {
        let token =
            self.kept.get(target, key.thumbprint(), now, |origin| issue(identity, key, &self.proof, origin, now))?;
        let proof = self.proof.prove("POST", target.as_str(), &Uuid::new_v4().to_string(), now, Some(&token))?;
        Ok((token, proof))
    }
}

fn issue(
    identity: &Identity,
    key: &SigningKey,
    proof: &SigningKey,
    origin: &str,
    now: Timestamp,
) -> Result<String, KeyError> {
    // Seconds: milliseconds here made tokens of other servers last for millennia.
    let (issuer, sender, issued_at) = (&*identity.issuer, &*identity.sender, now.as_second());
    let claims = json!({
        "iss": issuer,
        "sub": sender,
        "webid": sender,
        "azp": sender,
        "client_id": sender,
        "aud": ["solid", origin],
        "iat": issued_at,
        "exp": issued_at + i64::try_from(LIFE.as_secs()).map_err(|_| KeyError)?,
        "jti": Uuid::new_v4().to_string(),
        "cnf": {"jkt": proof.thumbprint()},
    });
    key.sign_token("at+jwt", &claims)
}

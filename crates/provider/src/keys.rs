//! The provider's signing keys: made at the first start, kept in the store, published without their secret half.

use crate::store::{SigningAlgorithm, SigningKey as KeptKey, Store, StoreError};
use jsonwebtoken::{Algorithm as JwtAlgorithm, DecodingKey, Validation, decode, decode_header, jwk::Jwk};
use podbell_model::Timestamp;
use podbell_oidc::{Algorithm, SigningKey, prove};
use serde_json::{Value, json};
use std::sync::Arc;

/// Longest token of its own that the provider reads, in bytes.
const MAX_TOKEN: usize = podbell_oidc::jws::MAX_BYTES;

/// Why there are no keys to sign with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A kept key cannot be read, or a new one not be made.
    #[error(transparent)]
    Key(#[from] prove::KeyError),
    /// A kept key does not carry the name that follows from it.
    #[error("a kept signing key has a wrong name")]
    Name,
    /// The task that makes keys ended early.
    #[error("no signing key could be made")]
    Task(#[from] tokio::task::JoinError),
}

/// Every key, the newest first, at least one of each algorithm; with its public half.
pub(crate) struct Keys(Vec<(SigningKey, Value)>);

impl Keys {
    /// Reads the keys, and makes those that are missing.
    pub(crate) async fn open(store: &dyn Store, now: Timestamp) -> Result<Self, KeyError> {
        let mut kept = store.signing_keys().await?;
        for algorithm in SigningAlgorithm::ALL {
            if !kept.iter().any(|key| key.algorithm == algorithm) {
                // An RSA key takes a moment to find.
                let made = tokio::task::spawn_blocking(move || generate(algorithm, now)).await??;
                kept.push(store.keep_signing_key(&made).await?);
            }
        }
        Ok(Self(kept.iter().map(read).collect::<Result<_, _>>()?))
    }

    /// The public halves, as a JWK set.
    pub(crate) fn jwks(&self) -> Value {
        json!({ "keys": self.0.iter().map(|(_, public)| public).collect::<Vec<_>>() })
    }

    /// The key that signs with an algorithm now.
    pub(crate) fn signing(&self, algorithm: SigningAlgorithm) -> Result<&SigningKey, prove::KeyError> {
        let key = self.0.iter().find(|(key, _)| key.algorithm() == algorithm.into());
        key.map(|(key, _)| key).ok_or(prove::KeyError)
    }

    /// The claims of a JWT that this provider signed with that `typ`. Its times are the caller's to judge.
    pub(crate) fn verify(&self, token: &str, typ: &str) -> Option<Value> {
        if token.len() > MAX_TOKEN {
            return None;
        }
        let head = decode_header(token).ok()?;
        let (key, public) = self.0.iter().find(|(key, _)| Some(key.thumbprint()) == head.kid.as_deref())?;
        // The algorithm is the key's, never the token's.
        let mut validation = Validation::new(match key.algorithm() {
            Algorithm::Rs256 => JwtAlgorithm::RS256,
            _ => JwtAlgorithm::ES256,
        });
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        let public: Jwk = serde_json::from_value(public.clone()).ok()?;
        let claims = decode::<Value>(token, &DecodingKey::from_jwk(&public).ok()?, &validation).ok()?.claims;
        (head.typ.as_deref() == Some(typ)).then_some(claims)
    }
}

impl From<SigningAlgorithm> for Algorithm {
    fn from(algorithm: SigningAlgorithm) -> Self {
        match algorithm {
            SigningAlgorithm::Es256 => Self::Es256,
            SigningAlgorithm::Rs256 => Self::Rs256,
        }
    }
}

fn read(kept: &KeptKey) -> Result<(SigningKey, Value), KeyError> {
    let key = SigningKey::from_pkcs8(kept.algorithm.into(), &kept.pkcs8)?;
    if key.thumbprint() != &*kept.kid {
        return Err(KeyError::Name);
    }
    let public = key.published();
    Ok((key, public))
}

fn generate(algorithm: SigningAlgorithm, now: Timestamp) -> Result<KeptKey, prove::KeyError> {
    let key = SigningKey::generate(algorithm.into())?;
    let pkcs8: Arc<[u8]> = key.to_pkcs8()?.into();
    Ok(KeptKey { kid: key.thumbprint().into(), algorithm, pkcs8, created: now })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::MemoryStore;

    async fn keys(store: &MemoryStore) -> Keys {
        Keys::open(store, Timestamp::UNIX_EPOCH).await.unwrap()
    }

    fn sign(keys: &Keys, algorithm: SigningAlgorithm, claims: &Value) -> String {
        keys.signing(algorithm).unwrap().sign_token("t", claims).unwrap()
    }

    #[tokio::test]
    async fn a_restart_keeps_the_keys() {
        let store = MemoryStore::default();
        let (first, second) = (keys(&store).await, keys(&store).await);
        assert_eq!(first.jwks(), second.jwks());
        for algorithm in SigningAlgorithm::ALL {
            let token = sign(&first, algorithm, &json!({ "a": 1 }));
            assert_eq!(second.verify(&token, "t"), Some(json!({ "a": 1 })));
            assert_eq!(second.verify(&token, "at+jwt"), None);
        }
    }

    #[tokio::test]
    async fn the_published_keys_hold_no_secret_member() {
        let keys = keys(&MemoryStore::default()).await.jwks();
        let keys = keys["keys"].as_array().unwrap();
        assert_eq!(keys.iter().map(|key| key["alg"].as_str().unwrap()).collect::<Vec<_>>(), ["ES256", "RS256"]);
        for key in keys {
            for member in ["kid", "alg", "use", "kty"] {
                assert!(key[member].is_string(), "{member}");
            }
            for member in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
                assert!(key.get(member).is_none(), "{member}");
            }
        }
    }

    #[tokio::test]
    async fn a_changed_token_is_not_ours() {
        let keys = keys(&MemoryStore::default()).await;
        let token = sign(&keys, SigningAlgorithm::Es256, &json!({ "sub": "alice" }));
        let forged = sign(&keys, SigningAlgorithm::Es256, &json!({ "sub": "mallory" }));
        let forged = format!("{}.{}", forged.rsplit_once('.').unwrap().0, token.rsplit_once('.').unwrap().1);
        assert!(keys.verify(&token, "t").is_some());
        assert!(keys.verify(&forged, "t").is_none());
        assert!(keys.verify("eyJhbGciOiJub25lIn0.e30.", "t").is_none());
    }

    #[tokio::test]
    async fn a_key_of_strangers_signs_nothing_of_ours() {
        let keys = keys(&MemoryStore::default()).await;
        let stranger = SigningKey::generate(Algorithm::Es256).unwrap();
        let kid = keys.jwks()["keys"][0]["kid"].clone();
        let head = json!({ "alg": "ES256", "typ": "t", "kid": kid, "jwk": stranger.public_value() });
        let token = stranger.sign_parts(&head, &json!({})).unwrap();
        assert!(keys.verify(&token, "t").is_none());
    }
}

//! The provider's signing keys: made at the first start, kept in the store, published without their secret half.

use crate::store::{SigningAlgorithm, SigningKey, Store, StoreError};
use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    error::{KeyRejected, Unspecified},
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair, RsaPublicKeyComponents,
    },
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use podbell_model::Timestamp;
use serde_json::{Value, json};
use std::sync::Arc;

/// Longest token of its own that the provider reads, in bytes.
const MAX_TOKEN: usize = 8 * 1024;

/// Why there are no keys to sign with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A kept key cannot be read.
    #[error("a kept signing key is damaged")]
    Damaged(#[from] KeyRejected),
    /// A new key could not be made.
    #[error("no signing key could be made")]
    Generate(#[from] Unspecified),
    /// The task that makes keys ended early.
    #[error("no signing key could be made")]
    Task(#[from] tokio::task::JoinError),
}

enum Pair {
    Es256(EcdsaKeyPair),
    Rs256(Box<RsaKeyPair>),
}

/// A key that is ready to sign.
struct Key {
    kid: Arc<str>,
    algorithm: SigningAlgorithm,
    pair: Pair,
    jwk: Value,
}

/// Every key; at least one of each algorithm.
pub(crate) struct Keys(Vec<Key>);

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
        Ok(Self(kept.iter().map(Key::read).collect::<Result<_, _>>()?))
    }

    /// The public halves, as a JWK set.
    pub(crate) fn jwks(&self) -> Value {
        json!({ "keys": self.0.iter().map(|key| &key.jwk).collect::<Vec<_>>() })
    }

    /// A signed JWT.
    pub(crate) fn sign(
        &self,
        algorithm: SigningAlgorithm,
        typ: Option<&str>,
        claims: &Value,
    ) -> Result<String, Unspecified> {
        let key = self.0.iter().find(|key| key.algorithm == algorithm).ok_or(Unspecified)?;
        let mut head = json!({ "alg": algorithm.as_str(), "kid": key.kid });
        if let Some(typ) = typ {
            head["typ"] = typ.into();
        }
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&head), part(claims));
        let signature = key.signature(signed.as_bytes())?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The claims of a JWT that this provider signed with that `typ`. Its times are the caller's to judge.
    pub(crate) fn verify(&self, token: &str, typ: Option<&str>) -> Option<Value> {
        if token.len() > MAX_TOKEN {
            return None;
        }
        let head = decode_header(token).ok()?;
        let key = self.0.iter().find(|key| Some(&*key.kid) == head.kid.as_deref())?;
        // The algorithm is the key's, never the token's.
        let mut validation = Validation::new(match key.algorithm {
            SigningAlgorithm::Es256 => Algorithm::ES256,
            SigningAlgorithm::Rs256 => Algorithm::RS256,
        });
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        let public = DecodingKey::from_jwk(&serde_json::from_value(key.jwk.clone()).ok()?).ok()?;
        let claims = decode::<Value>(token, &public, &validation).ok()?.claims;
        (head.typ.as_deref() == typ).then_some(claims)
    }
}

impl Key {
    fn read(kept: &SigningKey) -> Result<Self, KeyRejected> {
        let (pair, mut jwk) = match kept.algorithm {
            SigningAlgorithm::Es256 => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &kept.pkcs8)?;
                // An uncompressed point: 4, x, y.
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                let jwk = json!({ "kty": "EC", "crv": "P-256", "x": base64url(x), "y": base64url(y) });
                (Pair::Es256(pair), jwk)
            }
            SigningAlgorithm::Rs256 => {
                let pair = RsaKeyPair::from_pkcs8(&kept.pkcs8)?;
                let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                let jwk = json!({ "kty": "RSA", "n": base64url(&public.n), "e": base64url(&public.e) });
                (Pair::Rs256(Box::new(pair)), jwk)
            }
        };
        jwk["kid"] = (*kept.kid).into();
        jwk["alg"] = kept.algorithm.as_str().into();
        jwk["use"] = "sig".into();
        Ok(Self { kid: kept.kid.clone(), algorithm: kept.algorithm, pair, jwk })
    }

    fn signature(&self, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Es256(pair) => Ok(pair.sign(&random, message)?.as_ref().to_vec()),
            Pair::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)?;
                Ok(signature)
            }
        }
    }
}

fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn generate(algorithm: SigningAlgorithm, now: Timestamp) -> Result<SigningKey, Unspecified> {
    let pkcs8: Arc<[u8]> = match algorithm {
        SigningAlgorithm::Es256 => {
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())?.as_ref().into()
        }
        SigningAlgorithm::Rs256 => {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048)?;
            AsDer::<Pkcs8V1Der<'static>>::as_der(&pair)?.as_ref().into()
        }
    };
    Ok(SigningKey { kid: crate::random::id()?.into(), algorithm, pkcs8, created: now })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::MemoryStore;

    #[tokio::test]
    async fn a_restart_keeps_the_keys() {
        let store = MemoryStore::default();
        let first = Keys::open(&store, Timestamp::UNIX_EPOCH).await.unwrap();
        let second = Keys::open(&store, Timestamp::UNIX_EPOCH).await.unwrap();
        assert_eq!(first.jwks(), second.jwks());
        let token = first.sign(SigningAlgorithm::Rs256, Some("t"), &json!({ "a": 1 })).unwrap();
        assert_eq!(second.verify(&token, Some("t")), Some(json!({ "a": 1 })));
        assert_eq!(second.verify(&token, None), None);
    }

    #[tokio::test]
    async fn the_published_keys_hold_no_secret_member() {
        let keys = Keys::open(&MemoryStore::default(), Timestamp::UNIX_EPOCH).await.unwrap().jwks();
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
        let keys = Keys::open(&MemoryStore::default(), Timestamp::UNIX_EPOCH).await.unwrap();
        let token = keys.sign(SigningAlgorithm::Es256, None, &json!({ "sub": "alice" })).unwrap();
        let forged = keys.sign(SigningAlgorithm::Es256, None, &json!({ "sub": "mallory" })).unwrap();
        let signature = token.rsplit_once('.').unwrap().1;
        let forged = format!("{}.{signature}", forged.rsplit_once('.').unwrap().0);
        assert!(keys.verify(&token, None).is_some());
        assert!(keys.verify(&forged, None).is_none());
        let none = format!("{}.e30.", base64url(br#"{"alg":"none"}"#));
        assert!(keys.verify(&none, None).is_none());
    }
}

//! Making what the rest of this crate verifies: keys, DPoP proofs and access tokens.
//!
//! The provider signs its tokens with it, and this server's own identity proves itself with it. Times and ids are
//! arguments; only the generation of keys and the signatures use randomness.

use crate::algorithm::Algorithm;
use crate::jwk::PublicJwk;
use crate::jws::{encode, sha256};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
};
use podbell_model::{Timestamp, WebId};
use serde_json::{Value, json};
use std::fmt;

/// Keys could not be made, read or used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signing key cannot be used")]
pub struct KeyError;

enum Pair {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

/// A private key with the algorithm that it signs with. Its `Debug` form shows the thumbprint only.
pub struct SigningKey {
    pair: Pair,
    algorithm: Algorithm,
    public: PublicJwk,
    value: Value,
}

/// The claims of an access token, as Solid-OIDC servers in use expect them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessToken<'a> {
    /// Who issues it: the issuer string, exactly as published.
    pub issuer: &'a str,
    /// Whom it is for.
    pub webid: &'a WebId,
    /// The client that asked for it.
    pub client: &'a str,
    /// The thumbprint of the key that it is bound to.
    pub jkt: &'a str,
    /// Its unique name.
    pub jti: &'a str,
    /// When it is issued.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
}

impl SigningKey {
    /// Makes a new key; RSA keys have 2048 bits.
    pub fn generate(algorithm: Algorithm) -> Result<Self, KeyError> {
        let pair = match algorithm {
            Algorithm::Es256 | Algorithm::Es384 => {
                EcdsaKeyPair::generate(curve(algorithm)).map(Pair::Ecdsa).map_err(|_| KeyError)?
            }
            Algorithm::EdDsa => Ed25519KeyPair::generate().map(Pair::Ed25519).map_err(|_| KeyError)?,
            Algorithm::Ps256 | Algorithm::Rs256 => {
                RsaKeyPair::generate(KeySize::Rsa2048).map(Pair::Rsa).map_err(|_| KeyError)?
            }
        };
        Self::new(algorithm, pair)
    }

    /// Reads a key that [`Self::to_pkcs8`] has written.
    pub fn from_pkcs8(algorithm: Algorithm, pkcs8: &[u8]) -> Result<Self, KeyError> {
        let pair = match algorithm {
            Algorithm::Es256 | Algorithm::Es384 => {
                EcdsaKeyPair::from_pkcs8(curve(algorithm), pkcs8).map(Pair::Ecdsa).map_err(|_| KeyError)?
            }
            Algorithm::EdDsa => Ed25519KeyPair::from_pkcs8(pkcs8).map(Pair::Ed25519).map_err(|_| KeyError)?,
            Algorithm::Ps256 | Algorithm::Rs256 => {
                RsaKeyPair::from_pkcs8(pkcs8).map(Pair::Rsa).map_err(|_| KeyError)?
            }
        };
        Self::new(algorithm, pair)
    }

    /// The private key, to be kept where only this server can read it.
    pub fn to_pkcs8(&self) -> Result<Vec<u8>, KeyError> {
        match &self.pair {
            Pair::Ecdsa(pair) => pair.to_pkcs8v1().map(|der| der.as_ref().to_vec()).map_err(|_| KeyError),
            Pair::Ed25519(pair) => pair.to_pkcs8().map(|der| der.as_ref().to_vec()).map_err(|_| KeyError),
            Pair::Rsa(pair) => {
                AsDer::<Pkcs8V1Der<'_>>::as_der(pair).map(|der| der.as_ref().to_vec()).map_err(|_| KeyError)
            }
        }
    }

    fn new(algorithm: Algorithm, pair: Pair) -> Result<Self, KeyError> {
        let value = public_value(algorithm, &pair);
        let public = value.as_object().and_then(|key| PublicJwk::parse(key).ok()).ok_or(KeyError)?;
        Ok(Self { pair, algorithm, public, value })
    }

    /// The algorithm that it signs with.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Its public half.
    pub fn public(&self) -> &PublicJwk {
        &self.public
    }

    /// The required members of its public half: the `jwk` of a proof.
    pub fn public_value(&self) -> Value {
        self.value.clone()
    }

    /// Its public half as an issuer publishes it, named by its thumbprint.
    pub fn published(&self) -> Value {
        let mut value = self.public_value();
        value["kid"] = self.thumbprint().into();
        value["alg"] = self.algorithm.name().into();
        value["use"] = "sig".into();
        value
    }

    /// The RFC 7638 thumbprint of its public half.
    pub fn thumbprint(&self) -> &str {
        self.public.thumbprint()
    }

    /// Signs a message.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Ecdsa(pair) => pair.sign(&random, message).map(|s| s.as_ref().to_vec()).map_err(|_| KeyError),
            Pair::Ed25519(pair) => pair.try_sign(message).map(|s| s.as_ref().to_vec()).map_err(|_| KeyError),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                let padding: &'static dyn RsaEncoding =
                    if self.algorithm == Algorithm::Ps256 { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
                pair.sign(padding, &random, message, &mut signature).map_err(|_| KeyError)?;
                Ok(signature)
            }
        }
    }

    /// Makes a compact JWS of a header and claims, which are taken as they are.
    pub fn sign_parts(&self, header: &Value, claims: &Value) -> Result<String, KeyError> {
        let message = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
        let signature = self.sign(message.as_bytes())?;
        Ok(format!("{message}.{}", encode(signature)))
    }

    /// Makes a JWS that names this key by its thumbprint: an access token (`at+jwt`), an ID token (`JWT`).
    pub fn sign_token(&self, typ: &str, claims: &Value) -> Result<String, KeyError> {
        let header = json!({"alg": self.algorithm.name(), "typ": typ, "kid": self.thumbprint()});
        self.sign_parts(&header, claims)
    }

    /// Makes an access token for audience `solid`.
    pub fn issue(&self, token: &AccessToken<'_>) -> Result<String, KeyError> {
        let claims = json!({
            "iss": token.issuer,
            "sub": token.webid.as_str(),
            "webid": token.webid.as_str(),
            "aud": "solid",
            "client_id": token.client,
            "azp": token.client,
            "iat": token.issued_at.as_second(),
            "exp": token.expires.as_second(),
            "jti": token.jti,
            "cnf": {"jkt": token.jkt},
        });
        self.sign_token("at+jwt", &claims)
    }

    /// Makes a DPoP proof for one request; with `ath` if it is to stand beside an access token.
    ///
    /// `jti` must be used once only. Query and fragment of the URI are left out, as RFC 9449 asks.
    pub fn prove(
        &self,
        method: &str,
        uri: &str,
        jti: &str,
        now: Timestamp,
        access_token: Option<&str>,
    ) -> Result<String, KeyError> {
        self.prove_anew(method, uri, jti, now, access_token, None)
    }

    /// The same with the `nonce` that the server asked for.
    ///
    /// Spec: <https://www.rfc-editor.org/rfc/rfc9449#section-8>
    pub fn prove_anew(
        &self,
        method: &str,
        uri: &str,
        jti: &str,
        now: Timestamp,
        access_token: Option<&str>,
        nonce: Option<&str>,
    ) -> Result<String, KeyError> {
        let header = json!({"typ": "dpop+jwt", "alg": self.algorithm.name(), "jwk": self.value});
        let uri = &uri[..uri.find(['?', '#']).unwrap_or(uri.len())];
        let mut claims = json!({"jti": jti, "htm": method, "htu": uri, "iat": now.as_second()});
        if let Some(token) = access_token {
            claims["ath"] = sha256(token.as_bytes()).into();
        }
        if let Some(nonce) = nonce {
            claims["nonce"] = nonce.into();
        }
        self.sign_parts(&header, &claims)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("algorithm", &self.algorithm)
            .field("thumbprint", &self.thumbprint())
            .finish_non_exhaustive()
    }
}

fn curve(algorithm: Algorithm) -> &'static EcdsaSigningAlgorithm {
    if algorithm == Algorithm::Es384 { &ECDSA_P384_SHA384_FIXED_SIGNING } else { &ECDSA_P256_SHA256_FIXED_SIGNING }
}

fn public_value(algorithm: Algorithm, pair: &Pair) -> Value {
    match pair {
        Pair::Ecdsa(pair) => {
            let point = &pair.public_key().as_ref()[1..];
            let (x, y) = point.split_at(point.len() / 2);
            let curve = if algorithm == Algorithm::Es384 { "P-384" } else { "P-256" };
            json!({"kty": "EC", "crv": curve, "x": encode(x), "y": encode(y)})
        }
        Pair::Ed25519(pair) => json!({"kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key())}),
        Pair::Rsa(pair) => {
            let key = pair.public_key();
            let (n, e) = (key.modulus(), key.exponent());
            json!({
                "kty": "RSA",
                "n": encode(n.big_endian_without_leading_zero()),
                "e": encode(e.big_endian_without_leading_zero()),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_being_kept() {
        for algorithm in Algorithm::ALL {
            let key = SigningKey::generate(algorithm).unwrap();
            let again = SigningKey::from_pkcs8(algorithm, &key.to_pkcs8().unwrap()).unwrap();
            assert_eq!(again.thumbprint(), key.thumbprint(), "{algorithm}");
            assert!(key.public().verify(algorithm, b"m", &again.sign(b"m").unwrap()), "{algorithm}");
        }
        assert!(SigningKey::from_pkcs8(Algorithm::Es256, b"junk").is_err());
    }

    #[test]
    fn what_is_shown_of_a_key_holds_nothing_private() {
        let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
        assert!(PublicJwk::from_json(key.published().to_string().as_bytes()).is_ok());
        let shown = format!("{key:?}");
        assert!(shown.contains(key.thumbprint()) && shown.len() < 120, "{shown}");
    }
}

//! Public keys in JSON: parsed once, private ones refused, named by their thumbprint.
//!
//! Spec: <https://www.rfc-editor.org/rfc/rfc7517>, <https://www.rfc-editor.org/rfc/rfc7638>

use crate::algorithm::Algorithm;
use crate::json::{self, Object};
use crate::jws;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256,
    RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};
use serde_json::Value;
use std::sync::Arc;

/// Smallest RSA modulus, in bits.
pub const MIN_RSA_BITS: usize = 2048;
/// Largest RSA modulus, in bits: what a stranger can make this server compute with.
pub const MAX_RSA_BITS: usize = 8192;
/// Longest `kid`, `alg` or `use`, in bytes.
pub const MAX_NAME: usize = 512;

const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Why a JSON value is no public key that can be used here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwkError {
    /// Not a JSON object, or a member is absent or of the wrong form.
    #[error("the key is malformed")]
    Malformed,
    /// It holds private parts.
    #[error("the key is not only public")]
    Private,
    /// Its type or curve is not known here.
    #[error("the type of the key is not supported")]
    Unsupported,
    /// An RSA modulus outside of [`MIN_RSA_BITS`] to [`MAX_RSA_BITS`].
    #[error("the RSA key has {bits} bits")]
    Size {
        /// The size of its modulus.
        bits: usize,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Material {
    P256(Vec<u8>),
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
    Rsa { n: Vec<u8>, e: Vec<u8> },
}

/// A public key. Clones share their parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicJwk(Arc<Parts>);

#[derive(Debug, PartialEq, Eq)]
struct Parts {
    material: Material,
    thumbprint: String,
    kid: Option<String>,
    algorithm: Option<String>,
    usage: Option<String>,
}

impl PublicJwk {
    /// Parses a key that came as JSON text; duplicate members are refused.
    pub fn from_json(json: &[u8]) -> Result<Self, JwkError> {
        Self::parse(&json::object(json).ok_or(JwkError::Malformed)?)
    }

    /// Parses a key that stands in a larger document, which has been checked for duplicate members.
    pub(crate) fn parse(key: &Object) -> Result<Self, JwkError> {
        if PRIVATE.iter().any(|name| key.contains_key(*name)) {
            return Err(JwkError::Private);
        }
        let text = |name| json::text(key, name).ok_or(JwkError::Malformed);
        let bytes = |name| jws::decode(text(name)?).ok_or(JwkError::Malformed);
        let sized =
            |name, size| bytes(name).and_then(|b| if b.len() == size { Ok(b) } else { Err(JwkError::Malformed) });
        // An uncompressed point; that it lies on the curve is checked whenever it is used.
        let point = |size| Ok([vec![4], sized("x", size)?, sized("y", size)?].concat());
        // The required members in the order of their names, without spaces (RFC 7638 §3).
        let (material, canonical) = match (text("kty")?, json::text(key, "crv")) {
            ("EC", Some(curve @ ("P-256" | "P-384"))) => {
                let material = if curve == "P-256" { Material::P256(point(32)?) } else { Material::P384(point(48)?) };
                (material, format!(r#"{{"crv":"{curve}","kty":"EC","x":"{}","y":"{}"}}"#, text("x")?, text("y")?))
            }
            ("OKP", Some("Ed25519")) => {
                let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, text("x")?);
                (Material::Ed25519(sized("x", 32)?), canonical)
            }
            ("RSA", _) => {
                let canonical = format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, text("e")?, text("n")?);
                (rsa(bytes("n")?, bytes("e")?)?, canonical)
            }
            _ => return Err(JwkError::Unsupported),
        };
        let optional = |name| match key.get(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.len() <= MAX_NAME => Ok(Some(text.clone())),
            Some(_) => Err(JwkError::Malformed),
        };
        Ok(Self(Arc::new(Parts {
            material,
            thumbprint: jws::sha256(canonical.as_bytes()),
            kid: optional("kid")?,
            algorithm: optional("alg")?,
            usage: optional("use")?,
        })))
    }

    /// Its RFC 7638 thumbprint with SHA-256, in base64url.
    pub fn thumbprint(&self) -> &str {
        &self.0.thumbprint
    }

    /// The name that its publisher gave it.
    pub fn kid(&self) -> Option<&str> {
        self.0.kid.as_deref()
    }

    /// Whether the type and the curve of this key are those of the algorithm.
    pub fn fits(&self, algorithm: Algorithm) -> bool {
        matches!(
            (&self.0.material, algorithm),
            (Material::P256(_), Algorithm::Es256)
                | (Material::P384(_), Algorithm::Es384)
                | (Material::Ed25519(_), Algorithm::EdDsa)
                | (Material::Rsa { .. }, Algorithm::Ps256 | Algorithm::Rs256)
        )
    }

    /// Whether its publisher means it for signatures of that algorithm, by `use` and `alg`.
    pub(crate) fn meant_for(&self, algorithm: Algorithm) -> bool {
        self.fits(algorithm)
            && self.0.usage.as_deref().is_none_or(|usage| usage == "sig")
            && self.0.algorithm.as_deref().is_none_or(|name| name == algorithm.name())
    }

    /// Whether `signature` is a signature of `message` by this key; false also for a key of another type.
    pub fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let plain = |scheme: &'static dyn VerificationAlgorithm, key: &[u8]| {
            UnparsedPublicKey::new(scheme, key).verify(message, signature).is_ok()
        };
        let rsa = |scheme: &RsaParameters, n: &[u8], e: &[u8]| {
            RsaPublicKeyComponents { n, e }.verify(scheme, message, signature).is_ok()
        };
        match (&self.0.material, algorithm) {
            (Material::P256(point), Algorithm::Es256) => plain(&ECDSA_P256_SHA256_FIXED, point),
            (Material::P384(point), Algorithm::Es384) => plain(&ECDSA_P384_SHA384_FIXED, point),
            (Material::Ed25519(point), Algorithm::EdDsa) => plain(&ED25519, point),
            (Material::Rsa { n, e }, Algorithm::Rs256) => rsa(&RSA_PKCS1_2048_8192_SHA256, n, e),
            (Material::Rsa { n, e }, Algorithm::Ps256) => rsa(&RSA_PSS_2048_8192_SHA256, n, e),
            _ => false,
        }
    }
}

fn rsa(n: Vec<u8>, e: Vec<u8>) -> Result<Material, JwkError> {
    let (Some(&first), Some(&leading), Some(&last)) = (n.first(), e.first(), e.last()) else {
        return Err(JwkError::Malformed);
    };
    if first == 0 || leading == 0 || last % 2 == 0 || e.len() > 4 {
        return Err(JwkError::Malformed);
    }
    let bits = n.len() * 8 - first.leading_zeros() as usize;
    if !(MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits) {
        return Err(JwkError::Size { bits });
    }
    Ok(Material::Rsa { n, e })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prove::SigningKey;

    // The example of RFC 7638 §3.1.
    const RSA_N: &str = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";

    fn parse(json: &str) -> Result<PublicJwk, JwkError> {
        PublicJwk::from_json(json.as_bytes())
    }

    #[test]
    fn the_thumbprint_is_that_of_the_specification() {
        let key =
            parse(&format!(r#"{{"kty":"RSA","n":"{RSA_N}","e":"AQAB","alg":"RS256","kid":"2011-04-29"}}"#)).unwrap();
        assert_eq!(key.thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
        // RFC 8037 appendix A.3.
        let key = parse(r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#).unwrap();
        assert_eq!(key.thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn private_members_are_refused() {
        for member in PRIVATE {
            let json = format!(r#"{{"kty":"RSA","n":"{RSA_N}","e":"AQAB","{member}":"AQAB"}}"#);
            assert_eq!(parse(&json), Err(JwkError::Private), "{member}");
        }
        assert_eq!(parse(r#"{"kty":"oct","k":"AQAB"}"#), Err(JwkError::Private));
    }

    #[test]
    fn malformed_small_and_foreign_keys_are_refused() {
        let x = "A".repeat(43);
        for (json, error) in [
            (format!(r#"{{"kty":"EC","crv":"P-521","x":"{x}","y":"{x}"}}"#), JwkError::Unsupported),
            (format!(r#"{{"kty":"EC","crv":"secp256k1","x":"{x}","y":"{x}"}}"#), JwkError::Unsupported),
            (format!(r#"{{"kty":"OKP","crv":"X25519","x":"{x}"}}"#), JwkError::Unsupported),
            (r#"{"kty":"oct"}"#.into(), JwkError::Unsupported),
            (format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}"}}"#), JwkError::Malformed),
            (format!(r#"{{"kty":"EC","crv":"P-384","x":"{x}","y":"{x}"}}"#), JwkError::Malformed),
            (format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}=","y":"{x}"}}"#), JwkError::Malformed),
            (format!(r#"{{"kty":"RSA","n":"{RSA_N}","e":"AAEAAQ"}}"#), JwkError::Malformed),
            (format!(r#"{{"kty":"RSA","n":"{RSA_N}","e":"Ag"}}"#), JwkError::Malformed),
            (r#"{"kty":"RSA","n":"_w","e":"AQAB"}"#.into(), JwkError::Size { bits: 8 }),
            (format!(r#"{{"kty":"RSA","n":"{RSA_N}","e":"AQAB","kid":7}}"#), JwkError::Malformed),
            (format!(r#"{{"kty":"RSA","kty":"RSA","n":"{RSA_N}","e":"AQAB"}}"#), JwkError::Malformed),
            ("7".into(), JwkError::Malformed),
        ] {
            assert_eq!(parse(&json), Err(error), "{json}");
        }
        let small = jws::encode([0xff; 255]);
        let json = format!(r#"{{"kty":"RSA","n":"{small}","e":"AQAB"}}"#);
        assert_eq!(parse(&json), Err(JwkError::Size { bits: 2040 }));
    }

    #[test]
    fn a_signature_is_good_for_its_own_key_algorithm_and_message_only() {
        for algorithm in Algorithm::ALL {
            let (key, other) = (SigningKey::generate(algorithm).unwrap(), SigningKey::generate(algorithm).unwrap());
            let signature = key.sign(b"message").unwrap();
            assert!(key.public().verify(algorithm, b"message", &signature), "{algorithm}");
            assert!(!key.public().verify(algorithm, b"massage", &signature), "{algorithm}");
            assert!(!other.public().verify(algorithm, b"message", &signature), "{algorithm}");
            for wrong in Algorithm::ALL.into_iter().filter(|wrong| *wrong != algorithm) {
                assert!(!key.public().verify(wrong, b"message", &signature), "{algorithm} as {wrong}");
            }
            assert!(!key.public().verify(algorithm, b"message", &vec![0; signature.len()]), "zeroes for {algorithm}");
        }
    }
}

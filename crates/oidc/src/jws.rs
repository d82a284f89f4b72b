//! The compact form of a signed token: three parts, read with care and believed only after `verify`.
//!
//! Spec: <https://www.rfc-editor.org/rfc/rfc7515#section-7.1>

use crate::algorithm::Algorithm;
use crate::json::{self, Object};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Longest token or proof that is read, in bytes.
pub const MAX_BYTES: usize = 8 * 1024;

/// Why a text is no signed token that could be accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwsError {
    /// Longer than [`MAX_BYTES`].
    #[error("longer than {MAX_BYTES} bytes")]
    TooLong,
    /// Not three parts of base64url without padding.
    #[error("not a compact JWS")]
    Form,
    /// Header or claims are no JSON object, or a member stands twice.
    #[error("header or claims are no JSON object with distinct members")]
    Json,
    /// The header has an extension that must be understood, or names a key by URL.
    #[error("the header has a member that is not accepted")]
    Header,
    /// `alg` is absent or not an accepted signature algorithm.
    #[error("the signature algorithm is not accepted")]
    Algorithm,
}

/// A compact JWS, parsed, not verified.
pub(crate) struct Jws<'t> {
    pub(crate) header: Object,
    pub(crate) claims: Object,
    pub(crate) algorithm: Algorithm,
    pub(crate) message: &'t [u8],
    pub(crate) signature: Vec<u8>,
}

impl<'t> Jws<'t> {
    /// Parses a token of at most [`MAX_BYTES`] whose header asks for nothing that this server does not do.
    pub(crate) fn parse(text: &'t str) -> Result<Self, JwsError> {
        if text.len() > MAX_BYTES {
            return Err(JwsError::TooLong);
        }
        let (message, signature) = text.rsplit_once('.').ok_or(JwsError::Form)?;
        let (header, claims) = message.split_once('.').ok_or(JwsError::Form)?;
        let object = |part| json::object(&decode(part).ok_or(JwsError::Form)?).ok_or(JwsError::Json);
        let (header, claims) = (object(header)?, object(claims)?);
        let signature = decode(signature).ok_or(JwsError::Form)?;
        if ["crit", "jku", "x5u", "b64", "zip"].iter().any(|name| header.contains_key(*name)) {
            return Err(JwsError::Header);
        }
        let algorithm = json::text(&header, "alg").and_then(Algorithm::from_name).ok_or(JwsError::Algorithm)?;
        Ok(Self { header, claims, algorithm, message: message.as_bytes(), signature })
    }
}

/// Base64url without padding; padding, other alphabets and stray bits are refused.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Base64url without padding.
pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// SHA-256, in base64url: the form of `ath` and `jkt`.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(header: &str, claims: &str) -> String {
        format!("{}.{}.{}", encode(header), encode(claims), encode("signature"))
    }

    fn refusal(text: &str) -> Option<JwsError> {
        Jws::parse(text).err()
    }

    #[test]
    fn each_fault_of_form_is_told() {
        let good = token(r#"{"alg":"ES256"}"#, "{}");
        assert_eq!(refusal(&good), None);
        assert_eq!(refusal(&format!("{good}=")), Some(JwsError::Form));
        assert_eq!(refusal(&format!("{good}.x")), Some(JwsError::Form));
        assert_eq!(refusal("a.b"), Some(JwsError::Form));
        assert_eq!(refusal(""), Some(JwsError::Form));
        assert_eq!(refusal(&token(r#"{"alg":"ES256"}"#, r#"{"a":1,"a":2}"#)), Some(JwsError::Json));
        assert_eq!(refusal(&token(r#"{"alg":"none","alg":"ES256"}"#, "{}")), Some(JwsError::Json));
        assert_eq!(refusal(&token("7", "{}")), Some(JwsError::Json));
        for alg in ["\"none\"", "\"HS256\"", "\"ES512\"", "7", "null"] {
            assert_eq!(refusal(&token(&format!(r#"{{"alg":{alg}}}"#), "{}")), Some(JwsError::Algorithm), "{alg}");
        }
        for member in ["crit", "jku", "x5u", "b64", "zip"] {
            let header = format!(r#"{{"alg":"ES256","{member}":[]}}"#);
            assert_eq!(refusal(&token(&header, "{}")), Some(JwsError::Header), "{member}");
        }
    }

    #[test]
    fn a_long_token_is_refused_at_the_limit() {
        let short = token(r#"{"alg":"ES256"}"#, "{}");
        let signature = "A".repeat((MAX_BYTES - short.len()) / 4 * 4);
        let long = format!("{}.{}", short.rsplit_once('.').unwrap().0, signature);
        assert_eq!(refusal(&long), None);
        assert_eq!(refusal(&format!("{long}{}", "A".repeat(MAX_BYTES))), Some(JwsError::TooLong));
    }
}

//! Random ids and secrets, and how they are compared.

use crate::store::SecretHash;
use aws_lc_rs::{constant_time, digest, error::Unspecified, rand};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use podbell_model::Uuid;

/// `N` random bytes.
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], Unspecified> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes)?;
    Ok(bytes)
}

/// 128 random bits in `[A-Za-z0-9_-]`: names things that cannot be guessed.
pub(crate) fn id() -> Result<String, Unspecified> {
    Ok(URL_SAFE_NO_PAD.encode(bytes::<16>()?))
}

/// 256 random bits in `[A-Za-z0-9_-]`, which every client writes into a Basic header in the same way.
pub(crate) fn secret() -> Result<String, Unspecified> {
    Ok(URL_SAFE_NO_PAD.encode(bytes::<32>()?))
}

/// A random UUID.
pub(crate) fn uuid() -> Result<Uuid, Unspecified> {
    Ok(uuid::Builder::from_random_bytes(bytes()?).into_uuid())
}

/// What is kept of a secret.
pub(crate) fn hash(secret: &str) -> SecretHash {
    SecretHash(sha256(secret.as_bytes()))
}

pub(crate) fn sha256(data: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, data).as_ref());
    hash
}

/// Whether a secret is the one that was kept; takes the same time for every wrong one.
pub(crate) fn matches(secret: &str, kept: &SecretHash) -> bool {
    constant_time::verify_slices_are_equal(&hash(secret).0, &kept.0).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_secrets_need_no_escaping_in_a_basic_header() {
        for text in [id().unwrap(), secret().unwrap()] {
            assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'), "{text}");
        }
        assert_ne!(secret().unwrap(), secret().unwrap());
    }

    #[test]
    fn only_the_secret_itself_matches_its_hash() {
        assert!(matches("secret", &hash("secret")));
        assert!(!matches("Secret", &hash("secret")));
        assert!(!matches("", &hash("secret")));
    }
}

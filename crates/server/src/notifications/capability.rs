//! Capabilities: what opens a connection to a channel. Random, kept only as a hash, unrelated to the channel's id.

use aws_lc_rs::{digest, rand};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

/// Random bytes of a capability; 128 bits are the least.
const BYTES: usize = 24;

/// A new capability: the text for its URL, and its hash.
pub(super) fn new() -> Result<(String, [u8; 32]), aws_lc_rs::error::Unspecified> {
    let mut bytes = [0; BYTES];
    rand::fill(&mut bytes)?;
    let text = BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let hash = hash(&text);
    Ok((text, hash))
}

/// What a capability is looked up by.
pub(super) fn hash(text: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_capabilities_differ_and_fit_into_a_url() {
        let (one, two) = (new().unwrap(), new().unwrap());
        assert_ne!(one.0, two.0);
        assert_eq!(one.0.len(), 32);
        assert_eq!(one.1, hash(&one.0));
        assert!(one.0.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
    }
}

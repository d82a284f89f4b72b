//! What led to a change travels with what is sent about it, sealed, and comes back with what a receiver writes.
//!
//! A chain names channels, so only this server can read it: sealed with the key of this history, of one length however
//! long the chain is, and of use for an hour. What cannot be read is no chain. Whoever sends one on keeps the channels in
//! it from hearing of that one write, and no others.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue};
use podbell_log::MAX_CAUSES;
use podbell_model::{ResourceIri, Timestamp, Uuid};
use std::sync::Arc;

pub use podbell_delivery::push::CAUSE;

/// How long a chain is believed, in seconds.
const LIFE: i64 = 3_600;
/// How far another clock of this history may be ahead, in seconds.
const AHEAD: i64 = 60;
/// Most channels that are sealed: one more than may be, so that a storm stays one.
const MOST: usize = MAX_CAUSES + 1;
/// How it is written, when it was sealed, how many there are.
const HEAD: usize = 1 + 8 + 1;
/// All of it, before it is sealed.
const PLAIN: usize = HEAD + MOST * 16;
const VERSION: u8 = 1;
const BOUND: &[u8] = b"podbell-cause";

/// Seals and opens chains of causes.
#[derive(Debug)]
pub struct Causes {
    key: LessSafeKey,
}

impl Causes {
    /// With the key of this history.
    ///
    /// # Errors
    /// If the cryptography cannot be had.
    pub fn new(key: &[u8; 32]) -> Result<Self, aws_lc_rs::error::Unspecified> {
        Ok(Self { key: LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key)?) })
    }

    /// The value of [`CAUSE`] for a chain; none if it is empty.
    pub fn seal(&self, causes: &[Uuid], now: Timestamp) -> Option<HeaderValue> {
        let causes = &causes[..causes.len().min(MOST)];
        let count = u8::try_from(causes.len()).ok().filter(|count| *count > 0)?;
        let mut sealed = Vec::with_capacity(NONCE_LEN + PLAIN + 16);
        sealed.push(VERSION);
        sealed.extend_from_slice(&now.as_second().to_be_bytes());
        sealed.push(count);
        sealed.extend(causes.iter().flat_map(|cause| *cause.as_bytes()));
        sealed.resize(PLAIN, 0);
        let mut nonce = [0; NONCE_LEN];
        aws_lc_rs::rand::fill(&mut nonce).ok()?;
        self.key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(BOUND), &mut sealed).ok()?;
        sealed.splice(..0, nonce);
        BASE64_URL_SAFE_NO_PAD.encode(sealed).try_into().ok()
    }

    /// What led to a request; nothing if it does not say, or not in a way that can be believed.
    pub fn of(&self, headers: &HeaderMap, now: Timestamp) -> Arc<[Uuid]> {
        let sealed = headers.get(CAUSE).map(HeaderValue::as_bytes);
        sealed.and_then(|sealed| self.open(sealed, now)).unwrap_or_default()
    }

    fn open(&self, sealed: &[u8], now: Timestamp) -> Option<Arc<[Uuid]>> {
        let sealed = BASE64_URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN)?;
        let (nonce, mut sealed) = (Nonce::try_assume_unique_for_key(nonce).ok()?, sealed.to_vec());
        let plain = self.key.open_in_place(nonce, Aad::from(BOUND), &mut sealed).ok()?;
        let (version, rest) = plain.split_first()?;
        let (since, rest) = rest.split_first_chunk::<8>()?;
        let (count, rest) = rest.split_first()?;
        let age = now.as_second().checked_sub(i64::from_be_bytes(*since))?;
        if *version != VERSION || !(-AHEAD..LIFE).contains(&age) {
            return None;
        }
        let causes = rest.get(..usize::from(*count) * 16)?.chunks_exact(16);
        causes.map(|cause| Uuid::from_slice(cause).ok()).collect()
    }
}

/// Notes a change of which those who led to it are pushed nothing any more.
pub fn note_storm(causes: &[Uuid], resource: &ResourceIri) {
    if causes.len() > MAX_CAUSES {
        let length = causes.len();
        tracing::warn!(
            causes.length = length,
            resource = %resource,
            "{length} deliveries in a row led to a change of {resource}: those whose they are are pushed nothing of it"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(length: u128) -> Vec<Uuid> {
        (0..length).map(Uuid::from_u128).collect()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    fn headers(value: HeaderValue) -> HeaderMap {
        HeaderMap::from_iter([(CAUSE, value)])
    }

    #[test]
    fn a_chain_comes_back_as_it_was_and_tells_nothing_on_the_way() {
        let causes = Causes::new(&[7; 32]).unwrap();
        for length in 1..=20 {
            let chain = chain(length);
            let sealed = causes.seal(&chain, at(0)).unwrap();
            assert_eq!(sealed.len(), 414, "however long the chain is");
            assert_ne!(causes.seal(&chain, at(0)).unwrap(), sealed);
            let opened = causes.of(&headers(sealed), at(LIFE - 1));
            assert_eq!(*opened, chain[..chain.len().min(MAX_CAUSES + 1)]);
        }
        assert!(causes.seal(&[], at(0)).is_none());
    }

    #[test]
    fn what_is_old_damaged_or_of_another_history_is_no_chain() {
        let causes = Causes::new(&[7; 32]).unwrap();
        let sealed = causes.seal(&chain(2), at(0)).unwrap();
        for second in [LIFE, 100 * LIFE, -AHEAD - 1] {
            assert!(causes.of(&headers(sealed.clone()), at(second)).is_empty(), "{second}");
        }
        assert!(Causes::new(&[8; 32]).unwrap().of(&headers(sealed.clone()), at(0)).is_empty());
        for place in 0..sealed.len() {
            let mut damaged = sealed.as_bytes().to_vec();
            damaged[place] = if damaged[place] == b'A' { b'B' } else { b'A' };
            assert!(causes.of(&headers(HeaderValue::from_bytes(&damaged).unwrap()), at(0)).is_empty(), "{place}");
        }
        for text in ["", "x", "AAAA", &"A".repeat(10_000), "\u{e9}"] {
            assert!(causes.of(&headers(HeaderValue::from_bytes(text.as_bytes()).unwrap()), at(0)).is_empty());
        }
        assert!(causes.of(&HeaderMap::new(), at(0)).is_empty());
    }
}

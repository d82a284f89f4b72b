//! Whom a socket speaks for that is opened by `Updates-Via`: deployed clients send no credentials on it.
//!
//! A capability says which agent, with which client and issuer, it was made for, in which storage, and since when. It is
//! kept nowhere: all of that is sealed in it. It opens nothing by itself: Read of that agent is judged at every
//! subscription and every notification.
//!
//! Clients keep sockets by URL, so equal input gives equal text, for half of its life. That needs an encryption which
//! loses nothing by sealing twice under one nonce: AES-GCM-SIV, where equal texts show that they are equal and nothing
//! more.
//!
//! Spec: <https://www.rfc-editor.org/rfc/rfc8452>

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use podbell_model::{StorageId, Subject, Timestamp, WebId};
use std::{sync::Arc, time::Duration};

/// How it is written; sealed along with it.
const BOUND: &[u8] = b"podbell-solid-0.1-1";
/// The longest that is given out and looked at, in characters: it must fit into a URL of 2 KiB beside a host.
const MAX: usize = 1_536;
/// How far the clock may have gone back since one was made, in seconds.
const AHEAD: i64 = 60;

/// Seals and opens capabilities.
#[derive(Debug)]
pub struct Capabilities {
    key: LessSafeKey,
    /// In seconds.
    life: i64,
}

/// What a capability says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Whom it was made for; the origin is that of who opens the socket, and is not in it.
    pub subject: Subject,
    /// In which storage it speaks for them; in every other one its holder is anybody.
    pub storage: StorageId,
    /// When it ends.
    pub until: Timestamp,
}

impl Capabilities {
    /// With a key of this history. What is given out is good for half of `life` at least.
    ///
    /// # Errors
    /// If the cryptography cannot be had.
    pub fn new(key: &[u8; 32], life: Duration) -> Result<Self, aws_lc_rs::error::Unspecified> {
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM_SIV, key)?);
        Ok(Self { key, life: i64::try_from(life.as_secs()).unwrap_or(i64::MAX / 4) })
    }

    /// The capability of an agent; none for the public, and for an agent whose names are too long for a URL.
    pub fn seal(&self, subject: &Subject, storage: StorageId, now: Timestamp) -> Option<String> {
        let webid = subject.webid.as_ref()?;
        let mut sealed = Vec::with_capacity(256);
        sealed.extend_from_slice(&storage.0.to_be_bytes());
        sealed.extend_from_slice(&self.since(now).to_be_bytes());
        for name in [Some(webid.as_str()), subject.issuer.as_deref(), subject.client.as_deref()] {
            // What is absent is no empty name.
            let length =
                name.map_or(Some(u16::MAX), |name| u16::try_from(name.len()).ok().filter(|n| *n != u16::MAX))?;
            sealed.extend_from_slice(&length.to_be_bytes());
            sealed.extend_from_slice(name.unwrap_or_default().as_bytes());
        }
        self.key.seal_in_place_append_tag(nonce(), Aad::from(BOUND), &mut sealed).ok()?;
        Some(BASE64_URL_SAFE_NO_PAD.encode(sealed)).filter(|text| text.len() <= MAX)
    }

    /// What a capability says; none if it has ended, is of another history, or is none.
    pub fn open(&self, text: &str, now: Timestamp) -> Option<Opened> {
        let text = Some(text).filter(|text| text.len() <= MAX)?;
        let mut sealed = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let plain = self.key.open_in_place(nonce(), Aad::from(BOUND), &mut sealed).ok()?;
        let (storage, rest) = plain.split_first_chunk::<8>()?;
        let (since, mut rest) = rest.split_first_chunk::<8>()?;
        let since = i64::from_be_bytes(*since);
        let mut name = || {
            let (length, after) = rest.split_first_chunk::<2>()?;
            let length = u16::from_be_bytes(*length);
            let (name, after) = after.split_at_checked(if length == u16::MAX { 0 } else { length.into() })?;
            rest = after;
            let name = std::str::from_utf8(name).ok()?;
            Some((length != u16::MAX).then(|| Arc::<str>::from(name)))
        };
        let (webid, issuer, client) = (name()??, name()?, name()?);
        let until = since.checked_add(self.life)?;
        if !(since.saturating_sub(AHEAD)..until).contains(&now.as_second()) {
            return None;
        }
        Some(Opened {
            subject: Subject { webid: Some(WebId::new(webid)), client, issuer, origin: None },
            storage: StorageId(u64::from_be_bytes(*storage)),
            until: Timestamp::from_second(until).ok()?,
        })
    }

    /// When those began that are given out now.
    fn since(&self, now: Timestamp) -> i64 {
        let stable = (self.life / 2).max(1);
        now.as_second().div_euclid(stable) * stable
    }
}

/// The same every time: what is sealed is told apart by what it says.
fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFE: i64 = 14 * 24 * 3_600;
    const HALF: i64 = LIFE / 2;
    /// When a half of a life begins.
    const BEGIN: i64 = HALF * 3_000;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(BEGIN + second).unwrap()
    }

    fn capabilities(key: u8) -> Capabilities {
        Capabilities::new(&[key; 32], Duration::from_secs(LIFE.unsigned_abs())).unwrap()
    }

    fn agent(webid: &str, issuer: Option<&str>, client: Option<&str>) -> Subject {
        let (issuer, client) = (issuer.map(Arc::from), client.map(Arc::from));
        Subject { webid: Some(WebId::new(webid)), client, issuer, origin: None }
    }

    fn bob() -> Subject {
        agent("https://bob.example/#me", Some("https://op.example/"), Some("https://app.example/id"))
    }

    #[test]
    fn one_capability_is_given_out_for_half_of_its_life_and_is_good_for_the_other_half_at_least() {
        let capabilities = capabilities(7);
        let first = capabilities.seal(&bob(), StorageId(3), at(0)).unwrap();
        assert!(first.len() < 256, "{}", first.len());
        assert!(first.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
        assert_eq!(capabilities.seal(&bob(), StorageId(3), at(HALF - 1)).as_ref(), Some(&first));
        let next = capabilities.seal(&bob(), StorageId(3), at(HALF)).unwrap();
        assert_ne!(next, first);
        let opened = Some(Opened { subject: bob(), storage: StorageId(3), until: at(LIFE) });
        for second in [0, HALF - 1, HALF, LIFE - 1, -AHEAD] {
            assert_eq!(capabilities.open(&first, at(second)), opened, "{second}");
        }
        for second in [LIFE, 10 * LIFE, -AHEAD - 1, -LIFE] {
            assert_eq!(capabilities.open(&first, at(second)), None, "{second}");
        }
        assert_eq!(capabilities.open(&next, at(LIFE)).unwrap().until, at(HALF + LIFE));
    }

    #[test]
    fn whoever_differs_in_one_name_has_another_one_and_the_origin_is_no_part_of_it() {
        let capabilities = capabilities(7);
        let subjects = [
            agent("a", None, None),
            agent("a", None, Some("")),
            agent("a", Some(""), None),
            agent("ab", None, None),
            agent("a", Some("b"), None),
            agent("a", None, Some("b")),
            agent("a", Some("b\0"), Some("c")),
            agent("a", Some("b"), Some("\0c")),
        ];
        let mut seen = std::collections::HashSet::new();
        for subject in &subjects {
            for storage in [1, 2] {
                let text = capabilities.seal(subject, StorageId(storage), at(0)).unwrap();
                let opened = capabilities.open(&text, at(0)).unwrap();
                assert_eq!((&opened.subject, opened.storage), (subject, StorageId(storage)));
                assert!(seen.insert(text), "{subject:?} {storage}");
            }
        }
        let elsewhere = Subject { origin: Some("https://app.example".into()), ..bob() };
        assert_eq!(capabilities.seal(&elsewhere, StorageId(1), at(0)), capabilities.seal(&bob(), StorageId(1), at(0)));
    }

    #[test]
    fn the_public_has_none_and_nobody_one_that_fits_into_no_url() {
        let capabilities = capabilities(7);
        assert_eq!(capabilities.seal(&Subject::public(), StorageId(1), at(0)), None);
        for length in [1_500, 70_000] {
            let long = agent("https://bob.example/#me", None, Some(&"c".repeat(length)));
            assert_eq!(capabilities.seal(&long, StorageId(1), at(0)), None, "{length}");
        }
    }

    #[test]
    fn what_is_damaged_made_up_or_of_another_history_opens_nothing() {
        let good = capabilities(7);
        let text = good.seal(&bob(), StorageId(1), at(0)).unwrap();
        assert_eq!(capabilities(8).open(&text, at(0)), None);
        for place in 0..text.len() {
            let mut damaged = text.clone().into_bytes();
            damaged[place] = if damaged[place] == b'A' { b'B' } else { b'A' };
            assert_eq!(good.open(std::str::from_utf8(&damaged).unwrap(), at(0)), None, "{place}");
        }
        for text in ["", "x", &text[1..], &text[..text.len() - 4], &"A".repeat(MAX), &"A".repeat(100_000), "\u{e9}"] {
            assert_eq!(good.open(text, at(0)), None);
        }
    }
}

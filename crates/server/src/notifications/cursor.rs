//! Cursors as clients hold them: sealed, of one length, different each time, bound to an agent and to storages.
//!
//! Whoever holds one learns nothing from it. It opens for the agent for whom it was made (one made for the public opens
//! for everybody), on channels over the storages that it was made for, and as long as the key is that of the history. What
//! was told on a channel that is gone on with by who was connected before opens on that channel alone, and nothing else
//! does there: its URL was used, and may stand in a log.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use podbell_hub::{CURSOR, Channel, Cursor, Cursors, Position, Topic};
use podbell_model::{Sequence, StorageId, StreamPosition, Subject};

/// Sequence, part, and two bytes that say how they are written.
const PLAIN: usize = 14;
/// What these two bytes are.
const VERSION: [u8; 2] = [0, 1];
/// Nonce, plain text, tag.
const SEALED: usize = NONCE_LEN + PLAIN + 16;
const _: () = assert!(SEALED.div_ceil(3) * 4 == CURSOR, "a cursor has the length that the hub leaves for it");

/// Seals and opens cursors.
#[derive(Debug)]
pub struct Seals {
    key: LessSafeKey,
}

impl Seals {
    /// With the key of this history.
    ///
    /// # Errors
    /// If the cryptography cannot be had.
    pub fn new(key: &[u8; 32]) -> Result<Self, aws_lc_rs::error::Unspecified> {
        Ok(Self { key: LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key)?) })
    }

    /// A cursor for a reader of one storage: what follows is everything after that commit.
    pub fn at(&self, subject: &Subject, storage: StorageId, sequence: Sequence) -> Option<Cursor> {
        self.sealed(bound(subject, &mut [storage]), Position::after(sequence))
    }

    /// What a cursor says to a listener; none if it is not for this one, or of another history, or no cursor.
    pub fn open(&self, cursor: &str, subject: &Subject, topics: &[Topic]) -> Option<Position> {
        let mut storages: Vec<_> = topics.iter().map(|topic| topic.storage).collect();
        let mut opened = |subject: &Subject| self.opened(cursor, bound(subject, &mut storages));
        opened(subject).or_else(|| opened(&Subject::public()))
    }

    /// The same to who comes back to a channel.
    pub fn open_on(&self, cursor: &str, channel: &Channel) -> Option<Position> {
        match own(channel) {
            Some(bound) => self.opened(cursor, bound),
            None => self.open(cursor, &channel.subject, &channel.topics),
        }
    }

    /// The place in the log of a storage from which an owner looks further back.
    pub fn page(&self, subject: &Subject, storage: StorageId, place: StreamPosition) -> Option<Cursor> {
        let position = Position::after(Sequence(place.offset));
        self.sealed(looked_at(subject, storage, place.epoch), position)
    }

    /// What that says; none if it was made for somebody else, for another storage or in another epoch, or is anything else.
    pub fn open_page(&self, cursor: &str, subject: &Subject, storage: StorageId, epoch: u64) -> Option<StreamPosition> {
        let opened = self.opened(cursor, looked_at(subject, storage, epoch))?;
        Some(StreamPosition { epoch, offset: opened.sequence.0 })
    }

    fn opened(&self, cursor: &str, bound: Vec<u8>) -> Option<Position> {
        let sealed = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok().filter(|sealed| sealed.len() == SEALED)?;
        let (nonce, rest) = sealed.split_at(NONCE_LEN);
        let (nonce, mut rest) = (Nonce::try_assume_unique_for_key(nonce).ok()?, rest.to_vec());
        let plain = self.key.open_in_place(nonce, Aad::from(bound), &mut rest).ok()?;
        let (sequence, rest) = plain.split_first_chunk::<8>()?;
        let (part, version) = rest.split_first_chunk::<4>()?;
        let (sequence, part) = (Sequence(u64::from_be_bytes(*sequence)), u32::from_be_bytes(*part));
        (version == VERSION).then_some(Position { sequence, part })
    }

    fn sealed(&self, bound: Vec<u8>, position: Position) -> Option<Cursor> {
        let mut nonce = [0; NONCE_LEN];
        aws_lc_rs::rand::fill(&mut nonce).ok()?;
        let mut sealed = Vec::with_capacity(SEALED);
        sealed.extend_from_slice(&position.sequence.0.to_be_bytes());
        sealed.extend_from_slice(&position.part.to_be_bytes());
        sealed.extend_from_slice(&VERSION);
        let (nonce_once, bound) = (Nonce::assume_unique_for_key(nonce), Aad::from(bound));
        self.key.seal_in_place_append_tag(nonce_once, bound, &mut sealed).ok()?;
        sealed.splice(..0, nonce);
        BASE64_URL_SAFE_NO_PAD.encode(sealed).into_bytes().try_into().ok()
    }
}

/// Whom and what a cursor is for.
fn bound(subject: &Subject, storages: &mut [StorageId]) -> Vec<u8> {
    storages.sort_unstable();
    let mut bound = Vec::with_capacity(64);
    let mut last = None;
    for storage in storages.iter().filter(|storage| last.replace(**storage) != Some(**storage)) {
        bound.extend_from_slice(&storage.0.to_be_bytes());
    }
    bound.push(b'|');
    if let Some(webid) = &subject.webid {
        bound.extend_from_slice(webid.as_str().as_bytes());
    }
    bound
}

/// What places are bound to from which an owner looks back. As with [`own`], listeners' cursors are bound to nothing like
/// that: no storage has such a number.
fn looked_at(subject: &Subject, storage: StorageId, epoch: u64) -> Vec<u8> {
    let webid = subject.webid.as_ref().map_or("", |webid| webid.as_str());
    [b"|activity|", &storage.0.to_be_bytes()[..], &epoch.to_be_bytes(), webid.as_bytes()].concat()
}

/// What the cursors of a channel are bound to that is gone on with after its capability was used up. No WebID begins like
/// that, so it is nothing that cursors for readers are bound to.
fn own(channel: &Channel) -> Option<Vec<u8>> {
    let lingers = channel.linger.is_some_and(|linger| !linger.is_zero());
    lingers.then(|| [b"|channel|", &channel.id.0.as_bytes()[..]].concat())
}

impl Cursors for Seals {
    fn seal(&self, channel: &Channel, position: Position) -> Cursor {
        let bound = own(channel).unwrap_or_else(|| {
            let mut storages: Vec<_> = channel.topics.iter().map(|topic| topic.storage).collect();
            bound(&channel.subject, &mut storages)
        });
        // Without randomness nothing is sealed: such a cursor opens nothing, and coming back with it is a gap.
        self.sealed(bound, position).unwrap_or([b'A'; CURSOR])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use podbell_hub::{ChannelId, RenderingId};
    use podbell_model::{ResourceIri, Timestamp, Uuid, WebId};
    use std::{sync::Arc, time::Duration};

    fn agent(name: &str) -> Subject {
        Subject::agent(WebId::new(format!("https://{name}.example/#me")))
    }

    fn topics(storages: &[u64]) -> Vec<Topic> {
        let resource = ResourceIri::parse("https://pod.example/a").unwrap();
        storages.iter().map(|id| Topic { storage: StorageId(*id), resource: resource.clone() }).collect()
    }

    #[test]
    fn a_cursor_opens_for_its_agent_and_storage_alone_and_is_never_the_same() {
        let seals = Seals::new(&[7; 32]).unwrap();
        let (bob, public) = (agent("bob"), Subject::public());
        let make = |subject: &Subject| {
            String::from_utf8(seals.at(subject, StorageId(1), Sequence(9)).unwrap().into()).unwrap()
        };
        let cursor = make(&bob);
        let place = Some(Position::after(Sequence(9)));
        assert_ne!(make(&bob), cursor);
        assert_eq!(cursor.len(), CURSOR);
        assert_eq!(seals.open(&cursor, &bob, &topics(&[1, 1])), place);
        for (subject, storages) in [(&agent("eve"), &[1][..]), (&public, &[1]), (&bob, &[2]), (&bob, &[1, 2])] {
            assert_eq!(seals.open(&cursor, subject, &topics(storages)), None);
        }
        assert_eq!(
            seals.open(&make(&public), &bob, &topics(&[1])),
            place,
            "what everybody may have opens for everybody"
        );
        assert_eq!(Seals::new(&[8; 32]).unwrap().open(&cursor, &bob, &topics(&[1])), None);
    }

    #[test]
    fn a_channel_that_is_gone_on_with_opens_for_what_was_told_on_it_alone() {
        let seals = Seals::new(&[7; 32]).unwrap();
        let channel = |number, linger| {
            let (id, subject) = (ChannelId(Uuid::from_u128(number)), Arc::new(agent("bob")));
            let made = Channel::new(id, subject, topics(&[1]).into(), RenderingId(0), Timestamp::UNIX_EPOCH);
            Channel { linger, ..made }
        };
        let (minute, place) = (Some(Duration::from_mins(1)), Position::after(Sequence(9)));
        let seal = |channel: &Channel| String::from_utf8(seals.seal(channel, place).into()).unwrap();
        let one = channel(1, minute);
        let narrowed = Channel { topics: topics(&[2]).into(), ..one.clone() };
        assert_eq!(seals.open_on(&seal(&one), &one), Some(place));
        assert_eq!(seals.open_on(&seal(&one), &narrowed), Some(place));
        let read = |subject: &Subject| {
            String::from_utf8(seals.at(subject, StorageId(1), Sequence(9)).unwrap().into()).unwrap()
        };
        for other in [seal(&channel(2, minute)), seal(&channel(1, None)), read(&agent("bob")), read(&Subject::public())]
        {
            assert_eq!(seals.open_on(&other, &one), None);
        }
        for other in [channel(2, minute), channel(1, None), channel(1, Some(Duration::ZERO))] {
            assert_eq!(seals.open_on(&seal(&one), &other), None);
        }
        assert_eq!(seals.open_on(&read(&Subject::public()), &channel(1, None)), Some(place));
    }

    #[test]
    fn a_place_to_look_back_from_opens_for_its_agent_storage_and_epoch_and_is_no_cursor() {
        let seals = Seals::new(&[7; 32]).unwrap();
        let (bob, storage, place) = (agent("bob"), StorageId(1), StreamPosition { epoch: 5, offset: 9 });
        let text = |cursor: Cursor| String::from_utf8(cursor.into()).unwrap();
        let page = text(seals.page(&bob, storage, place).unwrap());
        assert_ne!(text(seals.page(&bob, storage, place).unwrap()), page);
        assert_eq!(seals.open_page(&page, &bob, storage, 5), Some(place));
        assert_eq!(seals.open_page(&page, &agent("eve"), storage, 5), None);
        assert_eq!(seals.open_page(&page, &Subject::public(), storage, 5), None);
        assert_eq!(seals.open_page(&page, &bob, StorageId(2), 5), None);
        assert_eq!(seals.open_page(&page, &bob, storage, 6), None);
        assert_eq!(Seals::new(&[8; 32]).unwrap().open_page(&page, &bob, storage, 5), None);
        assert_eq!(seals.open(&page, &bob, &topics(&[1])), None);
        let cursor = text(seals.at(&bob, storage, Sequence(9)).unwrap());
        assert_eq!(seals.open_page(&cursor, &bob, storage, 5), None);
    }

    #[test]
    fn what_is_no_cursor_opens_nothing() {
        let seals = Seals::new(&[7; 32]).unwrap();
        let cursor = String::from_utf8(seals.at(&agent("bob"), StorageId(1), Sequence(9)).unwrap().into()).unwrap();
        for at in 0..CURSOR {
            let mut damaged = cursor.clone().into_bytes();
            damaged[at] = if damaged[at] == b'A' { b'B' } else { b'A' };
            let damaged = String::from_utf8(damaged).unwrap();
            assert_eq!(seals.open(&damaged, &agent("bob"), &topics(&[1])), None, "{damaged}");
        }
        for text in ["", "x", &cursor[1..], &"A".repeat(10_000), "\u{e9}"] {
            assert_eq!(seals.open(text, &agent("bob"), &topics(&[1])), None);
        }
    }
}

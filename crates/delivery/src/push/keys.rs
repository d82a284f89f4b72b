//! The keys that this server signs with as the sender of what it pushes.
//!
//! Each purpose has keys of its own: what one key signs never means something in another place. A new key is published
//! a day before it signs, and an old one for two days after it last did, so whoever keeps what was published for some
//! hours always holds the key that is needed. When a key signs and how long it is published follows from what is kept
//! alone; the time is an argument.
//!
//! Spec: <https://www.w3.org/TR/cid-1.0/#verification-methods>; the keys of Web Push stay, since browsers bind a
//! subscription to them: <https://www.rfc-editor.org/rfc/rfc8292#section-4>

mod change;
mod store;

pub use change::Change;
pub use store::{KeptKey, KeyStore, KeyStoreError, Purpose};

use parking_lot::RwLock;
use podbell_model::Timestamp;
use podbell_oidc::{Algorithm, KeyError, SigningKey};
use std::{sync::Arc, time::Duration};

/// How long a key is published before it signs.
pub const LEAD: Duration = Duration::from_hours(24);
/// How long a key is published after another one took its place.
pub const AFTER: Duration = Duration::from_hours(48);

/// Why there are no keys to sign with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeysError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] KeyStoreError),
    /// A kept key cannot be read, or a new one not be made.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A kept key does not carry the name that follows from it.
    #[error("a kept key of the sender has a wrong name")]
    Name,
}

/// A key that verifiers should know, and when it signs.
pub struct Published {
    /// The key.
    pub key: Arc<SigningKey>,
    /// From when on it signs.
    pub signs: Timestamp,
    /// From when on the next one does, if there is one.
    pub next: Option<Timestamp>,
}

struct Held {
    kept: KeptKey,
    key: Arc<SigningKey>,
}

/// The keys of all purposes; at least one of each.
pub struct Keys {
    store: Arc<dyn KeyStore>,
    every: Duration,
    /// By purpose, then in the order in which they sign.
    held: RwLock<Vec<Held>>,
    /// Held while they change.
    changing: tokio::sync::Mutex<()>,
}

impl Keys {
    /// Reads the keys, and makes those that are missing. Each that may change is followed by another after `every`, as
    /// long as [`tend`](Self::tend) is called.
    pub async fn open(store: Arc<dyn KeyStore>, every: Duration, now: Timestamp) -> Result<Self, KeysError> {
        let keys = Self { store, every, held: RwLock::default(), changing: tokio::sync::Mutex::default() };
        keys.read().await?;
        keys.tend(now).await?;
        Ok(keys)
    }

    /// The key that signs.
    pub fn signing(&self, purpose: Purpose, now: Timestamp) -> Result<Arc<SigningKey>, KeyError> {
        let held = self.held.read();
        let mut keys = held.iter().filter(|held| held.kept.purpose == purpose);
        let first = keys.next().ok_or(KeyError)?;
        Ok(Arc::clone(&keys.rfind(|held| held.kept.signs <= now).unwrap_or(first).key))
    }

    /// The keys that verifiers should know: the one that signs, the one that will, those that did until lately.
    pub fn published(&self, purpose: Purpose, now: Timestamp) -> Vec<Arc<SigningKey>> {
        self.timetable(purpose, now).into_iter().map(|published| published.key).collect()
    }

    /// The same, with the times at which they sign.
    pub fn timetable(&self, purpose: Purpose, now: Timestamp) -> Vec<Published> {
        let held = self.held.read();
        let keys: Vec<_> = held.iter().filter(|held| held.kept.purpose == purpose).collect();
        let listed = keys.iter().enumerate().map(|(place, held)| Published {
            key: Arc::clone(&held.key),
            signs: held.kept.signs,
            next: keys.get(place + 1).map(|next| next.kept.signs),
        });
        listed.filter(|listed| listed.next.is_none_or(|next| later(next, AFTER) > now)).collect()
    }

    async fn read(&self) -> Result<(), KeysError> {
        let mut kept = self.store.sender_keys().await?;
        kept.sort_by_key(|key| (key.purpose, key.signs, key.created));
        let read = kept.into_iter().map(read).collect::<Result<_, _>>()?;
        *self.held.write() = read;
        Ok(())
    }
}

fn read(kept: KeptKey) -> Result<Held, KeysError> {
    let key = SigningKey::from_pkcs8(Algorithm::Es256, &kept.pkcs8)?;
    if key.thumbprint() != &*kept.kid {
        return Err(KeysError::Name);
    }
    Ok(Held { kept, key: Arc::new(key) })
}

fn later(time: Timestamp, by: Duration) -> Timestamp {
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
pub(crate) mod tests;

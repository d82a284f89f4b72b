//! One key after another, without a gap.

use super::{AFTER, KeptKey, Keys, KeysError, LEAD, Purpose, later};
use podbell_model::Timestamp;
use podbell_oidc::{Algorithm, KeyError, SigningKey};
use std::{sync::Arc, time::Duration};

/// How one key is replaced by another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The new one is published for a day before it signs.
    Announced,
    /// The old one may be known to others: the new one signs at once, and the old one is published no more.
    AtOnce,
}

impl Keys {
    /// Makes a key where one is missing or has signed for long enough, and forgets those that are over. To be called now
    /// and then.
    pub async fn tend(&self, now: Timestamp) -> Result<(), KeysError> {
        let _only = self.changing.lock().await;
        let mut new = Vec::new();
        for purpose in Purpose::ALL {
            match self.newest(purpose, now) {
                None => new.push(make(purpose, now, now)?),
                Some(signs) if purpose.changes() && later(signs, self.every) <= now => {
                    new.push(make(purpose, now, later(now, LEAD))?);
                }
                Some(_) => {}
            }
        }
        let gone = self.over(now);
        self.change(&new, &gone).await
    }

    /// Replaces the keys of all purposes whose keys may change. Where one waits to sign already, none is added to it.
    pub async fn replace(&self, change: Change, now: Timestamp) -> Result<(), KeysError> {
        let _only = self.changing.lock().await;
        let changing = Purpose::ALL.into_iter().filter(|purpose| purpose.changes());
        let (mut new, mut gone) = (Vec::new(), self.over(now));
        for purpose in changing {
            match change {
                Change::Announced if self.newest(purpose, now).is_none_or(|signs| signs <= now) => {
                    new.push(make(purpose, now, later(now, LEAD))?);
                }
                Change::Announced => {}
                Change::AtOnce => {
                    new.push(make(purpose, now, now)?);
                    gone = self.names(|kept| kept.purpose.changes());
                }
            }
        }
        self.change(&new, &gone).await
    }

    /// From when on the newest key of a purpose signs. One that was made by a clock that was ahead is none, unless it may
    /// not be followed by another.
    fn newest(&self, purpose: Purpose, now: Timestamp) -> Option<Timestamp> {
        let held = self.held.read();
        let counts = |kept: &KeptKey| !purpose.changes() || kept.signs <= later(now, LEAD);
        held.iter().rfind(|held| held.kept.purpose == purpose && counts(&held.kept)).map(|held| held.kept.signs)
    }

    /// The names of the keys that are published no more.
    fn over(&self, now: Timestamp) -> Vec<Arc<str>> {
        let published: Vec<_> = Purpose::ALL.into_iter().flat_map(|purpose| self.published(purpose, now)).collect();
        self.names(|kept| !published.iter().any(|key| key.thumbprint() == &*kept.kid))
    }

    fn names(&self, which: impl Fn(&KeptKey) -> bool) -> Vec<Arc<str>> {
        let held = self.held.read();
        held.iter().filter(|held| which(&held.kept)).map(|held| Arc::clone(&held.kept.kid)).collect()
    }

    async fn change(&self, new: &[KeptKey], gone: &[Arc<str>]) -> Result<(), KeysError> {
        if !new.is_empty() || !gone.is_empty() {
            self.store.change_sender_keys(new, gone).await?;
            self.read().await?;
        }
        Ok(())
    }
}

fn make(purpose: Purpose, now: Timestamp, signs: Timestamp) -> Result<KeptKey, KeyError> {
    let key = SigningKey::generate(Algorithm::Es256)?;
    Ok(KeptKey { purpose, kid: key.thumbprint().into(), pkcs8: key.to_pkcs8()?.into(), created: now, signs })
}

// Nobody who was told of a key at its publication and looks again within a day misses the next one.
const _: () = assert!(LEAD.as_secs() >= Duration::from_hours(24).as_secs() && AFTER.as_secs() > LEAD.as_secs());

//! Authorization codes: good once, for a minute, in memory.
//!
//! A used code is remembered, so that its second use is noticed and what came of the first is revoked.
//!
//! Spec: RFC 6749 §4.1.2, §10.5.

use crate::{random, store::SigningAlgorithm};
use aws_lc_rs::error::Unspecified;
use parking_lot::Mutex;
use podbell_model::{Timestamp, Uuid, WebId};
use std::{collections::HashMap, sync::Arc};

/// How long a used code is remembered, in seconds.
const REMEMBERED: i64 = 15 * 60;

/// What a code stands for.
#[derive(Clone)]
pub(crate) struct Grant {
    pub(crate) client_id: Arc<str>,
    pub(crate) redirect_uri: Arc<str>,
    /// `code_challenge`, method S256.
    pub(crate) challenge: Arc<str>,
    pub(crate) webid: WebId,
    pub(crate) scope: Arc<str>,
    pub(crate) nonce: Option<Arc<str>>,
    /// The key that `dpop_jkt` bound it to.
    pub(crate) jkt: Option<Arc<str>>,
    pub(crate) auth_time: Timestamp,
    pub(crate) id_token_algorithm: SigningAlgorithm,
    /// Id of the refresh family that the code may found.
    pub(crate) family: Uuid,
}

enum Entry {
    Fresh { grant: Box<Grant>, expires: Timestamp },
    Used { family: Uuid, webid: WebId, client_id: Arc<str>, is_void: bool, until: Timestamp },
}

/// What presenting a code gives.
pub(crate) enum Redeemed {
    /// Its first use.
    Grant(Box<Grant>),
    /// It has been used: this family must be revoked.
    Reused(Uuid),
    /// Never given out, or expired.
    Unknown,
}

/// Codes by their hash.
pub(crate) struct Codes {
    limit: usize,
    table: Mutex<HashMap<[u8; 32], Entry>>,
}

impl Codes {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, table: Mutex::default() }
    }

    /// A new code; none if there is no room.
    pub(crate) fn issue(
        &self,
        grant: Grant,
        now: Timestamp,
        expires: Timestamp,
    ) -> Result<Option<String>, Unspecified> {
        let code = random::secret()?;
        let mut table = self.table.lock();
        if table.len() >= self.limit {
            sweep(&mut table, now);
        }
        if table.len() >= self.limit {
            return Ok(None);
        }
        table.insert(random::sha256(code.as_bytes()), Entry::Fresh { grant: Box::new(grant), expires });
        Ok(Some(code))
    }

    /// Uses a code up, whatever comes of it.
    pub(crate) fn redeem(&self, code: &str, now: Timestamp) -> Redeemed {
        let mut table = self.table.lock();
        let Some(entry) = table.get_mut(&random::sha256(code.as_bytes())) else { return Redeemed::Unknown };
        match entry {
            Entry::Fresh { expires, .. } if *expires <= now => Redeemed::Unknown,
            Entry::Fresh { grant, .. } => {
                let until = now.checked_add(jiff::SignedDuration::from_secs(REMEMBERED)).unwrap_or(Timestamp::MAX);
                let (webid, client_id) = (grant.webid.clone(), grant.client_id.clone());
                let used = Entry::Used { family: grant.family, webid, client_id, is_void: false, until };
                match std::mem::replace(entry, used) {
                    Entry::Fresh { grant, .. } => Redeemed::Grant(grant),
                    Entry::Used { .. } => Redeemed::Unknown,
                }
            }
            Entry::Used { family, is_void, .. } => {
                *is_void = true;
                Redeemed::Reused(*family)
            }
        }
    }

    /// Whether a code was presented again since its first use, or what comes of it was forgotten: asked after its family
    /// was founded, which either may have tried to revoke too early.
    pub(crate) fn is_void(&self, code: &str) -> bool {
        let table = self.table.lock();
        matches!(table.get(&random::sha256(code.as_bytes())), Some(Entry::Used { is_void: true, .. }))
    }

    /// Forgets the codes for somebody, those for one client or all; what is being redeemed comes to nothing.
    pub(crate) fn forget(&self, webid: &WebId, client: Option<&str>) {
        let is_meant = |of: &WebId, by: &str| of == webid && client.is_none_or(|client| client == by);
        self.table.lock().retain(|_, entry| match entry {
            Entry::Fresh { grant, .. } => !is_meant(&grant.webid, &grant.client_id),
            Entry::Used { webid, client_id, is_void, .. } => {
                *is_void |= is_meant(webid, client_id);
                true
            }
        });
    }

    pub(crate) fn sweep(&self, now: Timestamp) {
        sweep(&mut self.table.lock(), now);
    }
}

fn sweep(table: &mut HashMap<[u8; 32], Entry>, now: Timestamp) {
    table.retain(|_, entry| match entry {
        Entry::Fresh { expires, .. } => *expires > now,
        Entry::Used { until, .. } => *until > now,
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn grant() -> Grant {
        Grant {
            client_id: "app".into(),
            redirect_uri: "https://app.example/".into(),
            challenge: "challenge".into(),
            webid: WebId::new("https://x/#me"),
            scope: "openid".into(),
            nonce: None,
            jkt: None,
            auth_time: at(0),
            id_token_algorithm: SigningAlgorithm::Es256,
            family: Uuid::from_u128(7),
        }
    }

    #[test]
    fn a_code_is_good_once() {
        let codes = Codes::new(10);
        let code = codes.issue(grant(), at(0), at(60)).unwrap().unwrap();
        assert!(matches!(codes.redeem(&code, at(1)), Redeemed::Grant(_)));
        assert!(!codes.is_void(&code));
        assert!(matches!(codes.redeem(&code, at(100)), Redeemed::Reused(family) if family == Uuid::from_u128(7)));
        assert!(codes.is_void(&code));
    }

    #[test]
    fn what_is_forgotten_while_it_is_redeemed_comes_to_nothing() {
        let codes = Codes::new(10);
        let [waiting, redeemed] = [(); 2].map(|()| codes.issue(grant(), at(0), at(60)).unwrap().unwrap());
        assert!(matches!(codes.redeem(&redeemed, at(1)), Redeemed::Grant(_)));
        codes.forget(&WebId::new("https://other/#me"), None);
        codes.forget(&WebId::new("https://x/#me"), Some("other"));
        assert!(!codes.is_void(&redeemed));
        codes.forget(&WebId::new("https://x/#me"), Some("app"));
        assert!(codes.is_void(&redeemed) && matches!(codes.redeem(&waiting, at(1)), Redeemed::Unknown));
    }

    #[test]
    fn a_code_expires_and_another_one_is_unknown() {
        let codes = Codes::new(10);
        let code = codes.issue(grant(), at(0), at(60)).unwrap().unwrap();
        assert!(matches!(codes.redeem(&code, at(60)), Redeemed::Unknown));
        assert!(matches!(codes.redeem("guess", at(1)), Redeemed::Unknown));
    }

    #[test]
    fn a_full_table_gives_no_code_and_evicts_none() {
        let codes = Codes::new(1);
        let code = codes.issue(grant(), at(0), at(60)).unwrap().unwrap();
        assert!(codes.issue(grant(), at(1), at(61)).unwrap().is_none());
        assert!(matches!(codes.redeem(&code, at(2)), Redeemed::Grant(_)));
        assert!(codes.issue(grant(), at(3_000), at(3_060)).unwrap().is_some());
    }
}

//! Who is logged in at which browser, and what they have agreed to there. In memory: a restart logs everybody out.

use crate::{config::Limits, random};
use aws_lc_rs::error::Unspecified;
use parking_lot::Mutex;
use podbell_model::{Timestamp, WebId};
use std::{collections::HashMap, sync::Arc};

/// Most clients that one session remembers consent for.
const MAX_CONSENTS: usize = 64;

/// A log-in.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) account: Arc<str>,
    pub(crate) webid: WebId,
    /// When the password was given.
    pub(crate) since: Timestamp,
    expires: Timestamp,
    consents: Vec<Consent>,
}

/// What was agreed to.
#[derive(Clone)]
struct Consent {
    client: String,
    /// What shows that the client is the same.
    redirect_uri: String,
    scope: String,
}

impl Consent {
    fn is_of(&self, client: &str, redirect_uri: &str) -> bool {
        self.client == client && self.redirect_uri == redirect_uri
    }
}

impl Session {
    pub(crate) fn new(account: Arc<str>, webid: WebId, now: Timestamp, expires: Timestamp) -> Self {
        Self { account, webid, since: now, expires, consents: Vec::new() }
    }

    fn is_of(&self, account: &str, now: Timestamp) -> bool {
        *self.account == *account && self.expires > now
    }

    /// Whether consent was given to a client for all of a scope.
    pub(crate) fn has_consented(&self, client: &str, redirect_uri: &str, scope: &str) -> bool {
        let mut given = self.consents.iter().filter(|consent| consent.is_of(client, redirect_uri));
        given.any(|given| scope.split(' ').all(|asked| given.scope.split(' ').any(|given| given == asked)))
    }
}

/// All sessions, by the hash of their cookie: how long a look-up takes tells nothing about a cookie.
pub(crate) struct Sessions {
    limits: Limits,
    table: Mutex<HashMap<[u8; 32], Session>>,
}

/// Whether a cookie has the form of ours: 128 bits in base64url.
pub(crate) fn well_formed(cookie: &str) -> bool {
    cookie.len() == 22 && cookie.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

impl Sessions {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, table: Mutex::default() }
    }

    /// Opens a session under a new cookie; none if there is no room.
    pub(crate) fn open(
        &self,
        account: Arc<str>,
        webid: WebId,
        now: Timestamp,
        expires: Timestamp,
    ) -> Result<Option<String>, Unspecified> {
        let cookie = random::id()?;
        let mut table = self.table.lock();
        if table.len() >= self.limits.sessions {
            table.retain(|_, session| session.expires > now);
        }
        let own = table.iter().filter(|(_, session)| session.account == account);
        if own.clone().count() >= self.limits.sessions_per_account {
            let oldest = own.min_by_key(|(_, session)| session.since).map(|(key, _)| *key);
            oldest.and_then(|key| table.remove(&key));
        }
        if table.len() >= self.limits.sessions {
            return Ok(None);
        }
        table.insert(random::sha256(cookie.as_bytes()), Session::new(account, webid, now, expires));
        Ok(Some(cookie))
    }

    pub(crate) fn get(&self, cookie: &str, now: Timestamp) -> Option<Session> {
        let table = self.table.lock();
        table.get(&random::sha256(cookie.as_bytes())).filter(|session| session.expires > now).cloned()
    }

    /// Remembers consent until the session ends, in place of an earlier one to less; the oldest one makes room.
    pub(crate) fn consent(&self, cookie: &str, client: &str, redirect_uri: &str, scope: &str) {
        if let Some(session) = self.table.lock().get_mut(&random::sha256(cookie.as_bytes()))
            && !session.has_consented(client, redirect_uri, scope)
        {
            session.consents.retain(|consent| !consent.is_of(client, redirect_uri));
            if session.consents.len() == MAX_CONSENTS {
                session.consents.remove(0);
            }
            let (client, redirect_uri, scope) = (client.into(), redirect_uri.into(), scope.into());
            session.consents.push(Consent { client, redirect_uri, scope });
        }
    }

    /// How many sessions an account has.
    pub(crate) fn count(&self, account: &str, now: Timestamp) -> usize {
        self.table.lock().values().filter(|session| session.is_of(account, now)).count()
    }

    /// The clients that an account has consented to in its sessions; one may be named more than once.
    pub(crate) fn consented(&self, account: &str, now: Timestamp) -> Vec<String> {
        let table = self.table.lock();
        let own = table.values().filter(|session| session.is_of(account, now));
        own.flat_map(|session| session.consents.iter().map(|consent| consent.client.clone())).collect()
    }

    /// Forgets the consent of an account to a client, in every session.
    pub(crate) fn withdraw(&self, account: &str, client: &str) {
        for session in self.table.lock().values_mut().filter(|session| *session.account == *account) {
            session.consents.retain(|consent| consent.client != client);
        }
    }

    pub(crate) fn close(&self, cookie: &str) {
        self.table.lock().remove(&random::sha256(cookie.as_bytes()));
    }

    pub(crate) fn close_account(&self, account: &str) {
        self.table.lock().retain(|_, session| *session.account != *account);
    }

    pub(crate) fn sweep(&self, now: Timestamp) {
        self.table.lock().retain(|_, session| session.expires > now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn open(sessions: &Sessions, name: &str, now: i64) -> Option<String> {
        sessions.open(name.into(), WebId::new("https://x/#me"), at(now), at(now + 10)).unwrap()
    }

    #[test]
    fn a_session_ends_at_its_time_and_when_it_is_closed() {
        let sessions = Sessions::new(Limits::default());
        let cookie = open(&sessions, "alice", 0).unwrap();
        assert!(well_formed(&cookie));
        assert!(sessions.get(&cookie, at(9)).is_some());
        assert!(sessions.get(&cookie, at(10)).is_none());
        sessions.close(&cookie);
        assert!(sessions.get(&cookie, at(9)).is_none());
    }

    #[test]
    fn one_account_fills_its_own_share_only() {
        let sessions = Sessions::new(Limits { sessions: 3, sessions_per_account: 2, ..Limits::default() });
        let bob = open(&sessions, "bob", 0).unwrap();
        let first = open(&sessions, "alice", 1).unwrap();
        let (second, third) = (open(&sessions, "alice", 2).unwrap(), open(&sessions, "alice", 3).unwrap());
        assert!(sessions.get(&first, at(4)).is_none(), "her oldest one makes room");
        for cookie in [&bob, &second, &third] {
            assert!(sessions.get(cookie, at(4)).is_some());
        }
        assert!(open(&sessions, "carol", 4).is_none(), "nobody else's makes room");
        assert!(open(&sessions, "carol", 10).is_some(), "except an expired one");
    }

    #[test]
    fn consent_is_for_one_client_at_one_redirect_uri() {
        let sessions = Sessions::new(Limits::default());
        let cookie = open(&sessions, "alice", 0).unwrap();
        sessions.consent(&cookie, "app", "https://app.example/", "openid webid");
        let session = sessions.get(&cookie, at(1)).unwrap();
        assert!(session.has_consented("app", "https://app.example/", "openid"));
        assert!(!session.has_consented("app", "https://evil.example/", "openid"));
        assert!(!session.has_consented("app", "https://app.example/", "openid offline_access"));
    }
}

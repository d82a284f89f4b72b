//! Accounts and client credentials, as seeding and administration make them.

use crate::{
    OAuthError, Provider, password, random,
    store::{Account, ClientCredentials, PasswordHash},
};
use podbell_model::{Timestamp, WebId};
use std::fmt;

/// Longest account name and longest name of credentials, in bytes.
pub const MAX_NAME: usize = 64;
/// Shortest password, in bytes.
pub const MIN_PASSWORD: usize = 8;

/// Why an account was not made or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccountError {
    /// Empty, too long, or with a space or control character.
    #[error("a name has 1 to {MAX_NAME} bytes and no spaces or control characters")]
    Name,
    /// Too short or too long.
    #[error("a password has {MIN_PASSWORD} to {} bytes", password::MAX_PASSWORD)]
    Password,
    /// The name or the WebID has an account.
    #[error("there is an account of that name or WebID")]
    Taken,
    /// A pod cannot be called so.
    #[error("a name has a-z, 0-9 and '-', 1 to 63 of them, no '-' at either end")]
    PodName,
    /// There is a pod of that name, and it is not for this account.
    #[error("there is a pod of that name already")]
    PodTaken,
    /// The server keeps the name for itself.
    #[error("that name is kept for the server itself; choose another")]
    PodReserved,
    /// There is no such invitation, or no longer.
    #[error("there is no such invitation")]
    UnknownInvitation,
    /// There are no such credentials of this account.
    #[error("there are no such credentials")]
    UnknownCredentials,
    /// There is no such account.
    #[error("there is no such account")]
    Unknown,
    /// The provider failed.
    #[error(transparent)]
    Provider(#[from] OAuthError),
}

/// Client credentials at the one moment when the secret is known.
#[derive(Clone)]
pub struct NewCredentials {
    /// The `client_id`.
    pub id: String,
    /// The `client_secret`; shown once.
    pub secret: String,
}

impl fmt::Debug for NewCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewCredentials").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Provider {
    /// A random password, in `[A-Za-z0-9_-]`.
    pub fn random_password() -> Result<String, AccountError> {
        Ok(random::id().map_err(OAuthError::from)?)
    }

    /// Makes an account for a WebID that this server hosts. Without a password nobody logs in to it by hand.
    pub async fn create_account(&self, name: &str, webid: WebId, password: Option<&str>) -> Result<(), AccountError> {
        check_name(name)?;
        let password = self.hash_password(password).await?;
        self.insert_account(name, webid, password).await
    }

    pub(crate) async fn insert_account(
        &self,
        name: &str,
        webid: WebId,
        password: Option<PasswordHash>,
    ) -> Result<(), AccountError> {
        let account = Account { name: name.into(), webid, password };
        let made = self.store.insert_account(&account).await.map_err(OAuthError::from)?;
        if made { Ok(()) } else { Err(AccountError::Taken) }
    }

    /// Replaces a password, and logs the account out everywhere: sessions, codes and refresh tokens end; access tokens
    /// and client credentials live on.
    pub async fn set_password(&self, name: &str, password: Option<&str>) -> Result<(), AccountError> {
        let password = self.hash_password(password).await?;
        self.forget_codes(name).await?;
        let known = self.store.set_password(name, password.as_ref()).await.map_err(OAuthError::from)?;
        self.sessions.close_account(name);
        if known { Ok(()) } else { Err(AccountError::Unknown) }
    }

    /// Removes an account with its credentials, sessions and refresh tokens; access tokens live to their end.
    pub async fn remove_account(&self, name: &str) -> Result<(), AccountError> {
        self.forget_codes(name).await?;
        let known = self.store.remove_account(name).await.map_err(OAuthError::from)?;
        self.sessions.close_account(name);
        if known { Ok(()) } else { Err(AccountError::Unknown) }
    }

    /// First the codes, then what was made of them: none comes in between.
    async fn forget_codes(&self, name: &str) -> Result<(), AccountError> {
        if let Some(account) = self.store.account(name).await.map_err(OAuthError::from)? {
            self.codes.forget(&account.webid, None);
        }
        Ok(())
    }

    /// Makes credentials that act for the WebID of an account.
    pub async fn create_credentials(
        &self,
        webid: &WebId,
        name: &str,
        now: Timestamp,
    ) -> Result<NewCredentials, AccountError> {
        if name.len() > MAX_NAME || name.chars().any(char::is_control) {
            return Err(AccountError::Name);
        }
        if self.store.account_of(webid).await.map_err(OAuthError::from)?.is_none() {
            return Err(AccountError::Unknown);
        }
        let id = random::id().map_err(OAuthError::from)?;
        let secret = random::secret().map_err(OAuthError::from)?;
        let kept = ClientCredentials {
            id: id.as_str().into(),
            secret: random::hash(&secret),
            webid: webid.clone(),
            name: name.into(),
            created: now,
        };
        let made = self.store.insert_credentials(&kept).await.map_err(OAuthError::from)?;
        if made { Ok(NewCredentials { id, secret }) } else { Err(AccountError::Taken) }
    }

    /// Revokes credentials of a WebID, and nobody else's; tokens made with them live to their end.
    pub async fn revoke_credentials(&self, webid: &WebId, id: &str) -> Result<(), AccountError> {
        // An id is never given to anybody else, so what is found stays theirs.
        let found = self.store.credentials(id).await.map_err(OAuthError::from)?;
        if found.is_none_or(|credentials| credentials.webid != *webid) {
            return Err(AccountError::UnknownCredentials);
        }
        self.store.remove_credentials(id).await.map_err(OAuthError::from)?;
        Ok(())
    }

    pub(crate) async fn hash_password(&self, password: Option<&str>) -> Result<Option<PasswordHash>, AccountError> {
        let Some(password) = password else { return Ok(None) };
        if !(MIN_PASSWORD..=password::MAX_PASSWORD).contains(&password.len()) {
            return Err(AccountError::Password);
        }
        let password = password.to_owned();
        let permit = self.passwords.acquire().await;
        let _permit = permit.map_err(|error| OAuthError::failed("closing", error))?;
        let hash = tokio::task::spawn_blocking(move || password::hash(&password)).await;
        let hash = hash.map_err(|error| OAuthError::failed("the password could not be hashed", error))?;
        Ok(Some(hash.map_err(OAuthError::from)?))
    }
}

pub(crate) fn check_name(name: &str) -> Result<(), AccountError> {
    let plain = |character: char| !character.is_whitespace() && !character.is_control();
    if (1..=MAX_NAME).contains(&name.len()) && name.chars().all(plain) { Ok(()) } else { Err(AccountError::Name) }
}

//! Invitations: leave for one person to make an account, as a URL whose secret is kept as a hash.
//!
//! An invitation is used up in the same step that keeps the account. Before that a sign-up notes the name that it makes
//! a pod for; when it is cut off, the same invitation finishes it under that name, and under no other.

use crate::{
    AccountError, OAuthError, Provider,
    account::check_name,
    hosting::{Found, Hosting, HostingError},
    provider, random,
    store::{Acceptance, Account, Invitation},
};
use podbell_model::Timestamp;
use std::{fmt, time::Duration};

/// How long an invitation may be good.
const MAX_LIFE: Duration = Duration::from_hours(24 * 365);

/// An invitation at the one moment when its URL is known.
#[derive(Clone)]
pub struct NewInvitation {
    /// Where to sign up; shown once.
    pub url: String,
    /// It is no good from then on.
    pub expires: Timestamp,
}

impl fmt::Debug for NewInvitation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewInvitation").field("expires", &self.expires).finish_non_exhaustive()
    }
}

/// Why a sign-up came to nothing.
#[derive(Debug)]
pub(crate) enum SignUpError {
    /// The invitation is used, expired, or was never made.
    Gone,
    /// It is good for this name only.
    OnlyFor(String),
    /// What was filled in will not do.
    Account(AccountError),
}

impl<E: Into<AccountError>> From<E> for SignUpError {
    fn from(error: E) -> Self {
        Self::Account(error.into())
    }
}

impl Provider {
    /// Makes an invitation that is good for one account: of that name, or of any that is free.
    pub async fn invite(
        &self,
        name: Option<&str>,
        life: Duration,
        now: Timestamp,
    ) -> Result<NewInvitation, AccountError> {
        if let Some(name) = name {
            check_name(name)?;
        }
        let secret = random::secret().map_err(OAuthError::from)?;
        let expires = provider::after(now, life.min(MAX_LIFE));
        let kept = Invitation {
            secret: random::hash(&secret),
            name: name.map(Into::into),
            begun: None,
            created: now,
            expires,
        };
        self.store.insert_invitation(&kept).await.map_err(OAuthError::from)?;
        Ok(NewInvitation { url: self.sign_up_url(&secret), expires })
    }

    /// The invitations that are still good, those that end first come first.
    pub async fn invitations(&self, now: Timestamp) -> Result<Vec<Invitation>, AccountError> {
        let mut kept = self.store.invitations().await.map_err(OAuthError::from)?;
        kept.retain(|invitation| invitation.expires > now);
        kept.sort_by_key(|invitation| (invitation.expires, invitation.secret.0));
        Ok(kept)
    }

    /// Withdraws an invitation by its id: it is no good any longer. What a sign-up that was cut off has made stays.
    pub async fn withdraw_invitation(&self, id: &str) -> Result<(), AccountError> {
        // Who is signing up has an account, or is refused.
        let _alone = self.making.lock().await;
        for invitation in self.store.invitations().await.map_err(OAuthError::from)? {
            if invitation.id() == id {
                let known = self.store.remove_invitation(&invitation.secret).await.map_err(OAuthError::from)?;
                return if known { Ok(()) } else { Err(AccountError::UnknownInvitation) };
            }
        }
        Err(AccountError::UnknownInvitation)
    }

    /// Where an invitation is answered.
    pub(crate) fn sign_up_url(&self, secret: &str) -> String {
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("invitation", secret).finish();
        format!("{}?{query}", self.config.endpoints.sign_up)
    }

    /// The invitation with that secret, if it is still good.
    pub(crate) async fn invitation(&self, secret: &str, now: Timestamp) -> Result<Option<Invitation>, OAuthError> {
        let found = self.store.invitation(&random::hash(secret)).await?;
        Ok(found.filter(|invitation| invitation.expires > now))
    }

    /// Makes the account of somebody who was invited, with its pod.
    pub(crate) async fn accept(
        &self,
        secret: &str,
        name: &str,
        password: &str,
        hosting: &dyn Hosting,
        now: Timestamp,
    ) -> Result<Account, SignUpError> {
        check_name(name)?;
        let password = self.hash_password(Some(password)).await?;
        // One at a time: what is found below stays so until the account is there.
        let _alone = self.making.lock().await;
        let invitation = self.invitation(secret, now).await?.ok_or(SignUpError::Gone)?;
        if let Some(only) = invitation.only_name().filter(|only| *only != name) {
            return Err(SignUpError::OnlyFor(only.to_owned()));
        }
        let home = hosting.home(name).ok_or(AccountError::PodName)?;
        self.check_free(name, &home).await?;
        let is_begun = invitation.begun.is_some();
        match home.found {
            Found::Nothing => {}
            // Made by this very sign-up, which was cut off. Any other pod stays whose it is, also without an account.
            Found::Own if is_begun => {}
            Found::Own | Found::Other => return Err(AccountError::PodTaken.into()),
            Found::Reserved => return Err(AccountError::PodReserved.into()),
        }
        let hash = invitation.secret;
        if !self.store.begin_sign_up(&hash, name).await.map_err(OAuthError::from)? {
            return Err(SignUpError::Gone);
        }
        if home.found == Found::Nothing
            && let Err(error) = hosting.make(name, now).await
        {
            // Of a failure nobody knows what it left; what is found next time tells.
            if matches!(error, HostingError::Taken) {
                self.store.abandon_sign_up(&hash, name).await.map_err(OAuthError::from)?;
            }
            return Err(AccountError::from(error).into());
        }
        let account = Account { name: name.into(), webid: home.webid, password };
        match self.store.accept(&hash, &account).await.map_err(OAuthError::from)? {
            Acceptance::Accepted => Ok(account),
            Acceptance::Gone => Err(SignUpError::Gone),
            Acceptance::Taken => Err(AccountError::Taken.into()),
        }
    }
}

impl Invitation {
    /// What it is called where it is kept. Nobody signs up with that: it is a piece of the hash of its secret.
    pub fn id(&self) -> String {
        self.secret.0.iter().take(8).fold(String::new(), |id, byte| id + &format!("{byte:02x}"))
    }

    /// The only name that it is good for, if there is one.
    pub(crate) fn only_name(&self) -> Option<&str> {
        self.begun.as_deref().or(self.name.as_deref())
    }
}

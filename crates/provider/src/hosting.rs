//! Accounts with a pod: the WebID is in the pod, and the server makes it.
//!
//! An account never ends half made. The pod comes first and the account last, so that nobody can log in to an account
//! without a pod; what a failure leaves is taken up when the same is tried again.

use crate::{AccountError, OAuthError, Provider, account::check_name};
use podbell_model::{Timestamp, WebId};

/// What is where the pod of an account would be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing: it can be made.
    Nothing,
    /// The pod of that very WebID.
    Own,
    /// Somebody else's pod, or something that is no pod.
    Other,
    /// Nothing, and nothing is to be there: the server keeps the name.
    Reserved,
}

/// Where an account of some name lives.
#[derive(Clone, Debug)]
pub struct Home {
    /// The WebID in the pod.
    pub webid: WebId,
    /// What is there.
    pub found: Found,
}

/// Why a pod was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HostingError {
    /// Something is there.
    #[error("there is a pod of that name already")]
    Taken,
    /// The server failed.
    #[error("the pod could not be made")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Makes pods, for accounts whose WebIDs are in them.
#[async_trait::async_trait]
pub trait Hosting: Send + Sync {
    /// The home of an account of this name; none if a pod cannot have the name.
    fn home(&self, name: &str) -> Option<Home>;

    /// Makes the pod of a home in which nothing was found.
    async fn make(&self, name: &str, now: Timestamp) -> Result<(), HostingError>;
}

impl From<HostingError> for AccountError {
    fn from(error: HostingError) -> Self {
        match error {
            HostingError::Taken => Self::PodTaken,
            HostingError::Failed(cause) => OAuthError::failed("the pod could not be made", cause).into(),
        }
    }
}

impl Provider {
    /// Makes an account with a pod. A pod that is there and is that of the same WebID gets its log-in.
    pub async fn create_hosted_account(
        &self,
        name: &str,
        password: Option<&str>,
        hosting: &dyn Hosting,
        now: Timestamp,
    ) -> Result<WebId, AccountError> {
        check_name(name)?;
        let password = self.hash_password(password).await?;
        let _alone = self.making.lock().await;
        let home = hosting.home(name).ok_or(AccountError::PodName)?;
        self.check_free(name, &home).await?;
        match home.found {
            Found::Nothing => hosting.make(name, now).await?,
            Found::Own => {}
            Found::Other => return Err(AccountError::PodTaken),
            Found::Reserved => return Err(AccountError::PodReserved),
        }
        self.insert_account(name, home.webid.clone(), password).await?;
        Ok(home.webid)
    }

    /// That neither the name nor the WebID has an account.
    pub(crate) async fn check_free(&self, name: &str, home: &Home) -> Result<(), AccountError> {
        let known = self.store.account(name).await.map_err(OAuthError::from)?.is_some()
            || self.store.account_of(&home.webid).await.map_err(OAuthError::from)?.is_some();
        if known { Err(AccountError::Taken) } else { Ok(()) }
    }
}

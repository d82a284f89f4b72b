//! Accounts of the provider: which there are, new ones, their passwords, their credentials, and invitations.
//!
//! Secrets are in answers only at the moment when they are made.

use super::{Admin, invitations, pods};
use crate::{problem::Problem, provider_site::Homes};
use axum::{Json, Router, extract::State, routing::get};
use http::StatusCode;
use podbell_model::{ResourceIri, WebId};
use podbell_pod::{SeedError, store::CommitError};
use podbell_provider::{AccountError, Provider, store::Account};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// An account as it is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Told {
    /// What is typed to log in.
    pub name: String,
    /// Who that is.
    pub webid: String,
}

/// A new account.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Made {
    /// The account.
    #[serde(flatten)]
    pub told: Told,
    /// What keeps its person from using it.
    pub unwise: Option<String>,
}

/// An account that is wanted.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// What is typed to log in.
    pub name: String,
    /// Who that is, hosted by this server; without it a new one in a pod of the account's name.
    pub webid: Option<String>,
    /// Whether to make a pod of that name for the WebID.
    pub pod: bool,
    /// The password.
    pub password: String,
}

/// A password that replaces another.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPassword {
    /// The account.
    pub name: String,
    /// The password.
    pub password: String,
}

/// An account to be removed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Removal {
    /// The account.
    pub name: String,
    /// Whether the pod that its WebID is in goes with it.
    pub with_pod: bool,
}

/// An account that was removed.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Removed {
    /// The root of the pod that its WebID is in and owns.
    pub pod: Option<String>,
}

/// Something about the credentials of an account.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OfAccount {
    /// The account.
    pub name: String,
    /// What people call new credentials, or the id of those to be revoked.
    #[serde(default)]
    pub which: String,
}

/// Credentials as they are told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ToldCredentials {
    /// The `client_id`.
    pub id: String,
    /// What people call them.
    pub label: String,
    /// When they were made.
    pub created: String,
}

/// New credentials, this once.
#[derive(Serialize, Deserialize)]
pub(super) struct MadeCredentials {
    /// The provider.
    pub issuer: String,
    /// For whom they act.
    pub webid: String,
    /// The `client_id`.
    pub id: String,
    /// The `client_secret`.
    pub secret: String,
}

/// The routes of accounts.
pub(super) fn routes() -> Router<Arc<Admin>> {
    use axum::routing::post;
    Router::new()
        .route("/accounts", get(list).post(add).delete(remove))
        .route("/accounts/password", post(set_password))
        .route("/accounts/credentials", post(add_credentials).delete(revoke_credentials))
        .route("/accounts/credentials/list", post(list_credentials))
        .merge(invitations::routes())
}

impl Admin {
    pub(super) fn provider(&self) -> Result<&Provider, Problem> {
        self.provider.as_deref().ok_or_else(|| {
            Problem::bad_request("this server has no provider, and so no accounts: set provider.enabled = true")
        })
    }

    pub(super) fn homes(&self, provider: &Provider) -> Homes {
        Homes {
            console: self.console.clone(),
            base: self.base.clone(),
            layout: self.layout,
            pod: Arc::clone(&self.pod),
            issuer: provider.issuer().into(),
        }
    }

    async fn account(&self, name: &str) -> Result<Account, Problem> {
        self.provider()?;
        let found = self.accounts.account(name).await.map_err(Problem::internal)?;
        found.ok_or_else(|| refused(name, AccountError::Unknown))
    }
}

async fn list(State(admin): State<Arc<Admin>>) -> Result<Json<Vec<Told>>, Problem> {
    admin.provider()?;
    let accounts = admin.accounts.accounts().await.map_err(Problem::internal)?;
    let told = |account: &Account| Told { name: account.name.to_string(), webid: account.webid.as_str().to_owned() };
    Ok(Json(accounts.iter().map(told).collect()))
}

async fn add(State(admin): State<Arc<Admin>>, Json(wanted): Json<Wanted>) -> Result<(StatusCode, Json<Made>), Problem> {
    let provider = admin.provider()?;
    let Wanted { name, webid, pod, password } = wanted;
    let webid = match webid {
        None => {
            let homes = admin.homes(provider);
            let made = provider.create_hosted_account(&name, Some(&password), &homes, admin.now()).await;
            made.map_err(|error| refused(&name, error))?
        }
        Some(webid) => {
            let webid = hosted(&admin, &webid)?;
            free(&admin, &name, &webid).await?;
            if pod {
                pod_for(&admin, &name, &webid).await?;
            }
            let made = provider.create_account(&name, webid.clone(), Some(&password)).await;
            made.map_err(|error| refused(&name, error))?;
            webid
        }
    };
    let unwise = unheard(&admin, provider.issuer(), &webid).await;
    let told = Told { name, webid: webid.as_str().to_owned() };
    Ok((StatusCode::CREATED, Json(Made { told, unwise })))
}

/// What to say of a WebID whose document does not name this provider: nobody believes what the provider says of it.
async fn unheard(admin: &Admin, issuer: &str, webid: &WebId) -> Option<String> {
    let plain = |url: &str| url.trim_end_matches('/').to_owned();
    let named = admin.pod.issuers(webid).await.unwrap_or_default();
    (!named.iter().any(|named| plain(named) == plain(issuer))).then(|| {
        format!(
            "{} does not name <{issuer}> as a solid:oidcIssuer of <{webid}>: until it does, this log-in opens no pod",
            webid.document()
        )
    })
}

/// A WebID in a pod of this server: for others this provider speaks for nobody.
fn hosted(admin: &Admin, webid: &str) -> Result<WebId, Problem> {
    let webid = WebId::new(pods::web_address(webid)?);
    let document = ResourceIri::parse(webid.document()).ok();
    match document.filter(|document| admin.pod.storages().containing(document).is_some()) {
        Some(_) => Ok(webid),
        None => Err(Problem::bad_request(format!(
            "<{webid}> is in no pod of this server, so its provider cannot speak for it; for somebody with a WebID \
             elsewhere make a pod: podbell pod create NAME --owner WEBID"
        ))),
    }
}

/// That an account can be made, before a pod is.
pub(super) async fn free(admin: &Admin, name: &str, webid: &WebId) -> Result<(), Problem> {
    let by_name = admin.accounts.account(name).await.map_err(Problem::internal)?;
    let by_webid = admin.accounts.account_of(webid).await.map_err(Problem::internal)?;
    if by_name.or(by_webid).is_some() { Err(refused(name, AccountError::Taken)) } else { Ok(()) }
}

/// Makes a pod for a WebID, unless it has one of that name: what was cut off can be repeated.
async fn pod_for(admin: &Admin, name: &str, webid: &WebId) -> Result<(), Problem> {
    let root = pods::new_root(admin, name)?;
    if admin.pod.storages().rooted(&root).is_some_and(|storage| storage.owner == *webid) {
        return Ok(());
    }
    match admin.pod.create_pod(&root, webid, "", name, admin.now()).await {
        Ok(_) => Ok(()),
        Err(SeedError::Store(CommitError::Overlap)) => Err(refused(name, AccountError::PodTaken)),
        Err(error) => Err(Problem::internal(error)),
    }
}

async fn set_password(State(admin): State<Arc<Admin>>, Json(new): Json<NewPassword>) -> Result<StatusCode, Problem> {
    let done = admin.provider()?.set_password(&new.name, Some(&new.password)).await;
    done.map_err(|error| refused(&new.name, error))?;
    Ok(StatusCode::NO_CONTENT)
}

async fn remove(State(admin): State<Arc<Admin>>, Json(removal): Json<Removal>) -> Result<Json<Removed>, Problem> {
    let account = admin.account(&removal.name).await?;
    // The log-in first: a failure leaves a pod without an account, which `podbell pod` shows, and nobody logged in to
    // a pod that is half gone.
    let removed = admin.provider()?.remove_account(&removal.name).await;
    removed.map_err(|error| refused(&removal.name, error))?;
    let document = ResourceIri::parse(account.webid.document()).ok();
    let storage = document.and_then(|document| admin.pod.storages().containing(&document));
    let storage = storage.filter(|storage| storage.owner == account.webid);
    if let Some(storage) = storage.as_ref().filter(|_| removal.with_pod) {
        admin.pod.delete_pod(storage, admin.now()).await.map_err(Problem::internal)?;
    }
    Ok(Json(Removed { pod: storage.map(|storage| storage.root.to_string()) }))
}

async fn list_credentials(
    State(admin): State<Arc<Admin>>,
    Json(of): Json<OfAccount>,
) -> Result<Json<Vec<ToldCredentials>>, Problem> {
    let account = admin.account(&of.name).await?;
    let kept = admin.accounts.credentials_of(&account.webid).await.map_err(Problem::internal)?;
    let told = kept.iter().map(|credentials| ToldCredentials {
        id: credentials.id.to_string(),
        label: credentials.name.to_string(),
        created: credentials.created.to_string(),
    });
    Ok(Json(told.collect()))
}

async fn add_credentials(
    State(admin): State<Arc<Admin>>,
    Json(of): Json<OfAccount>,
) -> Result<(StatusCode, Json<MadeCredentials>), Problem> {
    let (account, provider) = (admin.account(&of.name).await?, admin.provider()?);
    let made = provider.create_credentials(&account.webid, &of.which, admin.now()).await;
    let made = made.map_err(|error| refused(&of.which, error))?;
    let (issuer, webid) = (provider.issuer().to_owned(), account.webid.as_str().to_owned());
    Ok((StatusCode::CREATED, Json(MadeCredentials { issuer, webid, id: made.id, secret: made.secret })))
}

async fn revoke_credentials(State(admin): State<Arc<Admin>>, Json(of): Json<OfAccount>) -> Result<StatusCode, Problem> {
    let account = admin.account(&of.name).await?;
    let revoked = admin.provider()?.revoke_credentials(&account.webid, &of.which).await;
    revoked.map_err(|error| refused(&of.which, error))?;
    Ok(StatusCode::NO_CONTENT)
}

/// Why it was not done, about a name or an id.
pub(super) fn refused(about: &str, error: AccountError) -> Problem {
    let status = match &error {
        AccountError::Provider(_) => return Problem::internal(error),
        AccountError::Taken | AccountError::PodTaken => StatusCode::CONFLICT,
        AccountError::Unknown | AccountError::UnknownCredentials | AccountError::UnknownInvitation => {
            StatusCode::NOT_FOUND
        }
        _ => StatusCode::BAD_REQUEST,
    };
    Problem::blank(status).detail(format!("{about:?}: {error}"))
}

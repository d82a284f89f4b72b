//! Pods: which there are, new ones, how much they may hold, and their end.

use super::{Admin, accounts};
use crate::{
    problem::Problem,
    request::is_label,
    reserved::is_reserved,
    seed::{self, webid},
};
use axum::{Json, extract::State, response::IntoResponse};
use http::StatusCode;
use podbell_model::{ResourceIri, Storage, WebId};
use podbell_pod::{
    SeedError,
    store::{CommitError, Quota},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A pod as it is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Told {
    /// Its root container.
    pub root: String,
    /// Who has Control over everything in it.
    pub owner: String,
    /// The size of everything in it, in bytes.
    pub used: u64,
    /// What it may hold, in bytes.
    pub quota: Option<u64>,
}

/// A pod that is wanted.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// Part of its URL: the name of its folder or of its origin.
    pub name: String,
    /// The owner's WebID; without one the pod gets a WebID document of its own.
    pub owner: Option<String>,
    /// Who may speak for the WebID of the pod; without one this server's provider.
    pub issuer: Option<String>,
}

/// How much a pod may hold from now on.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Allowance {
    /// The pod's name or URL.
    pub pod: String,
    /// In bytes.
    pub quota: Allowed,
}

/// A quota as it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Allowed {
    /// As the setting says for every pod.
    Default,
    /// What the disk holds.
    None,
    /// So many bytes.
    Bytes(u64),
}

async fn told(admin: &Admin, storage: &Storage) -> Result<Told, Problem> {
    let usage = admin.pod.usage(storage).await.map_err(Problem::internal)?;
    let (root, owner) = (storage.root.as_str().to_owned(), storage.owner.as_str().to_owned());
    Ok(Told { root, owner, used: usage.used, quota: usage.quota })
}

/// All pods.
pub(super) async fn list(State(admin): State<Arc<Admin>>) -> Result<Json<Vec<Told>>, Problem> {
    let mut all = Vec::new();
    for storage in admin.pod.storages().all() {
        match admin.pod.usage(&storage).await {
            // Deleted meanwhile.
            Err(CommitError::NoStorage) => {}
            _ => all.push(told(&admin, &storage).await?),
        }
    }
    Ok(Json(all))
}

/// Says how much a pod may hold.
pub(super) async fn allow(
    State(admin): State<Arc<Admin>>,
    Json(allowance): Json<Allowance>,
) -> Result<Json<Told>, Problem> {
    let storage = find(&admin, &allowance.pod)?;
    let quota = match allowance.quota {
        Allowed::Default => Quota::Default,
        Allowed::None => Quota::Unlimited,
        Allowed::Bytes(bytes) => Quota::Bytes(bytes),
    };
    admin.pod.set_quota(&storage, quota).await.map_err(Problem::internal)?;
    Ok(Json(told(&admin, &storage).await?))
}

/// A pod that is to be deleted.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Deletion {
    /// Its name or URL.
    pub pod: String,
    /// Whether the account whose WebID is in it goes too.
    pub with_account: bool,
}

/// A pod that was deleted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Deleted {
    /// Its root container.
    pub root: String,
    /// The account whose WebID was in it.
    pub account: Option<String>,
}

/// Deletes a pod with everything in it.
pub(super) async fn delete(
    State(admin): State<Arc<Admin>>,
    Json(deletion): Json<Deletion>,
) -> Result<Json<Deleted>, Problem> {
    let storage = find(&admin, &deletion.pod)?;
    let is_in_it = ResourceIri::parse(storage.owner.document()).is_ok_and(|document| storage.contains(&document));
    let account =
        if is_in_it { admin.accounts.account_of(&storage.owner).await.map_err(Problem::internal)? } else { None };
    if deletion.with_account {
        let Some(account) = &account else {
            return Err(Problem::not_found().detail(format!("no account has its WebID in {}", storage.root)));
        };
        // The log-in first: nobody is logged in to a pod that is half gone.
        let removed = admin.provider()?.remove_account(&account.name).await;
        removed.map_err(|error| accounts::refused(&account.name, error))?;
    }
    admin.pod.delete_pod(&storage, admin.now()).await.map_err(Problem::internal)?;
    let account = account.map(|account| account.name.to_string());
    Ok(Json(Deleted { root: storage.root.to_string(), account }))
}

/// The pod of that name or URL.
pub(super) fn find(admin: &Admin, pod: &str) -> Result<Arc<Storage>, Problem> {
    let root = if pod.contains("://") {
        let slash = if pod.ends_with('/') { "" } else { "/" };
        ResourceIri::parse(&format!("{pod}{slash}")).map_err(|error| Problem::bad_request(error.to_string()))?
    } else {
        root(admin, pod)?
    };
    let found = admin.pod.storages().rooted(&root);
    found.ok_or_else(|| Problem::not_found().detail(format!("there is no pod at {root}; `podbell pod list` shows all")))
}

/// Makes a pod.
pub(super) async fn create(
    State(admin): State<Arc<Admin>>,
    Json(wanted): Json<Wanted>,
) -> Result<impl IntoResponse, Problem> {
    let root = new_root(&admin, &wanted.name)?;
    let (owner, issuer) = owner(&admin, &root, wanted.owner.as_deref(), wanted.issuer.as_deref())?;
    let made = admin.pod.create_pod(&root, &owner, &issuer, &wanted.name, admin.now()).await;
    let (storage, _) = made.map_err(|error| refused(&root, error))?;
    Ok((StatusCode::CREATED, Json(told(&admin, &storage).await?)))
}

/// The owner of a new pod, and who may speak for the pod's own WebID.
pub(super) fn owner(
    admin: &Admin,
    root: &ResourceIri,
    owner: Option<&str>,
    issuer: Option<&str>,
) -> Result<(WebId, String), Problem> {
    let own = webid(root);
    let owner = match owner {
        Some(owner) => WebId::new(web_address(owner)?),
        None => own.clone(),
    };
    let issuer = match (issuer, &admin.provider) {
        (Some(issuer), _) => web_address(issuer)?,
        (None, Some(provider)) => provider.issuer().to_owned(),
        // Named in the WebID document only, and there will be none.
        (None, None) if owner != own => String::new(),
        (None, None) => {
            return Err(Problem::bad_request(
                "this server has no provider: name the owner's WebID with --owner, or who speaks for it with --issuer",
            ));
        }
    };
    Ok((owner, issuer))
}

/// The root of the pod of that name.
pub(super) fn root(admin: &Admin, name: &str) -> Result<ResourceIri, Problem> {
    if !is_label(name) {
        return Err(Problem::bad_request(format!(
            "{name:?} is no name of a pod: a-z, 0-9 and '-', 1 to 63 of them, no '-' at either end"
        )));
    }
    let root = seed::root(&admin.base, admin.layout, name).map_err(|error| Problem::bad_request(error.to_string()))?;
    // Nothing in a pod may act as a page of the provider or of the console.
    if admin.console.as_ref().is_some_and(|console| console.origin() == root.origin()) {
        return Err(Problem::bad_request(format!("{root} is the console's own origin")));
    }
    if admin.provider.as_ref().is_some_and(|provider| provider.issuer().trim_end_matches('/') == root.origin()) {
        return Err(Problem::bad_request(format!("{root} is the provider's own origin")));
    }
    Ok(root)
}

/// The root of a pod of that name that is to be made.
pub(super) fn new_root(admin: &Admin, name: &str) -> Result<ResourceIri, Problem> {
    if is_reserved(name) {
        return Err(Problem::bad_request(format!("{name:?} is kept for the server itself; choose another name")));
    }
    root(admin, name)
}

pub(super) fn web_address(text: &str) -> Result<String, Problem> {
    match url::Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(text.to_owned()),
        _ => Err(Problem::bad_request(format!("{text:?} is no URL such as https://pod.example/profile/card#me"))),
    }
}

pub(super) fn refused(root: &ResourceIri, error: SeedError) -> Problem {
    match error {
        SeedError::Store(CommitError::Overlap) => Problem::blank(StatusCode::CONFLICT)
            .detail(format!("there is a pod at {root} already, or one above or below it")),
        SeedError::Store(error) => Problem::internal(error),
        error => Problem::bad_request(error.to_string()),
    }
}

//! Pods: which there are, and new ones.

use super::Admin;
use crate::{
    problem::Problem,
    request::is_label,
    seed::{self, webid},
};
use axum::{Json, extract::State, response::IntoResponse};
use http::StatusCode;
use podbell_model::{ResourceIri, Storage, WebId};
use podbell_pod::{SeedError, store::CommitError};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A pod as it is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Told {
    /// Its root container.
    pub root: String,
    /// Who has Control over everything in it.
    pub owner: String,
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

impl From<&Storage> for Told {
    fn from(storage: &Storage) -> Self {
        Self { root: storage.root.as_str().to_owned(), owner: storage.owner.as_str().to_owned() }
    }
}

/// All pods.
pub(super) async fn list(State(admin): State<Arc<Admin>>) -> Json<Vec<Told>> {
    Json(admin.pod.storages().all().iter().map(|storage| Told::from(&**storage)).collect())
}

/// Makes a pod.
pub(super) async fn create(
    State(admin): State<Arc<Admin>>,
    Json(wanted): Json<Wanted>,
) -> Result<impl IntoResponse, Problem> {
    let root = root(&admin, &wanted.name)?;
    let own = webid(&root);
    let owner = match &wanted.owner {
        Some(owner) => WebId::new(web_address(owner)?),
        None => own.clone(),
    };
    let issuer = match (&wanted.issuer, &admin.provider) {
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
    let made = admin.pod.create_pod(&root, &owner, &issuer, &wanted.name, admin.now()).await;
    let (storage, _) = made.map_err(|error| refused(&root, error))?;
    Ok((StatusCode::CREATED, Json(Told::from(&storage))))
}

/// The root of the pod of that name.
pub(super) fn root(admin: &Admin, name: &str) -> Result<ResourceIri, Problem> {
    if !is_label(name) {
        return Err(Problem::bad_request(format!(
            "{name:?} is no name of a pod: a-z, 0-9 and '-', 1 to 63 of them, no '-' at either end"
        )));
    }
    let root = seed::root(&admin.base, admin.layout, name).map_err(|error| Problem::bad_request(error.to_string()))?;
    // Nothing in a pod may act as a page of the provider.
    if admin.provider.as_ref().is_some_and(|provider| provider.issuer().trim_end_matches('/') == root.origin()) {
        return Err(Problem::bad_request(format!("{root} is the provider's own origin")));
    }
    Ok(root)
}

pub(super) fn web_address(text: &str) -> Result<String, Problem> {
    match url::Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(text.to_owned()),
        _ => Err(Problem::bad_request(format!("{text:?} is no URL such as https://pod.example/profile/card#me"))),
    }
}

fn refused(root: &ResourceIri, error: SeedError) -> Problem {
    match error {
        SeedError::Store(CommitError::Overlap) => Problem::blank(StatusCode::CONFLICT)
            .detail(format!("there is a pod at {root} already, or one above or below it")),
        SeedError::Store(error) => Problem::internal(error),
        error => Problem::bad_request(error.to_string()),
    }
}

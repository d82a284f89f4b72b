//! Invitations: new ones, which there are, and their end.
//!
//! The URL that somebody signs up with is told once, when it is made; from then on an invitation is called by its id.

use super::{
    Admin,
    accounts::{free, refused},
};
use crate::problem::Problem;
use axum::{Json, Router, extract::State, routing::get};
use http::StatusCode;
use podbell_provider::{AccountError, Found, Hosting as _, store::Invitation};
use serde::{Deserialize, Serialize};
use std::{sync::Arc, time::Duration};

/// An invitation that is wanted.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// The only name that it is good for.
    pub name: Option<String>,
    /// How long it is good, in seconds.
    pub seconds: u64,
}

/// A new invitation, this once.
#[derive(Serialize, Deserialize)]
pub(super) struct Made {
    /// Where to sign up.
    pub url: String,
    /// It is no good from then on.
    pub expires: String,
}

/// An invitation as it is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Told {
    /// What it is called here.
    pub id: String,
    /// The only name that it is good for.
    pub name: Option<String>,
    /// Whether a sign-up with it has begun and was cut off.
    pub begun: bool,
    /// When it was made.
    pub created: String,
    /// It is no good from then on.
    pub expires: String,
}

/// The invitation that is meant.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    /// What it is called here.
    pub id: String,
}

/// The routes of invitations.
pub(super) fn routes() -> Router<Arc<Admin>> {
    Router::new().route("/invitations", get(list).post(invite).delete(withdraw))
}

async fn list(State(admin): State<Arc<Admin>>) -> Result<Json<Vec<Told>>, Problem> {
    let kept = admin.provider()?.invitations(admin.now()).await.map_err(Problem::internal)?;
    let told = |invitation: &Invitation| Told {
        id: invitation.id(),
        name: invitation.begun.as_deref().or(invitation.name.as_deref()).map(str::to_owned),
        begun: invitation.begun.is_some(),
        created: invitation.created.to_string(),
        expires: invitation.expires.to_string(),
    };
    Ok(Json(kept.iter().map(told).collect()))
}

async fn invite(
    State(admin): State<Arc<Admin>>,
    Json(wanted): Json<Wanted>,
) -> Result<(StatusCode, Json<Made>), Problem> {
    let provider = admin.provider()?;
    if let Some(name) = &wanted.name {
        let home = admin.homes(provider).home(name).ok_or_else(|| refused(name, AccountError::PodName))?;
        free(&admin, name, &home.webid).await?;
        match home.found {
            Found::Nothing => {}
            Found::Own | Found::Other => return Err(refused(name, AccountError::PodTaken)),
            Found::Reserved => return Err(refused(name, AccountError::PodReserved)),
        }
    }
    let life = Duration::from_secs(wanted.seconds);
    let made = provider.invite(wanted.name.as_deref(), life, admin.now()).await;
    let made = made.map_err(|error| refused(wanted.name.as_deref().unwrap_or_default(), error))?;
    Ok((StatusCode::CREATED, Json(Made { url: made.url, expires: made.expires.to_string() })))
}

async fn withdraw(State(admin): State<Arc<Admin>>, Json(which): Json<Which>) -> Result<StatusCode, Problem> {
    let withdrawn = admin.provider()?.withdraw_invitation(&which.id).await;
    withdrawn.map_err(|error| refused(&which.id, error))?;
    Ok(StatusCode::NO_CONTENT)
}

//! This server as a sender of what it pushes: who it is, and its keys.

use super::Admin;
use crate::problem::Problem;
use axum::{Json, extract::State};
use podbell_delivery::push::keys::{Change, Purpose};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How keys are replaced.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// Whether the new ones sign at once, and the old ones are published no more.
    pub now: bool,
}

/// The sender as it is told.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Told {
    /// Its WebID.
    pub sender: String,
    /// Its issuer.
    pub issuer: String,
    /// The keys that are published.
    pub keys: Vec<Key>,
}

/// A key that is published.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Key {
    /// What it signs.
    pub purpose: String,
    /// Its name.
    pub kid: String,
    /// Whether it is the one that signs now.
    pub signs: bool,
}

pub(super) async fn show(State(admin): State<Arc<Admin>>) -> Result<Json<Told>, Problem> {
    tell(&admin).map(Json)
}

pub(super) async fn rotate(State(admin): State<Arc<Admin>>, Json(wanted): Json<Wanted>) -> Result<Json<Told>, Problem> {
    let change = if wanted.now { Change::AtOnce } else { Change::Announced };
    admin.sender.keys().replace(change, admin.now()).await.map_err(Problem::internal)?;
    tracing::info!(keys.at_once = wanted.now, "the sender has new keys");
    tell(&admin).map(Json)
}

fn tell(admin: &Admin) -> Result<Told, Problem> {
    let (identity, keys, now) = (admin.sender.identity(), admin.sender.keys(), admin.now());
    let mut told = Vec::new();
    for purpose in Purpose::ALL {
        let signing = keys.signing(purpose, now).map_err(Problem::internal)?;
        told.extend(keys.published(purpose, now).iter().map(|key| Key {
            purpose: purpose.as_str().to_owned(),
            kid: key.thumbprint().to_owned(),
            signs: key.thumbprint() == signing.thumbprint(),
        }));
    }
    Ok(Told { sender: identity.sender.to_string(), issuer: identity.issuer.to_string(), keys: told })
}

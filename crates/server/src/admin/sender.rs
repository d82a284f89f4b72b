//! This server as a sender of what it pushes: who it is, and its keys.

use super::Admin;
use crate::problem::Problem;
use axum::{Json, extract::State};
use podbell_delivery::push::keys::{Change, Published, Purpose};
use podbell_model::Timestamp;
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
    /// When it signs, in words.
    pub signs: String,
}

pub(super) async fn show(State(admin): State<Arc<Admin>>) -> Json<Told> {
    Json(tell(&admin))
}

pub(super) async fn rotate(State(admin): State<Arc<Admin>>, Json(wanted): Json<Wanted>) -> Result<Json<Told>, Problem> {
    let change = if wanted.now { Change::AtOnce } else { Change::Announced };
    admin.sender.keys().replace(change, admin.now()).await.map_err(Problem::internal)?;
    tracing::info!(keys.at_once = wanted.now, "the sender has new keys");
    Ok(Json(tell(&admin)))
}

fn tell(admin: &Admin) -> Told {
    let (identity, keys, now) = (admin.sender.identity(), admin.sender.keys(), admin.now());
    let of = |purpose: Purpose| {
        keys.timetable(purpose, now).into_iter().map(move |published| Key {
            purpose: purpose.as_str().to_owned(),
            kid: published.key.thumbprint().to_owned(),
            signs: signs(&published, now),
        })
    };
    let keys = Purpose::ALL.into_iter().flat_map(of).collect();
    Told { sender: identity.sender.to_string(), issuer: identity.issuer.to_string(), keys }
}

fn signs(published: &Published, now: Timestamp) -> String {
    match published.next {
        _ if published.signs > now => format!("signs from {:.0} on", published.signs),
        Some(next) if next > now => format!("signs until {next:.0}"),
        Some(next) => format!("signed until {next:.0}"),
        None => "signs".to_owned(),
    }
}

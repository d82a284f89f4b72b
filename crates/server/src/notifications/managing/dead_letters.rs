//! `GET …/dead-letters`: what was given up, the oldest first, page by page.
//!
//! Which change it told of, is said as far as who asks could have heard of it, and could now: an owner may not read all, and
//! who made the channel may have lost it since.

use super::{Asked, PAGE, Reads, answer, ended};
use crate::{
    notifications::{channels, shown::Shown},
    problem::Problem,
};
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use podbell_delivery::push::{DeadLetter, DeliveryId, Kind};
use podbell_model::Sequence;
use podbell_wire::{Rendering, lexical, message};
use serde_json::{Value, json};

/// A page of dead letters; the next begins behind `?after=`.
pub async fn dead_letters(Reads(asked): Reads) -> Result<Response, Problem> {
    let Asked { app, target, parts, channel, subject, .. } = asked;
    let mut pairs = parts.uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    let after = pairs.find(|(key, _)| *key == "after").map(|(_, value)| value.parse().map(DeliveryId));
    let after = after.transpose().map_err(|_| Problem::bad_request("`after` is no page"))?;
    let letters = app.queue.dead_letters(channel.id, after, PAGE).await.map_err(Problem::unavailable)?;
    let (mut shown, mut entries) = (Shown::to(&app, &subject), Vec::with_capacity(letters.len()));
    for letter in &letters {
        let mut entry = entry(letter);
        if let Some(about) = letter.kind.about()
            && shown.may(about, commit(&letter.kind)).await?
        {
            tell(&mut entry, &letter.kind, Rendering::from_code(channel.rendering.0));
        }
        entries.push(entry);
    }
    let mut told = answer(StatusCode::OK, Some(&app.url(&target.raw)), json!({ "deadLetter": entries }))?;
    if let Some(last) = letters.last().filter(|_| letters.len() == PAGE) {
        let link = format!("<{}/dead-letters?after={}>; rel=\"next\"", channels::url(&app, channel.id), last.id.0);
        told.headers_mut().insert(header::LINK, HeaderValue::from_str(&link).map_err(Problem::internal)?);
    }
    Ok(told)
}

/// The commit that is told of; how a topic stands is of none.
fn commit(kind: &Kind) -> Option<Sequence> {
    match kind {
        Kind::Change { position, .. } => Some(position.sequence),
        _ => None,
    }
}

/// Adds what the message said: which kind of change, of what.
fn tell(entry: &mut Value, kind: &Kind, rendering: Option<Rendering>) {
    match kind {
        Kind::Change { body, .. } => {
            if let Some((kind, object)) = rendering.and_then(|rendering| message::gist(&body.bytes, rendering)) {
                entry["type"] = kind.into();
                entry["object"] = object.into();
            }
        }
        Kind::State { about } => entry["object"] = about.resource.as_str().into(),
        Kind::Ping { .. } | Kind::Lifecycle { .. } => {}
    }
}

fn entry(letter: &DeadLetter) -> Value {
    json!({
        "number": letter.id.0,
        "message": letter.message.urn().to_string(),
        "attempts": letter.attempts,
        "owed": lexical::date_time(letter.owed),
        "died": lexical::date_time(letter.died),
        "last": letter.last.map(ended),
    })
}

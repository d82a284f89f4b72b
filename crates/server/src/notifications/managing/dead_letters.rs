//! `GET …/dead-letters`: what was given up, the oldest first, page by page.

use super::{Asked, PAGE, Reads, answer, ended};
use crate::{notifications::channels, problem::Problem};
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use podbell_delivery::push::{DeadLetter, DeliveryId};
use podbell_wire::lexical;
use serde_json::{Value, json};

/// A page of dead letters; the next begins behind `?after=`.
pub async fn dead_letters(Reads(asked): Reads) -> Result<Response, Problem> {
    let Asked { app, target, parts, channel, .. } = asked;
    let mut pairs = parts.uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    let after = pairs.find(|(key, _)| *key == "after").map(|(_, value)| value.parse().map(DeliveryId));
    let after = after.transpose().map_err(|_| Problem::bad_request("`after` is no page"))?;
    let letters = app.queue.dead_letters(channel.id, after, PAGE).await.map_err(Problem::unavailable)?;
    let entries: Vec<_> = letters.iter().map(entry).collect();
    let mut told = answer(StatusCode::OK, Some(&app.url(&target.raw)), json!({ "deadLetter": entries }))?;
    if let Some(last) = letters.last().filter(|_| letters.len() == PAGE) {
        let link = format!("<{}/dead-letters?after={}>; rel=\"next\"", channels::url(&app, channel.id), last.id.0);
        told.headers_mut().insert(header::LINK, HeaderValue::from_str(&link).map_err(Problem::internal)?);
    }
    Ok(told)
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

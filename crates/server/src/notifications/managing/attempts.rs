//! `GET …/attempts`: the newest attempts, the newest first.

use super::{Asked, PAGE, Reads, answer, ended};
use crate::problem::Problem;
use axum::response::Response;
use http::StatusCode;
use podbell_delivery::push::Attempt;
use podbell_model::Uuid;
use podbell_wire::lexical;
use serde_json::{Value, json};
use std::time::Duration;

/// The newest of them; older ones are not kept.
pub async fn attempts(Reads(asked): Reads) -> Result<Response, Problem> {
    let Asked { app, target, channel, .. } = asked;
    let attempts = app.queue.attempts(channel.id, PAGE).await.map_err(Problem::unavailable)?;
    let attempts: Vec<_> = attempts.iter().map(|(message, attempt)| entry(*message, attempt)).collect();
    answer(StatusCode::OK, Some(&app.url(target.path())), json!({ "attempt": attempts }))
}

fn entry(message: Uuid, attempt: &Attempt) -> Value {
    let mut entry = ended(attempt.outcome);
    entry["message"] = message.urn().to_string().into();
    entry["at"] = lexical::date_time(attempt.at).into();
    let millis = u64::try_from(attempt.took.as_micros().div_ceil(1_000)).unwrap_or(u64::MAX);
    entry["took"] = lexical::duration(Duration::from_millis(millis)).into();
    entry
}

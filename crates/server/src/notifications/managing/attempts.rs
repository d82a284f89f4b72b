//! `GET …/attempts`: the newest attempts, the newest first.

use super::{PAGE, Pushing, answer, ended, own, unless_read};
use crate::{app::App, problem::Problem, request::Target};
use axum::{
    body::Body,
    extract::{Extension, Path, State},
    response::Response,
};
use http::{Request, StatusCode};
use podbell_delivery::push::Attempt;
use podbell_model::Uuid;
use podbell_wire::lexical;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

/// The newest of them; older ones are not kept.
pub async fn attempts(
    State(app): State<Arc<App>>,
    Extension(target): Extension<Target>,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let (parts, _) = request.into_parts();
    if let Some(answered) = unless_read(&parts) {
        return answered;
    }
    let Pushing { channel, .. } = own(&app, &target, &parts, &id).await?;
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

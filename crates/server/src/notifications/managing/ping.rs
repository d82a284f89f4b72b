//! `POST …/ping`: sends the receiver a message that tells of no resource, to see whether it arrives. One that is
//! acknowledged switches a channel on again that was switched off.

use super::{Pushing, answer, counted, own_of_solid, unless_post};
use crate::{app::App, notifications::channels, problem::Problem, request::Target};
use axum::{
    body::Body,
    extract::{Extension, Path, State},
    response::Response,
};
use http::{Request, StatusCode};
use podbell_delivery::push::Kind;
use podbell_model::Uuid;
use podbell_wire::{Rendering, message};
use serde_json::json;
use std::sync::Arc;

/// Sends one; the answer names the message, which `…/attempts` tells more of.
pub async fn ping(
    State(app): State<Arc<App>>,
    Extension(target): Extension<Target>,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let (parts, _) = request.into_parts();
    if let Some(answered) = unless_post(&parts) {
        return answered;
    }
    let Pushing { channel, .. } = own_of_solid(&app, &target, &parts, &id).await?;
    counted(&app, &channel)?;
    let rendering = Rendering::from_code(channel.rendering.0).ok_or_else(Problem::not_found)?;
    let (now, name) = (app.now(), Uuid::new_v4());
    let body = message::write_ping(rendering, name, &channels::url(&app, channel.id), now);
    app.queue.add(channel.id, name, &Kind::Ping { body: body.into() }, now).await.map_err(Problem::unavailable)?;
    app.courier.wake();
    answer(StatusCode::ACCEPTED, None, json!({ "message": name.urn().to_string() }))
}

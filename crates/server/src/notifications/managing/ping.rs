//! `POST …/ping`: sends the receiver a message that tells of no resource, to see whether it arrives. One that is
//! acknowledged switches a channel on again that was switched off.

use super::{Acts, Asked, answer, counted};
use crate::{notifications::channels, problem::Problem};
use axum::response::Response;
use http::StatusCode;
use podbell_delivery::push::Kind;
use podbell_model::Uuid;
use podbell_wire::{Rendering, message};
use serde_json::json;

/// Sends one; the answer names the message, which `…/attempts` tells more of.
pub async fn ping(Acts(asked): Acts) -> Result<Response, Problem> {
    let Asked { app, channel, .. } = asked.of_solid()?;
    counted(&app, &channel)?;
    let rendering = Rendering::from_code(channel.rendering.0).ok_or_else(Problem::not_found)?;
    let (now, name) = (app.now(), Uuid::new_v4());
    let body = message::write_ping(rendering, name, &channels::url(&app, channel.id), now);
    app.queue.add(channel.id, name, &Kind::Ping { body: body.into() }, now).await.map_err(Problem::unavailable)?;
    app.courier.wake();
    answer(StatusCode::ACCEPTED, None, json!({ "message": name.urn().to_string() }))
}

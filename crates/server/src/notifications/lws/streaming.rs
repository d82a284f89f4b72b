//! The event stream of a subscription. Its URL opens it once; then, until a while after the connection is gone, whoever
//! says what they heard last goes on from there, in the place of the connection that was.

use crate::{
    app::App,
    notifications::connect::{begin, head, not_admitted, stream},
    problem::Problem,
};
use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{Method, Request, StatusCode};
use podbell_hub::{Begin, Channel, ConnectError, Position};
use podbell_log::{Log, LogError};
use podbell_model::Sequence;
use podbell_wire::{Framing, Rendering};

/// Answers a connection to the event stream with the capability of that hash.
pub(in crate::notifications) async fn events(
    app: &App,
    request: Request<Body>,
    hash: &[u8; 32],
    (channel, ended): (&Channel, bool),
    rendering: Rendering,
) -> Result<Response, Problem> {
    if *request.method() == Method::HEAD {
        return head(rendering);
    }
    let since = app.log.head();
    let begin = begin(app, &request, channel, Framing::Events, Begin::Now);
    let admission = match begin {
        Begin::After(place)
            if !ended && can_be_read(&*app.log, channel, place).await.map_err(Problem::unavailable)? =>
        {
            match app.hub.admit_again(hash).await {
                // The grace was over meanwhile.
                Err(ConnectError::Ended | ConnectError::Unknown) => return Ok(over()),
                admitted => admitted,
            }
        }
        Begin::After(_) | Begin::Lost => return Ok(over()),
        Begin::Now | Begin::Standing => app.hub.admit(hash).await,
    };
    stream(app, request, admission.map_err(not_admitted)?, (begin, since), rendering)
}

/// Tells an `EventSource` not to come again: it has to subscribe anew.
fn over() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

/// Whether everything behind a place can still be told.
pub async fn can_be_read(log: &dyn Log, channel: &Channel, place: Position) -> Result<bool, LogError> {
    if place.sequence > log.head() {
        return Ok(false);
    }
    let heard = if place.part < u32::MAX { Sequence(place.sequence.0.saturating_sub(1)) } else { place.sequence };
    let storages: Vec<_> = channel.topics.iter().map(|topic| topic.storage).collect();
    match log.read_of(&storages, heard, 1).await {
        Ok(_) => Ok(true),
        Err(LogError::Gap) => Ok(false),
        Err(error) => Err(error),
    }
}

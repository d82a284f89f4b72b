//! Channels: read and deleted by whoever made them, and by the owner of a storage as far as their topics are there.
//!
//! Strangers learn nothing from an id, not even whether there is such a channel.

use super::{
    answer::{document, joined, no_store, options, refused},
    services,
};
use crate::{
    app::App,
    authenticate::{authenticate, not_allowed},
    problem::Problem,
    request::{self, Target},
};
use axum::{
    body::Body,
    extract::{Extension, Path, State},
    response::{IntoResponse, Response},
};
use http::{Method, Request, StatusCode, header};
use podbell_delivery::rendering_id;
use podbell_hub::{Channel, ChannelError, ChannelId, Renewal};
use podbell_model::{ResourceIri, StorageId, Subject, Uuid};
use podbell_wac::Refusal;
use podbell_wire::{
    ChannelDocument, ChannelType, Endpoint, Features, Rendering, Spelling, Syntax, media,
    subscription::{self, Accept},
};
use std::sync::Arc;

const ALLOW: &str = "GET, HEAD, OPTIONS, POST, DELETE";

/// The IRI of a channel.
pub(super) fn url(app: &App, id: ChannelId) -> String {
    app.url(&format!("/.notifications/channels/{}", id.0))
}

/// Which storages are somebody's own.
pub(super) fn owns<'a>(app: &'a App, subject: &'a Subject) -> impl Fn(StorageId) -> bool + Send + 'a {
    |storage| app.storages.get(storage).is_some_and(|storage| Some(&storage.owner) == subject.webid.as_ref())
}

/// One channel.
pub async fn channel(
    State(app): State<Arc<App>>,
    Extension(target): Extension<Target>,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    if parts.method == Method::OPTIONS {
        return Ok(options(ALLOW, Some(media::ACCEPT_POST)));
    }
    let subject = authenticate(&app, &parts.method, &target, &parts.headers).await?;
    // What is no id names no channel, which a stranger cannot tell from another's.
    let id = ChannelId(Uuid::try_parse(&id).unwrap_or_default());
    let owns = owns(&app, &subject);
    match parts.method {
        Method::GET | Method::HEAD => {
            let offers = [Syntax::JsonLd, Syntax::Turtle, Syntax::NTriples];
            let representation = media::negotiate(joined(&parts.headers, &header::ACCEPT).as_deref(), &offers)?;
            let channel = app.hub.channel(id, &subject, owns).await.map_err(told)?;
            Ok(no_store(document(StatusCode::OK, representation, describe(&app, &channel, representation))))
        }
        Method::POST => {
            let channel = app.hub.channel(id, &subject, |_| false).await.map_err(told)?;
            let body_type = media::body_type(joined(&parts.headers, &header::CONTENT_TYPE).as_deref())?;
            let offers = [Syntax::JsonLd, Syntax::Turtle, Syntax::NTriples];
            let representation = media::negotiate(joined(&parts.headers, &header::ACCEPT).as_deref(), &offers)?;
            let limits = &app.settings.limits;
            let body = request::collect(body, limits.control_body.bytes(), limits.body_timeout.into()).await?;
            let changes = subscription::parse_changes(&body, body_type, &url(&app, id))
                .map_err(|error| refused(error.problem(), error.to_string()))?;
            let renewed = app.hub.renew(id, &subject, renewal(&app, &channel, &changes)).await.map_err(told)?;
            Ok(no_store(document(StatusCode::OK, representation, describe(&app, &renewed, representation))))
        }
        Method::DELETE => {
            app.hub.unsubscribe(id, &subject, owns).await.map_err(told)?;
            Ok(StatusCode::NO_CONTENT.into_response())
        }
        _ => Err(Problem::method_not_allowed(ALLOW)),
    }
}

/// What is to change, within the longest life.
fn renewal(app: &App, channel: &Channel, changes: &Features) -> Renewal {
    let end = |end| services::life(None, Some(end), (app, &channel.subject), app.now()).1;
    let rendering = changes
        .accept
        .as_ref()
        .and_then(|accept| Some(rendering_id(Rendering::from_code(channel.rendering.0)?.with_syntax(accept.syntax))));
    Renewal { end_at: changes.end_at.map(end), rate: changes.rate, rendering, filter: None }
}

fn told(error: ChannelError) -> Problem {
    match error {
        ChannelError::Anonymous => not_allowed(Refusal::Unauthenticated),
        ChannelError::Stranger => not_allowed(Refusal::Forbidden),
        ChannelError::Ended => Problem::blank(StatusCode::GONE).detail("the channel has ended"),
        error => Problem::unavailable(error),
    }
}

/// A channel as its owner reads it.
pub(super) fn describe(app: &App, channel: &Channel, representation: podbell_wire::Representation) -> Vec<u8> {
    let topics: Vec<ResourceIri> = channel.topics.iter().map(|topic| topic.resource.clone()).collect();
    let (mut spelling, mut channel_type) = (Spelling::default(), ChannelType::WebSocket);
    let (mut accept, mut cursor) = (None, false);
    if let Some(Rendering::Solid { context, framing, syntax, cursor: with_cursor, .. }) =
        Rendering::from_code(channel.rendering.0)
    {
        spelling = Spelling { context: context.into(), ..spelling };
        channel_type = framing.channel_type();
        let other = Some(syntax).filter(|syntax| *syntax != Syntax::JsonLd);
        accept = other.map(|syntax| Accept { sent: syntax.media_type().to_owned(), syntax });
        cursor = with_cursor;
    }
    ChannelDocument {
        id: &url(app, channel.id),
        channel_type,
        topics: &topics,
        features: &Features {
            start_at: channel.start_at,
            end_at: channel.end_at,
            state: channel.state.as_deref().map(str::to_owned),
            rate: channel.rate,
            accept,
            recursive: channel.recursive,
            activity_types: services::activity_types(channel.filter),
            not_caused_by_me: channel.filter.not_by_subject,
            cursor,
        },
        endpoint: Endpoint::Hidden,
    }
    .write(&spelling, representation)
}

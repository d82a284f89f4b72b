//! Channels: read and deleted by whoever made them, and by the owner of a storage as far as their topics are there.
//!
//! Strangers learn nothing from an id, not even whether there is such a channel.

use super::{
    answer::{document, joined, no_store, options, refused},
    health, listeners,
    pushing::{self, Facts},
    services,
};
use crate::{
    app::App,
    authenticate::{authenticate, not_allowed},
    compose::channel_limits,
    problem::Problem,
    request::{self, Target},
};
use axum::{
    body::Body,
    extract::{Extension, Path, State},
    response::{IntoResponse, Response},
};
use http::{Method, Request, StatusCode, header};
use podbell_delivery::{push::Removal, rendering_id};
use podbell_hub::{Channel, ChannelError, ChannelId, ChannelStoreError, Filter, InsertError, Push, Renewal};
use podbell_model::{ResourceIri, StorageId, Subject, Uuid};
use podbell_wac::Refusal;
use podbell_wire::{
    ChannelDocument, ChannelType, Features, Rendering, Representation, Spelling, Syntax, media,
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
            shown(&app, &channel, &subject, representation).await
        }
        Method::POST => {
            let channel = app.hub.channel(id, &subject, |_| false).await.map_err(told)?;
            let body_type = media::body_type(joined(&parts.headers, &header::CONTENT_TYPE).as_deref())?;
            let offers = [Syntax::JsonLd, Syntax::Turtle, Syntax::NTriples];
            let representation = media::negotiate(joined(&parts.headers, &header::ACCEPT).as_deref(), &offers)?;
            let limits = &app.settings.limits;
            let body = request::collect(body, limits.control_body.bytes(), limits.body_timeout.into()).await?;
            let changes = subscription::parse_changes(&body, body_type, &url(&app, id), type_of(&channel))
                .map_err(|error| refused(error.problem(), error.to_string()))?;
            if let (Some(push), Some(target)) = (&channel.push, &changes.send_to) {
                redirect(&app, &channel, push, target).await?;
            }
            let renewal = renewal(&app, &channel, &changes.features);
            let renewed = app.hub.renew(id, &subject, renewal).await.map_err(told)?;
            shown(&app, &renewed, &subject, representation).await
        }
        Method::DELETE => {
            end(&app, id, &subject).await?;
            Ok(StatusCode::NO_CONTENT.into_response())
        }
        _ => Err(Problem::method_not_allowed(ALLOW)),
    }
}

/// Ends a channel, or of one over several storages what is in those of whoever asks. Who made one that pushes, and asked
/// for that, is told if it was somebody else.
pub(super) async fn end(app: &App, id: ChannelId, subject: &Subject) -> Result<(), Problem> {
    let channel = app.hub.channel(id, subject, owns(app, subject)).await.map_err(told)?;
    if channel.push.is_none() || channel.subject.webid == subject.webid {
        return app.hub.unsubscribe(id, subject, owns(app, subject)).await.map_err(told);
    }
    let Some(channel) = app.hub.withdraw(id, subject, owns(app, subject)).await.map_err(told)? else { return Ok(()) };
    let existed = app.courier.end(&channel, Removal::Ended).await.map_err(Problem::unavailable)?;
    if existed { Ok(()) } else { Err(told(ChannelError::Ended)) }
}

/// The same of what is in one storage, for its owner: also of their own channels nothing that is elsewhere.
pub(super) async fn end_in(
    app: &App,
    storage: StorageId,
    channel: &Channel,
    owner: &Subject,
) -> Result<(), ChannelError> {
    let withdrawn = app.hub.withdraw_from(storage, channel.id, owner).await?;
    let Some(channel) = withdrawn else { return Ok(()) };
    if channel.push.is_none() || channel.subject.webid == owner.webid {
        return app.hub.remove(&channel).await;
    }
    let existed = app.courier.end(&channel, Removal::Ended).await;
    let existed = existed.map_err(|error| ChannelStoreError(Box::new(error)))?;
    if existed { Ok(()) } else { Err(ChannelError::Ended) }
}

/// Another target, judged as the first one was.
async fn redirect(app: &App, channel: &Channel, push: &Push, target: &str) -> Result<(), Problem> {
    if *target == *push.send_to {
        return Ok(());
    }
    app.targets.judge("sendTo", target, type_of(channel)).await?;
    let moved = app.queue.redirect(channel.id, target, &channel_limits(&app.settings)).await;
    // What is on its way to the old one goes no further.
    app.hub.changed(channel.id);
    app.courier.wake();
    match moved {
        Ok(true) => Ok(()),
        Ok(false) => Err(told(ChannelError::Ended)),
        Err(InsertError::TooMany(error)) => Err(services::too_many(error)),
        Err(error) => Err(Problem::unavailable(error)),
    }
}

/// What is to change; the end of what is connected to, within the longest life.
fn renewal(app: &App, channel: &Channel, changes: &Features) -> Renewal {
    let within = |end| match channel.push {
        Some(_) => end,
        None => services::life(None, Some(end), (app, &channel.subject), app.now()).1,
    };
    let rendering = changes
        .accept
        .as_ref()
        .and_then(|accept| Some(rendering_id(Rendering::from_code(channel.rendering.0)?.with_syntax(accept.syntax))));
    let filter = Filter::from_code(services::filter(changes).code(), channel.filter.not_by_subject);
    Renewal {
        end_at: changes.end_at.map(within),
        rate: changes.rate,
        rendering,
        filter: Some(filter).filter(|_| !changes.activity_types.is_empty()),
    }
}

pub(super) fn told(error: ChannelError) -> Problem {
    match error {
        ChannelError::Anonymous => not_allowed(Refusal::Unauthenticated),
        ChannelError::Stranger => not_allowed(Refusal::Forbidden),
        ChannelError::Ended => Problem::blank(StatusCode::GONE).detail("the channel has ended"),
        error => Problem::unavailable(error),
    }
}

/// The answer that shows a channel, to the agent that made it or to the owner of a storage.
async fn shown(
    app: &App,
    channel: &Channel,
    subject: &Subject,
    representation: Representation,
) -> Result<Response, Problem> {
    let mine = channel.is_kept() && channel.subject.webid == subject.webid;
    let more: Facts<'_> = if !mine {
        let whole = app.hub.whole(channel.id, subject, owns(app, subject)).await.is_ok();
        let listening = app.hub.listening(std::slice::from_ref(channel)).pop().unwrap_or_default();
        listeners::facts(app, channel, whole, listening).await?
    } else if channel.push.is_some() {
        let health = app.queue.health(channel.id).await.map_err(Problem::unavailable)?;
        health.iter().flat_map(health::facts).collect()
    } else {
        Facts::new()
    };
    Ok(no_store(document(StatusCode::OK, representation, describe(app, channel, (mine, more), representation))))
}

/// The type of a channel.
fn type_of(channel: &Channel) -> ChannelType {
    Rendering::from_code(channel.rendering.0).map_or(ChannelType::WebSocket, |found| found.framing().channel_type())
}

/// A channel with `more` facts, as its own agent reads it (`mine`), or as the owner of a storage does, who is not told
/// where it pushes to.
pub(super) fn describe(
    app: &App,
    channel: &Channel,
    (mine, more): (bool, Facts<'_>),
    representation: Representation,
) -> Vec<u8> {
    let topics: Vec<ResourceIri> = channel.topics.iter().map(|topic| topic.resource.clone()).collect();
    let mut spelling = Spelling::default();
    let (mut accept, mut cursor) = (None, false);
    if let Some(Rendering::Solid { context, syntax, cursor: with_cursor, .. }) =
        Rendering::from_code(channel.rendering.0)
    {
        spelling = Spelling { context: context.into(), ..spelling };
        let other = Some(syntax).filter(|syntax| *syntax != Syntax::JsonLd);
        accept = other.map(|syntax| Accept { sent: syntax.media_type().to_owned(), syntax });
        cursor = with_cursor;
    }
    let push = channel.push.as_deref().filter(|_| mine);
    let mut facts = push.map(pushing::facts).unwrap_or_default();
    facts.extend(more);
    ChannelDocument {
        id: &url(app, channel.id),
        channel_type: type_of(channel),
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
        endpoint: pushing::endpoint(push, &pushing::sender(app)),
        more: &facts,
    }
    .write(&spelling, representation)
}

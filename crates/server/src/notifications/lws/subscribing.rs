//! Subscribing: Read on every topic, or nothing is made.

use super::{answer, url};
use crate::{
    app::App,
    notifications::{
        answer::joined,
        capability, channels,
        services::{after, life, not_subscribed, topics},
    },
    problem::Problem,
    request::{self, Target},
};
use axum::{body::Body, response::Response};
use http::{HeaderValue, Request, header};
use podbell_delivery::rendering_id;
use podbell_hub::{Channel, ChannelId, ConnectionLimit, Push};
use podbell_model::{Subject, Timestamp, Uuid};
use podbell_wire::{
    ChannelType, Rendering,
    lws::{self, Answer, Asked, SubscriptionType},
};
use std::{sync::Arc, time::Duration};

/// Makes a subscription.
pub(super) async fn subscribe(app: &App, target: &Target, request: Request<Body>) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let subject = super::authenticated(app, target, &parts).await?;
    let content_type = joined(&parts.headers, &header::CONTENT_TYPE);
    lws::check_content_type(content_type.as_deref()).map_err(|error| answer::refused(&error))?;
    let form = answer::form(&parts.headers)?;
    let limits = &app.settings.limits;
    let body = request::collect(body, limits.control_body.bytes(), limits.body_timeout.into()).await?;
    let asked = lws::parse(&body).map_err(|error| answer::refused(&error))?;
    let (channel, opened) = channel(app, &asked, subject).await?;
    let (id, end_at, subject) = (channel.id, channel.end_at, Arc::clone(&channel.subject));
    let kept = app.hub.subscribe_as(channel, channels::owns(app, &subject)).await;
    kept.map_err(|error| not_subscribed(error, &subject).as_bad_request())?;
    let managed = url(app, id);
    let subscription = opened.as_deref().map(|capability| {
        let path = format!("/.notifications/connect/{capability}");
        if asked.subscription_type == SubscriptionType::WebSocket { app.socket_url(&path) } else { app.url(&path) }
    });
    let told = Answer {
        subscription_type: asked.subscription_type,
        subscription: subscription.as_deref().unwrap_or(&managed),
        expires: end_at,
    };
    let mut response = answer::document(form, told.write());
    let location = HeaderValue::from_str(&managed).map_err(Problem::internal)?;
    response.headers_mut().insert(header::LOCATION, location);
    Ok(response)
}

/// The channel that is asked for, and the capability that opens it if it streams.
async fn channel(app: &App, asked: &Asked, subject: Subject) -> Result<(Channel, Option<String>), Problem> {
    let now = app.now();
    if asked.expires.is_some_and(|end| end <= now) {
        return Err(Problem::bad_request("expires is in the past"));
    }
    let topics = topics(app, &asked.topics, &subject).map_err(Problem::as_bad_request)?;
    if let Some(inbox) = &asked.inbox {
        let judged = app.targets.judge("inbox", inbox, ChannelType::Webhook).await;
        judged.map_err(Problem::as_bad_request)?;
    }
    let framing = asked.subscription_type.framing();
    let rendering = rendering_id(Rendering::Lws { framing, actor: app.settings.lws.actor });
    let end_at = match asked.subscription_type {
        // What pushes lives as long as what is sent is acknowledged.
        SubscriptionType::Webhook => asked.expires,
        _ => Some(life(None, asked.expires, (app, &subject), now).1),
    };
    let channel = Channel::new(ChannelId(Uuid::new_v4()), Arc::new(subject), topics, rendering, now);
    let channel = Channel { recursive: true, end_at, ..channel };
    if let Some(inbox) = &asked.inbox {
        return Ok((Channel { push: Some(Arc::new(Push::to(inbox.as_str()))), ..channel }, None));
    }
    let (capability, hash) = capability::new().map_err(Problem::internal)?;
    Ok((streaming(app, channel, asked.subscription_type, hash, now), Some(capability)))
}

/// A channel that lives as long as its one connection, and that of an event stream a while longer, so that it can be
/// come back to.
fn streaming(
    app: &App,
    channel: Channel,
    subscription_type: SubscriptionType,
    hash: [u8; 32],
    now: Timestamp,
) -> Channel {
    let grace = match subscription_type {
        SubscriptionType::EventSource => app.settings.lws.grace.into(),
        _ => Duration::ZERO,
    };
    Channel {
        capability: Some(hash),
        connections: ConnectionLimit { concurrent: 1, total: Some(1) },
        connect_by: Some(after(now, app.settings.limits.unused_capability.into())),
        linger: Some(grace),
        ..channel
    }
}

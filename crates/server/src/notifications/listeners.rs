//! What the owner of a storage is shown of whoever listens there: who, by which protocol, and how it fares.
//!
//! An extension. Where something is pushed to is never among it. What cannot be told apart by topics, as the time of the
//! last delivery, is shown to an owner of all of them alone: it tells when something changed in another's storage.

use super::{health, pushing::Facts};
use crate::{app::App, problem::Problem};
use podbell_hub::{Channel, Listening};
use podbell_model::WebId;
use podbell_wire::{Fact, Rendering};
use std::borrow::Cow;

/// Everybody: who has not logged in.
pub(super) const PUBLIC: &str = "http://xmlns.com/foaf/0.1/Agent";

/// The facts; `whole`: all topics of the channel are in storages of the owner.
pub(super) async fn facts<'a>(
    app: &App,
    channel: &'a Channel,
    whole: bool,
    listening: Listening,
) -> Result<Facts<'a>, Problem> {
    let mut facts = vec![
        ("created", Fact::At(channel.created)),
        ("subscriber", Fact::Link(subscriber(channel))),
        ("protocol", Fact::Text(Cow::Borrowed(protocol(channel)))),
        ("connections", Fact::Count(listening.connections as u64)),
    ];
    let client = channel.subject.client.as_deref();
    facts.extend(client.map(|client| ("client", Fact::Text(Cow::Borrowed(client)))));
    if !channel.is_kept() {
        facts.push(("live", Fact::True));
    }
    if !whole {
        return Ok(facts);
    }
    let mut delivered = listening.delivered;
    if channel.push.is_some()
        && let Some(health) = app.queue.health(channel.id).await.map_err(Problem::unavailable)?
    {
        delivered = health.last_success;
        facts.extend(health::facts(&health));
    }
    facts.extend(delivered.map(|at| ("lastDelivered", Fact::At(at))));
    Ok(facts)
}

/// Who listens.
pub(super) fn subscriber(channel: &Channel) -> &str {
    channel.subject.webid.as_ref().map_or(PUBLIC, WebId::as_str)
}

/// By which door it came.
fn protocol(channel: &Channel) -> &'static str {
    match Rendering::from_code(channel.rendering.0) {
        Some(Rendering::Ess { .. }) => "ess",
        Some(Rendering::Lws { .. }) => "lws",
        Some(Rendering::Solid01) => "solid-0.1",
        Some(Rendering::Solid { .. }) | None => "solid",
    }
}

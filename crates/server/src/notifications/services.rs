//! Subscription services of the Solid Notifications Protocol.
//!
//! Spec: <https://solidproject.org/TR/notifications-protocol#subscription-request>

use super::{
    answer::{document, joined, no_store, options, refused},
    capability, pushing,
};
use crate::{
    app::App,
    authenticate::{authenticate, not_allowed, refusal},
    problem::Problem,
    request::{self, Target},
};
use axum::{
    body::Body,
    extract::{Extension, State},
    response::Response,
};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use podbell_delivery::rendering_id;
use podbell_hub::{Channel, ChannelId, ConnectionLimit, Crowd, Filter, Relation, SubscribeError, TooMany, Topic};
use podbell_model::{ActivityKind, ResourceIri, Subject, Timestamp, Uuid};
use podbell_wac::Refusal;
use podbell_wire::{ChannelDocument, ChannelType, Endpoint, Feature, Features, Service, Syntax, media, subscription};
use serde_json::json;
use std::{sync::Arc, time::Duration};

const ALLOW: &str = "GET, HEAD, OPTIONS, POST";

/// The types that have a service.
pub const TYPES: [ChannelType; 6] = ChannelType::ALL;

/// The service for a type.
pub fn of(app: &App, channel_type: ChannelType) -> Service {
    let url = app.url(&format!("/.notifications/{}/", channel_type.name()));
    let service = Service::new(url, channel_type, Feature::of(channel_type));
    let is_push = channel_type == ChannelType::WebPush;
    // Without a key nobody can subscribe; there is always one.
    let key = is_push.then(|| app.sender.vapid_public_key(app.now()).ok()).flatten();
    Service { vapid_public_key: key, ..service }
}

/// Which service a path below the root of a storage names: clients derive it there too.
pub fn named(below_root: &str) -> Option<ChannelType> {
    let name = below_root.trim_end_matches('/').strip_prefix(".notifications/")?;
    TYPES.into_iter().find(|channel_type| channel_type.name() == name)
}

/// A subscription service.
pub async fn service(
    State(app): State<Arc<App>>,
    Extension(target): Extension<Target>,
    request: Request<Body>,
    channel_type: ChannelType,
) -> Result<Response, Problem> {
    let service = of(&app, channel_type);
    match *request.method() {
        Method::GET | Method::HEAD => {
            let offers = [Syntax::JsonLd, Syntax::Turtle, Syntax::NTriples];
            let representation = media::negotiate(joined(request.headers(), &header::ACCEPT).as_deref(), &offers)?;
            let mut response = document(StatusCode::OK, representation, service.write(representation));
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(ALLOW));
            response.headers_mut().insert("accept-post", HeaderValue::from_static(media::ACCEPT_POST));
            Ok(response)
        }
        Method::OPTIONS => Ok(options(ALLOW, Some(media::ACCEPT_POST))),
        Method::POST => subscribe(&app, &service, &target, request).await.map(no_store),
        _ => Err(Problem::method_not_allowed(ALLOW)),
    }
}

async fn subscribe(app: &App, service: &Service, target: &Target, request: Request<Body>) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let subject = authenticate(app, &parts.method, target, &parts.headers).await?;
    if service.channel_type.pushes() && subject.webid.is_none() {
        // Whoever is sent to has not asked for it: there must be somebody who answers for it.
        return Err(not_allowed(Refusal::Unauthenticated).detail("authentication is required for channels that push"));
    }
    app.count_stranger(&subject, target)?;
    let body_type = media::body_type(joined(&parts.headers, &header::CONTENT_TYPE).as_deref())?;
    let offers = answer_offers(body_type.syntax, &parts.headers);
    let representation = media::negotiate(joined(&parts.headers, &header::ACCEPT).as_deref(), &offers)?;
    let limits = &app.settings.limits;
    let body = request::collect(body, limits.control_body.bytes(), limits.body_timeout.into()).await?;
    let mut asked =
        subscription::parse(&body, body_type, service).map_err(|error| refused(error.problem(), error.to_string()))?;
    let now = app.now();
    let topics = topics(app, &asked.topics, &subject)?;
    let push = match &asked.receiver {
        Some(receiver) => Some(Arc::new(pushing::push(app, service.channel_type, receiver).await?)),
        None => None,
    };
    let (start_at, latest) = life(asked.features.start_at, asked.features.end_at, (app, &subject), now);
    // What pushes lives as long as what is sent is acknowledged.
    let end_at = if push.is_some() { asked.features.end_at } else { Some(latest) };
    let opened = if push.is_some() { None } else { Some(capability::new().map_err(Problem::internal)?) };
    let rendering = rendering_id(asked.rendering(false));
    let channel = Channel {
        recursive: asked.features.recursive,
        filter: filter(&asked.features),
        network: app.network(&subject, target),
        capability: opened.as_ref().map(|(_, hash)| *hash),
        connections: ConnectionLimit { concurrent: limits.connections_per_capability, total: None },
        connect_by: opened.as_ref().map(|_| after(now, limits.unused_capability.into())),
        start_at,
        end_at,
        rate: asked.features.rate,
        state: asked.features.state_tag().map(|tag| podbell_pod::version_of(tag).into()),
        push: push.clone(),
        ..Channel::new(ChannelId(Uuid::new_v4()), Arc::new(subject), topics, rendering, now)
    };
    let (id, subject) = (channel.id, Arc::clone(&channel.subject));
    app.hub
        .subscribe_as(channel, super::channels::owns(app, &subject))
        .await
        .map_err(|error| not_subscribed(error, &subject))?;
    (asked.features.start_at, asked.features.end_at) = (start_at, end_at);
    let receive_from = opened.map(|(capability, _)| {
        let path = format!("/.notifications/connect/{capability}");
        if service.channel_type == ChannelType::WebSocket { app.socket_url(&path) } else { app.url(&path) }
    });
    let (id, sender) = (super::channels::url(app, id), pushing::sender(app));
    let mut more = push.as_deref().map(pushing::facts).unwrap_or_default();
    more.extend(push.as_deref().and_then(pushing::secret));
    let body = ChannelDocument {
        id: &id,
        channel_type: asked.channel_type,
        topics: &asked.topics,
        features: &asked.features,
        endpoint: receive_from
            .as_deref()
            .map_or_else(|| pushing::endpoint(push.as_deref(), &sender), Endpoint::ReceiveFrom),
        more: &more,
    }
    .write(&asked.spelling, representation);
    let status = pushing::made(service.channel_type);
    let mut response = document(status, representation, body);
    let location = HeaderValue::from_str(&id).map_err(Problem::internal)?;
    if status == StatusCode::CREATED {
        response.headers_mut().insert(header::LOCATION, location.clone());
    }
    response.headers_mut().insert(header::CONTENT_LOCATION, location);
    Ok(response)
}

/// JSON-LD is the default; whoever speaks Turtle and accepts anything is answered in it.
fn answer_offers(asked: Syntax, headers: &HeaderMap) -> [Syntax; 3] {
    match asked {
        Syntax::Turtle if !headers.contains_key(header::ACCEPT) => [Syntax::Turtle, Syntax::JsonLd, Syntax::NTriples],
        _ => [Syntax::JsonLd, Syntax::Turtle, Syntax::NTriples],
    }
}

/// The topics as the hub knows them. A topic of another host is no topic of this server; one outside every storage is
/// refused as one that may not be read.
pub(super) fn topics(app: &App, asked: &[ResourceIri], subject: &Subject) -> Result<Arc<[Topic]>, Problem> {
    let topic = |resource: &ResourceIri| match app.storages.containing(resource) {
        Some(storage) => Ok(Topic { storage: storage.id, resource: resource.clone() }),
        None if resource.origin() != &*app.origin && !app.storages.has_origin(resource.origin()) => {
            Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "foreign-topic", "The topic is not on this server")
                .detail(format!("{resource} is in no storage of {}/", app.origin)))
        }
        None => Err(unheard(resource, subject)),
    };
    asked.iter().map(topic).collect()
}

/// The kinds of changes, by the names of Activity Streams.
const KINDS: [(&str, (Relation, ActivityKind)); 5] = [
    ("Create", (Relation::Object, ActivityKind::Create)),
    ("Update", (Relation::Object, ActivityKind::Update)),
    ("Delete", (Relation::Object, ActivityKind::Delete)),
    ("Add", (Relation::Member, ActivityKind::Create)),
    ("Remove", (Relation::Member, ActivityKind::Delete)),
];

/// What a channel hears of the changes that concern it.
pub(super) fn filter(features: &Features) -> Filter {
    let asked = KINDS.iter().filter(|(name, _)| features.activity_types.contains(name)).map(|(_, kind)| *kind);
    let filter = if features.activity_types.is_empty() { Filter::default() } else { Filter::only(asked) };
    Filter::from_code(filter.code(), features.not_caused_by_me)
}

/// The names of what a channel hears; none if that is everything.
pub(super) fn activity_types(filter: Filter) -> Vec<&'static str> {
    let named = KINDS.iter().filter(|(_, (relation, kind))| filter.has(*relation, *kind)).map(|(name, _)| *name);
    let all = filter.code() == Filter::default().code();
    if all { Vec::new() } else { named.collect() }
}

/// When a channel that is connected to begins and ends: as asked, within the longest life.
pub(super) fn life(
    start: Option<Timestamp>,
    end: Option<Timestamp>,
    (app, subject): (&App, &Subject),
    now: Timestamp,
) -> (Option<Timestamp>, Timestamp) {
    let limits = &app.settings.limits;
    let longest = if subject.webid.is_some() { limits.channel_life } else { limits.anonymous_channel_life };
    let latest = after(now, longest.into());
    (start.map(|start| start.max(now)), end.unwrap_or(latest).min(latest))
}

pub(super) fn after(now: Timestamp, wait: Duration) -> Timestamp {
    now.saturating_add(wait).unwrap_or(Timestamp::MAX)
}

/// A topic that the subject may not hear of, which it named itself: told alike whether it exists or not.
fn unheard(topic: &ResourceIri, subject: &Subject) -> Problem {
    let problem = not_allowed(refusal(subject));
    match refusal(subject) {
        Refusal::Forbidden => problem.detail(format!("the access rules do not let you read {topic}")),
        Refusal::Unauthenticated => problem.detail(format!("authentication is required to read {topic}")),
    }
}

/// Why a channel was not made, as it is told.
pub(super) fn not_subscribed(error: SubscribeError, subject: &Subject) -> Problem {
    match error {
        SubscribeError::Forbidden { topic } => unheard(&topic, subject),
        SubscribeError::TooMany(error) => too_many(error),
        SubscribeError::Topics { limit } => {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "topics", "The number of topics is not accepted")
                .detail(format!("a channel has between one and {limit} topics"))
                .member("limit", json!(limit))
        }
        error => Problem::unavailable(error),
    }
}

/// There are as many channels as allowed, or topics or targets of them.
pub(super) fn too_many(TooMany { crowd, limit }: TooMany) -> Problem {
    let why = match crowd {
        Crowd::Client => format!("you have {limit} channels with this client; delete some, or let them end"),
        Crowd::Agent => format!("you have {limit} channels; delete some, or let them end"),
        Crowd::TopicsOfAgent => {
            format!("your channels have {limit} topics, or would; delete some, or let them end")
        }
        Crowd::TopicsOfNetwork => format!(
            "channels that were made at your address without a log-in have {limit} topics, or would; log in, or \
             let them end"
        ),
        Crowd::Network => {
            format!("{limit} channels were made at your address without a log-in; log in, or let them end")
        }
        Crowd::Public => format!("there are {limit} channels without a log-in; log in, or come back later"),
        Crowd::Topic(topic) => format!("{topic} has {limit} channels; come back later"),
        Crowd::Pushed(topic) => {
            format!("{limit} channels of yours push about {topic}; delete some, or let them end")
        }
        Crowd::Targets => format!("your channels push to {limit} hosts; use one of them, or delete some channels"),
    };
    Problem::too_many(why, 60).member("limit", json!(limit))
}

//! Lists of channels: those that an agent has made, and, for the owner of a storage, everybody's with a topic in it.
//!
//! An extension. Page by page, oldest first; nobody sees another's channels but on their own storage. What listens there
//! without being kept stands behind all others, on the last page. The owner of a storage may end many at once.

use super::{
    answer::{joined, no_store, options},
    channels,
    clearing::{self, Wish},
    listeners,
};
use crate::{
    app::App,
    authenticate::{authenticate, not_allowed, refusal},
    problem::Problem,
    request::Target,
};
use axum::{
    body::Body,
    extract::{Extension, State},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, Method, Request, header};
use percent_encoding::percent_decode_str;
use podbell_hub::{After, Channel, ChannelId, Whose};
use podbell_model::{ResourceIri, StorageId, Subject, Timestamp, Uuid};
use podbell_wac::Refusal;
use podbell_wire::{EXTENSIONS, NotificationsContext, Representation, Syntax, lexical, media};
use serde_json::{Value, json};
use std::sync::Arc;

const ALLOW: &str = "GET, HEAD, OPTIONS, DELETE";
const PATH: &str = "/.notifications/channels/";
/// Channels of a page.
const PAGE: usize = 100;
/// Most on the last page that are not kept.
const LIVE: usize = 1_000;

/// `GET /.notifications/channels/`, with `?storage=ROOT` for an owner; for that owner also DELETE.
pub async fn channels(
    State(app): State<Arc<App>>,
    Extension(target): Extension<Target>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    // A body cannot be shared between threads, and is not looked at.
    let (request, _) = request.into_parts();
    match request.method {
        Method::OPTIONS => return Ok(options(ALLOW, None)),
        Method::GET | Method::HEAD | Method::DELETE => {}
        _ => return Err(Problem::method_not_allowed(ALLOW)),
    }
    let subject = authenticate(&app, &request.method, &target, &request.headers).await?;
    let Some(webid) = subject.webid.clone() else { return Err(not_allowed(Refusal::Unauthenticated)) };
    if request.method == Method::DELETE {
        let wish = Wish::parse(request.uri.query().unwrap_or_default())?;
        let storage = owned(&app, &wish.storage, &subject)?;
        return clearing::clear(&app, &wish, storage, &subject).await;
    }
    media::negotiate(joined(&request.headers, &header::ACCEPT).as_deref(), &[Syntax::JsonLd])?;
    let query = |name: &str| {
        let mut pairs = request.uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| percent_decode_str(value).decode_utf8_lossy().into_owned())
    };
    let storage = query("storage").filter(|root| !root.is_empty());
    let whose = match &storage {
        None => Whose::Agent(webid),
        Some(root) => Whose::Storage(owned(&app, root, &subject)?),
    };
    let after = query("after").map(|text| parse(&text).ok_or_else(|| Problem::bad_request("`after` is no page")));
    let page = app.hub.channels(&whose, after.transpose()?, PAGE).await;
    let (found, next) = page.map_err(Problem::unavailable)?;
    let (list, more) = match whose {
        Whose::Agent(_) => (found.iter().map(|channel| own(&app, channel)).collect(), false),
        Whose::Storage(storage) => listeners_of(&app, storage, &subject, (&found, next.is_none())).await?,
    };
    let mut document = json!({
        "@context": NotificationsContext::default().iri(),
        "id": app.url(&target.raw),
        "channel": list,
    });
    if more {
        document[format!("{EXTENSIONS}more")] = true.into();
    }
    let body = serde_json::to_vec(&document).map_err(Problem::internal)?;
    let media_type = HeaderValue::from_static(Representation::default().media_type());
    let mut response = ([(header::CONTENT_TYPE, media_type)], body).into_response();
    if let Some((created, id)) = next {
        let storage = storage.map(|root| {
            format!("&storage={}", percent_encoding::utf8_percent_encode(&root, percent_encoding::NON_ALPHANUMERIC))
        });
        let place = format!("{}.{}", created.as_nanosecond(), id.0.simple());
        let link = format!("<{}?after={place}{}>; rel=\"next\"", app.url(PATH), storage.unwrap_or_default());
        response.headers_mut().insert(header::LINK, HeaderValue::from_str(&link).map_err(Problem::internal)?);
    }
    Ok(no_store(response))
}

/// The storage with that root, if it is theirs; of others it is not even said whether they exist.
pub(super) fn owned(app: &App, root: &str, subject: &Subject) -> Result<StorageId, Problem> {
    let storage = ResourceIri::parse(root).ok().and_then(|root| app.storages.rooted(&root));
    let owned = storage.filter(|storage| Some(&storage.owner) == subject.webid.as_ref());
    owned.map(|storage| storage.id).ok_or_else(|| not_allowed(refusal(subject)))
}

/// A channel as an entry of the list of who made it.
fn own(app: &App, channel: &Channel) -> Value {
    let mut entry = entry(&channels::describe(app, channel, (true, Vec::new()), Representation::default()));
    entry[format!("{EXTENSIONS}created")] = lexical::date_time(channel.created).into();
    entry
}

/// Channels as entries of the list of a storage, with their topics there alone and with who listens; on the last page also
/// what is not kept, and whether there is more of that.
async fn listeners_of(
    app: &App,
    storage: StorageId,
    owner: &Subject,
    (found, is_last): (&[Channel], bool),
) -> Result<(Vec<Value>, bool), Problem> {
    let owns = channels::owns(app, owner);
    let (attending, next) = if is_last { app.hub.attending(storage, 0, LIVE) } else { (Vec::new(), None) };
    let kept = found.iter().zip(app.hub.listening(found));
    let live = attending.iter().map(|attending| (&*attending.channel, attending.listening));
    let mut list = Vec::with_capacity(found.len() + attending.len());
    for (channel, listening) in kept.chain(live) {
        let whole = channel.topics.iter().all(|topic| owns(topic.storage));
        let facts = listeners::facts(app, channel, whole, listening).await?;
        let there = channel.topics.iter().filter(|topic| topic.storage == storage).cloned().collect();
        let shown = Channel { topics: there, ..channel.clone() };
        list.push(entry(&channels::describe(app, &shown, (false, facts), Representation::default())));
    }
    Ok((list, next.is_some()))
}

/// A document as an entry of a list.
fn entry(document: &[u8]) -> Value {
    let mut entry: Value = serde_json::from_slice(document).unwrap_or_default();
    entry.as_object_mut().map(|entry| entry.remove("@context"));
    entry
}

fn parse(text: &str) -> Option<After> {
    let (created, id) = text.split_once('.')?;
    let created = Timestamp::from_nanosecond(created.parse().ok()?).ok()?;
    Some((created, ChannelId(Uuid::try_parse(id).ok()?)))
}

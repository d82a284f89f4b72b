//! Streams without a subscription: one for every topic, for whoever may read it, opened with the credentials of a GET.
//!
//! They begin with how the topic stands, and end when the credentials do or the topic may no longer be read.
//!
//! Spec: <https://solidproject.org/TR/notifications-protocol#discovery> (pre-established channels)

use super::{connect, services};
use crate::{
    app::App,
    authenticate::{Asker, asker, not_allowed, refusal},
    problem::Problem,
    request::Target,
};
use axum::{
    body::Body,
    extract::{Extension, State},
    response::Response,
};
use http::{Method, Request};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use podbell_delivery::rendering_id;
use podbell_hub::{Begin, Channel, ChannelId, ConnectError};
use podbell_model::{ResourceIri, Uuid};
use podbell_wire::{ChannelType, Framing, NotificationsContext, Rendering, Syntax};
use std::sync::Arc;

const ALLOW: &str = "GET, HEAD, OPTIONS";

/// The types that have them.
pub const TYPES: [ChannelType; 2] = [ChannelType::StreamingHttp, ChannelType::EventSource];

/// What JavaScript's `encodeURIComponent` leaves as it is: clients make these URLs with it.
const COMPONENT: &percent_encoding::AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// Where the changes of a topic are streamed.
pub fn url(app: &App, channel_type: ChannelType, topic: &ResourceIri) -> String {
    let name = channel_type.name();
    app.url(&format!("/.notifications/{name}/{}", utf8_percent_encode(topic.as_str(), COMPONENT)))
}

/// The root and the type of a stream that is named below the root of a storage: clients derive it there too.
pub fn named(path: &str) -> Option<(&str, ChannelType)> {
    let (at, _) = path.match_indices("/.notifications/").next()?;
    let (root, below) = path.split_at(at + 1);
    let (name, topic) = below.strip_prefix(".notifications/")?.split_once('/')?;
    let topic = topic.strip_suffix('/').unwrap_or(topic);
    let named = TYPES.into_iter().find(|channel_type| channel_type.name() == name)?;
    (!topic.is_empty() && !topic.contains('/')).then_some((root, named))
}

/// The stream of a topic.
pub async fn topic(
    State(app): State<Arc<App>>,
    Extension(target): Extension<Target>,
    request: Request<Body>,
    channel_type: ChannelType,
) -> Result<Response, Problem> {
    match *request.method() {
        Method::OPTIONS => return Ok(super::answer::options(ALLOW, None)),
        Method::GET | Method::HEAD => {}
        _ => return Err(Problem::method_not_allowed(ALLOW)),
    }
    let Asker { subject, expires } = asker(&app, request.method(), &target, request.headers()).await?;
    let path = target.path();
    let written = path.strip_suffix('/').unwrap_or(path).rsplit('/').next().unwrap_or_default();
    let named = percent_decode_str(written).decode_utf8().map_err(|_| Problem::bad_request("the topic is no UTF-8"))?;
    let resource = ResourceIri::parse(&named).map_err(|error| {
        Problem::bad_request(format!("the path must end in the percent-encoded URL of a topic: {error}"))
    })?;
    let default = match Framing::of(channel_type) {
        Framing::Stream => (Framing::Stream, Syntax::Turtle),
        framing => (framing, Syntax::JsonLd),
    };
    let (framing, syntax) = connect::representation(request.headers(), default, true)?;
    let now = app.now();
    let topics = services::topics(&app, &[resource], &subject)?;
    let (_, end_at) = services::life(None, expires, (&app, &subject), now);
    let (context, cursor) = (NotificationsContext::default(), false);
    let rendering = Rendering::Solid { context, syntax, actor: false, framing, cursor };
    let (id, network) = (ChannelId(Uuid::new_v4()), app.network(&subject, &target));
    let channel = Channel::new(id, Arc::new(subject), topics, rendering_id(rendering), now);
    let channel = Channel { network, end_at: Some(end_at), ..channel };
    let since = app.log.head();
    let subject = Arc::clone(&channel.subject);
    let admission = app.hub.attend(channel).await.map_err(|error| match error {
        ConnectError::Forbidden => not_allowed(refusal(&subject)),
        error => connect::not_admitted(error),
    })?;
    connect::stream(&app, request, admission, (Begin::Standing, since), rendering)
}

//! Connecting to a channel by its capability: the answer of a stream that never ends, or the opening of a WebSocket.
//!
//! Everything is judged before the answer goes out, and what is committed from then on is told.

use super::{answer::options, capability, opening};
use crate::{
    accept::{Bare, Connection, TakeOver},
    app::App,
    authenticate::not_allowed,
    problem::Problem,
};
use axum::{
    body::Body,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use bytes::BytesMut;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Version, header};
use podbell_delivery::{
    rendering_id,
    stream::Kind,
    websocket::{Dialect, handshake::Subprotocol},
};
use podbell_hub::{Admission, Begin, Channel, ConnectError, Full};
use podbell_model::Sequence;
use podbell_wac::Refusal;
use podbell_wire::{Framing, Rendering, Syntax, media};
use serde_json::json;
use std::sync::Arc;
use tokio::net::TcpStream;

const ALLOW: &str = "GET, HEAD, OPTIONS";

/// A connection to `receiveFrom`.
pub async fn connect(
    State(app): State<Arc<App>>,
    Path(capability): Path<String>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    match *request.method() {
        Method::OPTIONS => return Ok(options(ALLOW, None)),
        Method::GET | Method::HEAD => {}
        _ => return Err(Problem::method_not_allowed(ALLOW)),
    }
    if opening::has_token(request.headers(), &header::UPGRADE, "websocket") {
        return opening::open(&app, &capability, request, Dialect::Solid, Subprotocol::First).await;
    }
    let hash = capability::hash(&capability);
    let (channel, ended) = app.hub.seek(&hash).await.map_err(not_admitted)?;
    let (rendering, framing, syntax) = match Rendering::from_code(channel.rendering.0) {
        Some(rendering @ Rendering::Solid { framing, syntax, .. }) => (rendering, framing, syntax),
        Some(rendering @ Rendering::Lws { framing: Framing::Events, .. }) => {
            return super::lws::events(&app, request, &hash, (&channel, ended), rendering).await;
        }
        _ => return Err(opening::upgrade_required()),
    };
    match framing {
        Framing::WebSocket => return Err(opening::upgrade_required()),
        // Tells an `EventSource` not to come again.
        Framing::Events if ended => return Ok(StatusCode::NO_CONTENT.into_response()),
        _ if ended => return Err(not_admitted(ConnectError::Ended)),
        _ => {}
    }
    let rendering = rendering.with_framing(representation(request.headers(), (framing, syntax), false)?.0);
    if *request.method() == Method::HEAD {
        return head(rendering);
    }
    let since = app.log.head();
    let admission = app.hub.admit(&hash).await.map_err(not_admitted)?;
    stream(&app, request, admission, (Begin::Now, since), rendering)
}

/// What a stream is written in. Who asks for an event stream gets one; `any`: the syntax is theirs to choose, and else
/// it is that of the channel.
pub(super) fn representation(
    headers: &HeaderMap,
    default: (Framing, Syntax),
    any: bool,
) -> Result<(Framing, Syntax), Problem> {
    let Some(accept) = super::answer::joined(headers, &header::ACCEPT) else { return Ok(default) };
    let events = accept.split(',').any(|range| {
        range.split(';').next().is_some_and(|range| range.trim().eq_ignore_ascii_case("text/event-stream"))
    });
    match default {
        (_, Syntax::Turtle) if events && any => Ok((Framing::Events, Syntax::JsonLd)),
        (_, syntax) if events => Ok((Framing::Events, syntax)),
        (Framing::Stream, Syntax::Turtle) if any => {
            let offers = [Syntax::Turtle, Syntax::JsonLd, Syntax::NTriples];
            Ok((Framing::Stream, media::negotiate(Some(&accept), &offers)?.syntax))
        }
        default => Ok(default),
    }
}

/// From where a connection hears: after the cursor that it comes back with, if it does.
///
/// Spec: <https://html.spec.whatwg.org/multipage/server-sent-events.html#the-last-event-id-header>
pub(super) fn begin(app: &App, request: &Request<Body>, channel: &Channel, framing: Framing, without: Begin) -> Begin {
    let last = request.headers().get("last-event-id").filter(|_| framing == Framing::Events);
    let last = last.map(|value| value.to_str().unwrap_or("?")).filter(|value| !value.is_empty());
    match last.or_else(|| since(request)) {
        None => without,
        // What cannot be opened may stand for anything.
        Some(cursor) => app.cursors.open_on(cursor, channel).map_or(Begin::Lost, Begin::After),
    }
}

/// The cursor in the query.
pub(super) fn since(request: &Request<Body>) -> Option<&str> {
    request.uri().query()?.split('&').find_map(|pair| pair.strip_prefix("since="))
}

/// The rendering of a connection: who comes back with a cursor has use for the next one.
fn with_cursor(rendering: Rendering, request: &Request<Body>) -> Rendering {
    if since(request).is_some() { rendering.with_cursor() } else { rendering }
}

/// Answers with a stream: on the bare socket if there is one. `otherwise`: how it begins if the client does not come back;
/// beside it a head of the log that was read before the admission.
pub(super) fn stream(
    app: &App,
    mut request: Request<Body>,
    admission: Admission,
    (otherwise, since): (Begin, Sequence),
    rendering: Rendering,
) -> Result<Response, Problem> {
    let mut response = head(rendering)?;
    if *request.method() == Method::HEAD {
        return Ok(response);
    }
    let is_bare = request.extensions().get::<Bare>().is_some();
    let opens_once = matches!(rendering, Rendering::Lws { .. });
    // hyper makes chunks by itself; HTTP/1.0 knows none.
    let chunks = is_bare && request.version() == Version::HTTP_11 && rendering.framing() == Framing::Stream;
    let rendering = if chunks { rendering.with_framing(Framing::Chunks) } else { rendering };
    let framing = rendering.framing();
    let begin = match rendering {
        // Its door has opened the cursor, for the topics that there were; of a gap nobody could be told any more.
        Rendering::Lws { .. } => otherwise,
        _ => begin(app, &request, admission.channel(), framing, otherwise),
    };
    let begin = (begin, since);
    // The head has said what follows; only what is in events may change with the channel.
    let own = rendering_id(with_cursor(rendering, &request));
    let rendering = Some(own).filter(|own| framing != Framing::Events || *own != admission.channel().rendering);
    let kind = match framing {
        Framing::Events if opens_once => Kind::Returning,
        Framing::Events => Kind::Events,
        Framing::Chunks => Kind::Chunks,
        _ => Kind::Stream { heartbeat: false },
    };
    let room = request.extensions_mut().remove::<Connection>().map(|connection| connection.room);
    if is_bare {
        if chunks {
            response.headers_mut().insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
        let streams = app.streams.clone();
        let take = move |stream: TcpStream, _early: BytesMut| {
            tokio::spawn(streams.serve(stream, admission, begin, rendering, kind, room));
        };
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        response.extensions_mut().insert(TakeOver::new(take));
    } else {
        *response.body_mut() = Body::new(app.streams.body(admission, begin, rendering, kind, room));
    }
    Ok(response)
}

/// The head of a stream: nobody may keep, change or hold back what follows.
pub(super) fn head(rendering: Rendering) -> Result<Response, Problem> {
    let media_type = match rendering.framing() {
        Framing::Events => "text/event-stream; charset=utf-8",
        _ => rendering.media_type(),
    };
    let head = Response::builder()
        .header(header::CONTENT_TYPE, media_type)
        .header(header::CACHE_CONTROL, "no-store, no-transform")
        .header(header::VARY, "Accept")
        .header("x-accel-buffering", "no");
    head.body(Body::empty()).map_err(Problem::internal)
}

pub(super) fn not_admitted(error: ConnectError) -> Problem {
    match error {
        ConnectError::Unknown => Problem::not_found()
            .detail("no channel is heard here: it was not connected to in time, has ended, or never was"),
        ConnectError::Ended => Problem::blank(StatusCode::GONE).detail("the channel has ended"),
        ConnectError::Forbidden => not_allowed(Refusal::Forbidden),
        ConnectError::TooMany { full, limit } => {
            let why = match full {
                Full::Channel => format!("this channel has {limit} connections; close one, or make another channel"),
                Full::Client => format!("you have {limit} connections with this client; close some"),
                Full::Agent => format!("you have {limit} connections; close some"),
                Full::Network => {
                    format!("your address has {limit} connections without a log-in; log in, or close some")
                }
            };
            Problem::too_many(why, 5).member("limit", json!(limit))
        }
        error => Problem::unavailable(error),
    }
}

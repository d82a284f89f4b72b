//! Connecting to a channel by its capability: the opening of a WebSocket, or the answer that never ends of a stream.
//!
//! Everything is judged before the 101 goes out, and what is committed from then on is told.

use super::{answer::options, capability};
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
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use podbell_delivery::{
    rendering_id,
    stream::Kind,
    websocket::{
        Dialect,
        handshake::{self, HandshakeError, Opening, Subprotocol},
    },
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
    if has_token(request.headers(), &header::UPGRADE, "websocket") {
        return upgrade(&app, &capability, request, Dialect::Solid, Subprotocol::First).await;
    }
    let hash = capability::hash(&capability);
    let (channel, ended) = app.hub.seek(&hash).await.map_err(not_admitted)?;
    let Some(rendering @ Rendering::Solid { framing, syntax, .. }) = Rendering::from_code(channel.rendering.0) else {
        return Err(upgrade_required());
    };
    match framing {
        Framing::WebSocket => return Err(upgrade_required()),
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
fn begin(app: &App, request: &Request<Body>, channel: &Channel, framing: Framing, without: Begin) -> Begin {
    let last = request.headers().get("last-event-id").filter(|_| framing == Framing::Events);
    let last = last.map(|value| value.to_str().unwrap_or("?")).filter(|value| !value.is_empty());
    match last.or_else(|| since(request)) {
        None => without,
        // What cannot be opened may stand for anything.
        Some(cursor) => app.cursors.open(cursor, &channel.subject, &channel.topics).map_or(Begin::Lost, Begin::After),
    }
}

/// The cursor in the query.
fn since(request: &Request<Body>) -> Option<&str> {
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
    // hyper makes chunks by itself; HTTP/1.0 knows none.
    let chunks = is_bare && request.version() == Version::HTTP_11 && rendering.framing() == Framing::Stream;
    let rendering = if chunks { rendering.with_framing(Framing::Chunks) } else { rendering };
    let framing = rendering.framing();
    let begin = (begin(app, &request, admission.channel(), framing, otherwise), since);
    // The head has said what follows; only what is in events may change with the channel.
    let own = rendering_id(with_cursor(rendering, &request));
    let rendering = Some(own).filter(|own| framing != Framing::Events || *own != admission.channel().rendering);
    let kind = match framing {
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
fn head(rendering: Rendering) -> Result<Response, Problem> {
    let media_type = match rendering {
        Rendering::Solid { framing: Framing::Events, .. } => "text/event-stream; charset=utf-8",
        rendering => rendering.media_type(),
    };
    let head = Response::builder()
        .header(header::CONTENT_TYPE, media_type)
        .header(header::CACHE_CONTROL, "no-store, no-transform")
        .header(header::VARY, "Accept")
        .header("x-accel-buffering", "no");
    head.body(Body::empty()).map_err(Problem::internal)
}

/// Opens a WebSocket with the channel of a capability.
pub(super) async fn upgrade(
    app: &Arc<App>,
    capability: &str,
    mut request: Request<Body>,
    dialect: Dialect,
    subprotocol: Subprotocol,
) -> Result<Response, Problem> {
    let headers = request.headers();
    let upgrades = *request.method() == Method::GET
        && request.version() == Version::HTTP_11
        && has_token(headers, &header::UPGRADE, "websocket")
        && has_token(headers, &header::CONNECTION, "upgrade");
    if !upgrades {
        return Err(upgrade_required());
    }
    let protocols = super::answer::joined(headers, &header::SEC_WEBSOCKET_PROTOCOL);
    // Two values mean two things to two readers.
    let text = |name: header::HeaderName| {
        let mut values = headers.get_all(name).iter();
        values.next().filter(|_| values.next().is_none()).and_then(|value: &HeaderValue| value.to_str().ok())
    };
    let opening = Opening {
        key: text(header::SEC_WEBSOCKET_KEY),
        version: text(header::SEC_WEBSOCKET_VERSION),
        protocols: protocols.as_deref(),
    };
    let accepted = handshake::open(&opening, subprotocol).map_err(bad_opening)?;
    let upgrade = request.extensions_mut().remove::<OnUpgrade>();
    let is_bare = request.extensions().get::<Bare>().is_some();
    if !is_bare && upgrade.is_none() {
        return Err(Problem::bad_request("an opening has no body"));
    }
    // Before anything is judged: what is committed from here on is told, or refused, but not lost.
    let head = app.log.head();
    let admission = app.hub.admit(&capability::hash(capability)).await.map_err(not_admitted)?;
    let rendering = Rendering::from_code(admission.channel().rendering.0);
    let Some(rendering) = rendering.filter(|rendering| rendering.framing() == Framing::WebSocket) else {
        return Err(Problem::bad_request("this channel is no WebSocket: GET it without an upgrade"));
    };
    let begin = (begin(app, &request, admission.channel(), Framing::WebSocket, Begin::Now), head);
    let rendering = since(&request).map(|_| rendering_id(rendering.with_cursor()));
    let room = request.extensions_mut().remove::<Connection>().map(|connection| connection.room);
    let take = {
        let websockets = app.websockets.clone();
        move |stream: TcpStream, early: BytesMut| {
            tokio::spawn(websockets.serve(stream, &early, admission, dialect, begin, rendering, room));
        }
    };
    let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
    let answer = response.headers_mut();
    answer.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    answer.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    let accept = HeaderValue::from_str(&accepted.accept).map_err(Problem::internal)?;
    answer.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    if let Some(protocol) = accepted.protocol {
        let protocol = HeaderValue::from_str(&protocol).map_err(Problem::internal)?;
        answer.insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
    }
    match upgrade {
        None => drop(response.extensions_mut().insert(TakeOver::new(take))),
        Some(upgrade) => drop(tokio::spawn(recover(upgrade, take))),
    }
    Ok(response)
}

/// Takes the bare socket back from hyper.
async fn recover(upgrade: OnUpgrade, begin: impl FnOnce(TcpStream, BytesMut)) {
    let Ok(upgraded) = upgrade.await else { return };
    let parts = hyper_util::server::conn::auto::upgrade::downcast::<TokioIo<TcpStream>>(upgraded);
    if let Ok(parts) = parts {
        begin(parts.io.into_inner(), parts.read_buf.into());
    } else {
        tracing::error!("an upgraded connection is no TCP stream");
    }
}

fn has_token(headers: &HeaderMap, name: &header::HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|part| part.trim().eq_ignore_ascii_case(token))
}

fn upgrade_required() -> Problem {
    Problem::blank(StatusCode::UPGRADE_REQUIRED)
        .detail("connect with a WebSocket over HTTP/1.1")
        .header(header::UPGRADE, HeaderValue::from_static("websocket"))
}

fn bad_opening(error: HandshakeError) -> Problem {
    match error {
        HandshakeError::Version => Problem::blank(StatusCode::UPGRADE_REQUIRED)
            .header(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13")),
        HandshakeError::Key | HandshakeError::Protocol => Problem::blank(StatusCode::BAD_REQUEST),
    }
    .detail(error.to_string())
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

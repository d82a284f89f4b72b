//! The opening of a WebSocket: judged before the 101 goes out, and then on the bare socket.
//!
//! Spec: <https://www.rfc-editor.org/rfc/rfc6455#section-4.2>

use super::{
    capability,
    connect::{begin, not_admitted, since},
};
use crate::{
    accept::{Bare, Connection, Room, TakeOver},
    app::App,
    problem::Problem,
};
use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::BytesMut;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Version, header};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use podbell_delivery::{
    rendering_id,
    websocket::{
        Dialect,
        handshake::{self, Accepted, HandshakeError, Opening, Subprotocol},
    },
};
use podbell_hub::{Begin, ConnectError};
use podbell_wire::{Framing, Rendering};
use std::sync::Arc;
use tokio::net::TcpStream;

/// An opening that is in order, and not yet answered.
pub(super) struct Handshake {
    accepted: Accepted,
    upgrade: Option<OnUpgrade>,
    pub(super) room: Option<Room>,
}

/// Looks whether a request opens a WebSocket as it should.
pub(super) fn handshake(request: &mut Request<Body>, subprotocol: Subprotocol) -> Result<Handshake, Problem> {
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
    let room = request.extensions_mut().remove::<Connection>().map(|connection| connection.room);
    Ok(Handshake { accepted, upgrade, room })
}

impl Handshake {
    /// The subprotocol that was chosen.
    pub(super) fn protocol(&self) -> Option<&str> {
        self.accepted.protocol.as_deref()
    }

    /// Answers with 101; `take` gets the bare socket, and what was read after the opening.
    pub(super) fn switch(self, take: impl FnOnce(TcpStream, BytesMut) + Send + 'static) -> Result<Response, Problem> {
        let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
        let answer = response.headers_mut();
        answer.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        answer.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        let accept = HeaderValue::from_str(&self.accepted.accept).map_err(Problem::internal)?;
        answer.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
        if let Some(protocol) = self.accepted.protocol {
            let protocol = HeaderValue::from_str(&protocol).map_err(Problem::internal)?;
            answer.insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
        }
        match self.upgrade {
            None => drop(response.extensions_mut().insert(TakeOver::new(take))),
            Some(upgrade) => drop(tokio::spawn(recover(upgrade, take))),
        }
        Ok(response)
    }
}

/// Opens a WebSocket with the channel of a capability.
pub(super) async fn open(
    app: &Arc<App>,
    capability: &str,
    mut request: Request<Body>,
    dialect: Dialect,
    subprotocol: Subprotocol,
) -> Result<Response, Problem> {
    let mut handshake = handshake(&mut request, subprotocol)?;
    let hash = capability::hash(capability);
    // What one front door gave opens nothing at another, and is not used up there.
    let (channel, _) = app.hub.seek(&hash).await.map_err(not_admitted)?;
    let rendering = Rendering::from_code(channel.rendering.0);
    let is_ess = matches!(rendering, Some(Rendering::Ess { .. }));
    if is_ess != (dialect == Dialect::Ess) {
        return Err(not_admitted(ConnectError::Unknown));
    }
    // Nor is it used up by who asks for the wrong thing.
    let Some(rendering) = rendering.filter(|rendering| rendering.framing() == Framing::WebSocket) else {
        return Err(Problem::bad_request("this channel is no WebSocket: GET it without an upgrade"));
    };
    // Before anything is judged: what is committed from here on is told, or refused, but not lost.
    let head = app.log.head();
    let admission = app.hub.admit(&hash).await.map_err(not_admitted)?;
    let begin = match rendering {
        Rendering::Solid { .. } => begin(app, &request, admission.channel(), Framing::WebSocket, Begin::Now),
        // The others know no way back.
        _ => Begin::Now,
    };
    let begin = (begin, head);
    let rendering = since(&request).map(|_| rendering_id(rendering.with_cursor()));
    let (websockets, room) = (app.websockets.clone(), handshake.room.take());
    handshake.switch(move |stream: TcpStream, early: BytesMut| {
        tokio::spawn(websockets.serve(stream, &early, admission, dialect, begin, rendering, room));
    })
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

pub(super) fn has_token(headers: &HeaderMap, name: &header::HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|part| part.trim().eq_ignore_ascii_case(token))
}

pub(super) fn upgrade_required() -> Problem {
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

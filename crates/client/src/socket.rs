//! A WebSocket.
//!
//! A peer that is gone without a word is found out by pings.
//!
//! Spec: <https://www.rfc-editor.org/rfc/rfc6455>

use crate::{
    client::Client,
    connection::{End, Heard, NotOpen, not_open, shown},
    error::WatchError,
    http::{Line, innermost},
};
use futures_util::{SinkExt as _, StreamExt as _};
use http::{HeaderMap, StatusCode};
use std::time::Duration;
use tokio::time::timeout;
use tokio_websockets::{ClientBuilder, CloseCode, Error, Limits, Message, WebSocketStream, upgrade};
use url::Url;

/// Most bytes of a message.
const MAX_MESSAGE: usize = 1024 * 1024;
/// How long the opening may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// After how much silence the peer is asked whether it is there, and how long it may take to say so.
const SILENCE: Duration = Duration::from_secs(25);
/// Codes that say that the topic may not be read any longer.
const FORBIDDEN: [u16; 2] = [4403, 1008];

/// An open socket.
pub(crate) struct Socket {
    stream: WebSocketStream<Line>,
    is_asked: bool,
}

impl Socket {
    pub(crate) async fn open(client: &Client, url: &Url) -> Result<Self, NotOpen> {
        let wrong = |reason: &str| WatchError::not_understood(&shown(url), reason);
        // The connector knows the schemes of HTTP, sockets those of their own.
        let (of_http, of_sockets) = match url.scheme() {
            "ws" | "http" => ("http", "ws"),
            "wss" | "https" => ("https", "wss"),
            _ => return Err(wrong("its receiveFrom is no URL of a WebSocket").into()),
        };
        let with = |scheme: &str| format!("{scheme}{}", &url.as_str()[url.scheme().len()..]);
        let target = Url::parse(&with(of_http)).map_err(|_| wrong("its receiveFrom is no URL"))?;
        let line = client.http().dial(&target, &shown(url)).await?;
        let builder = ClientBuilder::new().uri(&with(of_sockets)).map_err(|_| wrong("its receiveFrom is no URL"))?;
        let builder = builder.limits(Limits::default().max_payload_len(Some(MAX_MESSAGE)));
        match timeout(PATIENCE, builder.connect_on(line)).await {
            Err(_) => Err(WatchError::unreachable(&shown(url), "no answer came in time").into()),
            Ok(Ok((stream, _))) => Ok(Self { stream, is_asked: false }),
            Ok(Err(Error::Upgrade(upgrade::Error::DidNotSwitchProtocols(status)))) => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
                Err(not_open(url, status, &HeaderMap::new()))
            }
            Ok(Err(error)) => Err(WatchError::unreachable(&shown(url), innermost(&error)).into()),
        }
    }

    pub(crate) async fn next(&mut self) -> Heard {
        loop {
            let message = match timeout(SILENCE, self.stream.next()).await {
                Ok(message) => message,
                Err(_) if self.is_asked => return Heard::End(End::Cut("the server is silent".to_owned())),
                Err(_) => {
                    if self.stream.send(Message::ping(&b""[..])).await.is_err() {
                        return Heard::End(End::Cut("the connection broke".to_owned()));
                    }
                    self.is_asked = true;
                    continue;
                }
            };
            self.is_asked = false;
            let message = match message {
                None => return Heard::End(End::Cut("the connection broke".to_owned())),
                Some(Err(error)) => return Heard::End(End::Cut(innermost(&error))),
                Some(Ok(message)) => message,
            };
            if let Some((code, reason)) = message.as_close() {
                return Heard::End(ending(code, reason));
            }
            if let Some(text) = message.as_text() {
                return Heard::Message { text: text.to_owned(), cursor: None };
            }
        }
    }
}

fn ending(code: CloseCode, reason: &str) -> End {
    let (code, reason) = (u16::from(code), crate::answer::clip(reason));
    match code {
        1000 => End::Over(reason),
        code if FORBIDDEN.contains(&code) => End::Forbidden(reason),
        _ if reason.is_empty() => End::Cut(format!("the server closed with {code}")),
        _ => End::Cut(reason),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn the_code_says_whether_to_come_back() {
        let end = |code: u16| ending(CloseCode::try_from(code).unwrap(), "why");
        assert_eq!(end(1000), End::Over("why".to_owned()));
        assert_eq!((end(4403), end(1008)), (End::Forbidden("why".to_owned()), End::Forbidden("why".to_owned())));
        assert_eq!((end(1001), end(1013)), (End::Cut("why".to_owned()), End::Cut("why".to_owned())));
    }
}

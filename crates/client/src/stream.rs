//! Bodies without end: event streams, and documents one behind the other.

use crate::{
    client::Client,
    connection::{End, Heard, NotOpen, not_open, shown},
    error::WatchError,
    events::Events,
    http::innermost,
    messages::{Messages, TooLong},
};
use bytes::Bytes;
use http::{HeaderName, Method, Request, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use std::collections::VecDeque;
use url::Url;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

enum Grammar {
    Events(Events),
    Documents(Messages),
}

/// An open stream.
pub(crate) struct Stream {
    body: Incoming,
    grammar: Grammar,
    ready: VecDeque<Heard>,
}

impl Stream {
    /// Events; `cursor` is the id of the last one.
    pub(crate) async fn events(client: &Client, url: &Url, cursor: Option<&str>) -> Result<Self, NotOpen> {
        Self::open(client, url, "text/event-stream", cursor, Grammar::Events(Events::default())).await
    }

    /// Documents of JSON.
    pub(crate) async fn documents(client: &Client, url: &Url) -> Result<Self, NotOpen> {
        Self::open(client, url, "application/ld+json", None, Grammar::Documents(Messages::default())).await
    }

    async fn open(
        client: &Client,
        url: &Url,
        accept: &str,
        last: Option<&str>,
        grammar: Grammar,
    ) -> Result<Self, NotOpen> {
        // The URL is what opens it: nobody need be told who comes.
        let mut request = Request::builder().method(Method::GET).uri(url.as_str()).header(header::ACCEPT, accept);
        if let Some(last) = last {
            request = request.header(LAST_EVENT_ID, last);
        }
        let request = request.body(Full::new(Bytes::new()));
        let request = request.map_err(|error| WatchError::not_understood(&shown(url), error.to_string()))?;
        let answer = client.http().send(request, &shown(url)).await?;
        let media_type = crate::answer::text(answer.headers(), &header::CONTENT_TYPE).unwrap_or_default();
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        let is_stream = match grammar {
            Grammar::Events(_) => essence.eq_ignore_ascii_case("text/event-stream"),
            Grammar::Documents(_) => essence.ends_with("json"),
        };
        if answer.status() != 200 || !is_stream {
            return Err(not_open(url, answer.status(), answer.headers()));
        }
        Ok(Self { body: answer.into_body(), grammar, ready: VecDeque::new() })
    }

    pub(crate) async fn next(&mut self) -> Heard {
        loop {
            if let Some(heard) = self.ready.pop_front() {
                return heard;
            }
            let read = match self.body.frame().await {
                None => return Heard::End(End::Finished),
                Some(Err(error)) => return Heard::End(End::Cut(innermost(&error))),
                Some(Ok(frame)) => frame.into_data().map_or(Ok(()), |bytes| self.read(&bytes)),
            };
            if let Err(error) = read {
                return Heard::End(End::Cut(error.to_string()));
            }
        }
    }

    fn read(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        match &mut self.grammar {
            Grammar::Events(events) => self.ready.extend(events.feed(bytes)?.into_iter().filter_map(|event| {
                match (event.data.is_empty(), event.id.filter(|id| !id.is_empty())) {
                    (false, cursor) => Some(Heard::Message { text: event.data, cursor }),
                    (true, cursor) => cursor.map(Heard::Place),
                }
            })),
            Grammar::Documents(messages) => {
                let messages = messages.feed(bytes)?.into_iter();
                self.ready.extend(messages.map(|text| Heard::Message { text, cursor: None }));
            }
        }
        Ok(())
    }
}

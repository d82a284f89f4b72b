//! One way to listen for every transport: the same is asked of each, and what is heard compares.

use super::{
    h2::Http2,
    socket::Socket,
    streams::Stream,
    world::{Agent, LD, Reply, split},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

pub(super) const N1: &str = "https://www.w3.org/ns/solid/notification/v1";

/// How somebody listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// WebSocketChannel2023.
    WebSocket,
    /// The socket of the ESS gateway.
    Ess,
    /// EventSourceChannel2023.
    Events,
    /// StreamingHTTPChannel2023.
    Lines,
    /// The stream of a topic without a subscription, over HTTP/1.1.
    Standing,
    /// EventSourceChannel2023 over HTTP/2.
    Http2Events,
    /// StreamingHTTPChannel2023 over HTTP/2.
    Http2Lines,
    /// The event stream of a topic without a subscription, over HTTP/2.
    Http2Standing,
}

impl Way {
    pub(super) const ALL: [Self; 8] = [
        Self::WebSocket,
        Self::Ess,
        Self::Events,
        Self::Lines,
        Self::Standing,
        Self::Http2Events,
        Self::Http2Lines,
        Self::Http2Standing,
    ];
    /// Those that have a channel of the Solid Notifications Protocol or none at all.
    pub(super) const SOLID: [Self; 7] = [
        Self::WebSocket,
        Self::Events,
        Self::Lines,
        Self::Standing,
        Self::Http2Events,
        Self::Http2Lines,
        Self::Http2Standing,
    ];

    fn kind(self) -> &'static str {
        match self {
            Self::WebSocket | Self::Ess => "WebSocketChannel2023",
            Self::Events | Self::Http2Events | Self::Http2Standing => "EventSourceChannel2023",
            Self::Lines | Self::Http2Lines | Self::Standing => "StreamingHTTPChannel2023",
        }
    }

    fn is_http2(self) -> bool {
        matches!(self, Self::Http2Events | Self::Http2Lines | Self::Http2Standing)
    }

    /// Whether it needs no subscription; then it begins with how its one topic stands.
    pub(super) fn is_standing(self) -> bool {
        matches!(self, Self::Standing | Self::Http2Standing)
    }

    fn is_events(self) -> bool {
        matches!(self, Self::Events | Self::Http2Events | Self::Http2Standing)
    }
}

/// Who listens, and from which page.
#[derive(Clone, Copy)]
pub(super) struct Listener<'a> {
    pub(super) agent: &'a Agent,
    pub(super) origin: Option<&'a str>,
}

impl<'a> From<&'a Agent> for Listener<'a> {
    fn from(agent: &'a Agent) -> Self {
        Self { agent, origin: None }
    }
}

impl Listener<'_> {
    /// The headers that say so.
    pub(super) fn headers(&self) -> Vec<(&'static str, &str)> {
        self.origin.map(|origin| ("origin", origin)).into_iter().collect()
    }

    /// Asks for a channel.
    pub(super) fn subscribe(&self, way: Way, topics: &[&str], more: Value) -> Reply {
        let topics: Vec<_> = topics.iter().map(|topic| self.agent.world.url(topic)).collect();
        let mut headers = self.headers();
        if way == Way::Ess {
            headers.push(("content-type", "application/json"));
            let body = json!({ "topic": topics }).to_string();
            return self.agent.ask("POST", "/.notifications/ess/", &headers, body);
        }
        headers.push(LD);
        let mut body = json!({ "@context": [N1], "type": way.kind(), "topic": topics });
        if let Value::Object(more) = more {
            body.as_object_mut().unwrap().extend(more);
        }
        self.agent.ask("POST", &format!("/.notifications/{}/", way.kind()), &headers, body.to_string())
    }

    /// Where one listens: of a new channel, or of the stream of the topic; or the status of the refusal.
    pub(super) fn place(&self, way: Way, topics: &[&str]) -> Result<String, u16> {
        if way.is_standing() {
            return Ok(standing(self.agent, way.kind(), topics[0]));
        }
        let channel = self.subscribe(way, topics, json!({}));
        if channel.status != 200 {
            return Err(channel.status);
        }
        let url = if way == Way::Ess { "endpoint" } else { "receiveFrom" };
        Ok(split(channel.json()[url].as_str().unwrap()).1)
    }

    /// Connects, from a cursor on if there is one; or the status of the refusal.
    pub(super) fn connect(&self, way: Way, place: &str, since: Option<&str>) -> Result<Ear, u16> {
        let mut place = place.to_owned();
        let mut headers = self.headers();
        match since {
            Some(since) if way.is_events() => headers.push(("last-event-id", since)),
            Some(since) => place = format!("{place}{}since={since}", if place.contains('?') { '&' } else { '?' }),
            None => {}
        }
        // What opens a channel is its capability alone.
        let nobody = self.agent.world.stranger();
        let agent = if way.is_standing() { self.agent } else { &nobody };
        let wire = match way {
            Way::WebSocket | Way::Ess => {
                if way == Way::Ess {
                    headers.push(("sec-websocket-protocol", "solid-0.2"));
                }
                Wire::Socket(Socket::try_open(agent.world, &place, &headers)?.0)
            }
            _ => {
                if way == Way::Standing {
                    headers.push(("accept", "application/ld+json"));
                }
                let stream = if way.is_http2() {
                    Http2::connect(agent).get(agent, &place, &headers)
                } else {
                    Stream::by(agent, &place, &headers)
                };
                if stream.head.status != 200 {
                    return Err(stream.head.status);
                }
                Wire::Stream(stream)
            }
        };
        let mut ear = Ear { way, wire, code: None };
        if way.is_standing() && since.is_none() {
            let first = ear.next().expect("how the topic stands");
            assert!(matches!(&*first.kind, "Update" | "Delete"), "{first:?}");
        }
        Ok(ear)
    }

    /// A new channel, and an ear on it.
    pub(super) fn listen(&self, way: Way, topics: &[&str]) -> (String, Ear) {
        let place = self.place(way, topics).unwrap_or_else(|status| panic!("{way:?} {topics:?}: {status}"));
        let ear = self.connect(way, &place, None).unwrap_or_else(|status| panic!("{way:?} {place}: {status}"));
        (place, ear)
    }
}

/// The stream of a topic without a subscription.
pub(super) fn standing(agent: &Agent, kind: &str, topic: &str) -> String {
    format!("/.notifications/{kind}/{}", utf8_percent_encode(&agent.world.url(topic), NON_ALPHANUMERIC))
}

enum Wire {
    Socket(Socket),
    Stream(Stream),
}

/// Somebody who listens.
pub(super) struct Ear {
    way: Way,
    wire: Wire,
    /// Why a socket was closed.
    pub(super) code: Option<u16>,
}

/// What was heard.
#[derive(Clone, Debug)]
pub(super) struct Told {
    /// The type: that of the change.
    pub(super) kind: String,
    /// The path of the object; empty for a gap.
    pub(super) object: String,
    pub(super) message: Value,
}

impl Ear {
    /// The next notification; none when the connection has ended, in an orderly way.
    pub(super) fn next(&mut self) -> Option<Told> {
        let message = match &mut self.wire {
            Wire::Socket(socket) => loop {
                match socket.frame()? {
                    (1, text) => break serde_json::from_slice(&text).unwrap(),
                    (8, code) => {
                        self.code = Some(u16::from_be_bytes([code[0], code[1]]));
                        return None;
                    }
                    _ => {}
                }
            },
            Wire::Stream(stream) if self.way.is_events() => stream.event()?.2,
            Wire::Stream(stream) => stream.line()?,
        };
        let message: Value = message;
        let (kind, object) = if self.way == Way::Ess {
            (&message["type"][1], &message["object"]["id"])
        } else {
            (&message["type"], &message["object"])
        };
        let object = object.as_str().map(|object| split(object).1).unwrap_or_default();
        Some(Told { kind: kind.as_str().unwrap().to_owned(), object, message })
    }

    /// Type and object of the next one.
    #[track_caller]
    pub(super) fn told(&mut self) -> (String, String) {
        let told = self.next().unwrap_or_else(|| panic!("{:?} has ended: {:?}", self.way, self.code));
        (told.kind, told.object)
    }
}

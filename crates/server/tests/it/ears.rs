//! One way to listen for every transport: the same is asked of each, and what is heard compares.

use super::{
    conversation::Conversation,
    h2::Http2,
    lines::PATH,
    lws,
    socket::Socket,
    streams::Stream,
    world::{Agent, LD, Reply, split},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

pub(super) use super::ways::Way;

pub(super) const N1: &str = "https://www.w3.org/ns/solid/notification/v1";

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

    /// The ways that are open to whoever this is: Linked Web Storage wants a log-in.
    pub(super) fn ways(&self) -> impl Iterator<Item = Way> {
        let is_known = self.agent.token.is_some();
        Way::ALL.into_iter().filter(move |way| is_known || !way.is_lws())
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
        let (context, type_, endpoint) = if way.is_lws() {
            (json!(lws::CONTEXT), lws::TYPE, lws::ENDPOINT.to_owned())
        } else {
            (json!([N1]), LD, format!("/.notifications/{}/", way.kind()))
        };
        headers.push(type_);
        let mut body = json!({ "@context": context, "type": way.kind(), "topic": topics });
        if let Value::Object(more) = more {
            body.as_object_mut().unwrap().extend(more);
        }
        self.agent.ask("POST", &endpoint, &headers, body.to_string())
    }

    /// Where one listens: of a new channel, or of the stream of the topic; or the status of the refusal. On `solid-0.1`
    /// it is the socket, and behind it what is asked for there, each after a space.
    pub(super) fn place(&self, way: Way, topics: &[&str]) -> Result<String, u16> {
        if way.is_standing() {
            return Ok(standing(self.agent, way.kind(), topics[0]));
        }
        if way.is_solid_0_1() {
            let path = if way == Way::Solid01 { PATH.to_owned() } else { self.updates_via(topics[0])? };
            let uris = topics.iter().map(|topic| self.agent.world.url(topic));
            return Ok(std::iter::once(path).chain(uris).collect::<Vec<_>>().join(" "));
        }
        let channel = self.subscribe(way, topics, json!({}));
        if channel.status != 200 {
            return Err(channel.status);
        }
        Ok(place_of(way, &channel))
    }

    /// The path in `Updates-Via` of an answer about a topic; or the status, where there is no storage.
    fn updates_via(&self, topic: &str) -> Result<String, u16> {
        let told = self.agent.ask("HEAD", topic, &self.headers(), "");
        told.header("updates-via").map(|url| split(url).1).ok_or(told.status)
    }

    /// Connects, from a cursor on if there is one; or the status of the refusal.
    pub(super) fn connect(&self, way: Way, place: &str, since: Option<&str>) -> Result<Ear, u16> {
        let mut place = place.to_owned();
        let mut headers = self.headers();
        match since {
            Some(since) if way.is_events() => headers.push(("last-event-id", since)),
            Some(since) if !way.is_solid_0_1() => {
                place = format!("{place}{}since={since}", if place.contains('?') { '&' } else { '?' });
            }
            _ => {}
        }
        // What opens a channel is its capability alone.
        let nobody = self.agent.world.stranger();
        let agent = if way.is_standing() { self.agent } else { &nobody };
        let wire = match way {
            Way::WebSocket | Way::Ess | Way::Lws => {
                if way == Way::Ess {
                    headers.push(("sec-websocket-protocol", "solid-0.2"));
                }
                Wire::Socket(Socket::try_open(agent.world, &place, &headers)?.0)
            }
            Way::Solid01 | Way::UpdatesVia => Wire::Lines(self.converse(way, &place, &headers)?),
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
        let mut ear = Ear { way, wire, code: None, last: None };
        if way.is_standing() && since.is_none() {
            let first = ear.next().expect("how the topic stands");
            assert!(matches!(&*first.kind, "Update" | "Delete"), "{first:?}");
        }
        Ok(ear)
    }

    /// Says who this is where the URL does not, and asks for the topics behind it.
    fn converse(&self, way: Way, place: &str, headers: &[(&str, &str)]) -> Result<Conversation, u16> {
        let mut words = place.split(' ');
        let path = words.next().unwrap_or_default();
        let own = self.agent.credentials("GET", &self.agent.world.url(path));
        let mut headers = headers.to_vec();
        if way == Way::Solid01 {
            headers.extend(own.iter().map(|(name, value)| (*name, value.as_str())));
            headers.push(("sec-websocket-protocol", "solid-0.1"));
        }
        Conversation::open(self.agent, path, &headers, &words.collect::<Vec<_>>())
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

/// Where one listens on a channel that was made.
#[track_caller]
pub(super) fn place_of(way: Way, channel: &Reply) -> String {
    let member = match way {
        Way::Ess => "endpoint",
        Way::Lws | Way::LwsEvents => "subscription",
        _ => "receiveFrom",
    };
    split(channel.json()[member].as_str().unwrap_or_else(|| panic!("{channel:?}"))).1
}

enum Wire {
    Socket(Socket),
    Stream(Stream),
    Lines(Conversation),
}

/// Somebody who listens.
pub(super) struct Ear {
    way: Way,
    wire: Wire,
    /// Why a socket was closed.
    pub(super) code: Option<u16>,
    /// The id of the last event.
    pub(super) last: Option<String>,
}

/// What was heard.
#[derive(Clone, Debug)]
pub(super) struct Told {
    /// The type: that of the change; the first word on `solid-0.1`.
    pub(super) kind: String,
    /// The path of the object; empty for a gap.
    pub(super) object: String,
    pub(super) message: Value,
}

impl Ear {
    /// The next notification; none when the connection has ended, in an orderly way. A socket of `solid-0.1` stays open,
    /// and has ended when its last topic is lost.
    pub(super) fn next(&mut self) -> Option<Told> {
        let message = match &mut self.wire {
            Wire::Lines(conversation) => {
                let (kind, object) = conversation.next()?;
                return Some(Told { kind, object, message: Value::Null });
            }
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
            Wire::Stream(stream) if self.way.is_events() => {
                let (_, id, message) = stream.event()?;
                self.last = Some(id);
                message
            }
            Wire::Stream(stream) => stream.line()?,
        };
        let message: Value = message;
        let activity = &message["activity"];
        let (kind, object) = match self.way {
            Way::Ess => (&message["type"][1], &message["object"]["id"]),
            Way::Lws | Way::LwsEvents => (&activity["type"][0], &activity["object"]["id"]),
            _ => (&message["type"], &message["object"]),
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

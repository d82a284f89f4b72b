//! Linked Web Storage, as far as its tests share it: how one subscribes, and what is heard. The cases are those of its
//! reference, T-LWS.

use super::{
    socket::Socket,
    streams::Stream,
    world::{Agent, Reply, split},
};
use serde_json::{Value, json};

pub(super) const ENDPOINT: &str = "/.notifications/LWS/";
pub(super) const TYPE: (&str, &str) = ("content-type", "application/lws+json");
pub(super) const CONTEXT: &str = "https://www.w3.org/ns/lws/v1";
pub(super) const REL: &str = "https://www.w3.org/ns/lws#storageDescription";
pub(super) const WEBHOOK: &str = "WebhookSubscription";
pub(super) const WEBSOCKET: &str = "WebSocketSubscription";
pub(super) const EVENTS: &str = "EventSourceSubscription";
/// Where nobody receives.
pub(super) const INBOX: &str = "https://93.184.216.34/hook";

/// Asks for a subscription; members that are null are left out.
pub(super) fn ask(agent: &Agent, kind: &str, topics: &[&str], more: &Value) -> Reply {
    let topics: Vec<_> = topics.iter().map(|topic| agent.world.url(topic)).collect();
    let mut body = json!({ "@context": CONTEXT, "type": kind, "topic": topics });
    if kind == WEBHOOK {
        body["inbox"] = INBOX.into();
    }
    post(agent, &super::services::changed(&body, more))
}

pub(super) fn post(agent: &Agent, body: &Value) -> Reply {
    agent.ask("POST", ENDPOINT, &[TYPE], body.to_string())
}

/// Makes one.
#[track_caller]
pub(super) fn made(agent: &Agent, kind: &str, topics: &[&str]) -> Reply {
    let told = ask(agent, kind, topics, &json!({}));
    assert_eq!(told.status, 200, "{}", told.text());
    told
}

/// The path where it is looked after.
pub(super) fn managed(made: &Reply) -> String {
    split(made.header("location").unwrap_or_else(|| panic!("{made:?}"))).1
}

/// The path of its capability.
pub(super) fn capability(made: &Reply) -> String {
    split(made.json()["subscription"].as_str().unwrap()).1
}

/// A socket that hears of topics.
#[track_caller]
pub(super) fn socket(agent: &Agent, topics: &[&str]) -> (Socket, Reply) {
    let made = made(agent, WEBSOCKET, topics);
    let opened = Socket::try_open(agent.world, &capability(&made), &[]);
    (opened.unwrap_or_else(|status| panic!("{status}")).0, made)
}

/// An event stream likewise.
#[track_caller]
pub(super) fn events(agent: &Agent, topics: &[&str]) -> (Stream, Reply) {
    let made = made(agent, EVENTS, topics);
    (open(agent, &made, &[]).opened(), made)
}

/// Opens an event stream, without credentials.
pub(super) fn open(agent: &Agent, made: &Reply, headers: &[(&str, &str)]) -> Stream {
    Stream::by(&agent.world.stranger(), &capability(made), headers)
}

/// Type and path of the object of an envelope.
pub(super) fn short(envelope: &Value) -> (String, String) {
    let activity = &envelope["activity"];
    let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{envelope}")).to_owned();
    (text(&activity["type"][0]), split(&text(&activity["object"]["id"])).1)
}

/// What is heard next.
pub(super) fn heard(socket: &mut Socket) -> (String, String) {
    short(&socket.heard())
}

/// A type and a path, to compare with.
pub(super) fn fact(kind: &str, path: impl Into<String>) -> (String, String) {
    (kind.to_owned(), path.into())
}

/// The subscriptions of an agent.
pub(super) fn listed(agent: &Agent) -> Vec<String> {
    let (mut at, mut found) = (ENDPOINT.to_owned(), Vec::new());
    loop {
        let told = agent.get(&at);
        assert_eq!(told.status, 200, "{told:?}");
        let items = told.json()["items"].as_array().unwrap().clone();
        found.extend(items.iter().map(|item| split(item["id"].as_str().unwrap()).1));
        match told.link("next") {
            Some(next) => at = split(&next).1,
            None => return found,
        }
    }
}

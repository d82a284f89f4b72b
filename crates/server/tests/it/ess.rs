//! What a client of the ESS gateway does, in plain bytes: it asks for a socket, and opens it once.

use super::{
    connect::{Socket, opening},
    events::{tag, version},
    world::{Agent, Reply, TURTLE, World, split, unique},
};
use serde_json::{Value, json};

pub(super) const GATEWAY: &str = "/.notifications/gateway/";
pub(super) const ENDPOINT: &str = "/.notifications/ess/";
pub(super) const JSON: (&str, &str) = ("content-type", "application/json");
pub(super) const SUBPROTOCOL: (&str, &str) = ("sec-websocket-protocol", "solid-0.2");

/// Asks for a socket about a path.
pub(super) fn subscribe(agent: &Agent, path: &str) -> Reply {
    asking(agent, &json!({ "topic": agent.world.url(path) }))
}

/// The same with a body of one's own.
pub(super) fn asking(agent: &Agent, body: &Value) -> Reply {
    agent.ask("POST", ENDPOINT, &[JSON], body.to_string())
}

/// The same with features.
pub(super) fn with(agent: &Agent, path: &str, features: &Value) -> Reply {
    let mut body = json!({ "topic": agent.world.url(path) });
    body.as_object_mut().unwrap().extend(features.as_object().unwrap().clone());
    asking(agent, &body)
}

/// Path and query of the socket that was answered.
#[track_caller]
pub(super) fn place(told: &Reply) -> String {
    assert_eq!(told.status, 200, "{}", told.text());
    split(told.json()["endpoint"].as_str().unwrap()).1
}

/// Opens the socket that was answered.
#[track_caller]
pub(super) fn open(world: &World, told: &Reply) -> Socket {
    let opened = Socket::try_open(world, &place(told), &[SUBPROTOCOL]);
    opened.unwrap_or_else(|status| panic!("not opened: {status}")).0
}

/// A socket about a path.
#[track_caller]
pub(super) fn listen(agent: &Agent, path: &str) -> Socket {
    open(agent.world, &subscribe(agent, path))
}

/// The answer to an opening that is refused.
#[track_caller]
pub(super) fn refused(world: &World, place: &str) -> Reply {
    let told = world.raw(opening(place, &[SUBPROTOCOL, ("connection", "upgrade, close")]));
    assert!((400..500).contains(&told.status), "{place}: {told:?}");
    told
}

/// What happened, and to which path.
pub(super) fn short(message: &Value) -> (String, String) {
    let object = split(message["object"]["id"].as_str().unwrap_or_else(|| panic!("{message}"))).1;
    (message["type"][1].as_str().unwrap().to_owned(), object)
}

/// The version in the state of a message.
pub(super) fn state(message: &Value) -> &str {
    version(message["object"]["state"].as_str().unwrap_or_else(|| panic!("{message}")))
}

/// What a listener to a topic hears while something is done, and nothing of what comes after it.
///
/// Behind it comes a change of which this knows: between the two is all that there was.
pub(super) fn heard((owner, reader): (&Agent, &Agent), topic: &str, act: impl FnOnce()) -> Vec<Value> {
    let mut socket = listen(reader, topic);
    act();
    // A name that no container has had yet: with the same members it is in the same state.
    let last = if topic.ends_with('/') { format!("{topic}{}", unique("last")) } else { topic.to_owned() };
    let told = owner.ask("PUT", &last, &[TURTLE], "<> a <#Last> .");
    assert!(told.status < 300, "{told:?}");
    let last = tag(&owner.get(topic));
    let mut heard = Vec::new();
    loop {
        let message = socket.heard();
        if message["object"]["state"].as_str().is_some_and(|state| version(state) == version(&last)) {
            return heard;
        }
        heard.push(message);
    }
}

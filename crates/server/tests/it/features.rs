//! The features of a channel: `endAt`, `state`, `accept`, and what is granted of what was asked for. The cases T-F01 to
//! T-F22 but for those of time, which are in `pace`.

use super::{
    connect::{Socket, opening, receive_from},
    services::{SERVICE, TYPE, asking, changed, minimal, open, subscribe_to},
    world::{ALICE, ANYBODY, BOB, LD, Reply, WORLD, container, public},
};
use podbell_model::{
    Timestamp,
    rdf::{self, RdfFormat},
};
use serde_json::{Value, json};
use std::time::Duration;

const PREFIX: &str = "http://www.w3.org/ns/solid/notifications#";

/// An instant as channels tell it.
pub(super) fn written(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// What is granted of features that are asked for.
#[track_caller]
fn granted(path: &str, more: &Value) -> Value {
    let told = asking(&BOB, path, more);
    assert_eq!(told.status, 200, "{more}: {told:?}");
    told.json()
}

#[track_caller]
fn refused(path: &str, more: &Value) {
    let told = asking(&BOB, path, more);
    assert_eq!(told.status, 422, "{more}: {told:?}");
    told.is_problem(422);
}

/// R-FEAT-3, R-CTX-8.
#[test]
fn t_f01_t_f02_t_f03_t_f20_a_channel_tells_when_it_ends() {
    let (path, body) = open("tells-its-end");
    let now = Timestamp::now();
    let soon = written(now + Duration::from_hours(1));
    assert_eq!(granted(&path, &json!({ "endAt": soon }))["endAt"], *soon);
    let turtle = BOB.ask(
        "POST",
        SERVICE,
        &[LD, ("accept", "text/turtle")],
        changed(&body, &json!({ "endAt": soon })).to_string(),
    );
    assert!(turtle.text().contains(&format!("notify:endAt \"{soon}\"^^xsd:dateTime")), "{}", turtle.text());
    let year = written(now + Duration::from_hours(24 * 3_650));
    for more in [json!({}), json!({ "endAt": year })] {
        let end: Timestamp = granted(&path, &more)["endAt"].as_str().unwrap().parse().unwrap();
        let life = end.duration_since(now).as_hours();
        assert!((24 * 13..=24 * 14).contains(&life), "{more}: {end}");
    }
    let start = now + Duration::from_mins(5);
    let plain = written(start).trim_end_matches('Z').to_owned();
    let end = json!({ "@value": soon.trim_end_matches('Z'), "@type": "http://www.w3.org/2001/XMLSchema#dateTime" });
    let channel = granted(&path, &json!({ "startAt": plain, "endAt": end }));
    assert_eq!((&channel["startAt"], &channel["endAt"]), (&written(start).into(), &soon.into()), "UTC");
    let other = written(start + Duration::from_hours(2)).replace('Z', "+02:00");
    assert_eq!(granted(&path, &json!({ "startAt": other }))["startAt"], *written(start));
}

/// R-FEAT-2: as a deployed client's own test expects.
#[test]
fn t_f05_a_channel_that_has_ended_is_made_and_opens_nothing() {
    let (path, _) = open("ended");
    let end = json!({ "endAt": "1988-03-09T14:48:00.000Z" });
    let told = asking(&BOB, &path, &end);
    assert_eq!(told.json()["endAt"], end["endAt"]);
    WORLD.raw(opening(&receive_from(&told), &[])).is_problem(410);
    let events = subscribe_to(&BOB, "EventSourceChannel2023", &path, end);
    assert_eq!(ANYBODY.get(&receive_from(&events)).status, 204, "do not come again");
}

/// R-FEAT-2, R-CTX-8.
#[test]
fn t_f07_t_f14_t_f21_values_that_cannot_be_meant_are_422() {
    let (path, _) = open("unmeant");
    for more in [
        json!({ "startAt": "2030-01-01T00:00:00Z", "endAt": "2029-01-01T00:00:00Z" }),
        json!({ "startAt": "2030-01-01T00:00:00Z", "endAt": "2030-01-01T00:00:00Z" }),
        json!({ "startAt": "soon" }),
        json!({ "endAt": "2030-13-01T00:00:00Z" }),
        json!({ "endAt": 7 }),
        json!({ "endAt": ["2030-01-01T00:00:00Z", "2031-01-01T00:00:00Z"] }),
        json!({ "rate": "10" }),
        json!({ "rate": "-PT5S" }),
        json!({ "rate": "PT0S" }),
        json!({ "rate": ["PT1S", "PT2S"] }),
        json!({ "rate": 5 }),
        json!({ "rate": "PT99999999999999999999S" }),
        json!({ "state": 7 }),
        json!({ "state": ["a", "b"] }),
        json!({ "state": "x", "topic": [WORLD.url(&path), WORLD.url(&format!("{path}2"))] }),
    ] {
        refused(&path, &more);
    }
}

/// That a channel, when it is connected, tells nothing but the change that follows.
#[track_caller]
fn is_silent_at_first(channel: &Reply, path: &str) {
    let mut socket = Socket::of(channel);
    let now = Timestamp::now().as_nanosecond();
    let tag = ALICE.put(path, &format!("<> a <#{now}>.")).header("etag").unwrap().to_owned();
    let told = socket.heard();
    assert_eq!(version(&told["state"]), version(&tag.into()), "something came before it: {told}");
}

/// What a tag says of the resource, whatever its representation.
fn version(tag: &Value) -> String {
    tag.as_str().unwrap().trim_matches('"').split('-').next().unwrap().to_owned()
}

/// R-FEAT-4.
#[test]
fn t_f08_t_f09_t_f11_a_state_that_is_old_is_told_of_once() {
    let (path, _) = open("known-state");
    let tag = BOB.get(&path).header("etag").unwrap().to_owned();
    for known in [&*tag, tag.trim_matches('"')] {
        ALICE.put(&path, "");
        let tag = BOB.get(&path).header("etag").unwrap().to_owned();
        let known = if known.starts_with('"') { tag } else { tag.trim_matches('"').to_owned() };
        let channel = asking(&BOB, &path, &json!({ "state": known }));
        assert_eq!(channel.json()["state"], *known);
        is_silent_at_first(&channel, &path);
    }
    let channel = asking(&BOB, &path, &json!({ "state": "abc" }));
    let tag = BOB.get(&path).header("etag").unwrap().to_owned();
    let told = Socket::of(&channel).heard();
    assert_eq!((told["type"].as_str(), told["object"].as_str()), (Some("Update"), Some(&*WORLD.url(&path))));
    assert_eq!(version(&told["state"]), version(&tag.into()));
    // What was told is what is known from then on.
    is_silent_at_first(&channel, &path);
    is_silent_at_first(&channel, &path);
}

/// R-FEAT-4.
#[test]
fn t_f10_the_state_of_what_is_gone_is_told_as_a_delete() {
    let (path, _) = open("gone-state");
    let absent = format!("{path}-absent");
    let told = Socket::of(&asking(&BOB, &absent, &json!({ "state": "abc" }))).heard();
    assert_eq!((told["type"].as_str(), told["object"].as_str()), (Some("Delete"), Some(&*WORLD.url(&absent))));
    assert_eq!(told.get("state"), None, "{told}");
    let channel = asking(&BOB, &path, &json!({ "state": BOB.get(&path).header("etag").unwrap() }));
    assert_eq!(ALICE.ask("DELETE", &path, &[], "").status, 204);
    assert_eq!(Socket::of(&channel).heard()["type"], "Delete");
}

/// R-FEAT-5.
#[test]
fn t_f12_t_f13_a_rate_is_read_in_any_case_and_told_canonically() {
    let (path, _) = open("rated");
    for (asked, told) in [
        ("PT10S", "PT10S"),
        ("PT10s", "PT10S"),
        ("pt1m", "PT1M"),
        ("PT90S", "PT1M30S"),
        ("P1M", "P30D"),
        ("P1Y", "P365D"),
    ] {
        assert_eq!(granted(&path, &json!({ "rate": asked }))["rate"], told);
    }
    let typed = json!({ "@value": "PT5S", "@type": "http://www.w3.org/2001/XMLSchema#duration" });
    assert_eq!(granted(&path, &json!({ "rate": typed }))["rate"], "PT5S");
}

/// R-FEAT-6.
#[test]
fn t_f17_t_f18_t_f19_notifications_are_of_the_type_that_is_accepted() {
    let (path, _) = open("accepting");
    for (accept, format) in [
        ("text/turtle", RdfFormat::Turtle),
        ("application/n-triples", RdfFormat::NTriples),
        ("text/turtle;q=0.5, application/ld+json", RdfFormat::JsonLd),
        ("text/turtle, application/ld+json;q=0.5", RdfFormat::Turtle),
        ("image/png, text/turtle;q=0.1", RdfFormat::Turtle),
        ("application/json", RdfFormat::JsonLd),
        ("*/*", RdfFormat::JsonLd),
    ] {
        let channel = asking(&BOB, &path, &json!({ "accept": accept }));
        assert_eq!(channel.json()["accept"], accept);
        let mut socket = Socket::of(&channel);
        ALICE.put(&path, "");
        let (opcode, frame) = socket.frame().unwrap();
        assert_eq!(opcode, 1);
        let graph = rdf::parse(format, "urn:base:", &frame).unwrap_or_else(|error| panic!("{accept}: {error}"));
        let objects = graph.iter().filter(|quad| quad.object.to_string() == format!("<{}>", WORLD.url(&path)));
        assert_eq!(objects.count(), 1, "{accept}: {}", String::from_utf8_lossy(&frame));
    }
    for accept in
        [json!("image/png"), json!("nonsense"), json!(""), json!("text/turtle;q=0"), json!(["text/turtle", "*/*"])]
    {
        refused(&path, &json!({ "accept": accept }));
    }
}

/// R-FEAT-7, R-CTX-5, CA-21.
#[test]
fn t_f22_what_is_advertised_is_granted_and_what_is_not_is_passed_over() {
    let at = container("granted", &public("acl:Read"));
    let service = ANYBODY.ask("GET", SERVICE, &[("accept", "application/ld+json")], "").json();
    let mut all = json!({ "startAt": written(Timestamp::now() + Duration::from_hours(1)),
        "endAt": written(Timestamp::now() + Duration::from_hours(2)), "state": "x", "rate": "PT1S",
        "accept": "text/turtle", (format!("{PREFIX}activityType")): { "id": "https://www.w3.org/ns/activitystreams#Add" } });
    for term in ["recursive", "notCausedByMe", "cursor"] {
        all[format!("urn:podbell:terms#{term}")] = json!(true);
    }
    let channel = granted(&at, &all);
    let mut asked: Vec<_> = all.as_object().unwrap().keys().cloned().collect();
    let mut advertised: Vec<_> =
        service["feature"].as_array().unwrap().iter().map(|feature| feature.as_str().unwrap().to_owned()).collect();
    asked.sort();
    advertised.sort();
    assert_eq!(asked, advertised, "every one of them is tried here");
    for (name, value) in all.as_object().unwrap() {
        assert_eq!(&channel[name], value, "{channel}");
    }
    let plain = granted(&at, &json!({ "activityType": "Add", "recursive": true }));
    for name in [&*format!("{PREFIX}activityType"), "urn:podbell:terms#recursive"] {
        assert_eq!(plain[name], all[name], "plain keys that the published context does not define: {plain}");
    }
    let topic = WORLD.url(&at);
    let odd = json!({ "filter": "x", (format!("{PREFIX}filter")): "x", (format!("{PREFIX}shape")): topic });
    let channel = granted(&at, &odd);
    assert!(!channel.to_string().contains("filter") && channel.get("shape").is_none(), "{channel}");
    assert_eq!((&channel["topic"], &channel["type"]), (&minimal(&topic)["topic"], &TYPE.into()));
}

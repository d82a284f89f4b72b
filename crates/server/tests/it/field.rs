//! Applications in the field: what deployed clients do, whatever a specification says. The cases T-X.

use super::{
    connect::{Socket, receive_from},
    discovery::{DESCRIBED, DESCRIPTION, TYPES},
    services::{N2, SERVICE, Stream, TYPE, asking, changed, open, post, subscribe},
    world::{ALICE, ANYBODY, BOB, LD, WORLD, container, for_bob, split},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use podbell_model::{
    rdf::{self, RdfFormat},
    vocab::{notify, pim},
};
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};

/// CA-6, CA-12, CA-16: nobody is redirected, with or without the last slash, below the origin or below a storage.
#[test]
fn t_x01_t_x02_clients_that_discover_nothing_find_the_service_by_its_path() {
    let (_, body) = open("hard-coded");
    for kind in ["WebSocketChannel2023", "EventSourceChannel2023", "StreamingHTTPChannel2023"] {
        let body = changed(&body, &json!({ "type": TYPE.replace("WebSocketChannel2023", kind) }));
        for above in ["", "/alice", "/bob"] {
            for end in ["", "/"] {
                let service = format!("{above}/.notifications/{kind}{end}");
                let told = BOB.ask("POST", &service, &[LD], body.to_string());
                assert_eq!((told.status, told.header("content-type")), (200, Some(LD.1)), "{service}");
                assert!(told.json()["receiveFrom"].is_string());
                assert_eq!(ANYBODY.get(&service).json()["id"], WORLD.url(&format!("/.notifications/{kind}/")));
            }
        }
    }
    ANYBODY.ask("POST", "/nobody/.notifications/WebSocketChannel2023/", &[LD], body.to_string()).is_problem(404);
}

/// CA-1, CA-8.
#[test]
fn t_x03_t_x11_old_spellings_and_odd_keys_make_a_channel() {
    let (_, body) = open("odd");
    let singular = "http://www.w3.org/ns/solid/notification#WebSocketChannel2023";
    let channel = post(&BOB, &changed(&body, &json!({ "@context": N2, "type": singular }))).json();
    assert_eq!((&channel["@context"], &channel["type"]), (&N2.into(), &singular.into()));
    assert!(channel["receiveFrom"].is_string());
    let told = post(&BOB, &changed(&body, &json!({ "features": ["notify:rate"] })));
    assert_eq!((told.status, told.json().get("features")), (200, None), "{told:?}");
}

/// CA-17, CA-18.
#[test]
fn t_x04_t_x05_t_x06_a_description_is_turtle_that_regular_expressions_read() {
    for path in [DESCRIBED, "/.well-known/solid"] {
        for accept in [&[][..], &[("accept", "*/*")]] {
            let told = ANYBODY.ask("GET", path, accept, "");
            assert_eq!(told.header("content-type"), Some("text/turtle"));
            let text = told.text();
            assert!(text.contains("@prefix notify: <http://www.w3.org/ns/solid/notifications#> ."), "{text}");
            for kind in TYPES {
                let first =
                    text.split('<').skip(1).filter_map(|rest| rest.split_once('>')).find(|(iri, _)| iri.contains(kind));
                assert_eq!(first.unwrap().0, WORLD.url(&format!("/.notifications/{kind}/")), "{text}");
                assert!(text.contains(&format!("notify:channelType notify:{kind}")), "{text}");
            }
            let hits = text.split("notify:subscription ").skip(1).filter(|rest| rest.starts_with('<')).count();
            assert_eq!((hits, text.matches("notify:subscription").count()), (TYPES.len(), TYPES.len()), "{text}");
        }
    }
}

/// CA-19.
#[test]
fn t_x07_links_may_be_cut_at_every_comma() {
    let (path, _) = open("cut,at,commas");
    let all = ANYBODY.ask("HEAD", &path, &[], "").all("link").join(", ");
    let wanted = format!("rel=\"{DESCRIPTION}\"");
    let piece = all.split(',').find(|piece| piece.contains(&wanted)).unwrap();
    let target = piece.split_once('<').unwrap().1.split_once('>').unwrap().0;
    assert_eq!(ANYBODY.get(&split(target).1).status, 200, "{all}");
}

/// The stream of a topic, as clients make its URL below a root.
fn streamed(root: &str, path: &str) -> String {
    format!("{root}.notifications/StreamingHTTPChannel2023/{}", utf8_percent_encode(&WORLD.url(path), NON_ALPHANUMERIC))
}

/// CA-13, CA-16.
#[test]
fn t_x08_the_stream_of_a_topic_begins_with_a_document_that_stands_alone() {
    let (path, _) = open("stream-by-path");
    for root in ["/", "/alice/", "/bob/"] {
        let mut stream = WORLD.connect();
        let request = format!("GET {} HTTP/1.1\r\nhost: localhost\r\n\r\n", streamed(root, &path));
        stream.write_all(request.as_bytes()).unwrap();
        let (mut text, mut part) = (String::new(), [0; 4_096]);
        while !text.contains(".\n\n") {
            let count = stream.read(&mut part).unwrap_or_else(|error| panic!("{error}: {text:?}"));
            assert!(count > 0, "{text}");
            text += std::str::from_utf8(&part[..count]).unwrap();
        }
        let (head, chunk) = text.split_once("\r\n\r\n").unwrap();
        let (_, document) = chunk.trim_end_matches("\r\n").split_once("\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200") && head.contains("\r\ncontent-type: text/turtle\r\n"), "{head}");
        let graph = rdf::parse(RdfFormat::Turtle, "urn:base:", document.as_bytes()).unwrap();
        let said =
            |name: &str| graph.iter().find(|quad| quad.predicate.as_str().ends_with(name)).unwrap().object.to_string();
        assert_eq!(said("#type"), "<https://www.w3.org/ns/activitystreams#Update>");
        assert_eq!(said("#object"), format!("<{}>", WORLD.url(&path)));
        assert!(said("#state").len() > 4);
    }
    ANYBODY.get(&streamed("/nobody/", &path)).is_problem(400);
    let closed = format!("{}p", container("stream-closed", ""));
    ANYBODY.get(&streamed("/alice/", &closed)).is_problem(401);
    BOB.get(&streamed("/alice/", &closed)).is_problem(403);
}

/// CA-20.
#[test]
fn t_x09_the_stream_of_a_topic_is_one_of_events_to_who_accepts_that() {
    let (path, _) = open("events-by-path");
    for root in ["/", "/alice/"] {
        let mut stream = Stream::open(&streamed(root, &path), &[("accept", "text/event-stream")]);
        assert!(stream.head.header("content-type").unwrap().starts_with("text/event-stream"));
        assert_eq!(stream.told(), ("Update".into(), path.clone()), "how it stands");
        assert_eq!(ALICE.ask("DELETE", &path, &[], "").status, 204);
        assert_eq!(stream.told(), ("Delete".into(), path.clone()));
        ALICE.put(&path, "");
    }
}

/// What the query `?s a pim:Storage; notify:subscription ?c. ?c notify:channelType notify:WebSocketChannel2023` finds.
#[test]
fn t_x10_a_query_for_the_service_of_a_storage_has_one_answer() {
    let told = ANYBODY.get(DESCRIBED);
    let graph = rdf::parse(RdfFormat::Turtle, "urn:base:", &told.body).unwrap();
    let found = |predicate: &str, object: &str| {
        let quads = graph.iter().filter(|quad| quad.predicate.as_str() == predicate);
        let quads = quads.filter(|quad| quad.object.to_string() == object);
        quads.map(|quad| quad.subject.to_string()).collect::<Vec<_>>()
    };
    let mut rows = Vec::new();
    for service in found(&format!("{}channelType", notify::NS), &format!("<{TYPE}>")) {
        for storage in found(&format!("{}subscription", notify::NS), &service) {
            let storages = found(podbell_model::vocab::rdf::TYPE, &format!("<{}>", pim::STORAGE_CLASS));
            rows.extend(storages.contains(&storage).then_some((storage, service.clone())));
        }
    }
    let iri = |path: &str| format!("<{}>", WORLD.url(path));
    assert_eq!(rows, [(iri("/alice/"), iri(SERVICE))]);
}

#[test]
fn t_x12_a_description_is_a_list_of_nodes_when_its_expanded_form_is_asked_for() {
    let accept = "application/ld+json;profile=\"http://www.w3.org/ns/json-ld#expanded\"";
    let told = ANYBODY.ask("GET", DESCRIBED, &[("accept", accept)], "").json();
    let nodes = told.as_array().unwrap();
    let storage = nodes.iter().find(|node| node["@id"] == WORLD.url("/alice/")).unwrap();
    assert_eq!(storage["@type"], json!([pim::STORAGE_CLASS]));
    assert_eq!(storage[format!("{}subscription", notify::NS)].as_array().unwrap().len(), TYPES.len());
}

#[test]
fn t_x13_what_is_not_there_in_a_closed_storage_is_401_to_the_public() {
    let at = container("default-private", "");
    subscribe(&ANYBODY, &format!("{at}public/missing")).is_problem(401);
}

/// CA-2, CA-7: no type beside the one, nothing of the topic in the id.
#[test]
fn a_notification_is_plain_json_with_one_type_and_one_object() {
    let at = container("plain", &for_bob("acl:Read"));
    let path = format!("{at}r");
    ALICE.put(&path, "");
    let mut socket = Socket::of(&asking(&BOB, &at, &json!({ "topic": [WORLD.url(&at), WORLD.url(&path)] })));
    ALICE.put(&path, "<> a <#x>.");
    ALICE.put(&format!("{at}new"), "");
    for (kind, object) in [("Update", &path), ("Add", &format!("{at}new"))] {
        let told = socket.heard();
        assert_eq!((&told["type"], &told["object"]), (&Value::from(kind), &Value::from(WORLD.url(object))));
        let id = told["id"].as_str().unwrap();
        assert!(id.starts_with("urn:uuid:") && id.len() == 45, "{id}");
    }
}

/// CA-9, CA-14.
#[test]
fn a_channel_is_opened_with_any_subprotocol_and_ended_by_a_plain_delete() {
    let (path, _) = open("any-subprotocol");
    let channel = subscribe(&BOB, &path);
    let at = receive_from(&channel);
    assert_eq!(Socket::open(&at, &[]).1.header("sec-websocket-protocol"), None);
    let (_, told) = Socket::open(&at, &[("sec-websocket-protocol", "first, solid-0.2")]);
    assert_eq!(told.header("sec-websocket-protocol"), Some("first"));
    assert_eq!(BOB.ask("DELETE", channel.json()["id"].as_str().unwrap(), &[], "").status, 204);
}

/// CA-15: the gateway stands on the first subject, the only one that its client looks at.
#[test]
fn the_gateway_is_named_by_the_first_subject_of_the_well_known_document() {
    for path in ["/.well-known/solid", DESCRIBED] {
        let text = ANYBODY.ask("GET", path, &[("accept", "text/turtle")], "").text();
        let first = text.split_once("> a ").unwrap().1.split_once(".\n").unwrap().0;
        assert!(
            first.contains(&format!("solid:notificationGateway <{}>", WORLD.url("/.notifications/gateway/"))),
            "{text}"
        );
    }
}

//! What a subscriber is answered, in every representation.

use super::*;
use crate::{Service, media::BodyType, subscription};
use podbell_model::rdf;

const ID: &str = "https://pod.example/.notifications/channels/0b6c";

fn answer(body: &str, representation: Representation) -> String {
    let service = Service::test();
    let request = subscription::parse(body.as_bytes(), BodyType::default(), &service).unwrap();
    let document = ChannelDocument {
        id: ID,
        channel_type: request.channel_type,
        topics: &request.topics,
        features: &request.features,
        endpoint: Endpoint::ReceiveFrom("wss://pod.example/.notifications/connect/Qd8r"),
        more: &[],
    };
    String::from_utf8(document.write(&request.spelling, representation)).unwrap()
}

const REQUEST: &str = r#"{"@context":["https://www.w3.org/ns/solid/notifications-context/v1"],
    "type":"WebSocketChannel2023","topic":["https://pod.example/n/1","https://pod.example/n/"],
    "endAt":"2030-01-01T00:00:00","rate":"PT2s","accept":"text/turtle","foo":1,"id":"urn:mine"}"#;

#[test]
fn the_answer_is_in_the_words_of_the_request() {
    assert_eq!(
        answer(REQUEST, Representation::default()),
        r#"{"@context":["https://www.w3.org/ns/solid/notifications-context/v1"],"id":"https://pod.example/.notifications/channels/0b6c","type":"WebSocketChannel2023","topic":["https://pod.example/n/1","https://pod.example/n/"],"endAt":"2030-01-01T00:00:00.000Z","rate":"PT2S","accept":"text/turtle","receiveFrom":"wss://pod.example/.notifications/connect/Qd8r"}"#
    );
    let full = "http://www.w3.org/ns/solid/notifications#WebSocketChannel2023";
    let request = format!(
        r#"{{"@context":"https://www.w3.org/ns/solid/notification/v1","type":"{full}","topic":"https://pod.example/a"}}"#
    );
    assert_eq!(
        answer(&request, Representation::default()),
        format!(
            r#"{{"@context":"https://www.w3.org/ns/solid/notification/v1","id":"{ID}","type":"{full}","topic":"https://pod.example/a","receiveFrom":"wss://pod.example/.notifications/connect/Qd8r"}}"#
        )
    );
}

#[test]
fn turtle_has_one_subject_and_one_type() {
    assert_eq!(
        answer(REQUEST, Syntax::Turtle.into()),
        "@prefix notify: <http://www.w3.org/ns/solid/notifications#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
<https://pod.example/.notifications/channels/0b6c> a notify:WebSocketChannel2023 ;
    notify:topic <https://pod.example/n/1> ;
    notify:topic <https://pod.example/n/> ;
    notify:endAt \"2030-01-01T00:00:00.000Z\"^^xsd:dateTime ;
    notify:rate \"PT2S\"^^xsd:duration ;
    notify:accept \"text/turtle\" ;
    notify:receiveFrom <wss://pod.example/.notifications/connect/Qd8r> .
"
    );
}

const EXTENDED: &str = r#"{"@context":"https://www.w3.org/ns/solid/notification/v1","type":"WebSocketChannel2023",
    "topic":"https://pod.example/n/","activityType":["Delete","Create"],"recursive":true,"notCausedByMe":"true",
    "cursor":true}"#;

#[test]
fn extensions_are_answered_under_their_iris() {
    assert_eq!(
        answer(EXTENDED, Representation::default()),
        r#"{"@context":"https://www.w3.org/ns/solid/notification/v1","id":"https://pod.example/.notifications/channels/0b6c","type":"WebSocketChannel2023","topic":"https://pod.example/n/","http://www.w3.org/ns/solid/notifications#activityType":[{"id":"https://www.w3.org/ns/activitystreams#Create"},{"id":"https://www.w3.org/ns/activitystreams#Delete"}],"urn:podbell:terms#recursive":true,"urn:podbell:terms#notCausedByMe":true,"urn:podbell:terms#cursor":true,"receiveFrom":"wss://pod.example/.notifications/connect/Qd8r"}"#
    );
    let one = EXTENDED.replace(r#"["Delete","Create"]"#, r#""Add""#);
    let key =
        r#""http://www.w3.org/ns/solid/notifications#activityType":{"id":"https://www.w3.org/ns/activitystreams#Add"}"#;
    assert!(answer(&one, Representation::default()).contains(key));
}

#[test]
fn extensions_are_answered_in_turtle() {
    assert_eq!(
        answer(EXTENDED, Syntax::Turtle.into()),
        "@prefix notify: <http://www.w3.org/ns/solid/notifications#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
<https://pod.example/.notifications/channels/0b6c> a notify:WebSocketChannel2023 ;
    notify:topic <https://pod.example/n/> ;
    notify:activityType <https://www.w3.org/ns/activitystreams#Create> ;
    notify:activityType <https://www.w3.org/ns/activitystreams#Delete> ;
    <urn:podbell:terms#recursive> \"true\"^^xsd:boolean ;
    <urn:podbell:terms#notCausedByMe> \"true\"^^xsd:boolean ;
    <urn:podbell:terms#cursor> \"true\"^^xsd:boolean ;
    notify:receiveFrom <wss://pod.example/.notifications/connect/Qd8r> .
"
    );
}

#[test]
fn every_representation_is_the_same_graph() {
    for (request, statements) in [(REQUEST, 7), (EXTENDED, 8)] {
        let graph = |representation: Representation| {
            let text = answer(request, representation);
            rdf::parse(representation.syntax.rdf_format(), ID, text.as_bytes()).unwrap()
        };
        let turtle = graph(Syntax::Turtle.into());
        assert_eq!(turtle.len(), statements);
        assert_eq!(graph(Syntax::NTriples.into()), turtle);
        assert_eq!(graph(Syntax::JsonLd.into()), turtle);
        assert_eq!(graph(Representation { syntax: Syntax::JsonLd, expanded: true }), turtle);
    }
}

#[test]
fn a_capability_is_not_printed_for_debugging() {
    assert!(!format!("{:?}", Endpoint::ReceiveFrom("wss://x/secret")).contains("secret"));
}

#[test]
fn what_is_said_beyond_the_protocol_is_one_graph() {
    let facts = [
        ("secret", Fact::Text("whsec_x".into())),
        ("lifecycle", Fact::Link("https://hook.example/life")),
        ("disabled", Fact::True),
        ("pending", Fact::Count(3)),
        ("lastSuccess", Fact::At("2030-01-01T00:00:00Z".parse().unwrap())),
    ];
    let topics = [ResourceIri::parse("https://pod.example/a").unwrap()];
    let document = ChannelDocument {
        id: ID,
        channel_type: crate::ChannelType::Webhook,
        topics: &topics,
        features: &Features::default(),
        endpoint: Endpoint::SendTo { target: "https://hook.example/in", sender: "https://pod.example/sender" },
        more: &facts,
    };
    assert_eq!(
        String::from_utf8(document.write(&Spelling::default(), Representation::default())).unwrap(),
        r#"{"@context":"https://www.w3.org/ns/solid/notification/v1","id":"https://pod.example/.notifications/channels/0b6c","type":"http://www.w3.org/ns/solid/notifications#WebhookChannel2023","topic":"https://pod.example/a","sendTo":"https://hook.example/in","sender":"https://pod.example/sender","urn:podbell:terms#disabled":true,"urn:podbell:terms#lastSuccess":"2030-01-01T00:00:00.000Z","urn:podbell:terms#lifecycle":{"id":"https://hook.example/life"},"urn:podbell:terms#pending":3,"urn:podbell:terms#secret":"whsec_x"}"#
    );
    let graph = |representation: Representation| {
        let bytes = document.write(&Spelling::default(), representation);
        rdf::parse(representation.syntax.rdf_format(), ID, &bytes).unwrap()
    };
    let turtle = graph(Syntax::Turtle.into());
    assert_eq!(turtle.len(), 9);
    assert_eq!(graph(Syntax::NTriples.into()), turtle);
    assert_eq!(graph(Syntax::JsonLd.into()), turtle);
    assert!(!format!("{document:?}").contains("whsec_x"));
}

use super::*;
use podbell_model::rdf;

const ROOT: &str = "https://pod.example/";

fn description(described: Described) -> Description {
    let url = "https://pod.example/.notifications/WebhookChannel2023/".into();
    let webhook = Service::new(url, ChannelType::Webhook, vec![Feature::EndAt]);
    Description {
        subject: ROOT.into(),
        described,
        services: vec![Service::test(), webhook],
        gateway: Some("https://pod.example/.notifications/gateway/".into()),
        bounds: Some(Bounds {
            vocabulary: "https://pod.example/.notifications/terms#".into(),
            retention: Duration::from_hours(72),
            remote_groups: Duration::from_mins(1),
        }),
        sender: None,
    }
}

fn text(description: &Description, representation: impl Into<Representation>) -> String {
    String::from_utf8(description.write(representation.into())).unwrap()
}

#[test]
fn the_turtle_has_the_layout_that_clients_match() {
    assert_eq!(
        text(&description(Described::Storage), Syntax::Turtle),
        "@prefix notify: <http://www.w3.org/ns/solid/notifications#> .
@prefix pim: <http://www.w3.org/ns/pim/space#> .
@prefix solid: <http://www.w3.org/ns/solid/terms#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
<https://pod.example/> a pim:Storage ;
    notify:subscription <https://pod.example/.notifications/WebSocketChannel2023/> ;
    notify:subscription <https://pod.example/.notifications/WebhookChannel2023/> ;
    solid:notificationGateway <https://pod.example/.notifications/gateway/> ;
    <https://pod.example/.notifications/terms#historyRetention> \"P3D\"^^xsd:duration ;
    <https://pod.example/.notifications/terms#remoteGroupBound> \"PT1M\"^^xsd:duration .
<https://pod.example/.notifications/WebSocketChannel2023/>
    notify:channelType notify:WebSocketChannel2023 ;
    notify:feature notify:startAt, notify:endAt, notify:state, notify:rate, notify:accept, notify:activityType ;
    notify:feature <urn:podbell:terms#recursive> ;
    notify:feature <urn:podbell:terms#notCausedByMe> ;
    notify:feature <urn:podbell:terms#cursor> .
<https://pod.example/.notifications/WebhookChannel2023/>
    notify:channelType notify:WebhookChannel2023 ;
    notify:feature notify:endAt .
"
    );
}

#[test]
fn a_service_is_mentioned_before_anything_that_looks_like_it() {
    let turtle = text(&description(Described::Storage), Syntax::Turtle);
    let iris: Vec<_> = turtle.split('<').skip(1).filter_map(|rest| rest.split_once('>')).map(|(iri, _)| iri).collect();
    for channel_type in [ChannelType::WebSocket, ChannelType::Webhook] {
        let first = iris.iter().find(|iri| iri.contains(channel_type.name())).unwrap();
        assert_eq!(*first, format!("https://pod.example/.notifications/{}/", channel_type.name()));
    }
    assert_eq!(turtle.matches("notify:subscription <https://").count(), 2);
}

#[test]
fn the_json_is_one_compact_object() {
    let mut plain = description(Described::Storage);
    (plain.gateway, plain.bounds) = (None, None);
    plain.services.truncate(1);
    assert_eq!(
        text(&plain, Syntax::JsonLd),
        r#"{"@context":["https://www.w3.org/ns/solid/notification/v1",{"notify:subscription":{"@id":"http://www.w3.org/ns/solid/notifications#subscription","@type":"@id"}}],"id":"https://pod.example/","type":"http://www.w3.org/ns/pim/space#Storage","subscription":[{"id":"https://pod.example/.notifications/WebSocketChannel2023/","channelType":"WebSocketChannel2023","feature":["startAt","endAt","state","rate","accept","http://www.w3.org/ns/solid/notifications#activityType","urn:podbell:terms#recursive","urn:podbell:terms#notCausedByMe","urn:podbell:terms#cursor"]}],"notify:subscription":["https://pod.example/.notifications/WebSocketChannel2023/"]}"#
    );
}

#[test]
fn every_representation_is_the_same_graph() {
    for described in [Described::Origin, Described::Storage, Described::StorageAndOrigin] {
        let description = Description { sender: Some(crate::sender::tests::sender()), ..description(described) };
        let graph = |representation: Representation| {
            let bytes = description.write(representation);
            rdf::parse(representation.syntax.rdf_format(), "https://elsewhere.example/", &bytes).unwrap()
        };
        let turtle = graph(Syntax::Turtle.into());
        assert_eq!(rdf::objects(&turtle, ROOT, solid::NOTIFICATION_GATEWAY).len(), 1);
        assert_eq!(rdf::objects(&turtle, ROOT, "http://www.w3.org/ns/solid/notifications#subscription").len(), 2);
        assert_eq!(graph(Syntax::NTriples.into()), turtle);
        assert_eq!(graph(Syntax::JsonLd.into()), turtle);
        let expanded = Representation { syntax: Syntax::JsonLd, expanded: true };
        assert_eq!(graph(expanded), turtle);
        assert!(description.write(expanded).starts_with(b"["));
    }
}

#[test]
fn the_origin_is_no_storage_and_its_gateway_is_a_plain_key() {
    let json: Value = serde_json::from_str(&text(&description(Described::Origin), Syntax::JsonLd)).unwrap();
    assert_eq!(json["notificationGateway"], "https://pod.example/.notifications/gateway/");
    assert_eq!(json["type"], solid::DISCOVERY_DOCUMENT);
    assert!(!text(&description(Described::Origin), Syntax::Turtle).contains("pim:Storage"));
}

#[test]
fn the_gateway_is_told_of_before_any_other_subject() {
    let json = text(&description(Described::Storage), Syntax::JsonLd);
    let gateway = json.find("\"notificationGateway\":\"").unwrap();
    assert!(gateway < json.find("\"subscription\":[").unwrap(), "{json}");
}

#[test]
fn a_service_describes_itself() {
    let service = Service::test();
    let json = String::from_utf8(service.write(Syntax::JsonLd.into())).unwrap();
    assert_eq!(
        json,
        r#"{"@context":["https://www.w3.org/ns/solid/notification/v1",{"notify:channelType":{"@id":"http://www.w3.org/ns/solid/notifications#channelType","@type":"@vocab"}}],"id":"https://pod.example/.notifications/WebSocketChannel2023/","channelType":"WebSocketChannel2023","notify:channelType":"notify:WebSocketChannel2023","feature":["startAt","endAt","state","rate","accept","http://www.w3.org/ns/solid/notifications#activityType","urn:podbell:terms#recursive","urn:podbell:terms#notCausedByMe","urn:podbell:terms#cursor"]}"#
    );
    let parse = |syntax: Syntax| rdf::parse(syntax.rdf_format(), &service.url, &service.write(syntax.into())).unwrap();
    assert_eq!(parse(Syntax::JsonLd), parse(Syntax::Turtle));
    assert_eq!(parse(Syntax::JsonLd).len(), 10);
}
#[test]
fn a_service_for_web_push_tells_its_key_under_both_vocabularies() {
    let url = "https://pod.example/.notifications/WebPushChannel2023/";
    let mut push = Service::new(url.into(), ChannelType::WebPush, Feature::of(ChannelType::WebPush));
    push.vapid_public_key = Some("BKey".into());
    let told: Value = serde_json::from_slice(&push.write(Syntax::JsonLd.into())).unwrap();
    assert_eq!(told["vapidPublicKey"], "BKey");
    let mut whole = description(Described::Storage);
    whole.services.push(push.clone());
    for (base, bytes) in [(false, push.write(Syntax::JsonLd.into())), (true, whole.write(Syntax::JsonLd.into()))] {
        let found = rdf::parse(Syntax::JsonLd.rdf_format(), url, &bytes).unwrap();
        for namespace in [notify::NS, PUSH_NS] {
            let key = found.iter().find(|quad| quad.predicate.as_str() == format!("{namespace}{VAPID}"));
            let key = key.unwrap_or_else(|| panic!("{base} {namespace}"));
            assert_eq!((key.subject.to_string(), key.object.to_string()), (format!("<{url}>"), "\"BKey\"".into()));
        }
    }
    let graph = |syntax: Syntax| rdf::parse(syntax.rdf_format(), url, &push.write(syntax.into())).unwrap();
    assert_eq!(graph(Syntax::JsonLd), graph(Syntax::Turtle));
    assert_eq!(graph(Syntax::JsonLd), graph(Syntax::NTriples));
}

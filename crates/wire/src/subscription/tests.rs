//! The rows of the protocol's table of requests, as far as grammar decides them.

mod extensions;
mod receivers;

use super::*;
use crate::problem::Refusal;
use proptest::prelude::*;

const N1: &str = "https://www.w3.org/ns/solid/notification/v1";
const N2: &str = "https://www.w3.org/ns/solid/notifications-context/v1";
const TYPE: &str = "http://www.w3.org/ns/solid/notifications#WebSocketChannel2023";
const R: &str = "https://pod.example/doc.ttl";

const JSON_LD: BodyType = BodyType { syntax: Syntax::JsonLd, plain_json: false };
const JSON: BodyType = BodyType { syntax: Syntax::JsonLd, plain_json: true };
const TURTLE: BodyType = BodyType { syntax: Syntax::Turtle, plain_json: false };

fn service(channel_type: ChannelType) -> Service {
    let url = format!("https://pod.example/.notifications/{}/", channel_type.name());
    Service::new(url, channel_type, Feature::of(channel_type))
}

fn parse_as(body: &str, body_type: BodyType) -> Result<ChannelRequest, RequestError> {
    parse(body.as_bytes(), body_type, &service(ChannelType::WebSocket))
}

fn json(body: &str) -> Result<ChannelRequest, RequestError> {
    parse_as(body, JSON_LD)
}

/// A minimal request with more members.
fn with(members: &str) -> Result<ChannelRequest, RequestError> {
    json(&format!(r#"{{"@context":"{N1}","type":"{TYPE}","topic":"{R}",{members}}}"#))
}

fn slug(result: &Result<ChannelRequest, RequestError>) -> &'static str {
    match result {
        Ok(_) => "",
        Err(error) => {
            let problem = error.problem();
            let class = if problem.slug == "malformed-body" { Refusal::Syntax } else { Refusal::Unprocessable };
            assert_eq!(problem.refusal, class);
            problem.slug
        }
    }
}

#[test]
fn every_form_of_a_request_is_the_same_request() {
    let notify = "http://www.w3.org/ns/solid/notifications#";
    for body in [
        format!(r#"{{"@context":"{N1}","type":"{TYPE}","topic":"{R}"}}"#),
        format!(r#"{{"@context":["{N1}"],"type":"WebSocketChannel2023","topic":"{R}"}}"#),
        format!(r#"{{"@context":"{N2}","type":"WebSocketChannel2023","topic":["{R}"]}}"#),
        format!(r#"{{"@context":["{N2}"],"type":"notify:WebSocketChannel2023","topic":{{"id":"{R}"}}}}"#),
        format!(
            r#"{{"@context":"{N1}","type":"http://www.w3.org/ns/solid/notification#WebSocketChannel2023","topic":"{R}"}}"#
        ),
        format!(
            r#"{{"@context":"{N1}","type":"https://www.w3.org/ns/solid/notification#WebSocketChannel2023","topic":"{R}"}}"#
        ),
        format!(r#"{{"@context":{{"notify":"{notify}"}},"@type":"notify:WebSocketChannel2023","notify:topic":"{R}"}}"#),
        format!(r#"[{{"@type":["{TYPE}"],"{notify}topic":[{{"@id":"{R}"}}]}}]"#),
        format!(r#"{{"@type":["{TYPE}"],"{notify}topic":[{{"@id":"{R}"}}]}}"#),
        format!(r#"{{"@context":"{N1}","@graph":[{{"type":"{TYPE}","topic":"{R}"}}]}}"#),
        format!(r#"{{"@context":["{N2}",{{"notify":"{notify}"}}],"type":"{TYPE}","topic":"{R}"}}"#),
        format!(
            r#"{{"@context":["{N1}","https://www.w3.org/ns/activitystreams","https://w3id.org/security/v1"],"id":"","type":"WebSocketChannel2023","topic":"{R}"}}"#
        ),
        format!(r#"{{"@context":"{N1}","type":"{TYPE}","topic":"{R}#me"}}"#),
        format!(r#"{{"@context":"{N1}","type":"{TYPE}","topic":["{R}","{R}#me"]}}"#),
        format!(r#"{{"@context":"{N1}","type":"{TYPE}","topic":"../../doc.ttl"}}"#),
        format!(
            r#"{{"@context":"{N1}","id":"https://me.example/x","type":"{TYPE}","topic":"{R}","foo":1,"features":{{}},"expiration":"x"}}"#
        ),
        format!(r#"{{"topic":"{R}","type":"{TYPE}","@context":"{N1}"}}"#),
    ] {
        let request = json(&body).unwrap_or_else(|error| panic!("{error}: {body}"));
        assert_eq!(request.topics, [ResourceIri::parse(R).unwrap()], "{body}");
        assert_eq!(request.channel_type, ChannelType::WebSocket);
        assert_eq!(request.features, Features::default());
    }
}

#[test]
fn plain_json_assumes_the_context() {
    let body = format!(r#"{{"type":"WebSocketChannel2023","topic":"{R}"}}"#);
    assert!(parse_as(&body, JSON).is_ok());
    assert_eq!(slug(&json(&body)), "missing-context");
    assert!(parse_as(&format!(r#"{{"@context":"{N2}","type":"{TYPE}","topic":"{R}"}}"#), JSON).is_ok());
}

#[test]
fn turtle_may_have_any_subject() {
    for subject in ["<>", "[]", "<https://me.example/channel>", "_:b"] {
        for namespace in ["http://www.w3.org/ns/solid/notifications#", "https://www.w3.org/ns/solid/notification#"] {
            let body = format!(
                "@prefix n: <{namespace}> . {subject} a n:WebSocketChannel2023 ; n:topic <{R}>, <other> ; n:rate \"PT5S\" ."
            );
            let request = parse_as(&body, TURTLE).unwrap();
            let topics: Vec<_> = request.topics.iter().map(ResourceIri::as_str).collect();
            assert_eq!(topics, ["https://pod.example/.notifications/WebSocketChannel2023/other", R]);
            assert_eq!(request.features.rate, Some(Duration::from_secs(5)));
            assert_eq!(request.spelling, Spelling { syntax: Syntax::Turtle, ..Spelling::default() });
        }
    }
}

#[test]
fn what_cannot_be_processed_is_refused_by_name() {
    let two = format!(r#"{{"type":"{TYPE}","topic":"{R}"}}"#);
    for (body, expected) in [
        (format!(r#"{{"@context":"{N1}","type":"{TYPE}""#), "malformed-body"),
        (String::new(), "malformed-body"),
        ("7".to_owned(), "invalid-json-ld"),
        ("{}".to_owned(), "missing-context"),
        ("[]".to_owned(), "missing-context"),
        (format!(r#"{{"@context":"https://example.org/unknown-context","type":"{TYPE}"}}"#), "unknown-context"),
        (format!(r#"{{"type":"WebSocketChannel2023","topic":"{R}"}}"#), "missing-context"),
        (format!(r#"{{"@context":"{N1}","type":"{TYPE}"}}"#), "missing-topic"),
        (format!(r#"{{"@context":"{N1}","type":"{TYPE}","topic":[]}}"#), "missing-topic"),
        (format!(r#"{{"@context":"{N1}","topic":"{R}"}}"#), "missing-type"),
        (format!(r#"{{"@context":"{N1}","type":"WebhookChannel2023","topic":"{R}"}}"#), "wrong-service"),
        (format!(r#"{{"@context":"{N1}","type":"http://example.org/Foo","topic":"{R}"}}"#), "unknown-type"),
        (format!(r#"{{"@context":"{N1}","type":"Foo","topic":"{R}"}}"#), "unknown-type"),
        (format!(r#"{{"@context":"{N1}","type":"WebSocketSubscription2021","topic":"{R}"}}"#), "superseded-type"),
        (format!(r#"{{"@context":"{N1}","type":["{TYPE}","LDNChannel2023"],"topic":"{R}"}}"#), "several-channels"),
        (format!(r#"{{"@context":"{N1}","@graph":[{two},{two}]}}"#), "several-channels"),
        (format!(r#"{{"@context":"{N1}","type":"{TYPE}","topic":{{"@value":"abc"}}}}"#), "invalid-topic"),
        (format!(r#"{{"@context":"{N1}","type":"{TYPE}","topic":7}}"#), "invalid-topic"),
        (format!(r#"{{"@context":"{N1}","type":"{TYPE}","topic":{{"type":"Foo"}}}}"#), "invalid-topic"),
        (format!(r#"{{"@context":"{N1}","type":"{TYPE}","topic":"ftp://pod.example/"}}"#), "invalid-topic"),
        (format!(r#"{{"@context":"{N1}","type":"{TYPE}","topic":"https://pod.example/a/%2e%2e/b"}}"#), "invalid-topic"),
        (
            format!(r#"{{"@context":"{N1}","type":"{TYPE}","topic":["{R}","https://pod.example/a b"]}}"#),
            "invalid-topic",
        ),
        (
            format!(r#"{{"@context":["{N1}",{{"topic":"http://example.org/t"}}],"type":"{TYPE}","topic":"{R}"}}"#),
            "invalid-json-ld",
        ),
        (format!(r#"{{"@context":{{"a":{{"@id":7}}}},"a":"b","type":"{TYPE}"}}"#), "invalid-json-ld"),
    ] {
        assert_eq!(slug(&json(&body)), expected, "{body} {:?}", json(&body));
    }
    let error = json(&format!(r#"{{"@context":"{N1}","type":"WebHookSubscription2021","topic":"{R}"}}"#)).unwrap_err();
    assert!(error.to_string().contains("WebhookChannel2023"), "{error}");
    assert_eq!(slug(&parse_as("<> a", TURTLE)), "malformed-body");
    assert_eq!(slug(&parse_as("# nothing", TURTLE)), "missing-type");
    assert_eq!(parse_as(" \n", TURTLE), Err(RequestError::Empty));
}

#[test]
fn what_the_server_decides_is_refused() {
    assert_eq!(slug(&with(r#""receiveFrom":"wss://me.example/""#)), "server-controlled");
    assert_eq!(slug(&with(r#""sender":"https://me.example/""#)), "server-controlled");
    assert_eq!(slug(&with(r#""notify:receiveFrom":"x""#)), "server-controlled");
}

#[test]
fn feature_values() {
    for (members, expected) in [
        (r#""rate":"PT10S""#, ""),
        (r#""rate":"PT10s""#, ""),
        (r#""rate":"10""#, "invalid-feature"),
        (r#""rate":10"#, "invalid-feature"),
        (r#""rate":"-PT5S""#, "invalid-feature"),
        (r#""rate":"PT0S""#, "invalid-feature"),
        (r#""rate":["PT1S","PT2S"]"#, "invalid-feature"),
        (r#""rate":{"@id":"urn:x"}"#, "invalid-feature"),
        (r#""startAt":"soon""#, "invalid-feature"),
        (r#""endAt":2030"#, "invalid-feature"),
        (r#""endAt":"1988-03-09T14:48:00.000Z""#, ""),
        (r#""startAt":"2030-01-01T00:00:00Z","endAt":"2030-01-01T00:00:00Z""#, "invalid-feature"),
        (r#""startAt":"2030-01-01T00:00:00","endAt":"2030-01-01T00:00:01Z""#, ""),
        (r#""state":5"#, "invalid-feature"),
        (r#""state":true"#, "invalid-feature"),
        (r#""state":"\"abc\"""#, ""),
        (r#""accept":"text/turtle""#, ""),
        (r#""accept":"image/png""#, "unsupported-accept"),
        (r#""accept":"turtle""#, "unsupported-accept"),
        (r#""accept":5"#, "invalid-feature"),
    ] {
        assert_eq!(slug(&with(members)), expected, "{members} {:?}", with(members));
    }
}

#[test]
fn features_are_understood() {
    let request = with(
        r#""startAt":"2030-01-01T00:00:00","endAt":"2030-01-02T00:00:00+01:00","rate":"pt1m","state":"W/\"v1\"","accept":"text/turtle;q=0.5, application/n-triples""#,
    );
    let features = request.unwrap().features;
    assert_eq!(features.start_at, Some("2030-01-01T00:00:00Z".parse().unwrap()));
    assert_eq!(features.end_at, Some("2030-01-01T23:00:00Z".parse().unwrap()));
    assert_eq!(features.rate, Some(Duration::from_mins(1)));
    assert_eq!(features.state_tag(), Some("v1"));
    assert_eq!(features.syntax(), Syntax::NTriples);
}

#[test]
fn a_state_may_be_quoted_or_not() {
    for (state, tag) in [("v1", "v1"), ("\"v1\"", "v1"), ("\"", "\""), ("", ""), ("W/x", "W/x"), ("\"\"", "")] {
        let features = Features { state: Some(state.into()), ..Features::default() };
        assert_eq!(features.state_tag(), Some(tag), "{state}");
    }
}

#[test]
fn a_state_of_several_topics_is_refused() {
    let topics = format!(r#"["{R}","https://pod.example/doc2.ttl"]"#);
    let body = format!(r#"{{"@context":"{N1}","type":"{TYPE}","topic":{topics}"#);
    assert_eq!(json(&format!("{body}}}")).unwrap().topics.len(), 2);
    assert_eq!(slug(&json(&format!(r#"{body},"state":"x"}}"#))), "state-of-several-topics");
}

#[test]
fn features_that_are_not_offered_are_ignored() {
    let service = Service { features: vec![Feature::EndAt], ..service(ChannelType::WebSocket) };
    let body = format!(r#"{{"@context":"{N1}","type":"{TYPE}","topic":"{R}","rate":"bad","accept":"image/png"}}"#);
    assert_eq!(parse(body.as_bytes(), JSON_LD, &service).unwrap().features, Features::default());
}

#[test]
fn how_many_topics_a_channel_may_have_is_not_for_the_grammar_to_say() {
    let topics: Vec<_> = (0..3_000).rev().map(|n| format!("http://p/{n}")).collect();
    let body = serde_json::json!({ "@context": N1, "type": TYPE, "topic": topics }).to_string();
    let request = json(&body).unwrap();
    assert!(request.topics.iter().map(ResourceIri::as_str).eq(topics.iter().map(String::as_str)));
}

#[test]
fn topics_keep_their_order() {
    let body = format!(r#"{{"@context":"{N1}","type":"{TYPE}","topic":["/z","{R}","/a","/m/"]}}"#);
    let request = json(&body).unwrap();
    let topics: Vec<_> = request.topics.iter().map(ResourceIri::path).collect();
    assert_eq!(topics, ["/z", "/doc.ttl", "/a", "/m/"]);
}

#[test]
fn the_spelling_is_kept_when_it_can_be_repeated() {
    let singular = "http://www.w3.org/ns/solid/notification#WebSocketChannel2023";
    for (context, name, expected_context, expected_name) in [
        (format!("\"{N1}\""), "WebSocketChannel2023", format!("\"{N1}\""), Some("WebSocketChannel2023")),
        (format!("\"{N2}\""), TYPE, format!("\"{N2}\""), Some(TYPE)),
        (format!("[\"{N2}\",{{\"x\":\"http://x/\"}}]"), singular, format!("[\"{N2}\"]"), Some(singular)),
        (
            "{\"n\":\"http://www.w3.org/ns/solid/notifications#\"}".into(),
            "n:WebSocketChannel2023",
            format!("\"{N1}\""),
            None,
        ),
    ] {
        let topic = "http://www.w3.org/ns/solid/notifications#topic";
        let body = format!(r#"{{"@context":{context},"@type":"{name}","{topic}":{{"@id":"{R}"}}}}"#);
        let spelling = json(&body).unwrap().spelling;
        assert_eq!(spelling.context.to_json().to_string(), expected_context);
        assert_eq!(spelling.type_name.as_deref(), expected_name);
    }
}

#[test]
fn size_depth_and_contexts_are_bounded() {
    let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
    let contexts = vec![N1; 17];
    let nested = format!("[{}]", vec![r#"{"a":1}"#; 600].join(","));
    let inline = "x".repeat(MAX_BODY);
    for body in [
        serde_json::json!({"@context": contexts, "type": TYPE, "topic": R}).to_string(),
        format!(r#"{{"@context":"{N1}","type":"{TYPE}","topic":"{R}","a":{deep}}}"#),
        format!(r#"{{"@context":"{N1}","type":"{TYPE}","topic":"{R}","a":{nested}}}"#),
        format!(r#"{{"@context":{{"{inline}":"x"}}}}"#),
    ] {
        assert_eq!(slug(&json(&body)), "too-complex", "{}", crate::clip(&body));
    }
}

#[test]
fn terms_and_prefixes_of_the_protocol_keep_their_meaning() {
    for context in [
        r#"{"topic":"https://evil.example/topic"}"#,
        r#"{"notify":"https://evil.example/"}"#,
        r#"{"xsd":"https://evil.example/"}"#,
        r#"{"endAt":"http://www.w3.org/ns/solid/notifications#endAt"}"#,
    ] {
        let body = format!(r#"{{"@context":["{N1}",{context}],"type":"{TYPE}","topic":"{R}"}}"#);
        assert_eq!(slug(&json(&body)), "invalid-json-ld", "{context}");
    }
    let same = r#"{"notify":"http://www.w3.org/ns/solid/notifications#"}"#;
    assert!(json(&format!(r#"{{"@context":["{N1}",{same}],"type":"{TYPE}","topic":"{R}"}}"#)).is_ok());
}

#[test]
fn no_context_is_loaded_by_any_way() {
    for body in [
        format!(r#"{{"@context":["{N1}","https://evil.example/c"],"type":"{TYPE}","topic":"{R}"}}"#),
        format!(r#"{{"@context":{{"@import":"https://evil.example/c"}},"type":"{TYPE}","topic":"{R}"}}"#),
        format!(r#"{{"@context":"{N1}","type":"{TYPE}","topic":{{"@context":"https://evil.example/c","@id":"{R}"}}}}"#),
        format!(r#"{{"@context":"../c","type":"{TYPE}","topic":"{R}"}}"#),
    ] {
        assert_eq!(slug(&json(&body)), "unknown-context", "{body} {:?}", json(&body));
    }
}

/// What expansion or a recursive parser would pay dearly for ends in an answer, not in a crash.
#[test]
fn costly_bodies_are_answered() {
    let uses = vec![r#"{"p":{"q":1}}"#; 60].join(",");
    let scoped = format!(
        r#"{{"@context":{{"p":{{"@id":"http://p/","@context":["https://www.w3.org/ns/activitystreams","{N1}"]}}}},"p":[{uses}]}}"#
    );
    assert!(json(&scoped).is_err());
    let chain = (0..2_000).map(|n| format!(r#""t{n}":"t{}:x","#, n + 1)).collect::<Vec<_>>().concat();
    let chained = format!(r#"{{"@context":{{{chain}"t2000":"http://t/"}},"type":"{TYPE}"}}"#);
    assert_eq!(slug(&json(&chained)), "too-complex");
    for open in ["(", "[ <p> ", "<a> <p> [", "\"\"\"", "<a> <p> <<"] {
        let deep = open.repeat(MAX_BODY / 8);
        assert!(parse_as(&deep, TURTLE).is_err(), "{open}");
    }
    let wide = format!(r#"{{"@context":"{N1}","type":"{TYPE}","topic":["{}"]}}"#, vec!["a"; 4_000].join("\",\""));
    assert_eq!(json(&wide).unwrap().topics.len(), 1);
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let words = prop::sample::select(vec![
        "@context",
        "@graph",
        "@id",
        "@type",
        "@value",
        "@list",
        "@set",
        "@reverse",
        "@import",
        "@included",
        "@base",
        "id",
        "type",
        "topic",
        "rate",
        "state",
        "keys",
        "sendTo",
        "accept",
        "startAt",
        TYPE,
        N1,
        N2,
        R,
        "PT1S",
        "_:b",
        "@language",
        "@vocab",
        "@protected",
        "notify:topic",
        "WebSocketChannel2023",
        "",
        "é",
        "@none",
        "@nest",
        "@json",
    ]);
    let word = words.clone().prop_map(serde_json::Value::from);
    let leaf = prop_oneof![
        word,
        any::<bool>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        Just(serde_json::Value::Null)
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(serde_json::Value::from),
            prop::collection::vec((words.clone(), inner), 0..6)
                .prop_map(|members| members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
        ]
    })
}

proptest! {
    #[test]
    fn no_bytes_bring_the_parser_down(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        for body_type in [JSON_LD, JSON, TURTLE, BodyType { syntax: Syntax::NTriples, plain_json: false }] {
            let _ = parse(&bytes, body_type, &service(ChannelType::WebPush));
        }
    }

    #[test]
    fn no_json_brings_the_parser_down(value in any_json()) {
        for body_type in [JSON_LD, JSON] {
            for channel_type in [ChannelType::WebSocket, ChannelType::WebPush] {
                let parsed = parse(value.to_string().as_bytes(), body_type, &service(channel_type));
                prop_assert!(parsed.is_err() || !parsed.unwrap().topics.is_empty());
            }
        }
    }

    #[test]
    fn what_stands_beside_a_request_changes_no_topic(value in any_json(), key in "[a-z]{1,8}") {
        prop_assume!(!["id", "type", "topic", "rate", "state", "accept", "sender", "keys", "auth"].contains(&key.as_str()));
        let beside = serde_json::json!({"@context": N1, "type": TYPE, "topic": [R, "/b"], "state": null, key: value});
        if let Ok(request) = json(&beside.to_string()) {
            let topics: Vec<_> = request.topics.iter().map(ResourceIri::path).collect();
            prop_assert_eq!(topics, ["/doc.ttl", "/b"]);
        }
    }
}

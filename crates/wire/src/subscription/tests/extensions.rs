//! Features beyond the protocol's: every spelling, every value, and what is refused.

use super::*;
use crate::{EXTENSIONS, statements::XSD};

const NOTIFY: &str = "http://www.w3.org/ns/solid/notifications#";
const BOOLEANS: [&str; 3] = ["recursive", "notCausedByMe", "cursor"];

fn on(name: &str, features: &Features) -> bool {
    match name {
        "recursive" => features.recursive,
        "notCausedByMe" => features.not_caused_by_me,
        _ => features.cursor,
    }
}

/// Which of the extensions are on.
fn all_on(request: Result<ChannelRequest, RequestError>) -> Vec<&'static str> {
    let features = request.unwrap().features;
    BOOLEANS.into_iter().filter(|name| on(name, &features)).collect()
}

fn activities(request: Result<ChannelRequest, RequestError>) -> Vec<&'static str> {
    request.unwrap().features.activity_types
}

#[test]
fn an_extension_is_read_by_every_name() {
    for name in BOOLEANS {
        for key in [
            name.to_owned(),
            format!("notify:{name}"),
            format!("{NOTIFY}{name}"),
            format!("{EXTENSIONS}{name}"),
            format!("https://www.w3.org/ns/solid/notification#{name}"),
        ] {
            assert_eq!(all_on(with(&format!(r#""{key}":true"#))), [name], "{key}");
            let graph = format!(r#"{{"@context":"{N2}","@graph":[{{"type":"{TYPE}","topic":"{R}","{key}":true}}]}}"#);
            assert_eq!(all_on(json(&graph)), [name], "{key}");
            let plain = format!(r#"{{"type":"{TYPE}","topic":"{R}","{key}":true}}"#);
            assert_eq!(all_on(parse_as(&plain, JSON)), [name], "{key}");
            let context = format!(r#"["{N1}","https://www.w3.org/ns/activitystreams","https://w3id.org/security/v1"]"#);
            let contexts = format!(r#"{{"@context":{context},"type":"{TYPE}","topic":"{R}","{key}":true}}"#);
            assert_eq!(all_on(json(&contexts)), [name], "{key}");
        }
        for iri in [format!("{NOTIFY}{name}"), format!("{EXTENSIONS}{name}")] {
            let expanded =
                format!(r#"[{{"@type":["{TYPE}"],"{NOTIFY}topic":[{{"@id":"{R}"}}],"{iri}":[{{"@value":true}}]}}]"#);
            assert_eq!(all_on(json(&expanded)), [name], "{iri}");
            let turtle = format!("<> a <{TYPE}> ; <{NOTIFY}topic> <{R}> ; <{iri}> true .");
            assert_eq!(all_on(parse_as(&turtle, TURTLE)), [name], "{iri}");
        }
        let own =
            format!(r#"{{"@context":["{N1}",{{"p":"{EXTENSIONS}"}}],"type":"{TYPE}","topic":"{R}","p:{name}":true}}"#);
        assert_eq!(all_on(json(&own)), [name]);
    }
}

#[test]
fn a_feature_of_the_protocol_is_not_read_in_our_namespace() {
    assert_eq!(with(&format!(r#""{EXTENSIONS}rate":"bad","{EXTENSIONS}topic":"/x""#)).unwrap().features.rate, None);
}

#[test]
fn what_the_client_defines_itself_is_not_ours() {
    let context = format!(r#"["{N1}",{{"recursive":"http://example.org/r","cursor":null}}]"#);
    let body = format!(
        r#"{{"@context":{context},"type":"{TYPE}","topic":"{R}","recursive":7,"cursor":7,"notCausedByMe":true}}"#
    );
    assert_eq!(all_on(json(&body)), ["notCausedByMe"]);
    let renamed = format!(
        r#"{{"@context":["{N1}",{{"recursive":"{EXTENSIONS}cursor"}}],"type":"{TYPE}","topic":"{R}","recursive":true}}"#
    );
    assert_eq!(all_on(json(&renamed)), ["cursor"]);
}

#[test]
fn values_of_what_is_on_or_off() {
    for (value, expected) in [
        ("true", Some(true)),
        ("false", Some(false)),
        (r#""true""#, Some(true)),
        (r#""false""#, Some(false)),
        (r#"{"@value":true}"#, Some(true)),
        (r#"{"@value":"1","@type":"xsd:boolean"}"#, Some(true)),
        (r#"{"@value":"0","@type":"xsd:boolean"}"#, Some(false)),
        (r#"{"@value":"true","@language":"en"}"#, Some(true)),
        ("[true]", Some(true)),
        ("[true,true]", Some(true)),
        ("null", Some(false)),
        ("[]", Some(false)),
        ("1", None),
        ("0", None),
        (r#""1""#, None),
        (r#""True""#, None),
        (r#""yes""#, None),
        (r#""""#, None),
        (r#"{"@value":"yes","@type":"xsd:boolean"}"#, None),
        (r#"{"@value":"true","@type":"http://example.org/boolean"}"#, None),
        (r#"{"@value":"true","@type":"xsd:integer"}"#, None),
        ("[true,false]", None),
        (r#"[true,"true"]"#, None),
        ("{}", None),
        (r#"{"@id":"urn:true"}"#, None),
        (r#"{"@list":[true]}"#, None),
    ] {
        for name in BOOLEANS {
            let request = with(&format!(r#""{name}":{value}"#));
            assert_eq!(slug(&request), if expected.is_some() { "" } else { "invalid-feature" }, "{name} {value}");
            assert_eq!(request.ok().map(|request| on(name, &request.features)), expected, "{name} {value}");
        }
    }
    let turtle = |value: &str| {
        let body = format!("<> a <{TYPE}> ; <{NOTIFY}topic> <{R}> ; <{EXTENSIONS}recursive> {value} .");
        parse_as(&body, TURTLE).map(|request| request.features.recursive)
    };
    assert_eq!(turtle("true"), Ok(true));
    assert_eq!(turtle("\"false\""), Ok(false));
    assert_eq!(turtle(&format!("\"1\"^^<{XSD}boolean>")), Ok(true));
    assert!(turtle("1").is_err() && turtle("true, false").is_err() && turtle("[]").is_err());
}

#[test]
fn what_is_said_twice_and_differently_is_refused() {
    for other in
        ["notify:recursive", "urn:podbell:terms#recursive", "http://www.w3.org/ns/solid/notifications#recursive"]
    {
        assert_eq!(slug(&with(&format!(r#""recursive":true,"{other}":false"#))), "invalid-feature", "{other}");
        assert_eq!(slug(&with(&format!(r#""recursive":true,"{other}":[true]"#))), "", "{other}");
    }
}

#[test]
fn types_of_activity_are_terms_or_iris_in_one_order() {
    let ns = "https://www.w3.org/ns/activitystreams#";
    for (value, expected) in [
        (r#""Create""#.to_owned(), vec!["Create"]),
        (format!(r#""{ns}Update""#), vec!["Update"]),
        (format!(r#"{{"@id":"{ns}Remove"}}"#), vec!["Remove"]),
        (format!(r#"{{"id":"{ns}Remove"}}"#), vec!["Remove"]),
        (format!(r#"["Remove","Add",{{"@id":"{ns}Add"}},"Create","Add"]"#), vec!["Create", "Add", "Remove"]),
        (r#"["Remove","Delete","Update","Create","Add"]"#.to_owned(), crate::ACTIVITY_TYPES.to_vec()),
        (r#"{"@set":["Delete"]}"#.to_owned(), vec!["Delete"]),
        ("[]".to_owned(), vec![]),
        ("null".to_owned(), vec![]),
    ] {
        for key in ["activityType", "notify:activityType", "urn:podbell:terms#activityType"] {
            assert_eq!(activities(with(&format!(r#""{key}":{value}"#))), expected, "{key} {value}");
        }
    }
    let coerced = format!(
        r#"{{"@context":["{N1}","https://www.w3.org/ns/activitystreams",{{"activityType":{{"@id":"notify:activityType","@type":"@vocab"}}}}],"type":"{TYPE}","topic":"{R}","activityType":"Create"}}"#
    );
    assert_eq!(activities(json(&coerced)), ["Create"]);
    let turtle = format!("<> a <{TYPE}> ; <{NOTIFY}topic> <{R}> ; <{NOTIFY}activityType> <{ns}Add>, \"Delete\" .");
    assert_eq!(activities(parse_as(&turtle, TURTLE)), ["Delete", "Add"]);
}

#[test]
fn a_type_of_activity_that_is_never_told_is_refused_by_name() {
    for value in [
        r#""Announce""#,
        r#"["Create","Announce"]"#,
        r#""create""#,
        r#""as:Create""#,
        r#""""#,
        "true",
        "7",
        "{}",
        r#"{"@list":["Create"]}"#,
        r#"{"@id":"https://www.w3.org/ns/activitystreams#Announce"}"#,
        r#"{"@id":"Create"}"#,
        r#"["Create",{"@id":"a b"}]"#,
        r#"{"@id":"_:b"}"#,
    ] {
        assert_eq!(slug(&with(&format!(r#""activityType":{value}"#))), "invalid-feature", "{value}");
    }
    let told = with(r#""activityType":"Announce""#).unwrap_err().to_string();
    assert_eq!(
        told,
        r#"activityType "Announce" is never told; send one or several of Create, Update, Delete, Add, Remove"#
    );
}

#[test]
fn extensions_stand_beside_each_other_and_the_features_of_the_protocol() {
    let request = with(r#""recursive":true,"cursor":true,"state":"v1","rate":"PT1S","activityType":["Add","Remove"]"#);
    let features = request.unwrap().features;
    assert!(features.recursive && features.cursor && !features.not_caused_by_me);
    assert_eq!((features.state_tag(), features.rate), (Some("v1"), Some(Duration::from_secs(1))));
    assert_eq!(features.activity_types, ["Add", "Remove"]);
}

#[test]
fn extensions_that_are_not_offered_are_ignored() {
    let service = Service { features: vec![Feature::Cursor], ..service(ChannelType::EventSource) };
    let body = format!(
        r#"{{"@context":"{N1}","type":"EventSourceChannel2023","topic":"{R}","recursive":7,"activityType":"x","cursor":true}}"#
    );
    let request = parse(body.as_bytes(), JSON_LD, &service).unwrap();
    assert_eq!(request.features, Features { cursor: true, ..Features::default() });
    assert!(matches!(request.rendering(false), Rendering::Solid { framing: Framing::Events, cursor: true, .. }));
}

#[test]
fn the_examples_of_the_documentation_ask_for_what_they_say() {
    let page = include_str!("../../../../../docs/extensions.md");
    let between = |start: &str, end: &str| page.split_once(start).unwrap().1.split_once(end).unwrap().0;
    let (json, turtle) = (between("-d '", "'"), between("text/turtle' -d '", "'"));
    for (body, body_type, own) in [(json, JSON_LD, true), (turtle, TURTLE, false)] {
        let request = parse(body.as_bytes(), body_type, &service(ChannelType::EventSource)).unwrap();
        let activity_types = vec!["Create", "Delete"];
        let expected = Features { recursive: true, not_caused_by_me: own, activity_types, ..Features::default() };
        assert_eq!(request.features, expected, "{body}");
    }
    for feature in Feature::ALL.into_iter().filter(|feature| feature.is_extension()) {
        assert!(page.contains(&feature.iri()), "{feature:?}");
    }
}

use super::*;
use crate::Refusal;
use podbell_model::Timestamp;
use serde_json::{Value, json};

fn asked(more: &Value) -> Result<Asked, LwsError> {
    let mut body = json!({ "@context": CONTEXT, "type": "WebSocketSubscription", "topic": ["https://pod.example/n/"] });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    parse(body.to_string().as_bytes())
}

#[test]
fn what_is_asked_for_is_understood() {
    let several = json!(["https://pod.example/n/#x", "HTTPS://POD.EXAMPLE/n/", "https://pod.example/a"]);
    let found = asked(&json!({ "topic": several, "inbox": 7, "foo": { "bar": [] } })).unwrap();
    let names: Vec<_> = found.topics.iter().map(podbell_model::ResourceIri::as_str).collect();
    assert_eq!(names, ["https://pod.example/n/", "https://pod.example/a"]);
    assert_eq!((found.inbox, found.expires), (None, None));
    let one = asked(&json!({ "topic": "https://pod.example/a", "@context": null })).unwrap();
    assert_eq!(one.topics.len(), 1);
    let webhook =
        json!({ "type": "WebhookSubscription", "inbox": "https://r.example/", "expires": "2030-01-01T00:00:00Z" });
    let webhook = asked(&webhook).unwrap();
    assert_eq!(webhook.inbox.as_deref(), Some("https://r.example/"));
    assert_eq!(webhook.expires, "2030-01-01T00:00:00Z".parse::<Timestamp>().ok());
    for context in [json!([CONTEXT, "https://unknown.example/c"]), json!([{ "x": "y" }, CONTEXT]), json!(CONTEXT)] {
        assert!(asked(&json!({ "@context": context })).is_ok(), "{context}");
    }
}

#[test]
fn what_cannot_be_meant_is_refused() {
    for (more, expected) in [
        (json!({ "type": null }), LwsError::Type),
        (json!({ "type": ["WebSocketSubscription"] }), LwsError::Type),
        (json!({ "type": "https://www.w3.org/ns/lws#WebSocketSubscription" }), LwsError::Type),
        (json!({ "type": "websocketsubscription" }), LwsError::Type),
        (json!({ "topic": null }), LwsError::Topic),
        (json!({ "topic": [] }), LwsError::Topic),
        (json!({ "topic": 7 }), LwsError::Topic),
        (json!({ "topic": ["https://pod.example/a", 7] }), LwsError::Topic),
        (json!({ "topic": { "id": "https://pod.example/a" } }), LwsError::Topic),
        (json!({ "@context": "https://unknown.example/c" }), LwsError::Context),
        (json!({ "@context": {} }), LwsError::Context),
        (json!({ "type": "WebhookSubscription" }), LwsError::Inbox),
        (json!({ "type": "WebhookSubscription", "inbox": ["https://r.example/"] }), LwsError::Inbox),
        (json!({ "expires": "tomorrow" }), LwsError::Expires),
        (json!({ "expires": 7 }), LwsError::Expires),
    ] {
        let found = asked(&more).unwrap_err();
        assert_eq!((&found, found.problem().refusal), (&expected, Refusal::Syntax), "{more}");
    }
    for topic in ["/n/", "n", "", "mailto:x@example.org", "https://pod.example/../x//y"] {
        assert!(matches!(asked(&json!({ "topic": [topic] })), Err(LwsError::InvalidTopic(_))), "{topic}");
    }
    for body in ["", "{", "[1]", "7", "null", "[\"x\",\"WebSocketSubscription\",\"https://pod.example/a\",null,null]"] {
        assert!(matches!(parse(body.as_bytes()), Err(LwsError::Json(_) | LwsError::NoObject)), "{body}");
    }
    let twice = r#"{"type":"WebSocketSubscription","topic":"https://pod.example/a","topic":"https://pod.example/b"}"#;
    assert!(matches!(parse(twice.as_bytes()), Err(LwsError::Json(_))));
    let deep = format!("{{\"x\":{}", "[".repeat(60_000));
    assert!(matches!(parse(deep.as_bytes()), Err(LwsError::Json(_))));
    assert!(matches!(parse(" ".repeat(70_000).as_bytes()), Err(LwsError::Json(_))));
}

#[test]
fn each_form_is_made_for_whoever_accepts_it() {
    let profiled = "application/ld+json; profile=\"https://www.w3.org/ns/lws/v1\"";
    for (accept, expected) in [
        ("", Some(Form::Lws)),
        ("*/*", Some(Form::Lws)),
        ("application/*", Some(Form::Lws)),
        (MEDIA_TYPE, Some(Form::Lws)),
        ("Application/LWS+JSON;q=0.1, text/turtle", Some(Form::Lws)),
        ("application/ld+json", Some(Form::JsonLd)),
        ("application/json", Some(Form::Json)),
        (profiled, Some(Form::Profiled)),
        ("application/json, application/ld+json;q=0.5", Some(Form::Json)),
        ("application/lws+json;q=0, */*", Some(Form::Profiled)),
        ("application/ld+json; profile=\"https://unknown.example/\"", None),
        ("text/turtle", None),
        ("application/lws+json;q=0", None),
    ] {
        assert_eq!(negotiate(Some(accept)).ok(), expected, "{accept}");
    }
    for (content_type, expected) in [
        (MEDIA_TYPE, true),
        ("application/lws+json; charset=utf-8", true),
        ("application/ld+json", true),
        (profiled, true),
        ("application/json", true),
        ("application/ld+json; profile=\"https://unknown.example/\"", false),
        ("text/plain", false),
        ("text/turtle", false),
        ("", false),
    ] {
        assert_eq!(check_content_type(Some(content_type)).is_ok(), expected, "{content_type}");
    }
    assert_eq!(check_content_type(None), Err(LwsError::MediaType));
}

#[test]
fn documents_are_those_of_the_draft() {
    let read = |body: Vec<u8>| serde_json::from_slice::<Value>(&body).unwrap();
    let at = "https://pod.example/.notifications/LWS/storage";
    let key = Key { id: format!("{at}#k"), public_key_jwk: json!({ "kty": "EC" }) };
    let endpoint = "https://pod.example/.notifications/LWS/";
    let description = StorageDescription { id: at, endpoint, offers: &SubscriptionType::ALL, keys: &[key] }.write();
    assert_eq!(
        read(description),
        json!({
            "@context": CONTEXT, "id": at, "type": "Storage",
            "service": [
                { "type": "StorageDescription", "serviceEndpoint": at },
                { "type": "NotificationService", "serviceEndpoint": endpoint,
                  "subscriptionType": ["WebhookSubscription", "WebSocketSubscription", "EventSourceSubscription"] },
            ],
            "verificationMethod": [{ "id": format!("{at}#k"), "type": "JsonWebKey", "controller": at,
                                     "publicKeyJwk": { "kty": "EC" } }],
            "authentication": [format!("{at}#k")],
        })
    );
    let subscription_type = SubscriptionType::Webhook;
    let answer = Answer { subscription_type, subscription: "https://x/1", expires: Some(Timestamp::UNIX_EPOCH) };
    assert_eq!(
        read(answer.write()),
        json!({ "@context": CONTEXT, "type": "WebhookSubscription", "subscription": "https://x/1",
                "expires": "1970-01-01T00:00:00.000Z" })
    );
    let item = Item { id: "https://x/1".into(), subscription_type, size: 9, modified: Timestamp::UNIX_EPOCH };
    assert_eq!(
        read(Listing { id: endpoint, total: 7, items: &[item] }.write()),
        json!({ "@context": CONTEXT, "id": endpoint, "type": "Container", "totalItems": 7, "items": [{
            "id": "https://x/1", "type": ["DataResource", "https://www.w3.org/ns/lws#WebhookSubscription"],
            "mediaType": MEDIA_TYPE, "size": 9, "modified": "1970-01-01T00:00:00.000Z" }] })
    );
}

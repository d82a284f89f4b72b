//! What the types that push need: targets, keys, secrets, a place for lifecycle messages, and changes of a target.

use super::*;
use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD},
};

/// A request to a service that pushes, with more members.
fn pushing(channel_type: ChannelType, members: &str) -> Result<ChannelRequest, RequestError> {
    let name = channel_type.name();
    let body = format!(r#"{{"@context":"{N1}","type":"{name}","topic":"{R}"{members}}}"#);
    parse(body.as_bytes(), JSON_LD, &service(channel_type))
}

/// A request for a webhook with more members beside its target.
fn hook(members: &str) -> Result<ChannelRequest, RequestError> {
    pushing(ChannelType::Webhook, &format!(r#","sendTo":"https://hook.example/in",{members}"#))
}

fn receiver(request: Result<ChannelRequest, RequestError>) -> Receiver {
    request.unwrap().receiver.unwrap()
}

fn point() -> [u8; 65] {
    let mut point = [251; 65];
    point[0] = 4;
    point
}

#[test]
fn the_types_that_push_need_a_target() {
    for (target, expected) in [
        (r#","sendTo":"https://hook.example/in""#, ""),
        (r#","sendTo":{"@value":"https://hook.example/in"}"#, ""),
        (r#","sendTo":{"id":"https://hook.example/in","controller":"https://me.example/"}"#, ""),
        (r#","notify:sendTo":{"@id":"https://hook.example/in"}"#, ""),
        (r#","sendTo":"http://localhost:3000/in""#, ""),
        ("", "missing-property"),
        (r#","sendTo":"https://u@hook.example/in""#, "invalid-target"),
        (r#","sendTo":"https://hook.example/in#x""#, "invalid-target"),
        (r#","sendTo":"file:///etc/passwd""#, "invalid-target"),
        (r#","sendTo":"mailto:a@hook.example""#, "invalid-target"),
        (r#","sendTo":"data:text/plain,x""#, "invalid-target"),
        (r#","sendTo":{"controller":"https://me.example/"}"#, "invalid-target"),
        (r#","sendTo":["https://a.example/","https://b.example/"]"#, "invalid-feature"),
    ] {
        for channel_type in [ChannelType::Webhook, ChannelType::Ldn] {
            assert_eq!(slug(&pushing(channel_type, target)), expected, "{target}");
        }
    }
}

#[test]
fn push_keys_are_read_under_both_vocabularies_and_not_printed() {
    let push = service(ChannelType::WebPush);
    let (auth, p256dh) = (BASE64_URL_SAFE_NO_PAD.encode([254; 16]), BASE64_URL_SAFE_NO_PAD.encode(point()));
    let expected = Some(PushKeys { auth: auth.clone(), p256dh: p256dh.clone() });
    for (auth, p256dh) in [
        (auth.clone(), p256dh.clone()),
        (BASE64_URL_SAFE.encode([254; 16]), BASE64_URL_SAFE.encode(point())),
        (BASE64_STANDARD.encode([254; 16]), BASE64_STANDARD.encode(point())),
    ] {
        for keys in [
            format!(r#""keys":{{"auth":"{auth}","p256dh":"{p256dh}"}}"#),
            format!(r#""notify:keys":{{"notify:auth":"{auth}","notify:p256dh":"{p256dh}"}}"#),
        ] {
            let body = format!(
                r#"{{"@context":"{N2}","type":"WebPushChannel2023","topic":"{R}","sendTo":"https://push.example/9",{keys}}}"#
            );
            let request = parse(body.as_bytes(), JSON_LD, &push);
            assert!(!format!("{request:?}").contains(&auth));
            assert_eq!(receiver(request).keys, expected, "{keys}");
        }
    }
    let turtle = format!(
        "@prefix n: <http://www.w3.org/ns/solid/notifications#> . @prefix push: <https://purl.org/solid-web-push/vocab#> .
         <> a n:WebPushChannel2023 ; n:topic <{R}> ; n:sendTo <https://push.example/9> ;
         push:keys [ push:auth \"{auth}\" ; push:p256dh \"{p256dh}\" ] ."
    );
    assert_eq!(receiver(parse(turtle.as_bytes(), TURTLE, &push)).keys, expected);
}

#[test]
fn keys_that_nothing_can_be_encrypted_with_are_refused() {
    let (auth, p256dh) = (BASE64_URL_SAFE_NO_PAD.encode([1; 16]), BASE64_URL_SAFE_NO_PAD.encode(point()));
    let compressed = BASE64_URL_SAFE_NO_PAD.encode([2; 33]);
    let hybrid = BASE64_URL_SAFE_NO_PAD.encode([6; 65]);
    for (keys, expected) in [
        (String::new(), "missing-property"),
        (r#","keys":"x""#.to_owned(), "missing-property"),
        (format!(r#","keys":{{"auth":"{auth}"}}"#), "missing-property"),
        (format!(r#","keys":{{"p256dh":"{p256dh}"}}"#), "missing-property"),
        (format!(r#","keys":{{"auth":"","p256dh":"{p256dh}"}}"#), "invalid-feature"),
        (format!(r#","keys":{{"auth":"{auth}AA","p256dh":"{p256dh}"}}"#), "invalid-feature"),
        (format!(r#","keys":{{"auth":"{auth}","p256dh":"{auth}"}}"#), "invalid-feature"),
        (format!(r#","keys":{{"auth":"{auth}","p256dh":"{compressed}"}}"#), "invalid-feature"),
        (format!(r#","keys":{{"auth":"{auth}","p256dh":"{hybrid}"}}"#), "invalid-feature"),
        (format!(r#","keys":{{"auth":"{auth}","p256dh":"{p256dh}!"}}"#), "invalid-feature"),
        (format!(r#","keys":{{"auth":"{auth}","p256dh":"{p256dh}"}}"#), ""),
    ] {
        let members = format!(r#","sendTo":"https://push.example/9"{keys}"#);
        assert_eq!(slug(&pushing(ChannelType::WebPush, &members)), expected, "{keys}");
    }
}

#[test]
fn a_secret_is_made_or_given_and_never_printed() {
    let of = |bytes: usize| format!("whsec_{}", BASE64_STANDARD.encode(vec![7; bytes]));
    assert_eq!(receiver(hook(r#""secret":true"#)).secret, Some(Secret::Made));
    assert_eq!(receiver(hook(r#""urn:podbell:terms#secret":"true""#)).secret, Some(Secret::Made));
    assert_eq!(receiver(hook(r#""secret":false"#)).secret, None);
    assert_eq!(receiver(hook(r#""recursive":true"#)).secret, None);
    for bytes in [24, 32, 64] {
        let request = hook(&format!(r#""secret":"{}""#, of(bytes)));
        assert!(!format!("{request:?}").contains(&of(bytes)));
        assert_eq!(receiver(request).secret, Some(Secret::Given(of(bytes))));
    }
    for refused in [of(23), of(65), of(32)[6..].to_owned(), "whsec_".into(), "whsec_*".into(), "hunter2".into()] {
        let request = hook(&format!(r#""secret":"{refused}""#));
        assert_eq!(slug(&request), "invalid-feature", "{refused}");
        assert!(!request.unwrap_err().to_string().contains(&refused) || refused == "whsec_");
    }
    assert_eq!(slug(&hook(r#""secret":{"@id":"https://me.example/"}"#)), "invalid-feature");
    assert_eq!(slug(&hook(r#""secret":[true,false]"#)), "invalid-feature");
    let turtle = format!(
        "@prefix n: <http://www.w3.org/ns/solid/notifications#> . [] a n:WebhookChannel2023 ; n:topic <{R}> ;
         n:sendTo <https://hook.example/in> ; <urn:podbell:terms#secret> \"{}\" .",
        of(24)
    );
    let request = parse(turtle.as_bytes(), TURTLE, &service(ChannelType::Webhook));
    assert_eq!(receiver(request).secret, Some(Secret::Given(of(24))));
}

#[test]
fn lifecycle_messages_go_to_the_same_url_or_to_another() {
    let url = || Some(Lifecycle::Url("https://hook.example/life".into()));
    for (members, expected) in [
        (r#""lifecycle":true"#, Some(Lifecycle::SameUrl)),
        (r#""urn:podbell:terms#lifecycle":"true""#, Some(Lifecycle::SameUrl)),
        (r#""lifecycle":false"#, None),
        (r#""rate":"PT1S""#, None),
        (r#""lifecycle":"https://hook.example/life""#, url()),
        (r#""lifecycle":{"@id":"https://hook.example/life"}"#, url()),
    ] {
        assert_eq!(receiver(hook(members)).lifecycle, expected, "{members}");
    }
    for refused in [r#""yes""#, r#""https://u:p@hook.example/""#, r#""https://hook.example/#x""#, "7", r#"{"a":1}"#] {
        assert_eq!(slug(&hook(&format!(r#""lifecycle":{refused}"#))), "invalid-target", "{refused}");
    }
}

#[test]
fn who_connects_has_neither_secret_nor_lifecycle_messages() {
    assert!(with(r#""secret":"hunter2","lifecycle":7"#).unwrap().receiver.is_none());
}

#[test]
fn of_a_channel_that_pushes_the_target_and_the_types_of_activity_change_too() {
    let channel = "https://pod.example/.notifications/channels/1";
    let change = |body: &str, channel_type| parse_changes(body.as_bytes(), JSON_LD, channel, channel_type);
    let body = format!(r#"{{"@context":"{N1}","sendTo":"https://hook.example/2","activityType":"Add","rate":"PT1S"}}"#);
    let found = change(&body, ChannelType::Ldn).unwrap();
    assert_eq!(found.send_to.as_deref(), Some("https://hook.example/2"));
    assert_eq!((found.features.activity_types, found.features.rate), (vec!["Add"], Some(Duration::from_secs(1))));
    assert_eq!(change(&body, ChannelType::WebSocket).unwrap().send_to, None);
    let refused = format!(r#"{{"@context":"{N1}","sendTo":"https://u@hook.example/2"}}"#);
    assert_eq!(change(&refused, ChannelType::Webhook), Err(RequestError::InvalidTarget("sendTo")));
    assert_eq!(change(&format!(r#"{{"@context":"{N1}"}}"#), ChannelType::Webhook), Ok(Changes::default()));
}

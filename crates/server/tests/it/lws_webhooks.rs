//! What an inbox of Linked Web Storage receives, over TLS: §6 of the reference, T-LWS-27, T-LWS-32 to T-LWS-34,
//! T-LWS-36 and T-LWS-38.

use super::{
    lws::{WEBHOOK, ask, fact, managed, short},
    world::{ALICE, ANYBODY, AUTHORITY, BOB, WORLD, container, for_bob, until},
};
use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use podbell_oidc::{Algorithm, PublicJwk};
use podbell_test_client::receiver::{Received, Receiver, Reply};
use serde_json::{Value, json};
use std::{
    fmt::Write as _,
    sync::{Mutex, mpsc},
};

fn inbox(script: impl Fn(usize, &Received) -> Reply + Send + Sync + 'static) -> Receiver {
    Receiver::https(&AUTHORITY, script).unwrap()
}

/// Bob's subscription to a container of his reading; the container, the inbox, the path of the subscription.
fn subscribed(name: &str, path: &str, receiver: Receiver) -> (String, Receiver, String) {
    let at = container(name, &for_bob("acl:Read"));
    let made = ask(&BOB, WEBHOOK, &[&at], &json!({ "inbox": receiver.url(path) }));
    assert_eq!(made.status, 200, "{made:?}");
    (at, receiver, managed(&made))
}

/// What the channel behind a subscription has below it.
fn below(subscription: &str, name: &str) -> String {
    format!("{}{name}", subscription.replace("/LWS/", "/channels/"))
}

/// LW25: and whatever is 2xx acknowledges.
#[test]
fn t_lws_32_a_change_is_one_post_of_an_envelope() {
    let statuses = [200, 202, 204];
    let receiver = inbox(move |number, _| Reply::status(statuses[number.min(2)]));
    let (at, receiver, _) = subscribed("lws-posted", "/hooks/lws", receiver);
    for number in 0..3 {
        ALICE.put(&format!("{at}{number}"), "");
        let received = receiver.wait(number + 1);
        let last = received.last().unwrap();
        assert_eq!((last.method.as_str(), last.target.as_str()), ("POST", "/hooks/lws"));
        assert_eq!(last.header("content-type"), Some("application/lws+json"));
        assert_eq!(short(&last.json()), fact("Create", format!("{at}{number}")));
        assert_eq!(last.json()["storage"], WORLD.url("/alice/.notifications/LWS/storage"));
    }
}

/// The base of a signature by RFC 9421, as a receiver at that URL makes it anew, with the signature and the key id.
fn base(received: &Received, scheme: &str, authority: &str) -> (String, Vec<u8>, String) {
    let input = received.header("signature-input").unwrap().strip_prefix("sig=").unwrap();
    let (components, parameters) = input.strip_prefix('(').unwrap().split_once(')').unwrap();
    let (path, query) = received.target.split_once('?').unwrap_or((&received.target, ""));
    let mut lines = String::new();
    for component in components.split(' ').map(|name| name.trim_matches('"')) {
        let value = match component {
            "@method" => received.method.clone(),
            "@scheme" => scheme.to_owned(),
            "@authority" => authority.to_owned(),
            "@path" => path.to_owned(),
            "@query" => format!("?{query}"),
            field => received.header(field).unwrap().to_owned(),
        };
        writeln!(lines, "\"{component}\": {value}").unwrap();
    }
    write!(lines, "\"@signature-params\": {input}").unwrap();
    let keyid = parameters.split(";keyid=\"").nth(1).unwrap().strip_suffix('"').unwrap().to_owned();
    let signature = received.header("signature").unwrap();
    let signature = signature.strip_prefix("sig=:").unwrap().strip_suffix(':').unwrap();
    (lines, BASE64_STANDARD.decode(signature).unwrap(), keyid)
}

/// The key of that id, found as the draft says (LW27).
fn key(keyid: &str) -> PublicJwk {
    let identifier = keyid.split('#').next().unwrap();
    let description = ANYBODY.get(identifier).json();
    assert_eq!(description["id"], identifier);
    assert!(description["authentication"].as_array().unwrap().contains(&json!(keyid)), "{description}");
    let methods = description["verificationMethod"].as_array().unwrap();
    let method = methods.iter().find(|method| method["id"] == keyid).unwrap();
    PublicJwk::from_json(method["publicKeyJwk"].to_string().as_bytes()).unwrap()
}

/// LW26, LW27, R-LWS-19, R-LWS-21; and nothing else tells who it is from.
#[test]
fn t_lws_33_t_lws_34_each_attempt_is_signed_by_a_key_of_the_description() {
    let receiver = inbox(|number, _| Reply::status(if number == 0 { 500 } else { 204 }));
    let (at, receiver, _) = subscribed("lws-signed", "/hooks/lws?for=bob", receiver);
    ALICE.put(&format!("{at}n"), "");
    let received = receiver.wait(2);
    let authority = receiver.url("").strip_prefix("https://").unwrap().to_owned();
    let mut created = Vec::new();
    for received in &received {
        let (lines, signature, keyid) = base(received, "https", &authority);
        for covered in ["@method", "@scheme", "@authority", "@path", "content-type", "content-digest", "@query"] {
            assert!(lines.contains(&format!("\"{covered}\": ")), "{lines}");
        }
        let expected = format!("sha-256=:{}:", BASE64_STANDARD.encode(digest(&SHA256, &received.body)));
        assert_eq!(received.header("content-digest"), Some(&*expected));
        assert_eq!(received.json()["storage"], keyid.split('#').next().unwrap());
        let key = key(&keyid);
        let verifies = |lines: &str| key.verify(Algorithm::Es256, lines.as_bytes(), &signature);
        assert!(verifies(&lines), "{lines}");
        for (good, bad) in [("/hooks/lws", "/hooks/lwz"), ("https", "http"), ("for=bob", "for=eve"), ("POST", "PUT")] {
            assert!(lines.contains(good) && !verifies(&lines.replacen(good, bad, 1)), "{bad}");
        }
        let other = base(received, "https", "other.example").0;
        assert!(!verifies(&other));
        for absent in ["authorization", "dpop", "webhook-id", "webhook-timestamp", "webhook-signature"] {
            assert_eq!(received.header(absent), None, "{absent}");
        }
        created.push(received.header("signature-input").unwrap().split(";created=").nth(1).unwrap()[..10].to_owned());
    }
    assert_ne!(created[0], created[1]);
    assert_eq!(received[0].json()["activity"]["id"], received[1].json()["activity"]["id"]);
}

/// R-LWS-21.
#[test]
fn t_lws_36_each_storage_signs_in_its_own_name() {
    let receiver = inbox(|_, _| Reply::status(204));
    BOB.put("/bob/lws-two/", "");
    let at = container("lws-two", &for_bob("acl:Read"));
    let made = ask(&BOB, WEBHOOK, &[&at, "/bob/lws-two/"], &json!({ "inbox": receiver.url("/in") }));
    assert_eq!(made.status, 200, "{made:?}");
    ALICE.put(&format!("{at}a"), "");
    receiver.wait(1);
    BOB.put("/bob/lws-two/b", "");
    let received = receiver.wait(2);
    for (received, storage) in received.iter().zip(["/alice/", "/bob/"]) {
        let identifier = WORLD.url(&format!("{storage}.notifications/LWS/storage"));
        assert_eq!(received.json()["storage"], identifier);
        let (lines, signature, keyid) = base(received, "https", receiver.url("").strip_prefix("https://").unwrap());
        assert_eq!(keyid.split('#').next(), Some(&*identifier));
        assert!(key(&keyid).verify(Algorithm::Es256, lines.as_bytes(), &signature));
    }
}

/// An inbox that answers the first request when it is told to; until then nothing else is sent.
fn slow() -> (Receiver, mpsc::Sender<()>) {
    let (answer, told) = mpsc::channel();
    let told = Mutex::new(told);
    let receiver = inbox(move |number, _| {
        if number == 0 {
            // A test that is over tells nothing more.
            let _ = told.lock().unwrap().recv();
        }
        Reply::status(204)
    });
    (receiver, answer)
}

/// R-LWS-14: while the inbox is slow, Read is withdrawn from one of those that wait.
#[test]
fn t_lws_27_what_was_withdrawn_before_the_send_is_not_sent() {
    let (receiver, answer) = slow();
    let (at, receiver, _) = subscribed("lws-withdrawn", "/in", receiver);
    ALICE.put(&format!("{at}a"), "");
    receiver.wait(1);
    ALICE.put(&format!("{at}d/b"), "");
    ALICE.put(&format!("{at}last"), "");
    ALICE.rules(&format!("{at}d/"), "");
    answer.send(()).unwrap();
    let told = activities(&receiver.wait(2)[1].json());
    assert_eq!(told, [fact("Create", format!("{at}last"))]);
}

/// R-LWS-7: what waits goes together, in the order of the commits.
#[test]
fn what_waits_for_an_inbox_comes_in_one_envelope() {
    let (receiver, answer) = slow();
    let (at, receiver, _) = subscribed("lws-batch", "/in", receiver);
    ALICE.put(&format!("{at}0"), "");
    receiver.wait(1);
    let mut expected = Vec::new();
    for name in ["1", "2", "3"] {
        ALICE.put(&format!("{at}{name}"), "");
        ALICE.put(&format!("{at}{name}"), "<> a <#x>.");
        expected.extend(["Create", "Update"].map(|kind| fact(kind, format!("{at}{name}"))));
    }
    answer.send(()).unwrap();
    // What was written last may be known to be owed a moment later, and then comes behind.
    let told = |all: &[Received]| all.iter().skip(1).flat_map(|it| activities(&it.json())).collect::<Vec<_>>();
    let received = receiver.wait_until("all of it", |all| told(all).len() >= expected.len());
    assert_eq!(told(&received), expected);
    assert!(received[0].json()["activity"].is_object(), "one alone is an object");
    assert!(received[1].json()["activity"].is_array(), "what waited goes together");
}

/// Type and path of the object of each activity.
fn activities(envelope: &Value) -> Vec<(String, String)> {
    match &envelope["activity"] {
        Value::Array(all) => all.iter().map(|activity| short(&json!({ "activity": activity }))).collect(),
        _ => vec![short(envelope)],
    }
}

/// R-LWS-20: what is gone is removed; a redirect is not followed; whoever asks for time gets it.
#[test]
fn t_lws_38_an_inbox_says_what_follows() {
    let gone = inbox(|_, _| Reply::status(410));
    let (at, gone, subscription) = subscribed("lws-gone", "/in", gone);
    ALICE.put(&format!("{at}a"), "");
    gone.wait(1);
    until("it is gone", || BOB.get(&subscription).status == 404);

    let elsewhere = inbox(|_, _| Reply::status(204));
    let to = elsewhere.url("/there");
    let moved = inbox(move |number, _| match number {
        0 => Reply::with(307, "location", &to),
        1 => Reply::with(429, "retry-after", "2"),
        _ => Reply::status(204),
    });
    let (at, moved, _) = subscribed("lws-moved", "/in", moved);
    ALICE.put(&format!("{at}a"), "");
    let received = moved.wait(2);
    ALICE.put(&format!("{at}a"), "<> a <#2>.");
    assert_eq!(received.iter().map(|it| short(&it.json()).0).collect::<Vec<_>>(), ["Create", "Create"]);
    assert!(elsewhere.received().is_empty());
}

/// There are no words for them.
#[test]
fn an_inbox_is_sent_no_pings_and_has_no_secret() {
    let receiver = inbox(|_, _| Reply::status(204));
    let (at, receiver, subscription) = subscribed("lws-wordless", "/in", receiver);
    for name in ["/ping", "/secret"] {
        BOB.ask("POST", &below(&subscription, name), &[], "").is_problem(409);
        ANYBODY.ask("POST", &below(&subscription, name), &[], "").is_problem(401);
    }
    ALICE.put(&format!("{at}a"), "");
    receiver.wait(1);
    until("the attempt is listed", || BOB.get(&below(&subscription, "/attempts")).text().contains("acknowledged"));
}

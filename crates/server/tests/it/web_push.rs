//! What a push service receives, and the browser behind it. The cases T-P04 to T-P06.

use super::{
    hooks::{Hook, WEB_PUSH, push_to},
    streams::document,
    world::{ALICE, ANYBODY, AUTHORITY, BOB, WORLD, for_bob},
};
use aws_lc_rs::{
    aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree},
    hmac,
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use podbell_model::Timestamp;
use podbell_oidc::{Algorithm, PublicJwk};
use podbell_test_client::receiver::{Receiver, Reply};
use serde_json::{Value, json};

/// A browser that has subscribed.
struct Browser {
    private: PrivateKey,
    public: Vec<u8>,
    auth: [u8; 16],
}

impl Browser {
    fn new() -> Self {
        let private = PrivateKey::generate(&ECDH_P256).unwrap();
        let public = private.compute_public_key().unwrap().as_ref().to_vec();
        Self { private, public, auth: [7; 16] }
    }

    fn keys(&self) -> Value {
        let text = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        json!({ "keys": { "auth": text(&self.auth), "p256dh": text(&self.public) } })
    }

    /// What a message says, by RFC 8291 and RFC 8188.
    fn read(&self, body: &[u8]) -> Value {
        let (salt, rest) = body.split_at(16);
        let (size, rest) = rest.split_at(4);
        assert!(body.len() <= 4_096 && u32::from_be_bytes(size.try_into().unwrap()) >= 18);
        let (key, sealed) = rest[1..].split_at(usize::from(rest[0]));
        let mac = |key: &[u8], parts: &[&[u8]]| {
            hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), &parts.concat()).as_ref().to_vec()
        };
        let secret = agree(&self.private, UnparsedPublicKey::new(&ECDH_P256, key), (), |secret| Ok(secret.to_vec()));
        let shared = mac(&self.auth, &[&secret.unwrap()]);
        let material = mac(&shared, &[b"WebPush: info\0", &self.public, key, &[1]]);
        let pseudo = mac(salt, &[&material]);
        let content = mac(&pseudo, &[b"Content-Encoding: aes128gcm\0", &[1]]);
        let nonce = mac(&pseudo, &[b"Content-Encoding: nonce\0", &[1]]);
        let content = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &content[..16]).unwrap());
        let nonce = Nonce::try_assume_unique_for_key(&nonce[..12]).unwrap();
        let mut sealed = sealed.to_vec();
        let plain = content.open_in_place(nonce, Aad::empty(), &mut sealed).unwrap();
        let end = plain.iter().rposition(|byte| *byte != 0).unwrap();
        assert_eq!(plain[end], 2, "the last record");
        serde_json::from_slice(&plain[..end]).unwrap()
    }
}

fn pushed(at: &str, browser: &Browser, service: Receiver) -> Hook {
    Hook::with(&BOB, WEB_PUSH, &[at], service, &browser.keys())
}

/// R-WP-2, R-WP-5: with the key that the service has published.
#[test]
fn t_p04_a_browser_reads_the_message_and_nobody_on_the_way() {
    let at = document("browsed", &for_bob("acl:Read"));
    let browser = Browser::new();
    let hook = pushed(&at, &browser, Receiver::https(&AUTHORITY, |_, _| Reply::status(201)).unwrap());
    let tag = ALICE.put(&at, "<> a <#1> .").header("etag").unwrap().to_owned();
    let received = &hook.receiver.wait(1)[0];
    assert_eq!((received.method.as_str(), received.header("content-encoding")), ("POST", Some("aes128gcm")));
    assert!(received.header("ttl").unwrap().parse::<u32>().unwrap() > 0);
    for own in ["dpop", "signature", "webhook-id"] {
        assert_eq!(received.header(own), None, "{own}");
    }
    assert!(!String::from_utf8_lossy(&received.body).contains("browsed"));
    let message = browser.read(&received.body);
    assert_eq!((&message["type"], &message["object"]), (&"Update".into(), &WORLD.url(&at).into()));
    assert_eq!(message["@context"][0], "https://www.w3.org/ns/activitystreams");
    assert_eq!(super::events::version(message["state"].as_str().unwrap()), super::events::version(&tag));
    let authorization = received.header("authorization").unwrap().strip_prefix("vapid t=").unwrap();
    let (token, key) = authorization.split_once(", k=").or_else(|| authorization.split_once(",k=")).unwrap();
    let service = format!("/.notifications/{WEB_PUSH}/");
    let told = ANYBODY.ask("GET", &service, &[("accept", "application/ld+json")], "").json();
    assert_eq!(told["vapidPublicKey"], key);
    let point = BASE64_URL_SAFE_NO_PAD.decode(key).unwrap();
    let part = |range: std::ops::Range<usize>| BASE64_URL_SAFE_NO_PAD.encode(&point[range]);
    let key = json!({ "kty": "EC", "crv": "P-256", "x": part(1..33), "y": part(33..65) });
    let key = PublicJwk::from_json(key.to_string().as_bytes()).unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
    assert!(key.verify(Algorithm::Es256, signed.as_bytes(), &signature));
    let claims = BASE64_URL_SAFE_NO_PAD.decode(signed.split_once('.').unwrap().1).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(claims["aud"], hook.receiver.url(""));
    let left = claims["exp"].as_i64().unwrap() - Timestamp::now().as_second();
    assert!((1..=24 * 3_600).contains(&left), "{claims}");
    assert!(claims["sub"].is_string());
}

/// R-WP-1: a browser that has unsubscribed is 404 at some services.
#[test]
fn t_p05_a_subscription_that_the_push_service_no_longer_knows_ends_the_channel() {
    let at = document("unsubscribed", &for_bob("acl:Read"));
    for status in [410, 404] {
        let service = Receiver::http(move |_, _| Reply::status(status)).unwrap();
        let hook = pushed(&at, &Browser::new(), service);
        let other = pushed(&at, &Browser::new(), Receiver::willing().unwrap());
        ALICE.put(&at, "<> a <#1> .");
        hook.is_gone(&BOB);
        ALICE.put(&at, "<> a <#2> .");
        other.receiver.wait(2);
        assert_eq!(hook.receiver.received().len(), 1, "{status}");
    }
}

#[test]
fn t_p06_who_loses_read_gets_no_push() {
    let at = document("unread-push", &for_bob("acl:Read"));
    let hook = pushed(&at, &Browser::new(), Receiver::willing().unwrap());
    let hers = Hook::with(&ALICE, WEB_PUSH, &[&at], Receiver::willing().unwrap(), &Browser::new().keys());
    ALICE.put(&at, "<> a <#1> .");
    hook.receiver.wait(1);
    ALICE.rules(at.strip_suffix('r').unwrap(), "");
    ALICE.put(&at, "<> a <#Secret> .");
    hers.receiver.wait(2);
    hook.is_gone(&BOB);
    assert_eq!(hook.receiver.received().len(), 1);
}

/// R-WP-1: what is left says what changed.
#[test]
fn a_message_that_is_too_large_for_the_push_service_comes_in_short() {
    let at = document("large-push", &for_bob("acl:Read"));
    let browser = Browser::new();
    let script = |number, _: &_| Reply::status(if number == 0 { 413 } else { 201 });
    let hook = pushed(&at, &browser, Receiver::http(script).unwrap());
    ALICE.put(&at, "<> a <#1> .");
    let received = hook.receiver.wait(2);
    let (whole, short) = (browser.read(&received[0].body), browser.read(&received[1].body));
    assert!(whole["state"].is_string() && short.get("state").is_none() && short.get("published").is_none(), "{short}");
    for name in ["id", "type", "object"] {
        assert_eq!(short[name], whole[name]);
    }
    hook.is_settled(&BOB);
}

/// R-WP-1.
#[test]
fn a_push_service_says_when_to_come_again() {
    let at = document("later-push", &for_bob("acl:Read"));
    let browser = Browser::new();
    let script = |number, _: &_| if number == 0 { Reply::with(429, "retry-after", "8") } else { Reply::status(201) };
    let hook = pushed(&at, &browser, Receiver::http(script).unwrap());
    ALICE.put(&at, "<> a <#1> .");
    let received = hook.receiver.wait(2);
    assert!(received[1].at - received[0].at >= std::time::Duration::from_secs(8));
    assert_eq!(browser.read(&received[0].body), browser.read(&received[1].body));
}

/// R-WP-3.
#[test]
fn a_push_service_is_not_where_nobody_else_can_reach() {
    let at = document("guarded-push", &for_bob("acl:Read"));
    for place in ["https://169.254.169.254/push", "https://10.0.0.1/push", "https://[fd00::1]/", "http://push.example/"]
    {
        push_to((&*BOB).into(), WEB_PUSH, &[&at], place, &Browser::new().keys()).is_problem(422);
    }
}

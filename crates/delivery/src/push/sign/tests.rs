//! What a receiver sees, checked as a receiver would.

use super::*;
use crate::push::keys::tests::Memory;
use bytes::Bytes;
use podbell_egress::{Document, Fetch, FetchError, Get};
use podbell_model::Uuid;
use podbell_oidc::{AuthError, Config, MemoryReplay, Presented, Verifier};
use serde_json::{Value, json};
use std::time::Duration;
use url::Url;

const SENDER: &str = "https://pod.example/.notifications/sender";
const ISSUER: &str = "https://pod.example/.notifications/issuer";
const HOOK: &str = "https://hook.example/in/secret?a=b";

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

async fn sender() -> Arc<Sender> {
    let keys = Keys::open(Arc::new(Memory::default()), Duration::from_hours(2_160), now()).await.unwrap();
    let identity = Identity { sender: SENDER.into(), issuer: ISSUER.into(), contact: "mailto:a@pod.example".into() };
    Arc::new(Sender::new(identity, Arc::new(keys)).unwrap())
}

fn sign(sender: &Sender, target: &str, now: Timestamp) -> Signed {
    sign_in(InName::Sender, "application/ld+json", sender, target, now)
}

fn sign_in(name: InName<'_>, content_type: &str, sender: &Sender, target: &str, now: Timestamp) -> Signed {
    let (target, body) = (Url::parse(target).unwrap(), Bytes::from_static(b"{}"));
    let parcel =
        Parcel { name, target: &target, content_type, body: &body, message: Uuid::nil(), secrets: &[], keys: None };
    sender.sign(&parcel, now).unwrap()
}

/// Publishes what the sender publishes.
struct Published(Arc<Sender>);

#[async_trait::async_trait]
impl Fetch for Published {
    async fn get(&self, get: &Get) -> Result<Document, FetchError> {
        let (media_type, body) = match get.url.as_str() {
            SENDER => ("text/turtle", format!("<> <http://www.w3.org/ns/solid/terms#oidcIssuer> <{ISSUER}> .")),
            url if url == format!("{ISSUER}/.well-known/openid-configuration") => {
                ("application/json", json!({"issuer": ISSUER, "jwks_uri": format!("{ISSUER}/jwks")}).to_string())
            }
            url if url == format!("{ISSUER}/jwks") => {
                let keys = self.0.keys().published(Purpose::AccessToken, now());
                let keys: Vec<_> = keys.iter().map(|key| key.published()).collect();
                ("application/json", json!({ "keys": keys }).to_string())
            }
            _ => return Err(FetchError::Status(404)),
        };
        Ok(Document { url: get.url.clone(), media_type: media_type.into(), body: body.into(), max_age: None })
    }
}

fn receiver(sender: &Arc<Sender>) -> Verifier {
    let replay = Arc::new(MemoryReplay::new(100, now() - Duration::from_hours(1)));
    Verifier::new(Config::default(), Arc::new(Published(sender.clone())), replay)
}

async fn seen(verifier: &Verifier, signed: &Signed, method: &str, uri: &str) -> Result<String, AuthError> {
    let text = |name: &str| signed.headers[name].to_str().unwrap();
    let presented = Presented { method, uri, authorization: &[text("authorization")], dpop: &[text("dpop")] };
    Ok(verifier.verify(&presented, now()).await?.unwrap().webid.as_str().to_owned())
}

#[tokio::test]
async fn a_receiver_knows_the_sender_by_its_webid() {
    let sender = sender().await;
    let verifier = receiver(&sender);
    let signed = sign(&sender, HOOK, now());
    assert_eq!(seen(&verifier, &signed, "POST", HOOK).await.unwrap(), SENDER);
    assert!(seen(&verifier, &signed, "POST", HOOK).await.is_err(), "a proof is used once");
    let again = sign(&sender, HOOK, now());
    assert_eq!(seen(&verifier, &again, "POST", HOOK).await.unwrap(), SENDER);
    assert_eq!(again.headers["authorization"], signed.headers["authorization"], "kept for that receiver");
}

#[tokio::test]
async fn what_one_receiver_was_sent_is_of_no_use_elsewhere() {
    let sender = sender().await;
    let verifier = receiver(&sender);
    let signed = sign(&sender, HOOK, now());
    for (method, uri) in [
        ("POST", "https://pod.example/alice/inbox/"),
        ("POST", "https://hook.example/in/other"),
        ("POST", "http://hook.example/in/secret"),
        ("PUT", HOOK),
    ] {
        assert!(seen(&verifier, &signed, method, uri).await.is_err(), "{method} {uri}");
    }
    // A proof of the receiver's own makes nothing of the token.
    let mut stolen = signed.clone();
    let own = SigningKey::generate(Algorithm::Es256).unwrap();
    let token = signed.headers["authorization"].to_str().unwrap().strip_prefix("DPoP ").unwrap().to_owned();
    let uri = "https://pod.example/alice/inbox/";
    let proof = own.prove("POST", uri, "j", now(), Some(&token)).unwrap();
    stolen.headers.insert("dpop", proof.parse().unwrap());
    assert!(seen(&verifier, &stolen, "POST", uri).await.is_err());
}

fn part(token: &str, place: usize) -> Value {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(place).unwrap()).unwrap()).unwrap()
}

/// R-WH-4, and of T-K06 and T-K07 what can be seen here.
#[tokio::test]
async fn token_and_proof_are_those_that_receivers_in_use_expect() {
    let sender = sender().await;
    let signed = sign(&sender, HOOK, now());
    let token = signed.headers["authorization"].to_str().unwrap().strip_prefix("DPoP ").unwrap();
    let (head, claims) = (part(token, 0), part(token, 1));
    let key = sender.keys().signing(Purpose::AccessToken, now()).unwrap();
    assert_eq!(head, json!({"alg": "ES256", "typ": "at+jwt", "kid": key.thumbprint()}));
    for name in ["webid", "sub", "azp", "client_id"] {
        assert_eq!(claims[name], SENDER, "{name}");
    }
    assert_eq!((&claims["iss"], &claims["aud"]), (&ISSUER.into(), &json!(["solid", "https://hook.example"])));
    assert_eq!((&claims["iat"], &claims["exp"]), (&1_800_000_000.into(), &1_800_000_300.into()));
    let proof = signed.headers["dpop"].to_str().unwrap();
    let (head, told) = (part(proof, 0), part(proof, 1));
    assert_eq!((&head["typ"], &head["alg"]), (&"dpop+jwt".into(), &"ES256".into()));
    assert_eq!((&told["htm"], &told["htu"]), (&"POST".into(), &"https://hook.example/in/secret".into()));
    assert!(told["ath"].is_string() && told["iat"] == 1_800_000_000);
    assert_ne!(part(sign(&sender, HOOK, now()).headers["dpop"].to_str().unwrap(), 1)["jti"], told["jti"]);
}

#[tokio::test]
async fn no_key_signs_for_another_purpose() {
    let sender = sender().await;
    let signed = sign(&sender, HOOK, now());
    let text = |name: &str| signed.headers[name].to_str().unwrap().to_owned();
    let thumbprint = |purpose| sender.keys().signing(purpose, now()).unwrap().thumbprint().to_owned();
    let token = part(text("authorization").strip_prefix("DPoP ").unwrap(), 0)["kid"].as_str().unwrap().to_owned();
    let proof = serde_json::to_vec(&part(&text("dpop"), 0)["jwk"]).unwrap();
    let proof = podbell_oidc::PublicJwk::from_json(&proof).unwrap().thumbprint().to_owned();
    let input = text("signature-input");
    assert_eq!(token, thumbprint(Purpose::AccessToken));
    assert!(input.contains(&format!("keyid=\"{SENDER}#{}\"", thumbprint(Purpose::HttpSignature))));
    assert!(Purpose::ALL.into_iter().all(|purpose| thumbprint(purpose) != proof));
}

#[tokio::test]
async fn what_is_shown_of_the_fields_opens_nothing() {
    let shown = format!("{:?}", sign(&*sender().await, HOOK, now()).headers);
    assert!(!shown.contains("eyJ"), "{shown}");
}

#[tokio::test]
async fn a_push_service_gets_no_word_of_what_is_told() {
    let sender = sender().await;
    let keys = PushKeys {
        auth: "BTBZMqHH6r4Tts7J_aSIgg".into(),
        p256dh: "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4".into(),
    };
    let target = Url::parse("https://push.example/send/1").unwrap();
    let body = Bytes::from_static(br#"{"object":"https://pod.example/alice/diary"}"#);
    let parcel = Parcel {
        name: InName::Sender,
        target: &target,
        content_type: "application/ld+json",
        body: &body,
        message: Uuid::nil(),
        secrets: &[],
        keys: Some(&keys),
    };
    let signed = sender.sign(&parcel, now()).unwrap();
    assert!(!signed.body.windows(5).any(|part| part == b"diary"));
    assert_eq!(signed.headers["content-encoding"], "aes128gcm");
    assert!(signed.headers.contains_key("ttl") && !signed.headers.contains_key("dpop"));
    let authorization = signed.headers["authorization"].to_str().unwrap();
    assert!(authorization.ends_with(&format!(", k={}", sender.vapid_public_key(now()).unwrap())));
}

/// T-LWS-33, 34 and 36, as far as they can be seen here.
#[tokio::test]
async fn a_storage_signs_with_the_published_key_and_says_nothing_else() {
    let sender = sender().await;
    let key = sender.keys().signing(Purpose::HttpSignature, now()).unwrap();
    for description in ["https://pod.example/alice/storage", "https://bob.pod.example/storage"] {
        let name = InName::Storage { description };
        let signed = sign_in(name, "application/lws+json", &sender, HOOK, now());
        let mut names: Vec<_> = signed.headers.keys().map(http::HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["content-digest", "content-type", "signature", "signature-input"]);
        assert_eq!(signed.headers["content-type"], "application/lws+json");
        let covered = r#"sig=("@method" "@scheme" "@authority" "@path" "content-type" "content-digest" "@query");created=1800000000;keyid="#;
        let keyid = format!("\"{description}#{}\"", key.thumbprint());
        assert_eq!(signed.headers["signature-input"].to_str().unwrap(), format!("{covered}{keyid}"));
    }
    let name = InName::Storage { description: "https://pod.example/storage" };
    let later = sign_in(name, "application/lws+json", &sender, HOOK, now() + Duration::from_secs(5));
    assert!(later.headers["signature-input"].to_str().unwrap().contains(";created=1800000005;"));
}

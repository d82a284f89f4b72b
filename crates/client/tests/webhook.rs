//! What a receiver of webhooks believes, and what it does not.
#![allow(clippy::unwrap_used, reason = "tests")]

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use http::Request;
use podbell_client::{
    Client,
    webhook::{Refused, Verifier},
};
use podbell_test_client::receiver::{Receiver, Reply};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

const COVERED: &str = "\"@method\" \"@scheme\" \"@authority\" \"@path\" \"content-type\" \"content-digest\" \"@query\"";
const URL: &str = "https://hook.example/in?for=alice";
const BODY: &str = r#"{"id":"urn:uuid:1","type":"Update","object":"https://pod.example/a"}"#;

/// A sender with a document that it publishes.
struct Sender {
    site: Receiver,
    document: Arc<Mutex<Value>>,
}

struct Key {
    pair: EcdsaKeyPair,
    id: String,
}

impl Sender {
    fn new() -> Self {
        let document = Arc::new(Mutex::new(Value::Null));
        let shared = Arc::clone(&document);
        let site = Receiver::http(move |_, _| {
            let body = shared.lock().unwrap().to_string();
            let head = "HTTP/1.1 200 OK\r\ncache-control: max-age=300\r\nconnection: close\r\ncontent-length:";
            Reply::Bytes(format!("{head} {}\r\n\r\n{body}", body.len()).into_bytes())
        });
        Self { site: site.unwrap(), document }
    }

    fn url(&self) -> String {
        self.site.url("/sender")
    }

    fn key(&self, name: &str) -> Key {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Key { pair, id: format!("{}#{name}", self.url()) }
    }

    fn publish(&self, keys: &[&Key]) {
        let methods = keys.iter().map(|key| {
            let point = key.pair.public_key().as_ref();
            let [x, y] = [&point[1..33], &point[33..]].map(|part| URL_SAFE_NO_PAD.encode(part));
            json!({"id": key.id, "publicKeyJwk": {"kty": "EC", "crv": "P-256", "x": x, "y": y}})
        });
        let methods: Vec<_> = methods.collect();
        let ids: Vec<_> = keys.iter().map(|key| &key.id).collect();
        *self.document.lock().unwrap() =
            json!({"id": self.url(), "authentication": ids, "verificationMethod": methods});
    }

    fn verifier(&self) -> Verifier {
        Verifier::new(&Client::builder().build().unwrap(), &self.url()).unwrap()
    }
}

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

impl Key {
    /// The request as a server sends it.
    fn sign(&self, created: i64) -> Request<String> {
        self.sign_over(COVERED, &format!("created={created};keyid=\"{}\"", self.id))
    }

    fn sign_over(&self, covered: &str, parameters: &str) -> Request<String> {
        let digest = format!("sha-256=:{}:", STANDARD.encode(digest(&SHA256, BODY.as_bytes())));
        let parameters = format!("({covered});{parameters}");
        let value = |name: &str| match name {
            "@method" => "POST",
            "@scheme" => "https",
            "@authority" => "hook.example",
            "@path" => "/in",
            "@query" => "?for=alice",
            "content-type" => "application/ld+json",
            _ => &digest,
        };
        let lines = covered.split(' ').map(|name| format!("{name}: {}\n", value(name.trim_matches('"'))));
        let base = format!("{}\"@signature-params\": {parameters}", lines.collect::<String>());
        let signature = self.pair.sign(&SystemRandom::new(), base.as_bytes()).unwrap();
        Request::post(URL)
            .header("content-type", "application/ld+json")
            .header("content-digest", &digest)
            .header("signature-input", format!("sig={parameters}"))
            .header("signature", format!("sig=:{}:", STANDARD.encode(signature)))
            .body(BODY.to_owned())
            .unwrap()
    }
}

/// The request, changed.
fn changed(request: &Request<String>, change: impl FnOnce(&mut Request<String>)) -> Request<String> {
    let mut request = request.clone();
    change(&mut request);
    request
}

#[tokio::test]
async fn what_the_sender_signed_just_now_is_believed_once() {
    let sender = Sender::new();
    let key = sender.key("1");
    sender.publish(&[&key]);
    let verifier = sender.verifier();
    let request = key.sign(now());
    assert_eq!(verifier.verify(&request).await, Ok(()));
    assert_eq!(verifier.verify(&request).await, Err(Refused::Replayed));
    // Another signature over the same is the same request; each attempt is made at another time.
    assert_eq!(verifier.verify(&key.sign_over(COVERED, &same(&request))).await, Err(Refused::Replayed));
    assert_eq!(verifier.verify(&key.sign(now() - 5)).await, Ok(()));
    assert_eq!(verifier.verify(&key.sign(now() - 299 + 5)).await, Ok(()));
    assert_eq!(verifier.verify(&key.sign(now() - 302)).await, Err(Refused::NotRecent));
    assert_eq!(verifier.verify(&key.sign(now() + 90)).await, Err(Refused::NotRecent));
    let over = format!("created={};keyid=\"{}\";expires={}", now() - 9, key.id, now() - 8);
    assert_eq!(verifier.verify(&key.sign_over(COVERED, &over)).await, Err(Refused::NotRecent));
    assert_eq!(sender.site.received().len(), 1, "the document is kept");
}

/// What was signed beside the components.
fn same(request: &Request<String>) -> String {
    request.headers()["signature-input"].to_str().unwrap().split_once(");").unwrap().1.to_owned()
}

#[tokio::test]
async fn what_was_changed_on_the_way_is_refused() {
    let sender = Sender::new();
    let key = sender.key("1");
    sender.publish(&[&key]);
    let verifier = sender.verifier();
    let good = key.sign(now());
    let uri = |url: &'static str| move |request: &mut Request<String>| *request.uri_mut() = url.parse().unwrap();
    let field = |name: &'static str, value: &'static str| {
        move |request: &mut Request<String>| {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
    };
    let without = |name: &'static str| {
        move |request: &mut Request<String>| {
            request.headers_mut().remove(name);
        }
    };
    let body = changed(&good, |request| *request.body_mut() = BODY.replace("Update", "Delete"));
    assert_eq!(verifier.verify(&body).await, Err(Refused::Digest));
    let method = changed(&good, |request| *request.method_mut() = http::Method::PUT);
    assert_eq!(verifier.verify(&method).await, Err(Refused::Signature));
    for url in [
        "https://other.example/in?for=alice",
        "https://hook.example:8443/in?for=alice",
        "http://hook.example/in?for=alice",
        "https://hook.example/in/?for=alice",
        "https://hook.example/in?for=bob",
        "https://hook.example/in",
    ] {
        assert_eq!(verifier.verify(&changed(&good, uri(url))).await, Err(Refused::Signature), "{url}");
    }
    assert_eq!(verifier.verify(&changed(&good, field("content-type", "text/plain"))).await, Err(Refused::Signature));
    for name in ["content-type", "content-digest", "signature-input", "signature"] {
        let told = verifier.verify(&changed(&good, without(name))).await;
        assert!(matches!(&told, Err(Refused::Missing(what)) if what == name), "{name}: {told:?}");
    }
    let twice = changed(&good, |request| {
        request.headers_mut().append("content-type", "text/plain".parse().unwrap());
    });
    assert_eq!(verifier.verify(&twice).await, Err(Refused::Signature));
    for input in ["", "sig", "sig=1", "sig=()", "sig=(\"@method\");keyid=\"x#1\""] {
        assert!(verifier.verify(&changed(&good, field("signature-input", input))).await.is_err(), "{input}");
    }
    let path_alone = "https://hook.example/in?for=alice".parse::<http::Uri>().unwrap();
    let path_alone = changed(&good, |request| *request.uri_mut() = path_alone.path().parse().unwrap());
    assert!(verifier.verify(&path_alone).await.is_err(), "a URL without origin says nothing");
    assert_eq!(verifier.verify(&good).await, Ok(()), "nothing of that has used it up");
    let usual_port = changed(&key.sign(now() - 1), uri("HTTPS://HOOK.example:443/in?for=alice"));
    assert_eq!(verifier.verify(&usual_port).await, Ok(()));
}

#[tokio::test]
async fn everything_that_matters_is_signed() {
    let sender = Sender::new();
    let key = sender.key("1");
    sender.publish(&[&key]);
    let verifier = sender.verifier();
    let parameters = format!("created={};keyid=\"{}\"", now(), key.id);
    for left_out in ["@method", "@scheme", "@authority", "@path", "content-type", "content-digest", "@query"] {
        let quoted = format!("\"{left_out}\"");
        let covered: Vec<_> = COVERED.split(' ').filter(|name| *name != quoted).collect();
        let request = key.sign_over(&covered.join(" "), &parameters);
        assert_eq!(verifier.verify(&request).await, Err(Refused::NotCovered(left_out)));
    }
    let untimed = key.sign_over(COVERED, &format!("keyid=\"{}\"", key.id));
    assert!(matches!(verifier.verify(&untimed).await, Err(Refused::Missing(_))));
    for (covered, more) in [
        (COVERED.replace("\"@method\"", "\"@method\";req"), ""),
        (format!("{COVERED} \"@path\""), ""),
        (format!("{COVERED} \"@target-uri\""), ""),
        (COVERED.to_owned(), ";alg=\"hmac-sha256\""),
        (COVERED.to_owned(), ";expires=\"soon\""),
    ] {
        let request = key.sign_over(&covered, &format!("{parameters}{more}"));
        assert_eq!(verifier.verify(&request).await, Err(Refused::Malformed("signature-input")), "{covered}{more}");
    }
}

#[tokio::test]
async fn only_keys_of_the_sender_count_and_a_new_one_is_looked_for() {
    let (sender, other) = (Sender::new(), Sender::new());
    let (first, second, strange) = (sender.key("1"), sender.key("2"), other.key("1"));
    sender.publish(&[&first]);
    other.publish(&[&strange]);
    let verifier = sender.verifier();
    assert_eq!(verifier.verify(&strange.sign(now())).await, Err(Refused::Stranger));
    assert!(sender.site.received().is_empty() && other.site.received().is_empty(), "strangers have nothing fetched");
    // By another key under the name of the first.
    let forged = Key { id: first.id.clone(), ..sender.key("1") };
    assert_eq!(verifier.verify(&forged.sign(now())).await, Err(Refused::Signature));
    for made_up in 0..20 {
        let key = sender.key(&format!("made-up-{made_up}"));
        assert_eq!(verifier.verify(&key.sign(now())).await, Err(Refused::UnknownKey));
    }
    assert_eq!(sender.site.received().len(), 1, "nor do names of keys that they make up");
    assert_eq!(verifier.verify(&first.sign(now())).await, Ok(()));
    sender.publish(&[&first, &second]);
    let later = sender.verifier();
    assert_eq!(later.verify(&second.sign(now())).await, Ok(()));
}

#[tokio::test]
async fn keys_that_cannot_be_had_are_a_matter_of_time() {
    let sender = Sender::new();
    let key = sender.key("1");
    let none = podbell_test_client::receiver::nobody().unwrap();
    let verifier = Verifier::new(&Client::builder().build().unwrap(), &none).unwrap();
    let signing = Key { id: format!("{none}#1"), ..key };
    for _ in 0..2 {
        let told = verifier.verify(&signing.sign(now())).await.unwrap_err();
        assert!(matches!(told, Refused::NoKeys(_)) && told.is_transient(), "{told}");
    }
    let client = Client::builder().build().unwrap();
    for unsafe_one in ["http://pod.example/sender", "sender", "ftp://localhost/", "https://pod.example/sender#1"] {
        assert!(Verifier::new(&client, unsafe_one).is_err(), "{unsafe_one}");
    }
}

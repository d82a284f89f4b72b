//! A receiver of webhooks in Rust: is it from the server that I subscribed at, for me, unchanged and recent?
//!
//! The two functions to take over are `verify_signature` and `verify_secret`; each alone is enough. They need the crates
//! aws-lc-rs, base64, serde_json, sfv and url; how the sender's document is fetched is left to the HTTP client at hand.
//! The program around them tries requests from the standard input, as the tests of the guide do.

#![allow(clippy::print_stdout, reason = "that is what it is for")]

use aws_lc_rs::{
    digest, hmac,
    signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use podbell_egress::{Client, Fetch as _, Get, Policy};
use serde_json::{Value, json};
use sfv::{BareItem, Dictionary, FieldType as _, ListEntry, Parser};
use std::{collections::HashMap, fmt::Write as _, time::SystemTime};
use url::{Position, Url};

const COVERED: [&str; 6] = ["@method", "@scheme", "@authority", "@path", "content-type", "content-digest"];
/// How far the clock of the sender may be off, and how long a request may be on its way, in seconds.
const WINDOW: u64 = 300;

/// A request as it came: the URL as the server calls it, names of headers in lower case, the body unparsed.
struct Request {
    method: String,
    url: Url,
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

type Refused = Box<dyn std::error::Error>;

impl Request {
    fn header(&self, name: &str) -> Result<&str, Refused> {
        self.headers.get(name).map(String::as_str).ok_or_else(|| format!("{name} is missing").into())
    }

    fn dictionary(&self, name: &str) -> Result<Dictionary, Refused> {
        Ok(Parser::new(self.header(name)?).parse()?)
    }

    /// The value of a component that may be signed (RFC 9421 §2).
    fn component(&self, name: &str) -> Result<String, Refused> {
        Ok(match name {
            "@method" => self.method.clone(),
            "@scheme" => self.url.scheme().to_owned(),
            "@authority" => self.url[Position::BeforeHost..Position::AfterPort].to_owned(),
            "@path" => self.url.path().to_owned(),
            "@query" => format!("?{}", self.url.query().unwrap_or_default()),
            header => self.header(header)?.trim().to_owned(),
        })
    }
}

fn bytes(dictionary: &Dictionary, key: &str) -> Option<Vec<u8>> {
    match dictionary.get(key)? {
        ListEntry::Item(item) => item.bare_item.as_byte_sequence().map(<[u8]>::to_vec),
        ListEntry::InnerList(_) => None,
    }
}

fn is_recent(seconds: u64) -> bool {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |now| now.as_secs());
    now.abs_diff(seconds) <= WINDOW
}

/// By the HTTP message signature (RFC 9421). `document` is the sender's, as `application/ld+json`: keep it for as long as
/// its Cache-Control says, and fetch it again for a key that is not in it.
fn verify_signature(request: &Request, sender: &str, document: &Value) -> Result<(), Refused> {
    let digest = digest::digest(&digest::SHA256, &request.body);
    if bytes(&request.dictionary("content-digest")?, "sha-256").as_deref() != Some(digest.as_ref()) {
        return Err("the body is not the one that was signed".into());
    }
    let input = request.dictionary("signature-input")?;
    let Some((label, ListEntry::InnerList(signed))) = input.first() else { return Err("nothing is signed".into()) };
    let mut base = String::new();
    let mut covered = Vec::new();
    for item in &signed.items {
        let name = item.bare_item.as_string().filter(|_| item.params.is_empty()).ok_or("an unknown component")?;
        writeln!(base, "\"{}\": {}", name.as_str(), request.component(name.as_str())?)?;
        covered.push(name.as_str());
    }
    let query = request.url.query().map(|_| "@query");
    if COVERED.into_iter().chain(query).any(|name| !covered.contains(&name)) {
        return Err("not everything is signed".into());
    }
    let parameters = Dictionary::from_iter([(label.clone(), ListEntry::InnerList(signed.clone()))]);
    let parameters = parameters.serialize().ok_or("nothing is signed")?;
    write!(base, "\"@signature-params\": {}", &parameters[label.as_str().len() + 1..])?;
    let created = signed.params.get("created").and_then(BareItem::as_integer).ok_or("created is missing")?;
    if !is_recent(u64::try_from(i64::from(created))?) {
        return Err("signed long ago".into());
    }
    let keyid = signed.params.get("keyid").and_then(BareItem::as_string).ok_or("keyid is missing")?.as_str();
    // The key of another sender says nothing about this one.
    let is_of_sender = keyid.split('#').next() == Some(sender) && document["id"] == sender;
    let named = |names: &Value| names.as_array().is_some_and(|names| names.iter().any(|name| name == keyid));
    let methods = document["verificationMethod"].as_array().map(Vec::as_slice).unwrap_or_default();
    let key = methods.iter().find(|method| method["id"] == keyid && is_of_sender && named(&document["authentication"]));
    let jwk = &key.ok_or("the sender has no such key")?["publicKeyJwk"];
    let part = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap_or_default());
    let point = [vec![4], part("x")?, part("y")?].concat();
    let signature = bytes(&request.dictionary("signature")?, label.as_str()).ok_or("there is no signature")?;
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
    key.verify(base.as_bytes(), &signature).map_err(|_| "the signature is wrong".into())
}

/// By a secret that the subscription was made with (Standard Webhooks).
fn verify_secret(request: &Request, secret: &str) -> Result<(), Refused> {
    let (id, time) = (request.header("webhook-id")?, request.header("webhook-timestamp")?);
    if !is_recent(time.parse()?) {
        return Err("sent long ago".into());
    }
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap_or(secret))?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let message = [id.as_bytes(), b".", time.as_bytes(), b".", &request.body].concat();
    let mut signatures = request.header("webhook-signature")?.split(' ').filter_map(|one| one.strip_prefix("v1,"));
    let is_good = |one: &str| STANDARD.decode(one).is_ok_and(|tag| hmac::verify(&key, &message, &tag).is_ok());
    if signatures.any(is_good) { Ok(()) } else { Err("the signature is wrong".into()) }
}

#[tokio::main]
async fn main() -> Result<(), Refused> {
    let tried: Value = serde_json::from_reader(std::io::stdin())?;
    let sender = tried["sender"].as_str().ok_or("no sender")?;
    let client = Client::new(Policy { development: true, ..Policy::default() })?;
    let get = Get { url: Url::parse(sender)?, accept: "application/ld+json", redirects: 0 };
    let document: Value = serde_json::from_slice(&client.get(&get).await?.body)?;
    let mut results = Vec::new();
    for given in tried["requests"].as_array().ok_or("no requests")? {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let headers = given["headers"].as_object().ok_or("no headers")?;
        let request = Request {
            method: text(&given["method"]),
            url: Url::parse(&text(&given["url"]))?,
            headers: headers.iter().map(|(name, value)| (name.clone(), text(value))).collect(),
            body: STANDARD.decode(text(&given["body"]))?,
        };
        let told = |result: Result<(), Refused>| result.map_or_else(|why| why.to_string(), |()| "good".to_owned());
        results.push(json!({
            "signature": told(verify_signature(&request, sender, &document)),
            "secret": told(verify_secret(&request, &text(&tried["secret"]))),
        }));
    }
    println!("{}", Value::from(results));
    Ok(())
}

//! The keys that the sender publishes.
//!
//! Its document is kept for as long as it says; for a key that is not in it, it is fetched again, but not at the pace of
//! strangers who make up names of keys.

use super::Refused;
use crate::{
    answer::{Answer, text},
    client::Client,
    error::WatchError,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{Method, header};
use serde_json::Value;
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;
use url::Url;

/// The sender's document, and the description of a storage.
const ACCEPT: &str = "application/lws+json, application/ld+json;q=0.9";
/// How long a document is kept that does not say so.
const KEPT: Duration = Duration::from_mins(5);
/// How long it is kept at least and at most, whatever it says.
const BOUNDS: (Duration, Duration) = (Duration::from_mins(1), Duration::from_hours(1));
/// How long until it is fetched again.
const PAUSE: Duration = Duration::from_secs(5);

/// A point of P-256, uncompressed.
pub(super) type Point = Vec<u8>;

/// The keys of one sender.
pub(super) struct Keys {
    client: Client,
    url: Url,
    sender: String,
    kept: Mutex<Option<(Instant, Value)>>,
    /// When it was asked last, and what was wrong then.
    asked: tokio::sync::Mutex<Option<(Instant, Option<WatchError>)>>,
}

impl Keys {
    pub(super) fn new(client: Client, url: Url, sender: String) -> Self {
        Self { client, url, sender, kept: Mutex::default(), asked: tokio::sync::Mutex::default() }
    }

    pub(super) fn sender(&self) -> &str {
        &self.sender
    }

    /// The key of that name.
    pub(super) async fn find(&self, keyid: &str) -> Result<Point, Refused> {
        if let Some(key) = self.known(keyid) {
            return Ok(key);
        }
        let mut asked = self.asked.lock().await;
        // Somebody who was first may have found it.
        if let Some(key) = self.known(keyid) {
            return Ok(key);
        }
        if let Some((at, fault)) = &*asked
            && at.elapsed() < PAUSE
        {
            return Err(fault.clone().map_or(Refused::UnknownKey, Refused::NoKeys));
        }
        let fetched = self.fetch().await;
        *asked = Some((Instant::now(), fetched.as_ref().err().cloned()));
        let kept = fetched.map_err(Refused::NoKeys)?;
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
        self.known(keyid).ok_or(Refused::UnknownKey)
    }

    fn known(&self, keyid: &str) -> Option<Point> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, document) = kept.as_ref().filter(|(until, _)| Instant::now() < *until)?;
        key(document, &self.sender, keyid)
    }

    async fn fetch(&self) -> Result<(Instant, Value), WatchError> {
        let asked = Instant::now();
        let answer = self.client.ask(Method::GET, &self.url, &[(header::ACCEPT, ACCEPT)], Bytes::new()).await?;
        let answer = answer.success()?;
        let document = serde_json::from_slice(&answer.body);
        let document = document.map_err(|error| WatchError::not_understood(&self.sender, error.to_string()))?;
        Ok((asked + lasts(&answer), document))
    }
}

/// How long an answer may be kept.
fn lasts(answer: &Answer) -> Duration {
    let told = text(&answer.headers, &header::CACHE_CONTROL).unwrap_or_default();
    let age = told.split(',').find_map(|one| one.trim().strip_prefix("max-age=")?.parse().ok());
    age.map_or(KEPT, Duration::from_secs).clamp(BOUNDS.0, BOUNDS.1)
}

/// A key of that name, in a document that is the sender's own and says that it signs with it.
fn key(document: &Value, sender: &str, keyid: &str) -> Option<Point> {
    let among = |value: &Value| match value {
        Value::Array(values) => values.iter().any(|value| value == keyid),
        value => value == keyid,
    };
    if document["id"] != sender || !among(&document["authentication"]) {
        return None;
    }
    let methods = match &document["verificationMethod"] {
        Value::Array(methods) => methods.as_slice(),
        method => std::slice::from_ref(method),
    };
    let jwk = &methods.iter().find(|method| method["id"] == keyid)?["publicKeyJwk"];
    let is_es256 = jwk["kty"] == "EC" && jwk["crv"] == "P-256" && (jwk["alg"].is_null() || jwk["alg"] == "ES256");
    let part = |name: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(jwk[name].as_str()?).ok()?;
        (is_es256 && bytes.len() == 32).then_some(bytes)
    };
    Some([vec![4], part("x")?, part("y")?].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const SENDER: &str = "https://pod.example/.notifications/sender";
    const KEY: &str = "https://pod.example/.notifications/sender#1";

    fn document() -> Value {
        let part = URL_SAFE_NO_PAD.encode([7; 32]);
        let jwk = json!({"kty": "EC", "crv": "P-256", "x": part, "y": part, "alg": "ES256"});
        json!({"id": SENDER, "authentication": [KEY], "verificationMethod": [{"id": KEY, "publicKeyJwk": jwk}]})
    }

    #[test]
    fn a_key_is_one_that_the_sender_itself_signs_with() {
        assert!(key(&document(), SENDER, KEY).is_some_and(|point| point.len() == 65));
        assert!(key(&document(), SENDER, "https://pod.example/.notifications/sender#2").is_none());
        for (place, other) in [
            ("/id", json!("https://other.example/sender")),
            ("/authentication", json!([])),
            ("/verificationMethod/0/publicKeyJwk/kty", json!("OKP")),
            ("/verificationMethod/0/publicKeyJwk/crv", json!("P-384")),
            ("/verificationMethod/0/publicKeyJwk/alg", json!("none")),
            ("/verificationMethod/0/publicKeyJwk/x", json!("BwcH")),
            ("/verificationMethod", json!(null)),
        ] {
            let mut document = document();
            if let Some(value) = document.pointer_mut(place) {
                *value = other;
            }
            assert!(key(&document, SENDER, KEY).is_none(), "{place}");
        }
    }
}

//! Signs requests as a server would, so that a receiver can be tried without one:
//!
//! ```sh
//! echo '{"origin": "http://localhost:4000", "requests": [{"target": "https://hook.example/in", "body": "{}"}]}' |
//!   cargo run --release -p podbell-server --example sign
//! ```
//!
//! With `storage`, the URL of a description, it is signed in the name of that storage, as Linked Web Storage has it.
//! It prints the requests with their header fields, and what the server would publish, by path: serve that at the
//! origin. The keys are new each time.

#![allow(clippy::print_stdout, reason = "that is what it is for")]

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use podbell_delivery::push::{InName, Parcel, Signer as _, sign::Sender};
use podbell_hub::{PushKeys, Secret};
use podbell_model::{Timestamp, Uuid};
use podbell_server::{sender, settings::Settings};
use podbell_sqlite::{Options, Sqlite};
use podbell_wire::{Syntax, lws};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::{sync::Arc, time::Duration};
use url::Url;

/// What is to be signed.
#[derive(Deserialize)]
struct Wanted {
    origin: String,
    requests: Vec<Wish>,
}

/// One request.
#[derive(Deserialize)]
struct Wish {
    target: String,
    body: String,
    #[serde(default)]
    secrets: Vec<String>,
    keys: Option<Keys>,
    /// For Linked Web Storage: the description of the storage in whose name it is signed.
    storage: Option<String>,
    /// How long ago it is signed, in seconds.
    #[serde(default)]
    age: u64,
}

/// The keys of a browser.
#[derive(Deserialize)]
struct Keys {
    auth: String,
    p256dh: String,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let wanted: Wanted = serde_json::from_reader(std::io::stdin()).context("the standard input is not as expected")?;
    let directory = tempfile::tempdir()?;
    let store = Sqlite::open(directory.path(), &Options::default())?;
    let now = Timestamp::now();
    let sender = sender::open(&Settings::default(), &wanted.origin, None, store, now).await?;
    let requests = wanted.requests.iter().map(|wish| sign(&sender, wish, now)).collect::<Result<Vec<_>, _>>()?;
    let text = |syntax: Syntax| String::from_utf8(sender::document(&sender, now).write(syntax.into()));
    let documents = json!({
        sender::SENDER: {"text/turtle": text(Syntax::Turtle)?, "application/ld+json": text(Syntax::JsonLd)?},
        sender::CONFIGURATION: {"application/json": sender::configuration(&sender).to_string()},
        sender::JWKS: {"application/json": sender::jwks(&sender, now).to_string()},
    });
    let vapid = sender.vapid_public_key(now)?;
    println!("{}", json!({"requests": requests, "documents": documents, "vapidPublicKey": vapid}));
    Ok(())
}

fn sign(sender: &Sender, wish: &Wish, now: Timestamp) -> anyhow::Result<Value> {
    let secrets: Vec<_> = wish.secrets.iter().map(|text| Secret { text: text.as_str().into(), until: None }).collect();
    let keys = wish
        .keys
        .as_ref()
        .map(|keys| PushKeys { auth: Arc::from(keys.auth.as_str()), p256dh: Arc::from(keys.p256dh.as_str()) });
    let target = Url::parse(&wish.target)?;
    let body = Bytes::from(wish.body.clone());
    let name = wish.storage.as_deref().map_or(InName::Sender, |description| InName::Storage { description });
    let content_type = if wish.storage.is_some() { lws::MEDIA_TYPE } else { Syntax::JsonLd.media_type() };
    let parcel = Parcel {
        name,
        target: &target,
        content_type,
        body: &body,
        message: Uuid::new_v4(),
        secrets: &secrets,
        keys: keys.as_ref(),
    };
    let signed = sender.sign(&parcel, now - Duration::from_secs(wish.age))?;
    let headers = signed.headers.iter().map(|(name, value)| Ok((name.to_string(), value.to_str()?.into())));
    let headers = headers.collect::<anyhow::Result<Map<String, Value>>>()?;
    Ok(json!({"method": "POST", "url": target.as_str(), "headers": headers, "body": STANDARD.encode(&signed.body)}))
}

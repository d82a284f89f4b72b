//! Client identifier documents: a client id that is a URL leads to a document about the client.
//!
//! Read as plain JSON with the member names of the Solid-OIDC context; no other context is loaded, no graph is built.
//!
//! Spec: <https://solidproject.org/TR/oidc#clientids-document>

use crate::{client::Client, redirect, store::SigningAlgorithm};
use parking_lot::Mutex;
use podbell_egress::{Fetch, Get};
use podbell_model::{Timestamp, contexts};
use serde::Deserialize;
use std::{collections::HashMap, sync::Arc};
use url::Url;

/// Longest client id, in bytes.
pub(crate) const MAX_ID: usize = 2_048;
/// How long a document is kept, in seconds: about as long as somebody reads the pages.
const KEPT: i64 = 60;
/// How long a failure is kept, in seconds.
const FAILURE_KEPT: i64 = 10;
/// Most documents that are kept.
const MAX_KEPT: usize = 256;
/// Longest name that is shown, in characters.
const MAX_NAME: usize = 100;

/// Why a client id leads to no client. Texts quote nothing of the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DocumentError {
    /// Not `https` (`http` in development), or with user information or a fragment.
    #[error("the client id is no URL that a document can be read from")]
    Url,
    /// It could not be read.
    #[error("the client identifier document cannot be read")]
    Fetch,
    /// Neither JSON-LD nor JSON.
    #[error("the client identifier document is not JSON-LD")]
    MediaType,
    /// Not JSON with the expected members, each once.
    #[error("the client identifier document is malformed")]
    Malformed,
    /// The Solid-OIDC context is not among its contexts.
    #[error("the client identifier document lacks the context of Solid-OIDC")]
    Context,
    /// It is about another client.
    #[error("the client identifier document is about another client id")]
    OtherClient,
    /// No redirect URI that may be used.
    #[error("the client identifier document has no acceptable redirect_uris")]
    NoRedirect,
}

#[derive(Deserialize)]
struct Members {
    #[serde(rename = "@context")]
    context: OneOrMany,
    client_id: String,
    redirect_uris: OneOrMany,
    #[serde(default)]
    post_logout_redirect_uris: Option<OneOrMany>,
    #[serde(default)]
    client_name: Option<String>,
    #[serde(default)]
    id_token_signed_response_alg: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    // A context may also be an object; it is not looked into.
    Many(Vec<serde_json::Value>),
}

impl OneOrMany {
    fn texts(&self) -> Vec<&str> {
        match self {
            Self::One(text) => vec![text],
            Self::Many(values) => values.iter().filter_map(serde_json::Value::as_str).collect(),
        }
    }
}

type Kept = (Timestamp, Result<Arc<Client>, DocumentError>);

/// Reads documents, and keeps them for a moment.
pub(crate) struct Documents {
    fetch: Arc<dyn Fetch>,
    development: bool,
    kept: Mutex<HashMap<String, Kept>>,
}

/// Whether a client id is meant as a URL.
pub(crate) fn is_url(id: &str) -> bool {
    id.contains(':')
}

impl Documents {
    pub(crate) fn new(fetch: Arc<dyn Fetch>, development: bool) -> Self {
        Self { fetch, development, kept: Mutex::default() }
    }

    /// The client that a URL names.
    pub(crate) async fn client(&self, id: &str, now: Timestamp) -> Result<Arc<Client>, DocumentError> {
        let url = self.url(id)?;
        if let Some((until, kept)) = self.kept.lock().get(id)
            && *until > now
        {
            return kept.clone();
        }
        let client = self.read(id, url).await.map(Arc::new);
        let seconds = if client.is_ok() { KEPT } else { FAILURE_KEPT };
        let until = now.checked_add(jiff::SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX);
        let mut kept = self.kept.lock();
        if kept.len() >= MAX_KEPT {
            kept.retain(|_, (until, _)| *until > now);
        }
        if kept.len() < MAX_KEPT {
            kept.insert(id.into(), (until, client.clone()));
        }
        client
    }

    fn url(&self, id: &str) -> Result<Url, DocumentError> {
        let url = Url::parse(id).ok().filter(|_| id.len() <= MAX_ID && id.bytes().all(|b| b.is_ascii_graphic()));
        let url = url.ok_or(DocumentError::Url)?;
        let scheme = url.scheme() == "https" || (url.scheme() == "http" && self.development);
        let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        if scheme && plain { Ok(url) } else { Err(DocumentError::Url) }
    }

    async fn read(&self, id: &str, url: Url) -> Result<Client, DocumentError> {
        let get = Get { url, accept: "application/ld+json, application/json;q=0.9", redirects: 3 };
        let document = self.fetch.get(&get).await.map_err(|_| DocumentError::Fetch)?;
        if !matches!(document.media_type.as_str(), "application/ld+json" | "application/json") {
            return Err(DocumentError::MediaType);
        }
        parse(id, &document.body, self.development)
    }
}

fn parse(id: &str, body: &[u8], development: bool) -> Result<Client, DocumentError> {
    let members: Members = serde_json::from_slice(body).map_err(|_| DocumentError::Malformed)?;
    if !members.context.texts().contains(&contexts::SOLID_OIDC) {
        return Err(DocumentError::Context);
    }
    if members.client_id != id {
        return Err(DocumentError::OtherClient);
    }
    let usable = |uris: &OneOrMany| -> Vec<Arc<str>> {
        let uris = uris.texts().into_iter().filter(|uri| redirect::parse(uri, development).is_some());
        uris.take(redirect::MAX_URIS).map(Into::into).collect()
    };
    let redirect_uris = usable(&members.redirect_uris);
    if redirect_uris.is_empty() {
        return Err(DocumentError::NoRedirect);
    }
    let algorithm = members.id_token_signed_response_alg.as_deref().and_then(SigningAlgorithm::from_name);
    Ok(Client {
        id: id.into(),
        name: members.client_name.unwrap_or_default().chars().take(MAX_NAME).collect::<String>().into(),
        redirect_uris,
        post_logout_redirect_uris: members.post_logout_redirect_uris.as_ref().map(usable).unwrap_or_default(),
        id_token_algorithm: algorithm.unwrap_or(SigningAlgorithm::Es256),
        is_document: true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ID: &str = "https://app.example/id";

    fn good() -> serde_json::Value {
        json!({
            "@context": ["https://www.w3.org/ns/solid/oidc-context.jsonld"],
            "client_id": ID,
            "client_name": "An app",
            "redirect_uris": ["https://app.example/back"],
            "unknown": {"deep": [1]},
        })
    }

    fn read(document: &serde_json::Value) -> Result<Client, DocumentError> {
        parse(ID, document.to_string().as_bytes(), false)
    }

    #[test]
    fn a_good_document_is_a_client() {
        let client = read(&good()).unwrap();
        assert_eq!((&*client.id, &*client.name), (ID, "An app"));
        assert_eq!(client.redirect_uris, ["https://app.example/back".into()]);
    }

    #[test]
    fn each_fault_of_a_document_is_refused() {
        for (member, value, error) in [
            ("@context", json!("https://evil.example/context"), DocumentError::Context),
            ("client_id", json!("https://app.example/ID"), DocumentError::OtherClient),
            ("client_id", json!("https://app.example/id/"), DocumentError::OtherClient),
            ("client_id", json!(7), DocumentError::Malformed),
            ("redirect_uris", json!([]), DocumentError::NoRedirect),
            ("redirect_uris", json!(["javascript:alert(1)"]), DocumentError::NoRedirect),
            ("redirect_uris", json!({}), DocumentError::Malformed),
        ] {
            let mut document = good();
            document[member] = value;
            assert_eq!(read(&document).err(), Some(error), "{member}");
        }
        let twice = format!(r#"{{"client_id":"{ID}",{}"#, &good().to_string()[1..]);
        assert_eq!(parse(ID, twice.as_bytes(), false).err(), Some(DocumentError::Malformed));
        assert_eq!(parse(ID, b"<html>", false).err(), Some(DocumentError::Malformed));
    }
}

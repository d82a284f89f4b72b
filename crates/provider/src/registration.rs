//! Dynamic registration of clients.
//!
//! Spec: RFC 7591, OpenID Connect Dynamic Client Registration.

use crate::{
    ErrorCode, OAuthError, Provider, provider, random, redirect,
    store::{RegisteredClient, SigningAlgorithm},
};
use podbell_model::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

/// Longest registration that is read, in bytes.
const MAX_BODY: usize = 64 * 1024;
/// Longest `client_name`, in bytes.
const MAX_NAME: usize = 256;
/// When there is no room, clients that nobody used for so long make some.
const PRESSED: Duration = Duration::from_hours(1);
/// What is registered as it was sent, without being looked into.
const KEPT_AS_SENT: [&str; 3] = ["application_type", "client_uri", "scope"];

#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    redirect_uris: Vec<String>,
    #[serde(default)]
    post_logout_redirect_uris: Vec<String>,
    client_name: Option<String>,
    grant_types: Option<Vec<String>>,
    response_types: Option<Vec<String>>,
    token_endpoint_auth_method: Option<String>,
    id_token_signed_response_alg: Option<String>,
    subject_type: Option<String>,
}

impl Provider {
    /// Registers a client; `body` is the JSON of the request. The answer holds its `client_id`, and its
    /// `client_secret` unless it asked to be public.
    ///
    /// # Errors
    /// With the codes of RFC 7591 §3.2.2.
    pub async fn register(&self, body: &[u8], now: Timestamp) -> Result<Value, OAuthError> {
        let (metadata, sent) = read(body)?;
        let (client, secret) = self.client_of(&metadata, now)?;
        if !self.insert(&client, now).await.map_err(Self::log)? {
            let description = "there are too many registered clients";
            return Err(OAuthError::new(ErrorCode::TemporarilyUnavailable, description));
        }
        Ok(answer(&client, &metadata, &sent, secret.as_deref()))
    }

    async fn insert(&self, client: &RegisteredClient, now: Timestamp) -> Result<bool, OAuthError> {
        let limit = self.config.limits.clients;
        if self.store.insert_client(client, limit).await? {
            return Ok(true);
        }
        self.store.sweep(now, provider::before(now, PRESSED.min(self.config.lifetimes.unused_client))).await?;
        Ok(self.store.insert_client(client, limit).await?)
    }

    fn client_of(&self, metadata: &Metadata, now: Timestamp) -> Result<(RegisteredClient, Option<String>), OAuthError> {
        let invalid = |description| Err(OAuthError::new(ErrorCode::InvalidClientMetadata, description));
        let redirect_uris = self.redirects(&metadata.redirect_uris)?;
        if redirect_uris.is_empty() {
            return Err(OAuthError::new(ErrorCode::InvalidRedirectUri, "redirect_uris must hold at least one URI"));
        }
        if metadata.client_name.as_ref().is_some_and(|name| name.len() > MAX_NAME) {
            return invalid("client_name is too long");
        }
        if !includes(metadata.grant_types.as_ref(), "authorization_code") {
            return invalid("grant_types must include authorization_code");
        }
        if !includes(metadata.response_types.as_ref(), "code") {
            return invalid("response_types must include code");
        }
        if metadata.subject_type.as_deref().is_some_and(|subject_type| subject_type != "public") {
            return invalid("subject_type must be public");
        }
        let id_token_algorithm = match metadata.id_token_signed_response_alg.as_deref().map(SigningAlgorithm::from_name)
        {
            Some(None) => return invalid("id_token_signed_response_alg must be ES256 or RS256"),
            Some(Some(algorithm)) => algorithm,
            None => SigningAlgorithm::Es256,
        };
        let secret = match auth_method(metadata) {
            "none" => None,
            "client_secret_basic" | "client_secret_post" => Some(random::secret()?),
            _ => return invalid("token_endpoint_auth_method is not supported"),
        };
        let client = RegisteredClient {
            id: random::id()?.into(),
            secret: secret.as_deref().map(random::hash),
            name: metadata.client_name.clone().unwrap_or_default().into(),
            redirect_uris,
            post_logout_redirect_uris: self.redirects(&metadata.post_logout_redirect_uris)?,
            id_token_algorithm,
            created: now,
            last_used: now,
        };
        Ok((client, secret))
    }

    fn redirects(&self, uris: &[String]) -> Result<Vec<Arc<str>>, OAuthError> {
        let good = |uri: &String| redirect::parse(uri, self.config.development).is_some();
        if uris.len() > redirect::MAX_URIS || !uris.iter().all(good) {
            let description = "a redirect URI must be https, or http on this computer, without a fragment";
            return Err(OAuthError::new(ErrorCode::InvalidRedirectUri, description));
        }
        Ok(uris.iter().map(|uri| uri.as_str().into()).collect())
    }
}

fn read(body: &[u8]) -> Result<(Metadata, Value), OAuthError> {
    let invalid = || OAuthError::new(ErrorCode::InvalidClientMetadata, "the client metadata is malformed");
    if body.len() > MAX_BODY {
        return Err(invalid());
    }
    // The first reading refuses members that stand twice.
    let metadata = serde_json::from_slice(body).map_err(|_| invalid())?;
    let sent = serde_json::from_slice(body).map_err(|_| invalid())?;
    Ok((metadata, sent))
}

fn includes(values: Option<&Vec<String>>, wanted: &str) -> bool {
    values.is_none_or(|values| values.iter().any(|value| value == wanted))
}

fn auth_method(metadata: &Metadata) -> &str {
    metadata.token_endpoint_auth_method.as_deref().unwrap_or("client_secret_basic")
}

/// What is registered, as RFC 7591 §3.2.1 wants it told.
fn answer(client: &RegisteredClient, metadata: &Metadata, sent: &Value, secret: Option<&str>) -> Value {
    let mut grants = vec!["authorization_code"];
    if includes(metadata.grant_types.as_ref(), "refresh_token") {
        grants.push("refresh_token");
    }
    let mut answer = json!({
        "client_id": &*client.id,
        "client_id_issued_at": client.created.as_second(),
        "redirect_uris": metadata.redirect_uris,
        "grant_types": grants,
        "response_types": ["code"],
        "subject_type": "public",
        "token_endpoint_auth_method": auth_method(metadata),
        "id_token_signed_response_alg": client.id_token_algorithm.as_str(),
    });
    if let Some(name) = &metadata.client_name {
        answer["client_name"] = name.as_str().into();
    }
    if !metadata.post_logout_redirect_uris.is_empty() {
        answer["post_logout_redirect_uris"] = json!(metadata.post_logout_redirect_uris);
    }
    if let Some(secret) = secret {
        answer["client_secret"] = secret.into();
        answer["client_secret_expires_at"] = 0.into();
    }
    for member in KEPT_AS_SENT {
        if let Some(text) = sent[member].as_str() {
            answer[member] = text.into();
        }
    }
    answer
}

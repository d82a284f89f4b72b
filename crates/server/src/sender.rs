//! This server as a sender of notifications: its WebID, the issuer behind it, and the keys of both.
//!
//! The issuer is there whether the OpenID provider is served or not; nobody can log in at it. It says no more of itself
//! than whoever verifies a token needs. What is published is also read in process, so that this server verifies the
//! tokens of its own sender without connecting to itself.
//!
//! Spec: <https://solid.github.io/notifications/webhook-channel-2023#auth>,
//! <https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig>

use crate::{own_documents::PublicDocuments, settings::Settings};
use anyhow::Context as _;
use bytes::Bytes;
use podbell_delivery::push::{
    keys::{KeyStore, Keys, Purpose},
    sign::{Identity, Sender, key_id},
};
use podbell_hub::Clock;
use podbell_model::{ResourceIri, Subject, Timestamp, WebId};
use podbell_wire::{Syntax, VerificationMethod, media};
use serde_json::{Value, json};
use std::sync::Arc;

/// Path of the sender's WebID document.
pub const SENDER: &str = "/.notifications/sender";
/// Path of its issuer.
pub const ISSUER: &str = "/.notifications/issuer";
/// Path of the issuer's configuration.
pub const CONFIGURATION: &str = "/.notifications/issuer/.well-known/openid-configuration";
/// Path of the issuer's keys.
pub const JWKS: &str = "/.notifications/issuer/jwks";

/// The forms of the sender's document, the usual one first.
pub const OFFERS: [Syntax; 3] = [Syntax::Turtle, Syntax::JsonLd, Syntax::NTriples];

/// Opens the keys, and makes the sender of a server at `origin`. Push services may turn to `contact`; by default to the
/// base URL.
pub async fn open(
    settings: &Settings,
    origin: &str,
    contact: Option<&str>,
    store: Arc<dyn KeyStore>,
    now: Timestamp,
) -> anyhow::Result<Arc<Sender>> {
    let contact = contact.map_or_else(|| format!("{origin}/"), str::to_owned);
    let identity = Identity {
        sender: format!("{origin}{SENDER}").into(),
        issuer: format!("{origin}{ISSUER}").into(),
        contact: contact.into(),
    };
    let keys = Keys::open(store, settings.sender.key_life.into(), now).await.context("the sender has no keys")?;
    Ok(Arc::new(Sender::new(identity, Arc::new(keys)).context("the sender has no keys")?))
}

/// The sender, as its document says.
pub fn document(sender: &Sender, now: Timestamp) -> podbell_wire::Sender {
    let identity = sender.identity();
    let keys = sender.keys().published(Purpose::HttpSignature, now);
    let keys = keys
        .iter()
        .map(|key| VerificationMethod { id: key_id(&identity.sender, key), public_key_jwk: key.published() });
    podbell_wire::Sender { id: identity.sender.to_string(), issuer: identity.issuer.to_string(), keys: keys.collect() }
}

/// On whose behalf the sender writes to receivers on this server: as its tokens say elsewhere.
pub fn subject(sender: &Sender) -> Subject {
    let identity = sender.identity();
    let (webid, client) = (WebId::new(Arc::clone(&identity.sender)), Arc::clone(&identity.sender));
    Subject { webid: Some(webid), client: Some(client), issuer: Some(Arc::clone(&identity.issuer)), origin: None }
}

/// The configuration of the issuer. Required members that name what it does not do are empty; endpoints that it does not
/// have are left out.
pub fn configuration(sender: &Sender) -> Value {
    let issuer = &*sender.identity().issuer;
    json!({
        "issuer": issuer,
        "jwks_uri": format!("{issuer}/jwks"),
        "response_types_supported": [],
        "grant_types_supported": [],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [],
        "dpop_signing_alg_values_supported": ["ES256"],
        "scopes_supported": ["webid"],
        "claims_supported": ["iss", "sub", "webid", "azp", "client_id", "aud", "iat", "exp", "jti", "cnf"],
        "solid_oidc_supported": "https://solidproject.org/TR/solid-oidc",
    })
}

/// The keys of the issuer.
pub fn jwks(sender: &Sender, now: Timestamp) -> Value {
    let keys = sender.keys().published(Purpose::AccessToken, now);
    json!({ "keys": keys.iter().map(|key| key.published()).collect::<Vec<_>>() })
}

/// What is published about the sender, and behind it everything else that the public may read.
pub struct WithSender<D> {
    /// The sender.
    pub sender: Arc<Sender>,
    /// The time.
    pub clock: Clock,
    /// Everything else.
    pub others: D,
}

#[async_trait::async_trait]
impl<D: PublicDocuments> PublicDocuments for WithSender<D> {
    async fn read(&self, resource: &ResourceIri, accept: &str) -> Option<(String, Bytes)> {
        let identity = self.sender.identity();
        let path = resource.as_str().strip_prefix(identity.sender.strip_suffix(SENDER)?);
        let json = |document: Value| Some(("application/json".to_owned(), Bytes::from(document.to_string())));
        match path {
            Some(SENDER) => {
                let representation = media::negotiate(Some(accept), &OFFERS).ok()?;
                let body = document(&self.sender, (self.clock)()).write(representation);
                Some((representation.media_type().to_owned(), body.into()))
            }
            Some(CONFIGURATION) => json(configuration(&self.sender)),
            Some(JWKS) => json(jwks(&self.sender, (self.clock)())),
            _ => self.others.read(resource, accept).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{own_documents::OwnDocuments, own_origins::OwnOrigins, settings::Layout};
    use podbell_delivery::push::{InName, Parcel, Signer as _};
    use podbell_egress::{Document, Fetch, FetchError, Get};
    use podbell_model::Uuid;
    use podbell_oidc::{Config, MemoryReplay, Presented, Verifier};
    use podbell_sqlite::{Options, Sqlite};

    /// Nothing may be fetched.
    struct Outside;

    #[async_trait::async_trait]
    impl Fetch for Outside {
        async fn get(&self, get: &Get) -> Result<Document, FetchError> {
            panic!("{} is asked for", get.url);
        }
    }

    struct NoPods;

    #[async_trait::async_trait]
    impl PublicDocuments for NoPods {
        async fn read(&self, _: &ResourceIri, _: &str) -> Option<(String, Bytes)> {
            None
        }
    }

    #[tokio::test]
    async fn this_server_knows_its_own_sender_without_asking_anybody() {
        let directory = tempfile::tempdir().unwrap();
        let store = Sqlite::open(directory.path(), &Options::default()).unwrap();
        let now = Timestamp::now();
        let origin = "http://localhost:3000";
        let sender = open(&Settings::default(), origin, None, store, now).await.unwrap();
        let origins = OwnOrigins::new(&format!("{origin}/").parse().unwrap(), Layout::Path, None);
        let own = OwnDocuments::new(Arc::new(Outside), origins);
        own.publish_pods(Arc::new(WithSender {
            sender: sender.clone(),
            clock: Arc::new(Timestamp::now),
            others: NoPods,
        }));
        let config = Config { development: true, ..Config::default() };
        let replay = Arc::new(MemoryReplay::new(10, now - std::time::Duration::from_mins(1)));
        let verifier = Verifier::new(config, Arc::new(own), replay);
        let inbox = format!("{origin}/alice/inbox/");
        let (target, body) = (inbox.parse().unwrap(), Bytes::from_static(b"{}"));
        let parcel = Parcel {
            name: InName::Sender,
            target: &target,
            content_type: "application/ld+json",
            body: &body,
            message: Uuid::nil(),
            secrets: &[],
            keys: None,
        };
        let signed = sender.sign(&parcel, now).unwrap();
        let text = |name: &str| signed.headers[name].to_str().unwrap();
        let presented =
            Presented { method: "POST", uri: &inbox, authorization: &[text("authorization")], dpop: &[text("dpop")] };
        let found = verifier.verify(&presented, now).await.unwrap().unwrap();
        assert_eq!(found.webid.as_str(), format!("{origin}{SENDER}"));
    }
}

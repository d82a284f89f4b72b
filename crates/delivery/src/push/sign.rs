//! Signing what is pushed, so that a receiver can tell that it is from this server, for it, unchanged and recent.
//!
//! A webhook or an inbox gets a Solid-OIDC token with a proof, an HTTP message signature, and where the channel has
//! secrets the headers of Standard Webhooks; one of Linked Web Storage gets the signature alone, in the name of the
//! storage; a Web Push service gets an encrypted body and a token of its own kind. Each attempt is signed anew. What is
//! signed in one way is of no use in another, nor at another receiver.
//!
//! Spec: <https://solid.github.io/notifications/webhook-channel-2023#auth>; Linked Web Storage: the draft of 2026-06-29
//! (`w3c/lws-protocol`, `lws10-notifications`)

pub mod http_signature;
mod per_origin;
pub mod solid_oidc;
pub mod standard_webhooks;
pub mod web_push;

use super::{
    InName, Parcel, SignError, Signed, Signer,
    keys::{Keys, Purpose},
};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use podbell_hub::PushKeys;
use podbell_model::Timestamp;
use podbell_oidc::{Algorithm, KeyError, SigningKey};
use std::sync::Arc;

impl From<KeyError> for SignError {
    fn from(_: KeyError) -> Self {
        Self::Unavailable
    }
}

/// Who this server is as a sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The sender's WebID, absolute and without fragment.
    pub sender: Arc<str>,
    /// Its issuer: exactly the `issuer` of the issuer's document and the `solid:oidcIssuer` of the sender's.
    pub issuer: Arc<str>,
    /// Whom push services may turn to: `mailto:` or an https URL.
    pub contact: Arc<str>,
}

/// Signs as this server. One for the whole server.
pub struct Sender {
    identity: Identity,
    keys: Arc<Keys>,
    tokens: solid_oidc::Tokens,
    vapid: web_push::Vapid,
}

impl Sender {
    /// Signs as `identity` with its keys.
    ///
    /// # Errors
    /// If no key can be made for proofs.
    pub fn new(identity: Identity, keys: Arc<Keys>) -> Result<Self, KeyError> {
        web_push::prepare();
        // Proofs have a key that lives as long as this process: tokens are bound to it and live minutes.
        let proof = SigningKey::generate(Algorithm::Es256)?;
        Ok(Self { identity, keys, tokens: solid_oidc::Tokens::new(proof), vapid: web_push::Vapid::default() })
    }

    /// Who signs.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The keys.
    pub fn keys(&self) -> &Arc<Keys> {
        &self.keys
    }

    /// The key that a browser binds its subscription to, as `vapidPublicKey` shows it.
    pub fn vapid_public_key(&self, now: Timestamp) -> Result<String, KeyError> {
        web_push::public_key(&*self.keys.signing(Purpose::Vapid, now)?)
    }

    fn for_receiver(&self, parcel: &Parcel<'_>, now: Timestamp) -> Result<Signed, SignError> {
        let mut fields = Fields::default();
        fields.put(header::CONTENT_TYPE, parcel.content_type)?;
        let key = self.keys.signing(Purpose::AccessToken, now)?;
        let (token, proof) = self.tokens.present(&self.identity, &key, parcel.target, now)?;
        fields.put_secret(header::AUTHORIZATION, &format!("DPoP {token}"))?;
        fields.put_secret(solid_oidc::DPOP, &proof)?;
        self.put_signature(&mut fields, &self.identity.sender, parcel, now)?;
        if let Some(signed) = standard_webhooks::sign(parcel.secrets, parcel.message, parcel.body, now)? {
            fields.put(standard_webhooks::ID, &signed.id)?;
            fields.put(standard_webhooks::TIMESTAMP, &signed.timestamp)?;
            fields.put(standard_webhooks::SIGNATURE, &signed.signature)?;
        }
        Ok(Signed { headers: fields.0, body: parcel.body.clone() })
    }

    /// A receiver looks for the key in the description of the storage, so nothing else tells who it is from.
    fn for_storage(&self, description: &str, parcel: &Parcel<'_>, now: Timestamp) -> Result<Signed, SignError> {
        let mut fields = Fields::default();
        fields.put(header::CONTENT_TYPE, parcel.content_type)?;
        self.put_signature(&mut fields, description, parcel, now)?;
        Ok(Signed { headers: fields.0, body: parcel.body.clone() })
    }

    /// `signer`: the document that shows the key.
    fn put_signature(
        &self,
        fields: &mut Fields,
        signer: &str,
        parcel: &Parcel<'_>,
        now: Timestamp,
    ) -> Result<(), SignError> {
        let key = self.keys.signing(Purpose::HttpSignature, now)?;
        let keyid = key_id(signer, &key);
        let signature = http_signature::sign(&key, &keyid, parcel.target, parcel.content_type, parcel.body, now)?;
        fields.put(http_signature::CONTENT_DIGEST, &signature.content_digest)?;
        fields.put(http_signature::SIGNATURE_INPUT, &signature.input)?;
        fields.put(http_signature::SIGNATURE, &signature.signature)
    }

    fn for_push_service(&self, parcel: &Parcel<'_>, keys: &PushKeys, now: Timestamp) -> Result<Signed, SignError> {
        let body = web_push::encrypt(keys, parcel.body)?;
        let key = self.keys.signing(Purpose::Vapid, now)?;
        let mut fields = Fields::default();
        fields.put_secret(
            header::AUTHORIZATION,
            &self.vapid.authorization(&key, &self.identity.contact, parcel.target, now)?,
        )?;
        for (name, value) in web_push::FIELDS {
            fields.put(HeaderName::from_static(name), value)?;
        }
        Ok(Signed { headers: fields.0, body: body.into() })
    }
}

impl Signer for Sender {
    fn sign(&self, parcel: &Parcel<'_>, now: Timestamp) -> Result<Signed, SignError> {
        match (parcel.keys, parcel.name) {
            (Some(keys), _) => self.for_push_service(parcel, keys, now),
            (None, InName::Storage { description }) => self.for_storage(description, parcel, now),
            (None, InName::Sender) => self.for_receiver(parcel, now),
        }
    }
}

/// The `keyid` under which a key is published in a document: that of the sender, or the description of a storage.
pub fn key_id(document: &str, key: &SigningKey) -> String {
    format!("{document}#{}", key.thumbprint())
}

/// The fields of a request; what cannot stand in one came with the receiver's URL.
#[derive(Default)]
struct Fields(HeaderMap);

impl Fields {
    fn put(&mut self, name: HeaderName, value: &str) -> Result<(), SignError> {
        self.0.insert(name, HeaderValue::from_str(value).map_err(|_| SignError::Receiver)?);
        Ok(())
    }

    /// The same, kept out of what is shown of the fields.
    fn put_secret(&mut self, name: HeaderName, value: &str) -> Result<(), SignError> {
        let mut value = HeaderValue::from_str(value).map_err(|_| SignError::Receiver)?;
        value.set_sensitive(true);
        self.0.insert(name, value);
        Ok(())
    }
}

#[cfg(test)]
mod tests;

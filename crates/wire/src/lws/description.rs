//! The description of a storage: what it is called, what it offers, and the keys of whoever sends in its name.
//!
//! Its own URL is the name of the storage: a receiver dereferences that name, and expects the description there.

use super::{CONTEXT, SubscriptionType};
use serde::Serialize;
use serde_json::Value;

/// The description of a storage.
#[derive(Clone, Copy, Debug)]
pub struct StorageDescription<'a> {
    /// Its URL, and the name of the storage.
    pub id: &'a str,
    /// Where to subscribe.
    pub endpoint: &'a str,
    /// What can be subscribed to.
    pub offers: &'a [SubscriptionType],
    /// The keys that sign what is sent.
    pub keys: &'a [Key],
}

/// A key that signs what is sent.
#[derive(Clone, Debug)]
pub struct Key {
    /// The `keyid` of signatures: the description, and a fragment.
    pub id: String,
    /// Its public half.
    pub public_key_jwk: Value,
}

impl StorageDescription<'_> {
    /// Writes it.
    pub fn write(&self) -> Vec<u8> {
        let methods = self.keys.iter().map(|key| VerificationMethod {
            id: &key.id,
            method_type: "JsonWebKey",
            controller: self.id,
            public_key_jwk: &key.public_key_jwk,
        });
        crate::json(&Document {
            context: CONTEXT,
            id: self.id,
            storage_type: "Storage",
            service: [
                Service { kind: "StorageDescription", endpoint: self.id, subscription_types: None },
                Service {
                    kind: "NotificationService",
                    endpoint: self.endpoint,
                    subscription_types: Some(self.offers.iter().map(|offer| offer.name()).collect()),
                },
            ],
            verification_method: methods.collect(),
            authentication: self.keys.iter().map(|key| key.id.as_str()).collect(),
        })
    }
}

#[derive(Serialize)]
struct Document<'a> {
    #[serde(rename = "@context")]
    context: &'a str,
    id: &'a str,
    #[serde(rename = "type")]
    storage_type: &'a str,
    service: [Service<'a>; 2],
    #[serde(rename = "verificationMethod")]
    verification_method: Vec<VerificationMethod<'a>>,
    authentication: Vec<&'a str>,
}

#[derive(Serialize)]
struct Service<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(rename = "serviceEndpoint")]
    endpoint: &'a str,
    #[serde(rename = "subscriptionType", skip_serializing_if = "Option::is_none")]
    subscription_types: Option<Vec<&'a str>>,
}

#[derive(Serialize)]
struct VerificationMethod<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    method_type: &'a str,
    controller: &'a str,
    #[serde(rename = "publicKeyJwk")]
    public_key_jwk: &'a Value,
}

//! What is answered about a subscription: to the request that made it, and to whoever asks how it stands.

use super::{CONTEXT, SubscriptionType};
use crate::lexical::date_time;
use podbell_model::{ResourceIri, Timestamp};
use serde::Serialize;

/// The answer to a request that subscribes.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// As asked for.
    pub subscription_type: SubscriptionType,
    /// Where it is looked after, of webhooks; the capability URL of what streams.
    pub subscription: &'a str,
    /// When it ends.
    pub expires: Option<Timestamp>,
}

impl Answer<'_> {
    /// Writes it.
    pub fn write(&self) -> Vec<u8> {
        crate::json(&Document {
            context: CONTEXT,
            subscription_type: self.subscription_type.name(),
            subscription: self.subscription,
            topic: None,
            inbox: None,
            expires: self.expires.map(date_time),
        })
    }
}

/// How a subscription stands. Never its capability.
#[derive(Clone, Copy, Debug)]
pub struct State<'a> {
    /// Where it is looked after.
    pub id: &'a str,
    /// Its type.
    pub subscription_type: SubscriptionType,
    /// What it is about.
    pub topics: &'a [ResourceIri],
    /// Where notifications are sent, of webhooks; for whoever made it alone.
    pub inbox: Option<&'a str>,
    /// When it ends.
    pub expires: Option<Timestamp>,
}

impl State<'_> {
    /// Writes it.
    pub fn write(&self) -> Vec<u8> {
        crate::json(&Document {
            context: CONTEXT,
            subscription_type: self.subscription_type.name(),
            subscription: self.id,
            topic: Some(self.topics.iter().map(ResourceIri::as_str).collect()),
            inbox: self.inbox,
            expires: self.expires.map(date_time),
        })
    }
}

#[derive(Serialize)]
struct Document<'a> {
    #[serde(rename = "@context")]
    context: &'a str,
    #[serde(rename = "type")]
    subscription_type: &'a str,
    subscription: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<Vec<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inbox: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
}

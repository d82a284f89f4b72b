//! The request that subscribes.
//!
//! Unknown members are passed over, and so are contexts beside that of Linked Web Storage: none is fetched. A member that
//! stands there twice means two things to two readers, and is refused.

use super::{CONTEXT, LwsError, SubscriptionType};
use crate::{lexical, subscription::MAX_BODY};
use podbell_model::{ResourceIri, Timestamp};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;

/// What a client asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// How notifications are to be brought.
    pub subscription_type: SubscriptionType,
    /// At least one, without duplicates.
    pub topics: Vec<ResourceIri>,
    /// Where to send to; only of webhooks, and always of them. Not judged yet.
    pub inbox: Option<String>,
    /// When it is to end.
    pub expires: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Body {
    #[serde(rename = "@context")]
    context: Option<Value>,
    #[serde(rename = "type")]
    subscription_type: Option<Value>,
    topic: Option<Value>,
    inbox: Option<Value>,
    expires: Option<Value>,
}

/// Parses a request.
pub fn parse(body: &[u8]) -> Result<Asked, LwsError> {
    if body.len() > MAX_BODY {
        return Err(LwsError::Json(format!("more than {MAX_BODY} bytes")));
    }
    let malformed = |error: serde_json::Error| LwsError::Json(crate::clip(&error.to_string()));
    if !body.trim_ascii_start().starts_with(b"{") {
        let parsed = serde_json::from_slice::<serde::de::IgnoredAny>(body);
        return Err(parsed.map_err(malformed).err().unwrap_or(LwsError::NoObject));
    }
    let body: Body = serde_json::from_slice(body).map_err(malformed)?;
    check_context(body.context.as_ref())?;
    let subscription_type = body.subscription_type.as_ref().and_then(Value::as_str);
    let subscription_type = subscription_type.and_then(SubscriptionType::from_name).ok_or(LwsError::Type)?;
    let inbox = match (subscription_type, body.inbox) {
        (SubscriptionType::Webhook, Some(Value::String(inbox))) => Some(inbox),
        (SubscriptionType::Webhook, _) => return Err(LwsError::Inbox),
        _ => None,
    };
    let expires = match body.expires {
        None => None,
        Some(Value::String(text)) => Some(lexical::parse_date_time(&text).ok_or(LwsError::Expires)?),
        Some(_) => return Err(LwsError::Expires),
    };
    Ok(Asked { subscription_type, topics: topics(body.topic)?, inbox, expires })
}

fn check_context(context: Option<&Value>) -> Result<(), LwsError> {
    let known = match context {
        None => true,
        Some(Value::String(one)) => one == CONTEXT,
        Some(Value::Array(several)) => several.iter().any(|one| one == CONTEXT),
        Some(_) => false,
    };
    if known { Ok(()) } else { Err(LwsError::Context) }
}

/// A lone topic is a list of one.
fn topics(topic: Option<Value>) -> Result<Vec<ResourceIri>, LwsError> {
    let named = match topic {
        Some(Value::Array(several)) => several,
        Some(one @ Value::String(_)) => vec![one],
        _ => return Err(LwsError::Topic),
    };
    let mut seen = BTreeSet::new();
    let mut topics = Vec::new();
    for name in named {
        let topic = ResourceIri::parse(name.as_str().ok_or(LwsError::Topic)?)?;
        if seen.insert(topic.clone()) {
            topics.push(topic);
        }
    }
    if topics.is_empty() { Err(LwsError::Topic) } else { Ok(topics) }
}

//! Linked Web Storage: the grammar of its descriptions, subscriptions and listings. The envelopes are
//! [messages](crate::message).
//!
//! Everything here follows a draft (Editor's Draft of 2026-06-29, `w3c/lws-protocol`; what streams, its branch
//! `notifications-streaming` of 2026-06-01) and may change with it. Bodies are plain JSON, read and written as such: no
//! context is ever fetched or expanded.

mod description;
mod error;
mod form;
mod listing;
mod request;
mod subscription;

pub use description::{Key, StorageDescription};
pub use error::LwsError;
pub use form::{ACCEPT_POST, Form, check_content_type, negotiate};
pub use listing::{Item, Listing};
pub use request::{Asked, parse};
pub use subscription::{Answer, State};

use crate::Framing;

/// The media type of every document.
pub const MEDIA_TYPE: &str = "application/lws+json";
/// The context of every document.
pub const CONTEXT: &str = "https://www.w3.org/ns/lws/v1";
/// What its terms begin with.
pub const NAMESPACE: &str = "https://www.w3.org/ns/lws#";
/// The link relation from a resource to the description of its storage.
pub const STORAGE_DESCRIPTION: &str = "https://www.w3.org/ns/lws#storageDescription";

/// How notifications of a subscription are brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SubscriptionType {
    /// To an inbox.
    Webhook,
    /// Over a WebSocket.
    WebSocket,
    /// Over an event stream.
    EventSource,
}

impl SubscriptionType {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Webhook, Self::WebSocket, Self::EventSource];

    /// Its name, the only one that is understood.
    pub fn name(self) -> &'static str {
        match self {
            Self::Webhook => "WebhookSubscription",
            Self::WebSocket => "WebSocketSubscription",
            Self::EventSource => "EventSourceSubscription",
        }
    }

    /// The type of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }

    /// How its notifications are framed.
    pub fn framing(self) -> Framing {
        match self {
            Self::Webhook => Framing::Webhook,
            Self::WebSocket => Framing::WebSocket,
            Self::EventSource => Framing::Events,
        }
    }

    /// The type whose notifications are framed like that; none for framings that the draft does not have.
    pub fn of_framing(framing: Framing) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.framing() == framing)
    }
}

#[cfg(test)]
mod tests;

//! The words of the Solid Notifications Protocol: channel types, features, and every spelling that clients use.
//!
//! One spelling is written, all are read: the vocabulary has been printed with `notification#` and with `https:`.
//!
//! Spec: <https://solidproject.org/TR/notifications-protocol#notification-channel-types>

mod feature;

pub use feature::{ACTIVITY_TYPES, Feature};
pub(crate) use feature::{activity_type, spells};

use podbell_model::{contexts, vocab::notify};

/// Namespace of the Web Push keys in the draft's samples; other clients use the notifications namespace for them.
pub(crate) const PUSH_NS: &str = "https://purl.org/solid-web-push/vocab#";

/// Namespace of our extensions.
pub const EXTENSIONS: &str = "urn:podbell:terms#";

/// Every namespace under which clients write the vocabulary; the first is the right one.
const NAMESPACES: [&str; 5] = [
    notify::NS,
    "http://www.w3.org/ns/solid/notification#",
    "https://www.w3.org/ns/solid/notifications#",
    "https://www.w3.org/ns/solid/notification#",
    PUSH_NS,
];

/// A channel type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChannelType {
    /// `WebSocketChannel2023`
    WebSocket,
    /// `EventSourceChannel2023`
    EventSource,
    /// `StreamingHTTPChannel2023`
    StreamingHttp,
    /// `WebhookChannel2023`
    Webhook,
    /// `LDNChannel2023`
    Ldn,
    /// `WebPushChannel2023`
    WebPush,
}

impl ChannelType {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::WebSocket, Self::EventSource, Self::StreamingHttp, Self::Webhook, Self::Ldn, Self::WebPush];

    /// The term, which is also the last segment of its service's URL.
    pub fn name(self) -> &'static str {
        match self {
            Self::WebSocket => "WebSocketChannel2023",
            Self::EventSource => "EventSourceChannel2023",
            Self::StreamingHttp => "StreamingHTTPChannel2023",
            Self::Webhook => "WebhookChannel2023",
            Self::Ldn => "LDNChannel2023",
            Self::WebPush => "WebPushChannel2023",
        }
    }

    /// The IRI.
    pub fn iri(self) -> String {
        format!("{}{}", notify::NS, self.name())
    }

    /// The type with that IRI, in any spelling of the namespace.
    pub fn from_iri(iri: &str) -> Option<Self> {
        let name = local_name(iri)?;
        Self::ALL.into_iter().find(|channel_type| channel_type.name() == name)
    }

    /// Whether the server sends to a target that the request names; otherwise the receiver connects.
    pub fn pushes(self) -> bool {
        matches!(self, Self::Webhook | Self::Ldn | Self::WebPush)
    }
}

/// Which of the two IRIs of the notifications context; a client is answered with the one it used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum NotificationsContext {
    /// `…/solid/notification/v1`: protocol 0.2, all channel types, most clients.
    #[default]
    V0_2,
    /// `…/solid/notifications-context/v1`: protocol 0.3 and later.
    V0_3,
}

impl NotificationsContext {
    /// The IRI.
    pub fn iri(self) -> &'static str {
        match self {
            Self::V0_2 => contexts::NOTIFICATIONS_0_2,
            Self::V0_3 => contexts::NOTIFICATIONS,
        }
    }

    /// The context with that IRI.
    pub fn from_iri(iri: &str) -> Option<Self> {
        [Self::V0_2, Self::V0_3].into_iter().find(|context| context.iri() == iri)
    }
}

/// The term of the vocabulary that an IRI spells.
pub fn local_name(iri: &str) -> Option<&str> {
    NAMESPACES.into_iter().find_map(|namespace| iri.strip_prefix(namespace))
}

/// The channel type that took the place of a superseded one, whatever namespace (or base) that one is written in.
pub(crate) fn successor(iri: &str) -> Option<ChannelType> {
    Some(match iri.rsplit(['#', '/', ':']).next()? {
        "WebSocketSubscription2021" => ChannelType::WebSocket,
        "EventSourceSubscription2021" => ChannelType::EventSource,
        "StreamingHTTPSubscription2021" => ChannelType::StreamingHttp,
        "WebHookSubscription2021" | "WebhookSubscription2021" => ChannelType::Webhook,
        "LinkedDataNotificationsSubscription2021" => ChannelType::Ldn,
        "WebPushSubscription2022" | "WebPushSubscription2021" => ChannelType::WebPush,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_type_is_read() {
        for namespace in &NAMESPACES[..4] {
            for channel_type in ChannelType::ALL {
                assert_eq!(
                    ChannelType::from_iri(&format!("{namespace}{}", channel_type.name())),
                    Some(channel_type),
                    "{namespace}"
                );
            }
        }
        assert_eq!(ChannelType::from_iri("http://example.org/WebSocketChannel2023"), None);
    }
}

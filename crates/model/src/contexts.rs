//! The JSON-LD contexts that are built in, under every IRI that clients write for them.
//!
//! The server never fetches a context (a client would choose what it connects to), so a context that is not here
//! is refused.

/// Notifications context, as the protocol's 0.3 and later name it.
pub const NOTIFICATIONS: &str = "https://www.w3.org/ns/solid/notifications-context/v1";
/// The same context, as the protocol's 0.2, all channel types and most clients name it.
pub const NOTIFICATIONS_0_2: &str = "https://www.w3.org/ns/solid/notification/v1";
/// Activity Streams 2.0.
pub const ACTIVITYSTREAMS: &str = "https://www.w3.org/ns/activitystreams";
/// Security vocabulary, which samples of LDN channels use.
pub const SECURITY: &str = "https://w3id.org/security/v1";
/// Solid-OIDC client identifier documents.
pub const SOLID_OIDC: &str = "https://www.w3.org/ns/solid/oidc-context.jsonld";

/// The IRI of every built-in context.
pub const IRIS: &[&str] = &[NOTIFICATIONS, NOTIFICATIONS_0_2, ACTIVITYSTREAMS, SECURITY, SOLID_OIDC];

/// The document behind a context IRI.
///
/// The notifications context has its IRIs written out: the parser would not protect a prefix that it defines for the
/// sake of another term.
pub fn built_in(iri: &str) -> Option<&'static str> {
    match iri {
        NOTIFICATIONS | NOTIFICATIONS_0_2 => Some(include_str!("contexts/notifications.jsonld")),
        ACTIVITYSTREAMS | "http://www.w3.org/ns/activitystreams" => {
            Some(include_str!("contexts/activitystreams.jsonld"))
        }
        SECURITY => Some(include_str!("contexts/security.jsonld")),
        SOLID_OIDC => Some(include_str!("contexts/solid-oidc.jsonld")),
        _ => None,
    }
}

//! The features of a channel: those of the protocol, the one that the LDN draft adds, and our extensions.
//!
//! The published context has terms for the protocol's only, so the others are written as IRIs. An extension is read in
//! the protocol's namespaces and in ours, since clients write plain keys.
//!
//! Spec: <https://solidproject.org/TR/notifications-protocol#notification-features>

use super::{ChannelType, EXTENSIONS, local_name};
use podbell_model::vocab::{activitystreams, notify};
use std::borrow::Cow;

/// The types that `activityType` chooses among, as terms of Activity Streams, in the order in which they are written.
pub const ACTIVITY_TYPES: [&str; 5] = ["Create", "Update", "Delete", "Add", "Remove"];

/// A notification feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Feature {
    /// When notifications begin.
    StartAt,
    /// When the channel ends.
    EndAt,
    /// The state of the topic that the receiver knows.
    State,
    /// Least time between two notifications.
    Rate,
    /// Media type of the notifications.
    Accept,
    /// Only activities of these types; of the LDN draft, an extension elsewhere.
    ActivityType,
    /// Extension: everything below the topics too.
    Recursive,
    /// Extension: not what the subscriber has done.
    NotCausedByMe,
    /// Extension: each notification tells its cursor, and gaps are told.
    Cursor,
    /// Extension, for what is pushed: each delivery is signed with a secret that only the receiver has too.
    Secret,
    /// Extension, for what is pushed: what becomes of the channel is told as well.
    Lifecycle,
}

impl Feature {
    /// All of them, in the order in which they are written: those of the protocol first.
    pub const ALL: [Self; 11] = [
        Self::StartAt,
        Self::EndAt,
        Self::State,
        Self::Rate,
        Self::Accept,
        Self::ActivityType,
        Self::Recursive,
        Self::NotCausedByMe,
        Self::Cursor,
        Self::Secret,
        Self::Lifecycle,
    ];

    /// Those that channels of a type can have.
    pub fn of(channel_type: ChannelType) -> Vec<Self> {
        let fits = |feature: &Self| channel_type.pushes() || !matches!(feature, Self::Secret | Self::Lifecycle);
        Self::ALL.into_iter().filter(fits).collect()
    }

    /// The name, without a namespace; of the protocol's features this is the term.
    pub fn name(self) -> &'static str {
        match self {
            Self::StartAt => "startAt",
            Self::EndAt => "endAt",
            Self::State => "state",
            Self::Rate => "rate",
            Self::Accept => "accept",
            Self::ActivityType => "activityType",
            Self::Recursive => "recursive",
            Self::NotCausedByMe => "notCausedByMe",
            Self::Cursor => "cursor",
            Self::Secret => "secret",
            Self::Lifecycle => "lifecycle",
        }
    }

    /// The IRI.
    pub fn iri(self) -> String {
        let namespace = match self {
            Self::Recursive | Self::NotCausedByMe | Self::Cursor | Self::Secret | Self::Lifecycle => EXTENSIONS,
            _ => notify::NS,
        };
        format!("{namespace}{}", self.name())
    }

    /// How JSON-LD names it below the published context: by its term, or by its IRI if that context has none.
    pub fn compact(self) -> Cow<'static, str> {
        if self.is_extension() { self.iri().into() } else { self.name().into() }
    }

    /// Whether the published context knows nothing of it.
    pub fn is_extension(self) -> bool {
        !matches!(self, Self::StartAt | Self::EndAt | Self::State | Self::Rate | Self::Accept)
    }

    /// The extension of that name.
    pub(crate) fn extension(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|feature| feature.is_extension() && feature.name() == name)
    }
}

/// Whether an IRI spells a property, in any namespace in which it is read.
pub(crate) fn spells(iri: &str, property: &str) -> bool {
    local_name(iri) == Some(property)
        || iri.strip_prefix(EXTENSIONS) == Some(property) && Feature::extension(property).is_some()
}

/// The type of activity that is meant by a term or by an IRI of Activity Streams.
pub(crate) fn activity_type(written: &str) -> Option<&'static str> {
    let name = written.strip_prefix(activitystreams::NS).unwrap_or(written);
    ACTIVITY_TYPES.into_iter().find(|known| *known == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_of_the_protocol_have_terms_and_the_others_iris() {
        let compact = Feature::ALL.map(Feature::compact);
        assert_eq!(
            compact,
            [
                "startAt",
                "endAt",
                "state",
                "rate",
                "accept",
                "http://www.w3.org/ns/solid/notifications#activityType",
                "urn:podbell:terms#recursive",
                "urn:podbell:terms#notCausedByMe",
                "urn:podbell:terms#cursor",
                "urn:podbell:terms#secret",
                "urn:podbell:terms#lifecycle",
            ]
        );
        assert_eq!(Feature::StartAt.iri(), "http://www.w3.org/ns/solid/notifications#startAt");
    }

    #[test]
    fn every_feature_is_read_by_its_iri_and_only_extensions_in_our_namespace() {
        for feature in Feature::ALL {
            assert!(spells(&feature.iri(), feature.name()));
            let ours = format!("{EXTENSIONS}{}", feature.name());
            assert_eq!(spells(&ours, feature.name()), feature.is_extension(), "{ours}");
        }
        assert!(!spells("urn:podbell:terms#recursive", "cursor"));
    }

    #[test]
    fn a_type_of_activity_is_a_term_or_an_iri() {
        assert_eq!(activity_type("Add"), Some("Add"));
        assert_eq!(activity_type("https://www.w3.org/ns/activitystreams#Remove"), Some("Remove"));
        for other in ["add", "Announce", "", "https://www.w3.org/ns/activitystreams#", "urn:x#Add"] {
            assert_eq!(activity_type(other), None, "{other}");
        }
    }
}

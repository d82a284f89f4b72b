//! Why somebody cannot listen, or no longer.

use std::time::Duration;

/// What ends a watch for good, or keeps it from beginning.
///
/// Once a watch has begun, only what another attempt cannot mend ends it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WatchError {
    /// Nothing answers there, or what answers breaks off.
    #[error("{url} does not answer: {reason}")]
    Unreachable {
        /// What was asked.
        url: String,
        /// What happened.
        reason: String,
    },
    /// It answers that it cannot now.
    #[error("{url} answers {status} at the moment{}", colon(reason))]
    Unavailable {
        /// What was asked.
        url: String,
        /// The status.
        status: u16,
        /// What the answer says of it.
        reason: String,
        /// When it wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// The issuer does not know these credentials.
    #[error("{issuer} does not let this client in: {reason}")]
    LogIn {
        /// Who was asked.
        issuer: String,
        /// Its words.
        reason: String,
    },
    /// It may not be read, or no longer.
    #[error("{url} may not be read{}", colon(reason))]
    Refused {
        /// The topic, or what was asked for it.
        url: String,
        /// 401 without a log-in that counts, 403 with one.
        status: u16,
        /// What is said of it.
        reason: String,
    },
    /// The topic has another URL.
    #[error("{url} is elsewhere: {to}")]
    Moved {
        /// What was asked.
        url: String,
        /// Where it is.
        to: String,
    },
    /// The server, or this client, cannot do what is asked.
    #[error("{url}: {what}")]
    Unsupported {
        /// The topic.
        url: String,
        /// What is missing, and what there is.
        what: String,
    },
    /// The server took the request for wrong.
    #[error("{url} answers {status}{}", colon(reason))]
    Invalid {
        /// What was asked.
        url: String,
        /// The status.
        status: u16,
        /// What the answer says of it.
        reason: String,
    },
    /// What was answered is not understood.
    #[error("{url} answers what is not understood: {reason}")]
    NotUnderstood {
        /// What was asked.
        url: String,
        /// What is wrong with the answer.
        reason: String,
    },
    /// Whoever owns the storage, or the server, has ended the channel.
    #[error("the channel was ended{}", colon(reason))]
    Ended {
        /// What is said of it.
        reason: String,
    },
}

fn colon(reason: &str) -> String {
    if reason.is_empty() { String::new() } else { format!(": {reason}") }
}

impl WatchError {
    /// Whether the same may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Unavailable { .. })
    }

    /// How long the server wants to be left alone.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unavailable { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    pub(crate) fn unsupported(url: &str, what: impl Into<String>) -> Self {
        Self::Unsupported { url: url.to_owned(), what: what.into() }
    }

    pub(crate) fn not_understood(url: &str, reason: impl Into<String>) -> Self {
        Self::NotUnderstood { url: url.to_owned(), reason: reason.into() }
    }

    pub(crate) fn unreachable(url: &str, reason: impl Into<String>) -> Self {
        Self::Unreachable { url: url.to_owned(), reason: reason.into() }
    }
}

//! Where the notifications of a channel that pushes are sent.
//!
//! The hub looks at none of it but that it is there.

use podbell_model::Sequence;
use std::{fmt, sync::Arc};

/// The receiver of a channel that pushes.
#[derive(Clone, PartialEq, Eq)]
pub struct Push {
    /// The receiver's URL: absolute, without user information or fragment.
    pub send_to: Arc<str>,
    /// For Web Push: the receiver's keys.
    pub keys: Option<PushKeys>,
    /// Symmetric secrets that the receiver verifies by, the newest first; the second, if there is one, is being
    /// replaced. As they are shown (`whsec_…`).
    pub secrets: Vec<Secret>,
    /// Where messages about the life of the channel are sent, for who asked for them.
    pub lifecycle: Option<Arc<str>>,
    /// What was committed up to then is not told. Set by the store, in the transaction that keeps the channel.
    pub since: Sequence,
}

impl Push {
    /// To a receiver, with nothing else asked for.
    pub fn to(send_to: impl Into<Arc<str>>) -> Self {
        Self { send_to: send_to.into(), keys: None, secrets: Vec::new(), lifecycle: None, since: Sequence(0) }
    }
}

/// A capability may be in the URL, and secrets are secrets.
impl fmt::Debug for Push {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Push").field("since", &self.since).finish_non_exhaustive()
    }
}

/// A symmetric secret of a receiver.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    /// As it is shown: `whsec_` and base64.
    pub text: Arc<str>,
    /// It signs nothing from then on; none for the newest.
    pub until: Option<podbell_model::Timestamp>,
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret").field("until", &self.until).finish_non_exhaustive()
    }
}

/// The keys of a Web Push receiver, base64url without padding.
///
/// Spec: <https://www.rfc-editor.org/rfc/rfc8291#section-3.1>
#[derive(Clone, PartialEq, Eq)]
pub struct PushKeys {
    /// The authentication secret, 16 bytes.
    pub auth: Arc<str>,
    /// The public key, 65 bytes: an uncompressed point of P-256.
    pub p256dh: Arc<str>,
}

impl fmt::Debug for PushKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PushKeys").finish_non_exhaustive()
    }
}

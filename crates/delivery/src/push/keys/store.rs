//! Where the sender's keys are kept.

use podbell_model::Timestamp;
use std::{fmt, sync::Arc};

/// What a key signs, and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// Access tokens of the sender, as its issuer.
    AccessToken,
    /// HTTP messages (RFC 9421).
    HttpSignature,
    /// Tokens for push services (RFC 8292).
    Vapid,
}

impl Purpose {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::AccessToken, Self::HttpSignature, Self::Vapid];

    /// As it is kept.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AccessToken => "access-token",
            Self::HttpSignature => "http-signature",
            Self::Vapid => "vapid",
        }
    }

    /// The purpose that is kept so.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == name)
    }

    /// Whether its keys follow one another: a browser's subscription is bound to the one key that it was made with.
    pub fn changes(self) -> bool {
        self != Self::Vapid
    }
}

/// A key as it is kept. Its `Debug` form shows nothing private.
#[derive(Clone, PartialEq, Eq)]
pub struct KeptKey {
    /// What it is for.
    pub purpose: Purpose,
    /// Its thumbprint.
    pub kid: Arc<str>,
    /// The private key.
    pub pkcs8: Arc<[u8]>,
    /// When it was made: it is published from then on.
    pub created: Timestamp,
    /// It signs from then on, until another one of that purpose does.
    pub signs: Timestamp,
}

impl fmt::Debug for KeptKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptKey").field("purpose", &self.purpose).field("kid", &self.kid).finish_non_exhaustive()
    }
}

/// The store failed; nothing was changed.
#[derive(Debug, thiserror::Error)]
#[error("the store of the sender's keys failed")]
pub struct KeyStoreError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Keeps the sender's keys. Everything is durable when it returns.
#[async_trait::async_trait]
pub trait KeyStore: Send + Sync + 'static {
    /// All of them.
    async fn sender_keys(&self) -> Result<Vec<KeptKey>, KeyStoreError>;

    /// Keeps new keys and forgets those of these names, in one transaction.
    async fn change_sender_keys(&self, new: &[KeptKey], gone: &[Arc<str>]) -> Result<(), KeyStoreError>;
}

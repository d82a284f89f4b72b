//! What the provider keeps over a restart: accounts, invitations, credentials, clients, refresh families and signing
//! keys.
//!
//! Secrets arrive here hashed. Every method is one atomic step. Codes and sessions are not kept: they live minutes,
//! in memory.

use podbell_model::{Timestamp, Uuid, WebId};
use std::{fmt, sync::Arc};

/// SHA-256 of a secret of at least 256 random bits, so that neither salt nor stretching is needed.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SecretHash(pub [u8; 32]);

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(..)")
    }
}

/// A salted and stretched password, with its salt and its number of rounds; worth guessing against, so it is never
/// printed.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(pub Arc<str>);

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}

/// Somebody who can log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// What is typed to log in; unique, compared as bytes.
    pub name: Arc<str>,
    /// Who that is; unique, hosted by this server.
    pub webid: WebId,
    /// None for an account that cannot log in with a password.
    pub password: Option<PasswordHash>,
}

/// Leave for one person to make an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// Of what its URL holds; unique.
    pub secret: SecretHash,
    /// The only name that it is good for, if somebody has chosen one.
    pub name: Option<Arc<str>>,
    /// The name that a sign-up has begun to make a pod for: from then on it is good for that name alone, so that a
    /// sign-up which was cut off is finished and never made twice.
    pub begun: Option<Arc<str>>,
    /// When it was made.
    pub created: Timestamp,
    /// It is no good from then on.
    pub expires: Timestamp,
}

/// What accepting an invitation did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// The account is there, and the invitation gone.
    Accepted,
    /// There is no such invitation, or none that was begun with this name; nothing was done.
    Gone,
    /// The name or the WebID has an account; nothing was done.
    Taken,
}

/// A client that acts for one WebID without anybody at a browser (`client_credentials`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCredentials {
    /// Its `client_id`; unique.
    pub id: Arc<str>,
    /// Of its `client_secret`.
    pub secret: SecretHash,
    /// For whom it acts.
    pub webid: WebId,
    /// What people call it.
    pub name: Arc<str>,
    /// When it was made.
    pub created: Timestamp,
}

/// An algorithm that the provider signs with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SigningAlgorithm {
    /// ECDSA, P-256, SHA-256.
    Es256,
    /// RSASSA-PKCS1-v1_5, SHA-256.
    Rs256,
}

impl SigningAlgorithm {
    /// Every one, the preferred first.
    pub const ALL: [Self; 2] = [Self::Es256, Self::Rs256];

    /// Its `alg` name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
        }
    }

    /// The one with that `alg` name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == name)
    }
}

/// A private key.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// Its name in `jwks` and in the head of tokens; unique.
    pub kid: Arc<str>,
    /// What it signs with.
    pub algorithm: SigningAlgorithm,
    /// The private key as PKCS#8 DER.
    pub pkcs8: Arc<[u8]>,
    /// When it was made.
    pub created: Timestamp,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid).field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// A dynamically registered client (RFC 7591).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisteredClient {
    /// Its `client_id`; unique.
    pub id: Arc<str>,
    /// Of its `client_secret`; none for a public client (`token_endpoint_auth_method: none`).
    pub secret: Option<SecretHash>,
    /// `client_name`; empty if it gave none.
    pub name: Arc<str>,
    /// `redirect_uris`, as they were sent; at least one.
    pub redirect_uris: Vec<Arc<str>>,
    /// `post_logout_redirect_uris`, as they were sent.
    pub post_logout_redirect_uris: Vec<Arc<str>>,
    /// `id_token_signed_response_alg`.
    pub id_token_algorithm: SigningAlgorithm,
    /// When it was registered.
    pub created: Timestamp,
    /// When it was last used; unused clients are swept.
    pub last_used: Timestamp,
}

/// A chain of refresh tokens, each of which replaced the one before it; only the last one is good.
///
/// A token names its family, so one row is enough to know every older token of the chain as used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshFamily {
    /// 128 random bits; part of the token.
    pub id: Uuid,
    /// Of the token that is good now.
    pub current: SecretHash,
    /// The client that it was given to.
    pub client_id: Arc<str>,
    /// Who consented.
    pub webid: WebId,
    /// The scope that was granted, space separated.
    pub scope: Arc<str>,
    /// Thumbprint of the key that must prove possession; none for clients that authenticate.
    pub jkt: Option<Arc<str>>,
    /// What the client wants its ID tokens signed with.
    pub id_token_algorithm: SigningAlgorithm,
    /// It is no good from then on.
    pub expires: Timestamp,
}

/// What presenting a refresh token did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// The token was the current one and has been replaced.
    Rotated,
    /// It was not: somebody else has used it, and the family is revoked.
    Reused,
    /// There is no such family.
    Unknown,
}

/// The engine below failed; the cause is for the log, not for the client.
#[derive(Debug, thiserror::Error)]
#[error("the provider's store failed")]
pub struct StoreError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Keeps what the provider must know after a restart. What a method reports as done is durable.
#[async_trait::async_trait]
pub trait Store: Send + Sync + 'static {
    /// Keeps a new account; false, and nothing done, if its name or its WebID is taken. Invitations that a sign-up has
    /// begun with its name forget that.
    async fn insert_account(&self, account: &Account) -> Result<bool, StoreError>;

    /// An account by its name.
    async fn account(&self, name: &str) -> Result<Option<Account>, StoreError>;

    /// The account of a WebID.
    async fn account_of(&self, webid: &WebId) -> Result<Option<Account>, StoreError>;

    /// Every account, ordered by name.
    async fn accounts(&self) -> Result<Vec<Account>, StoreError>;

    /// Replaces an account's password, and forgets the refresh families of its WebID; false if there is no such
    /// account.
    async fn set_password(&self, name: &str, password: Option<&PasswordHash>) -> Result<bool, StoreError>;

    /// Forgets an account with the credentials and refresh families of its WebID; true if there was one.
    async fn remove_account(&self, name: &str) -> Result<bool, StoreError>;

    /// Keeps a new invitation.
    async fn insert_invitation(&self, invitation: &Invitation) -> Result<(), StoreError>;

    /// An invitation, also an expired one that was not swept yet.
    async fn invitation(&self, secret: &SecretHash) -> Result<Option<Invitation>, StoreError>;

    /// Every invitation, also expired ones that were not swept yet.
    async fn invitations(&self) -> Result<Vec<Invitation>, StoreError>;

    /// Forgets an invitation; true if there was one.
    async fn remove_invitation(&self, secret: &SecretHash) -> Result<bool, StoreError>;

    /// Notes the name that a sign-up begins with; false, and nothing done, if there is no such invitation or it is
    /// good for another name only.
    async fn begin_sign_up(&self, secret: &SecretHash, name: &str) -> Result<bool, StoreError>;

    /// Forgets the name that a sign-up began with, if it is this one.
    async fn abandon_sign_up(&self, secret: &SecretHash, name: &str) -> Result<(), StoreError>;

    /// Keeps a new account and forgets the invitation that was begun with its name. Of two calls with one invitation
    /// at most one is [`Acceptance::Accepted`].
    async fn accept(&self, secret: &SecretHash, account: &Account) -> Result<Acceptance, StoreError>;

    /// Keeps new credentials; false, and nothing done, if the id is taken.
    async fn insert_credentials(&self, credentials: &ClientCredentials) -> Result<bool, StoreError>;

    /// Credentials by their id.
    async fn credentials(&self, id: &str) -> Result<Option<ClientCredentials>, StoreError>;

    /// All credentials of a WebID, ordered by id.
    async fn credentials_of(&self, webid: &WebId) -> Result<Vec<ClientCredentials>, StoreError>;

    /// Forgets credentials; true if there were such.
    async fn remove_credentials(&self, id: &str) -> Result<bool, StoreError>;

    /// Keeps a new client; false, and nothing done, if the id is taken or `limit` clients are kept already.
    async fn insert_client(&self, client: &RegisteredClient, limit: u64) -> Result<bool, StoreError>;

    /// A registered client by its id.
    async fn client(&self, id: &str) -> Result<Option<RegisteredClient>, StoreError>;

    /// Notes that a client was used; an earlier `now` than the noted one changes nothing.
    async fn touch_client(&self, id: &str, now: Timestamp) -> Result<(), StoreError>;

    /// Keeps a new refresh family.
    async fn insert_family(&self, family: &RefreshFamily) -> Result<(), StoreError>;

    /// A refresh family by its id, also an expired one that was not swept yet.
    async fn family(&self, id: Uuid) -> Result<Option<RefreshFamily>, StoreError>;

    /// If `presented` is the current token, makes `next` the current one, good until `expires`; if not, forgets the
    /// family. Of two calls with the same token one is [`Rotation::Rotated`], the other [`Rotation::Reused`].
    async fn rotate(
        &self,
        id: Uuid,
        presented: &SecretHash,
        next: &SecretHash,
        expires: Timestamp,
    ) -> Result<Rotation, StoreError>;

    /// Forgets a refresh family; true if there was one.
    async fn revoke_family(&self, id: Uuid) -> Result<bool, StoreError>;

    /// The refresh families of a WebID, at most `limit`, those that live longest first.
    async fn families_of(&self, webid: &WebId, limit: u64) -> Result<Vec<RefreshFamily>, StoreError>;

    /// Forgets the refresh families of a WebID: those of one client, or all.
    async fn revoke_families(&self, webid: &WebId, client: Option<&str>) -> Result<(), StoreError>;

    /// Every signing key, the newest first.
    async fn signing_keys(&self) -> Result<Vec<SigningKey>, StoreError>;

    /// Keeps a key unless one of its algorithm is there; returns the one that is kept, so that two processes that
    /// start at once sign with the same.
    async fn keep_signing_key(&self, key: &SigningKey) -> Result<SigningKey, StoreError>;

    /// Forgets the clients last used before `unused_since` that no refresh family belongs to, and the families and
    /// invitations that have expired by `now` (first); returns how many rows are gone.
    async fn sweep(&self, now: Timestamp, unused_since: Timestamp) -> Result<u64, StoreError>;
}

//! Why nobody was verified, and what is said about it.
//!
//! Texts quote neither tokens nor fetched documents.
//!
//! Spec: <https://www.rfc-editor.org/rfc/rfc9449#section-7.1>

use crate::algorithm::Algorithm;
use crate::proof::ProofError;
use crate::replay::ReplayError;
use crate::token::TokenError;
use std::fmt;

/// Why a request that carries credentials is not accepted. It is never treated as an anonymous one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// Not exactly one `Authorization` header of at most 8 KiB, with a scheme that is accepted here.
    #[error("the Authorization header is not acceptable")]
    Authorization,
    /// A bound token was presented as `Bearer`, or an unbound one at all.
    #[error("the access token is not presented with the scheme that it is made for")]
    Scheme,
    /// The access token is not acceptable.
    #[error("{0}")]
    Token(#[from] TokenError),
    /// Not exactly one `DPoP` header.
    #[error("there is not exactly one proof")]
    ProofCount,
    /// The proof is not acceptable.
    #[error("{0}")]
    Proof(#[from] ProofError),
    /// The access token is bound to another key.
    #[error("the proof is not made with the key of the access token")]
    Binding,
    /// The proof was used before, or may have been.
    #[error("the proof has been used before, or is older than this server")]
    Replayed,
    /// The profile does not name the issuer, or is no document that could.
    #[error("the profile of the WebID does not name the issuer")]
    Profile,
    /// The issuer publishes no acceptable configuration or keys.
    #[error("the issuer publishes no acceptable configuration and keys")]
    Issuer,
    /// No key of the issuer has signed the token.
    #[error("the access token is not signed by its issuer")]
    Signature,
    /// Profile, issuer or the memory of proofs cannot be reached now; later it may work.
    #[error("the credentials cannot be verified now")]
    Unavailable,
}

impl AuthError {
    /// The `error` parameter of a challenge; none where neither token nor proof is at fault.
    pub fn code(&self) -> Option<&'static str> {
        match self {
            Self::ProofCount | Self::Proof(_) | Self::Binding | Self::Replayed => Some("invalid_dpop_proof"),
            Self::Unavailable => None,
            _ => Some("invalid_token"),
        }
    }

    /// Whether the same credentials may be accepted later.
    pub fn is_temporary(&self) -> bool {
        *self == Self::Unavailable
    }

    /// The challenge that answers it.
    pub fn challenge(&self) -> Challenge {
        Challenge { algorithms: Algorithm::NAMES, error: self.code() }
    }
}

/// The DPoP challenge; its `Display` form is the value of a `WWW-Authenticate` header.
///
/// The default is the challenge for a request without credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// The accepted algorithms, separated by spaces.
    pub algorithms: &'static str,
    /// What was wrong, if something was presented.
    pub error: Option<&'static str>,
}

impl Default for Challenge {
    fn default() -> Self {
        Self { algorithms: Algorithm::NAMES, error: None }
    }
}

impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DPoP algs=\"{}\"", self.algorithms)?;
        match self.error {
            Some(error) => write!(f, ", error=\"{error}\""),
            None => Ok(()),
        }
    }
}

impl From<ReplayError> for AuthError {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::Used | ReplayError::BeforeMemory => Self::Replayed,
            ReplayError::Full | ReplayError::Unavailable => Self::Unavailable,
        }
    }
}

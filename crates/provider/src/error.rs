//! Errors as OAuth names them.
//!
//! Spec: RFC 6749 §4.1.2.1 and §5.2, RFC 7591 §3.2.2, RFC 9449 §5, OpenID Connect Core §3.1.2.6.

use crate::store::StoreError;
use serde_json::{Value, json};
use std::borrow::Cow;

/// An error code; `server` chooses the status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[allow(missing_docs)] // Each is the code of its name; the specifications above say when.
pub enum ErrorCode {
    InvalidRequest,
    InvalidClient,
    InvalidGrant,
    UnauthorizedClient,
    UnsupportedGrantType,
    UnsupportedResponseType,
    InvalidScope,
    AccessDenied,
    ServerError,
    TemporarilyUnavailable,
    LoginRequired,
    ConsentRequired,
    RequestNotSupported,
    RequestUriNotSupported,
    InvalidRedirectUri,
    InvalidClientMetadata,
    InvalidDpopProof,
    InvalidToken,
}

impl ErrorCode {
    /// The code as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
            Self::AccessDenied => "access_denied",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::InvalidRedirectUri => "invalid_redirect_uri",
            Self::InvalidClientMetadata => "invalid_client_metadata",
            Self::InvalidDpopProof => "invalid_dpop_proof",
            Self::InvalidToken => "invalid_token",
        }
    }
}

/// An answer that is an error.
#[derive(Debug, thiserror::Error)]
#[error("{}: {description}", code.as_str())]
pub struct OAuthError {
    /// What kind.
    pub code: ErrorCode,
    /// What to tell the developer of the client; ASCII, quotes nothing that was received.
    pub description: Cow<'static, str>,
    /// What failed below; for the log, not for the client.
    #[source]
    pub cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl OAuthError {
    pub(crate) fn new(code: ErrorCode, description: impl Into<Cow<'static, str>>) -> Self {
        Self { code, description: description.into(), cause: None }
    }

    pub(crate) fn failed(
        description: &'static str,
        cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self { code: ErrorCode::ServerError, description: description.into(), cause: Some(cause.into()) }
    }

    /// The JSON body of the error response.
    pub fn to_json(&self) -> Value {
        json!({ "error": self.code.as_str(), "error_description": self.description })
    }
}

impl From<StoreError> for OAuthError {
    fn from(error: StoreError) -> Self {
        Self::failed("the provider cannot read or write its data", error)
    }
}

impl From<aws_lc_rs::error::Unspecified> for OAuthError {
    fn from(error: aws_lc_rs::error::Unspecified) -> Self {
        Self::failed("a cryptographic operation failed", error)
    }
}

impl From<podbell_oidc::prove::KeyError> for OAuthError {
    fn from(error: podbell_oidc::prove::KeyError) -> Self {
        Self::failed("nothing could be signed", error)
    }
}

//! Who asks: Solid-OIDC at the resource server, and bearer tokens at the door of Linked Web Storage.
//!
//! A request's `Authorization` and `DPoP` headers end in [`Credentials`] or in an [`AuthError`]; what a verified agent
//! may do begins elsewhere. Nothing is fetched for a request whose own parts do not fit together, and nothing is
//! remembered for a token that its issuer has not signed.
//!
//! Spec: <https://solidproject.org/TR/oidc>, <https://www.rfc-editor.org/rfc/rfc9449>

pub mod algorithm;
mod config;
mod credentials;
mod error;
mod issuer;
mod json;
pub mod jwk;
pub mod jws;
mod lws;
mod profile;
pub mod proof;
pub mod prove;
pub mod replay;
mod shelf;
mod target;
mod token;
mod verifier;

pub use algorithm::Algorithm;
pub use config::Config;
pub use credentials::Credentials;
pub use error::{AuthError, Challenge};
pub use jwk::{JwkError, PublicJwk};
pub use jws::JwsError;
pub use lws::{LwsChallenge, LwsVerifier};
pub use proof::{Proof, ProofError, ProofRules, verify_proof};
pub use prove::{AccessToken, KeyError, SigningKey};
pub use replay::{MemoryReplay, ReplayError, ReplayStore};
pub use token::TokenError;
pub use verifier::{Presented, Proved, Said, Verifier};

//! Who asks: Solid-OIDC at the resource server.
//!
//! A request's `Authorization` and `DPoP` headers end in [`Credentials`] or in an [`AuthError`]; what a verified agent
//! may do begins elsewhere. Nothing is fetched for a request whose own parts do not fit together, and nothing is
//! remembered for a token that its issuer has not signed.
//!
//! Spec: <https://solidproject.org/TR/oidc>, <https://www.rfc-editor.org/rfc/rfc9449>

pub mod algorithm;
mod json;
pub mod jwk;
pub mod jws;
pub mod proof;
pub mod prove;
pub mod replay;
mod target;

pub use algorithm::Algorithm;
pub use jwk::{JwkError, PublicJwk};
pub use jws::JwsError;
pub use proof::{Proof, ProofError, ProofRules, verify_proof};
pub use prove::{AccessToken, SigningKey};
pub use replay::{MemoryReplay, ReplayError, ReplayStore};

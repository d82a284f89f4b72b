//! The OpenID provider for development, as a machine without HTTP: parameters in, answers out.
//!
//! `server` maps it to routes. Log-ins and credentials exist only for WebIDs that this server hosts. Time is always an
//! argument; randomness and keys come from `aws-lc-rs`.
//!
//! Spec: <https://solidproject.org/TR/oidc>, OpenID Connect Core, RFC 6749, 7591, 7636, 9207 and 9449.

pub mod store;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

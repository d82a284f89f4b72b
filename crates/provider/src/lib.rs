//! The OpenID provider and its accounts, as a machine without HTTP: parameters in, answers out.
//!
//! `server` maps it to routes. Log-ins and credentials exist only for WebIDs that this server hosts. Time is always an
//! argument; randomness and keys come from `aws-lc-rs`. Whatever is kept over a restart is kept by a [`store::Store`],
//! secrets only as hashes.
//!
//! Spec: <https://solidproject.org/TR/oidc>, OpenID Connect Core, RFC 6749, 7591, 7636, 9207 and 9449.

mod account;
mod answer;
mod attempts;
mod authorize;
mod client;
mod code;
pub mod config;
mod discovery;
mod document;
mod dpop;
mod error;
mod form;
mod hosting;
mod invitation;
mod issue;
mod keys;
mod logout;
mod own_account;
pub mod pages;
mod params;
mod password;
mod provider;
mod random;
mod redirect;
mod registration;
mod request;
mod session;
mod sign_up;
pub mod store;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod token;
mod userinfo;

#[cfg(test)]
mod tests;

pub use account::{AccountError, MAX_NAME, MIN_PASSWORD, NewCredentials};
pub use answer::{Answer, Next, Page, PageKind};
pub use authorize::BrowserRequest;
pub use config::Config;
pub use error::{ErrorCode, OAuthError};
pub use hosting::{Found, Home, Hosting, HostingError};
pub use invitation::NewInvitation;
pub use keys::KeyError;
pub use provider::{Provider, StartError};
pub use token::TokenRequest;
pub use userinfo::UserinfoRequest;

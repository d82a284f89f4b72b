//! What a request says of the receiver, for the types that push: where it is, what it decrypts and verifies with, and
//! whether it wants to hear what becomes of the channel.
//!
//! Keys and secrets are checked for their form here, so that nothing is kept that no delivery could be made with.
//!
//! Spec: RFC 8291 §3.1 (keys), <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>
//! (secrets)

use super::{RequestError, features::boolean_of, reading::Node};
use crate::{ChannelType, Feature, Service};
use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use oxiri::Iri;
use oxrdf::TermRef;
use std::fmt;

/// What a symmetric secret begins with.
pub const SECRET_PREFIX: &str = "whsec_";
/// How long a secret is, in bytes.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;
const AUTH_BYTES: usize = 16;
const POINT_BYTES: usize = 65;
/// What an uncompressed point begins with.
const UNCOMPRESSED: u8 = 4;

/// Where the notifications of a channel that pushes are sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Receiver {
    /// An absolute `http` or `https` URL without user information or fragment. Whether `http` is allowed and where the
    /// host leads is for the caller to decide.
    pub send_to: String,
    /// For Web Push.
    pub keys: Option<PushKeys>,
    /// The secret that deliveries are to be signed with; none if none was asked for.
    pub secret: Option<Secret>,
    /// Where messages about the life of the channel are to go; none if none were asked for.
    pub lifecycle: Option<Lifecycle>,
}

/// What URLs are may be secret, as capabilities are.
impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("keys", &self.keys).field("secret", &self.secret).finish_non_exhaustive()
    }
}

/// The receiver's keys of a Web Push channel, base64url without padding.
#[derive(Clone, PartialEq, Eq)]
pub struct PushKeys {
    /// The authentication secret, 16 bytes.
    pub auth: String,
    /// The public key, 65 bytes: an uncompressed point. Whether it is on the curve is for the caller to decide.
    pub p256dh: String,
}

impl fmt::Debug for PushKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PushKeys").finish_non_exhaustive()
    }
}

/// A secret that was asked for.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    /// The server is to make one.
    Made,
    /// This one: `whsec_` and base64.
    Given(String),
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Made => "Made",
            Self::Given(_) => "Given(..)",
        })
    }
}

/// Where messages about the life of a channel are to go.
#[derive(Clone, PartialEq, Eq)]
pub enum Lifecycle {
    /// Where the notifications go.
    SameUrl,
    /// Elsewhere; a URL of the same form as `sendTo`.
    Url(String),
}

impl fmt::Debug for Lifecycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SameUrl => "SameUrl",
            Self::Url(_) => "Url(..)",
        })
    }
}

/// Whether a text is a secret as receivers have it: `whsec_`, then 24 to 64 bytes in base64.
pub fn is_secret(text: &str) -> bool {
    let bytes = text.strip_prefix(SECRET_PREFIX).and_then(|bytes| BASE64_STANDARD.decode(bytes).ok());
    bytes.is_some_and(|bytes| SECRET_BYTES.contains(&bytes.len()))
}

pub(super) fn read(node: &Node<'_>, service: &Service) -> Result<Receiver, RequestError> {
    Ok(Receiver {
        send_to: target(node.one("sendTo")?.ok_or(RequestError::MissingProperty("sendTo"))?, "sendTo")?,
        keys: if service.channel_type == ChannelType::WebPush { Some(keys(node)?) } else { None },
        secret: if service.offers(Feature::Secret) { secret(node)? } else { None },
        lifecycle: if service.offers(Feature::Lifecycle) { lifecycle(node)? } else { None },
    })
}

/// Another target, of a channel that stands; none if nothing is said of it.
pub(super) fn read_target(node: &Node<'_>) -> Result<Option<String>, RequestError> {
    node.one("sendTo")?.map(|value| target(value, "sendTo")).transpose()
}

/// A URL, as an IRI or as a text.
fn target(value: TermRef<'_>, property: &'static str) -> Result<String, RequestError> {
    let invalid = || RequestError::InvalidTarget(property);
    let target = match value {
        TermRef::NamedNode(iri) => iri.as_str(),
        TermRef::Literal(literal) => literal.value(),
        TermRef::BlankNode(_) => return Err(invalid()),
    };
    let iri = Iri::parse(target).map_err(|_| invalid())?;
    let scheme = iri.scheme().eq_ignore_ascii_case("https") || iri.scheme().eq_ignore_ascii_case("http");
    let host = iri.authority().is_some_and(|authority| !authority.is_empty() && !authority.contains('@'));
    if scheme && host && iri.fragment().is_none() { Ok(target.to_owned()) } else { Err(invalid()) }
}

fn keys(node: &Node<'_>) -> Result<PushKeys, RequestError> {
    let missing = || RequestError::MissingProperty("keys with auth and p256dh");
    let subject = match node.one("keys")? {
        Some(TermRef::NamedNode(node)) => node.into(),
        Some(TermRef::BlankNode(node)) => node.into(),
        _ => return Err(missing()),
    };
    let keys = node.other(subject);
    let key = |property: &'static str, expected, fits: fn(&[u8]) -> bool| {
        let Some(TermRef::Literal(literal)) = keys.one(property)? else { return Err(missing()) };
        let invalid = RequestError::InvalidValue { property, expected };
        let bytes = base64url(literal.value()).filter(|bytes| fits(bytes)).ok_or(invalid)?;
        Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
    };
    Ok(PushKeys {
        auth: key("auth", "16 bytes in base64url", |bytes| bytes.len() == AUTH_BYTES)?,
        p256dh: key("p256dh", "an uncompressed point of P-256, 65 bytes in base64url", |bytes| {
            bytes.len() == POINT_BYTES && bytes[0] == UNCOMPRESSED
        })?,
    })
}

/// Either alphabet, with or without padding: browsers differ.
fn base64url(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=').replace('+', "-").replace('/', "_");
    BASE64_URL_SAFE_NO_PAD.decode(text).ok()
}

fn secret(node: &Node<'_>) -> Result<Option<Secret>, RequestError> {
    let expected = "true, false, or whsec_ with 24 to 64 bytes in base64";
    let invalid = RequestError::InvalidValue { property: "secret", expected };
    match node.one("secret")? {
        None => Ok(None),
        Some(TermRef::Literal(literal)) => match boolean_of(literal) {
            Some(asked) => Ok(asked.then_some(Secret::Made)),
            None if is_secret(literal.value()) => Ok(Some(Secret::Given(literal.value().to_owned()))),
            None => Err(invalid),
        },
        Some(_) => Err(invalid),
    }
}

fn lifecycle(node: &Node<'_>) -> Result<Option<Lifecycle>, RequestError> {
    let Some(value) = node.one("lifecycle")? else { return Ok(None) };
    match value {
        TermRef::Literal(literal) if let Some(asked) = boolean_of(literal) => Ok(asked.then_some(Lifecycle::SameUrl)),
        value => Ok(Some(Lifecycle::Url(target(value, "lifecycle")?))),
    }
}

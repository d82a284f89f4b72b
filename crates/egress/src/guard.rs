//! From a URL to addresses that may be connected to, in one look.
//!
//! The name is resolved once for each attempt, all its addresses are judged, and the connection goes to one of these
//! very addresses; a second look could get another answer. An address as a host takes the same path as a name.

use crate::FetchError;
use crate::address::{is_loopback, is_public};
use crate::policy::Policy;
use std::io;
use std::net::{IpAddr, SocketAddr};
use url::{Host, Url};

/// Longest URL that is fetched, in bytes.
pub const MAX_URL: usize = 2_048;
/// Most addresses that a name may have; an answer with more is refused.
pub const MAX_ADDRESSES: usize = 64;

/// Asks for the addresses of a name.
#[async_trait::async_trait]
pub trait Resolve: Send + Sync + 'static {
    /// All addresses of the name, at this moment.
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The resolver of the system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

#[async_trait::async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// Parses a URL that somebody else wrote, once for all that follows: absolute, http(s), without user information,
/// white space, control characters or backslashes, of at most [`MAX_URL`] bytes.
///
/// Whether it may be fetched depends on its addresses, which are looked at when it is.
pub fn parse(text: &str) -> Result<Url, FetchError> {
    let strange = |byte: u8| byte <= b' ' || byte == 0x7f || byte == b'\\';
    if text.len() > MAX_URL || text.bytes().any(strange) {
        return Err(FetchError::Refused);
    }
    let url = Url::parse(text).map_err(|_| FetchError::Refused)?;
    check_form(&url)?;
    Ok(url)
}

/// The parts of a URL that need no look at its addresses.
pub(crate) fn check_form(url: &Url) -> Result<(), FetchError> {
    let plain = matches!(url.scheme(), "http" | "https")
        && url.username().is_empty()
        && url.password().is_none()
        && url.as_str().len() <= MAX_URL;
    let named = match url.host() {
        // One name has one spelling: with a dot at its end it would be another host to caches and to TLS.
        Some(Host::Domain(name)) => name.len() <= 253 && name.split('.').all(|label| !label.is_empty()),
        Some(Host::Ipv4(_) | Host::Ipv6(_)) => true,
        None => false,
    };
    if plain && named { Ok(()) } else { Err(FetchError::Refused) }
}

/// The addresses of a URL, if all of them may be connected to with its scheme and port.
pub(crate) async fn addresses(
    url: &Url,
    policy: &Policy,
    resolver: &dyn Resolve,
) -> Result<Vec<SocketAddr>, FetchError> {
    check_form(url)?;
    let port = url.port_or_known_default().ok_or(FetchError::Refused)?;
    // What cannot be allowed by any address is not even asked for.
    if !policy.development && (url.scheme() != "https" || !policy.ports.contains(&port)) {
        return Err(FetchError::Refused);
    }
    let addresses = match url.host().ok_or(FetchError::Refused)? {
        Host::Ipv4(address) => vec![IpAddr::V4(address)],
        Host::Ipv6(address) => vec![IpAddr::V6(address)],
        Host::Domain(name) => resolver.resolve(name).await.map_err(|_| FetchError::Unreachable)?,
    };
    if addresses.is_empty() {
        return Err(FetchError::Unreachable);
    }
    if addresses.len() > MAX_ADDRESSES {
        return Err(FetchError::Refused);
    }
    let own = policy.development && addresses.iter().copied().all(is_loopback);
    let public = url.scheme() == "https"
        && policy.ports.contains(&port)
        && addresses
            .iter()
            .all(|address| is_public(*address) && !policy.refused.iter().any(|net| net.contains(address)));
    if own || public {
        Ok(addresses.into_iter().map(|address| SocketAddr::new(address, port)).collect())
    } else {
        Err(FetchError::Refused)
    }
}

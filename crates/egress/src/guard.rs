//! From a URL to addresses that may be connected to, in one look.
//!
//! The name is resolved once for each attempt, all its addresses are judged, and the connection goes to one of these
//! very addresses; a second look could get another answer. An address as a host takes the same path as a name.

use crate::FetchError;
use crate::address::is_loopback;
use crate::policy::Policy;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use tokio::sync::Semaphore;
use url::{Host, Url};

/// Longest URL that is fetched, in bytes.
pub const MAX_URL: usize = 2_048;
/// Most addresses that a name may have; an answer with more is refused.
pub const MAX_ADDRESSES: usize = 64;
/// Most names that are looked up at once, each on a thread of its own; others wait. So many, or one for each request that
/// may be under way in room of its own, within bounds: names that nobody answers for hold up no others.
const LOOKUPS: (usize, usize) = (64, 256);

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

/// Judges by one policy, with one resolver.
#[derive(Clone)]
pub(crate) struct Guard {
    policy: Arc<Policy>,
    resolver: Arc<dyn Resolve>,
    lookups: Arc<Semaphore>,
}

impl Guard {
    pub(crate) fn new(policy: Arc<Policy>, resolver: Arc<dyn Resolve>) -> Self {
        Self { policy, resolver, lookups: Arc::new(Semaphore::new(LOOKUPS.0)) }
    }

    /// The same with another policy, and look-ups of its own.
    pub(crate) fn apart(&self, policy: Arc<Policy>) -> Self {
        let lookups = policy.at_once.clamp(LOOKUPS.0, LOOKUPS.1);
        Self { policy, resolver: Arc::clone(&self.resolver), lookups: Arc::new(Semaphore::new(lookups)) }
    }

    /// The addresses of a URL, if all of them may be connected to with its scheme and port.
    pub(crate) async fn addresses(&self, url: &Url) -> Result<Vec<SocketAddr>, FetchError> {
        check_form(url)?;
        let policy = &self.policy;
        let port = url.port_or_known_default().ok_or(FetchError::Refused)?;
        // What cannot be allowed by any address is not even asked for.
        let hopeless = url.scheme() != "https" || (!policy.ports.contains(&port) && policy.allowed.is_empty());
        if hopeless && !policy.development {
            return Err(FetchError::Refused);
        }
        let addresses = match url.host().ok_or(FetchError::Refused)? {
            Host::Ipv4(address) => vec![IpAddr::V4(address)],
            Host::Ipv6(address) => vec![IpAddr::V6(address)],
            Host::Domain(name) => self.look_up(name).await?,
        };
        if addresses.is_empty() {
            return Err(FetchError::Unreachable);
        }
        if addresses.len() > MAX_ADDRESSES {
            return Err(FetchError::Refused);
        }
        let own = policy.development && addresses.iter().copied().all(is_loopback);
        let open = !hopeless && addresses.iter().all(|address| policy.permits(*address, port));
        if own || open {
            Ok(addresses.into_iter().map(|address| SocketAddr::new(address, port)).collect())
        } else {
            Err(FetchError::Refused)
        }
    }

    async fn look_up(&self, name: &str) -> Result<Vec<IpAddr>, FetchError> {
        let place = Arc::clone(&self.lookups).acquire_owned().await.map_err(|_| FetchError::Unreachable)?;
        let (resolver, name) = (Arc::clone(&self.resolver), name.to_owned());
        // The system's look-ups cannot be broken off: each counts until it ends, also when nobody waits any more.
        let looking = tokio::spawn(async move {
            let found = resolver.resolve(&name).await;
            drop(place);
            found
        });
        looking.await.map_err(|_| FetchError::Unreachable)?.map_err(|_| FetchError::Unreachable)
    }
}

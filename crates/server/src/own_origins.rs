//! Which URLs lead to this very server.
//!
//! It never connects to itself: a proxy in front may not let it back in, and requests that wait for requests can wait
//! for ever.

use crate::settings::{BaseUrl, Layout};
use url::{Host, Url};

/// The origins of this server: that of the base URL, with the names below it if pods have origins of their own, and those
/// of its own pages.
#[derive(Clone, Debug)]
pub struct OwnOrigins {
    base: Url,
    layout: Layout,
    /// The URLs of the provider and of the console, as far as they are served.
    pages: Vec<Url>,
}

/// Whose a URL is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Of the pods.
    Pods,
    /// Of the provider or of the console.
    Pages,
    /// This server's by another name than its own; nothing is published there.
    Alias,
    /// Another's.
    Stranger,
}

impl OwnOrigins {
    /// The URLs are those with ports that were found; `pages` are those of the provider and of the console.
    pub fn new<'a>(base: &BaseUrl, layout: Layout, pages: impl IntoIterator<Item = &'a BaseUrl>) -> Self {
        let pages = pages.into_iter().map(|page| page.url().clone()).collect();
        Self { base: base.url().clone(), layout, pages }
    }

    /// Whose a URL is, by its scheme, host and port.
    pub fn owner(&self, url: &Url) -> Owner {
        if self.pages.iter().any(|page| page.origin() == url.origin()) {
            return Owner::Pages;
        }
        if self.base.origin() == url.origin() || self.is_name_below(url) {
            return Owner::Pods;
        }
        if self.is_alias(url) { Owner::Alias } else { Owner::Stranger }
    }

    fn is_name_below(&self, url: &Url) -> bool {
        let (Some(base), Some(name)) = (self.base.domain(), url.domain()) else { return false };
        let is_below = name.strip_suffix(base).is_some_and(|front| front.ends_with('.'));
        let same =
            (url.scheme(), url.port_or_known_default()) == (self.base.scheme(), self.base.port_or_known_default());
        self.layout == Layout::Subdomain && is_below && same
    }

    /// Whether it leads to a port of this server on this machine, by a name that is not the server's.
    fn is_alias(&self, url: &Url) -> bool {
        let own = std::iter::once(&self.base).chain(&self.pages).filter(|own| is_loopback(own));
        let mut ports = own.map(Url::port_or_known_default);
        is_loopback(url) && ports.any(|port| port == url.port_or_known_default())
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback() || address.is_unspecified(),
        Some(Host::Ipv6(address)) => address.to_canonical().is_loopback() || address.is_unspecified(),
        None => false,
    }
}

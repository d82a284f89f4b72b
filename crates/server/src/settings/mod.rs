//! Every setting: its meaning, its default, and where it is read from.
//!
//! A flag wins over the environment, the environment over the file, the file over the default. The same definition
//! makes the structs, the example file and the names in the environment.

mod check;
mod define;
mod example;
mod faults;
mod load;
mod sections;
mod values;

pub use check::{Finding, Severity, findings};
pub use define::{Entry, Section};
pub use example::example;
pub use faults::Fault;
pub(crate) use load::list;
pub use load::{LoadError, Loaded, Override, load};
pub use sections::{
    Console, Development, Dpop, Egress, Ess, Layout, Limits, Log, LogFormat, Lws, OriginRule, Pods, Provider, Proxies,
    Retention, Sender, Settings, Solid01, Wac, Webhooks,
};
pub use values::{BaseUrl, Network, Size, Span, ValueError};

use ipnet::IpNet;
use std::net::SocketAddr;

/// Where the console stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConsolePlace {
    /// On the provider's origin.
    WithProvider,
    /// On an origin of its own. A port that is 0 is still to be found.
    Alone(BaseUrl),
}

/// The port when nothing else names one.
pub const DEFAULT_PORT: u16 = 3000;

/// The demo accounts that the first start in a data directory makes if nothing else is asked for.
pub const DEMO_ACCOUNTS: [&str; 2] = ["alice", "bob"];

/// The sections in the order of the example file.
pub fn sections() -> Vec<Section> {
    vec![
        Settings::describe(),
        Pods::describe(),
        Provider::describe(),
        Console::describe(),
        Development::describe(),
        Proxies::describe(),
        Wac::describe(),
        Dpop::describe(),
        Ess::describe(),
        Solid01::describe(),
        Lws::describe(),
        Limits::describe(),
        Retention::describe(),
        Sender::describe(),
        Log::describe(),
        Egress::describe(),
        Webhooks::describe(),
    ]
}

impl Proxies {
    /// Those that are trusted.
    pub fn networks(&self) -> Vec<IpNet> {
        self.trusted.iter().map(|network| network.0).collect()
    }
}

impl Settings {
    /// The base URL: as set, else `localhost` with the port that is listened on.
    pub fn base(&self) -> BaseUrl {
        let port = || self.listen.first().map_or(DEFAULT_PORT, SocketAddr::port);
        self.base_url.clone().unwrap_or_else(|| BaseUrl::localhost(port()))
    }

    /// Whether this server is one for development: it alone may fetch from loopback, reach `http` targets, offer
    /// `ws:` URLs and log in by itself.
    pub fn is_development(&self) -> bool {
        self.base().is_loopback() || self.development.unsafe_on_public_name
    }

    /// The demo accounts: as set, else those that a first start makes.
    pub fn demo_accounts(&self) -> Vec<String> {
        self.seed.clone().unwrap_or_else(|| DEMO_ACCOUNTS.map(str::to_owned).to_vec())
    }

    /// Whether demo accounts can be made.
    pub fn seeds(&self) -> bool {
        self.is_development() && self.serves_provider()
    }

    /// Whether pods of several people are to be expected.
    pub fn has_many_people(&self) -> bool {
        self.demo_accounts().len() > 1 || self.serves_provider()
    }

    /// Whether the OpenID provider is served.
    pub fn serves_provider(&self) -> bool {
        self.provider.enabled.unwrap_or_else(|| self.base().is_loopback())
    }

    /// The base URL with the next port; with port 0 again where that is to be found, and none after the last port.
    pub fn beside(&self) -> Option<BaseUrl> {
        let base = self.base();
        let next = if base.port() == 0 { 0 } else { base.port().checked_add(1)? };
        Some(base.with_port(next))
    }

    /// Where the console is served, if it is.
    pub fn console_place(&self) -> Option<ConsolePlace> {
        if self.console.enabled == Some(false) {
            return None;
        }
        let Some(url) = self.console.url.clone() else {
            if self.serves_provider() {
                return Some(ConsolePlace::WithProvider);
            }
            return self.beside().filter(BaseUrl::is_loopback).map(ConsolePlace::Alone);
        };
        let provider = self.provider.url.clone().or_else(|| self.beside()).filter(|_| self.serves_provider());
        // Of two free ports, none is the other.
        let is_shared = url.port() != 0 && provider.is_some_and(|provider| provider.origin() == url.origin());
        Some(if is_shared { ConsolePlace::WithProvider } else { ConsolePlace::Alone(url) })
    }
}

//! Binding: where the server listens, and what its URLs are once ports are known.
//!
//! Without `listen`, the port of the base URL on loopback, in both families. Port 0 takes a free port, the same in both
//! families, and is written into the URL. A URL that names a port keeps it, wherever is listened: something in front
//! leads there.

use crate::settings::{BaseUrl, ConsolePlace, Settings};
use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};
use tokio::net::TcpListener;

/// How often a free port is looked for that is free in both families.
const ATTEMPTS: u8 = 32;

/// What is listened on.
#[derive(Debug)]
pub struct Bound {
    /// The pods' origin.
    pub pods: Site,
    /// The provider's origin, if it is served.
    pub provider: Option<Site>,
    /// Where the console is, if it is served.
    pub console: Option<ConsoleSite>,
}

/// Where the console is served.
#[derive(Debug)]
pub enum ConsoleSite {
    /// On the provider's origin.
    WithProvider,
    /// On one of its own.
    Alone(Site),
}

/// The URLs of what is served.
#[derive(Clone, Debug)]
pub struct Urls {
    /// The base URL of the pods.
    pub pods: BaseUrl,
    /// The provider's, if it is served.
    pub provider: Option<BaseUrl>,
    /// The console's, if it is served; it may be that of the provider.
    pub console: Option<BaseUrl>,
}

impl Urls {
    /// The origins that hold pages of Podbell's own, and no pod.
    pub fn pages(&self) -> impl Iterator<Item = &BaseUrl> {
        self.provider.iter().chain(&self.console)
    }
}

impl Bound {
    /// The URLs, with the ports that were found.
    pub fn urls(&self) -> Urls {
        let provider = self.provider.as_ref().map(|site| site.url.clone());
        let console = match &self.console {
            Some(ConsoleSite::WithProvider) => provider.clone(),
            Some(ConsoleSite::Alone(site)) => Some(site.url.clone()),
            None => None,
        };
        Urls { pods: self.pods.url.clone(), provider, console }
    }
}

/// One origin and where it is listened on.
#[derive(Debug)]
pub struct Site {
    /// Its URL, with the port that was found.
    pub url: BaseUrl,
    /// Its listeners; at least one.
    pub listeners: Vec<TcpListener>,
}

impl Site {
    /// The addresses that are listened on, if none has the port of the URL.
    pub fn elsewhere(&self) -> Option<String> {
        let addresses: Vec<_> = self.listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect();
        let is_there = addresses.iter().any(|address| address.port() == self.url.port());
        (!is_there).then(|| addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
    }
}

/// Why an address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListenError {
    /// Somebody else does.
    #[error("{address} is taken by another program; choose another with {remedy}")]
    Taken {
        /// The address.
        address: SocketAddr,
        /// What to set.
        remedy: &'static str,
    },
    /// It is a port for which this user has no right.
    #[error("listening on {address} is not permitted; choose another with {remedy}")]
    Denied {
        /// The address.
        address: SocketAddr,
        /// What to set.
        remedy: &'static str,
    },
    /// No network card has it.
    #[error("cannot listen on {address}: is {} an address of this machine?", address.ip())]
    Foreign {
        /// The address.
        address: SocketAddr,
    },
    /// Something else.
    #[error("cannot listen on {address}: {source}")]
    Other {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

/// Which flags choose the address of an origin.
const PODS: &str = "--base-url http://localhost:PORT/";
const ADDRESS: &str = "--listen";
/// If the directory holds pods already: their names begin with the base URL that they were made under.
const BOTH: &str = "--base-url http://localhost:PORT/ and --data DIRECTORY together, since what this one holds stays at its \
                    base URL";
const PROVIDER: &str = "PODBELL_PROVIDER_URL or PODBELL_PROVIDER_LISTEN, or do without: PODBELL_PROVIDER_ENABLED=false and \
                        PODBELL_CONSOLE_ENABLED=false";
const CONSOLE: &str = "PODBELL_CONSOLE_URL or PODBELL_CONSOLE_LISTEN, or do without: PODBELL_CONSOLE_ENABLED=false";

/// The URLs of what is served; none if the port of the pods or of the provider is still to be found. A console whose port
/// is, is left out.
pub fn urls(settings: &Settings) -> Option<Urls> {
    let pods = settings.base();
    let next = || settings.beside().unwrap_or_else(|| pods.clone().with_port(0));
    let provider = settings.serves_provider().then(|| settings.provider.url.clone().unwrap_or_else(next));
    let console = settings.console_place().and_then(|place| match place {
        ConsolePlace::WithProvider => provider.clone(),
        ConsolePlace::Alone(url) => Some(url).filter(|url| url.port() != 0),
    });
    let is_known = pods.port() != 0 && provider.as_ref().is_none_or(|provider| provider.port() != 0);
    is_known.then_some(Urls { pods, provider, console })
}

/// Binds everything that the settings ask for.
pub async fn bind(settings: &Settings) -> Result<Bound, ListenError> {
    let base = settings.base();
    let holds_pods = podbell_sqlite::roots(&settings.data).is_ok_and(|roots| !roots.is_empty());
    let remedy = match (settings.base_url.is_some() && !settings.listen.is_empty(), holds_pods) {
        (true, _) => ADDRESS,
        (false, true) => BOTH,
        (false, false) => PODS,
    };
    let pods = site(base, &settings.listen, remedy).await?;
    let mut provider = None;
    if settings.serves_provider() {
        let next = || settings.beside().unwrap_or_else(|| settings.base()).port();
        let url = settings.provider.url.clone().unwrap_or_else(|| pods.url.clone().with_port(next()));
        let remedy = if holds_pods { BOTH } else { PROVIDER };
        provider = Some(pages(settings, url, &settings.provider.listen, remedy).await?);
    }
    let console = match settings.console_place() {
        Some(ConsolePlace::Alone(url)) => {
            Some(ConsoleSite::Alone(pages(settings, url, &settings.console.listen, CONSOLE).await?))
        }
        Some(ConsolePlace::WithProvider) => Some(ConsoleSite::WithProvider),
        None => None,
    };
    Ok(Bound { pods, provider, console })
}

/// An origin beside that of the pods: where it says itself, else where they are, with its own port.
async fn pages(
    settings: &Settings,
    url: BaseUrl,
    listen: &[SocketAddr],
    remedy: &'static str,
) -> Result<Site, ListenError> {
    if !listen.is_empty() {
        return site(url, listen, remedy).await;
    }
    let beside: Vec<_> = settings.listen.iter().map(|address| SocketAddr::new(address.ip(), url.port())).collect();
    site(url, &beside, remedy).await
}

async fn site(url: BaseUrl, listen: &[SocketAddr], remedy: &'static str) -> Result<Site, ListenError> {
    let listeners =
        if listen.is_empty() { both_families(url.port(), remedy).await? } else { each(listen, remedy).await? };
    let found = listeners.first().and_then(|listener| listener.local_addr().ok()).map_or(0, |address| address.port());
    let url = if url.port() == 0 { url.with_port(found) } else { url };
    Ok(Site { url, listeners })
}

async fn each(listen: &[SocketAddr], remedy: &'static str) -> Result<Vec<TcpListener>, ListenError> {
    let mut listeners = Vec::new();
    for &address in listen {
        listeners.push(TcpListener::bind(address).await.map_err(|source| explain(address, source, remedy))?);
    }
    Ok(listeners)
}

/// Listens on 127.0.0.1 and `::1`; on machines without IPv6 on the first alone.
async fn both_families(port: u16, remedy: &'static str) -> Result<Vec<TcpListener>, ListenError> {
    let mut attempts = ATTEMPTS;
    loop {
        let v4 = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
        let first = TcpListener::bind(v4).await.map_err(|source| explain(v4, source, remedy))?;
        let found = first.local_addr().map_err(|source| explain(v4, source, remedy))?.port();
        let v6 = SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), found);
        match TcpListener::bind(v6).await {
            Ok(second) => return Ok(vec![first, second]),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && port == 0 && attempts > 0 => attempts -= 1,
            Err(error) if has_no_ipv6(&error) => {
                tracing::debug!(error = %error, "no IPv6 on this machine");
                return Ok(vec![first]);
            }
            Err(error) => return Err(explain(v6, error, remedy)),
        }
    }
}

fn has_no_ipv6(error: &io::Error) -> bool {
    // EAFNOSUPPORT has no kind of its own.
    error.kind() == io::ErrorKind::AddrNotAvailable || matches!(error.raw_os_error(), Some(97 | 47 | 10_047))
}

fn explain(address: SocketAddr, source: io::Error, remedy: &'static str) -> ListenError {
    match source.kind() {
        io::ErrorKind::AddrInUse => ListenError::Taken { address, remedy },
        io::ErrorKind::PermissionDenied => ListenError::Denied { address, remedy },
        io::ErrorKind::AddrNotAvailable => ListenError::Foreign { address },
        _ => ListenError::Other { address, source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(toml: &str) -> Settings {
        toml::from_str(toml).unwrap()
    }

    fn port(site: &Site) -> u16 {
        site.listeners[0].local_addr().unwrap().port()
    }

    #[tokio::test]
    async fn a_free_port_is_found_for_both_origins_and_written_into_their_urls() {
        for toml in ["base_url = \"http://localhost:0/\"", "listen = [\"127.0.0.1:0\"]"] {
            let bound = bind(&settings(toml)).await.unwrap();
            let provider = bound.provider.unwrap();
            assert_ne!(port(&bound.pods), 0);
            assert_eq!(bound.pods.url.as_str(), format!("http://localhost:{}/", port(&bound.pods)), "{toml}");
            assert_eq!(provider.url.as_str(), format!("http://localhost:{}/", port(&provider)), "{toml}");
            assert_ne!(port(&bound.pods), port(&provider));
        }
    }

    #[tokio::test]
    async fn the_console_is_on_the_providers_origin_or_on_one_of_its_own() {
        let at = |toml: &str| settings(&format!("base_url = \"http://localhost:0/\"\n{toml}"));
        let shared = bind(&at("")).await.unwrap();
        let urls = shared.urls();
        assert!(matches!(shared.console, Some(ConsoleSite::WithProvider)) && urls.console == urls.provider);
        for alone in ["[provider]\nenabled = false", "[console]\nurl = \"http://localhost:0/\""] {
            let bound = bind(&at(alone)).await.unwrap();
            let urls = bound.urls();
            let Some(ConsoleSite::Alone(site)) = bound.console else { panic!("{alone}") };
            assert_eq!(site.url.as_str(), format!("http://localhost:{}/", port(&site)), "{alone}");
            assert!(urls.console != urls.provider && urls.console.is_some_and(|url| url != urls.pods), "{alone}");
        }
        assert!(bind(&at("[console]\nenabled = false")).await.unwrap().console.is_none());
    }

    #[tokio::test]
    async fn a_console_whose_port_is_taken_is_explained() {
        let first = bind(&settings("base_url = \"http://localhost:0/\"")).await.unwrap();
        let taken = format!("listen = [\"127.0.0.1:0\"]\n[console]\nurl = \"{}\"", first.provider.unwrap().url);
        let error = bind(&settings(&format!("{taken}\nlisten = [\"127.0.0.1:{}\"]", port(&first.pods)))).await;
        assert!(error.unwrap_err().to_string().contains("PODBELL_CONSOLE_URL or PODBELL_CONSOLE_LISTEN"));
    }

    #[test]
    fn urls_that_are_known_are_known_without_listening() {
        let known = |toml: &str| {
            let urls = urls(&settings(toml))?;
            Some((urls.provider.map(|url| url.to_string()), urls.console.map(|url| url.to_string())))
        };
        let at = |port: u16| Some(format!("http://localhost:{port}/"));
        assert_eq!(known(""), Some((at(3001), at(3001))));
        assert_eq!(known("[provider]\nenabled = false"), Some((None, at(3001))));
        assert_eq!(known("[provider]\nenabled = false\n[console]\nenabled = false"), Some((None, None)));
        assert_eq!(known("[console]\nurl = \"http://localhost:3001\""), Some((at(3001), at(3001))));
        assert_eq!(known("[console]\nurl = \"http://localhost:4001/\""), Some((at(3001), at(4001))));
        assert_eq!(known("base_url = \"http://localhost:0/\""), None);
        let public = "base_url = \"https://pod.example/\"\n";
        assert_eq!(known(public), Some((None, None)));
        let named = format!("{public}[console]\nurl = \"https://console.example/\"");
        assert_eq!(known(&named), Some((None, Some("https://console.example/".to_owned()))));
    }

    #[tokio::test]
    async fn a_base_url_with_a_port_keeps_it_wherever_is_listened() {
        let toml =
            "base_url = \"http://localhost:4000/\"\nlisten = [\"127.0.0.1:0\"]\n[provider]\nlisten = [\"127.0.0.1:0\"]";
        let bound = bind(&settings(toml)).await.unwrap();
        let provider = bound.provider.unwrap();
        assert_eq!(
            (bound.pods.url.as_str(), provider.url.as_str()),
            ("http://localhost:4000/", "http://localhost:4001/")
        );
        assert!(bound.pods.elsewhere().is_some_and(|told| told == format!("127.0.0.1:{}", port(&bound.pods))));
        assert_eq!(bind(&settings("listen = [\"127.0.0.1:0\"]")).await.unwrap().pods.elsewhere(), None);
    }

    #[tokio::test]
    async fn both_families_have_the_same_port() {
        let bound = bind(&settings("base_url = \"http://localhost:0/\"")).await.unwrap();
        let addresses: Vec<_> = bound.pods.listeners.iter().map(|listener| listener.local_addr().unwrap()).collect();
        assert!(addresses.iter().all(|address| address.ip().is_loopback() && address.port() == addresses[0].port()));
        assert!(addresses[0].is_ipv4());
    }

    #[tokio::test]
    async fn two_servers_stand_side_by_side_and_a_taken_port_is_explained() {
        let first = bind(&settings("base_url = \"http://localhost:0/\"")).await.unwrap();
        let second = bind(&settings("base_url = \"http://localhost:0/\"")).await.unwrap();
        assert_ne!(first.pods.url, second.pods.url);
        let error = bind(&settings(&format!("base_url = \"{}\"", first.pods.url))).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "127.0.0.1:{} is taken by another program; choose another with --base-url http://localhost:PORT/",
                port(&first.pods)
            )
        );
        let provider = first.provider.unwrap();
        let toml = format!("listen = [\"127.0.0.1:0\"]\n[provider]\nurl = \"{}\"", provider.url);
        let error = bind(&settings(&toml)).await.unwrap_err();
        assert!(error.to_string().contains("PODBELL_PROVIDER_URL"), "{error}");
    }

    #[tokio::test]
    async fn an_address_of_another_machine_is_explained() {
        let error = bind(&settings("listen = [\"192.0.2.1:0\"]")).await.unwrap_err();
        assert_eq!(error.to_string(), "cannot listen on 192.0.2.1:0: is 192.0.2.1 an address of this machine?");
    }

    #[tokio::test]
    async fn a_public_base_url_stays_as_it_is_and_has_no_provider() {
        let bound = bind(&settings("base_url = \"https://pod.example/\"\nlisten = [\"127.0.0.1:0\"]")).await.unwrap();
        assert_eq!(bound.pods.url.as_str(), "https://pod.example/");
        assert!(bound.provider.is_none());
    }
}

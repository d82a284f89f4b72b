//! Authorization servers that nobody could verify tokens of.

use super::Report;
use crate::settings::Settings;
use url::{Host, Url};

impl Report {
    /// What is named is believed in whatever it says, so it is a whole URL, and nobody else can answer for it.
    pub(super) fn authorization_servers(&mut self, settings: &Settings) {
        for server in &settings.lws.authorization_servers {
            if !is_usable(server, settings.is_development()) {
                let text = format!("{server:?} is no https URL of an authorization server, without query and fragment");
                self.wrong("lws.authorization_servers", text);
            }
        }
    }
}

fn is_usable(server: &str, development: bool) -> bool {
    let Ok(url) = Url::parse(server) else { return false };
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return false,
    };
    let plain = server.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'));
    let bare = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    let secure = url.scheme() == "https" || url.scheme() == "http" && loopback && development;
    plain && bare && secure
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authorization_server_is_an_https_url() {
        for good in ["https://as.example", "https://as.example/realms/a", "https://as.example:8443/"] {
            assert!(is_usable(good, false), "{good}");
        }
        for bad in [
            "as.example",
            "http://as.example",
            "https://as.example/?a",
            "https://as.example/#a",
            "mailto:a@b",
            "https://a@as.example/",
            "https://as.example/\"",
            "http://localhost:7/",
        ] {
            assert!(!is_usable(bad, false), "{bad}");
        }
        assert!(is_usable("http://localhost:7/", true) && !is_usable("http://as.example/", true));
    }
}

//! What trusted proxies tell about a request. Called only if the peer is one of them.

use super::named;
use http::HeaderMap;
use ipnet::IpNet;
use podbell_model::iri;
use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

/// The client: from the right, the first address that is no trusted proxy. What stands left of it is the client's own
/// claim.
pub(super) fn client(headers: &HeaderMap, peer: IpAddr, trusted: &[IpNet]) -> IpAddr {
    let lines: Vec<_> = headers.get_all("x-forwarded-for").iter().filter_map(|line| line.to_str().ok()).collect();
    let mut client = peer;
    for told in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
        let Some(address) = address(told.trim()) else { break };
        client = address;
        if !trusted.iter().any(|network| network.contains(&address)) {
            break;
        }
    }
    client
}

fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let parsed: Option<IpAddr> = bare.parse().ok();
    parsed.or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip())).map(|ip| ip.to_canonical())
}

/// The origin, if the proxy was asked for a name below that of the base URL: a pod with an origin of its own.
pub(super) fn origin(headers: &HeaderMap, base: &str) -> Option<Arc<str>> {
    let mut told = headers.get_all("x-forwarded-host").iter();
    let host = told.next().filter(|_| told.next().is_none())?.to_str().ok()?;
    if !named::is_plain(host) {
        return None;
    }
    let (scheme, authority) = base.split_once("://")?;
    let origin = iri::origin(&format!("{scheme}://{host}")).ok()?;
    let name = origin.split_once("://")?.1.strip_suffix(authority)?;
    name.ends_with('.').then(|| origin.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn the_client_is_the_first_stranger_from_the_right() {
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        let peer = "10.0.0.1".parse().unwrap();
        for (lines, expected) in [
            (&[][..], "10.0.0.1"),
            (&[("x-forwarded-for", "203.0.113.5")], "203.0.113.5"),
            (&[("x-forwarded-for", "6.6.6.6, 203.0.113.5, 10.0.0.2")], "203.0.113.5"),
            (&[("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "203.0.113.5")], "203.0.113.5"),
            (&[("x-forwarded-for", "6.6.6.6, nonsense")], "10.0.0.1"),
            (&[("x-forwarded-for", "[2001:db8::1]:443")], "2001:db8::1"),
        ] {
            assert_eq!(client(&headers(lines), peer, &trusted), expected.parse::<IpAddr>().unwrap(), "{lines:?}");
        }
    }

    #[test]
    fn only_names_below_the_base_are_believed() {
        let told = |host| origin(&headers(&[("x-forwarded-host", host)]), "https://pod.example");
        assert_eq!(told("alice.pod.example").as_deref(), Some("https://alice.pod.example"));
        for other in
            ["pod.example", "evil.example", "evilpod.example", "pod.example.evil.example", "a b", "alice.pod.example/x"]
        {
            assert_eq!(told(other), None, "{other}");
        }
        let twice = headers(&[("x-forwarded-host", "a.pod.example"), ("x-forwarded-host", "b.pod.example")]);
        assert_eq!(origin(&twice, "https://pod.example"), None);
    }
}

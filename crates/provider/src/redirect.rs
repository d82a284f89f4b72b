//! Which redirect URIs a client may have. Whether one is the client's is decided by comparing strings, nothing else.
//!
//! Spec: RFC 6749 §3.1.2, RFC 8252 §7, RFC 9700 §2.1.

use std::net::{Ipv4Addr, Ipv6Addr};
use url::{Host, Url};

/// Longest redirect URI, in bytes.
pub(crate) const MAX_URI: usize = 2_048;
/// Most redirect URIs of a client.
pub(crate) const MAX_URIS: usize = 32;

/// Parses a redirect URI that may be used: `https`, `http` on this computer (anywhere in development), or a private
/// scheme named like a domain in reverse; no fragment, no user information.
pub(crate) fn parse(uri: &str, development: bool) -> Option<Url> {
    if uri.len() > MAX_URI || !uri.bytes().all(|byte| byte.is_ascii_graphic()) || uri.contains(['#', '\\']) {
        return None;
    }
    let url = Url::parse(uri).ok()?;
    let plain = url.username().is_empty() && url.password().is_none();
    let allowed = match url.scheme() {
        "https" => true,
        "http" => development || is_loopback(&url),
        scheme => scheme.contains('.'),
    };
    (plain && allowed).then_some(url)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address == Ipv4Addr::LOCALHOST,
        Some(Host::Ipv6(address)) => address == Ipv6Addr::LOCALHOST,
        None => false,
    }
}

/// The URI with parameters added to its query.
pub(crate) fn with_query<'a>(uri: &Url, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut uri = uri.clone();
    uri.query_pairs_mut().extend_pairs(pairs);
    uri.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_that_could_carry_a_code_away_are_refused() {
        for uri in [
            "javascript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "http://app.example/",
            "https://app.example/#fragment",
            "https://user@app.example/",
            "https://app.example/a b",
            "https://app.example/\r\nSet-Cookie:x",
            "https:\\\\app.example/",
            "/relative",
            "",
        ] {
            assert!(parse(uri, false).is_none(), "{uri}");
        }
        assert!(parse(&format!("https://app.example/{}", "a".repeat(MAX_URI)), false).is_none());
    }

    #[test]
    fn web_native_and_local_clients_may_have_theirs() {
        for uri in ["https://app.example/back?a=b", "http://localhost:3000/", "http://[::1]:9/x", "com.example.app:/cb"]
        {
            assert!(parse(uri, false).is_some(), "{uri}");
        }
        assert!(parse("http://app.test/", true).is_some());
    }

    #[test]
    fn answers_join_the_query_that_is_there() {
        let uri = parse("https://app.example/back?a=b", false).unwrap();
        assert_eq!(with_query(&uri, [("state", "x&y")]), "https://app.example/back?a=b&state=x%26y");
    }
}

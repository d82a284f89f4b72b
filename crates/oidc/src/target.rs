//! The URI that a proof is for, in a form in which two spellings of one URI are equal.
//!
//! Query and fragment are dropped on both sides: some clients send them and some do not.
//!
//! Spec: <https://www.rfc-editor.org/rfc/rfc9449#section-4.3>, <https://www.rfc-editor.org/rfc/rfc3986#section-6.2>

use url::Url;

/// Normalises an absolute http(s) URI: case of scheme and host, default port, empty path, percent-encoding.
///
/// None for any other URI, for user information, and for characters that a URI cannot have.
pub(crate) fn normalise(uri: &str) -> Option<String> {
    let strange = |byte: u8| byte <= b' ' || byte == 0x7f || byte == b'\\';
    if uri.bytes().any(strange) {
        return None;
    }
    let mut url = Url::parse(uri).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    url.set_query(None);
    url.set_fragment(None);
    Some(escapes(url.as_str()))
}

/// The same, where a socket may be named by its own scheme: `ws` is `http`, `wss` is `https`.
pub(crate) fn normalise_socket(uri: &str) -> Option<String> {
    match uri.split_once(':') {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("ws") => normalise(&format!("http:{rest}")),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("wss") => normalise(&format!("https:{rest}")),
        _ => normalise(uri),
    }
}

/// Upper case for the digits of escapes, and no escape for characters that need none.
fn escapes(uri: &str) -> String {
    let mut normal = String::with_capacity(uri.len());
    let mut rest = uri;
    while let Some(at) = rest.find('%') {
        normal.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let byte = rest.get(..2).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        match byte.and_then(|digits| Some((digits, u8::from_str_radix(digits, 16).ok()?))) {
            Some((digits, byte)) => {
                if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
                    normal.push(char::from(byte));
                } else {
                    normal.push('%');
                    normal.push_str(&digits.to_ascii_uppercase());
                }
                rest = &rest[2..];
            }
            None => normal.push('%'),
        }
    }
    normal.push_str(rest);
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_uri_are_equal() {
        for (given, normal) in [
            ("HTTPS://Pod.Example:443/a", "https://pod.example/a"),
            ("http://pod.example:80", "http://pod.example/"),
            ("https://pod.example/a?q=1#f", "https://pod.example/a"),
            ("https://pod.example/%7ea%c3%A9%2f", "https://pod.example/~a%C3%A9%2F"),
            ("https://pod.example/é", "https://pod.example/%C3%A9"),
        ] {
            assert_eq!(normalise(given).as_deref(), Some(normal));
        }
    }

    #[test]
    fn a_socket_may_be_named_by_its_own_scheme() {
        for (given, normal) in [
            ("WSS://Pod.example:443/a?q", Some("https://pod.example/a")),
            ("ws://pod.example:80/a", Some("http://pod.example/a")),
            ("https://pod.example/a", Some("https://pod.example/a")),
            ("wsss://pod.example/a", None),
            ("wss://u@pod.example/a", None),
            ("wss:/pod.example/\na", None),
        ] {
            assert_eq!(normalise_socket(given).as_deref(), normal, "{given}");
        }
        assert_eq!(normalise("wss://pod.example/a"), None);
    }

    #[test]
    fn different_uris_stay_different() {
        let one = normalise("https://pod.example/a").unwrap();
        for other in [
            "http://pod.example/a",
            "https://pod.example:8443/a",
            "https://pod.example./a",
            "https://pod.example/A",
            "https://pod.example/a/",
            "https://pod.example/%2561",
            "https://pod.example.evil.example/a",
        ] {
            assert_ne!(normalise(other).as_deref(), Some(one.as_str()), "{other}");
        }
    }

    #[test]
    fn what_is_no_plain_uri_has_no_normal_form() {
        for bad in
            ["", "/a", "ftp://x/", "https://u@x/", "https://u:p@x/", "https:\\\\x\\a", " https://x/", "https://x/\n"]
        {
            assert_eq!(normalise(bad), None, "{bad}");
        }
    }
}

//! The opening handshake: what the client must have said, and what it is answered.
//!
//! Spec: <https://www.rfc-editor.org/rfc/rfc6455#section-4.2>

use base64::{Engine, prelude::BASE64_STANDARD};
use sha1::{Digest, Sha1};

/// The header values of an upgrade request that matter.
#[derive(Clone, Copy, Debug, Default)]
pub struct Opening<'h> {
    /// `Sec-WebSocket-Key`
    pub key: Option<&'h str>,
    /// `Sec-WebSocket-Version`
    pub version: Option<&'h str>,
    /// `Sec-WebSocket-Protocol`, several headers joined by commas.
    pub protocols: Option<&'h str>,
}

/// The header values of the 101 answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// `Sec-WebSocket-Accept`
    pub accept: String,
    /// `Sec-WebSocket-Protocol`; left out if none was offered.
    pub protocol: Option<String>,
}

/// Why an opening is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeError {
    /// Another version of the protocol: the answer names version 13.
    #[error("only version 13 of the WebSocket protocol is spoken here")]
    Version,
    /// No key, or one that is not 16 bytes in Base64.
    #[error("Sec-WebSocket-Key must be 16 bytes in Base64")]
    Key,
    /// Subprotocols were offered, and none of them is spoken here.
    #[error("none of the offered WebSocket subprotocols is spoken here")]
    Protocol,
}

/// Which subprotocol is chosen from those offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subprotocol {
    /// The first one, whatever it is: a browser that offers one fails if none is chosen.
    First,
    /// This one or none.
    Only(&'static str),
    /// This one if it is among them; if not, none, and what follows is said on the open socket.
    Rather(&'static str),
}

/// Checks an opening and makes the answer.
pub fn open(opening: &Opening<'_>, choice: Subprotocol) -> Result<Accepted, HandshakeError> {
    if opening.version.map(str::trim) != Some("13") {
        return Err(HandshakeError::Version);
    }
    let key = opening.key.map(str::trim).ok_or(HandshakeError::Key)?;
    if BASE64_STANDARD.decode(key).map(|bytes| bytes.len()) != Ok(16) {
        return Err(HandshakeError::Key);
    }
    let mut offered = opening.protocols.into_iter().flat_map(|list| list.split(',')).map(str::trim);
    let mut offered = offered.by_ref().filter(|token| !token.is_empty()).peekable();
    let protocol = match (offered.peek(), choice) {
        (None, _) => None,
        (Some(first), Subprotocol::First) if is_token(first) => Some((*first).to_owned()),
        (Some(_), Subprotocol::First) => return Err(HandshakeError::Protocol),
        (Some(_), Subprotocol::Rather(name)) => offered.find(|token| *token == name).map(str::to_owned),
        (Some(_), Subprotocol::Only(name)) => {
            Some(offered.find(|token| *token == name).ok_or(HandshakeError::Protocol)?.to_owned())
        }
    };
    Ok(Accepted { accept: accept(key), protocol })
}

fn accept(key: &str) -> String {
    let mut hash = Sha1::new();
    hash.update(key.as_bytes());
    hash.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    BASE64_STANDARD.encode(hash.finalize())
}

/// A token as HTTP knows it; anything else must not be echoed into a header.
fn is_token(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opening(protocols: Option<&str>) -> Opening<'_> {
        Opening { key: Some("dGhlIHNhbXBsZSBub25jZQ=="), version: Some("13"), protocols }
    }

    #[test]
    fn the_sample_of_the_rfc_is_answered() {
        let accepted = open(&opening(None), Subprotocol::First).unwrap();
        assert_eq!(accepted, Accepted { accept: "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=".into(), protocol: None });
    }

    #[test]
    fn the_first_offered_subprotocol_is_echoed() {
        let accepted = open(&opening(Some("a, b")), Subprotocol::First).unwrap();
        assert_eq!(accepted.protocol.as_deref(), Some("a"));
    }

    #[test]
    fn the_gateway_takes_its_own_subprotocol_or_none() {
        let only = Subprotocol::Only("solid-0.2");
        assert_eq!(open(&opening(Some("x, solid-0.2")), only).unwrap().protocol.as_deref(), Some("solid-0.2"));
        assert_eq!(open(&opening(None), only).unwrap().protocol, None);
        assert_eq!(open(&opening(Some("solid-0.1")), only), Err(HandshakeError::Protocol));
    }

    #[test]
    fn no_other_subprotocol_is_confirmed_where_one_is_wished_for() {
        let rather = Subprotocol::Rather("solid-0.1");
        for (offered, chosen) in [
            (None, None),
            (Some("chat, solid-0.1"), Some("solid-0.1")),
            (Some("chat"), None),
            (Some("http://a b/"), None),
        ] {
            assert_eq!(open(&opening(offered), rather).unwrap().protocol.as_deref(), chosen, "{offered:?}");
        }
    }

    #[test]
    fn bad_openings_are_refused() {
        let bad = |key, version| open(&Opening { key, version, protocols: None }, Subprotocol::First);
        assert_eq!(bad(Some("dGhlIHNhbXBsZSBub25jZQ=="), Some("8")), Err(HandshakeError::Version));
        assert_eq!(bad(Some("c2hvcnQ="), Some("13")), Err(HandshakeError::Key));
        assert_eq!(bad(None, Some("13")), Err(HandshakeError::Key));
        assert_eq!(open(&opening(Some("http://a b/")), Subprotocol::First), Err(HandshakeError::Protocol));
    }
}

//! What a client says.

use super::MAX_URI;

/// One message of a client, understood.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Said<'a> {
    /// It wants to hear of that resource; an absolute http(s) URI as it spells it.
    Sub(&'a str),
    /// It wants to hear of the resource that a proof is about; the compact JWS of the proof.
    SubProved(&'a str),
    /// It no longer wants to hear of that resource.
    Unsub(&'a str),
    /// The value of an `Authorization` header.
    Auth {
        /// Its scheme, as the client spells it.
        scheme: &'a str,
        /// What follows the scheme.
        token: &'a str,
    },
    /// The value of a `DPoP` header.
    Dpop(&'a str),
    /// It wants a `pong` with the same words.
    Ping(&'a str),
}

/// Tokens and proofs are not shown.
impl std::fmt::Debug for Said<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sub(uri) => f.debug_tuple("Sub").field(uri).finish(),
            Self::SubProved(_) => f.write_str("SubProved"),
            Self::Unsub(uri) => f.debug_tuple("Unsub").field(uri).finish(),
            Self::Auth { scheme, .. } => f.debug_struct("Auth").field("scheme", scheme).finish_non_exhaustive(),
            Self::Dpop(_) => f.write_str("Dpop"),
            Self::Ping(rest) => f.debug_tuple("Ping").field(rest).finish(),
        }
    }
}

/// Why a message is not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misheard {
    /// The first word is none of a client's. Words are in lower case.
    #[error("Unrecognized message type: say sub, unsub, auth, dpop or ping")]
    Type,
    /// It is not one line, or not made of the words that its first word asks for.
    #[error("Unrecognized message format")]
    Format,
    /// `sub` or `unsub` without an absolute http(s) URI.
    #[error("Invalid URL: it must be absolute, with http or https, and nothing may follow it")]
    Uri,
    /// The URI is longer than [`MAX_URI`].
    #[error("URL too long: at most {MAX_URI} characters are read")]
    LongUri,
}

impl Misheard {
    /// Whether the client asked for something that it does not get; else it is only warned.
    pub fn is_error(self) -> bool {
        matches!(self, Self::Uri | Self::LongUri)
    }
}

impl<'a> Said<'a> {
    /// Reads one message.
    ///
    /// # Errors
    /// What is wrong with it. It says nothing of the text, of which part may be secret.
    pub fn parse(text: &'a str) -> Result<Self, Misheard> {
        if text.chars().any(char::is_control) {
            return Err(Misheard::Format);
        }
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        match word {
            // Some clients send a space behind the URI.
            "sub" if is_compact_jws(rest.trim_end_matches(' ')) => Ok(Self::SubProved(rest.trim_end_matches(' '))),
            "sub" => uri(rest).map(Self::Sub),
            "unsub" => uri(rest).map(Self::Unsub),
            "auth" => {
                let (scheme, token) = rest.split_once(' ').ok_or(Misheard::Format)?;
                let is_value = is_word(scheme) && is_word(token);
                is_value.then_some(Self::Auth { scheme, token }).ok_or(Misheard::Format)
            }
            "dpop" => Some(rest).filter(|proof| is_compact_jws(proof)).map(Self::Dpop).ok_or(Misheard::Format),
            "ping" => Ok(Self::Ping(rest)),
            _ => Err(Misheard::Type),
        }
    }
}

fn uri(rest: &str) -> Result<&str, Misheard> {
    let uri = rest.trim_end_matches(' ');
    let scheme = uri.split_once("://").filter(|(_, rest)| !rest.is_empty()).map(|(scheme, _)| scheme);
    let is_http = |scheme: &str| scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    if !is_word(uri) || !scheme.is_some_and(is_http) {
        return Err(Misheard::Uri);
    }
    if uri.chars().nth(MAX_URI).is_some() {
        return Err(Misheard::LongUri);
    }
    Ok(uri)
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && !text.contains(char::is_whitespace)
}

/// Three parts in the alphabet of Base64 for URLs.
///
/// Spec: <https://www.rfc-editor.org/rfc/rfc7515#section-7.1>
fn is_compact_jws(text: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    text.split('.').count() == 3 && text.split('.').all(is_part)
}

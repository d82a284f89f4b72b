//! HTTP message signatures: a receiver needs the published key alone to tell whose message it is.
//!
//! Signed are the method, the whole URL, the type and the digest of the body, and when that was. The query is named if
//! there is one: without it anybody could change it.
//!
//! Spec: <https://www.rfc-editor.org/rfc/rfc9421>, <https://www.rfc-editor.org/rfc/rfc9530>

use crate::push::SignError;
use aws_lc_rs::digest::{SHA256, digest};
use http::HeaderName;
use podbell_model::Timestamp;
use podbell_oidc::SigningKey;
use sfv::{DictSerializer, Integer, KeyRef, StringRef};
use std::fmt::Write as _;
use url::{Position, Url};

/// The digest of the body.
pub const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");
/// What is signed.
pub const SIGNATURE_INPUT: HeaderName = HeaderName::from_static("signature-input");
/// The signature.
pub const SIGNATURE: HeaderName = HeaderName::from_static("signature");

/// What the one signature of a message is called.
const LABEL: &str = "sig";

/// The header fields of a signature.
pub(super) struct HttpSignature {
    pub(super) content_digest: String,
    pub(super) input: String,
    pub(super) signature: String,
}

/// A component by its name, with its value.
type Component<'a> = (&'static str, &'a str);

/// Signs a POST.
pub(super) fn sign(
    key: &SigningKey,
    keyid: &str,
    target: &Url,
    content_type: &str,
    body: &[u8],
    created: Timestamp,
) -> Result<HttpSignature, SignError> {
    let content_digest = content_digest(body)?;
    let query = target.query().map(|query| format!("?{query}"));
    let mut components = vec![
        ("@method", "POST"),
        ("@scheme", target.scheme()),
        // The URL has its host in lower case, its default port left out, and a path.
        ("@authority", &target[Position::BeforeHost..Position::AfterPort]),
        ("@path", target.path()),
        ("content-type", content_type),
        ("content-digest", &content_digest),
    ];
    if let Some(query) = &query {
        components.push(("@query", query));
    }
    let params = params(&components, created, keyid)?;
    let signature = key.sign(base(&components, &params).as_bytes())?;
    Ok(HttpSignature { input: format!("{LABEL}={params}"), signature: bytes(LABEL, &signature)?, content_digest })
}

/// `Content-Digest` over the bytes that are sent.
pub fn content_digest(body: &[u8]) -> Result<String, SignError> {
    bytes("sha-256", digest(&SHA256, body).as_ref())
}

/// `key=:base64:`
fn bytes(key: &str, value: &[u8]) -> Result<String, SignError> {
    let mut dictionary = DictSerializer::new();
    let _ = dictionary.bare_item(name(key)?, value);
    dictionary.finish().ok_or(SignError::Receiver)
}

/// The value of `@signature-params`.
fn params(components: &[Component<'_>], created: Timestamp, keyid: &str) -> Result<String, SignError> {
    let text = |text| StringRef::from_str(text).map_err(|_| SignError::Receiver);
    let mut dictionary = DictSerializer::new();
    let mut list = dictionary.inner_list(name(LABEL)?);
    for (component, _) in components {
        let _ = list.bare_item(text(component)?);
    }
    let created = Integer::try_from(created.as_second()).map_err(|_| SignError::Receiver)?;
    list.finish().parameter(name("created")?, created).parameter(name("keyid")?, text(keyid)?);
    let input = dictionary.finish().ok_or(SignError::Receiver)?;
    input.strip_prefix(LABEL).and_then(|rest| rest.strip_prefix('=')).map(str::to_owned).ok_or(SignError::Receiver)
}

fn name(key: &str) -> Result<&KeyRef, SignError> {
    KeyRef::from_str(key).map_err(|_| SignError::Receiver)
}

/// What is signed in the end: a line for each component, and the parameters.
fn base(components: &[Component<'_>], params: &str) -> String {
    let mut base = String::new();
    for (component, value) in components {
        let _ = writeln!(base, "\"{component}\": {}", value.trim());
    }
    base + "\"@signature-params\": " + params
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use podbell_oidc::{Algorithm, PublicJwk};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    // RFC 9421 appendix B.2.4, with the key of B.1.3.
    #[test]
    fn the_example_of_the_specification_verifies() {
        let components = [
            ("@status", "200"),
            ("content-type", "application/json"),
            (
                "content-digest",
                "sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:",
            ),
            ("content-length", "23"),
        ];
        let params = params(&components, at(1_618_884_473), "test-key-ecc-p256").unwrap();
        assert_eq!(
            params,
            r#"("@status" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-ecc-p256""#
        );
        let key = r#"{"kty":"EC","crv":"P-256","x":"qIVYZVLCrPZHGHjP17CTW0_-D9Lfw0EkjqF7xB4FivA","y":"Mc4nN9LTDOBhfoUeg8Ye9WedFRhnZXZJA12Qp0zZ6F0"}"#;
        let key = PublicJwk::from_json(key.as_bytes()).unwrap();
        let signature = "wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+32oiasw==";
        let base = base(&components, &params);
        assert!(key.verify(Algorithm::Es256, base.as_bytes(), &STANDARD.decode(signature).unwrap()), "{base}");
    }

    // RFC 9530 appendix D, of the body without a line's end.
    #[test]
    fn the_digest_is_that_of_the_specification() {
        let digest = content_digest(br#"{"hello": "world"}"#).unwrap();
        assert_eq!(digest, "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:");
    }

    fn lines(url: &str) -> String {
        let key = SigningKey::generate(Algorithm::Es256).unwrap();
        let target = Url::parse(url).unwrap();
        let signed = sign(&key, "https://pod.example/s#k", &target, "application/ld+json", b"{}", at(7)).unwrap();
        let params = signed.input.strip_prefix("sig=").unwrap();
        let query = target.query().map(|query| format!("\"@query\": ?{query}\n")).unwrap_or_default();
        let base = format!(
            "\"@method\": POST\n\"@scheme\": {}\n\"@authority\": {}\n\"@path\": {}\n\"content-type\": application/ld+json\n\
             \"content-digest\": {}\n{query}\"@signature-params\": {params}",
            target.scheme(),
            &url[url.find("//").unwrap() + 2..].split('/').next().unwrap().to_lowercase().replace(":443", ""),
            target.path(),
            signed.content_digest,
        );
        let value = signed.signature.strip_prefix("sig=:").unwrap().strip_suffix(':').unwrap();
        let value = STANDARD.decode(value).unwrap();
        assert_eq!(value.len(), 64, "two numbers, no ASN.1");
        assert!(key.public().verify(Algorithm::Es256, base.as_bytes(), &value), "{base}");
        signed.input
    }

    #[test]
    fn the_url_is_signed_as_it_is_sent_and_its_query_if_there_is_one() {
        let plain = r#"sig=("@method" "@scheme" "@authority" "@path" "content-type" "content-digest");created=7;keyid="https://pod.example/s#k""#;
        for url in ["https://Hook.Example:443/a%20b/", "http://[::1]:8080/", "https://hook.example:8443/a;b=c"] {
            assert_eq!(lines(url), plain, "{url}");
        }
        for url in ["https://hook.example/a?", "https://hook.example/a?token=%20x&y"] {
            assert_eq!(lines(url), plain.replace(r#""content-digest")"#, r#""content-digest" "@query")"#), "{url}");
        }
    }

    #[test]
    fn what_cannot_be_quoted_is_refused() {
        let key = SigningKey::generate(Algorithm::Es256).unwrap();
        let target = Url::parse("https://hook.example/").unwrap();
        assert_eq!(sign(&key, "clé", &target, "text/plain", b"", at(7)).err(), Some(SignError::Receiver));
    }
}

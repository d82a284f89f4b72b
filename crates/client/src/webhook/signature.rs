//! An HTTP message signature, and what it is over.
//!
//! Spec: <https://www.rfc-editor.org/rfc/rfc9421#section-2.5>

use super::Refused;
use aws_lc_rs::{
    digest::{SHA256, digest},
    signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey},
};
use http::{HeaderMap, Request, Uri};
use sfv::{BareItem, Dictionary, FieldType as _, InnerList, ListEntry, Parser};
use std::fmt::Write as _;

/// What must be signed; `@query` too if there is one.
const COVERED: [&str; 6] = ["@method", "@scheme", "@authority", "@path", "content-type", "content-digest"];
const INPUT: &str = "signature-input";
const ALGORITHM: &str = "ecdsa-p256-sha256";

/// What somebody claims to have signed, and when; its body is the one that was signed if the signature is right.
#[derive(Debug)]
pub(super) struct Signed {
    pub(super) base: String,
    pub(super) keyid: String,
    pub(super) created: i64,
    pub(super) expires: Option<i64>,
    signature: Vec<u8>,
}

impl Signed {
    /// Reads the signature by which `sender` speaks; others may have signed too.
    pub(super) fn read<B: AsRef<[u8]>>(request: &Request<B>, sender: &str) -> Result<Self, Refused> {
        let digests = dictionary(request.headers(), "content-digest")?;
        if bytes(&digests, "sha-256") != Some(digest(&SHA256, request.body().as_ref()).as_ref()) {
            return Err(Refused::Digest);
        }
        let input = dictionary(request.headers(), INPUT)?;
        let signed = input.iter().find_map(|(label, entry)| match entry {
            ListEntry::InnerList(list) => {
                let keyid = list.params.get("keyid").and_then(BareItem::as_string)?.as_str();
                // The key of another sender says nothing about this one.
                (keyid.split_once('#')?.0 == sender).then(|| (label, list, keyid.to_owned()))
            }
            ListEntry::Item(_) => None,
        });
        let (label, list, keyid) = signed.ok_or(Refused::Stranger)?;
        let seconds = |name: &str| list.params.get(name).and_then(BareItem::as_integer).map(i64::from);
        let created = seconds("created").ok_or_else(|| Refused::Missing("created".to_owned()))?;
        if list.params.get("expires").is_some() && seconds("expires").is_none() {
            return Err(Refused::Malformed(INPUT));
        }
        if list.params.get("alg").is_some_and(|alg| alg.as_string().is_none_or(|alg| alg.as_str() != ALGORITHM)) {
            return Err(Refused::Malformed(INPUT));
        }
        let parameters = Dictionary::from_iter([(label.clone(), ListEntry::InnerList(list.clone()))]);
        let parameters = parameters.serialize().ok_or(Refused::Malformed(INPUT))?;
        let mut base = covered(request, list)?;
        // Writing to a text does not fail.
        let _ = write!(base, "\"@signature-params\": {}", &parameters[label.as_str().len() + 1..]);
        let signatures = dictionary(request.headers(), "signature")?;
        let signature = bytes(&signatures, label.as_str()).ok_or_else(|| Refused::Missing("signature".to_owned()))?;
        Ok(Self { base, keyid, created, expires: seconds("expires"), signature: signature.to_vec() })
    }

    /// Whether it is by that key.
    pub(super) fn verify(&self, point: &[u8]) -> Result<(), Refused> {
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
        key.verify(self.base.as_bytes(), &self.signature).map_err(|_| Refused::Signature)
    }
}

/// The lines of what is signed.
fn covered<B>(request: &Request<B>, list: &InnerList) -> Result<String, Refused> {
    let (mut base, mut names) = (String::new(), Vec::new());
    for item in &list.items {
        let name = item.bare_item.as_string().filter(|_| item.params.is_empty()).ok_or(Refused::Malformed(INPUT))?;
        let name = name.as_str();
        if names.contains(&name) {
            return Err(Refused::Malformed(INPUT));
        }
        let _ = writeln!(base, "\"{name}\": {}", component(request, name)?);
        names.push(name);
    }
    let query = request.uri().query().map(|_| "@query");
    match COVERED.into_iter().chain(query).find(|name| !names.contains(name)) {
        Some(name) => Err(Refused::NotCovered(name)),
        None => Ok(base),
    }
}

/// The value of a component that may be signed (RFC 9421 §2).
fn component<B>(request: &Request<B>, name: &str) -> Result<String, Refused> {
    let uri = request.uri();
    let url = || Refused::Missing("the URL".to_owned());
    Ok(match name {
        "@method" => request.method().to_string(),
        "@scheme" => uri.scheme_str().ok_or_else(url)?.to_ascii_lowercase(),
        "@authority" => authority(uri).ok_or_else(url)?,
        "@path" => uri.path().to_owned(),
        "@query" => format!("?{}", uri.query().unwrap_or_default()),
        derived if derived.starts_with('@') => return Err(Refused::Malformed(INPUT)),
        name => field(request.headers(), name)?,
    })
}

/// Host and port, without the port that the scheme has anyway.
fn authority(uri: &Uri) -> Option<String> {
    let host = uri.host()?.to_ascii_lowercase();
    let usual = match uri.scheme_str()? {
        "https" => 443,
        "http" => 80,
        _ => return None,
    };
    let port = uri.port_u16().filter(|port| *port != usual);
    Some(port.map_or(host.clone(), |port| format!("{host}:{port}")))
}

/// All lines of a field in one.
fn field(headers: &HeaderMap, name: &str) -> Result<String, Refused> {
    let lines: Option<Vec<_>> = headers.get_all(name).iter().map(|line| Some(line.to_str().ok()?.trim())).collect();
    lines
        .filter(|lines| !lines.is_empty())
        .map(|lines| lines.join(", "))
        .ok_or_else(|| Refused::Missing(name.to_owned()))
}

fn dictionary(headers: &HeaderMap, name: &'static str) -> Result<Dictionary, Refused> {
    Parser::new(&field(headers, name)?).parse().map_err(|_| Refused::Malformed(name))
}

fn bytes<'d>(dictionary: &'d Dictionary, key: &str) -> Option<&'d [u8]> {
    match dictionary.get(key)? {
        ListEntry::Item(item) => item.bare_item.as_byte_sequence(),
        ListEntry::InnerList(_) => None,
    }
}

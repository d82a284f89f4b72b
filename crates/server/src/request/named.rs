//! The pod that a client names by its host, where pods have origins of their own.
//!
//! Only one label in front of the base URL's name counts; every other name is the base URL's own, as if it had not been
//! said. A request that names two hosts would mean two pods to two servers on the way, and is refused.

use crate::problem::Problem;
use http::{HeaderMap, Uri, header};
use podbell_model::iri;
use std::sync::Arc;

/// The origin of a pod, if the request names one; `base` is the origin of the base URL.
pub(super) fn origin(uri: &Uri, headers: &HeaderMap, base: &str) -> Result<Option<Arc<str>>, Problem> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let authority = uri.authority().map(http::uri::Authority::as_str);
    if let (Some(host), Some(authority)) = (host, authority)
        && !host.eq_ignore_ascii_case(authority)
    {
        return Err(Problem::bad_request("the request names two hosts"));
    }
    Ok(authority.or(host).and_then(|host| below(host, base)))
}

/// The origin at one label below the base.
fn below(host: &str, base: &str) -> Option<Arc<str>> {
    if !is_plain(host) {
        return None;
    }
    let (scheme, authority) = base.split_once("://")?;
    let origin = iri::origin(&format!("{scheme}://{host}")).ok()?;
    let label = origin.split_once("://")?.1.strip_suffix(authority)?.strip_suffix('.')?;
    is_label(label).then(|| origin.as_str().into())
}

/// Whether a host is spelled as it is: parsers of URLs know others (`%2e`, tabs) that another server on the way does not.
pub(super) fn is_plain(host: &str) -> bool {
    host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.:".contains(&byte))
}

/// Whether it is one label of a host name, in its normal form.
///
/// Spec: RFC 1123 §2.1
pub(crate) fn is_label(label: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&label.len()) && label.bytes().all(plain) && !label.starts_with('-') && !label.ends_with('-')
}

//! Parameters of a query or a form.
//!
//! Spec: RFC 6749 §3.1: a parameter without a value is as if it were omitted, and none may be repeated.

use crate::{ErrorCode, OAuthError};
use std::collections::BTreeMap;
use url::form_urlencoded;

/// Most bytes of a query or form.
const MAX_BYTES: usize = 16 * 1024;
/// Most parameters.
const MAX_COUNT: usize = 64;

/// Parameters by name.
#[derive(Default)]
pub(crate) struct Params(BTreeMap<String, String>);

impl Params {
    pub(crate) fn parse(text: &str) -> Result<Self, OAuthError> {
        let invalid = |description| Err(OAuthError::new(ErrorCode::InvalidRequest, description));
        if text.len() > MAX_BYTES {
            return invalid("the request is too long");
        }
        let mut params = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            if params.len() == MAX_COUNT {
                return invalid("the request has too many parameters");
            }
            if params.insert(name.into_owned(), value.into_owned()).is_some() {
                return invalid("a parameter is repeated");
            }
        }
        params.retain(|_, value| !value.is_empty());
        Ok(Self(params))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(crate) fn require(&self, name: &str, missing: &'static str) -> Result<&str, OAuthError> {
        self.get(name).ok_or_else(|| OAuthError::new(ErrorCode::InvalidRequest, missing))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The named ones as a query, in that order.
    pub(crate) fn query_of(&self, names: &[&str]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(names.iter().filter_map(|name| Some((name, self.get(name)?))));
        query.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_parameter_is_none_and_a_repeated_one_is_refused() {
        let params = Params::parse("a=&b=x%20y+z").unwrap();
        assert_eq!((params.get("a"), params.get("b")), (None, Some("x y z")));
        assert!(Params::parse("a=1&b=2&a=1").is_err());
        assert!(Params::parse(&"x".repeat(MAX_BYTES + 1)).is_err());
    }
}

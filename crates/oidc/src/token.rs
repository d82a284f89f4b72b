//! The claims of an access token, checked as far as that is possible before its issuer is asked.
//!
//! Nothing here makes a token believed; it makes a token worth a look.
//!
//! Spec: <https://solidproject.org/TR/oidc#resource-access-validation>, <https://www.rfc-editor.org/rfc/rfc9068>

use crate::config::Config;
use crate::json::{self, Object};
use crate::jws::{Jws, JwsError};
use podbell_model::{Timestamp, WebId};
use serde_json::Value;
use std::sync::Arc;
use url::{Host, Url};

/// Longest name of a key or of a client that is read, in bytes.
const MAX_NAME: usize = 2_048;

/// Why an access token is refused. Texts quote nothing of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// Not a signed token of an accepted algorithm.
    #[error("the access token is no acceptable JWS: {0}")]
    Jws(#[from] JwsError),
    /// A header that another kind of token has, or that brings its own key.
    #[error("the header {0} of the access token is not acceptable")]
    Header(&'static str),
    /// A claim is absent or of the wrong form.
    #[error("the claim {0} of the access token is absent or malformed")]
    Claim(&'static str),
    /// Not made for Solid.
    #[error("the access token is not for the audience solid")]
    Audience,
    /// Not made for this server, or not for it alone.
    #[error("the access token is not for the realm of this server alone")]
    Realm,
    /// It has ended.
    #[error("the access token has expired")]
    Expired,
    /// It begins in the future.
    #[error("the access token is not valid yet")]
    NotYet,
    /// It is older than this server accepts, whatever it says about its end.
    #[error("the access token is too old")]
    Old,
    /// Its issuer is none of those that are accepted here.
    #[error("the issuer of the access token is not accepted here")]
    Issuer,
}

/// The claims of a token that nobody has believed yet.
pub(crate) struct Claims {
    pub(crate) issuer: Arc<str>,
    pub(crate) webid: WebId,
    pub(crate) client: Option<Arc<str>>,
    pub(crate) jkt: Option<Arc<str>>,
    pub(crate) kid: Option<String>,
    pub(crate) expires: Timestamp,
}

impl Claims {
    pub(crate) fn read(jws: &Jws<'_>, now: Timestamp, config: &Config) -> Result<Self, TokenError> {
        let kid = read_header(&jws.header)?;
        let claims = &jws.claims;
        let expires = check_times(claims, now, config)?;
        if !is_for_solid(claims) {
            return Err(TokenError::Audience);
        }
        let issuer = json::text(claims, "iss").ok_or(TokenError::Claim("iss"))?;
        let url = http_url(issuer, config.development).ok_or(TokenError::Claim("iss"))?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(TokenError::Claim("iss"));
        }
        if config.issuers.as_ref().is_some_and(|issuers| !issuers.iter().any(|listed| listed == issuer)) {
            return Err(TokenError::Issuer);
        }
        let webid = match claims.get("webid") {
            None if config.webid_from_sub => json::text(claims, "sub"),
            _ => json::text(claims, "webid"),
        };
        let webid = webid.filter(|webid| http_url(webid, config.development).is_some());
        Ok(Self {
            issuer: issuer.into(),
            webid: WebId::new(webid.ok_or(TokenError::Claim("webid"))?),
            client: client(claims)?,
            jkt: thumbprint(claims)?,
            kid,
            expires,
        })
    }
}

pub(crate) fn read_header(header: &Object) -> Result<Option<String>, TokenError> {
    for name in ["jwk", "x5c"] {
        if header.contains_key(name) {
            return Err(TokenError::Header(name));
        }
    }
    // A proof, a log-out token or a client's assertion is signed as well, but it is no access token.
    match header.get("typ") {
        None => {}
        Some(Value::String(typ)) => {
            let typ = typ.to_ascii_lowercase();
            let typ = typ.strip_prefix("application/").unwrap_or(&typ);
            if !matches!(typ, "at+jwt" | "jwt") {
                return Err(TokenError::Header("typ"));
            }
        }
        Some(_) => return Err(TokenError::Header("typ")),
    }
    match header.get("kid") {
        None => Ok(None),
        Some(Value::String(kid)) if kid.len() <= MAX_NAME => Ok(Some(kid.clone())),
        Some(_) => Err(TokenError::Header("kid")),
    }
}

/// The end of the token, as it says, but never later than its greatest age.
pub(crate) fn check_times(claims: &Object, now: Timestamp, config: &Config) -> Result<Timestamp, TokenError> {
    let date = |name| json::date(claims, name).ok_or(TokenError::Claim(name));
    let later = |time: Timestamp, by| time.checked_add(by).unwrap_or(Timestamp::MAX);
    let (issued_at, expires) = (date("iat")?, date("exp")?);
    if later(expires, config.skew) <= now {
        return Err(TokenError::Expired);
    }
    let begins = if claims.contains_key("nbf") { date("nbf")?.max(issued_at) } else { issued_at };
    if begins >= later(now, config.skew) {
        return Err(TokenError::NotYet);
    }
    let oldest = later(issued_at, config.max_token_age);
    if oldest < now {
        return Err(TokenError::Old);
    }
    Ok(expires.min(oldest))
}

fn is_for_solid(claims: &Object) -> bool {
    match claims.get("aud") {
        Some(Value::String(audience)) => audience == "solid",
        Some(Value::Array(audiences)) => audiences.iter().any(|audience| audience == "solid"),
        _ => false,
    }
}

pub(crate) fn client(claims: &Object) -> Result<Option<Arc<str>>, TokenError> {
    for name in ["azp", "client_id"] {
        match claims.get(name) {
            None | Some(Value::Null) => {}
            Some(Value::String(client)) if client.len() <= MAX_NAME => return Ok(Some(client.as_str().into())),
            Some(_) => return Err(TokenError::Claim(name)),
        }
    }
    Ok(None)
}

pub(crate) fn thumbprint(claims: &Object) -> Result<Option<Arc<str>>, TokenError> {
    match claims.get("cnf") {
        None => Ok(None),
        Some(Value::Object(confirmation)) => match json::text(confirmation, "jkt") {
            Some(jkt) => Ok(Some(jkt.into())),
            None => Err(TokenError::Claim("cnf")),
        },
        Some(_) => Err(TokenError::Claim("cnf")),
    }
}

/// An absolute https IRI; `http` only on loopback in development.
pub(crate) fn http_url(iri: &str, development: bool) -> Option<Url> {
    let url = podbell_egress::parse(iri).ok()?;
    let loopback = || match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    (url.scheme() == "https" || development && loopback()).then_some(url)
}

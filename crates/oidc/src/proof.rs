//! DPoP proofs: that whoever presents a token holds the key that it is bound to, for this request, now.
//!
//! A proof proves nothing about the token's issuer; anybody can make one with a key of their own. Whether it was used
//! before is the business of [`crate::replay`], after everything else.
//!
//! Spec: <https://www.rfc-editor.org/rfc/rfc9449#section-4.3>

use crate::json;
use crate::jwk::{JwkError, PublicJwk};
use crate::jws::{self, Jws, JwsError};
use crate::target;
use podbell_model::Timestamp;
use serde_json::Value;
use std::time::Duration;

/// Longest `jti`, in characters.
pub const MAX_JTI: usize = 256;

/// What a proof is held to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofRules {
    /// How old it may be; 120 s tolerates clients whose clock is slow.
    pub max_age: Duration,
    /// How far in the future it may seem to be; 60 s.
    pub skew: Duration,
    /// Whether a proof beside a token needs `ath`. RFC 9449 demands it; deployed clients do not send it.
    pub require_ath: bool,
}

impl Default for ProofRules {
    fn default() -> Self {
        Self { max_age: Duration::from_mins(2), skew: Duration::from_mins(1), require_ath: false }
    }
}

/// A proof whose signature and claims are good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The RFC 7638 thumbprint of its key.
    pub jkt: String,
    /// Its name, unique to the key; not empty, at most [`MAX_JTI`] characters.
    pub jti: String,
    /// The URI that it is for, normalised, without query and fragment.
    pub htu: String,
    /// When its maker says that it was made.
    pub issued_at: Timestamp,
    /// The last instant at which it would be accepted: so long it must be remembered.
    pub expires: Timestamp,
}

/// Why a proof is refused. Texts quote nothing of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// Not a signed token of an accepted algorithm.
    #[error("the proof is no acceptable JWS: {0}")]
    Jws(#[from] JwsError),
    /// `typ` is not exactly `dpop+jwt`.
    #[error("the type of the proof is not dpop+jwt")]
    Type,
    /// Its `jwk` is absent or no acceptable public key.
    #[error("the key of the proof is not acceptable: {0}")]
    Key(#[from] JwkError),
    /// The algorithm is none for that key.
    #[error("the algorithm of the proof does not fit its key")]
    Algorithm,
    /// Not signed by its own key.
    #[error("the signature of the proof is wrong")]
    Signature,
    /// A claim is absent or of the wrong form.
    #[error("the claim {0} of the proof is absent or malformed")]
    Claim(&'static str),
    /// Made for another method.
    #[error("the proof is for another method")]
    Method,
    /// Made for another URI.
    #[error("the proof is for another URI")]
    Uri,
    /// Made longer ago than is accepted.
    #[error("the proof is {age:?} old, the limit is {limit:?}")]
    Stale {
        /// How old it is.
        age: Duration,
        /// How old it may be.
        limit: Duration,
    },
    /// Made in the future.
    #[error("the proof is {ahead:?} ahead, the limit is {limit:?}")]
    Future {
        /// How far ahead it is.
        ahead: Duration,
        /// How far it may be.
        limit: Duration,
    },
    /// `ath` is required and absent, or that of another token.
    #[error("the proof is not for this access token")]
    AccessToken,
}

/// What a proof must have been made for.
pub(crate) enum Purpose<'p> {
    /// One request: that method, exactly, and that URI.
    Request { method: &'p str, uri: &'p str },
    /// A line on a socket: one of these methods in any case, and a URI, normalised, that is one of those.
    Line { methods: &'p [&'p str], is_for: &'p (dyn Fn(&str) -> bool + Sync) },
}

impl Purpose<'_> {
    fn accepts(&self, given: &str) -> bool {
        match self {
            Self::Request { method, .. } => given == *method,
            Self::Line { methods, .. } => methods.iter().any(|method| method.eq_ignore_ascii_case(given)),
        }
    }

    /// The normal form of what the proof names, if it is meant.
    fn place(&self, htu: &str) -> Result<String, ProofError> {
        let normal = match self {
            Self::Request { .. } => target::normalise(htu),
            Self::Line { .. } => target::normalise_socket(htu),
        };
        let normal = normal.ok_or(ProofError::Claim("htu"))?;
        let is_meant = match self {
            Self::Request { uri, .. } => target::normalise(uri).is_some_and(|uri| uri == normal),
            Self::Line { is_for, .. } => is_for(&normal),
        };
        if is_meant { Ok(normal) } else { Err(ProofError::Uri) }
    }
}

/// Verifies form, signature and claims of a proof for one request, as an absolute URI that the server knows itself by.
///
/// `access_token` is the token that the proof stands beside; none at a token endpoint. Whether the key is the one that
/// the token is bound to, and whether the proof is used for the first time, is left to the caller.
pub fn verify_proof(
    proof: &str,
    method: &str,
    uri: &str,
    now: Timestamp,
    rules: &ProofRules,
    access_token: Option<&str>,
) -> Result<Proof, ProofError> {
    Ok(verify_proof_for(proof, &Purpose::Request { method, uri }, now, rules, access_token)?.0)
}

/// The same for any purpose; with the URI as the proof spells it.
pub(crate) fn verify_proof_for(
    proof: &str,
    purpose: &Purpose<'_>,
    now: Timestamp,
    rules: &ProofRules,
    access_token: Option<&str>,
) -> Result<(Proof, String), ProofError> {
    let jws = Jws::parse(proof)?;
    if json::text(&jws.header, "typ") != Some("dpop+jwt") {
        return Err(ProofError::Type);
    }
    let Some(Value::Object(key)) = jws.header.get("jwk") else {
        return Err(ProofError::Key(JwkError::Malformed));
    };
    let key = PublicJwk::parse(key)?;
    if !key.fits(jws.algorithm) {
        return Err(ProofError::Algorithm);
    }
    let text = |name| json::text(&jws.claims, name).ok_or(ProofError::Claim(name));
    // The claims cost nothing; the signature is looked at last.
    let jti = text("jti")?;
    if jti.is_empty() || jti.chars().nth(MAX_JTI).is_some() {
        return Err(ProofError::Claim("jti"));
    }
    if !purpose.accepts(text("htm")?) {
        return Err(ProofError::Method);
    }
    let spelled = text("htu")?;
    let htu = purpose.place(spelled)?;
    let issued_at = json::date(&jws.claims, "iat").ok_or(ProofError::Claim("iat"))?;
    let expires = check_age(issued_at, now, rules)?;
    if let Some(token) = access_token {
        match jws.claims.get("ath") {
            None if !rules.require_ath => {}
            Some(Value::String(ath)) if *ath == jws::sha256(token.as_bytes()) => {}
            _ => return Err(ProofError::AccessToken),
        }
    }
    if !key.verify(jws.algorithm, jws.message, &jws.signature) {
        return Err(ProofError::Signature);
    }
    let proof = Proof { jkt: key.thumbprint().to_owned(), jti: jti.to_owned(), htu, issued_at, expires };
    Ok((proof, spelled.to_owned()))
}

/// Both ends of the window belong to it. The answer is the last instant at which the proof is accepted.
fn check_age(issued_at: Timestamp, now: Timestamp, rules: &ProofRules) -> Result<Timestamp, ProofError> {
    let age = now.duration_since(issued_at);
    if age.is_negative() {
        let ahead = age.unsigned_abs();
        if ahead > rules.skew {
            return Err(ProofError::Future { ahead, limit: rules.skew });
        }
    } else if age.unsigned_abs() > rules.max_age {
        return Err(ProofError::Stale { age: age.unsigned_abs(), limit: rules.max_age });
    }
    issued_at.checked_add(rules.max_age).map_err(|_| ProofError::Claim("iat"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::algorithm::Algorithm;
    use crate::prove::SigningKey;
    use serde_json::json;

    const URI: &str = "https://pod.example/a";

    fn now() -> Timestamp {
        Timestamp::from_second(1_800_000_000).unwrap()
    }

    fn after(seconds: i64) -> Timestamp {
        Timestamp::from_second(now().as_second() + seconds).unwrap()
    }

    fn check(proof: &str) -> Result<Proof, ProofError> {
        verify_proof(proof, "GET", URI, now(), &ProofRules::default(), Some("token"))
    }

    /// A proof whose header and claims are good but for one change, signed by its own key.
    fn changed(change: impl FnOnce(&mut Value, &mut Value)) -> String {
        let key = SigningKey::generate(Algorithm::Es256).unwrap();
        let mut header = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": key.public_value()});
        let mut claims = json!({"jti": "one", "htm": "GET", "htu": URI, "iat": now().as_second()});
        change(&mut header, &mut claims);
        key.sign_parts(&header, &claims).unwrap()
    }

    #[test]
    fn a_good_proof_of_every_algorithm_passes() {
        for algorithm in Algorithm::ALL {
            let key = SigningKey::generate(algorithm).unwrap();
            let proof = key.prove("GET", URI, "one", now(), None).unwrap();
            let proof = check(&proof).unwrap();
            assert_eq!(proof.jkt, key.thumbprint());
            assert_eq!((proof.jti.as_str(), proof.htu.as_str()), ("one", URI));
            assert_eq!(proof.expires, after(120));
        }
        check(&changed(|_, _| ())).unwrap();
    }

    #[test]
    fn each_fault_of_the_header_is_refused() {
        let refused = |change: fn(&mut Value)| check(&changed(|header, _| change(header))).unwrap_err();
        for typ in [json!("jwt"), json!("DPOP+JWT"), json!("application/dpop+jwt"), json!(null), json!(7)] {
            let proof = changed(|header, _| header["typ"] = typ.clone());
            assert_eq!(check(&proof), Err(ProofError::Type), "{typ}");
        }
        assert_eq!(refused(|h| h["alg"] = "none".into()), ProofError::Jws(JwsError::Algorithm));
        assert_eq!(refused(|h| h["alg"] = "HS256".into()), ProofError::Jws(JwsError::Algorithm));
        assert_eq!(refused(|h| h["alg"] = "RS256".into()), ProofError::Algorithm);
        assert_eq!(refused(|h| h["alg"] = "ES384".into()), ProofError::Algorithm);
        assert_eq!(refused(|h| h["crit"] = json!(["exp"])), ProofError::Jws(JwsError::Header));
        assert_eq!(refused(|h| h["jwk"] = json!(null)), ProofError::Key(JwkError::Malformed));
        assert_eq!(refused(|h| h["jwk"]["d"] = "AQAB".into()), ProofError::Key(JwkError::Private));
        assert_eq!(refused(|h| h["jwk"]["x"] = "A".repeat(43).into()), ProofError::Signature);
    }

    #[test]
    fn each_fault_of_the_claims_is_refused() {
        let refused = |change: &dyn Fn(&mut Value)| check(&changed(|_, claims| change(claims))).unwrap_err();
        for name in ["jti", "htm", "htu", "iat"] {
            let absent = refused(&|claims| drop(claims.as_object_mut().unwrap().remove(name)));
            assert_eq!(absent, ProofError::Claim(name));
            assert_eq!(refused(&|claims| claims[name] = json!(null)), ProofError::Claim(name));
        }
        assert_eq!(refused(&|c| c["jti"] = "".into()), ProofError::Claim("jti"));
        assert_eq!(refused(&|c| c["jti"] = "é".repeat(MAX_JTI + 1).into()), ProofError::Claim("jti"));
        check(&changed(|_, c| c["jti"] = "é".repeat(MAX_JTI).into())).unwrap();
        assert_eq!(refused(&|c| c["htm"] = "POST".into()), ProofError::Method);
        assert_eq!(refused(&|c| c["htm"] = "get".into()), ProofError::Method);
        for other in
            ["https://pod.example/b", "https://evil.example/a", "https://pod.example:444/a", "http://pod.example/a"]
        {
            assert_eq!(refused(&|c| c["htu"] = other.into()), ProofError::Uri, "{other}");
        }
        assert_eq!(refused(&|c| c["htu"] = "/a".into()), ProofError::Claim("htu"));
        for same in ["HTTPS://POD.example:443/a?q#f", "https://pod.example/%61"] {
            check(&changed(|_, c| c["htu"] = same.into())).unwrap();
        }
    }

    #[test]
    fn the_window_holds_at_both_edges() {
        let at = |seconds: i64| check(&changed(|_, claims| claims["iat"] = after(seconds).as_second().into()));
        at(-120).unwrap();
        at(60).unwrap();
        assert!(matches!(at(-121), Err(ProofError::Stale { .. })));
        assert!(matches!(at(61), Err(ProofError::Future { .. })));
    }

    #[test]
    fn ath_is_checked_when_present_and_required_when_set() {
        let strict = ProofRules { require_ath: true, ..ProofRules::default() };
        let key = SigningKey::generate(Algorithm::Es256).unwrap();
        let make = |token| key.prove("GET", URI, "one", now(), token).unwrap();
        for rules in [ProofRules::default(), strict.clone()] {
            verify_proof(&make(Some("token")), "GET", URI, now(), &rules, Some("token")).unwrap();
            let wrong = verify_proof(&make(Some("other")), "GET", URI, now(), &rules, Some("token"));
            assert_eq!(wrong, Err(ProofError::AccessToken));
        }
        check(&make(None)).unwrap();
        let absent = verify_proof(&make(None), "GET", URI, now(), &strict, Some("token"));
        assert_eq!(absent, Err(ProofError::AccessToken));
        verify_proof(&make(None), "POST", URI, now(), &strict, None).unwrap_err();
        verify_proof(&make(None), "GET", URI, now(), &strict, None).unwrap();
    }

    #[test]
    fn a_changed_proof_is_no_proof() {
        let key = SigningKey::generate(Algorithm::Es256).unwrap();
        let one = key.prove("GET", URI, "one", now(), None).unwrap();
        let two = key.prove("GET", URI, "two", now(), None).unwrap();
        let mixed = format!("{}.{}", two.rsplit_once('.').unwrap().0, one.rsplit_once('.').unwrap().1);
        assert_eq!(check(&mixed), Err(ProofError::Signature));
        let zeroes = format!("{}.{}", one.rsplit_once('.').unwrap().0, jws::encode([0; 64]));
        assert_eq!(check(&zeroes), Err(ProofError::Signature));
        let bearer = key.sign_parts(&json!({"typ": "at+jwt", "alg": "ES256"}), &json!({"iss": "https://op.example/"}));
        assert_eq!(check(&bearer.unwrap()), Err(ProofError::Type));
    }
}

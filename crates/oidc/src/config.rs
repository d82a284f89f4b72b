//! Settings of verification.

use crate::proof::ProofRules;
use std::time::Duration;

/// What is accepted. The default is strict wherever deployed clients allow it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// What proofs are held to.
    pub proof: ProofRules,
    /// How far the clocks of issuers may differ from ours.
    pub skew: Duration,
    /// How old a token may be, whatever it says about its end.
    pub max_token_age: Duration,
    /// Whether a token that is bound to no key may be presented as `Bearer`. A bound one never may.
    pub unbound_bearer: bool,
    /// Whether `sub` stands in for an absent `webid`, if it is an http(s) IRI.
    pub webid_from_sub: bool,
    /// If set, the only issuers whose tokens are looked at, exactly as they write themselves.
    pub issuers: Option<Vec<String>>,
    /// Whether WebIDs and issuers may be `http` on loopback.
    pub development: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            proof: ProofRules::default(),
            skew: Duration::from_mins(1),
            max_token_age: Duration::from_hours(24),
            unbound_bearer: false,
            webid_from_sub: false,
            issuers: None,
            development: false,
        }
    }
}

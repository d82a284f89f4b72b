//! The signature algorithms that tokens and proofs may use.
//!
//! All are asymmetric; `none` and the HMAC family are no members of the type, so no key can be mistaken for a secret.
//!
//! Spec: <https://www.rfc-editor.org/rfc/rfc7518#section-3.1>, <https://www.rfc-editor.org/rfc/rfc8037>

use std::fmt;

/// A signature algorithm, by its name in JOSE headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// ECDSA with P-256 and SHA-256.
    Es256,
    /// ECDSA with P-384 and SHA-384.
    Es384,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// Ed25519.
    EdDsa,
}

impl Algorithm {
    /// Every accepted algorithm, the preferred first.
    pub const ALL: [Self; 5] = [Self::Es256, Self::Es384, Self::EdDsa, Self::Ps256, Self::Rs256];

    /// The names of all, separated by spaces: the `algs` parameter of a DPoP challenge.
    pub const NAMES: &'static str = "ES256 ES384 EdDSA PS256 RS256";

    /// Its registered name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Ps256 => "PS256",
            Self::Rs256 => "RS256",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The algorithm of a registered name, case-sensitive; none for every other name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_asymmetric_algorithms_have_a_name() {
        for name in ["none", "None", "HS256", "HS512", "RS1", "es256", "ES256K", "RSA-OAEP", ""] {
            assert_eq!(Algorithm::from_name(name), None, "{name}");
        }
        assert_eq!(Algorithm::ALL.map(Algorithm::name).join(" "), Algorithm::NAMES);
    }
}

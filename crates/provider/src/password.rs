//! Passwords: PBKDF2 with a salt per account, written as `pbkdf2-sha512$rounds$salt$hash`.

use crate::store::PasswordHash;
use aws_lc_rs::{error::Unspecified, pbkdf2};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use std::num::NonZeroU32;

/// Rounds of new hashes; old ones carry their own number.
const ROUNDS: NonZeroU32 = NonZeroU32::new(210_000).unwrap();
/// Most rounds that are tried, so that a damaged row cannot stall a log-in.
const MAX_ROUNDS: u32 = 10_000_000;
/// Longest password, in bytes.
pub(crate) const MAX_PASSWORD: usize = 1_024;
const SCHEME: &str = "pbkdf2-sha512";

/// Hashes a password; takes about a tenth of a second.
pub(crate) fn hash(password: &str) -> Result<PasswordHash, Unspecified> {
    let salt: [u8; 16] = crate::random::bytes()?;
    let mut out = [0; 32];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA512, ROUNDS, &salt, password.as_bytes(), &mut out);
    let [salt, out] = [STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(out)];
    Ok(PasswordHash(format!("{SCHEME}${ROUNDS}${salt}${out}").into()))
}

/// Whether it is the password. Without a hash it takes as long and is not, so that time tells no account's name.
pub(crate) fn verify(password: &str, kept: Option<&PasswordHash>) -> bool {
    let parsed = kept.and_then(|kept| parse(&kept.0));
    let known = parsed.is_some();
    let (rounds, salt, hash) = parsed.unwrap_or_else(|| (ROUNDS, vec![0; 16], vec![0; 32]));
    pbkdf2::verify(pbkdf2::PBKDF2_HMAC_SHA512, rounds, &salt, password.as_bytes(), &hash).is_ok() && known
}

fn parse(text: &str) -> Option<(NonZeroU32, Vec<u8>, Vec<u8>)> {
    let mut parts = text.split('$');
    let (scheme, rounds, salt, hash) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let rounds = rounds.parse().ok().filter(|rounds: &NonZeroU32| (1_000..=MAX_ROUNDS).contains(&rounds.get()))?;
    let (salt, hash) = (STANDARD_NO_PAD.decode(salt).ok()?, STANDARD_NO_PAD.decode(hash).ok()?);
    (scheme == SCHEME && parts.next().is_none() && hash.len() == 32).then_some((rounds, salt, hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_password_opens() {
        let kept = hash("correct horse").unwrap();
        assert!(verify("correct horse", Some(&kept)));
        assert!(!verify("correct horsE", Some(&kept)));
        assert!(!verify("", Some(&kept)));
        assert!(!verify("correct horse", None));
    }

    #[test]
    fn a_damaged_hash_opens_to_nobody() {
        for text in ["", "x", "pbkdf2-sha512$1$AAAA$AAAA", "plain$210000$AAAA$AAAA", "pbkdf2-sha512$210000$AAAA$"] {
            assert!(!verify("", Some(&PasswordHash(text.into()))), "{text}");
        }
    }

    #[test]
    fn equal_passwords_have_different_hashes() {
        assert_ne!(hash("same").unwrap(), hash("same").unwrap());
    }
}

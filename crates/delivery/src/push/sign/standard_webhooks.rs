//! The headers of Standard Webhooks, for receivers that share a secret with this server.
//!
//! Every live secret signs, so a receiver may change to a new one whenever it likes while both live.
//!
//! Spec: <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>

use crate::push::SignError;
use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::HeaderName;
use podbell_hub::Secret;
use podbell_model::{Timestamp, Uuid};

/// The id of the message.
pub const ID: HeaderName = HeaderName::from_static("webhook-id");
/// When this attempt was made, in seconds.
pub const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
/// The signatures, separated by spaces.
pub const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

const PREFIX: &str = "whsec_";
/// Bytes of a secret: whatever else is kept as one would sign weakly.
const LENGTH: std::ops::RangeInclusive<usize> = 24..=64;

fn key(secret: &str) -> Result<Vec<u8>, SignError> {
    let key = secret.strip_prefix(PREFIX).and_then(|text| STANDARD.decode(text).ok());
    key.filter(|key| LENGTH.contains(&key.len())).ok_or(SignError::Receiver)
}

/// The header fields of a signature.
pub(super) struct StandardWebhook {
    pub(super) id: String,
    pub(super) timestamp: String,
    pub(super) signature: String,
}

/// Signs with every secret that lives at `now`; none if there is none.
pub(super) fn sign(
    secrets: &[Secret],
    message: Uuid,
    body: &[u8],
    now: Timestamp,
) -> Result<Option<StandardWebhook>, SignError> {
    let (id, timestamp) = (message.urn().to_string(), now.as_second().to_string());
    let mut signatures = Vec::new();
    for secret in secrets.iter().filter(|secret| secret.until.is_none_or(|until| now < until)) {
        let key = key(&secret.text)?;
        signatures.push(signature(&key, &id, &timestamp, body));
    }
    Ok((!signatures.is_empty()).then(|| StandardWebhook { id, timestamp, signature: signatures.join(" ") }))
}

fn signature(key: &[u8], id: &str, timestamp: &str, body: &[u8]) -> String {
    let mut signed = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        signed.update(part);
    }
    format!("v1,{}", STANDARD.encode(signed.sign()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: usize, byte: u8) -> String {
        format!("{PREFIX}{}", STANDARD.encode(vec![byte; bytes]))
    }

    fn secret(text: &str, until: Option<i64>) -> Secret {
        Secret { text: text.into(), until: until.map(|second| Timestamp::from_second(second).unwrap()) }
    }

    // That of the reference libraries.
    #[test]
    fn the_known_example_is_met() {
        let key = key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed = signature(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", br#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn every_live_secret_signs_and_no_other() {
        let (new, old) = (text(32, 1), text(24, 2));
        let secrets = [secret(&new, None), secret(&old, Some(100))];
        let signed = |second| {
            let signed = sign(&secrets, Uuid::nil(), b"{}", Timestamp::from_second(second).unwrap()).unwrap().unwrap();
            assert_eq!(signed.id, "urn:uuid:00000000-0000-0000-0000-000000000000");
            assert_eq!(signed.timestamp, second.to_string());
            signed.signature.split(' ').map(str::to_owned).collect::<Vec<_>>()
        };
        let of = |secret: &str, second: &str| {
            signature(&key(secret).unwrap(), "urn:uuid:00000000-0000-0000-0000-000000000000", second, b"{}")
        };
        assert_eq!(signed(99), [of(&new, "99"), of(&old, "99")]);
        assert_eq!(signed(100), [of(&new, "100")]);
        assert!(sign(&[], Uuid::nil(), b"{}", Timestamp::UNIX_EPOCH).unwrap().is_none());
    }

    #[test]
    fn secrets_are_long_enough_and_not_too_long() {
        for (bytes, good) in [(0, false), (23, false), (24, true), (64, true), (65, false)] {
            assert_eq!(key(&text(bytes, 7)).is_ok(), good, "{bytes}");
        }
        for text in ["", "whsec_", "whsec_!", &STANDARD.encode([7; 32]), &format!("whpk_{}", STANDARD.encode([7; 32]))]
        {
            assert_eq!(key(text), Err(SignError::Receiver), "{text}");
        }
        assert!(sign(&[secret("whsec_", None)], Uuid::nil(), b"", Timestamp::UNIX_EPOCH).is_err());
    }
}

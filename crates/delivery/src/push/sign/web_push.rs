//! Web Push: a body that only the browser can read, and a token by which its push service knows this server again.
//!
//! Spec: <https://www.rfc-editor.org/rfc/rfc8030>, <https://www.rfc-editor.org/rfc/rfc8291>,
//! <https://www.rfc-editor.org/rfc/rfc8292>

mod cryptography;

use super::per_origin::PerOrigin;
use crate::push::SignError;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use podbell_hub::PushKeys;
use podbell_model::Timestamp;
use podbell_oidc::{KeyError, SigningKey};
use serde_json::json;
use std::time::Duration;
use url::Url;

/// The longest message. Push services take 4096 bytes, which leaves 3993; messages are filled up to a multiple of 128
/// bytes, so that their length tells little, and at least by one.
pub const MAX_PAYLOAD: usize = 31 * 128 - 1;
/// How long a token for a push service is good; twice as much is allowed.
pub const LIFE: Duration = Duration::from_hours(12);

/// A browser that is off for four weeks, the most that push services keep a message, misses nothing.
pub(super) const FIELDS: [(&str, &str); 4] = [
    ("content-type", "application/octet-stream"),
    ("content-encoding", "aes128gcm"),
    ("ttl", "2419200"),
    ("urgency", "normal"),
];

/// Gives the crate that writes the format the cryptography that everything here uses. Only the first call counts.
pub(super) fn prepare() {
    let _ = ece::crypto::set_cryptographer(&cryptography::AwsLc);
}

/// Encrypts a message for a receiver.
pub(super) fn encrypt(keys: &PushKeys, message: &[u8]) -> Result<Vec<u8>, SignError> {
    if message.len() > MAX_PAYLOAD {
        return Err(SignError::Receiver);
    }
    let sized = |text: &str, size| {
        let bytes = URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).map_err(|_| SignError::Receiver)?;
        if bytes.len() == size { Ok(bytes) } else { Err(SignError::Receiver) }
    };
    let (auth, point) = (sized(&keys.auth, 16)?, sized(&keys.p256dh, 65)?);
    ece::encrypt(&point, &auth, message).map_err(|_| SignError::Receiver)
}

/// The public half of a key: an uncompressed point in base64url.
pub(super) fn public_key(key: &SigningKey) -> Result<String, KeyError> {
    let public = key.public_value();
    let part = |name: &str| public[name].as_str().and_then(|text| URL_SAFE_NO_PAD.decode(text).ok()).ok_or(KeyError);
    Ok(URL_SAFE_NO_PAD.encode([vec![4], part("x")?, part("y")?].concat()))
}

/// Tokens for push services.
pub(super) struct Vapid(PerOrigin);

impl Default for Vapid {
    fn default() -> Self {
        Self(PerOrigin::new(LIFE))
    }
}

impl Vapid {
    /// The value of `Authorization` for an endpoint.
    pub(super) fn authorization(
        &self,
        key: &SigningKey,
        contact: &str,
        endpoint: &Url,
        now: Timestamp,
    ) -> Result<String, KeyError> {
        let token = self.0.get(endpoint, key.thumbprint(), now, |origin| {
            let expires = now.as_second() + i64::try_from(LIFE.as_secs()).map_err(|_| KeyError)?;
            let claims = json!({"aud": origin, "exp": expires, "sub": contact});
            key.sign_parts(&json!({"typ": "JWT", "alg": "ES256"}), &claims)
        })?;
        Ok(format!("vapid t={token}, k={}", public_key(key)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::{
        agreement::{ECDH_P256, PrivateKey},
        encoding::{AsBigEndian, EcPrivateKeyBin},
    };
    use ece::EcKeyComponents;
    use podbell_oidc::{Algorithm, PublicJwk};

    fn receiver() -> (EcKeyComponents, [u8; 16], PushKeys) {
        let private = PrivateKey::generate(&ECDH_P256).unwrap();
        let point = private.compute_public_key().unwrap();
        let secret: EcPrivateKeyBin<'_> = private.as_be_bytes().unwrap();
        let keys = PushKeys {
            auth: URL_SAFE_NO_PAD.encode([7; 16]).into(),
            p256dh: URL_SAFE_NO_PAD.encode(point.as_ref()).into(),
        };
        (EcKeyComponents::new(secret.as_ref(), point.as_ref()), [7; 16], keys)
    }

    #[test]
    fn only_the_receiver_reads_it() {
        prepare();
        let (own, auth, keys) = receiver();
        let (other, ..) = receiver();
        for message in [&b"{}"[..], &vec![b'x'; MAX_PAYLOAD]] {
            let sealed = encrypt(&keys, message).unwrap();
            assert!(sealed.len() <= 4_096);
            assert_eq!(ece::decrypt(&own, &auth, &sealed).unwrap(), message);
            assert!(ece::decrypt(&other, &auth, &sealed).is_err());
            assert!(ece::decrypt(&own, &[8; 16], &sealed).is_err());
            assert_ne!(encrypt(&keys, message).unwrap(), sealed, "a key and a salt for each");
        }
        assert_eq!(encrypt(&keys, &vec![b'x'; MAX_PAYLOAD + 1]), Err(SignError::Receiver));
    }

    #[test]
    fn nothing_is_encrypted_for_keys_that_are_none() {
        prepare();
        let (.., keys) = receiver();
        let padded = PushKeys { auth: format!("{}==", keys.auth).into(), ..keys.clone() };
        assert!(encrypt(&padded, b"{}").is_ok(), "as some clients write them");
        let no_point = URL_SAFE_NO_PAD.encode([vec![4], vec![1; 64]].concat());
        let compressed = URL_SAFE_NO_PAD.encode([2; 33]);
        for (auth, p256dh) in [
            ("", &*keys.p256dh),
            ("AAAA", &keys.p256dh),
            (&keys.auth, ""),
            (&keys.auth, &no_point),
            (&keys.auth, &compressed),
        ] {
            let keys = PushKeys { auth: auth.into(), p256dh: p256dh.into() };
            assert_eq!(encrypt(&keys, b"{}"), Err(SignError::Receiver));
        }
    }

    #[test]
    fn a_push_service_knows_this_server_again_for_half_a_day_at_most() {
        let key = SigningKey::generate(Algorithm::Es256).unwrap();
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let endpoint = Url::parse("https://push.example:8443/send/secret?x=y").unwrap();
        let told = Vapid::default().authorization(&key, "mailto:a@pod.example", &endpoint, now).unwrap();
        let (token, shown) = told.strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
        let point = URL_SAFE_NO_PAD.decode(shown).unwrap();
        assert_eq!((point.len(), point[0]), (65, 4));
        let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..]));
        let public = format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}"}}"#);
        let public = PublicJwk::from_json(public.as_bytes()).unwrap();
        let (message, signature) = token.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        assert!(public.verify(Algorithm::Es256, message.as_bytes(), &signature));
        let claims = URL_SAFE_NO_PAD.decode(message.split_once('.').unwrap().1).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
        let expected = json!({"aud": "https://push.example:8443", "exp": 1_800_043_200, "sub": "mailto:a@pod.example"});
        assert_eq!(claims, expected, "nothing of the endpoint's path, which is a capability");
    }
}

//! By a secret that the subscription was made with.
//!
//! Spec: <https://www.standardwebhooks.com/>

use super::{Refused, is_recent};
use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, Request};
use jiff::Timestamp;

/// Fewer bytes are no secret.
const LEAST: usize = 16;

/// Verifies a request by the secret of its channel: `whsec_…`.
///
/// That the same has not come before is for you to know, by its `webhook-id`.
pub fn verify_secret<B: AsRef<[u8]>>(request: &Request<B>, secret: &str) -> Result<(), Refused> {
    verify_at(request, secret, Timestamp::now())
}

fn verify_at<B: AsRef<[u8]>>(request: &Request<B>, secret: &str, now: Timestamp) -> Result<(), Refused> {
    let id = field(request.headers(), "webhook-id")?;
    let time = field(request.headers(), "webhook-timestamp")?;
    let signatures = field(request.headers(), "webhook-signature")?;
    if !is_recent(time.parse().map_err(|_| Refused::Malformed("webhook-timestamp"))?, now) {
        return Err(Refused::NotRecent);
    }
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap_or(secret)).ok();
    let key = key.filter(|key| key.len() >= LEAST).ok_or(Refused::Malformed("the secret"))?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let message = [id.as_bytes(), b".", time.as_bytes(), b".", request.body().as_ref()].concat();
    let is_good = |one: &str| STANDARD.decode(one).is_ok_and(|tag| hmac::verify(&key, &message, &tag).is_ok());
    let mut signatures = signatures.split(' ').filter_map(|one| one.strip_prefix("v1,"));
    if signatures.any(is_good) { Ok(()) } else { Err(Refused::Signature) }
}

fn field<'h>(headers: &'h HeaderMap, name: &'static str) -> Result<&'h str, Refused> {
    let value = headers.get(name).ok_or_else(|| Refused::Missing(name.to_owned()))?;
    value.to_str().map_err(|_| Refused::Malformed(name))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// The example of the specification's own libraries.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn request(body: &str) -> Request<String> {
        Request::post("https://hook.example/in")
            .header("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek")
            .header("webhook-timestamp", "1614265330")
            .header("webhook-signature", "v1,AAAA v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
            .body(body.to_owned())
            .unwrap()
    }

    #[test]
    fn one_of_the_signatures_is_by_the_secret_or_it_is_refused() {
        let body = r#"{"test": 2432232314}"#;
        let at = |second| Timestamp::from_second(second).unwrap();
        let then = at(1_614_265_330);
        assert_eq!(verify_at(&request(body), SECRET, then), Ok(()));
        assert_eq!(verify_at(&request("{}"), SECRET, then), Err(Refused::Signature));
        let other = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        assert_eq!(verify_at(&request(body), other, then), Err(Refused::Signature));
        assert_eq!(verify_at(&request(body), SECRET, at(1_614_265_331 + 300)), Err(Refused::NotRecent));
        assert_eq!(verify_secret(&request(body), SECRET), Err(Refused::NotRecent));
        for none in ["", "whsec_", "whsec_YQ==", "whsec_?"] {
            assert_eq!(verify_at(&request(body), none, then), Err(Refused::Malformed("the secret")), "{none}");
        }
    }
}

//! Channels that push: what a subscription asks of the receiver, as it is kept; and what the channel's own agent reads of
//! it. Keys are never shown, and a secret once.

use crate::{app::App, problem::Problem};
use aws_lc_rs::{
    rand,
    signature::{ECDSA_P256_SHA256_ASN1, ParsedPublicKey},
};
use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use http::StatusCode;
use podbell_hub::{Push, PushKeys, Secret};
use podbell_wire::{
    ChannelType, Endpoint, Fact,
    subscription::{self, Lifecycle, Receiver, SECRET_PREFIX},
};
use std::borrow::Cow;

/// Random bytes of a secret.
const SECRET_BYTES: usize = 32;

/// The identity that deliveries are made with.
pub(super) fn sender(app: &App) -> String {
    app.url("/.notifications/sender")
}

/// The receiver as it is kept, once its URLs and keys are judged.
pub(super) async fn push(app: &App, channel_type: ChannelType, asked: &Receiver) -> Result<Push, Problem> {
    app.targets.judge("sendTo", &asked.send_to, channel_type).await?;
    let lifecycle = match &asked.lifecycle {
        None => None,
        Some(Lifecycle::SameUrl) => Some(asked.send_to.as_str().into()),
        Some(Lifecycle::Url(url)) => {
            app.targets.judge("lifecycle", url, channel_type).await?;
            Some(url.as_str().into())
        }
    };
    let secrets = match &asked.secret {
        None => Vec::new(),
        Some(subscription::Secret::Made) => vec![new_secret()?],
        Some(subscription::Secret::Given(text)) => vec![Secret { text: text.as_str().into(), until: None }],
    };
    let keys = asked.keys.as_ref().map(keys).transpose()?;
    Ok(Push { keys, secrets, lifecycle, ..Push::to(asked.send_to.as_str()) })
}

/// A secret that nobody knows yet.
pub(super) fn new_secret() -> Result<Secret, Problem> {
    let mut bytes = [0; SECRET_BYTES];
    rand::fill(&mut bytes).map_err(Problem::internal)?;
    Ok(Secret { text: format!("{SECRET_PREFIX}{}", BASE64_STANDARD.encode(bytes)).into(), until: None })
}

/// Keys that something can be encrypted with: a point that is not on the curve is refused now, not at each delivery.
fn keys(asked: &subscription::PushKeys) -> Result<PushKeys, Problem> {
    let point = BASE64_URL_SAFE_NO_PAD.decode(&asked.p256dh).unwrap_or_default();
    if ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).is_err() {
        let title = "A feature has no valid value";
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-feature", title)
            .detail("p256dh must be a point of P-256"));
    }
    Ok(PushKeys { auth: asked.auth.as_str().into(), p256dh: asked.p256dh.as_str().into() })
}

/// Facts about a channel, beyond the protocol's words.
pub(super) type Facts<'a> = Vec<(&'static str, Fact<'a>)>;

/// What its own agent is shown of the receiver, beside the URL.
pub(super) fn facts(push: &Push) -> Facts<'_> {
    let lifecycle = push.lifecycle.as_deref();
    let lifecycle = lifecycle.map(|url| if *url == *push.send_to { Fact::True } else { Fact::Link(url) });
    lifecycle.map(|fact| ("lifecycle", fact)).into_iter().collect()
}

/// The newest secret, for the answer that shows it.
pub(super) fn secret(push: &Push) -> Option<(&'static str, Fact<'_>)> {
    push.secrets.first().map(|secret| ("secret", Fact::Text(Cow::Borrowed(&*secret.text))))
}

/// How a channel is connected, as its own agent is shown it.
pub(super) fn endpoint<'a>(push: Option<&'a Push>, sender: &'a str) -> Endpoint<'a> {
    push.map_or(Endpoint::Hidden, |push| Endpoint::SendTo { target: &push.send_to, sender })
}

/// The status of the answer that a channel was made.
pub(super) fn made(channel_type: ChannelType) -> StatusCode {
    match channel_type {
        ChannelType::Ldn | ChannelType::WebPush => StatusCode::CREATED,
        _ => StatusCode::OK,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_one_that_receivers_take() {
        let (one, other) = (new_secret().unwrap(), new_secret().unwrap());
        assert!(subscription::is_secret(&one.text) && one.text != other.text && one.until.is_none());
    }

    #[test]
    fn a_key_is_a_point_of_the_curve() {
        let of = |point: &[u8]| {
            let p256dh = BASE64_URL_SAFE_NO_PAD.encode(point);
            keys(&subscription::PushKeys { auth: "x".into(), p256dh }).map(|_| ()).map_err(|problem| problem.status())
        };
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let mut point = pair.public_key_raw().to_vec();
        assert_eq!((point.len(), of(&point)), (65, Ok(())));
        point[64] ^= 1;
        assert_eq!(of(&point), Err(StatusCode::UNPROCESSABLE_ENTITY));
        assert_eq!(of(&[4; 65]), Err(StatusCode::UNPROCESSABLE_ENTITY));
    }
}

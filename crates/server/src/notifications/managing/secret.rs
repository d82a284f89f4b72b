//! `POST …/secret`: another secret, which the answer shows once. The one before goes on beside it for a day, so that
//! receivers change without missing anything.
//!
//! Spec: <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>

use super::{Acts, Asked, answer, counted, not_understood, sent};
use crate::{
    notifications::{pushing, services},
    problem::Problem,
};
use axum::response::Response;
use http::StatusCode;
use podbell_hub::Secret;
use podbell_model::Timestamp;
use podbell_wire::{lexical, subscription::is_secret};
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;

/// How long the secret before goes on.
const OVERLAP: Duration = Duration::from_hours(24);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    secret: String,
}

/// Makes one, or takes `{"secret": "whsec_…"}`.
pub async fn secret(Acts(asked): Acts) -> Result<Response, Problem> {
    let Asked { app, parts, body, channel, push, .. } = asked.of_solid()?;
    let new = match sent(&app, &parts, body).await? {
        Some(body) => given(&body)?,
        None => pushing::new_secret()?,
    };
    counted(&app, &channel)?;
    let secrets = rotated(&new, &push.secrets, app.now());
    if !app.queue.set_secrets(channel.id, &secrets).await.map_err(Problem::unavailable)? {
        return Err(Problem::blank(StatusCode::GONE).detail("the channel has ended"));
    }
    let mut told = json!({ "secret": &*new.text });
    if let Some(until) = secrets.get(1).and_then(|old| old.until) {
        told["previousUntil"] = lexical::date_time(until).into();
    }
    answer(StatusCode::OK, None, told)
}

fn given(body: &[u8]) -> Result<Secret, Problem> {
    let asked = serde_json::from_slice(body).ok().filter(|asked: &Given| is_secret(&asked.secret));
    let asked = asked.ok_or_else(|| {
        not_understood("send nothing, or {\"secret\": \"whsec_…\"} with 24 to 64 bytes in base64 behind the prefix")
    })?;
    Ok(Secret { text: asked.secret.into(), until: None })
}

/// The new secret, and the newest of the old ones for a while. One that is taken again begins anew.
fn rotated(new: &Secret, old: &[Secret], now: Timestamp) -> Vec<Secret> {
    let before = old.first().filter(|old| old.text != new.text);
    let before = before.map(|old| Secret { text: old.text.clone(), until: Some(services::after(now, OVERLAP)) });
    std::iter::once(new.clone()).chain(before).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret { text: text.into(), until: None }
    }

    #[test]
    fn the_secret_before_goes_on_for_a_day_and_no_older_one_does() {
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(rotated(&secret("a"), &[], now), [secret("a")]);
        let two = rotated(&secret("b"), &[secret("a")], now);
        let until = Some("1970-01-02T00:00:00Z".parse().unwrap());
        assert_eq!(two, [secret("b"), Secret { text: "a".into(), until }]);
        let three = rotated(&secret("c"), &two, now);
        assert_eq!(three.iter().map(|secret| &*secret.text).collect::<Vec<_>>(), ["c", "b"]);
        assert_eq!(rotated(&secret("c"), &three, now), [secret("c")]);
    }

    #[test]
    fn a_secret_that_is_given_has_the_form() {
        let good = format!("whsec_{}", "A".repeat(32));
        assert_eq!(*given(format!("{{\"secret\":{good:?}}}").as_bytes()).unwrap().text, *good);
        for refused in ["{}", r#"{"secret":"hunter2"}"#, r#"{"secret":"whsec_AAAA"}"#, "x"] {
            assert_eq!(given(refused.as_bytes()).unwrap_err().status(), StatusCode::UNPROCESSABLE_ENTITY);
        }
    }
}

//! `POST …/redeliver`: dead letters, or all that the channel was told since a cursor, are delivered once more, as if they had
//! never been tried. Each is judged again before it is sent.

use super::{Asked, Repeats, answer, counted, not_understood, sent};
use crate::{app::App, problem::Problem};
use axum::response::Response;
use http::StatusCode;
use podbell_delivery::push::{DeliveryId, Wanted};
use podbell_hub::{Channel, Cursors as _};
use serde::Deserialize;
use serde_json::{Value, json};

/// Most dead letters that one request names.
const MOST: usize = 1_000;

/// One of the two.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Wish {
    dead_letters: Option<Letters>,
    since: Option<String>,
}

/// What is to be delivered again.
#[derive(Debug, PartialEq, Eq)]
enum Range {
    DeadLetters(Wanted),
    /// What was told since that cursor.
    Since(String),
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Letters {
    These(Vec<i64>),
    All(All),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum All {
    All,
}

/// Takes `{"deadLetters": [numbers]}`, `{"deadLetters": "all"}` or `{"since": "cursor"}`, and says how many there were.
pub async fn redeliver(Repeats(asked): Repeats) -> Result<Response, Problem> {
    let Asked { app, parts, body, channel, .. } = asked;
    let range = range(&sent(&app, &parts, body).await?.unwrap_or_default())?;
    counted(&app, &channel)?;
    let told = match range {
        Range::DeadLetters(wanted) => {
            let count = app.queue.redeliver(channel.id, &wanted, app.now()).await.map_err(Problem::unavailable)?;
            json!({ "redelivered": count })
        }
        Range::Since(cursor) => since(&app, &channel, &cursor).await?,
    };
    app.courier.wake();
    answer(StatusCode::ACCEPTED, None, told)
}

/// Owes anew what the channel was told since a cursor, as far as there is room; `next` is where to go on.
async fn since(app: &App, channel: &Channel, cursor: &str) -> Result<Value, Problem> {
    let place = app.cursors.open(cursor, &channel.subject, &channel.topics);
    let place = place.ok_or_else(|| not_understood("this is no cursor for the channel's topics and its agent"))?;
    let health = app.queue.health(channel.id).await.map_err(Problem::unavailable)?;
    if health.is_some_and(|health| health.disabled.is_some()) {
        return Err(Problem::blank(StatusCode::CONFLICT)
            .detail("the channel is switched off; a ping that is acknowledged switches it on"));
    }
    let again = app.hub.owe_again(channel, place).await.map_err(Problem::unavailable)?;
    let mut told = json!({ "redelivered": again.owed, "gap": again.gap });
    if let Some(next) = again.next {
        told["next"] = String::from_utf8_lossy(&app.cursors.seal(channel, next)).into();
    }
    Ok(told)
}

fn range(body: &[u8]) -> Result<Range, Problem> {
    let asked = serde_json::from_slice(body).ok().and_then(|wish: Wish| match wish {
        Wish { dead_letters: Some(letters), since: None } => Some(Ok(letters)),
        Wish { dead_letters: None, since: Some(since) } => Some(Err(since)),
        _ => None,
    });
    match asked {
        Some(Ok(Letters::All(All::All))) => Ok(Range::DeadLetters(Wanted::All)),
        Some(Ok(Letters::These(these))) if these.len() > MOST => {
            Err(not_understood(format!("name at most {MOST} at once")))
        }
        Some(Ok(Letters::These(these))) => {
            Ok(Range::DeadLetters(Wanted::These(these.into_iter().map(DeliveryId).collect())))
        }
        Some(Err(since)) => Ok(Range::Since(since)),
        None => Err(not_understood(
            "send {\"deadLetters\": \"all\"}, a list of their numbers instead of \"all\", or {\"since\": \"a cursor\"}",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_is_all_or_some_and_nothing_else() {
        let read = |body: &str| range(body.as_bytes()).map_err(|problem| problem.status().as_u16());
        assert_eq!(read(r#"{"deadLetters":"all"}"#), Ok(Range::DeadLetters(Wanted::All)));
        let these = Wanted::These(vec![DeliveryId(7), DeliveryId(9)]);
        assert_eq!(read(r#"{"deadLetters":[7,9]}"#), Ok(Range::DeadLetters(these)));
        assert_eq!(read(r#"{"since":"x"}"#), Ok(Range::Since("x".into())));
        let many = format!("{{\"deadLetters\":{:?}}}", vec![1; MOST + 1]);
        let both = r#"{"deadLetters":"all","since":"x"}"#;
        for refused in ["", "{}", "[]", r#"{"deadLetters":"some"}"#, r#"{"deadLetters":[1],"other":1}"#, &many, both] {
            assert_eq!(read(refused), Err(422), "{refused}");
        }
    }
}

//! `POST …/redeliver`: dead letters are delivered once more, as if they had never been tried. Each is judged again before
//! it is sent.

use super::{Pushing, answer, counted, not_understood, own, sent, unless_post};
use crate::{app::App, problem::Problem, request::Target};
use axum::{
    body::Body,
    extract::{Extension, Path, State},
    response::Response,
};
use http::{Request, StatusCode};
use podbell_delivery::push::{DeliveryId, Wanted};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

/// Most dead letters that one request names.
const MOST: usize = 1_000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Asked {
    dead_letters: Letters,
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

/// Takes `{"deadLetters": [numbers]}` or `{"deadLetters": "all"}`, and says how many there were.
pub async fn redeliver(
    State(app): State<Arc<App>>,
    Extension(target): Extension<Target>,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    if let Some(answered) = unless_post(&parts) {
        return answered;
    }
    let Pushing { channel, .. } = own(&app, &target, &parts, &id).await?;
    let wanted = wanted(&sent(&app, &parts, body).await?.unwrap_or_default())?;
    counted(&app, &channel)?;
    let count = app.queue.redeliver(channel.id, &wanted, app.now()).await.map_err(Problem::unavailable)?;
    app.courier.wake();
    answer(StatusCode::ACCEPTED, None, json!({ "redelivered": count }))
}

fn wanted(body: &[u8]) -> Result<Wanted, Problem> {
    let asked: Asked = serde_json::from_slice(body).map_err(|_| {
        not_understood("send {\"deadLetters\": \"all\"}, or a list of their numbers instead of \"all\"")
    })?;
    match asked.dead_letters {
        Letters::All(All::All) => Ok(Wanted::All),
        Letters::These(these) if these.len() > MOST => Err(not_understood(format!("name at most {MOST} at once"))),
        Letters::These(these) => Ok(Wanted::These(these.into_iter().map(DeliveryId).collect())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_is_all_or_some_and_nothing_else() {
        let read = |body: &str| wanted(body.as_bytes()).map_err(|problem| problem.status().as_u16());
        assert_eq!(read(r#"{"deadLetters":"all"}"#), Ok(Wanted::All));
        assert_eq!(read(r#"{"deadLetters":[7,9]}"#), Ok(Wanted::These(vec![DeliveryId(7), DeliveryId(9)])));
        let many = format!("{{\"deadLetters\":{:?}}}", vec![1; MOST + 1]);
        for refused in ["", "{}", "[]", r#"{"deadLetters":"some"}"#, r#"{"deadLetters":[1],"other":1}"#, &many] {
            assert_eq!(read(refused), Err(422), "{refused}");
        }
    }
}

//! `GET /.notifications/traffic/?storage=ROOT`: how much happened, for the owner of a storage, by the minute, over the last
//! hour. An extension.
//!
//! Numbers, and nothing of what changed or who heard of it.

use super::{managing, of_storage::OfStorage};
use crate::problem::Problem;
use axum::response::Response;
use http::StatusCode;
use podbell_hub::MINUTES;
use podbell_model::Timestamp;
use serde_json::{Value, json};

/// What the log took in, as far back as it reaches, and what was delivered since the server started.
pub async fn traffic(asked: OfStorage) -> Result<Response, Problem> {
    let now = asked.app.now();
    // One more than minutes: where the last one ends.
    let bounds = bounds(now);
    let reached = asked.app.log.reached(asked.storage, &bounds).await.map_err(|error| asked.unread(error))?;
    let changes = reached.windows(2).map(|pair| pair[1].offset.saturating_sub(pair[0].offset));
    let deliveries = asked.app.hub.traffic().lately(asked.storage, now);
    let minutes = bounds.iter().zip(changes).zip(deliveries);
    let minutes: Vec<Value> = minutes
        .map(
            |((at, changes), deliveries)| json!({ "at": at.to_string(), "changes": changes, "deliveries": deliveries }),
        )
        .collect();
    let id = asked.app.url(&asked.target.raw);
    managing::answer(StatusCode::OK, Some(&id), json!({ "minutes": minutes }))
}

/// Where each of the last minutes begins, the oldest first, and where the one that runs will end.
fn bounds(now: Timestamp) -> Vec<Timestamp> {
    let running = now.as_second().div_euclid(60);
    let hour = i64::try_from(MINUTES).unwrap_or_default();
    let begins = |minute: i64| Timestamp::from_second(minute * 60).unwrap_or(now);
    (running - hour + 1..=running + 1).map(begins).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_has_sixty_whole_minutes_and_an_end() {
        let bounds = bounds("2026-11-22T18:00:30.5Z".parse().unwrap());
        assert_eq!(bounds.len(), MINUTES + 1);
        assert_eq!(bounds[0].to_string(), "2026-11-22T17:01:00Z");
        assert_eq!(bounds[59].to_string(), "2026-11-22T18:00:00Z");
        assert_eq!(bounds[60].to_string(), "2026-11-22T18:01:00Z");
    }
}

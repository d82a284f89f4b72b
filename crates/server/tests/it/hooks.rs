//! Channels that push, and the receivers that they push to.

use super::{
    ears::{Listener, N1},
    services::changed,
    world::{Agent, LD, Reply, World, split, until},
};
use podbell_delivery::push::{DeliveryId, Done, Queue};
use podbell_model::Timestamp;
use podbell_sqlite::Sqlite;
use podbell_test_client::receiver::{Received, Receiver};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

pub(super) const WEBHOOK: &str = "WebhookChannel2023";
pub(super) const LDN: &str = "LDNChannel2023";
pub(super) const WEB_PUSH: &str = "WebPushChannel2023";
pub(super) const TERMS: &str = "urn:podbell:terms#";

/// A receiver, and the channel that pushes to it.
pub(super) struct Hook {
    pub(super) receiver: Receiver,
    /// What was answered when the channel was made.
    pub(super) made: Reply,
    /// The path of the channel.
    pub(super) id: String,
}

/// Asks for a channel that pushes; what is null is left out.
pub(super) fn push_to(who: Listener<'_>, kind: &str, topics: &[&str], send_to: &str, more: &Value) -> Reply {
    let topics: Vec<_> = topics.iter().map(|topic| who.agent.world.url(topic)).collect();
    let body = json!({ "@context": [N1], "type": kind, "topic": topics, "sendTo": send_to });
    let headers: Vec<_> = who.headers().into_iter().chain([LD]).collect();
    who.agent.ask("POST", &format!("/.notifications/{kind}/"), &headers, changed(&body, more).to_string())
}

/// The path of a channel that was made.
#[track_caller]
pub(super) fn id_of(made: &Reply) -> String {
    assert!(made.status < 300, "{made:?}");
    split(made.json()["id"].as_str().unwrap()).1
}

impl Hook {
    /// A webhook.
    #[track_caller]
    pub(super) fn new(agent: &Agent, topics: &[&str], receiver: Receiver) -> Self {
        Self::with(agent, WEBHOOK, topics, receiver, &json!({}))
    }

    /// Another type, or one with features.
    #[track_caller]
    pub(super) fn with(agent: &Agent, kind: &str, topics: &[&str], receiver: Receiver, more: &Value) -> Self {
        Self::by(agent.into(), kind, topics, receiver, more)
    }

    /// The same, from a page.
    #[track_caller]
    pub(super) fn by(who: Listener<'_>, kind: &str, topics: &[&str], receiver: Receiver, more: &Value) -> Self {
        let made = push_to(who, kind, topics, &receiver.url("/in"), more);
        Self { id: id_of(&made), receiver, made }
    }

    /// Types and objects of what came, once it is that much; no more than that.
    #[track_caller]
    pub(super) fn told(&self, count: usize) -> Vec<(String, String)> {
        let told: Vec<_> = self.receiver.wait(count).iter().map(told).collect();
        assert_eq!(told.len(), count, "{told:?}");
        told
    }

    /// How it fares, as its agent reads it.
    pub(super) fn fares(&self, agent: &Agent) -> Value {
        let told = agent.get(&self.id);
        assert_eq!(told.status, 200, "{told:?}");
        told.json()
    }

    /// Waits until nothing is owed.
    pub(super) fn is_settled(&self, agent: &Agent) {
        until("nothing is owed", || self.fares(agent)[format!("{TERMS}pending")] == 0);
    }

    /// Waits until the channel is no more.
    pub(super) fn is_gone(&self, agent: &Agent) {
        until("the channel is gone", || matches!(agent.get(&self.id).status, 404 | 410));
    }

    /// What is below the channel.
    pub(super) fn below(&self, agent: &Agent, name: &str) -> Value {
        let told = agent.get(&format!("{}/{name}", self.id));
        assert_eq!(told.status, 200, "{told:?}");
        told.json()
    }
}

/// Type and path of the object.
pub(super) fn told(received: &Received) -> (String, String) {
    let message = received.json();
    let text = |name: &str| message[name].as_str().unwrap_or_else(|| panic!("{message}")).to_owned();
    (text("type"), split(&text("object")).1)
}

/// Looks into the queue of a server that was stopped.
pub(super) fn queue<T>(world: &World, look: impl AsyncFnOnce(Arc<Sqlite>) -> T) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(look(world.held()))
}

/// All that is owed: what falls due in the next days.
pub(super) async fn owed(queue: &Sqlite) -> Vec<DeliveryId> {
    let later = Timestamp::now() + Duration::from_hours(24 * 7);
    let mut all = Vec::new();
    for lane in queue.lanes(later).await.unwrap().0 {
        all.extend(queue.take(&lane, later, 1_000, &[]).await.unwrap().into_iter().map(|delivery| delivery.id));
    }
    all
}

/// As if time had passed while the server was stopped: what waits for another attempt is due.
pub(super) fn time_passes(world: &World) {
    queue(world, async |queue| {
        for delivery in owed(&queue).await {
            queue.finish(delivery, None, &Done::Again(Timestamp::now())).await.unwrap();
        }
    });
}

//! Receivers that note down what came to them, and channels that push to them.

use http::Method;
use podbell_model::Uuid;
use podbell_test_client::{
    Client,
    receiver::{Receiver, Reply},
};
use serde_json::json;
use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
};

/// A receiver, and what it knows by now.
pub(super) struct Ear {
    receiver: Receiver,
    heard: Arc<Heard>,
}

/// What came to a receiver.
#[derive(Default)]
pub(super) struct Heard {
    notes: Mutex<Notes>,
    /// From that request on it hangs.
    hangs_from: AtomicUsize,
    away: AtomicBool,
    /// Of so many requests it refuses one, no message twice; none if it is 0.
    refuses: AtomicUsize,
}

#[derive(Default)]
struct Notes {
    /// Object and id of each message, in the order in which they came.
    all: Vec<(String, Uuid)>,
    once: HashSet<Uuid>,
    /// Ids of messages that found nobody.
    tried: Vec<Uuid>,
    refused: HashSet<Uuid>,
}

impl Ear {
    /// That acknowledges everything, until it is told to hang.
    pub(super) fn new() -> Self {
        let heard = Arc::new(Heard { hangs_from: AtomicUsize::new(usize::MAX), ..Heard::default() });
        let noting = Arc::clone(&heard);
        let receiver = Receiver::http(move |number, request| {
            let body = request.json();
            let id = body["id"].as_str().and_then(|id| id.strip_prefix("urn:uuid:")).unwrap().parse().unwrap();
            let mut notes = noting.notes.lock().unwrap();
            if noting.away.load(SeqCst) {
                notes.tried.push(id);
                return Reply::Close;
            }
            let refuses = noting.refuses.load(SeqCst);
            if refuses > 0 && number % refuses == 0 && !notes.once.contains(&id) && notes.refused.insert(id) {
                return Reply::status(500);
            }
            notes.all.push((body["object"].as_str().unwrap().to_owned(), id));
            notes.once.insert(id);
            if number < noting.hangs_from.load(SeqCst) { Reply::status(204) } else { Reply::Hang }
        });
        Self { receiver: receiver.unwrap(), heard }
    }

    pub(super) fn url(&self) -> String {
        self.receiver.url("/in")
    }

    /// How many messages came, repeated ones included.
    pub(super) fn count(&self) -> usize {
        self.heard.notes.lock().unwrap().all.len()
    }

    /// How many different messages came.
    pub(super) fn different(&self) -> usize {
        self.heard.notes.lock().unwrap().once.len()
    }

    /// Object and id of each message, in order.
    pub(super) fn all(&self) -> Vec<(String, Uuid)> {
        self.heard.notes.lock().unwrap().all.clone()
    }

    /// From now on nobody answers; what is tried is noted all the same.
    pub(super) fn go_away(&self) {
        self.heard.away.store(true, SeqCst);
    }

    pub(super) fn come_back(&self) {
        self.heard.away.store(false, SeqCst);
    }

    /// The ids of what came while it was away, in order.
    pub(super) fn tried(&self) -> Vec<Uuid> {
        self.heard.notes.lock().unwrap().tried.clone()
    }

    /// From now on one of so many is refused, and acknowledged when it comes again.
    pub(super) fn refuse_one_of(&self, count: usize) {
        self.heard.refuses.store(count, SeqCst);
    }

    /// Answers so many requests more, and none after those; how many will have been answered by then.
    pub(super) fn hang_after(&self, more: usize) -> usize {
        let from = self.receiver.received().len() + more;
        self.heard.hangs_from.store(from, SeqCst);
        from
    }

    /// Answers everything again, but for what it has let hang.
    pub(super) fn answer(&self) {
        self.heard.hangs_from.store(usize::MAX, SeqCst);
    }
}

/// Asks for a webhook about a topic and everything below it; the channel's URL.
pub(super) async fn subscribe(client: &Client, base: &str, topic: &str, send_to: &str) -> String {
    let body = json!({
        "@context": ["https://www.w3.org/ns/solid/notification/v1"], "type": "WebhookChannel2023", "topic": topic,
        "sendTo": send_to, "urn:podbell:terms#recursive": topic.ends_with('/'),
    });
    let service = format!("{base}.notifications/WebhookChannel2023/");
    let told = client.request(Method::POST, &service, Some("application/ld+json"), body.to_string()).await.unwrap();
    let channel = told.success("subscribing").unwrap().json().unwrap();
    channel["id"].as_str().unwrap().to_owned()
}

/// How much a channel is still owed, as its owner reads it.
pub(super) async fn pending(client: &Client, channel: &str) -> u64 {
    let told = client.request(Method::GET, channel, None, "").await.unwrap().success("GET").unwrap();
    told.json().unwrap()["urn:podbell:terms#pending"].as_u64().unwrap()
}

/// Writes a document.
pub(super) async fn put(client: &Client, url: &str) {
    client.request(Method::PUT, url, Some("text/plain"), "x").await.unwrap().success("PUT").unwrap();
}

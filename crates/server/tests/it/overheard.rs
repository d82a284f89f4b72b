//! What a webhook was told, as text that can be compared with that of another server.
//!
//! Of one resource it is told in order, of several in any order: so it is sorted by the resource.

use super::world::{Agent, Reply, split, until};
use podbell_test_client::receiver::{Received, Receiver};
use serde_json::Value;
use std::{collections::HashSet, fmt::Write as _};

/// A channel, and who receives for it.
pub(super) struct Overheard {
    receiver: Receiver,
    id: String,
}

impl Overheard {
    /// Asks for one; `subscribe` is given where to send.
    pub(super) fn made(subscribe: impl FnOnce(String) -> Reply) -> Self {
        let receiver = Receiver::willing().unwrap();
        let told = subscribe(receiver.url("/in"));
        Self { receiver, id: split(told.json()["id"].as_str().unwrap()).1 }
    }

    /// Everything, once `last` has gone and nothing is left to be told.
    pub(super) fn heard(self, agent: &Agent, last: &str) -> String {
        let gone = |request: &Received| {
            let told = request.json();
            let kind = told["type"].as_str().unwrap_or_default();
            told["object"] == last && (kind.ends_with("Delete") || kind.ends_with("Remove"))
        };
        self.receiver.wait_until("the last change", |received| received.iter().any(gone));
        until("all is delivered", || agent.get(&self.id).json()["urn:podbell:terms#pending"] == 0);
        let mut received = self.receiver.received();
        // At least once: what came twice is the same.
        let mut known = HashSet::new();
        received.retain(|request| known.insert(request.body.clone()));
        let object = |request: &Received| request.json()["object"].as_str().unwrap_or_default().to_owned();
        received.sort_by_key(object);
        let mut all = String::new();
        for request in &received {
            let names: Vec<_> = request.headers.iter().map(|(name, _)| name.as_str()).collect();
            let body = String::from_utf8_lossy(&request.body);
            assert!(request.json() != Value::Null, "{body}");
            writeln!(all, "{} {} {}\n{body}", request.method, request.target, names.join(" ")).unwrap();
        }
        all
    }
}

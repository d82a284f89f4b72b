//! What one socket hears of, by the client's spelling, and what it was refused.

use podbell_delivery::websocket::lines::{LineKey, Listening};
use podbell_model::{Subject, Timestamp};
use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

/// One resource that is heard of.
pub(super) struct Subscribed {
    /// Who may read it, and until when.
    pub(super) by: (Arc<Subject>, Option<Timestamp>),
    listening: Listening,
}

/// What a client hears of. The number is bounded by who adds to it.
#[derive(Default)]
pub(super) struct Topics {
    heard: HashMap<Arc<str>, Subscribed>,
    by_key: HashMap<LineKey, Arc<str>>,
    /// Refused, oldest first: another identity may be granted them.
    refused: VecDeque<Arc<str>>,
}

impl Topics {
    pub(super) fn len(&self) -> usize {
        self.heard.len()
    }

    pub(super) fn hears(&self, uri: &str) -> bool {
        self.heard.contains_key(uri)
    }

    /// It is heard of, and the client is about to know.
    pub(super) fn add(&mut self, uri: &str, by: (Arc<Subject>, Option<Timestamp>), listening: Listening) {
        let uri: Arc<str> = uri.into();
        self.forget(&uri);
        self.by_key.insert(listening.key(), Arc::clone(&uri));
        self.heard.insert(uri, Subscribed { by, listening });
    }

    /// The client knows.
    pub(super) fn open(&self, uri: &str) {
        if let Some(subscribed) = self.heard.get(uri) {
            subscribed.listening.open();
        }
    }

    /// It is no longer heard of, nor waited for.
    pub(super) fn forget(&mut self, uri: &str) {
        self.refused.retain(|refused| **refused != *uri);
        if let Some(gone) = self.heard.remove(uri) {
            self.by_key.remove(&gone.listening.key());
        }
    }

    /// It has ended by itself.
    pub(super) fn ended(&mut self, key: LineKey) -> Option<(Arc<str>, Subscribed)> {
        let uri = self.by_key.remove(&key)?;
        let gone = self.heard.remove(&uri)?;
        Some((uri, gone))
    }

    /// What is heard of in the name of somebody, which is forgotten.
    pub(super) fn take_of(&mut self, subject: &Subject) -> Vec<Arc<str>> {
        let of = self.heard.iter().filter(|(_, subscribed)| *subscribed.by.0 == *subject);
        let uris: Vec<_> = of.map(|(uri, _)| Arc::clone(uri)).collect();
        for uri in &uris {
            self.forget(uri);
        }
        uris
    }

    /// It was refused; of these, at most so many are remembered.
    pub(super) fn refuse(&mut self, uri: &str, most: usize) {
        self.refused.retain(|refused| **refused != *uri);
        self.refused.push_back(uri.into());
        while self.refused.len() > most {
            self.refused.pop_front();
        }
    }

    /// What was refused, to be tried once more.
    pub(super) fn take_refused(&mut self) -> VecDeque<Arc<str>> {
        std::mem::take(&mut self.refused)
    }
}

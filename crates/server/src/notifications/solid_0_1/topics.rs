//! What one socket hears of, by the client's spelling, and what it was refused.

use podbell_delivery::websocket::lines::{LineKey, Listening};
use podbell_model::{ResourceIri, Subject, Timestamp};
use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

/// Most bytes of what was refused that are remembered: anybody is refused as often as they like.
const REFUSED: usize = 32 * 1_024;

/// Most spellings in which one resource is heard of: each is one more line for one change, and whoever fills the socket
/// with them makes everybody's writes dear.
pub(super) const SPELLINGS: usize = 8;

/// One resource that is heard of.
pub(super) struct Subscribed {
    resource: ResourceIri,
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

    /// In how many other spellings a resource is heard of.
    pub(super) fn spellings(&self, resource: &ResourceIri, uri: &str) -> usize {
        self.heard.iter().filter(|(other, heard)| heard.resource == *resource && ***other != *uri).count()
    }

    /// It is heard of, and the client is about to know.
    pub(super) fn add(
        &mut self,
        (uri, resource): (&str, ResourceIri),
        by: (Arc<Subject>, Option<Timestamp>),
        listening: Listening,
    ) {
        let uri: Arc<str> = uri.into();
        self.forget(&uri);
        self.by_key.insert(listening.key(), Arc::clone(&uri));
        self.heard.insert(uri, Subscribed { resource, by, listening });
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

    /// It was refused; of these, the newest are remembered, at most so many.
    pub(super) fn refuse(&mut self, uri: &str, most: usize) {
        self.refused.retain(|refused| **refused != *uri);
        self.refused.push_back(uri.into());
        let mut bytes: usize = self.refused.iter().map(|refused| refused.len()).sum();
        while self.refused.len() > most || bytes > REFUSED {
            bytes -= self.refused.pop_front().map_or(bytes, |forgotten| forgotten.len());
        }
    }

    /// What was refused, to be tried once more.
    pub(super) fn take_refused(&mut self) -> VecDeque<Arc<str>> {
        std::mem::take(&mut self.refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_was_refused_the_newest_is_remembered_within_bounds() {
        let mut topics = Topics::default();
        for number in 0..10 {
            topics.refuse(&format!("http://pod.example/{number}"), 3);
        }
        topics.refuse("http://pod.example/8", 3);
        assert_eq!(topics.take_refused().iter().map(|uri| &uri[19..]).collect::<Vec<_>>(), ["7", "9", "8"]);
        let long = |number: usize| format!("http://pod.example/{number:08000}");
        for number in 0..100 {
            topics.refuse(&long(number), 100);
        }
        let kept = topics.take_refused();
        assert_eq!(kept.iter().map(ToString::to_string).collect::<Vec<_>>(), [96, 97, 98, 99].map(long));
        topics.refuse(&"x".repeat(2 * REFUSED), 3);
        assert!(topics.take_refused().is_empty());
    }
}

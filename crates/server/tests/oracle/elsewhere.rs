//! Group documents elsewhere: what they said when, and what may be believed of it.
//!
//! No commit tells when such a document changes, so nobody can know at once. Within a minute after a change both its
//! old and its new members may be taken for members; later only the new ones.

use bytes::Bytes;
use parking_lot::Mutex;
use podbell_egress::{Document, Fetch, FetchError, Get};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    sync::Arc,
};

/// How long an old document may be believed, in milliseconds.
pub(crate) const BOUND: i64 = 60_000;

/// Members of a document; none while it cannot be fetched.
pub(crate) type Members = Option<BTreeSet<&'static str>>;

/// The documents, with all that they ever said and since when.
#[derive(Debug, Default)]
pub(crate) struct Elsewhere(Mutex<BTreeMap<&'static str, Vec<(i64, Members)>>>);

/// Who counts as a member between two instants.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Far<'m> {
    said: &'m Elsewhere,
    from: i64,
    to: i64,
    /// Whoever all of the versions name; else whoever one of them names.
    all: bool,
}

impl Elsewhere {
    /// A document says something else from now on.
    pub(crate) fn say(&self, document: &'static str, members: Members, now: i64) {
        self.0.lock().entry(document).or_default().push((now, members));
    }

    /// Those who are surely members all the time between.
    pub(crate) fn surely(&self, from: i64, to: i64) -> Far<'_> {
        Far { said: self, from: from - BOUND, to, all: true }
    }

    /// Those who may be taken for members at some time between.
    pub(crate) fn perhaps(&self, from: i64, to: i64) -> Far<'_> {
        Far { said: self, from: from - BOUND, to, all: false }
    }
}

impl Far<'_> {
    pub(crate) fn names(&self, document: &str, agent: &str) -> bool {
        let said = self.said.0.lock();
        let Some(versions) = said.get(document) else { return false };
        let ends = versions.iter().skip(1).map(|(next, _)| *next).chain([i64::MAX]);
        let mut counted = versions.iter().zip(ends).filter(|((start, _), end)| *start <= self.to && *end >= self.from);
        let named = |(_, members): &(i64, Members)| members.as_ref().is_some_and(|members| members.contains(agent));
        let first = versions.first().is_some_and(|(start, _)| *start <= self.from);
        if self.all {
            first && counted.all(|(version, _)| named(version))
        } else {
            counted.any(|(version, _)| named(version))
        }
    }
}

/// The IRI of a document.
pub(crate) fn url(document: &str) -> String {
    format!("https://club.example/{document}")
}

/// Fetches from them.
pub(crate) struct Post(pub(crate) Arc<Elsewhere>);

#[async_trait::async_trait]
impl Fetch for Post {
    async fn get(&self, get: &Get) -> Result<Document, FetchError> {
        tokio::task::yield_now().await;
        let members = {
            let said = self.0.0.lock();
            let found = said.iter().find(|(document, _)| url(document) == get.url.as_str());
            found.and_then(|(_, versions)| versions.last()?.1.clone())
        };
        tokio::task::yield_now().await;
        let members = members.ok_or(FetchError::Unreachable)?;
        let mut body = String::new();
        for name in members {
            let _ = writeln!(body, "<#w> <http://www.w3.org/2006/vcard/ns#hasMember> <https://{name}.example/#me> .");
        }
        let media_type = "text/turtle".to_owned();
        Ok(Document { url: get.url.clone(), media_type, body: Bytes::from(body), max_age: None })
    }
}

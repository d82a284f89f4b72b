//! Group documents elsewhere: judged by now only, and by nothing older than the bound, a minute at most.
//!
//! A document that cannot be fetched or read has no members, whatever it said before. It speaks for the groups that
//! its own IRI names, since groups are looked up by that IRI.

use moka::future::Cache;
use podbell_egress::{Fetch, Get};
use podbell_model::{
    Timestamp,
    rdf::{self, RdfFormat},
};
use podbell_wac::GroupMembers;
use std::{sync::Arc, time::Duration};
use url::Url;

/// The longest that a document is believed.
pub(super) const FRESH: Duration = Duration::from_mins(1);
/// How long after a failure it is not asked again.
const RETRY: Duration = Duration::from_secs(10);
/// How many members and documents are kept.
const CAPACITY: u64 = 500_000;

/// Group documents elsewhere, as they stood within the bound.
pub(super) struct RemoteGroups {
    fetch: Arc<dyn Fetch>,
    known: Cache<Arc<str>, Known>,
    /// How long a document is believed.
    pub(super) bound: Duration,
}

#[derive(Clone)]
struct Known {
    members: Option<Arc<GroupMembers>>,
    until: Timestamp,
}

impl RemoteGroups {
    /// Knows nothing yet.
    pub(super) fn new(fetch: Arc<dyn Fetch>) -> Self {
        let weigher = |_: &Arc<str>, known: &Known| {
            u32::try_from(known.members.as_ref().map_or(0, |members| members.len()))
                .unwrap_or(u32::MAX)
                .saturating_add(8)
        };
        Self { fetch, known: Cache::builder().max_capacity(CAPACITY).weigher(weigher).build(), bound: FRESH }
    }

    /// Who is in the groups of a document, and until when that may be believed. Those who ask for the same document
    /// at the same time share one fetch.
    pub(super) async fn members(&self, document: &Arc<str>, now: Timestamp) -> (Option<Arc<GroupMembers>>, Timestamp) {
        let stale = |known: &Known| now >= known.until || known.until > after(now, self.bound);
        let entry = self.known.entry(Arc::clone(document)).or_insert_with_if(self.load(document, now), stale).await;
        let known = entry.into_value();
        (known.members, known.until)
    }

    async fn load(&self, document: &str, now: Timestamp) -> Known {
        match self.read(document).await {
            // Counted from before the fetch: what it says may be as old as that.
            Ok(members) => Known { members: Some(Arc::new(members)), until: after(now, self.bound) },
            Err(error) => {
                tracing::warn!(group.document = document, error, "a remote group document cannot be read");
                Known { members: None, until: after(now, RETRY.min(self.bound)) }
            }
        }
    }

    async fn read(&self, document: &str) -> Result<GroupMembers, String> {
        let url = Url::parse(document).map_err(|error| error.to_string())?;
        let get = Get { url, accept: "text/turtle, application/ld+json;q=0.9", redirects: 3 };
        let fetched = self.fetch.get(&get).await.map_err(|error| error.to_string())?;
        let format = RdfFormat::from_media_type(&fetched.media_type).ok_or("not an RDF document")?;
        // The parser's words quote the document, which is not ours to log.
        let dataset = rdf::parse(format, fetched.url.as_str(), &fetched.body).map_err(|_| "not well-formed")?;
        Ok(GroupMembers::read(&dataset))
    }
}

fn after(now: Timestamp, span: Duration) -> Timestamp {
    now.checked_add(span).unwrap_or(Timestamp::MAX)
}

//! Policy documents that have been parsed already, by name and the commit that wrote them: such a body never changes.

use moka::future::Cache;
use podbell_log::PolicyBody;
use podbell_model::{ResourceIri, Sequence};
use podbell_wac::{AclDocument, GroupMembers, Slot};
use std::sync::Arc;

/// How much is kept of each kind, in bytes of the bodies.
const CAPACITY: u64 = 32 * 1024 * 1024;

type ByCommit<T> = Cache<(ResourceIri, Sequence), Kept<T>>;

/// A parsed document, or none if it cannot be read; and the size of its body.
struct Kept<T>(Option<Arc<T>>, u32);

impl<T> Clone for Kept<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone(), self.1)
    }
}

/// The cache.
pub(super) struct Parsed {
    acls: ByCommit<AclDocument>,
    groups: ByCommit<GroupMembers>,
}

impl Parsed {
    /// Empty.
    pub(super) fn new() -> Self {
        Self { acls: cache(), groups: cache() }
    }

    /// The ACL in that slot; none if it cannot be read.
    pub(super) async fn acl(&self, slot: &Slot, body: &PolicyBody) -> Option<Arc<AclDocument>> {
        let parse = async {
            let parsed = AclDocument::parse(&slot.acl, &slot.subject, &body.body);
            kept(&slot.acl, body, parsed.map_err(|error| error.source.to_string()))
        };
        self.acls.get_with((slot.acl.clone(), body.since), parse).await.0
    }

    /// The group document of that name; none if it cannot be read.
    pub(super) async fn group(&self, document: &ResourceIri, body: &PolicyBody) -> Option<Arc<GroupMembers>> {
        let parse = async { kept(document, body, GroupMembers::parse(&body.body).map_err(|error| error.to_string())) };
        self.groups.get_with((document.clone(), body.since), parse).await.0
    }
}

fn kept<T>(document: &ResourceIri, body: &PolicyBody, parsed: Result<T, String>) -> Kept<T> {
    if let Err(error) = &parsed {
        tracing::error!(%document, written.by = %body.since, error, "a policy document cannot be read; it grants nothing");
    }
    Kept(parsed.ok().map(Arc::new), u32::try_from(body.body.len()).unwrap_or(u32::MAX))
}

fn cache<T: Send + Sync + 'static>() -> ByCommit<T> {
    Cache::builder()
        .max_capacity(CAPACITY)
        .weigher(|(iri, _): &(ResourceIri, Sequence), kept: &Kept<T>| {
            kept.1.saturating_add(u32::try_from(iri.as_str().len()).unwrap_or(u32::MAX)).saturating_add(128)
        })
        .build()
}

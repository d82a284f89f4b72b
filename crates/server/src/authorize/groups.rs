//! The group documents that a decision needs: those of this server as of the moment in question, those elsewhere as
//! they stand.

use super::{Judge, history::Reading};
use podbell_log::LogError;
use podbell_model::{ResourceIri, Sequence, Timestamp};
use podbell_wac::Groups;
use std::sync::Arc;

/// Most group documents of this server that one decision looks into; the others have no members.
pub const MAX_LOCAL_GROUPS: usize = 256;
/// Most group documents elsewhere that one decision looks into; the others have no members.
pub const MAX_REMOTE_GROUPS: usize = 16;

/// A group document of this server: as the ACL names it, and as the history does.
struct Local {
    document: Arc<str>,
    resource: ResourceIri,
}

/// What was loaded for one decision.
#[derive(Default)]
pub(super) struct Loaded {
    /// The documents.
    pub(super) groups: Groups,
    /// Those of this server, whether they exist or not.
    pub(super) local: Vec<ResourceIri>,
    /// The newest commit that touched one of these.
    pub(super) touched: Sequence,
    /// When the first of those elsewhere is stale.
    pub(super) valid_until: Option<Timestamp>,
}

impl Judge {
    /// Loads what is needed.
    pub(super) async fn groups(
        &self,
        reading: &Reading<'_>,
        needed: Vec<Arc<str>>,
        now: Timestamp,
    ) -> Result<Loaded, LogError> {
        let (mut local, mut remote) = (Vec::new(), Vec::new());
        for document in needed {
            match ResourceIri::parse(&document) {
                Ok(resource) if self.storages.containing(&resource).is_some() => {
                    local.push(Local { document, resource });
                }
                _ => remote.push(document),
            }
        }
        if local.len() > MAX_LOCAL_GROUPS || remote.len() > MAX_REMOTE_GROUPS {
            tracing::warn!(
                groups.local = local.len(),
                groups.remote = remote.len(),
                "an ACL names more group documents than are looked into; the others have no members"
            );
        }
        local.truncate(MAX_LOCAL_GROUPS);
        remote.truncate(MAX_REMOTE_GROUPS);
        let mut loaded = Loaded::default();
        self.load_local(reading, local, &mut loaded).await?;
        self.load_remote(remote, &mut loaded, now).await;
        Ok(loaded)
    }

    /// Those of this server, as of the reading.
    async fn load_local(&self, reading: &Reading<'_>, local: Vec<Local>, loaded: &mut Loaded) -> Result<(), LogError> {
        if local.is_empty() {
            return Ok(());
        }
        loaded.local = local.iter().map(|group| group.resource.clone()).collect();
        let documents = reading.groups(&loaded.local).await?;
        for (Local { document, resource }, (touched, body)) in local.into_iter().zip(documents) {
            let members = match body {
                Some(body) => self.parsed.group(&resource, &body).await,
                None => None,
            };
            loaded.touched = loaded.touched.max(touched);
            loaded.groups.insert_local(document, resource, members);
        }
        Ok(())
    }

    /// Those elsewhere, as they stand.
    async fn load_remote(&self, remote: Vec<Arc<str>>, loaded: &mut Loaded, now: Timestamp) {
        let loads = remote.into_iter().map(|document| async move {
            let (members, until) = self.remote_groups.members(&document, now).await;
            (document, members, until)
        });
        for (document, members, until) in futures_util::future::join_all(loads).await {
            loaded.groups.insert_remote(document, members);
            loaded.valid_until = Some(loaded.valid_until.map_or(until, |first| first.min(until)));
        }
    }
}

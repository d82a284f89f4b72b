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

impl Judge {
    /// Loads what is needed; also the newest commit that touched a document of this server, and when the first of
    /// those elsewhere is stale.
    pub(super) async fn groups(
        &self,
        reading: &Reading<'_>,
        needed: Vec<Arc<str>>,
        now: Timestamp,
    ) -> Result<(Groups, Sequence, Option<Timestamp>), LogError> {
        let mut groups = Groups::default();
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
        let touched = self.load_local(reading, local, &mut groups).await?;
        let valid_until = self.load_remote(remote, &mut groups, now).await;
        Ok((groups, touched, valid_until))
    }

    /// Loads group documents of this server as of the reading; returns the newest commit that touched one.
    async fn load_local(
        &self,
        reading: &Reading<'_>,
        local: Vec<Local>,
        groups: &mut Groups,
    ) -> Result<Sequence, LogError> {
        if local.is_empty() {
            return Ok(Sequence::default());
        }
        let resources: Vec<ResourceIri> = local.iter().map(|group| group.resource.clone()).collect();
        let documents = reading.groups(&resources).await?;
        let newest = documents.iter().map(|(touched, _)| *touched).max().unwrap_or_default();
        for (Local { document, resource }, (_, body)) in local.into_iter().zip(documents) {
            let members = match body {
                Some(body) => self.parsed.group(&resource, &body).await,
                None => None,
            };
            groups.insert_local(document, resource, members);
        }
        Ok(newest)
    }

    /// Loads group documents from elsewhere, as they stand; returns when the first of them is stale.
    async fn load_remote(&self, remote: Vec<Arc<str>>, groups: &mut Groups, now: Timestamp) -> Option<Timestamp> {
        let loads = remote.into_iter().map(|document| async move {
            let (members, until) = self.remote_groups.members(&document, now).await;
            (document, members, until)
        });
        let loaded = futures_util::future::join_all(loads).await;
        loaded
            .into_iter()
            .map(|(document, members, until)| {
                groups.insert_remote(document, members);
                until
            })
            .min()
    }
}

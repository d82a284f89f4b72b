//! The rules as of one commit, with the one exception that the end of a life makes.
//!
//! When a life is over, "now" means the rules that held just before its end, plus later changes of the ACLs above and
//! of groups. So its own slot stays as it stood before the end, and what the very commit that ended it did elsewhere
//! does not count for it either.

use podbell_log::{At, LogError, PolicyBody, PolicyHistory};
use podbell_model::{Generation, ResourceIri, Sequence};
use std::sync::Arc;

/// The commit that last touched a document, and its body if it existed.
pub(super) type Entry = (Sequence, Option<Arc<PolicyBody>>);

/// One consistent look at the rules.
pub(super) struct Reading<'h> {
    history: &'h dyn PolicyHistory,
    /// The commit that it is as of.
    pub(super) as_of: Sequence,
    /// The commit that ended the life in question, if it was over as of then.
    pub(super) ended: Option<Sequence>,
    /// The ACLs that were asked for, in order.
    pub(super) documents: Vec<Entry>,
}

impl<'h> Reading<'h> {
    /// Reads `acls`, of which the first is the own one of the resource.
    pub(super) async fn begin(
        history: &'h dyn PolicyHistory,
        acls: &[ResourceIri],
        resource: &ResourceIri,
        life: Option<Generation>,
        at: At,
    ) -> Result<Self, LogError> {
        let snapshot = history.policies(acls, at).await?;
        // Asked after the snapshot, so that an end that the snapshot shows cannot be missed: without its own ACL the
        // resource would inherit a more open one.
        let ended = match life {
            Some(generation) => history.ended(resource, generation).await?.filter(|end| *end <= snapshot.as_of),
            None => None,
        };
        let mut reading = Self { history, as_of: snapshot.as_of, ended, documents: Vec::new() };
        reading.documents = reading.rewind(acls, snapshot.documents, true).await?;
        Ok(reading)
    }

    /// Reads group documents as of the same moment.
    pub(super) async fn groups(&self, documents: &[ResourceIri]) -> Result<Vec<Entry>, LogError> {
        let snapshot = self.history.policies(documents, At::Commit(self.as_of)).await?;
        self.rewind(documents, snapshot.documents, false).await
    }

    async fn rewind(
        &self,
        names: &[ResourceIri],
        mut entries: Vec<Entry>,
        own_first: bool,
    ) -> Result<Vec<Entry>, LogError> {
        let Some(end) = self.ended else { return Ok(entries) };
        let stale = |index: usize, touched: Sequence| touched == end || (own_first && index == 0 && touched > end);
        let indices: Vec<usize> = entries
            .iter()
            .enumerate()
            .filter(|(index, entry)| stale(*index, entry.0))
            .map(|(index, _)| index)
            .collect();
        if indices.is_empty() {
            return Ok(entries);
        }
        let stale: Vec<ResourceIri> = indices.iter().filter_map(|index| names.get(*index).cloned()).collect();
        let before = self.history.policies(&stale, At::Commit(end.before())).await?;
        for (index, entry) in indices.into_iter().zip(before.documents) {
            entries[index] = entry;
        }
        Ok(entries)
    }
}

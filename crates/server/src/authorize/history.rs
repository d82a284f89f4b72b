//! The rules as of one commit, with the one exception that the end of a life makes.
//!
//! When a life is over, "now" means the rules that held just before its end, plus later changes of the ACLs above and
//! of groups. So its own slot stays as it stood before the end, and what the very commit that ended it did elsewhere
//! does not count for it either.

use podbell_log::{At, LogError, PolicyBody, PolicyHistory, PolicySnapshot};
use podbell_model::{Generation, ResourceIri, Sequence};
use podbell_wac::Slots;
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
    acls: Vec<ResourceIri>,
    documents: Vec<Entry>,
}

impl<'h> Reading<'h> {
    /// Reads the ACLs in `slots`, of which the first is the own one of `resource`.
    pub(super) async fn begin(
        history: &'h dyn PolicyHistory,
        slots: &Slots,
        resource: &ResourceIri,
        life: Option<Generation>,
        at: At,
    ) -> Result<Self, LogError> {
        let acls: Vec<ResourceIri> = slots.acls().cloned().collect();
        let snapshot = policies(history, &acls, at).await?;
        // Asked after the snapshot, so that an end that the snapshot shows cannot be missed: without its own ACL the
        // resource would inherit a more open one.
        let ended = match life {
            Some(generation) => history.ended(resource, generation).await?.filter(|end| *end <= snapshot.as_of),
            None => None,
        };
        let mut reading = Self { history, as_of: snapshot.as_of, ended, acls, documents: Vec::new() };
        reading.documents = reading.rewind(&reading.acls, snapshot.documents, true).await?;
        Ok(reading)
    }

    /// The ACLs in `slots`, which are those of the resource or of a container above it; nothing for any others.
    pub(super) fn documents(&self, slots: &Slots) -> &[Entry] {
        let skip = self.acls.len().saturating_sub(slots.as_slice().len());
        if self.acls[skip..].iter().eq(slots.acls()) { &self.documents[skip..] } else { &[] }
    }

    /// Reads group documents as of the same moment.
    pub(super) async fn groups(&self, documents: &[ResourceIri]) -> Result<Vec<Entry>, LogError> {
        let snapshot = policies(self.history, documents, At::Commit(self.as_of)).await?;
        self.rewind(documents, snapshot.documents, false).await
    }

    async fn rewind(
        &self,
        names: &[ResourceIri],
        mut entries: Vec<Entry>,
        own_first: bool,
    ) -> Result<Vec<Entry>, LogError> {
        let Some(end) = self.ended else { return Ok(entries) };
        let own = |index: usize| own_first && index == 0;
        let after = |index: &usize| entries[*index].0 == end || (own(*index) && entries[*index].0 > end);
        let indices: Vec<usize> = (0..entries.len()).filter(after).collect();
        if !indices.is_empty() {
            let stale: Vec<ResourceIri> = indices.iter().map(|index| names[*index].clone()).collect();
            let before = policies(self.history, &stale, At::Commit(end.before())).await?;
            for (index, entry) in indices.into_iter().zip(before.documents) {
                entries[index] = entry;
            }
        }
        Ok(entries)
    }
}

/// Asks the history; an answer that leaves a document out is no answer.
async fn policies(history: &dyn PolicyHistory, documents: &[ResourceIri], at: At) -> Result<PolicySnapshot, LogError> {
    let snapshot = history.policies(documents, at).await?;
    if snapshot.documents.len() == documents.len() {
        Ok(snapshot)
    } else {
        Err(LogError::Engine("the policy history left out a document".into()))
    }
}

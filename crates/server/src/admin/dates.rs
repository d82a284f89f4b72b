//! When the resources of a pod that arrives were written, so that moving does not make everything new.
//!
//! Documents are dated some at a time. A container is dated at the end, since what comes into it changes its date.

use podbell_model::{ResourceIri, Timestamp};

/// How many are dated at once.
const PORTION: usize = 256;
/// How many containers keep their dates.
const CONTAINERS: usize = 100_000;

/// Dates that are not kept yet.
#[derive(Debug, Default)]
pub(super) struct Dates {
    documents: Vec<(ResourceIri, Timestamp)>,
    containers: Vec<(ResourceIri, Timestamp)>,
}

impl Dates {
    /// A document or auxiliary resource; what is to be kept now, if that is enough.
    pub(super) fn of_document(
        &mut self,
        resource: ResourceIri,
        modified: Timestamp,
    ) -> Option<Vec<(ResourceIri, Timestamp)>> {
        self.documents.push((resource, modified));
        (self.documents.len() >= PORTION).then(|| std::mem::take(&mut self.documents))
    }

    /// A container.
    pub(super) fn of_container(&mut self, container: ResourceIri, modified: Option<Timestamp>) {
        if let Some(modified) = modified.filter(|_| self.containers.len() < CONTAINERS) {
            self.containers.push((container, modified));
        }
    }

    /// The date of a resource that is among these.
    pub(super) fn date(&self, resource: &ResourceIri) -> Option<Timestamp> {
        self.documents.iter().rev().find(|(named, _)| named == resource).map(|(_, modified)| *modified)
    }

    /// Everything that is left, in portions.
    pub(super) fn rest(&mut self) -> Vec<Vec<(ResourceIri, Timestamp)>> {
        let mut all = std::mem::take(&mut self.documents);
        all.append(&mut self.containers);
        all.chunks(PORTION).map(<[_]>::to_vec).collect()
    }
}

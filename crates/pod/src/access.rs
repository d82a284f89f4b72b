//! What a request needs, from what exists.
//!
//! Access is computed when a request is planned, and once more when it is applied: an operation that would by then
//! need more than was permitted is handed back to be authorized anew.
//!
//! Spec: <https://solidproject.org/TR/wac#access-modes>

use crate::{
    operation::{Action, Request},
    patch::Patch,
    problem::Problem,
    shape::Shape,
    store::{Store, StoreError},
};
use podbell_model::{ResourceIri, Storage};
use podbell_wac::{Access, Modes, Place};

/// What `request` does, as things stand.
pub(crate) async fn access(
    store: &dyn Store,
    storage: &Storage,
    shape: &Shape,
    request: &Request,
    patch: Option<&Result<Patch, Problem>>,
) -> Result<Access, StoreError> {
    let resource = request.target.clone();
    Ok(match &request.action {
        Action::Read(_) => Access::Read { resource },
        Action::Post { .. } => Access::Post { container: resource },
        Action::Put { .. } => Access::Put { place: place(store, storage, shape, &resource).await?, resource },
        Action::Patch { .. } => {
            let place = place(store, storage, shape, &resource).await?;
            Access::Patch { resource, place, modes: modes(patch) }
        }
        Action::Delete => {
            // A description is there as long as its subject is, written or not.
            let stands = match shape {
                Shape::Description { subject } => subject,
                _ => &resource,
            };
            Access::Delete { exists: store.resource(stands).await?.is_some(), resource }
        }
    })
}

/// What `request` may do, by what exists: nothing is looked at. Of what creates, the least: it needs no less than what
/// replaces.
pub(crate) fn possible(request: &Request, patch: Option<&Result<Patch, Problem>>) -> Vec<Access> {
    let resource = request.target.clone();
    match &request.action {
        Action::Read(_) => vec![Access::Read { resource }],
        Action::Post { .. } => vec![Access::Post { container: resource }],
        Action::Put { .. } => vec![Access::Put { resource, place: Place::Exists }],
        Action::Patch { .. } => vec![Access::Patch { resource, place: Place::Exists, modes: modes(patch) }],
        Action::Delete => [true, false].map(|exists| Access::Delete { resource: resource.clone(), exists }).into(),
    }
}

/// Whether nothing is needed that `planned` did not need.
pub(crate) fn covers(storage: &Storage, planned: &Access, now: &Access) -> bool {
    let granted = planned.requirements(storage);
    now.requirements(storage)
        .iter()
        .all(|need| granted.iter().any(|have| have.resource == need.resource && have.modes.meets(need.modes)))
}

/// Decided from the patch before it is evaluated, so that a conflict tells nothing to those who may not know. A patch
/// that cannot be read needs what the least of patches needs: its refusal comes after the permission.
fn modes(patch: Option<&Result<Patch, Problem>>) -> Modes {
    let Some(Ok(patch)) = patch else { return Modes::NONE };
    let when = |holds, modes| if holds { modes } else { Modes::NONE };
    when(patch.looks(), Modes::READ)
        | when(patch.inserts(), Modes::APPEND)
        | when(patch.deletes(), Modes::READ | Modes::WRITE)
}

async fn place(store: &dyn Store, storage: &Storage, shape: &Shape, target: &ResourceIri) -> Result<Place, StoreError> {
    // Auxiliary resources come and go with their subject and have no place of their own.
    if !matches!(shape, Shape::Container | Shape::Document) || store.resource(target).await?.is_some() {
        return Ok(Place::Exists);
    }
    for ancestor in target.ancestors().take_while(|ancestor| storage.contains(ancestor)) {
        if store.resource(&ancestor).await?.is_some() {
            return Ok(Place::Absent { nearest: ancestor });
        }
    }
    Ok(Place::Absent { nearest: storage.root.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{conditions::Preconditions, operation::Content};
    use podbell_model::{StorageId, Timestamp, WebId};

    fn iri(path: &str) -> ResourceIri {
        ResourceIri::parse(&format!("http://x{path}")).unwrap()
    }

    #[test]
    fn whoever_is_granted_what_a_request_does_is_granted_one_of_what_it_may_do() {
        let storage = Storage { id: StorageId(1), root: iri("/"), owner: WebId::new("http://x/#me") };
        let places = || [Place::Exists, Place::Absent { nearest: iri("/a/") }, Place::Absent { nearest: iri("/") }];
        for path in ["/a/r", "/a/c/", "/a/r.acl", "/a/r.meta"] {
            let resource = iri(path);
            let puts = places().map(|place| Access::Put { resource: resource.clone(), place });
            let patches = places().map(|place| Access::Patch { resource: resource.clone(), place, modes: Modes::NONE });
            let deletes = [true, false].map(|exists| Access::Delete { resource: resource.clone(), exists });
            for (action, does) in [
                (Action::Put { content: Content::none() }, &puts[..]),
                (Action::Patch { content: Content::none() }, &patches),
                (Action::Delete, &deletes),
            ] {
                let (preconditions, now) = (Preconditions::default(), Timestamp::UNIX_EPOCH);
                let (causes, rules_as_of) = (std::sync::Arc::default(), None);
                let request = Request { target: resource.clone(), action, preconditions, now, causes, rules_as_of };
                let may = possible(&request, None);
                for does in does {
                    assert!(may.iter().any(|may| covers(&storage, does, may)), "{does:?}: {may:?}");
                }
                assert!(may.iter().all(|may| does.contains(may)), "{may:?}");
            }
        }
    }
}

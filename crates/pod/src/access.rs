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

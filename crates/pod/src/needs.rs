//! Which modes of access an operation needs on which resources.
//!
//! Needs are computed when an operation is planned, from what exists then, and once more when it is applied: an
//! operation whose needs have grown meanwhile is handed back to be authorized anew.
//!
//! Spec: <https://solidproject.org/TR/wac#access-modes>

use crate::{
    operation::{Action, Request},
    patch::Patch,
    problem::Problem,
    shape::Shape,
    store::{Store, StoreError},
};
use podbell_model::{ResourceClass, ResourceIri, Storage};

/// A mode of access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// `acl:Read`
    Read,
    /// `acl:Append`; `acl:Write` meets it as well.
    Append,
    /// `acl:Write`
    Write,
    /// `acl:Control`
    Control,
}

/// One mode on one resource, existing or not. Auxiliary resources appear by their subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// On what.
    pub resource: ResourceIri,
    /// Which mode.
    pub mode: Mode,
}

impl Need {
    fn new(resource: &ResourceIri, mode: Mode) -> Self {
        Self { resource: resource.clone(), mode }
    }
}

/// What `request` needs as things stand. All of it must be granted.
pub(crate) async fn needs(
    store: &dyn Store,
    storage: &Storage,
    shape: &Shape,
    request: &Request,
    patch: Option<&Result<Patch, Problem>>,
) -> Result<Vec<Need>, StoreError> {
    let target = &request.target;
    Ok(match shape {
        Shape::Acl { subject, .. } | Shape::Reserved { subject } => vec![Need::new(subject, Mode::Control)],
        Shape::Description { subject } => match &request.action {
            Action::Read(_) => vec![Need::new(subject, Mode::Read)],
            Action::Put { .. } | Action::Delete => vec![Need::new(subject, Mode::Write)],
            Action::Post { .. } => vec![Need::new(subject, Mode::Append)],
            Action::Patch { .. } => on(subject, patch_modes(patch)),
        },
        Shape::Root | Shape::Container | Shape::Document => match &request.action {
            Action::Read(_) => vec![Need::new(target, Mode::Read)],
            Action::Post { .. } => vec![Need::new(target, Mode::Append)],
            Action::Put { .. } => with_chain(store, storage, target, &[Mode::Write]).await?,
            Action::Patch { .. } => with_chain(store, storage, target, patch_modes(patch)).await?,
            Action::Delete => deletion(store, storage, target).await?,
        },
    })
}

fn on(resource: &ResourceIri, modes: &[Mode]) -> Vec<Need> {
    modes.iter().map(|mode| Need::new(resource, *mode)).collect()
}

/// Decided from the patch before it is evaluated, so that a conflict tells nothing to those who may not know.
///
/// A patch that could not be read needs what the least of patches needs: the refusal comes after the permission.
fn patch_modes(patch: Option<&Result<Patch, Problem>>) -> &'static [Mode] {
    let Some(Ok(patch)) = patch else { return &[Mode::Append] };
    match (patch.deletes(), patch.inserts(), patch.looks()) {
        (true, ..) => &[Mode::Read, Mode::Write],
        (false, true, true) => &[Mode::Read, Mode::Append],
        (false, true, false) => &[Mode::Append],
        (false, false, _) => &[Mode::Read],
    }
}

/// The modes on the target itself and, if it is absent, Append on every container that the request creates and on
/// the one that it creates them in.
async fn with_chain(
    store: &dyn Store,
    storage: &Storage,
    target: &ResourceIri,
    modes: &[Mode],
) -> Result<Vec<Need>, StoreError> {
    let mut needs = on(target, modes);
    if store.resource(target).await?.is_none() {
        for ancestor in target.ancestors().take_while(|ancestor| storage.contains(ancestor)) {
            needs.push(Need::new(&ancestor, Mode::Append));
            if store.resource(&ancestor).await?.is_some() {
                break;
            }
        }
    }
    Ok(needs)
}

/// Absent names answer by Read alone, which a GET would ask too; emptiness of a container is information.
async fn deletion(store: &dyn Store, storage: &Storage, target: &ResourceIri) -> Result<Vec<Need>, StoreError> {
    let modes: &[Mode] = match store.resource(target).await?.map(|resource| resource.class) {
        None => &[Mode::Read],
        Some(ResourceClass::Container) if *target != storage.root => &[Mode::Write, Mode::Read],
        Some(_) => &[Mode::Write],
    };
    let mut needs = on(target, modes);
    if let Some(parent) = target.parent().filter(|_| *target != storage.root) {
        needs.push(Need::new(&parent, modes[0]));
    }
    Ok(needs)
}

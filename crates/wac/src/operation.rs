//! What each operation needs, before anything is said about existence or method.
//!
//! Creating needs Append on what holds the new resource. A `PUT` says what the whole resource is, and so needs Write
//! on it also when it does not exist; a patch that only inserts can create with Append.
//!
//! Spec: <https://solidproject.org/TR/protocol#reading-writing-resources>,
//! <https://solidproject.org/TR/wac#access-modes>

use crate::{Modes, effective::ruled_by};
use podbell_model::{Auxiliary, ResourceIri, Storage};

/// Whether a target exists, and where it would begin to exist if not.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// It exists.
    Exists,
    /// It does not. The containers between it and its nearest existing ancestor would be created with it.
    Absent {
        /// The nearest container above that exists.
        nearest: ResourceIri,
    },
}

/// What a request does, as far as access is concerned.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// `GET`, `HEAD`, and subscribing to a topic; whether it exists or not.
    Read {
        /// The target, or the topic.
        resource: ResourceIri,
    },
    /// `PUT`.
    Put {
        /// The target.
        resource: ResourceIri,
        /// Where it is.
        place: Place,
    },
    /// `POST`; judged the same when the target is no container.
    Post {
        /// The target.
        container: ResourceIri,
    },
    /// `PATCH`.
    Patch {
        /// The target.
        resource: ResourceIri,
        /// Where it is.
        place: Place,
        /// By the patch's content: Read if it has conditions, Append if it inserts, Read and Write if it deletes. An
        /// empty patch is judged as one that inserts.
        modes: Modes,
    },
    /// `DELETE`.
    Delete {
        /// The target.
        resource: ResourceIri,
        /// Whether it exists.
        exists: bool,
    },
}

/// Something that can be permitted: it says what it does.
pub trait Operation {
    /// What it does. Whoever applies the operation does exactly that and nothing beyond.
    fn access(&self) -> Access;
}

impl Operation for Access {
    fn access(&self) -> Access {
        self.clone()
    }
}

/// Modes that are needed on one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// The resource whose rules are asked; never an auxiliary one.
    pub resource: ResourceIri,
    /// All of these are needed.
    pub modes: Modes,
}

impl Access {
    /// The target.
    pub fn resource(&self) -> &ResourceIri {
        match self {
            Self::Read { resource }
            | Self::Put { resource, .. }
            | Self::Post { container: resource }
            | Self::Patch { resource, .. }
            | Self::Delete { resource, .. } => resource,
        }
    }

    /// All that must be granted, the target's requirement first; never empty, each resource once.
    pub fn requirements(&self, storage: &Storage) -> Vec<Requirement> {
        let target = self.resource();
        let ruled = ruled_by(target);
        if ruled.control {
            return vec![Requirement { resource: ruled.resource, modes: Modes::CONTROL }];
        }
        let mut needs = vec![Requirement { resource: ruled.resource, modes: self.on_target() }];
        // A description has no place of its own: it comes and goes with its subject.
        if !matches!(target.as_auxiliary(), Some((Auxiliary::Description, _))) {
            needs.extend(self.on_ancestors(storage));
        }
        needs
    }

    fn on_target(&self) -> Modes {
        match self {
            // That nothing is there is for those to know who could read it.
            Self::Read { .. } | Self::Delete { exists: false, .. } => Modes::READ,
            // That a container is empty is told by deleting it.
            Self::Delete { resource, .. } if resource.is_container() => Modes::WRITE | Modes::READ,
            Self::Put { .. } | Self::Delete { .. } => Modes::WRITE,
            Self::Patch { modes, .. } if !modes.is_empty() => *modes,
            Self::Post { .. } | Self::Patch { .. } => Modes::APPEND,
        }
    }

    fn on_ancestors(&self, storage: &Storage) -> Vec<Requirement> {
        let above = |modes| move |resource| Requirement { resource, modes };
        let inside = self.resource().ancestors().take_while(|ancestor| storage.contains(ancestor));
        match self {
            Self::Put { place: Place::Absent { nearest }, .. }
            | Self::Patch { place: Place::Absent { nearest }, .. } => {
                let mut reached = false;
                let chain = inside.take_while(|ancestor| !std::mem::replace(&mut reached, ancestor == nearest));
                chain.map(above(Modes::APPEND)).collect()
            }
            Self::Delete { exists, .. } => {
                inside.take(1).map(above(if *exists { Modes::WRITE } else { Modes::READ })).collect()
            }
            Self::Read { .. } | Self::Post { .. } | Self::Put { .. } | Self::Patch { .. } => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use podbell_model::{StorageId, WebId};

    fn iri(path: &str) -> ResourceIri {
        ResourceIri::parse(&format!("http://x{path}")).unwrap()
    }

    fn check(access: &Access, expected: &[(&str, Modes)]) {
        let storage = Storage { id: StorageId(1), root: iri("/p/"), owner: WebId::new("http://o/#me") };
        let needs = access.requirements(&storage).into_iter().map(|need| (need.resource, need.modes));
        let expected: Vec<_> = expected.iter().map(|(path, modes)| (iri(path), *modes)).collect();
        assert_eq!(needs.collect::<Vec<_>>(), expected, "{access:?}");
    }

    fn absent(nearest: &str) -> Place {
        Place::Absent { nearest: iri(nearest) }
    }

    #[test]
    fn creating_needs_append_on_every_container_that_is_touched() {
        let put = |path, place| Access::Put { resource: iri(path), place };
        check(&put("/p/a", Place::Exists), &[("/p/a", Modes::WRITE)]);
        check(&put("/p/a", absent("/p/")), &[("/p/a", Modes::WRITE), ("/p/", Modes::APPEND)]);
        let chain = [("/p/a/b/c", Modes::WRITE), ("/p/a/b/", Modes::APPEND), ("/p/a/", Modes::APPEND)];
        check(&put("/p/a/b/c", absent("/p/a/")), &chain);
        let patch = Access::Patch { resource: iri("/p/a/b"), place: absent("/p/"), modes: Modes::APPEND };
        check(&patch, &[("/p/a/b", Modes::APPEND), ("/p/a/", Modes::APPEND), ("/p/", Modes::APPEND)]);
    }

    #[test]
    fn a_wrong_nearest_container_needs_more_and_not_less() {
        let put = Access::Put { resource: iri("/p/a/b"), place: absent("/p/other/") };
        check(&put, &[("/p/a/b", Modes::WRITE), ("/p/a/", Modes::APPEND), ("/p/", Modes::APPEND)]);
    }

    #[test]
    fn deleting_needs_write_on_both_sides() {
        let delete = |path, exists| Access::Delete { resource: iri(path), exists };
        check(&delete("/p/a", true), &[("/p/a", Modes::WRITE), ("/p/", Modes::WRITE)]);
        check(&delete("/p/a", false), &[("/p/a", Modes::READ), ("/p/", Modes::READ)]);
        check(&delete("/p/a/", true), &[("/p/a/", Modes::WRITE | Modes::READ), ("/p/", Modes::WRITE)]);
        check(&delete("/p/", true), &[("/p/", Modes::WRITE | Modes::READ)]);
    }

    #[test]
    fn an_acl_needs_control_of_its_subject_whatever_is_done() {
        let (acl, place) = (iri("/p/a/.acl"), absent("/p/"));
        for access in [
            Access::Read { resource: acl.clone() },
            Access::Put { resource: acl.clone(), place: place.clone() },
            Access::Post { container: acl.clone() },
            Access::Patch { resource: acl.clone(), place, modes: Modes::NONE },
            Access::Delete { resource: acl.clone(), exists: false },
        ] {
            check(&access, &[("/p/a/", Modes::CONTROL)]);
        }
    }

    #[test]
    fn a_description_needs_what_its_subject_needs() {
        let meta = iri("/p/a.meta");
        check(&Access::Read { resource: meta.clone() }, &[("/p/a", Modes::READ)]);
        check(&Access::Put { resource: meta.clone(), place: absent("/p/") }, &[("/p/a", Modes::WRITE)]);
        check(&Access::Delete { resource: meta, exists: true }, &[("/p/a", Modes::WRITE)]);
    }

    #[test]
    fn an_empty_patch_is_not_free() {
        let patch = |modes| Access::Patch { resource: iri("/p/a"), place: Place::Exists, modes };
        check(&patch(Modes::NONE), &[("/p/a", Modes::APPEND)]);
        check(&patch(Modes::READ), &[("/p/a", Modes::READ)]);
    }
}

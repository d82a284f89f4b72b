//! Whom a record concerns: the one answer for those who are connected and for those whom it is pushed to.
//!
//! A topic hears of its own changes and, if it is a container, of what is added to it or removed from it. A topic that
//! stands for everything below it hears of the changes of objects alone. ACLs are told to nobody but listeners of
//! their own.

use crate::{Channel, Relation};
use podbell_log::{Fact, PolicyKind, Record};
use podbell_model::{Activity, ActivityKind, Generation, ResourceIri};
use std::sync::Arc;

/// A resource whose listeners a record concerns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Concerned<'r> {
    pub(crate) resource: &'r ResourceIri,
    pub(crate) relation: Relation,
    /// None for whichever life of it stands there.
    pub(crate) generation: Option<Generation>,
}

/// What a record concerns: its object, then the container that the object was added to or removed from.
pub(crate) fn concerned<'r>(record: &Record, activity: &'r Activity) -> impl Iterator<Item = Concerned<'r>> + use<'r> {
    let Activity { object, generation, membership, .. } = activity;
    let own = Concerned { resource: object, relation: Relation::Object, generation: Some(*generation) };
    let membership = membership.as_ref().filter(|_| !is_acl(record));
    let member = membership.map(|to| Concerned {
        resource: &to.container,
        relation: Relation::Member,
        generation: Some(to.generation),
    });
    std::iter::once(own).chain(member)
}

/// The container in which a member was updated. Only those are told who asked for it, and nobody whom it is pushed to.
pub(crate) fn listing(record: &Record, activity: &Activity) -> Option<ResourceIri> {
    let updated = activity.kind == ActivityKind::Update && !is_acl(record);
    updated.then(|| activity.object.parent()).flatten()
}

/// The roots of recursive topics that a record concerns, nearest first: its object, and each container above.
pub(crate) fn roots<'r>(record: &Record, activity: &'r Activity) -> impl Iterator<Item = ResourceIri> + use<'r> {
    let acl = is_acl(record);
    std::iter::once(activity.object.clone()).chain(activity.object.ancestors().take_while(move |_| !acl))
}

fn is_acl(record: &Record) -> bool {
    matches!(record.fact, Fact::Policy { kind: PolicyKind::Acl, .. })
}

/// The state of a topic that a receiver knows once it was told of a change; empty if nothing stands there.
pub(crate) fn state_after(activity: &Activity, kind: ActivityKind, relation: Relation) -> Arc<str> {
    let state = match (kind, relation) {
        (ActivityKind::Delete, Relation::Object) => None,
        (_, Relation::Member) => activity.membership.as_ref().map(|membership| Arc::clone(&membership.state)),
        (_, Relation::Object) => activity.state.clone(),
    };
    state.unwrap_or_else(|| "".into())
}

impl Channel {
    /// Whether it wants to hear of a record that concerns one of its topics like that: its time has come and is not
    /// over, and its filter lets it through.
    pub(crate) fn wants(&self, record: &Record, relation: Relation) -> bool {
        let begun = self.start_at.is_none_or(|start| start <= record.published);
        let goes_on = self.end_at.is_none_or(|end| end > record.published);
        let passes = |activity| self.filter.passes(relation, activity, &self.subject);
        begun && goes_on && record.fact.activity().is_some_and(passes)
    }
}

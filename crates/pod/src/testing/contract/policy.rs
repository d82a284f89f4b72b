//! Changes of policy: ACLs and group documents, the fence, and permissions that went stale.

use super::{
    Fixture, World,
    world::{activity, conflict, iri, time},
};
use crate::store::{CommitError, Store};
use podbell_log::{At, Fact, Log, PolicyHistory, PolicyKind};
use podbell_model::{ActivityKind, Generation, ResourceClass, ResourceIri, Sequence, activity::version};

async fn current<F: Fixture>(world: &World<F>, name: &str) -> (Sequence, Option<(PolicyKind, String)>) {
    let snapshot = world.store().policies(&[iri(name)], At::Now).await.unwrap();
    let (touched, body) = snapshot.documents[0].clone();
    (touched, body.map(|body| (body.kind, body.body.to_string())))
}

/// Its subject does not change by it.
pub async fn an_acl_is_policy_with_its_own_versions<F: Fixture>() {
    let world = World::<F>::new().await;
    world.commit(vec![world.put("a", "1")]).await;
    let (root, subject) = (world.resource("").await, world.resource("a").await);
    let mut generation = None;
    for kind in [ActivityKind::Create, ActivityKind::Update] {
        let change = world.acl("a", "rules");
        let id = change.id();
        let committed = world.commit(vec![change]).await;
        let [record] = committed.records.as_slice() else { panic!("{committed:?}") };
        assert!(matches!(record.fact, Fact::Policy { kind: PolicyKind::Acl, .. }));
        let activity = activity(record);
        assert_eq!((activity.id, activity.kind, &activity.object), (id, kind, &iri("a.acl")));
        assert_eq!((activity.class, &activity.membership), (ResourceClass::RdfSource, &None));
        assert_eq!(activity.state, Some(version(id)));
        assert_eq!(activity.generation, *generation.get_or_insert(Generation(committed.sequence)));
        assert_eq!(world.resource("a.acl").await.version, version(id));
        assert_eq!(current(&world, "a.acl").await, (committed.sequence, Some((PolicyKind::Acl, "rules".into()))));
    }
    assert_eq!((world.resource("").await, world.resource("a").await), (root, subject));
}

/// Its slot stands empty, touched by that commit.
pub async fn a_deleted_acl_is_policy<F: Fixture>() {
    let world = World::<F>::new().await;
    world.commit(vec![world.put("a", "1"), world.acl("a", "rules")]).await;
    let acl = world.resource("a.acl").await;
    let deleted = world.commit(vec![world.delete_acl("a")]).await;
    let [record] = deleted.records.as_slice() else { panic!("{deleted:?}") };
    assert!(matches!(record.fact, Fact::Policy { kind: PolicyKind::Acl, .. }));
    assert_eq!(activity(record).kind, ActivityKind::Delete);
    assert_eq!((activity(record).generation, activity(record).state.clone()), (acl.generation, Some(acl.version)));
    assert_eq!(current(&world, "a.acl").await, (deleted.sequence, None));
    assert_eq!(conflict(world.try_commit(vec![world.delete_acl("a")]).await), iri("a.acl"));
}

async fn depending<F: Fixture>(world: &World<F>, document: &str, permitted: Sequence) -> Result<(), CommitError> {
    let mut writes = world.set(vec![world.put("written", "1")]);
    writes.permitted_as_of = permitted;
    writes.depends_on = [iri(".acl"), iri(document)].into();
    world.store().commit(writes).await.map(|_| ())
}

/// Replaced, deleted, or deleted with its subject; judged before what is expected.
pub async fn a_touched_dependency_refuses_the_write<F: Fixture>() {
    let world = World::<F>::new().await;
    world.commit(vec![world.put("a", "1"), world.acl("a", "rules")]).await;
    for change in [world.acl("a", "others"), world.delete_acl("a"), world.acl("a", "again"), world.delete("a")] {
        let permitted = world.store().head();
        depending(&world, "a.acl", permitted).await.unwrap();
        world.commit(vec![change]).await;
        assert!(matches!(depending(&world, "a.acl", permitted).await, Err(CommitError::PolicyChanged)));
        depending(&world, "a.acl", world.store().head()).await.unwrap();
    }
    let permitted = world.store().head();
    world.commit(vec![world.group("g", "members")]).await;
    assert!(matches!(depending(&world, "g", permitted).await, Err(CommitError::PolicyChanged)));
}

/// That no ACL stood there was part of the permission.
pub async fn an_absent_slot_that_was_filled_refuses_the_write<F: Fixture>() {
    let world = World::<F>::new().await;
    world.commit(vec![world.put("a", "1")]).await;
    let permitted = world.store().head();
    depending(&world, "a.acl", permitted).await.unwrap();
    world.commit(vec![world.acl("a", "rules")]).await;
    assert!(matches!(depending(&world, "a.acl", permitted).await, Err(CommitError::PolicyChanged)));
}

/// Rules of any storage count, also such as nothing here depends on.
pub async fn any_newer_rules_refuse_what_must_follow_none<F: Fixture>() {
    let world = World::<F>::new().await;
    let as_of = |as_of| {
        let mut writes = world.set(vec![world.put("written", "1")]);
        writes.rules_as_of = Some(as_of);
        world.store().commit(writes)
    };
    let before = world.store().head();
    world.commit(vec![world.put("a", "1")]).await;
    as_of(before).await.unwrap();
    let ruled = world.commit(vec![world.acl("a", "rules")]).await.sequence;
    assert!(matches!(as_of(before).await, Err(CommitError::PolicyChanged)));
    as_of(ruled).await.unwrap();
}

/// Before the answer.
pub async fn the_fence_is_raised_by_policy_alone<F: Fixture>() {
    let world = World::<F>::new().await;
    let fence = world.fixture.fence();
    let watermark = || fence.enter().watermark();
    assert_eq!(watermark(), world.store().head(), "a storage's root ACL is policy");
    let before = watermark();
    world.commit(vec![world.put("a", "1")]).await;
    assert_eq!(watermark(), before);
    for change in [world.acl("a", "rules"), world.group("g", "members"), world.put("g", "none"), world.delete_acl("a")]
    {
        let committed = world.commit(vec![change]).await;
        assert_eq!(watermark(), committed.sequence);
    }
    world.commit(vec![world.acl("a", "rules")]).await;
    let deleted = world.commit(vec![world.delete("a")]).await;
    assert_eq!(watermark(), deleted.sequence);
    let storage = world.store().delete_storage(world.storage.id, time(9)).await.unwrap();
    assert_eq!(watermark(), storage.sequence);
}

/// An ordinary resource besides: its record is one, with membership.
pub async fn a_group_document_is_policy<F: Fixture>() {
    let world = World::<F>::new().await;
    for (kind, members) in [(ActivityKind::Create, "one"), (ActivityKind::Update, "two")] {
        let committed = world.commit(vec![world.group("g", members)]).await;
        let [record] = committed.records.as_slice() else { panic!("{committed:?}") };
        assert!(matches!(record.fact, Fact::Policy { kind: PolicyKind::Group, .. }));
        assert_eq!((activity(record).kind, &activity(record).object), (kind, &iri("g")));
        assert_eq!(activity(record).membership.is_some(), kind == ActivityKind::Create);
        assert_eq!(current(&world, "g").await, (committed.sequence, Some((PolicyKind::Group, members.into()))));
    }
}

/// The write that takes them away, and none after it.
pub async fn a_group_that_loses_its_members_is_policy_once_more<F: Fixture>() {
    let world = World::<F>::new().await;
    world.commit(vec![world.group("g", "members")]).await;
    let lost = world.commit(vec![world.put("g", "none")]).await;
    assert!(matches!(lost.records[0].fact, Fact::Policy { kind: PolicyKind::Group, .. }));
    assert_eq!(current(&world, "g").await, (lost.sequence, None));
    let after = world.commit(vec![world.put("g", "none")]).await;
    assert!(matches!(after.records[0].fact, Fact::Change(_)));
    assert_eq!(current(&world, "g").await, (lost.sequence, None));
}

/// Its members are members no longer.
pub async fn a_deleted_group_document_is_policy<F: Fixture>() {
    let world = World::<F>::new().await;
    world.commit(vec![world.group("g", "members"), world.acl("g", "rules")]).await;
    let deleted = world.commit(vec![world.delete("g")]).await;
    let touched: Vec<_> = deleted.records.iter().filter_map(|record| record.fact.policy()).collect();
    assert_eq!(touched, [&iri("g"), &iri("g.acl")]);
    assert!(matches!(deleted.records[0].fact, Fact::Policy { kind: PolicyKind::Group, .. }));
    assert_eq!(current(&world, "g").await, (deleted.sequence, None));
    let elsewhere: Vec<ResourceIri> = vec![iri("never")];
    let snapshot = world.store().policies(&elsewhere, At::Now).await.unwrap();
    assert_eq!((snapshot.as_of, snapshot.documents), (world.store().head(), vec![(Sequence(0), None)]));
}

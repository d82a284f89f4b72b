//! Documents and their auxiliaries: what a change leaves behind, and what it says.

use super::{
    Fixture, World,
    world::{activity, conflict, iri, only, owner},
};
use crate::store::{Body, Change, Store};
use podbell_log::{Fact, Log, PolicyHistory};
use podbell_model::{
    ActivityKind, Auxiliary, Generation, ResourceClass, ResourceIri,
    activity::{secondary_id, version},
};

/// Create, update and delete follow from what stood before.
pub async fn a_document_is_created_then_updated_then_deleted<F: Fixture>() {
    let world = World::<F>::new().await;
    let (create, update, delete) = (world.put("a", "1"), world.put("a", "2"), world.delete("a"));
    let ids = [create.id(), update.id(), delete.id()];

    let created = world.commit(vec![create]).await;
    let activity = only(&created);
    assert_eq!((activity.id, activity.kind), (ids[0], ActivityKind::Create));
    assert_eq!(activity.generation, Generation(created.sequence));
    assert_eq!(activity.state, Some(version(ids[0])));
    assert_eq!(activity.actor, Some(owner()));

    let updated = world.commit(vec![update]).await;
    let activity = only(&updated);
    assert_eq!((activity.id, activity.kind), (ids[1], ActivityKind::Update));
    assert_eq!(activity.generation, Generation(created.sequence));
    assert_eq!(activity.state, Some(version(ids[1])));
    assert_eq!(activity.membership, None);

    let deleted = world.commit(vec![delete]).await;
    let activity = only(&deleted);
    assert_eq!((activity.id, activity.kind), (ids[2], ActivityKind::Delete));
    assert_eq!(activity.generation, Generation(created.sequence));
    assert_eq!(activity.state, Some(version(ids[1])), "a deletion tells the last version");
    assert_eq!(world.find("a").await, None);
    assert_eq!(conflict(world.try_commit(vec![world.delete("a")]).await), iri("a"));
}

/// The same name, another generation.
pub async fn a_deleted_and_re_created_resource_lives_another_life<F: Fixture>() {
    let world = World::<F>::new().await;
    let first = world.commit(vec![world.put("a", "1")]).await;
    world.commit(vec![world.delete("a")]).await;
    let second = world.commit(vec![world.put("a", "2")]).await;
    assert_eq!(only(&second).kind, ActivityKind::Create);
    assert_ne!(only(&first).generation, only(&second).generation);
    assert_eq!(world.resource("a").await.generation, Generation(second.sequence));
    let both = world.commit(vec![world.delete("a"), world.put("a", "3")]).await;
    assert_eq!(world.resource("a").await.generation, Generation(both.sequence));
    assert_eq!(world.store().ended(&iri("a"), Generation(second.sequence)).await.unwrap(), Some(both.sequence));
    assert_eq!(world.store().ended(&iri("a"), Generation(both.sequence)).await.unwrap(), None);
}

/// Every column comes back.
pub async fn a_resource_reads_as_it_was_written<F: Fixture>() {
    let world = World::<F>::new().await;
    let id = world.id();
    let writes = world.set(vec![Change::Put {
        id,
        resource: iri("pictures"),
        class: ResourceClass::NonRdfSource,
        content_type: "image/png; x=\"y\"".into(),
        body: Body::Inline(b"\0\xff".as_slice().into()),
        group: None,
    }]);
    let now = writes.now;
    let committed = world.store().commit(writes).await.unwrap();
    let row = world.resource("pictures").await;
    assert_eq!(row.iri, iri("pictures"));
    assert_eq!((row.storage, row.class), (world.storage.id, ResourceClass::NonRdfSource));
    assert_eq!((row.generation, row.version), (Generation(committed.sequence), version(id)));
    assert_eq!((row.listing, row.modified), (0, now));
    assert_eq!(&*row.content_type, "image/png; x=\"y\"");
    assert_eq!(row.body, Body::Inline(b"\0\xff".as_slice().into()));
    assert_eq!(committed.records[0].published, now);
}

/// A write set stays in its storage, and puts nothing under a name that does not fit.
pub async fn a_write_outside_the_storage_is_refused<F: Fixture>() {
    let world = World::<F>::new().await;
    let head = world.store().head();
    let put = |resource: ResourceIri, class| Change::Put {
        id: world.id(),
        resource,
        class,
        content_type: "text/turtle".into(),
        body: Body::Inline(b"x".as_slice().into()),
        group: None,
    };
    let elsewhere = ResourceIri::parse("https://elsewhere.example/a").unwrap();
    for change in [
        put(elsewhere, ResourceClass::RdfSource),
        put(iri("a.acl"), ResourceClass::RdfSource),
        put(iri(".meta"), ResourceClass::RdfSource),
        put(iri("a/"), ResourceClass::RdfSource),
        put(iri("a"), ResourceClass::Container),
        world.delete(""),
        world.delete(".acl"),
    ] {
        assert!(world.try_commit(vec![change.clone()]).await.is_err(), "{change:?}");
    }
    assert_eq!(world.store().head(), head);
}

/// A container is created once.
pub async fn a_container_is_not_put_twice<F: Fixture>() {
    let world = World::<F>::new().await;
    world.commit(vec![world.put("c/", "")]).await;
    let before = world.resource("c/").await;
    assert_eq!(conflict(world.try_commit(vec![world.put("c/", "")]).await), iri("c/"));
    assert_eq!(world.resource("c/").await, before);
}

/// A description changes the version and date of its subject, nothing else of it.
pub async fn a_description_is_an_update_of_its_subject<F: Fixture>() {
    let world = World::<F>::new().await;
    let created = world.commit(vec![world.put("a", "1")]).await;
    let change = world.describe("a");
    let id = change.id();
    let described = world.commit(vec![change]).await;
    let activity = only(&described);
    assert_eq!((activity.kind, &activity.object), (ActivityKind::Update, &iri("a")));
    assert_eq!((activity.id, activity.state.clone()), (id, Some(version(id))));
    assert_eq!((activity.generation, &activity.membership), (Generation(created.sequence), &None));
    let subject = world.resource("a").await;
    assert_eq!((subject.version, subject.modified), (version(id), described.records[0].published));
    assert_eq!(subject.body, Body::Inline(b"1".as_slice().into()));
    let description = world.resource("a.meta").await;
    assert_eq!(description.version, version(id));
    assert_eq!(description.generation, Generation(described.sequence));
    assert_eq!(conflict(world.try_commit(vec![world.describe("absent")]).await), iri("absent"));
}

/// R-EVT-1: what comes to be with a description is created, and not updated too.
pub async fn what_is_created_with_its_description_is_told_once<F: Fixture>() {
    let world = World::<F>::new().await;
    let change = world.put("a", "1");
    let id = change.id();
    let created = world.commit(vec![change, world.describe("a")]).await;
    assert_eq!((only(&created).kind, &only(&created).object), (ActivityKind::Create, &iri("a")));
    assert_eq!(only(&created).state.as_deref(), Some(&*version(id)));
    assert_eq!(world.resource("a").await.version, version(id));
    assert!(world.find("a.meta").await.is_some());
}

/// So does its deletion.
pub async fn a_deleted_description_is_an_update_of_its_subject<F: Fixture>() {
    let world = World::<F>::new().await;
    let delete = || Change::DeleteDescription { id: world.id(), subject: iri("a") };
    world.commit(vec![world.put("a", "1")]).await;
    assert_eq!(conflict(world.try_commit(vec![delete()]).await), iri("a.meta"));
    world.commit(vec![world.describe("a")]).await;
    let change = delete();
    let id = change.id();
    let deleted = world.commit(vec![change]).await;
    assert_eq!((only(&deleted).kind, &only(&deleted).object), (ActivityKind::Update, &iri("a")));
    assert_eq!(world.resource("a").await.version, version(id));
    assert_eq!(world.find("a.meta").await, None);
}

/// A deletion takes the ACL and the description along; the ACL's end is policy.
pub async fn auxiliaries_go_with_their_subject<F: Fixture>() {
    let world = World::<F>::new().await;
    world.commit(vec![world.put("a", "1"), world.acl("a", "rules"), world.describe("a")]).await;
    let acl = world.resource("a.acl").await;
    let meta = world.resource("a.meta").await;
    let change = world.delete("a");
    let id = change.id();
    let deleted = world.commit(vec![change]).await;
    let [subject, rules] = deleted.records.as_slice() else { panic!("{deleted:?}") };
    assert!(matches!(&subject.fact, Fact::Change(activity) if activity.object == iri("a")));
    assert_eq!(rules.fact.policy(), Some(&iri("a.acl")));
    assert_eq!(activity(rules).id, secondary_id(id, &iri("a.acl")));
    assert_eq!((activity(rules).kind, activity(rules).generation), (ActivityKind::Delete, acl.generation));
    assert_eq!(activity(rules).state, Some(acl.version));
    for name in ["a", "a.acl", "a.meta"] {
        assert_eq!(world.find(name).await, None, "{name}");
    }
    assert_eq!(world.store().ended(&iri("a.acl"), acl.generation).await.unwrap(), Some(deleted.sequence));
    let description = iri("a").auxiliary(Auxiliary::Description);
    assert_eq!(world.store().ended(&description, meta.generation).await.unwrap(), Some(deleted.sequence));
}

/// What comes before a change that fails is undone, the sequence and the versions included.
pub async fn a_write_set_is_all_or_nothing<F: Fixture>() {
    let world = World::<F>::new().await;
    let (head, root) = (world.store().head(), world.resource("").await);
    let changes =
        vec![world.put("a", "1"), world.acl("a", "rules"), world.group("g", "members"), world.delete("absent")];
    assert_eq!(conflict(world.try_commit(changes).await), iri("absent"));
    assert_eq!(world.store().head(), head);
    assert_eq!(world.resource("").await, root);
    for name in ["a", "a.acl", "g"] {
        assert_eq!(world.find(name).await, None, "{name}");
    }
    assert!(world.store().read(head, 10).await.unwrap().is_empty());
    let next = world.commit(vec![world.put("a", "1")]).await;
    assert_eq!(next.sequence.before(), head);
}

/// It would be a commit without records.
pub async fn an_empty_write_set_is_refused<F: Fixture>() {
    let world = World::<F>::new().await;
    let head = world.store().head();
    assert!(world.try_commit(Vec::new()).await.is_err());
    assert_eq!(world.store().head(), head);
}

/// Nothing hangs in the air.
pub async fn the_parent_must_stand<F: Fixture>() {
    let world = World::<F>::new().await;
    assert_eq!(conflict(world.try_commit(vec![world.put("c/a", "1")]).await), iri("c/"));
    world.commit(vec![world.put("c/", ""), world.put("c/a", "1")]).await;
    assert_eq!(conflict(world.try_commit(vec![world.acl("absent", "rules")]).await), iri("absent"));
}

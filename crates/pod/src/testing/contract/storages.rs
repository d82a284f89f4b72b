//! Storages: disjoint, numbered once, gone with everything in them.

use super::{
    Fixture, World,
    world::{acl, activity, iri, owner, time},
};
use crate::store::{CommitError, Store};
use podbell_log::{At, Fact, Log, LogError, PolicyHistory, PolicyKind, StorageChange};
use podbell_model::{ActivityKind, Generation, ResourceClass, ResourceIri, StreamPosition};

/// The storage, its root, then what comes with it.
pub async fn a_storage_begins_with_its_root_and_its_acl<F: Fixture>() {
    let fixture = F::fresh().await;
    let store = fixture.store();
    assert!(store.storages().await.unwrap().is_empty());
    let rules = acl(podbell_model::Uuid::from_u128(7), &iri(""), "rules");
    let (storage, committed) = store.create_storage(iri(""), owner(), vec![rules], time(1)).await.unwrap();
    assert_eq!((&storage.root, &storage.owner), (&iri(""), &owner()));
    assert_eq!(store.storages().await.unwrap(), std::slice::from_ref(&storage));
    let [made, root, acl] = committed.records.as_slice() else { panic!("{committed:?}") };
    assert_eq!(made.fact, Fact::Storage(StorageChange::Created, iri("")));
    assert_eq!(activity(root).object, iri(""));
    assert_eq!((activity(root).kind, activity(root).class), (ActivityKind::Create, ResourceClass::Container));
    assert_eq!(activity(root).membership, None);
    assert_eq!(acl.fact.policy(), Some(&iri(".acl")));
    assert_eq!(made.position.offset, 1);
    let row = store.resource(&iri("")).await.unwrap().unwrap();
    assert_eq!((row.storage, row.generation), (storage.id, Generation(committed.sequence)));
    assert_eq!((Some(row.version), &*row.content_type), (activity(root).state.clone(), "text/turtle"));
    assert_eq!(store.head(), committed.sequence);
}

/// Neither the same root, nor one above or below.
pub async fn storages_never_overlap<F: Fixture>() {
    let fixture = F::fresh().await;
    let store = fixture.store();
    let create = |root: &str| store.create_storage(iri(root), owner(), Vec::new(), time(1));
    create("alice/").await.unwrap();
    for root in ["alice/", "", "alice/inner/"] {
        assert!(matches!(create(root).await, Err(CommitError::Overlap)), "{root}");
    }
    create("alice-2/").await.unwrap();
    create("ali/").await.unwrap();
    assert!(create("document").await.is_err());
    assert_eq!(store.storages().await.unwrap().len(), 3);
}

/// Nothing bound to the old one opens the new one.
pub async fn a_storage_number_is_never_used_again<F: Fixture>() {
    let fixture = F::fresh().await;
    let store = fixture.store();
    let mut seen = Vec::new();
    for second in 0..3 {
        let (storage, _) = store.create_storage(iri(""), owner(), Vec::new(), time(second)).await.unwrap();
        assert!(!seen.contains(&storage.id), "{:?}", storage.id);
        seen.push(storage.id);
        store.delete_storage(storage.id, time(second)).await.unwrap();
    }
}

/// Resources, rules and lives end; whoever depends on the rules is told.
pub async fn a_deleted_storage_takes_everything_along<F: Fixture>() {
    let world = World::<F>::new().await;
    world.commit(vec![world.put("c/", ""), world.put("c/a", "1"), world.acl("c/a", "rules")]).await;
    world.commit(vec![world.group("g", "members")]).await;
    let document = world.resource("c/a").await;
    let newest = world.store().horizon(world.storage.id).await.unwrap().newest;
    let deleted = world.store().delete_storage(world.storage.id, time(9)).await.unwrap();
    assert_eq!(deleted.records[0].fact, Fact::Storage(StorageChange::Deleted, iri("")));
    assert_eq!(deleted.records[0].position.offset, newest.offset + 1);
    let mut touched: Vec<_> = deleted.records.iter().filter_map(|record| record.fact.policy()).collect();
    touched.sort_unstable();
    assert_eq!(touched, [&iri(".acl"), &iri("c/a.acl"), &iri("g")]);
    assert!(deleted.records.iter().any(|r| matches!(r.fact, Fact::Policy { kind: PolicyKind::Group, .. })));
    for name in ["", ".acl", "c/", "c/a", "c/a.acl", "g"] {
        assert_eq!(world.find(name).await, None, "{name}");
    }
    let store = world.store();
    assert!(store.storages().await.unwrap().is_empty());
    assert_eq!(store.ended(&iri("c/a"), document.generation).await.unwrap(), Some(deleted.sequence));
    let rules = store.policies(&[iri("c/a.acl"), iri("g")], At::Now).await.unwrap();
    assert_eq!(rules.documents, [(deleted.sequence, None), (deleted.sequence, None)]);
    let position = StreamPosition { epoch: newest.epoch, offset: 0 };
    assert!(matches!(store.read_storage(world.storage.id, position, 1).await, Err(LogError::UnknownStorage)));
    assert!(matches!(store.horizon(world.storage.id).await, Err(LogError::UnknownStorage)));
    assert!(matches!(world.try_commit(vec![world.put("a", "1")]).await, Err(CommitError::NoStorage)));
    let again = store.delete_storage(world.storage.id, time(9)).await;
    assert!(matches!(again, Err(CommitError::NoStorage)), "{again:?}");
    let last = store.read(deleted.sequence.before(), 1).await.unwrap();
    assert_eq!(last[0].records, deleted.records);
    let elsewhere = ResourceIri::parse("https://pod.example/c/").unwrap();
    assert!(store.members_after(&elsewhere, None, usize::MAX).await.unwrap().is_empty());
}

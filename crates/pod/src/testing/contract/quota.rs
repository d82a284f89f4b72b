//! Quotas and unfinished storages: counted exactly, never exceeded; found by nobody until the end.

use super::{
    Fixture, World,
    world::{iri, owner, time},
};
use crate::store::{CommitError, Quota, Store, Usage};
use podbell_model::{ResourceIri, StorageId};

async fn used<F: Fixture>(world: &World<F>) -> u64 {
    world.store().usage(world.storage.id).await.unwrap().used
}

/// Documents, ACLs and descriptions, written, replaced and deleted.
pub async fn what_a_storage_holds_is_counted<F: Fixture>() {
    let world = World::<F>::new().await;
    let begin = used(&world).await;
    assert_eq!(begin, 3, "the root's ACL");
    world.commit(vec![world.put("c/", ""), world.put("c/a", "12345")]).await;
    assert_eq!(used(&world).await, begin + 5);
    world.commit(vec![world.put("c/a", "12")]).await;
    assert_eq!(used(&world).await, begin + 2);
    world.commit(vec![world.acl("c/a", "rules"), world.describe("c/a")]).await;
    assert_eq!(used(&world).await, begin + 2 + 3 + 11);
    assert!(world.try_commit(vec![world.put("c/b", "123"), world.put("c/", "")]).await.is_err());
    assert_eq!(used(&world).await, begin + 2 + 3 + 11);
    world.commit(vec![world.delete("c/a")]).await;
    assert_eq!(used(&world).await, begin);
    world.store().delete_storage(world.storage.id, time(9)).await.unwrap();
    assert!(matches!(world.store().usage(world.storage.id).await, Err(CommitError::NoStorage)));
}

/// Not by a byte, not by one of several changes; what shrinks is let through.
pub async fn a_quota_is_never_exceeded<F: Fixture>() {
    let world = World::<F>::new().await;
    let store = world.store();
    let quota = |quota| store.set_quota(world.storage.id, quota);
    let begin = used(&world).await;
    quota(Quota::Bytes(begin + 10)).await.unwrap();
    world.commit(vec![world.put("a", "12345"), world.put("b", "12345")]).await;
    assert_eq!(store.usage(world.storage.id).await.unwrap(), Usage { used: begin + 10, quota: Some(begin + 10) });
    let head = podbell_log::Log::head(store);
    for changes in [vec![world.put("c", "1")], vec![world.delete("a"), world.put("c", "123456")]] {
        let refused = world.try_commit(changes).await;
        assert!(matches!(refused, Err(CommitError::OverQuota(quota)) if quota == begin + 10), "{refused:?}");
    }
    assert_eq!((podbell_log::Log::head(store), used(&world).await), (head, begin + 10));
    assert!(world.find("a").await.is_some() && world.find("c").await.is_none());
    quota(Quota::Bytes(1)).await.unwrap();
    world.commit(vec![world.put("a", "1234")]).await;
    world.commit(vec![world.put("empty", "")]).await;
    world.commit(vec![world.delete("b")]).await;
    assert!(world.try_commit(vec![world.put("a", "12345")]).await.is_err());
    quota(Quota::Unlimited).await.unwrap();
    world.commit(vec![world.put("a", "12345")]).await;
    assert_eq!(store.usage(world.storage.id).await.unwrap(), Usage { used: begin + 5, quota: None });
}

/// It takes its place, and is written to, but is not listed.
pub async fn an_unfinished_storage_is_found_by_nobody<F: Fixture>() {
    let fixture = F::fresh().await;
    let store = fixture.store();
    let (storage, _) = store.begin_storage(iri("a/"), owner(), Vec::new(), time(1)).await.unwrap();
    assert!(store.storages().await.unwrap().is_empty());
    assert_eq!(store.unfinished().await.unwrap(), std::slice::from_ref(&storage));
    let second = store.create_storage(iri("a/"), owner(), Vec::new(), time(2)).await;
    assert!(matches!(second, Err(CommitError::Overlap)));
    store.finish_storage(storage.id).await.unwrap();
    assert_eq!(store.storages().await.unwrap(), std::slice::from_ref(&storage));
    assert!(store.unfinished().await.unwrap().is_empty());
    store.delete_storage(storage.id, time(3)).await.unwrap();
    assert!(matches!(store.finish_storage(storage.id).await, Err(CommitError::NoStorage)));
}

/// What comes from elsewhere is as old as it was there; what everybody sees has the dates of its changes.
pub async fn an_unfinished_storage_keeps_the_dates_that_it_is_given<F: Fixture>() {
    let world = World::<F>::new().await;
    let store = world.store();
    let root = ResourceIri::parse("https://elsewhere.example/").unwrap();
    let (storage, _) = store.begin_storage(root.clone(), owner(), Vec::new(), time(5)).await.unwrap();
    let absent = ResourceIri::parse("https://elsewhere.example/absent").unwrap();
    let outside = iri("");
    let before = store.resource(&outside).await.unwrap().unwrap();
    let dates = vec![(root.clone(), time(3)), (absent.clone(), time(3)), (outside.clone(), time(3))];
    store.date(storage.id, dates.clone()).await.unwrap();
    assert_eq!(store.resource(&root).await.unwrap().unwrap().modified, time(3));
    assert_eq!(store.resource(&absent).await.unwrap(), None);
    assert_eq!(store.resource(&outside).await.unwrap().unwrap(), before, "it is in another storage");
    store.finish_storage(storage.id).await.unwrap();
    for id in [storage.id, world.storage.id, StorageId(9_999)] {
        assert!(matches!(store.date(id, dates.clone()).await, Err(CommitError::NoStorage)));
    }
}

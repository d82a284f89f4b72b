//! What the pod saw is checked again inside the transaction.

use super::{
    Fixture, World,
    world::{conflict, iri},
};
use crate::store::{Expectation, Store};

/// `a` and `a/` are one name.
pub async fn an_absent_resource_is_expected_under_both_spellings<F: Fixture>() {
    let world = World::<F>::new().await;
    let absent = |name: &str| Expectation::Absent(iri(name));
    world.expecting(absent("a"), world.put("a", "1")).await.unwrap();
    assert_eq!(conflict(world.expecting(absent("a"), world.put("b", "1")).await), iri("a"));
    assert_eq!(conflict(world.expecting(absent("a/"), world.put("b", "1")).await), iri("a/"));
    assert_eq!(conflict(world.expecting(absent(".acl"), world.put("b", "1")).await), iri(".acl"));
    assert_eq!(world.find("b").await, None);
}

/// The store keeps the rule for whoever forgets to ask.
pub async fn a_twin_is_refused_without_being_asked<F: Fixture>() {
    let world = World::<F>::new().await;
    world.commit(vec![world.put("a", "1"), world.put("c/", "")]).await;
    assert_eq!(conflict(world.try_commit(vec![world.put("a/", "")]).await), iri("a/"));
    assert_eq!(conflict(world.try_commit(vec![world.put("c", "1")]).await), iri("c"));
}

/// Of documents, containers and auxiliaries.
pub async fn a_version_is_expected_exactly<F: Fixture>() {
    let world = World::<F>::new().await;
    world.commit(vec![world.put("a", "1")]).await;
    let old = world.resource("a").await.version;
    let expect = |name: &str| Expectation::Version(iri(name), old.clone());
    world.expecting(expect("a"), world.put("a", "2")).await.unwrap();
    assert_eq!(conflict(world.expecting(expect("a"), world.put("a", "3")).await), iri("a"));
    assert_eq!(conflict(world.expecting(expect("b"), world.put("b", "1")).await), iri("b"));
    for name in ["", ".acl"] {
        let current = Expectation::Version(iri(name), world.resource(name).await.version);
        world.expecting(current, world.put("a", "4")).await.unwrap();
    }
}

/// Neither absent nor a document.
pub async fn a_container_is_expected<F: Fixture>() {
    let world = World::<F>::new().await;
    world.commit(vec![world.put("a", "1"), world.put("c/", "")]).await;
    let container = |name: &str| Expectation::Container(iri(name));
    world.expecting(container("c/"), world.put("c/a", "1")).await.unwrap();
    for name in ["a", "d/", ".acl"] {
        assert_eq!(conflict(world.expecting(container(name), world.put("a", "2")).await), iri(name));
    }
}

/// Auxiliaries do not count.
pub async fn an_empty_container_is_expected<F: Fixture>() {
    let world = World::<F>::new().await;
    world.commit(vec![world.put("c/", ""), world.acl("c/", "rules"), world.describe("c/")]).await;
    let empty = || Expectation::Empty(iri("c/"));
    world.expecting(empty(), world.put("c/a", "1")).await.unwrap();
    assert_eq!(conflict(world.expecting(empty(), world.delete("c/")).await), iri("c/"));
    assert_eq!(conflict(world.expecting(Expectation::Empty(iri("c/a")), world.delete("c/a")).await), iri("c/a"));
    assert_eq!(conflict(world.expecting(Expectation::Empty(iri("d/")), world.delete("c/a")).await), iri("d/"));
}

/// Even when they come at once.
pub async fn of_two_writers_with_one_version_one_wins<F: Fixture>() {
    let world = World::<F>::new().await;
    world.commit(vec![world.put("a", "1")]).await;
    let expected = Expectation::Version(iri("a"), world.resource("a").await.version);
    let mut writes: Vec<_> = (0..8).map(|_| world.set(vec![world.put("a", "2")])).collect();
    for writes in &mut writes {
        writes.expected.push(expected.clone());
    }
    let results = futures_util::future::join_all(writes.into_iter().map(|writes| world.store().commit(writes))).await;
    let (won, lost): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!((won.len(), lost.len()), (1, 7));
    for result in lost {
        assert_eq!(conflict(result), iri("a"));
    }
}

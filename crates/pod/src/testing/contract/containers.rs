//! Containers: their version has a part for membership and a part for the listing.

use super::{
    Fixture, World,
    world::{activity, conflict, iri, only},
};
use crate::store::Store;
use podbell_model::{
    ActivityKind,
    activity::{membership_version, version},
};

/// By IRI; neither auxiliaries nor grandchildren.
pub async fn members_are_listed_in_order_without_auxiliaries<F: Fixture>() {
    let world = World::<F>::new().await;
    world.commit(vec![world.put("b", "22"), world.acl("b", "rules"), world.describe("b")]).await;
    world.commit(vec![world.put("a/", ""), world.put("a/deep", "1"), world.put("c", "1")]).await;
    let members = world.store().members_after(&iri(""), None, usize::MAX).await.unwrap();
    let names: Vec<_> = members.iter().map(|member| member.iri.clone()).collect();
    assert_eq!(names, [iri("a/"), iri("b"), iri("c")]);
    let row = world.resource("b").await;
    assert_eq!((members[1].size, members[1].class, members[1].modified), (2, row.class, row.modified));
    assert_eq!(members[1].content_type, row.content_type);
    assert!(world.store().members_after(&iri("absent/"), None, usize::MAX).await.unwrap().is_empty());
}

/// In IRI order; what comes and goes meanwhile moves nobody else.
pub async fn members_are_read_in_portions<F: Fixture>() {
    let world = World::<F>::new().await;
    for name in ["a", "a/", "a-b", "b/", "c", "\u{e9}", "z"] {
        if name != "a" {
            world.commit(vec![world.put(name, "")]).await;
        }
    }
    let all: Vec<_> = world.store().members_after(&iri(""), None, usize::MAX).await.unwrap();
    let mut sorted = all.clone();
    sorted.sort_by(|one, other| one.iri.cmp(&other.iri));
    assert_eq!((all.len(), &all), (6, &sorted));
    for size in 1..=7 {
        let mut portions = Vec::new();
        let mut after = None;
        loop {
            let portion = world.store().members_after(&iri(""), after.as_ref(), size).await.unwrap();
            assert!(portion.len() <= size);
            let Some(last) = portion.last() else { break };
            after = Some(last.iri.clone());
            portions.extend(portion);
        }
        assert_eq!(portions, all, "{size}");
    }
    assert!(world.store().members_after(&iri(""), None, 0).await.unwrap().is_empty());
    // A member says which commit made it, so that one that came later is told from those that were there.
    let seen = world.store().newest().await.unwrap();
    assert!(all.iter().all(|member| member.generation.0 <= seen), "{seen:?} {all:?}");
    world.commit(vec![world.put("late", "1")]).await;
    let late = world.store().members_after(&iri(""), Some(&iri("lat")), 1).await.unwrap().remove(0);
    assert!(late.iri == iri("late") && late.generation.0 > seen, "{seen:?} {late:?}");
    assert_eq!(world.store().newest().await.unwrap(), late.generation.0);
    world.commit(vec![world.delete("late")]).await;
    world.commit(vec![world.delete("b/")]).await;
    let rest = world.store().members_after(&iri(""), Some(&iri("b/")), 9).await.unwrap();
    assert_eq!(rest[0].iri, iri("c"), "from where it stopped, though that is gone");
}

/// And a date, and the record tells it.
pub async fn membership_gives_the_container_a_version<F: Fixture>() {
    let world = World::<F>::new().await;
    let root = world.resource("").await;
    for change in [world.put("a", "1"), world.delete("a")] {
        let id = change.id();
        let committed = world.commit(vec![change]).await;
        let membership = only(&committed).membership.clone().unwrap();
        assert_eq!((membership.container, membership.generation), (iri(""), root.generation));
        assert_eq!(membership.state, membership_version(id, &iri("")));
        let now = world.resource("").await;
        assert_eq!((now.version, now.listing), (membership.state, 0));
        assert_eq!((now.modified, now.generation), (committed.records[0].published, root.generation));
    }
}

/// It does not ring its container.
pub async fn a_modified_child_counts_in_the_listing_only<F: Fixture>() {
    let world = World::<F>::new().await;
    world.commit(vec![world.put("a", "1")]).await;
    let before = world.resource("").await;
    let updated = world.commit(vec![world.put("a", "2")]).await;
    assert_eq!(only(&updated).membership, None);
    world.commit(vec![world.describe("a")]).await;
    let after = world.resource("").await;
    assert_eq!(after.listing, before.listing + 2);
    assert_eq!((after.version, after.modified), (before.version, before.modified));
    world.commit(vec![world.acl("a", "rules")]).await;
    assert_eq!(world.resource("").await.listing, after.listing, "an ACL shows in no listing");
}

/// The two parts together name the representation.
pub async fn a_change_of_membership_resets_the_listing<F: Fixture>() {
    let world = World::<F>::new().await;
    world.commit(vec![world.put("a", "1")]).await;
    world.commit(vec![world.put("a", "2")]).await;
    assert_eq!(world.resource("").await.listing, 1);
    world.commit(vec![world.put("b", "1")]).await;
    assert_eq!(world.resource("").await.listing, 0);
}

/// Its description is part of what it says.
pub async fn a_described_container_has_a_new_version<F: Fixture>() {
    let world = World::<F>::new().await;
    world.commit(vec![world.put("a", "1")]).await;
    world.commit(vec![world.put("a", "2")]).await;
    let change = world.describe("");
    let id = change.id();
    let described = world.commit(vec![change]).await;
    assert_eq!((only(&described).kind, &only(&described).object), (ActivityKind::Update, &iri("")));
    let root = world.resource("").await;
    assert_eq!((root.version, root.listing), (version(id), 0));
    assert_eq!(root.modified, described.records[0].published);
}

/// Its own `Create` covers its first member: the state that this tells is the one that stands.
pub async fn a_container_made_with_its_first_member_keeps_its_own_version<F: Fixture>() {
    let world = World::<F>::new().await;
    let committed = world.commit(vec![world.put("c/", ""), world.put("c/d/", ""), world.put("c/d/a", "1")]).await;
    let [c, d, a] = committed.records.as_slice() else { panic!("{committed:?}") };
    assert!(committed.records.iter().all(|record| activity(record).kind == ActivityKind::Create));
    assert_eq!(activity(c).membership.as_ref().unwrap().container, iri(""));
    assert_eq!((&activity(d).membership, &activity(a).membership), (&None, &None));
    for (record, name) in [(c, "c/"), (d, "c/d/"), (a, "c/d/a")] {
        assert_eq!(activity(record).state, Some(world.resource(name).await.version), "{name}");
    }
}

/// Removal is told of containers that stand after the request.
pub async fn a_container_that_goes_with_its_members_tells_no_removal<F: Fixture>() {
    let world = World::<F>::new().await;
    world.commit(vec![world.put("c/", ""), world.put("c/a", "1")]).await;
    let deleted = world.commit(vec![world.delete("c/a"), world.delete("c/")]).await;
    assert_eq!(activity(&deleted.records[0]).membership, None);
    assert_eq!(activity(&deleted.records[1]).membership.as_ref().unwrap().container, iri(""));
}

/// Its date changed, which the listing above shows; that listing's own date did not.
pub async fn a_changed_child_container_shows_in_the_listing_above<F: Fixture>() {
    let world = World::<F>::new().await;
    world.commit(vec![world.put("c/", "")]).await;
    let before = world.resource("").await;
    world.commit(vec![world.put("c/a", "1")]).await;
    let after = world.resource("").await;
    assert_eq!((after.listing, after.version), (before.listing + 1, before.version));
    world.commit(vec![world.put("c/a", "2")]).await;
    assert_eq!(world.resource("").await.listing, after.listing);
}

/// Only an empty container goes.
pub async fn a_container_with_members_is_not_deleted<F: Fixture>() {
    let world = World::<F>::new().await;
    world.commit(vec![world.put("c/", ""), world.put("c/a", "1"), world.acl("c/", "rules")]).await;
    assert_eq!(conflict(world.try_commit(vec![world.delete("c/")]).await), iri("c/"));
    world.commit(vec![world.delete("c/a")]).await;
    world.commit(vec![world.delete("c/")]).await;
    assert_eq!(world.find("c/").await, None);
}

//! Whatever is asked in whatever order: containment is the tree of paths.

use crate::world::{World, iri};
use podbell_model::ResourceIri;
use podbell_pod::store::Store;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Ask {
    Put(String),
    Post(String, String, bool),
    Patch(String),
    Delete(String),
}

fn path() -> impl Strategy<Value = String> {
    let segment = prop::sample::select(vec!["a", "b", "c", "a.acl", "b.meta"]);
    (prop::collection::vec(segment, 0..4), any::<bool>()).prop_map(|(segments, container)| {
        let slash = if container && !segments.is_empty() { "/" } else { "" };
        format!("{}{slash}", segments.join("/"))
    })
}

fn asks() -> impl Strategy<Value = Vec<Ask>> {
    let slug = prop::sample::select(vec!["a", "b", "d", "x.acl", "../a", "a/"]);
    let ask = prop_oneof![
        path().prop_map(Ask::Put),
        (path(), slug, any::<bool>()).prop_map(|(path, slug, container)| Ask::Post(path, slug.into(), container)),
        path().prop_map(Ask::Patch),
        path().prop_map(Ask::Delete),
    ];
    prop::collection::vec(ask, 1..30)
}

async fn check(world: &World) -> Result<(), TestCaseError> {
    let mut open = vec![iri("")];
    while let Some(container) = open.pop() {
        for member in world.store.members_after(&container, None, usize::MAX).await.unwrap() {
            let iri: ResourceIri = member.iri;
            prop_assert_eq!(iri.parent(), Some(container.clone()));
            prop_assert!(world.store.resource(&iri).await.unwrap().is_some());
            prop_assert!(world.store.resource(&iri.twin().unwrap()).await.unwrap().is_none());
            prop_assert!(![".acl", ".meta"].iter().any(|suffix| iri.name().ends_with(suffix)));
            if iri.is_container() {
                open.push(iri);
            }
        }
    }
    Ok(())
}

/// Everything that stands is in its parent's listing.
async fn reachable(world: &World, path: &str) -> Result<(), TestCaseError> {
    let target = iri(path);
    if world.store.resource(&target).await.unwrap().is_some() && target.as_auxiliary().is_none() && !path.is_empty() {
        let members = world.store.members_after(&target.parent().unwrap(), None, usize::MAX).await.unwrap();
        prop_assert!(members.iter().any(|member| member.iri == target));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn containment_is_the_tree_of_paths(asks in asks()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let world = World::new().await;
            for ask in asks {
                // Refusals are as good as successes here.
                let path = match &ask {
                    Ask::Put(path) => { let _ = world.put(path, "text/turtle", "").await; path }
                    Ask::Post(path, slug, container) => { let _ = world.post(path, Some(slug), *container).await; path }
                    Ask::Patch(path) => { let _ = world.patch(path, "solid:inserts { <#a> <#p> 1 }").await; path }
                    Ask::Delete(path) => { let _ = world.delete(path).await; path }
                };
                check(&world).await?;
                reachable(&world, path).await?;
            }
            Ok::<(), TestCaseError>(())
        })?;
    }
}

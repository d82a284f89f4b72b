//! Quotas: whatever the way of writing, and as early as can be known.

use crate::world::{ALICE, No, World};
use podbell_pod::{
    Action, Content, Kind,
    store::{Quota, Usage},
};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

const FULL: No = No::Problem(Kind::Full);

async fn usage(world: &World) -> Usage {
    world.pod.usage(&world.storage).await.unwrap()
}

async fn allow(world: &World, more: u64) {
    let quota = Quota::Bytes(usage(world).await.used + more);
    world.pod.set_quota(&world.storage, quota).await.unwrap();
}

/// Pieces of a thousand bytes without end, and how many were taken.
fn endless() -> (Content, Arc<AtomicUsize>) {
    let taken = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&taken);
    let pieces = futures_util::stream::repeat_with(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        Ok(bytes::Bytes::from_static(&[b'x'; 1_000]))
    });
    (Content::stream(Some("text/plain".into()), Box::pin(pieces)), taken)
}

#[tokio::test]
async fn content_of_unknown_length_is_cut_off_where_it_does_not_fit() {
    let world = World::new().await;
    world.put("doc", "text/plain", &"x".repeat(2_000)).await.unwrap();
    allow(&world, 10_000).await;
    let before = usage(&world).await;
    for (path, fits) in [("new", 10), ("doc", 12)] {
        let (content, taken) = endless();
        assert_eq!(world.write(path, Action::Put { content }).await.unwrap_err(), FULL);
        assert_eq!(taken.load(Ordering::Relaxed), fits + 1, "{path}");
    }
    let (content, taken) = endless();
    assert_eq!(world.write("", Action::Post { content, slug: None, container: false }).await.unwrap_err(), FULL);
    assert_eq!(taken.load(Ordering::Relaxed), 11);
    assert_eq!(usage(&world).await, before);
}

#[tokio::test]
async fn content_that_says_it_does_not_fit_is_not_received() {
    let world = World::new().await;
    allow(&world, 100_000).await;
    let (content, taken) = endless();
    let content = content.of_length(Some(100_001));
    assert_eq!(world.write("new", Action::Put { content }).await.unwrap_err(), FULL);
    assert_eq!(taken.load(Ordering::Relaxed), 0);
    // Whoever may not write is not told about room.
    let (content, taken) = endless();
    let refused =
        world.ask(None, world.request("new", Action::Put { content: content.of_length(Some(100_001)) })).await;
    assert!(matches!(refused.unwrap_err(), No::Refused(_)));
    assert_eq!(taken.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn every_way_of_writing_is_counted() {
    let world = World::new().await;
    world.put("doc", "text/turtle", "<> <p> 1 .").await.unwrap();
    allow(&world, 3).await;
    let before = usage(&world).await;
    let rules = format!(
        "@prefix acl: <http://www.w3.org/ns/auth/acl#>. <#o> a acl:Authorization; acl:agent <{ALICE}>;
         acl:accessTo <doc>; acl:mode acl:Control ."
    );
    assert_eq!(world.put("doc.acl", "text/turtle", &rules).await.unwrap_err(), FULL);
    assert_eq!(world.put("doc.meta", "text/turtle", "<doc> <p> 1 .").await.unwrap_err(), FULL);
    assert_eq!(world.put("c/", "text/turtle", "<> <p> 1 .").await.unwrap_err(), FULL);
    let insert = "solid:inserts { <#me> <#nick> \"al\" }";
    assert_eq!(world.patch("doc", insert).await.unwrap_err(), FULL);
    assert_eq!(usage(&world).await, before);
    world.post("", Some("one"), false).await.unwrap();
    world.put("two/three", "text/plain", "xy").await.unwrap();
    assert_eq!(world.post("", None, false).await.unwrap_err(), FULL);
    world.delete("doc").await.unwrap();
    world.post("", None, false).await.unwrap();
    assert_eq!(usage(&world).await.used, before.used + 4 - 10);
}

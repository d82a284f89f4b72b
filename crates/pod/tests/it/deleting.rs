use crate::world::{No, World, iri};
use podbell_log::Log;
use podbell_model::ActivityKind;
use podbell_pod::{Effect, Kind};

#[tokio::test]
async fn the_root_and_its_acl_stay() {
    let world = World::new().await;
    assert_eq!(world.delete("").await.unwrap_err(), No::Problem(Kind::NotAllowed));
    assert_eq!(world.delete(".acl").await.unwrap_err(), No::Problem(Kind::NotAllowed));
}

#[tokio::test]
async fn only_empty_containers_go() {
    let world = World::new().await;
    world.put("c/doc", "text/plain", "x").await.unwrap();
    world.put("c/.meta", "text/turtle", "").await.unwrap();
    assert_eq!(world.delete("c/").await.unwrap_err(), No::Problem(Kind::Conflict));
    assert_eq!(world.delete("c/doc").await.unwrap().effect, Effect::Deleted);
    let before = world.store.head();
    let deleted = world.delete("c/").await.unwrap();
    assert!(deleted.validators.is_none());
    let records = world.records_after(before).await;
    assert_eq!(records[0].fact.activity().unwrap().kind, ActivityKind::Delete);
    assert_eq!(world.delete("c/").await.unwrap_err(), No::Problem(Kind::NotFound));
}

#[tokio::test]
async fn auxiliaries_go_with_their_subject() {
    let world = World::new().await;
    world.put("doc", "text/plain", "x").await.unwrap();
    world.put("doc.meta", "text/turtle", "<doc> <#p> 1 .").await.unwrap();
    world.put("doc.acl", "text/turtle", "").await.unwrap();
    // The empty ACL locks out everybody but who controls it.
    world.delete("doc.acl").await.unwrap();
    world.delete("doc").await.unwrap();
    for path in ["doc", "doc.meta", "doc.acl"] {
        assert!(!world.exists(path).await);
        assert_eq!(world.get(path, "*/*").await.unwrap_err(), No::Problem(Kind::NotFound), "{}", iri(path));
    }
}

use crate::world::{No, World, content, patch};
use podbell_log::Log;
use podbell_pod::{Action, Effect, Kind};
use std::sync::Arc;

#[tokio::test]
async fn a_patch_creates_turtle_whatever_the_name_and_the_path() {
    let world = World::new().await;
    let update = Action::Patch { content: content("application/sparql-update", "INSERT DATA { <#a> <#p> 1 }") };
    assert_eq!(world.write("a/b.txt", update).await.unwrap().effect, Effect::Created);
    let (document, body) = world.get("a/b.txt", "*/*").await.unwrap();
    assert_eq!(&*document.content_type, "text/turtle");
    assert!(body.contains("http://x/alice/a/b.txt#a"), "{body}");
}

#[tokio::test]
async fn a_patch_without_effect_is_no_change() {
    let world = World::new().await;
    let written = world.put("doc", "text/turtle", "<#a> <#p> 1 .").await.unwrap();
    let before = world.store.head();
    for body in ["solid:inserts { <#a> <#p> 1 }", "solid:where { <#a> <#p> ?n }", "solid:inserts {}"] {
        let patched = world.patch("doc", body).await.unwrap();
        assert_eq!((patched.effect, &patched.validators), (Effect::Unchanged, &written.validators), "{body}");
    }
    assert_eq!(world.patch("absent", "solid:inserts {}").await.unwrap_err(), No::Problem(Kind::NotFound));
    assert_eq!(world.store.head(), before);
}

#[tokio::test]
async fn a_patched_document_keeps_its_type_and_prefixes_and_named_graphs() {
    let world = World::new().await;
    world.put("doc", "text/turtle", "@prefix ex: <http://e/>. ex:a ex:p 1 .").await.unwrap();
    world.patch("doc", "solid:inserts { <http://e/a> <http://e/p> 2 }").await.unwrap();
    assert!(world.get("doc", "*/*").await.unwrap().1.contains("ex:a ex:p"));
    let json = r#"{"@id":"http://g/","@graph":[{"@id":"http://s/","http://p/":"o"}]}"#;
    world.put("json", "application/ld+json", json).await.unwrap();
    world.patch("json", "solid:inserts { <http://e/a> <http://e/p> 2 }").await.unwrap();
    let (document, body) = world.get("json", "*/*").await.unwrap();
    assert_eq!(&*document.content_type, "application/ld+json");
    assert!(body.contains("http://g/") && body.contains("http://e/a"), "{body}");
}

#[tokio::test]
async fn refused_patches_have_their_kinds() {
    let world = World::new().await;
    world.put("text", "text/plain", "x").await.unwrap();
    world.put("doc", "text/turtle", "").await.unwrap();
    let insert = "solid:inserts { <#a> <#p> 1 }";
    assert_eq!(world.patch("text", insert).await.unwrap_err(), No::Problem(Kind::Conflict));
    assert_eq!(world.patch("text/x", insert).await.unwrap_err(), No::Problem(Kind::Conflict));
    assert_eq!(world.patch("doc/", insert).await.unwrap_err(), No::Problem(Kind::Conflict));
    assert_eq!(world.patch("doc.acl.acl", insert).await.unwrap_err(), No::Problem(Kind::Forbidden));
    let unknown = Action::Patch { content: content("application/json-patch+json", "[]") };
    assert_eq!(world.write("doc", unknown).await.unwrap_err(), No::Problem(Kind::UnsupportedMediaType));
    let refused = world.ask(None, world.request("doc", patch("solid:inserts {"))).await.unwrap_err();
    assert!(matches!(refused, No::Refused(_)), "the refusal comes before the judgement of the patch");
}

#[tokio::test]
async fn the_owner_patches_a_container_but_not_what_the_server_keeps() {
    let world = World::new().await;
    world.put("c/doc", "text/plain", "x").await.unwrap();
    world.patch("c/", "solid:inserts { <> <#title> \"T\"; a <http://www.w3.org/ns/ldp#Container> }").await.unwrap();
    let listing = world.get("c/", "application/n-triples").await.unwrap().1;
    assert!(listing.contains("#title> \"T\"") && listing.contains("ldp#contains> <http://x/alice/c/doc>"), "{listing}");
    for body in [
        "solid:inserts { <> <http://www.w3.org/ns/ldp#contains> <x> }",
        "solid:deletes { <> <http://www.w3.org/ns/ldp#contains> <doc> }",
        "solid:deletes { <> a <http://www.w3.org/ns/ldp#Container> }",
        "solid:inserts { <doc> <http://www.w3.org/ns/posix/stat#size> 9 }",
    ] {
        assert_eq!(world.patch("c/", body).await.unwrap_err(), No::Problem(Kind::Conflict), "{body}");
    }
    let change = "solid:where { <> <#title> ?t }; solid:deletes { <> <#title> ?t }";
    assert_eq!(world.patch("c/", change).await.unwrap().effect, Effect::Replaced);
    assert!(!world.exists("c/.meta").await);
    assert_eq!(world.patch("new/", "solid:inserts { <> <#p> 1 }").await.unwrap().effect, Effect::Created);
    assert!(world.get("new/", "application/n-triples").await.unwrap().1.contains("new/#p"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_ten_parallel_patches_all_survive() {
    let world = Arc::new(World::new().await);
    world.put("doc", "text/turtle", "").await.unwrap();
    let patches: Vec<_> = (0..10)
        .flat_map(|n| ["doc", "absent/doc"].map(|path| (n, path)))
        .map(|(n, path)| {
            let world = Arc::clone(&world);
            tokio::spawn(async move { world.patch(path, &format!("solid:inserts {{ <#a> <#p> {n} }}")).await })
        })
        .collect();
    for patch in patches {
        patch.await.unwrap().unwrap();
    }
    for path in ["doc", "absent/doc"] {
        let body = world.get(path, "application/n-triples").await.unwrap().1;
        assert_eq!(body.lines().count(), 10, "{body}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_creations_share_their_new_containers() {
    let world = Arc::new(World::new().await);
    let writers: Vec<_> = (0..10)
        .map(|n| {
            let world = Arc::clone(&world);
            tokio::spawn(async move { world.put(&format!("a/b/{n}"), "text/plain", "x").await })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap().unwrap();
    }
    let posts: Vec<_> = (0..10)
        .map(|_| {
            let world = Arc::clone(&world);
            tokio::spawn(async move { world.post("a/b/", Some("same"), false).await })
        })
        .collect();
    for post in posts {
        post.await.unwrap().unwrap();
    }
    let listing = world.get("a/b/", "application/n-triples").await.unwrap().1;
    assert_eq!(listing.matches("ldp#contains>").count(), 20, "{listing}");
}

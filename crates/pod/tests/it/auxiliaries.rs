use crate::world::{No, World, iri};
use podbell_log::{At, Log, PolicyHistory};
use podbell_model::{ActivityKind, Auxiliary};
use podbell_pod::{Effect, Kind, Shape, Verb};

const CONTROL: &str = "@prefix acl: <http://www.w3.org/ns/auth/acl#>. <#o> a acl:Authorization;
    acl:agent <http://x/alice/profile/card#me>; acl:mode acl:Read, acl:Write, acl:Control; ";

#[tokio::test]
async fn an_acl_is_absent_until_it_is_written() {
    let world = World::new().await;
    world.put("doc", "text/plain", "x").await.unwrap();
    assert_eq!(world.get("doc.acl", "*/*").await.unwrap_err(), No::Problem(Kind::NotFound));
    assert_eq!(world.delete("doc.acl").await.unwrap_err(), No::Problem(Kind::NotFound));
    assert_eq!(world.put("absent.acl", "text/turtle", "").await.unwrap_err(), No::Problem(Kind::NotFound));
    let acl = format!("{CONTROL} acl:accessTo <doc>.");
    assert_eq!(world.put("doc.acl", "text/turtle", &acl).await.unwrap().effect, Effect::Created);
    assert_eq!(world.put("doc.acl", "text/turtle", &acl).await.unwrap().effect, Effect::Replaced);
    assert_eq!(world.get("doc.acl", "*/*").await.unwrap().1, acl);
    let snapshot = world.store.policies(&[iri("doc.acl")], At::Now).await.unwrap();
    let policy = snapshot.documents[0].1.as_ref().unwrap();
    assert!(policy.body.contains("<http://www.w3.org/ns/auth/acl#accessTo> <http://x/alice/doc> ."));
    let patched = world.patch("doc.acl", "solid:inserts { <#o> <#p> 1 }").await.unwrap();
    assert_eq!(patched.effect, Effect::Replaced);
}

#[tokio::test]
async fn an_acl_that_would_lock_everybody_out_is_refused() {
    let world = World::new().await;
    for (content_type, body, kind) in [
        ("text/turtle", "", Kind::Unprocessable),
        ("text/turtle", "<a", Kind::BadRequest),
        ("text/plain", "", Kind::UnsupportedMediaType),
    ] {
        assert_eq!(world.put(".acl", content_type, body).await.unwrap_err(), No::Problem(kind), "{content_type}");
    }
    let stored = world.get(".acl", "*/*").await.unwrap().1;
    let lockout = "solid:deletes { <#owner> <http://www.w3.org/ns/auth/acl#agent> <http://x/alice/profile/card#me> }";
    assert_eq!(world.patch(".acl", lockout).await.unwrap_err(), No::Problem(Kind::Unprocessable));
    assert_eq!(world.get(".acl", "*/*").await.unwrap().1, stored);
}

#[tokio::test]
async fn a_description_that_was_never_written_is_there_and_empty() {
    let world = World::new().await;
    world.put("doc", "text/plain", "x").await.unwrap();
    let (meta, body) = world.get("doc.meta", "*/*").await.unwrap();
    assert_eq!((body.as_str(), &*meta.content_type), ("", "text/turtle"));
    assert_eq!(meta.links.describes, Some(iri("doc")));
    assert_eq!(world.delete("doc.meta").await.unwrap().effect, Effect::Unchanged);
    assert_eq!(world.get("absent.meta", "*/*").await.unwrap_err(), No::Problem(Kind::NotFound));
    let before = world.store.head();
    let written = world.put("doc.meta", "text/turtle", "<doc> <#p> 1 .").await.unwrap();
    assert_eq!(written.effect, Effect::Created);
    let told = world.records_after(before).await;
    let activity = told[0].fact.activity().unwrap();
    assert_eq!((activity.kind, &activity.object), (ActivityKind::Update, &iri("doc")));
    let managed = "<profile/> <http://www.w3.org/ns/ldp#contains> <x> .";
    let managed = managed.replace("<profile/>", "<./>");
    assert_eq!(world.put("profile/.meta", "text/turtle", &managed).await.unwrap_err(), No::Problem(Kind::Conflict));
}

#[tokio::test]
async fn an_inbox_is_linked_from_its_subject() {
    let world = World::new().await;
    world.put("doc", "text/plain", "x").await.unwrap();
    world.put("doc.meta", "text/turtle", "<doc> <http://www.w3.org/ns/ldp#inbox> <inbox/> .").await.unwrap();
    let links = world.get("doc", "*/*").await.unwrap().0.links;
    assert_eq!(links.inbox.as_deref(), Some("http://x/alice/inbox/"));
}

#[tokio::test]
async fn what_a_name_takes_follows_from_its_spelling() {
    let world = World::new().await;
    for (path, shape, verbs) in [
        ("", Shape::Root, "GET, HEAD, OPTIONS, PUT, POST, PATCH"),
        ("c/", Shape::Container, "GET, HEAD, OPTIONS, PUT, POST, PATCH, DELETE"),
        ("doc", Shape::Document, "GET, HEAD, OPTIONS, PUT, PATCH, DELETE"),
        (".acl", Shape::Acl { subject: iri(""), root: true }, "GET, HEAD, OPTIONS, PUT, PATCH"),
        ("doc.acl", Shape::Acl { subject: iri("doc"), root: false }, "GET, HEAD, OPTIONS, PUT, PATCH, DELETE"),
        ("doc.meta", Shape::Description { subject: iri("doc") }, "GET, HEAD, OPTIONS, PUT, PATCH, DELETE"),
        ("doc.acl.acl", Shape::Reserved, "GET, HEAD, OPTIONS"),
        ("doc.acl/x", Shape::Reserved, "GET, HEAD, OPTIONS"),
    ] {
        let found = world.pod.shape(&iri(path)).unwrap();
        let allowed = found.allowed();
        assert_eq!((&found, allowed.header().as_str()), (&shape, verbs), "{path}");
        assert_eq!(allowed.accept_put.is_some(), allowed.contains(Verb::Put), "{path}");
        assert_eq!(allowed.accept_post.is_some(), allowed.contains(Verb::Post), "{path}");
        assert_eq!(allowed.accept_patch.is_some(), allowed.contains(Verb::Patch), "{path}");
    }
    assert_eq!(world.pod.links(&iri("doc")).unwrap().describedby, Some(iri("doc").auxiliary(Auxiliary::Description)));
}

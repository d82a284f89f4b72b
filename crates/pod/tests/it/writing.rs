use crate::world::{ALICE, BOB, No, World, content, iri};
use podbell_log::{At, Fact, Log, PolicyHistory};
use podbell_model::{ActivityKind, activity::version};
use podbell_pod::{Action, Applied, Content, Effect, Kind, Outcome, Preconditions};
use podbell_wac::Refusal;

#[tokio::test]
async fn what_is_missing_of_the_path_is_created_from_the_outside_in() {
    let world = World::new().await;
    let before = world.store.head();
    let written = world.put("a/b/doc", "text/plain", "x").await.unwrap();
    assert_eq!((written.effect, written.resource), (Effect::Created, iri("a/b/doc")));
    let records = world.records_after(before).await;
    let told: Vec<_> = records
        .iter()
        .filter_map(|record| record.fact.activity())
        .map(|activity| (activity.kind, activity.object.clone(), activity.membership.is_some()))
        .collect();
    let created = |path, rings| (ActivityKind::Create, iri(path), rings);
    assert_eq!(told, [created("a/", true), created("a/b/", false), created("a/b/doc", false)]);
    let state = records[2].fact.activity().unwrap().state.clone().unwrap();
    assert_eq!(written.validators.unwrap().etag, format!("\"{state}\""));
    assert_eq!(version(records[2].fact.activity().unwrap().id), state);
}

#[tokio::test]
async fn the_same_bytes_are_a_change() {
    let world = World::new().await;
    let first = world.put("doc", "text/plain", "x").await.unwrap();
    let before = world.store.head();
    let second = world.put("doc", "text/plain", "x").await.unwrap();
    assert_eq!(second.effect, Effect::Replaced);
    assert_ne!(first.validators, second.validators);
    assert_eq!(world.records_after(before).await.len(), 1);
}

#[tokio::test]
async fn names_that_would_alias_are_refused() {
    let world = World::new().await;
    world.put("doc", "text/plain", "x").await.unwrap();
    world.put("c/", "text/turtle", "").await.unwrap();
    let conflict = No::Problem(Kind::Conflict);
    assert_eq!(world.put("doc/", "text/turtle", "").await.unwrap_err(), conflict);
    assert_eq!(world.put("c", "text/plain", "x").await.unwrap_err(), conflict);
    assert_eq!(world.put("c/", "text/turtle", "").await.unwrap_err(), conflict);
    assert_eq!(world.put("doc/below", "text/plain", "x").await.unwrap_err(), conflict);
    assert_eq!(world.put("", "text/turtle", "").await.unwrap_err(), conflict);
    for path in ["doc.acl.acl", "doc.meta.acl", "doc.acl.meta", "doc.acl/", "doc.acl/x", "new.meta/a/b"] {
        assert_eq!(world.put(path, "text/turtle", "").await.unwrap_err(), No::Problem(Kind::Forbidden), "{path}");
        assert!(!world.exists(path).await);
    }
}

#[tokio::test]
async fn a_new_container_keeps_what_its_owner_says_of_it() {
    let world = World::new().await;
    let body = "<> a <http://www.w3.org/ns/ldp#BasicContainer>; <#title> \"T\"; <#self> <> .";
    world.put("c/", "text/turtle", body).await.unwrap();
    let (_, listing) = world.get("c/", "application/n-triples").await.unwrap();
    assert!(listing.contains("<http://x/alice/c/> <http://x/alice/c/#self> <http://x/alice/c/> ."), "{listing}");
    for managed in [
        "<> <http://www.w3.org/ns/ldp#contains> <x> .",
        "<> <http://purl.org/dc/terms/modified> \"now\" .",
        "<x> <http://www.w3.org/ns/posix/stat#size> 5 .",
        "<x> a <http://www.w3.org/ns/ldp#Container> .",
        "<> a <http://www.w3.org/ns/pim/space#Storage> .",
    ] {
        assert_eq!(
            world.put("d/", "text/turtle", managed).await.unwrap_err(),
            No::Problem(Kind::Conflict),
            "{managed}"
        );
    }
    assert_eq!(world.put("d/", "image/png", "x").await.unwrap_err(), No::Problem(Kind::UnsupportedMediaType));
    let empty = Action::Put { content: Content::none() };
    assert_eq!(world.write("d/", empty).await.unwrap().effect, Effect::Created);
}

#[tokio::test]
async fn content_needs_a_content_type() {
    let world = World::new().await;
    let put = Action::Put { content: Content::bytes(None, "x") };
    assert_eq!(world.write("doc", put).await.unwrap_err(), No::Problem(Kind::BadRequest));
}

#[tokio::test]
async fn post_makes_members_under_free_names() {
    let world = World::new().await;
    let first = world.post("", Some("foobar"), false).await.unwrap();
    assert_eq!((first.effect, first.resource), (Effect::Created, iri("foobar")));
    let second = world.post("", Some("foobar"), false).await.unwrap().resource;
    assert!(second.as_str().contains("foobar-"), "{second}");
    let third = world.post("", Some("foobar"), true).await.unwrap().resource;
    assert!(third.as_str().contains("foobar-") && third.is_container(), "{third}");
    assert!(world.post("", None, true).await.unwrap().resource.is_container());
    assert_eq!(world.post("", Some("x.acl"), false).await.unwrap_err(), No::Problem(Kind::Forbidden));
    assert_eq!(world.post("", Some("../x"), false).await.unwrap_err(), No::Problem(Kind::BadRequest));
    assert_eq!(world.post("absent/", None, false).await.unwrap_err(), No::Problem(Kind::NotFound));
    assert_eq!(world.post("foobar", None, false).await.unwrap_err(), No::Problem(Kind::NotAllowed));
}

#[tokio::test]
async fn preconditions_hold_against_the_state_that_is_replaced() {
    let world = World::new().await;
    let put = async |if_match: Option<&str>, if_none_match: Option<&str>| {
        let mut request = world.request("doc", Action::Put { content: content("text/turtle", "") });
        request.preconditions = Preconditions::parse(if_match, if_none_match, None, None).unwrap();
        match world.ask(Some(ALICE), request).await? {
            Outcome::Written(written) => Ok(written.validators.unwrap().etag),
            other => panic!("{other:?}"),
        }
    };
    let failed = Err(No::Problem(Kind::PreconditionFailed));
    assert_eq!(put(Some("*"), None).await, failed);
    let first = put(None, Some("*")).await.unwrap();
    assert_eq!(put(None, Some("*")).await, failed);
    let variant = world.get("doc", "application/ld+json").await.unwrap().0.validators.etag;
    assert_ne!(variant, first);
    put(Some(&variant), None).await.unwrap();
    assert_eq!(put(Some(&first), None).await, failed);
}

#[tokio::test]
async fn the_members_of_a_group_are_policy() {
    let world = World::new().await;
    let turtle = "<#g> <http://www.w3.org/2006/vcard/ns#hasMember> <#bob>; <#other> 1 .";
    world.put("group", "text/turtle", turtle).await.unwrap();
    let snapshot = world.store.policies(&[iri("group")], At::Now).await.unwrap();
    let body = snapshot.documents[0].1.as_ref().unwrap();
    let expected =
        "<http://x/alice/group#g> <http://www.w3.org/2006/vcard/ns#hasMember> <http://x/alice/group#bob> .\n";
    assert_eq!(&*body.body, expected);
    let before = world.store.head();
    world.put("group", "text/turtle", "<#g> <#other> 1 .").await.unwrap();
    assert!(matches!(world.records_after(before).await[0].fact, Fact::Policy { .. }));
    assert!(world.store.policies(&[iri("group")], At::Now).await.unwrap().documents[0].1.is_none());
}

#[tokio::test]
async fn only_the_owner_says_who_speaks_for_a_hosted_webid() {
    let world = World::new().await;
    let acl = format!(
        "@prefix acl: <http://www.w3.org/ns/auth/acl#>. <#b> a acl:Authorization; acl:agent <{BOB}>, <{ALICE}>;
         acl:accessTo <card>, <./>; acl:mode acl:Read, acl:Write ."
    );
    world.put("profile/card.acl", "text/turtle", &acl).await.unwrap();
    world.put("profile/.acl", "text/turtle", &acl).await.unwrap();
    let card = world.get("profile/card", "*/*").await.unwrap().1;
    let bob = |action| world.ask(Some(BOB), world.request("profile/card", action));
    let forged = card.replace("http://issuer/", "http://evil/");
    assert_ne!(forged, card);
    let put = |body: &str| Action::Put { content: content("text/turtle", body) };
    let conflict = No::Problem(Kind::Conflict);
    assert_eq!(bob(put(&forged)).await.unwrap_err(), conflict);
    assert_eq!(bob(put("")).await.unwrap_err(), conflict);
    assert_eq!(bob(Action::Put { content: content("text/plain", "") }).await.unwrap_err(), conflict);
    assert_eq!(bob(Action::Delete).await.unwrap_err(), conflict);
    let insert = format!("solid:inserts {{ <{ALICE}> solid:oidcIssuer <http://evil/> }}");
    assert_eq!(bob(crate::world::patch(&insert)).await.unwrap_err(), conflict);
    bob(put(&format!("{card} <#me> <http://xmlns.com/foaf/0.1/nick> \"al\" ."))).await.unwrap();
    world.put("profile/card", "text/turtle", &forged).await.unwrap();
}

#[tokio::test]
async fn creating_needs_append_above_and_write_on_the_new_resource() {
    let world = World::new().await;
    let rule = |mode: &str| {
        format!(
            "@prefix acl: <http://www.w3.org/ns/auth/acl#>. <#b> a acl:Authorization; acl:agent <{BOB}>;
             acl:accessTo <./>; acl:default <./>; acl:mode acl:{mode} ."
        )
    };
    world.put("in/", "text/turtle", "").await.unwrap();
    world.put("in/.acl", "text/turtle", &rule("Append")).await.unwrap();
    let bob = |path: &str, action| world.ask(Some(BOB), world.request(path, action));
    let put = || Action::Put { content: content("text/plain", "x") };
    assert_eq!(bob("in/x", put()).await.unwrap_err(), No::Refused(Refusal::Forbidden));
    let post = Action::Post { content: content("text/plain", "x"), slug: None, container: false };
    assert!(bob("in/", post).await.is_ok());
    assert!(bob("in/y", crate::world::patch("solid:inserts { <> <#p> 1 }")).await.is_ok());
    world.put("in/.acl", "text/turtle", &rule("Write")).await.unwrap();
    assert!(bob("in/a/b/x", put()).await.is_ok());
}

#[tokio::test]
async fn large_bodies_are_staged_and_read_back() {
    let world = World::new().await;
    let text = "x".repeat(300_000);
    world.put("big", "text/plain", &text).await.unwrap();
    assert_eq!(world.get("big", "*/*").await.unwrap().1, text);
    let turtle = (0..5_000).map(|n| format!("<#s{n}> <#p> {n} .")).collect::<Vec<_>>().join("\n");
    world.put("big.ttl", "text/turtle", &turtle).await.unwrap();
    assert_eq!(world.get("big.ttl", "*/*").await.unwrap().1, turtle);
    let too_large = "#".repeat(64 * 1024 + 1);
    assert_eq!(world.put("big.meta", "text/turtle", &too_large).await.unwrap_err(), No::Problem(Kind::TooLarge));
}

fn streamed(body: &'static str) -> Action {
    let stream = futures_util::stream::iter([Ok(bytes::Bytes::from_static(body.as_bytes()))]);
    Action::Put { content: Content::stream(Some("text/plain".into()), Box::pin(stream)) }
}

#[tokio::test]
async fn a_write_whose_rules_changed_is_handed_back_with_its_content() {
    let world = World::new().await;
    world.put("doc", "text/plain", "old").await.unwrap();
    let rule = |mode: &str| {
        format!(
            "@prefix acl: <http://www.w3.org/ns/auth/acl#>. <#b> a acl:Authorization; acl:agent <{BOB}>, <{ALICE}>;
             acl:accessTo <doc>; acl:mode acl:{mode} ."
        )
    };
    world.put("doc.acl", "text/turtle", &rule("Write")).await.unwrap();
    let permitted = world.permit(Some(BOB), world.request("doc", streamed("new"))).await.unwrap();
    world.put("doc.acl", "text/turtle", &rule("Read")).await.unwrap();
    let Applied::Again(request) = world.pod.apply(permitted).await.unwrap() else { panic!() };
    assert_eq!(world.get("doc", "*/*").await.unwrap().1, "old");
    world.put("doc.acl", "text/turtle", &rule("Read, acl:Write")).await.unwrap();
    world.ask(Some(BOB), request).await.unwrap();
    assert_eq!(world.get("doc", "*/*").await.unwrap().1, "new");
}

#[tokio::test]
async fn a_permission_to_replace_is_none_to_create() {
    let world = World::new().await;
    world.put("doc", "text/plain", "old").await.unwrap();
    let permitted = world.permit(Some(ALICE), world.request("doc", streamed("new"))).await.unwrap();
    world.delete("doc").await.unwrap();
    assert!(matches!(world.pod.apply(permitted).await.unwrap(), Applied::Again(_)));
    assert!(!world.exists("doc").await);
}

#[tokio::test]
async fn a_client_that_breaks_off_writes_nothing() {
    let world = World::new().await;
    for content_type in ["text/plain", "text/turtle"] {
        let broken = || std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        let stream = futures_util::stream::iter([Ok(bytes::Bytes::from_static(b"")), Err(broken())]);
        let content = Content::stream(Some(content_type.into()), Box::pin(stream));
        assert_eq!(world.write("doc", Action::Put { content }).await.unwrap_err(), No::Problem(Kind::BadRequest));
    }
    assert!(!world.exists("doc").await);
}

#[tokio::test]
async fn a_webid_that_is_a_container_is_guarded_too() {
    let world = World::new().await;
    let acl = format!(
        "@prefix acl: <http://www.w3.org/ns/auth/acl#>. <#b> a acl:Authorization; acl:agent <{BOB}>, <{ALICE}>;
         acl:accessTo <./>; acl:default <./>; acl:mode acl:Read, acl:Write ."
    );
    let issuer = |host: &str| format!("<./#me> <http://www.w3.org/ns/solid/terms#oidcIssuer> <{host}> .");
    world.put("me/", "text/turtle", &issuer("http://issuer/")).await.unwrap();
    world.put("me/.acl", "text/turtle", &acl).await.unwrap();
    let bob = |path, action| world.ask(Some(BOB), world.request(path, action));
    let conflict = No::Problem(Kind::Conflict);
    let forged = || Action::Put { content: content("text/turtle", &issuer("http://evil/")) };
    assert_eq!(bob("me/.meta", forged()).await.unwrap_err(), conflict);
    assert_eq!(bob("me/.meta", Action::Delete).await.unwrap_err(), conflict);
    let insert = || crate::world::patch("solid:inserts { <http://x/alice/me/#me> solid:oidcIssuer <http://evil/> }");
    assert_eq!(bob("me/", insert()).await.unwrap_err(), conflict);
    assert_eq!(bob("me/.meta", insert()).await.unwrap_err(), conflict);
    bob("me/", crate::world::patch("solid:inserts { <#me> <#nick> \"al\" }")).await.unwrap();
    world.put("me/.meta", "text/turtle", &issuer("http://other/")).await.unwrap();
}

#[tokio::test]
async fn odd_names_are_each_their_own_or_no_name_at_all() {
    let world = World::new().await;
    let odd = ["a", "A", "a.", "a%20", "a;b", "a%3Bb", "%C3%A9", "e%CC%81", "%252e%252e", "...", "a%25", "con", "-"];
    world.put("c/", "text/turtle", "").await.unwrap();
    for name in odd {
        world.put(&format!("c/{name}"), "text/plain", name).await.unwrap();
    }
    for name in odd {
        assert_eq!(world.get(&format!("c/{name}"), "*/*").await.unwrap().1, name);
    }
    for name in ["..", "%2e%2e", ".", "%2E", "a//b", "a%2fb", "a%5cb", "a%00", "%c0%ae", "a%", &"n".repeat(256)] {
        assert!(podbell_model::ResourceIri::at("http://x", &format!("/alice/c/{name}")).is_err(), "{name}");
    }
}

//! Documents that are worked on at once share a budget: what does not fit waits, and is refused in the end.

use crate::world::{ALICE, BOB, No, World, iri};
use futures_util::{StreamExt as _, stream};
use podbell_pod::{Action, Content, Kind, MAX_RDF, Outcome, PageContent, Reading, RepresentationBody};
use std::time::Duration;

const DOCUMENT: &str = "<#a> <#b> 1 .";

/// A world in which documents of one byte fit one at a time.
async fn narrow() -> World {
    let world = World::new().await;
    world.put("doc", "text/turtle", DOCUMENT).await.unwrap();
    World { pod: world.pod.with_budget(1), ..world }
}

/// A document that is being worked on: a page is to be made of it.
async fn held(world: &World) -> PageContent {
    let reading = Reading { accept: Some("text/html".into()), pages: true, ..Reading::default() };
    let outcome = world.ask(Some(ALICE), world.request("doc", Action::Read(reading))).await.unwrap();
    let Outcome::Read(read) = outcome else { panic!("{outcome:?}") };
    let RepresentationBody::Page(content) = read.body else { panic!() };
    *content
}

#[tokio::test(start_paused = true)]
async fn past_the_limit_every_work_on_documents_is_refused_and_nothing_is_lost() {
    let world = narrow().await;
    let held = held(&world).await;
    let busy = || No::Problem(Kind::Busy);
    assert_eq!(world.put("doc", "text/turtle", "<#a> <#b> 2 .").await.unwrap_err(), busy());
    assert_eq!(world.put("new", "application/ld+json", "{}").await.unwrap_err(), busy());
    assert_eq!(world.post("", Some("n"), false).await.map(drop), Ok(()), "what is no RDF needs no share");
    assert_eq!(world.patch("doc", "solid:inserts { <#a> <#b> 3 }").await.unwrap_err(), busy());
    assert_eq!(world.get("doc", "application/ld+json").await.unwrap_err(), busy());
    assert_eq!(world.get("doc", "text/turtle").await.unwrap().1, DOCUMENT, "bytes as they are need no share");
    assert!(!world.exists("new").await);
    drop(held);
    assert!(world.get("doc", "application/ld+json").await.unwrap().1.contains("doc#a"));
    world.patch("doc", "solid:inserts { <#a> <#b> 3 }").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_waits_goes_on_when_its_turn_comes() {
    let world = narrow().await;
    let held = held(&world).await;
    let (written, ()) = tokio::join!(world.put("doc", "text/turtle", "<#a> <#b> 2 ."), async move {
        tokio::time::sleep(Duration::from_secs(5)).await;
        drop(held);
    });
    written.unwrap();
    assert!(world.get("doc", "text/turtle").await.unwrap().1.contains('2'));
}

#[tokio::test(start_paused = true)]
async fn one_who_has_a_share_never_waits_for_another() {
    let world = narrow().await;
    let said = format!("<{}> <http://x/b> 1 . <http://x/a> <http://x/b> 1 .", iri("c/"));
    world.put("c/x", "text/turtle", "<#a> <#b> 1 .").await.unwrap();
    world.put("c/.meta", "text/turtle", &said).await.unwrap();
    world.put("doc.meta", "text/turtle", "<doc> <http://x/b> 1 .").await.unwrap();
    // Each of these looks at two documents.
    world.get("doc", "application/ld+json").await.unwrap();
    world.get("c/", "application/ld+json").await.unwrap();
    world.patch("c/", "solid:inserts { <> <http://x/b> 2 }").await.unwrap();
    world.patch("c/.meta", "solid:inserts { <./> <http://x/b> 3 }").await.unwrap();
    world.put("d/", "text/turtle", "<> <http://x/b> 1 .").await.unwrap();
    let public = "@prefix acl: <http://www.w3.org/ns/auth/acl#>. <#r> a acl:Authorization; acl:default <./>; \
                  acl:accessTo <./>; acl:mode acl:Read, acl:Write, acl:Control; acl:agent";
    world.put("c/.acl", "text/turtle", &format!("{public} <{ALICE}>, <{BOB}> .")).await.unwrap();
    for action in [
        Action::Put { content: crate::world::content("text/turtle", "<#a> <#b> 2 .") },
        crate::world::patch("solid:inserts { <#a> <#b> 3 }"),
        Action::Delete,
    ] {
        world.ask(Some(BOB), world.request("c/x", action)).await.unwrap();
    }
    world.ask(Some(BOB), world.request("c/", crate::world::patch("solid:inserts { <> <#t> 3 }"))).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn three_of_the_most_costly_are_worked_on_at_once_by_default_and_hold_up_nothing_small() {
    let world = World::new().await;
    let large = format!("# {}\n{DOCUMENT}", "x".repeat(1 << 20));
    assert!((large.len() as u64) < MAX_RDF);
    world.put("doc", "text/turtle", &large).await.unwrap();
    let mut all = Vec::new();
    for _ in 0..3 {
        all.push(held(&world).await);
    }
    assert_eq!(world.get("doc", "application/ld+json").await.unwrap_err(), No::Problem(Kind::Busy), "one past it");
    world.put("small", "text/turtle", DOCUMENT).await.unwrap();
    let closed = format!(
        "@prefix acl: <http://www.w3.org/ns/auth/acl#>. <#o> a acl:Authorization; acl:accessTo <doc>; \
         acl:agent <{ALICE}>; acl:mode acl:Read, acl:Write, acl:Control ."
    );
    world.put("doc.acl", "text/turtle", &closed).await.unwrap();
    all.pop();
    world.get("doc", "application/ld+json").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn readers_who_take_nothing_fill_no_memory_and_hold_up_no_small_document() {
    let world = World::new().await;
    let large = format!("<#a> <#b> \"{}\" .", "x".repeat(100 << 10));
    world.put("large", "text/turtle", &large).await.unwrap();
    world.put("doc", "text/turtle", DOCUMENT).await.unwrap();
    let world = World { pod: world.pod.with_budget(300 << 10), ..world };
    let ask = async || {
        let reading = Reading { accept: Some("application/ld+json".into()), ..Reading::default() };
        world.ask(Some(ALICE), world.request("large", Action::Read(reading))).await
    };
    let untaken = [ask().await.unwrap(), ask().await.unwrap()];
    assert_eq!(ask().await.unwrap_err(), No::Problem(Kind::Busy));
    assert_eq!(world.get("large", "text/turtle").await.unwrap().1, large, "bytes as they are");
    world.get("doc", "application/ld+json").await.unwrap();
    world.put("doc", "text/turtle", DOCUMENT).await.unwrap();
    drop(untaken);
    ask().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_sends_slowly_fills_no_memory_and_holds_up_no_small_document() {
    let world = World::new().await;
    let world = World { pod: world.pod.with_budget(256 << 10), ..world };
    let piece = || Ok(bytes::Bytes::from(vec![b' '; 200 << 10]));
    let never_ends = stream::iter([piece()]).chain(stream::pending()).boxed();
    let content = Content::stream(Some("text/turtle".into()), never_ends);
    let mut sent = Box::pin(world.ask(Some(ALICE), world.request("slow", Action::Put { content })));
    assert!(futures_util::FutureExt::now_or_never(&mut sent).is_none(), "it is on its way");
    let whole = || Content::stream(Some("text/turtle".into()), stream::iter([piece()]).boxed());
    let ask = async |content| world.ask(Some(ALICE), world.request("doc", Action::Put { content })).await.map(drop);
    assert_eq!(ask(whole()).await.unwrap_err(), No::Problem(Kind::Busy));
    world.put("small", "text/turtle", DOCUMENT).await.unwrap();
    drop(sent);
    ask(whole()).await.unwrap();
    ask(whole()).await.unwrap();
}

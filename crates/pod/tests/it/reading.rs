use crate::world::{ALICE, BOB, No, World, iri, text};
use futures_util::StreamExt;
use podbell_model::{
    ResourceClass,
    rdf::{self, RdfFormat},
};
use podbell_pod::{Action, Kind, Outcome, PageContent, Preconditions, Reading, RepresentationBody, store::Store};
use podbell_wac::Refusal;
use std::sync::Arc;

#[tokio::test]
async fn an_rdf_document_is_had_in_every_syntax_and_as_it_was_written() {
    let world = World::new().await;
    let turtle = "# kept\n<> <#p> \"v\"@en .";
    let written = world.put("doc", "text/turtle; charset=utf-8", turtle).await.unwrap();
    let (own, body) = world.get("doc", "*/*").await.unwrap();
    assert_eq!((body.as_str(), &*own.content_type), (turtle, "text/turtle; charset=utf-8"));
    assert_eq!(Some(&own.validators), written.validators.as_ref());
    let base = iri("doc");
    let expected = rdf::parse(RdfFormat::Turtle, base.as_str(), turtle.as_bytes()).unwrap();
    for (accept, format, suffix) in
        [("application/ld+json", RdfFormat::JsonLd, "-ld\""), ("application/n-triples", RdfFormat::NTriples, "-nt\"")]
    {
        let (representation, body) = world.get("doc", accept).await.unwrap();
        assert_eq!(&*representation.content_type, accept);
        assert_eq!(rdf::parse(format, base.as_str(), body.as_bytes()).unwrap(), expected);
        assert!(representation.validators.etag.ends_with(suffix), "{}", representation.validators.etag);
    }
    assert_eq!(world.get("doc", "image/png").await.unwrap_err(), No::Problem(Kind::NotAcceptable));
}

#[tokio::test]
async fn a_named_graph_comes_back_as_json_ld() {
    let world = World::new().await;
    let json = r#"{"@id":"http://g/","@graph":[{"@id":"http://s/","http://p/":"o"}]}"#;
    world.put("doc", "application/ld+json", json).await.unwrap();
    assert_eq!(world.get("doc", "application/ld+json").await.unwrap().1, json);
    assert_eq!(world.get("doc", "text/turtle").await.unwrap().1.trim(), "");
}

#[tokio::test]
async fn json_ld_that_cannot_be_used_is_told_from_json_that_cannot_be_read() {
    let world = World::new().await;
    for (content_type, body, kind) in [
        ("application/ld+json", r#"{"@context":"https://elsewhere/c","a":"b"}"#, Kind::Unprocessable),
        ("application/ld+json", "{\"a\":", Kind::BadRequest),
        ("text/turtle", "<a> <b>", Kind::BadRequest),
        ("nonsense", "x", Kind::BadRequest),
    ] {
        assert_eq!(world.put("doc", content_type, body).await.unwrap_err(), No::Problem(kind), "{body}");
    }
    assert!(!world.exists("doc").await);
}

#[tokio::test]
async fn a_listing_shows_members_with_metadata_and_no_auxiliaries() {
    let world = World::new().await;
    world.put("c/a.txt", "text/plain", "hello").await.unwrap();
    world.put("c/b/", "text/turtle", "").await.unwrap();
    world.put("c/a.txt.meta", "text/turtle", "<a.txt> <#p> 1 .").await.unwrap();
    let (listing, body) = world.get("c/", "*/*").await.unwrap();
    let base = iri("c/");
    let found = rdf::parse(RdfFormat::Turtle, base.as_str(), body.as_bytes()).unwrap();
    let date = |second: i64| podbell_model::Timestamp::from_second(second).unwrap();
    let a = world.get("c/a.txt", "*/*").await.unwrap().0.validators.modified;
    let b = world.get("c/b/", "*/*").await.unwrap().0.validators.modified;
    let c = listing.validators.modified;
    let expected = format!(
        "@prefix ldp: <http://www.w3.org/ns/ldp#>. @prefix stat: <http://www.w3.org/ns/posix/stat#>.
         @prefix dct: <http://purl.org/dc/terms/>. @prefix xsd: <http://www.w3.org/2001/XMLSchema#>.
         <> a ldp:BasicContainer, ldp:Container, ldp:RDFSource, ldp:Resource; ldp:contains <a.txt>, <b/>;
            dct:modified \"{c}\"^^xsd:dateTime; stat:mtime {}.
         <a.txt> a ldp:Resource, ldp:NonRDFSource, <http://www.w3.org/ns/iana/media-types/text/plain#Resource>;
            dct:modified \"{}\"^^xsd:dateTime; stat:mtime {}; stat:size 5.
         <b/> a ldp:BasicContainer, ldp:Container, ldp:RDFSource, ldp:Resource;
            dct:modified \"{}\"^^xsd:dateTime; stat:mtime {}.",
        c.as_second(),
        date(a.as_second()),
        a.as_second(),
        date(b.as_second()),
        b.as_second(),
    );
    let expected = rdf::parse(RdfFormat::Turtle, base.as_str(), expected.as_bytes()).unwrap();
    assert_eq!(found, expected, "{body}");
}

#[tokio::test]
async fn a_modified_member_changes_the_tag_of_the_listing_and_not_its_version() {
    let world = World::new().await;
    world.put("c/a", "text/plain", "1").await.unwrap();
    let before = world.get("c/", "*/*").await.unwrap().0.validators;
    world.put("c/a", "text/plain", "2").await.unwrap();
    let after = world.get("c/", "*/*").await.unwrap().0.validators;
    assert_eq!(after.etag, format!("{}.1\"", before.etag.trim_end_matches('"')));
    assert_eq!(after.modified, before.modified);
}

#[tokio::test]
async fn a_minimal_container_has_no_members_and_a_tag_of_its_own() {
    let world = World::new().await;
    world.put("c/a", "text/plain", "1").await.unwrap();
    let prefer = "return=representation; include=\"http://www.w3.org/ns/ldp#PreferMinimalContainer\"";
    let reading = Reading { prefer: Some(prefer.into()), ..Reading::default() };
    let outcome = world.ask(Some(ALICE), world.request("c/", Action::Read(reading))).await.unwrap();
    let Outcome::Read(mut minimal) = outcome else { panic!("{outcome:?}") };
    assert!(!text(&mut minimal).await.contains("contains"));
    assert_eq!(minimal.preference_applied, Some("return=representation"));
    assert_ne!(minimal.validators.etag, world.get("c/", "*/*").await.unwrap().0.validators.etag);
}

#[tokio::test]
async fn a_client_with_the_current_tag_gets_nothing_new() {
    let world = World::new().await;
    world.put("doc", "text/plain", "x").await.unwrap();
    let etag = world.get("doc", "*/*").await.unwrap().0.validators.etag;
    let mut request = world.request("doc", Action::Read(Reading::default()));
    request.preconditions = Preconditions::parse(None, Some(&etag), None, None).unwrap();
    let outcome = world.ask(Some(ALICE), request).await.unwrap();
    assert!(matches!(outcome, Outcome::NotModified(validators) if validators.etag == etag));
}

#[tokio::test]
async fn ranges_are_served_of_small_and_large_bodies() {
    let world = World::new().await;
    let large: String = (10_000..30_000).map(|n: u32| n.to_string()).collect();
    for (path, body) in [("small", "0123456789"), ("large", large.as_str())] {
        world.put(path, "text/plain", body).await.unwrap();
        let read = |range: &str, if_range: Option<&str>| {
            let reading =
                Reading { range: Some(range.into()), if_range: if_range.map(Arc::from), ..Reading::default() };
            world.ask(Some(ALICE), world.request(path, Action::Read(reading)))
        };
        let Outcome::Read(mut part) = read("bytes=2-5", None).await.unwrap() else { panic!() };
        assert_eq!((part.part, part.length), (Some((2, 5, body.len() as u64)), Some(4)));
        assert_eq!(text(&mut part).await, &body[2..6]);
        let Outcome::Read(mut tail) = read("bytes=-3", None).await.unwrap() else { panic!() };
        assert_eq!(text(&mut tail).await, &body[body.len() - 3..]);
        let Outcome::Read(mut whole) = read("bytes=2-5", Some("\"other\"")).await.unwrap() else { panic!() };
        assert_eq!((whole.part, text(&mut whole).await.as_str()), (None, body));
        assert_eq!(read("bytes=900000-", None).await.unwrap_err(), No::Problem(Kind::RangeNotSatisfiable));
    }
}

#[tokio::test]
async fn head_tells_without_a_body() {
    let world = World::new().await;
    world.put("doc", "text/plain", "12345").await.unwrap();
    let reading = Reading { head: true, ..Reading::default() };
    let outcome = world.ask(Some(ALICE), world.request("doc", Action::Read(reading))).await.unwrap();
    let Outcome::Read(head) = outcome else { panic!("{outcome:?}") };
    assert!(matches!(head.body, RepresentationBody::None));
    assert_eq!(head.length, Some(5));
    assert_eq!(head.links.acl, Some(iri("doc.acl")));
    assert_eq!(head.links.describedby, Some(iri("doc.meta")));
}

#[tokio::test]
async fn refusal_comes_before_existence() {
    let world = World::new().await;
    for path in ["absent", "profile/", "profile/card.acl", "absent.acl.acl", "x.acl/y"] {
        let read = |who| world.ask(who, world.request(path, Action::Read(Reading::default())));
        assert_eq!(read(None).await.unwrap_err(), No::Refused(Refusal::Unauthenticated), "{path}");
        assert_eq!(read(Some(BOB)).await.unwrap_err(), No::Refused(Refusal::Forbidden), "{path}");
    }
    assert_eq!(world.get("absent", "*/*").await.unwrap_err(), No::Problem(Kind::NotFound));
    assert_eq!(world.get("absent.acl.acl", "*/*").await.unwrap_err(), No::Problem(Kind::NotFound));
}

#[tokio::test]
async fn the_webid_document_is_public_and_says_who_may_speak() {
    let world = World::new().await;
    let request = world.request("profile/card", Action::Read(Reading::default()));
    let Outcome::Read(mut card) = world.ask(None, request).await.unwrap() else { panic!() };
    let body = text(&mut card).await;
    for word in ["oidcIssuer", "http://issuer/", "Alice", "storage", "Person"] {
        assert!(body.contains(word), "{body}");
    }
}

/// Many members, made in the store at once.
async fn fill(world: &World, container: &str, count: usize) {
    let put = |path: String, class, content_type: &str| podbell_pod::store::Change::Put {
        id: uuid(&path),
        resource: iri(&path),
        class,
        content_type: content_type.into(),
        body: podbell_pod::store::Body::Inline(bytes::Bytes::from_static(b"x")),
        group: None,
    };
    let members = (0..count).map(|n| put(format!("{container}m{n:05}"), ResourceClass::NonRdfSource, "text/plain"));
    let container = put(container.to_owned(), ResourceClass::Container, "text/turtle");
    let writes = podbell_pod::store::WriteSet {
        storage: world.storage.id,
        permitted_as_of: podbell_model::Sequence(u64::MAX),
        depends_on: Arc::new([]),
        expected: Vec::new(),
        changes: std::iter::once(container).chain(members).collect(),
        actor: None,
        now: podbell_model::Timestamp::from_second(2_000).unwrap(),
        causes: Arc::default(),
        rules_as_of: None,
    };
    world.store.commit(writes).await.unwrap();
}

fn uuid(name: &str) -> podbell_model::Uuid {
    podbell_model::Uuid::new_v5(&podbell_model::Uuid::nil(), name.as_bytes())
}

#[tokio::test]
async fn a_large_listing_comes_in_portions_and_says_the_same() {
    let world = World::new().await;
    for (name, count) in [("n249/", 249), ("n250/", 250), ("n251/", 251), ("n900/", 900)] {
        fill(&world, name, count).await;
        let base = iri(name);
        for (accept, format) in [
            ("text/turtle", RdfFormat::Turtle),
            ("application/ld+json", RdfFormat::JsonLd),
            ("application/n-triples", RdfFormat::NTriples),
        ] {
            let (listing, body) = world.get(name, accept).await.unwrap();
            assert_eq!(listing.length.is_some(), count < 250, "only what is in one piece has a length");
            let found = rdf::parse(format, base.as_str(), body.as_bytes()).unwrap();
            let contained = rdf::objects(&found, base.as_str(), "http://www.w3.org/ns/ldp#contains");
            assert_eq!(contained.len(), count, "{name} {accept}");
            // Six of the container, and six of each member beside its containment.
            assert_eq!(found.len(), 6 + 7 * count, "{name} {accept}");
        }
    }
    let (mut listing, _) = world.get("n900/", "text/turtle").await.unwrap();
    let outcome = world.ask(Some(ALICE), world.request("n900/", Action::Read(Reading::default()))).await.unwrap();
    let Outcome::Read(read) = outcome else { panic!("{outcome:?}") };
    listing.body = read.body;
    let RepresentationBody::Stream(stream) = listing.body else { panic!() };
    let sizes: Vec<usize> = stream.map(|chunk| chunk.unwrap().len()).collect().await;
    assert!(sizes.len() >= 4 && sizes.iter().all(|size| *size < 200_000), "{sizes:?}");
}

/// The nodes of a listing in JSON-LD, and those of them that are the container.
fn nodes(body: &str, container: &str) -> (Vec<serde_json::Value>, Vec<serde_json::Value>) {
    let json: serde_json::Value = serde_json::from_str(body).unwrap();
    let nodes = json["@graph"].as_array().unwrap().clone();
    let own = nodes.iter().filter(|node| node["@id"] == iri(container).as_str()).cloned().collect();
    (nodes, own)
}

const CONTAINS: &str = "http://www.w3.org/ns/ldp#contains";

#[tokio::test]
async fn a_container_is_one_node_in_json_ld_however_large_it_is() {
    let world = World::new().await;
    for (name, count) in [("n0/", 0), ("n1/", 1), ("n249/", 249), ("n250/", 250), ("n900/", 900)] {
        fill(&world, name, count).await;
        let says =
            "<./> <http://purl.org/dc/terms/title> \"T\" . <http://x/a> <http://x/b> 1 . <./m00000> <http://x/b> 1 .";
        world.put(&format!("{name}.meta"), "text/turtle", says).await.unwrap();
        let (_, body) = world.get(name, "application/ld+json").await.unwrap();
        let (all, own) = nodes(&body, name);
        assert_eq!((own.len(), &own[0]), (1, &all[0]), "{name}: the first node, and the only one");
        let contained = own[0][CONTAINS].as_array().map_or(0, Vec::len);
        assert_eq!(contained, count, "{name}");
        for said in ["http://purl.org/dc/terms/title", "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"] {
            assert!(own[0][said].is_array(), "{own:?}");
        }
        let described = all.iter().filter(|node| !node["http://www.w3.org/ns/posix/stat#size"].is_null()).count();
        assert_eq!(described, count, "{name}");
    }
}

#[tokio::test]
async fn what_comes_and_goes_while_it_is_listed_does_not_tear_a_listing() {
    let world = World::new().await;
    fill(&world, "c/", 900).await;
    let reading = Reading { accept: Some("application/ld+json".into()), ..Reading::default() };
    let outcome = world.ask(Some(ALICE), world.request("c/", Action::Read(reading))).await.unwrap();
    let Outcome::Read(read) = outcome else { panic!("{outcome:?}") };
    let RepresentationBody::Stream(mut stream) = read.body else { panic!() };
    let mut body = stream.next().await.unwrap().unwrap().to_vec();
    // Some before where the reader stands, some behind it; one comes again under its name.
    for name in ["c/a", "c/m00100x", "c/m00800x", "c/z"] {
        world.put(name, "text/plain", "x").await.unwrap();
    }
    for name in ["c/m00100", "c/m00800", "c/m00850"] {
        world.delete(name).await.unwrap();
    }
    world.put("c/m00850", "text/plain", "again").await.unwrap();
    while let Some(chunk) = stream.next().await {
        body.extend_from_slice(&chunk.unwrap());
    }
    let (all, own) = nodes(std::str::from_utf8(&body).unwrap(), "c/");
    let contained: std::collections::BTreeSet<_> =
        own[0][CONTAINS].as_array().unwrap().iter().map(|one| one["@id"].as_str().unwrap()).collect();
    // The first portion was read before anything went.
    let there: std::collections::BTreeSet<_> =
        (0..900).filter(|n| ![800, 850].contains(n)).map(|n| iri(&format!("c/m{n:05}")).as_str().to_owned()).collect();
    assert_eq!(contained, there.iter().map(String::as_str).collect());
    let described: Vec<_> = all.iter().skip(1).map(|node| node["@id"].as_str().unwrap()).collect();
    assert!(described.iter().all(|name| contained.contains(name)), "only what is listed is described");
    assert_eq!(described.len(), there.len());
}

#[tokio::test]
async fn who_reads_slowly_sees_nothing_that_came_after_the_listing_had_begun() {
    let world = World::new().await;
    let said = |word: &str| format!("<{}> <http://x/says> \"{word}\" .", iri("other"));
    for (n, accept) in ["text/turtle", "application/ld+json", "application/n-triples", "text/html"].iter().enumerate() {
        let name = format!("c{n}/");
        fill(&world, &name, 600).await;
        world.put(&format!("{name}.meta"), "text/turtle", &said("before")).await.unwrap();
        let reading = Reading { accept: Some((*accept).into()), pages: true, ..Reading::default() };
        let outcome = world.ask(Some(ALICE), world.request(&name, Action::Read(reading))).await.unwrap();
        let Outcome::Read(read) = outcome else { panic!("{outcome:?}") };
        // By now it could be closed to whoever reads.
        world.put(&format!("{name}.meta"), "text/turtle", &said("afterwards")).await.unwrap();
        for member in ["a", "m00400x", "z"] {
            world.put(&format!("{name}{member}"), "text/plain", "x").await.unwrap();
        }
        for member in 250..500 {
            let member = format!("{name}m{member:05}");
            world.delete(&member).await.unwrap();
            world.put(&member, "text/plain", "again").await.unwrap();
        }
        let body = match read.body {
            RepresentationBody::Stream(stream) => {
                let chunks: Vec<_> = stream.map(|chunk| chunk.unwrap()).collect().await;
                String::from_utf8(chunks.concat()).unwrap()
            }
            RepresentationBody::Page(content) => {
                let PageContent::Container { members, description } = *content else { panic!() };
                let portions: Vec<_> = members.map(|portion| portion.unwrap()).collect().await;
                assert!(portions.iter().all(|portion| !portion.is_empty()), "an empty one would be taken for the end");
                let names: Vec<_> = portions.concat().iter().map(|member| member.iri.to_string()).collect();
                let said: Vec<_> =
                    description.iter().flat_map(|said| said.iter()).map(|quad| quad.to_string()).collect();
                format!("{} {}", names.join(" "), said.join(" "))
            }
            _ => panic!(),
        };
        assert!(body.contains("before") && !body.contains("afterwards"), "{accept}");
        assert!(body.contains("m00249") && body.contains("m00599"), "{accept}");
        for late in [format!("{name}a"), format!("{name}z"), "m00400".to_owned(), "m00499".to_owned()] {
            assert!(!body.contains(&late), "{accept}: {late}");
        }
    }
}

#[tokio::test]
async fn a_container_goes_when_its_last_member_has_gone_however_many_there_were() {
    let world = World::new().await;
    fill(&world, "many/", 3).await;
    for n in 0..3 {
        assert_eq!(world.delete("many/").await.unwrap_err(), No::Problem(Kind::Conflict));
        world.delete(&format!("many/m{n:05}")).await.unwrap();
    }
    world.delete("many/").await.unwrap();
}

#[tokio::test]
async fn a_patch_of_a_container_with_very_many_members_is_bounded() {
    let world = World::new().await;
    fill(&world, "many/", 10_001).await;
    let insert = "solid:inserts { <> <http://purl.org/dc/terms/title> \"T\" }";
    world.patch("many/", insert).await.unwrap();
    let contain = "solid:inserts { <> <http://www.w3.org/ns/ldp#contains> <x> }";
    assert_eq!(world.patch("many/", contain).await.unwrap_err(), No::Problem(Kind::Conflict));
    let looks = "solid:where { ?m a <http://www.w3.org/ns/ldp#Container> }; solid:inserts { ?m <#p> 1 }";
    assert!(matches!(world.patch("many/", looks).await.unwrap_err(), No::Problem(_)));
}

#[tokio::test]
async fn a_page_is_made_only_where_pages_are_and_has_a_tag_of_its_own() {
    let world = World::new().await;
    fill(&world, "c/", 501).await;
    world.put("doc", "text/turtle", "<#a> <#p> 1 .").await.unwrap();
    world.put("notes.txt", "text/plain", "x").await.unwrap();
    for path in ["c/", "doc", "doc.meta", "profile/card"] {
        let reading = |head, pages| Reading { accept: Some("text/html".into()), head, pages, ..Reading::default() };
        let ask = |head, pages| world.ask(Some(ALICE), world.request(path, Action::Read(reading(head, pages))));
        assert_eq!(ask(false, false).await.unwrap_err(), No::Problem(Kind::NotAcceptable));
        let Outcome::Read(page) = ask(false, true).await.unwrap() else { panic!("{path}") };
        let Outcome::Read(head) = ask(true, true).await.unwrap() else { panic!("{path}") };
        assert_eq!((page.page, &*page.content_type), (true, "text/html; charset=utf-8"));
        assert_eq!((head.page, &head.content_type, &head.validators), (true, &page.content_type, &page.validators));
        assert!(matches!(head.body, RepresentationBody::None));
        let turtle = world.get(path, "text/turtle").await.unwrap().0;
        assert!(!turtle.page && turtle.validators.etag != page.validators.etag);
        let version = |etag: &str| podbell_pod::version_of(etag.trim_matches('"')).to_owned();
        assert_eq!(version(&page.validators.etag), version(&turtle.validators.etag));
        let RepresentationBody::Page(content) = page.body else { panic!("{path}") };
        match *content {
            PageContent::Container { members, .. } => {
                let portions: Vec<usize> = members.map(|portion| portion.unwrap().len()).collect().await;
                assert_eq!((path, portions), ("c/", vec![250, 250, 1]));
            }
            PageContent::Document(_) => assert_ne!(path, "c/"),
        }
    }
    let html = Reading { accept: Some("text/html".into()), pages: true, ..Reading::default() };
    let text = world.ask(Some(ALICE), world.request("notes.txt", Action::Read(html))).await.unwrap_err();
    assert_eq!(text, No::Problem(Kind::NotAcceptable));
}

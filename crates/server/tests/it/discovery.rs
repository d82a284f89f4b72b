//! Discovery: from any resource to the description of its storage, and from there to the services. The cases T-D.

use super::{
    services::Stream,
    world::{ALICE, ANYBODY, BOB, Reply, TURTLE, WORLD, container, for_bob, public, split},
};
use podbell_model::{
    rdf::{self, RdfFormat},
    vocab::{notify, pim, solid},
};

pub(super) const DESCRIPTION: &str = "http://www.w3.org/ns/solid/terms#storageDescription";
/// Of alice's storage.
pub(super) const DESCRIBED: &str = "/alice/.well-known/solid";
pub(super) const TYPES: [&str; 6] = [
    "WebSocketChannel2023",
    "EventSourceChannel2023",
    "StreamingHTTPChannel2023",
    "WebhookChannel2023",
    "LDNChannel2023",
    "WebPushChannel2023",
];

fn described(path: &str, accept: &str) -> Reply {
    let told = ANYBODY.ask("GET", path, &[("accept", accept)], "");
    assert_eq!((told.status, told.header("content-type")), (200, Some(accept)));
    told
}

/// Where services are named in a description.
fn services(path: &str) -> Vec<String> {
    let told = described(path, "application/ld+json").json();
    let services = told["subscription"].as_array().unwrap();
    services.iter().map(|service| service["id"].as_str().unwrap().to_owned()).collect()
}

/// R-DISC-1, CA-11.
#[test]
fn t_d01_t_d02_t_d03_t_d04_t_d05_every_answer_leads_to_the_description_of_the_storage() {
    let at = container("discovered", &public("acl:Read"));
    let private = container("undiscovered", "");
    let resource = format!("{at}r");
    ALICE.put(&resource, "");
    let expected = Some(WORLD.url(DESCRIBED));
    for (path, status) in [(&*resource, 200), (&at, 200), (&format!("{at}absent"), 404), (&format!("{private}p"), 401)]
    {
        let (get, head) = (ANYBODY.get(path), ANYBODY.ask("HEAD", path, &[], ""));
        assert_eq!((get.status, head.status, head.body.len()), (status, status, 0), "{path}");
        assert_eq!(get.all("link"), head.all("link"), "{path}");
        for told in [get, head, ANYBODY.ask("OPTIONS", path, &[], "")] {
            assert_eq!(told.link(DESCRIPTION), expected, "{path}: {told:?}");
        }
    }
    assert_eq!(ALICE.get("/alice/").link(DESCRIPTION), expected, "the root of the storage");
    assert_eq!(ANYBODY.get(&split(&expected.clone().unwrap()).1).status, 200, "it resolves");
    // Writes, and every way in which they fail.
    let new = format!("{at}new");
    for (agent, method, path, headers, status) in [
        (&*ALICE, "PUT", &new, &[TURTLE][..], 201),
        (&*ALICE, "PUT", &new, &[TURTLE], 204),
        (&*ALICE, "POST", &at, &[TURTLE], 201),
        (&*ALICE, "PUT", &new, &[TURTLE, ("if-none-match", "*")], 412),
        (&*ALICE, "PATCH", &new, &[("content-type", "text/plain")], 415),
        (&*ALICE, "POST", &new, &[TURTLE], 405),
        (&*BOB, "PUT", &new, &[TURTLE], 403),
        (&*ANYBODY, "PUT", &new, &[TURTLE], 401),
        (&*ALICE, "DELETE", &new, &[], 204),
        (&*ALICE, "DELETE", &new, &[], 404),
    ] {
        let told = agent.ask(method, path, headers, "");
        assert_eq!(told.status, status, "{method} {path}: {told:?}");
        assert_eq!(told.link(DESCRIPTION), expected, "{method} {path}: {told:?}");
    }
}

/// R-DISC-3, CA-3, CA-11.
#[test]
fn t_d06_t_d07_t_d08_a_description_is_one_graph_in_every_syntax() {
    let root = WORLD.url("/alice/");
    let graph = |accept, format| rdf::parse(format, "urn:base:", &described(DESCRIBED, accept).body).unwrap();
    let found = graph("application/ld+json", RdfFormat::JsonLd);
    assert_eq!(found, graph("text/turtle", RdfFormat::Turtle));
    assert_eq!(found, graph("application/n-triples", RdfFormat::NTriples));
    assert_eq!(rdf::objects(&found, &root, podbell_model::vocab::rdf::TYPE), [pim::STORAGE_CLASS]);
    let term = |name: &str| format!("{}{name}", notify::NS);
    let services = rdf::objects(&found, &root, &term("subscription"));
    assert_eq!(services.len(), TYPES.len());
    let mut types: Vec<_> = services.iter().flat_map(|at| rdf::objects(&found, at, &term("channelType"))).collect();
    types.sort_unstable();
    let mut expected = TYPES.map(term);
    expected.sort_unstable();
    assert_eq!(types, expected, "each has exactly one");
    for service in services {
        let features = rdf::objects(&found, service, &term("feature"));
        for feature in ["startAt", "endAt", "state", "rate", "accept"] {
            assert!(features.contains(&&*term(feature)), "{service}: {features:?}");
        }
        // The namespace of the protocol is not ours to extend: what Podbell adds has one of its own.
        for feature in features {
            assert!(feature.starts_with(notify::NS) || feature.starts_with("urn:podbell:terms#"), "{feature}");
        }
    }
}

/// R-DISC-4, CA-11, CA-18.
#[test]
fn t_d09_a_description_is_public_and_may_be_kept_for_a_while() {
    for path in ["/.well-known/solid", DESCRIBED, "/bob/.well-known/solid"] {
        let told = ANYBODY.get(path);
        assert_eq!((told.status, told.header("content-type")), (200, Some("text/turtle")), "{path}");
        let tag = told.header("etag").unwrap().to_owned();
        assert!(tag.starts_with('"'), "{tag} is strong");
        assert!(told.header("cache-control").unwrap().contains("max-age="), "{told:?}");
        assert!(told.all("vary").join(",").contains("Accept"));
        assert_eq!(ANYBODY.ask("GET", path, &[("if-none-match", &tag)], "").status, 304);
        assert_ne!(described(path, "application/ld+json").header("etag"), Some(&*tag), "another representation");
        let head = ANYBODY.ask("HEAD", path, &[], "");
        assert_eq!((head.status, head.body.len(), head.header("etag")), (200, 0, Some(&*tag)));
        let told = ANYBODY.ask("OPTIONS", path, &[], "");
        assert_eq!((told.status, told.header("allow")), (204, Some("GET, HEAD, OPTIONS")));
        for method in ["PUT", "POST", "PATCH", "DELETE"] {
            ALICE.ask(method, path, &[TURTLE], "<#a> <#b> 1 .").is_problem(405);
        }
    }
    ANYBODY.ask("GET", DESCRIBED, &[("accept", "image/png")], "").is_problem(406);
    let told = ANYBODY.get("/nobody/.well-known/solid");
    assert!(matches!(told.status, 401 | 404), "{told:?}");
}

/// R-DISC-3, CA-5.
#[test]
fn t_d10_a_description_is_one_plain_object_to_whoever_knows_no_json_ld() {
    let told = described(DESCRIBED, "application/ld+json").json();
    assert_eq!((&told["id"], &told["type"]), (&WORLD.url("/alice/").into(), &pim::STORAGE_CLASS.into()));
    let services = told["subscription"].as_array().unwrap();
    assert_eq!(services.iter().map(|service| service["channelType"].as_str().unwrap()).collect::<Vec<_>>(), TYPES);
    for service in services {
        assert!(service["id"].as_str().unwrap().ends_with(&format!("/{}/", service["channelType"].as_str().unwrap())));
        for feature in ["startAt", "endAt", "state", "rate", "accept"] {
            assert!(service["feature"].as_array().unwrap().contains(&feature.into()), "{service}");
        }
    }
}

/// R-DISC-2, CA-4: nothing is added to the description of a resource, which is its owner's. Whoever takes the first of
/// the two links (SemApps) and whoever follows both (dokieli) comes to the description of the storage.
#[test]
fn t_d11_t_d12_t_d13_a_resource_has_one_description_which_is_ruled_as_it_is() {
    let (at, closed) = (container("described", &for_bob("acl:Read")), container("undescribed", ""));
    for path in [format!("{at}r"), format!("{at}c/"), at.clone()] {
        if path != at {
            ALICE.put(&path, "");
        }
        let told = BOB.get(&path);
        let rels: Vec<_> =
            told.all("link").iter().filter_map(|link| link.split_once("rel=")).map(|(_, rel)| rel).collect();
        let place = |rel: &str| rels.iter().position(|found| *found == format!("\"{rel}\""));
        assert_eq!(rels.iter().filter(|rel| **rel == "\"describedby\"").count(), 1, "{told:?}");
        assert!(place(DESCRIPTION).unwrap() < place("describedby").unwrap(), "{told:?}");
        let description = split(&told.link("describedby").unwrap()).1;
        let told = BOB.ask("GET", &description, &[("accept", "application/ld+json")], "");
        assert_eq!((told.status, told.header("content-type")), (200, Some("application/ld+json")), "{told:?}");
        ANYBODY.get(&description).is_problem(401);
        BOB.ask("PUT", &description, &[TURTLE], "").is_problem(403);
    }
    let path = format!("{closed}r");
    ALICE.put(&path, "");
    let description = split(&ALICE.get(&path).link("describedby").unwrap()).1;
    assert_eq!((BOB.get(&path).status, BOB.get(&description).status), (403, 403));
}

/// R-DISC-7. The document of an origin with several pods describes the origin, not a storage; the services are the same.
#[test]
fn t_d14_the_well_known_document_of_the_origin_names_the_same_services() {
    assert_eq!(services("/.well-known/solid"), services(DESCRIBED));
    assert_eq!(services("/bob/.well-known/solid"), services(DESCRIBED));
    let told = described("/.well-known/solid", "application/ld+json").json();
    assert_eq!((&told["id"], &told["type"]), (&WORLD.url("/").into(), &solid::DISCOVERY_DOCUMENT.into()));
}

/// CA-19. A comma in the name of a resource stays in the links to what is its own.
#[test]
fn t_d15_links_have_a_quoted_relation_right_after_an_absolute_target_without_commas() {
    let at = container("links", &public("acl:Read"));
    let (plain, commas) = (format!("{at}r"), format!("{at}a,b"));
    for path in [&plain, &commas, &at] {
        if *path != at {
            ALICE.put(path, "");
        }
        let told = ANYBODY.get(path);
        for link in told.all("link") {
            let (target, rel) = link.split_once(">; rel=").unwrap();
            assert!(url::Url::parse(target.strip_prefix('<').unwrap()).is_ok(), "{link}");
            assert!(rel.starts_with('"') && rel.ends_with('"') && rel.matches('"').count() == 2, "{link}");
            assert!(*path == commas || !link.contains(','), "{link}");
        }
        assert!(!told.link(DESCRIPTION).unwrap().contains(','), "{told:?}");
    }
}

#[test]
fn t_d16_a_page_of_another_origin_may_read_the_links() {
    let at = container("cross-origin", &public("acl:Read"));
    let origin = ("origin", "https://app.example");
    let preflight = ANYBODY.ask("OPTIONS", &at, &[origin, ("access-control-request-method", "GET")], "");
    for told in [preflight, ANYBODY.ask("GET", &at, &[origin], ""), ANYBODY.ask("GET", DESCRIBED, &[origin], "")] {
        assert_eq!(told.header("access-control-allow-origin"), Some("https://app.example"), "{told:?}");
        assert!(told.header("access-control-expose-headers").unwrap().contains("Link"), "{told:?}");
    }
}

/// R-DISC-6: descriptions of resources hold nothing of ours (R-DISC-2), so the link says where the stream is.
#[test]
fn t_d17_what_is_read_links_to_the_stream_of_its_changes() {
    let at = container("streamed", &for_bob("acl:Read"));
    ALICE.put(&format!("{at}r"), "");
    for path in [&format!("{at}r"), &at] {
        let told = BOB.ask("HEAD", path, &[], "");
        let stream = split(&told.link(solid::UPDATES_VIA_STREAMING_HTTP).unwrap()).1;
        let stream = Stream::by(&BOB, &stream, &[]);
        assert_eq!((stream.head.status, stream.head.header("content-type")), (200, Some("text/turtle")));
    }
    let json = described(DESCRIBED, "application/ld+json").json();
    assert_eq!(json.get("channel"), None, "a storage has no stream of its own: {json}");
}

//! Where the gateway of ESS is found: §10, Discovery, of the reference of ESS. What its published client makes of it is
//! tried with the client.

use super::{
    ess::{ENDPOINT, GATEWAY, JSON, listen, subscribe},
    services::SERVICE,
    world::{ALICE, ANYBODY, BOB, Reply, WORLD, container, for_bob, public, split},
};
use podbell_model::{
    rdf::{self, RdfFormat},
    vocab::{pim, solid},
};
use serde_json::json;

fn described(path: &str, accept: &[(&str, &str)]) -> Reply {
    let told = ANYBODY.ask("GET", path, accept, "");
    assert_eq!(told.status, 200, "{path}: {told:?}");
    told
}

/// ESS-1, ESS-2, ESS-3: it stands on the subject that is written first, beside the services of other protocols, and who
/// reads it need be nobody.
#[test]
fn the_gateway_is_on_the_first_subject_of_a_public_document() {
    let closed = container("ess-unreadable", "");
    ANYBODY.get(&closed).is_problem(401);
    for (path, subject) in [("/.well-known/solid", "/"), ("/alice/.well-known/solid", "/alice/")] {
        let told = described(path, &[("accept", "text/turtle")]);
        assert_eq!(told.header("content-type"), Some("text/turtle"), "compared as it stands, and case-sensitively");
        let text = told.text();
        let first = text.lines().find(|line| !line.starts_with('@')).unwrap();
        assert!(first.starts_with(&format!("<{}> a ", WORLD.url(subject))), "{text}");
        let graph = rdf::parse(RdfFormat::Turtle, &WORLD.url(path), text.as_bytes()).unwrap();
        let gateways = rdf::objects(&graph, &WORLD.url(subject), solid::NOTIFICATION_GATEWAY);
        assert_eq!(gateways, [&*WORLD.url(GATEWAY)], "{text}");
        let services =
            rdf::objects(&graph, &WORLD.url(subject), &format!("{}subscription", podbell_model::vocab::notify::NS));
        assert!(services.contains(&&*WORLD.url(SERVICE)), "{text}");
    }
}

/// ESS-4.
#[test]
fn in_json_the_gateway_is_a_plain_key_and_turtle_is_for_who_takes_anything() {
    for path in ["/.well-known/solid", "/alice/.well-known/solid"] {
        let told = described(path, &[("accept", "application/ld+json")]);
        assert_eq!(told.header("content-type"), Some("application/ld+json"));
        assert_eq!(told.json()["notificationGateway"], WORLD.url(GATEWAY));
        for accept in [&[][..], &[("accept", "*/*")]] {
            assert_eq!(described(path, accept).header("content-type"), Some("text/turtle"));
        }
    }
}

/// ESS-5: the name of a topic is taken as it is spelled.
#[test]
fn names_of_all_kinds_are_topics() {
    let at = container("ess-names", &for_bob("acl:Read"));
    for name in ["a%20b", "caf%C3%A9", "%E2%9C%93/", "a,b;c=d", "x~y!$&'()*+@:"] {
        let path = format!("{at}{name}");
        ALICE.put(&path, "");
        let mut socket = listen(&BOB, &path);
        let changed = if name.ends_with('/') { format!("{path}x") } else { path.clone() };
        ALICE.put(&changed, "");
        assert_eq!(socket.heard()["object"]["id"], WORLD.url(&path));
    }
    // No resource here has a query in its name, so nothing ever happens to one that has: it is one more that is absent.
    assert_eq!(subscribe(&BOB, &format!("{at}r?part=1")).status, 200);
}

/// ESS-6: who finds no document at the origin asks the topic for its storage, and reads what is said below that.
#[test]
fn every_answer_about_a_topic_names_its_storage_once() {
    let (at, closed) = (container("ess-stored", &public("acl:Read")), container("ess-closed-store", ""));
    let root = WORLD.url("/alice/");
    for (agent, path, status) in [
        (&*ANYBODY, at.clone(), 200),
        (&*ANYBODY, format!("{at}absent"), 404),
        (&*ANYBODY, closed.clone(), 401),
        (&*BOB, closed.clone(), 403),
        (&*ALICE, "/alice/".to_owned(), 200),
    ] {
        for method in ["HEAD", "GET"] {
            let told = agent.ask(method, &path, &[], "");
            assert_eq!(told.status, status, "{path}");
            let storages = told
                .all("link")
                .into_iter()
                .filter(|link| link.contains("rel=\"http://www.w3.org/ns/pim/space#storage\""));
            assert_eq!(storages.count(), 1, "{path}: {told:?}");
            assert_eq!(told.link(pim::STORAGE), Some(root.clone()), "{path}");
        }
    }
    let told = described("/alice/.well-known/solid", &[("accept", "application/ld+json")]);
    let graph = rdf::parse(RdfFormat::JsonLd, "urn:none:", &told.body).unwrap();
    assert_eq!(rdf::objects(&graph, &root, solid::NOTIFICATION_GATEWAY), [&*WORLD.url(GATEWAY)]);
}

/// ESS-7.
#[test]
fn a_page_of_another_origin_goes_all_the_way() {
    let page = ("origin", "https://app.example");
    let open = |told: &Reply| assert_eq!(told.header("access-control-allow-origin"), Some(page.1), "{told:?}");
    open(&ANYBODY.ask("GET", "/.well-known/solid", &[page, ("accept", "text/turtle")], ""));
    for path in [GATEWAY, ENDPOINT] {
        let asked = [
            page,
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "authorization,content-type,dpop"),
        ];
        let told = ANYBODY.ask("OPTIONS", path, &asked, "");
        assert_eq!(told.status, 204);
        open(&told);
        assert_eq!(told.header("access-control-allow-headers"), Some("authorization,content-type,dpop"));
        assert!(told.header("access-control-allow-methods").unwrap().contains("POST"), "{told:?}");
    }
    let at = container("ess-paged", &for_bob("acl:Read"));
    open(&ANYBODY.ask("POST", GATEWAY, &[page, JSON], r#"{"protocols":["ws"]}"#));
    let told = BOB.ask("POST", ENDPOINT, &[page, JSON], json!({ "topic": WORLD.url(&at) }).to_string());
    assert_eq!((told.status, split(told.json()["endpoint"].as_str().unwrap()).0), (200, split(&WORLD.url("/")).0));
    open(&told);
    let refused = BOB.ask("POST", ENDPOINT, &[page, JSON], "{}");
    refused.is_problem(400);
    open(&refused);
}

/// ESS-8.
#[test]
fn what_is_not_there_yet_may_be_heard_by_who_could_read_it() {
    let path = format!("{}absent", container("ess-absent", &for_bob("acl:Read")));
    BOB.get(&path).is_problem(404);
    let mut socket = listen(&BOB, &path);
    ALICE.put(&path, "");
    assert_eq!(socket.heard()["type"][1], "Create");
}

//! The description of a storage, and how it is found: §2 of the reference, T-LWS-01 to T-LWS-04.

use super::{
    lws::{CONTEXT, ENDPOINT, REL},
    world::{ALICE, ANYBODY, BOB, TURTLE, WORLD, World, container, for_bob, split},
};
use serde_json::json;

const AT: &str = "/alice/.notifications/LWS/storage";

/// LW01, R-LWS-2.
#[test]
fn t_lws_01_every_answer_about_a_resource_links_the_description() {
    let at = container("lws-linked", &for_bob("acl:Read"));
    ALICE.put(&format!("{at}a"), "");
    for path in [at.clone(), format!("{at}a"), format!("{at}absent"), "/alice/.well-known/solid".into(), AT.into()] {
        for (agent, method) in [(&*BOB, "GET"), (&*BOB, "HEAD"), (&*ANYBODY, "GET"), (&*BOB, "OPTIONS"), (&*BOB, "PUT")]
        {
            let told = agent.ask(method, &path, &[TURTLE], "");
            let found = told.link(REL).unwrap_or_else(|| {
                assert!(told.status == 405, "{method} {path}: {told:?}");
                WORLD.url(AT)
            });
            assert_eq!(found, WORLD.url(AT), "{method} {path}: {told:?}");
        }
    }
    assert_eq!(ANYBODY.get(&split(&BOB.get(&at).link(REL).unwrap()).1).status, 200);
}

/// LW02, LW03, LW04, LW05, R-LWS-1.
#[test]
fn t_lws_02_the_description_names_the_storage_and_its_services() {
    let told = ANYBODY.ask("GET", AT, &[("accept", "application/lws+json")], "");
    assert_eq!((told.status, told.header("content-type")), (200, Some("application/lws+json")));
    let body = told.json();
    let at = WORLD.url(AT);
    assert_eq!((&body["@context"], &body["id"], &body["type"]), (&json!(CONTEXT), &json!(at), &json!("Storage")));
    let services = body["service"].as_array().unwrap();
    assert!(services.contains(&json!({ "type": "StorageDescription", "serviceEndpoint": at })), "{body}");
    let offered = ["WebhookSubscription", "WebSocketSubscription", "EventSourceSubscription"];
    let service =
        json!({ "type": "NotificationService", "serviceEndpoint": WORLD.url(ENDPOINT), "subscriptionType": offered });
    assert!(services.contains(&service), "{body}");
    let method = &body["verificationMethod"][0];
    assert_eq!((&method["type"], &method["controller"]), (&json!("JsonWebKey"), &json!(at)));
    assert_eq!(method["id"], format!("{at}#{}", method["publicKeyJwk"]["kid"].as_str().unwrap()));
    assert_eq!((&method["publicKeyJwk"]["alg"], &method["publicKeyJwk"]["d"]), (&json!("ES256"), &json!(null)));
    assert_eq!(body["authentication"][0], method["id"]);
}

/// LW04, R-LWS-4.
#[test]
fn t_lws_03_each_form_has_the_same_bytes() {
    let first = ANYBODY.get(AT);
    let profiled = "application/ld+json; profile=\"https://www.w3.org/ns/lws/v1\"";
    for form in ["application/lws+json", "application/ld+json", "application/json", profiled] {
        let told = ANYBODY.ask("GET", AT, &[("accept", form)], "");
        assert_eq!((told.status, told.header("content-type"), &told.body), (200, Some(form), &first.body));
    }
    ANYBODY.ask("GET", AT, &[("accept", "text/turtle")], "").is_problem(406);
}

/// R-LWS-1, R-LWS-3.
#[test]
fn t_lws_04_anybody_reads_it_from_any_page_and_keeps_it() {
    let told = ANYBODY.ask("GET", AT, &[("origin", "https://app.example")], "");
    assert_eq!((told.status, &told.json()["id"]), (200, &json!(WORLD.url(AT))));
    assert_eq!(told.header("access-control-allow-origin"), Some("https://app.example"));
    assert!(told.header("cache-control").unwrap().starts_with("public"), "{told:?}");
    let tag = told.header("etag").unwrap();
    assert!(tag.starts_with('"'), "strong: {tag}");
    assert_eq!(ANYBODY.ask("GET", AT, &[("if-none-match", tag)], "").status, 304);
    assert_eq!(ANYBODY.ask("HEAD", AT, &[], "").status, 200);
    assert_eq!(ANYBODY.ask("OPTIONS", AT, &[], "").header("allow"), Some("GET, HEAD, OPTIONS"));
    for method in ["PUT", "POST", "PATCH", "DELETE"] {
        ALICE.ask(method, AT, &[TURTLE], "").is_problem(405);
    }
    for elsewhere in ["/nobody/.notifications/LWS/storage", "/alice/x/.notifications/LWS/storage"] {
        assert_ne!(ANYBODY.get(elsewhere).status, 200, "{elsewhere}");
    }
    ANYBODY.get("/.notifications/LWS/storage").is_problem(404);
}

/// One switch takes all of it away.
#[test]
fn a_server_without_this_door_shows_nothing_of_it() {
    let world: &'static World = Box::leak(Box::new(World::start(&[("PODBELL_LWS_ENABLED", "false")])));
    let alice = world.log_in("ALICE");
    let told = alice.get("/alice/");
    assert_eq!((told.status, told.link(REL)), (200, None));
    assert_eq!(alice.get(AT).status, 404);
    for path in ["/.notifications/LWS/", "/.notifications/LWS", "/.notifications/LWS/storage"] {
        assert!(matches!(alice.get(path).status, 404 | 403), "{path}");
        assert!(alice.ask("POST", path, &[super::lws::TYPE], "{}").status >= 400, "{path}");
    }
}

//! `/.well-known/solid` and the links that lead there.

use super::world::{ALICE, ANYBODY, BOB, WORLD, container, for_bob, public, split};

const DESCRIPTION: &str = "http://www.w3.org/ns/solid/terms#storageDescription";

#[test]
fn every_answer_leads_to_the_description_of_the_storage() {
    let at = container("discovered", &public("acl:Read"));
    let private = container("undiscovered", "");
    ALICE.put(&format!("{at}r"), "");
    let expected = WORLD.url("/alice/.well-known/solid");
    for path in [format!("{at}r"), at.clone(), format!("{at}absent"), format!("{private}p")] {
        for method in ["GET", "HEAD", "OPTIONS"] {
            let told = ANYBODY.ask(method, &path, &[], "");
            assert_eq!(told.link(DESCRIPTION), Some(expected.clone()), "{method} {path}");
            // Some clients cut at every comma.
            for link in told.all("link") {
                assert!(link.starts_with('<') && !link.contains(','), "{link}");
            }
        }
    }
}

#[test]
fn descriptions_are_public_and_of_one_graph() {
    for path in ["/.well-known/solid", "/alice/.well-known/solid", "/bob/.well-known/solid"] {
        let turtle = ANYBODY.get(path);
        assert_eq!((turtle.status, turtle.header("content-type")), (200, Some("text/turtle")), "{path}");
        let text = turtle.text();
        assert!(text.contains("notificationGateway"), "{text}");
        let service = text.split('<').skip(1).filter_map(|rest| rest.split('>').next());
        let mut service = service.filter(|iri| iri.contains("/.notifications/WebSocketChannel2023"));
        assert_eq!(service.next(), Some(&*WORLD.url("/.notifications/WebSocketChannel2023/")));
        let json = ANYBODY.ask("GET", path, &[("accept", "application/ld+json")], "");
        assert_eq!(json.header("content-type"), Some("application/ld+json"));
        let json = json.json();
        assert!(json["id"].is_string() && json["subscription"].is_array(), "{json}");
        assert_eq!(ANYBODY.ask("HEAD", path, &[], "").body.len(), 0);
        assert!(ANYBODY.ask("OPTIONS", path, &[], "").header("allow").is_some());
        for method in ["PUT", "POST", "PATCH", "DELETE"] {
            ALICE.ask(method, path, &[("content-type", "text/turtle")], "<#a> <#b> 1 .").is_problem(405);
        }
    }
    ANYBODY.ask("GET", "/.well-known/solid", &[("accept", "image/png")], "").is_problem(406);
    let told = ANYBODY.get("/nobody/.well-known/solid");
    assert!(matches!(told.status, 401 | 404), "{told:?}");
}

#[test]
fn a_description_is_ruled_as_its_subject_is() {
    let at = container("described", &for_bob("acl:Read"));
    ALICE.put(&format!("{at}r"), "");
    let told = BOB.get(&format!("{at}r"));
    let description = told.link("describedby").unwrap();
    let path = split(&description).1;
    assert_eq!(BOB.get(&path).status, 200);
    ANYBODY.get(&path).is_problem(401);
    BOB.ask("PUT", &path, &[("content-type", "text/turtle")], "").is_problem(403);
}

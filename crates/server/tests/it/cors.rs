//! Every answer can be read by the app that asked, and no preflight asks who that is.

use super::world::{ANYBODY, BOB, LD, Reply};

const ORIGIN: (&str, &str) = ("origin", "https://app.example");

/// One of every kind of route.
const ROUTES: [&str; 10] = [
    "/alice/",
    "/alice/profile/card",
    "/alice/absent",
    "/alice/.acl",
    "/.well-known/solid",
    "/alice/.well-known/solid",
    "/.notifications/WebSocketChannel2023/",
    "/.notifications/gateway/",
    "/.notifications/channels/x",
    "/.notifications/connect/x",
];

fn is_marked(told: &Reply, what: &str) {
    assert_eq!(told.header("access-control-allow-origin"), Some("https://app.example"), "{what}");
    let exposed = told.header("access-control-expose-headers").unwrap();
    for name in ["Link", "ETag", "Location", "WAC-Allow", "WWW-Authenticate", "Accept-Post", "Content-Range"] {
        assert!(exposed.contains(name), "{what}: {name}");
    }
    assert!(told.all("vary").join(",").contains("Origin"), "{what}");
}

#[test]
fn every_route_answers_preflights_without_asking_who() {
    for path in ROUTES {
        for method in ["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE"] {
            let asked = "X-CUSTOM, authorization,DPoP, Content-Type";
            let headers = [
                ORIGIN,
                ("access-control-request-method", method),
                ("access-control-request-headers", asked),
                ("authorization", "DPoP junk"),
            ];
            let told = ANYBODY.ask("OPTIONS", path, &headers, "");
            assert_eq!((told.status, told.body.len()), (204, 0), "{path}");
            is_marked(&told, path);
            assert_eq!(told.header("access-control-allow-headers"), Some(asked), "{path}");
            assert!(told.header("access-control-allow-methods").unwrap().contains(method), "{path}");
            assert!(told.header("access-control-max-age").is_some());
            assert!(told.all("vary").join(",").contains("Access-Control-Request-Headers"));
        }
    }
}

#[test]
fn every_answer_of_every_route_can_be_read() {
    for path in ROUTES {
        for method in ["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS", "TRACE"] {
            for agent in [&*ANYBODY, &*BOB] {
                let told = agent.ask(method, path, &[ORIGIN, LD], "{");
                assert!(told.status < 500, "{method} {path}: {told:?}");
                is_marked(&told, &format!("{method} {path}"));
            }
        }
    }
    is_marked(&ANYBODY.ask("GET", "/alice/%2e%2e/x", &[ORIGIN], ""), "a bad name");
    is_marked(&ANYBODY.ask("GET", "/alice/", &[ORIGIN, ("authorization", "junk")], ""), "junk credentials");
    let long = "a".repeat(3_000);
    is_marked(&ANYBODY.ask("GET", &format!("/{long}"), &[ORIGIN], ""), "a long name");
}

#[test]
fn without_an_origin_anybody_may_read_but_not_with_cookies() {
    for path in ROUTES {
        let told = ANYBODY.get(path);
        assert_eq!(told.header("access-control-allow-origin"), Some("*"), "{path}");
        assert_eq!(told.header("access-control-allow-credentials"), None, "{path}");
    }
}

#[test]
fn plain_options_tell_what_a_name_takes_and_not_whether_it_is_there() {
    let told = |path: &str| {
        let told = ANYBODY.ask("OPTIONS", path, &[], "");
        assert_eq!((told.status, told.body.len()), (204, 0), "{path}");
        assert!(told.link("http://www.w3.org/ns/solid/terms#storageDescription").is_some());
        told.header("allow").unwrap().to_owned()
    };
    assert_eq!(told("/alice/profile/card"), told("/alice/profile/absent"));
    assert_eq!(told("/alice/profile/"), told("/alice/absent/"));
    assert!(!told("/alice/").contains("DELETE"));
}

//! Cross-origin requests, exactly: every answer of every kind can be read by the app that asked, and a preflight asks
//! nobody who that is.
//!
//! Spec: <https://solidproject.org/TR/protocol#cors>, <https://fetch.spec.whatwg.org/#http-cors-protocol>

use super::{
    facts::{Facts, Place},
    world::{Reply, public},
};

const ORIGIN: &str = "https://tester";
const METHODS: [&str; 7] = ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"];
const EXPOSED: [&str; 15] = [
    "Accept-Patch",
    "Accept-Post",
    "Accept-Put",
    "Allow",
    "Content-Range",
    "DPoP-Nonce",
    "ETag",
    "Last-Modified",
    "Link",
    "Location",
    "Preference-Applied",
    "Retry-After",
    "Updates-Via",
    "WAC-Allow",
    "WWW-Authenticate",
];
const TARGETS: [&str; 8] = ["doc", "absent", "", "sub/", ".acl", "doc.meta", "x.acl.acl", "/alice/"];

fn prepared(at: &Place) {
    at.rules(&public("acl:Read")).with(&[("doc", ""), ("sub/", "")]);
}

fn listed(told: &Reply, name: &str) -> Vec<String> {
    told.all(name).iter().flat_map(|value| value.split(',')).map(|one| one.trim().to_owned()).collect()
}

fn is_readable(told: &Reply) {
    assert_eq!(told.header("access-control-allow-origin"), Some(ORIGIN), "{told:?}");
    assert!(listed(told, "vary").iter().any(|name| name.eq_ignore_ascii_case("origin")), "{told:?}");
    let exposed = listed(told, "access-control-expose-headers");
    assert!(!exposed.contains(&"*".to_owned()), "{told:?}");
    for name in EXPOSED {
        assert!(exposed.iter().any(|one| one.eq_ignore_ascii_case(name)), "{name}: {told:?}");
    }
    assert_eq!(told.header("access-control-allow-credentials"), Some("true"));
    assert_eq!(told.header("set-cookie"), None);
}

#[test]
fn every_answer_can_be_read_by_the_app_that_asked() {
    let mut facts = Facts::of("CORS answers");
    for target in TARGETS {
        for method in METHODS {
            facts = facts.fact(format!("{method} of '{target}' by nobody can be read"), move |at| {
                prepared(at);
                let asked = at.anybody(&format!("{method} {target}")).header("origin", ORIGIN);
                let asked = if method.starts_with('P') { asked.turtle("") } else { asked };
                is_readable(&asked.send());
            });
        }
        facts = facts.fact(format!("GET of '{target}' by its owner can be read"), move |at| {
            prepared(at);
            let told = at.alice(&format!("GET {target}")).header("origin", ORIGIN).send();
            is_readable(&told);
            if told.status == 200 {
                assert!(told.header("access-control-allow-headers").is_some(), "{told:?}");
            }
        });
    }
    for (what, line, status) in [
        ("a bad name", "GET a%2fb", 400),
        ("a method that nobody knows", "TRACE doc", 405),
        ("what is not acceptable", "GET doc", 406),
        ("a broken document", "PUT doc", 400),
        ("a conflict", "PUT ", 409),
        ("a long name", "GET LONG", 414),
        ("a deletion", "DELETE doc", 204),
        ("a creation", "PUT new", 201),
        ("a root that stays", "DELETE /alice/", 405),
    ] {
        facts = facts.fact(format!("{what} can be read: {status}"), move |at| {
            prepared(at);
            let line = line.replace("LONG", &"a".repeat(3_000));
            let asked = at.alice(&line).header("origin", ORIGIN);
            let asked = match status {
                406 => asked.accept("image/png"),
                400 if line.starts_with("PUT") => asked.turtle("broken"),
                _ if line.starts_with("PUT") => asked.turtle(""),
                _ => asked,
            };
            is_readable(&asked.gives(status));
        });
    }
    facts.hold();
}

#[test]
fn preflights_are_answered_to_anybody() {
    let mut facts = Facts::of("preflights");
    for target in TARGETS {
        for method in METHODS {
            facts = facts.fact(format!("{method} of '{target}' may be sent"), move |at| {
                at.path();
                let told = at
                    .anybody(&format!("OPTIONS {target}"))
                    .header("origin", ORIGIN)
                    .header("access-control-request-method", method)
                    .header("access-control-request-headers", "X-CUSTOM, Content-Type")
                    .gives(204);
                is_readable(&told);
                assert!(listed(&told, "access-control-allow-methods").contains(&method.to_owned()), "{told:?}");
                assert_eq!(told.header("access-control-allow-headers"), Some("X-CUSTOM, Content-Type"));
                assert_eq!(told.header("access-control-max-age"), Some("7200"));
                assert!(listed(&told, "vary").iter().any(|name| name == "Access-Control-Request-Headers"));
            });
        }
    }
    for asked in ["authorization", "DPoP,authorization", "content-type, slug, link", "If-None-Match", "x-MiXed-Case"] {
        facts = facts.fact(format!("the names asked for are told as they were written: {asked}"), move |at| {
            let told = at
                .anybody("OPTIONS ")
                .header("origin", ORIGIN)
                .header("access-control-request-method", "GET")
                .header("access-control-request-headers", asked)
                .gives(204);
            assert_eq!(told.header("access-control-allow-headers"), Some(asked));
            assert!(!listed(&told, "access-control-allow-headers").iter().any(|name| name == "Accept"));
        });
    }
    facts
        .fact("no names are told where none are asked for", |at| {
            let asked = at.anybody("OPTIONS ").header("origin", ORIGIN).header("access-control-request-method", "GET");
            assert_eq!(asked.gives(204).header("access-control-allow-headers"), None);
        })
        .fact("Accept is told where it is asked for", |at| {
            let told = at
                .anybody("OPTIONS ")
                .header("origin", ORIGIN)
                .header("access-control-request-method", "GET")
                .header("access-control-request-headers", "Accept")
                .gives(204);
            assert_eq!(told.header("access-control-allow-headers"), Some("Accept"));
        })
        .fact("credentials in a preflight are not looked at", |at| {
            at.anybody("OPTIONS ")
                .header("origin", ORIGIN)
                .header("access-control-request-method", "GET")
                .header("authorization", "DPoP junk")
                .gives(204);
        })
        .fact("a preflight is the same whether something is there or not", |at| {
            at.with(&[("there", "")]);
            let told = |name: &str| {
                let asked = at.anybody(&format!("OPTIONS {name}")).header("origin", ORIGIN);
                let mut headers = asked.header("access-control-request-method", "PUT").gives(204).headers;
                headers.retain(|(name, _)| name != "date");
                format!("{headers:?}").replace(name, "*")
            };
            assert_eq!(told("there"), told("gone1"));
        })
        .hold();
}

#[test]
fn without_an_origin_anybody_may_read_without_credentials() {
    let mut facts = Facts::of("no origin");
    for target in TARGETS {
        for method in ["GET", "HEAD", "OPTIONS"] {
            facts = facts.fact(format!("{method} of '{target}'"), move |at| {
                prepared(at);
                let told = at.anybody(&format!("{method} {target}")).send();
                assert_eq!(told.header("access-control-allow-origin"), Some("*"));
                assert_eq!(told.header("access-control-allow-credentials"), None);
                let vary = listed(&told, "vary").join(" ").to_ascii_lowercase();
                for name in ["accept", "authorization", "origin"] {
                    assert!(vary.split(' ').any(|one| one == name), "{vary}");
                }
            });
        }
    }
    facts.hold();
}

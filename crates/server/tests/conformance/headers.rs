//! What every answer says of its resource: methods and what they take, links, dates.
//!
//! Spec: <https://solidproject.org/TR/protocol#server-allow-methods>,
//! <https://solidproject.org/TR/protocol#server-accept-headers>,
//! <https://solidproject.org/TR/protocol#server-storage-description>

use super::{
    facts::{Facts, Place},
    world::{ANYBODY, Reply, WORLD},
};

const DESCRIPTION: &str = "http://www.w3.org/ns/solid/terms#storageDescription";
const STORAGE: &str = "<http://www.w3.org/ns/pim/space#Storage>; rel=\"type\"";

/// A name, what it is, and the methods that it takes.
const TARGETS: &[(&str, &str, &str)] = &[
    ("x", "a document", "GET HEAD OPTIONS PUT PATCH DELETE"),
    ("x.png", "an image", "GET HEAD OPTIONS PUT PATCH DELETE"),
    ("", "a container", "GET HEAD OPTIONS PUT POST PATCH DELETE"),
    ("x.meta", "a description", "GET HEAD OPTIONS PUT PATCH DELETE"),
    (".acl", "an ACL", "GET HEAD OPTIONS PUT PATCH DELETE"),
    ("/alice/", "the root", "GET HEAD OPTIONS PUT POST PATCH"),
    ("/alice/.acl", "the root's ACL", "GET HEAD OPTIONS PUT PATCH"),
];

fn prepared(at: &Place) {
    at.rules("").with(&[("x", "<#a> <#b> 1 .")]);
    at.alice("PUT x.png").content("image/png", [1]).gives(201);
    at.alice("PUT x.meta").turtle("<x> <#says> 1 .").gives(201);
}

fn allows(told: &Reply) -> Vec<String> {
    let mut allows: Vec<_> = told.header("allow").expect("Allow").split(',').map(|one| one.trim().to_owned()).collect();
    allows.sort();
    allows
}

/// Each of the three is there exactly if its method is allowed.
fn agrees(told: &Reply) {
    let allows = allows(told);
    for (method, header) in [("PATCH", "accept-patch"), ("POST", "accept-post"), ("PUT", "accept-put")] {
        assert_eq!(told.header(header).is_some(), allows.iter().any(|one| one == method), "{header}: {told:?}");
    }
    if let Some(languages) = told.header("accept-patch") {
        assert!(languages.contains("text/n3") && languages.contains("application/sparql-update"));
    }
}

#[test]
fn answers_say_what_a_resource_takes_and_where_things_are() {
    let mut facts = Facts::of("headers");
    for (target, kind, methods) in TARGETS {
        let mut methods: Vec<_> = methods.split(' ').collect();
        methods.sort_unstable();
        for method in ["GET", "HEAD", "OPTIONS"] {
            let methods = methods.clone();
            facts = facts
                .fact(format!("{method} of {kind} says what it takes"), move |at| {
                    prepared(at);
                    let told = at.alice(&format!("{method} {target}")).gives_any(&[200, 204]);
                    assert_eq!(allows(&told), methods);
                    agrees(&told);
                })
                .fact(format!("{method} of {kind} leads to the description of its storage"), move |at| {
                    prepared(at);
                    let told = at.alice(&format!("{method} {target}")).gives_any(&[200, 204]);
                    assert_eq!(told.link(DESCRIPTION), Some(WORLD.url("/alice/.well-known/solid")));
                });
        }
        for method in ["GET", "HEAD", "PUT", "DELETE"] {
            facts = facts.fact(
                format!("a refused {method} of {kind} leads to the description of its storage"),
                move |at| {
                    prepared(at);
                    let told = at.anybody(&format!("{method} {target}")).turtle("").gives(401);
                    assert_eq!(told.link(DESCRIPTION), Some(WORLD.url("/alice/.well-known/solid")));
                    for link in told.all("link") {
                        assert!(link.starts_with('<') && !link.contains(','), "{link}");
                    }
                },
            );
        }
        facts = facts
            .fact(format!("links of {kind} stand one to a line"), move |at| {
                prepared(at);
                for link in at.alice(&format!("GET {target}")).gives(200).all("link") {
                    assert!(link.starts_with('<') && !link.contains(',') && link.contains(">; rel=\""), "{link}");
                }
            })
            .fact(format!("content of {kind} has a type"), move |at| {
                prepared(at);
                for method in ["GET", "HEAD"] {
                    assert!(at.alice(&format!("{method} {target}")).gives(200).header("content-type").is_some());
                }
            })
            .fact(format!("HEAD of {kind} is as its GET"), move |at| {
                prepared(at);
                let (get, head) =
                    (at.alice(&format!("GET {target}")).gives(200), at.alice(&format!("HEAD {target}")).gives(200));
                for name in
                    ["content-type", "allow", "accept-put", "accept-post", "accept-patch", "wac-allow", "accept-ranges"]
                {
                    assert_eq!(get.header(name), head.header(name), "{name}");
                }
                assert_eq!(get.all("link"), head.all("link"));
            });
    }
    for (name, kind) in [("absent", "an absent document"), ("absent/", "an absent container")] {
        facts = facts.fact(format!("OPTIONS of {kind} is as of one that is there"), move |at| {
            at.with(&[("there", ""), ("there2/", "")]);
            let there = if name.ends_with('/') { "there2/" } else { "there" };
            let (absent, there) =
                (at.anybody(&format!("OPTIONS {name}")).gives(204), at.anybody(&format!("OPTIONS {there}")).gives(204));
            assert_eq!(allows(&absent), allows(&there));
            agrees(&absent);
        });
    }
    for (line, method) in
        [("POST x", "POST"), ("DELETE /alice/", "DELETE"), ("DELETE /alice/.acl", "DELETE"), ("POST x.meta", "POST")]
    {
        facts = facts.fact(format!("{line} is 405 and says what is taken instead"), move |at| {
            prepared(at);
            let asked = at.alice(line);
            let told = if method == "POST" { asked.turtle("") } else { asked }.gives(405);
            assert!(!allows(&told).contains(&method.to_owned()));
            agrees(&told);
        });
    }
    for method in ["TRACE", "PROPFIND", "QUERY", "X"] {
        facts = facts.fact(format!("{method} is no method of a resource"), move |at| {
            prepared(at);
            let told = at.alice(&format!("{method} x")).gives_any(&[400, 405, 501]);
            assert!(told.header("allow").is_some());
        });
    }
    for (line, status) in [("PUT x", 204), ("PUT new", 201), ("PATCH x", 204), ("POST ", 201), ("DELETE x", 204)] {
        facts = facts.fact(format!("the {status} of {line} says what is taken"), move |at| {
            prepared(at);
            let asked = at.alice(line);
            let told = match line.split(' ').next() {
                Some("PATCH") => asked.patch("solid:inserts { <#x> <#y> 1 }"),
                Some("DELETE") => asked,
                _ => asked.turtle(""),
            };
            agrees(&told.gives(status));
        });
    }
    facts
        .fact("a part says what is taken", |at| {
            prepared(at);
            let told = at.alice("GET x").header("range", "bytes=0-1").gives(206);
            assert_eq!(allows(&told), ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "PUT"]);
        })
        .fact("what is current says what is taken and where things are", |at| {
            prepared(at);
            let told = at.alice("GET x").header("if-none-match", "*").gives(304);
            assert!(told.link("acl").is_some() && told.header("allow").is_some());
        })
        .fact("the root says that it is a storage", |at| {
            for line in ["GET /alice/", "HEAD /alice/"] {
                assert!(at.alice(line).gives(200).all("link").contains(&STORAGE));
            }
        })
        .fact("the root says so to those who may not read it", |at| {
            assert!(at.anybody("GET /alice/").gives(401).all("link").contains(&STORAGE));
        })
        .fact("nothing else says that it is a storage", |at| {
            prepared(at);
            for line in ["GET ", "GET x", "GET .acl"] {
                assert!(!at.alice(line).gives(200).all("link").contains(&STORAGE));
            }
        })
        .fact("the storage's description says what the root is", |_| {
            let told = ANYBODY.ask("GET", "/alice/.well-known/solid", &[("accept", "application/n-triples")], "");
            let says = format!(
                "<{}> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <http://www.w3.org/ns/pim/space#Storage> .",
                WORLD.url("/alice/")
            );
            assert!(told.text().contains(&says), "{}", told.text());
        })
        .fact("the storage's description is had in every form", |_| {
            for form in ["text/turtle", "application/ld+json", "application/n-triples"] {
                let told = ANYBODY.ask("GET", "/alice/.well-known/solid", &[("accept", form)], "");
                assert_eq!((told.status, told.header("content-type")), (200, Some(form)));
            }
        })
        .fact("the storage's description leads to itself", |_| {
            for method in ["GET", "HEAD", "OPTIONS"] {
                let told = ANYBODY.ask(method, "/alice/.well-known/solid", &[], "");
                assert_eq!(told.link(DESCRIPTION), Some(WORLD.url("/alice/.well-known/solid")), "{method}");
            }
        })
        .fact("the owner of the storage is not told", |at| {
            let told = at.alice("GET /alice/").gives(200);
            assert!(!told.all("link").iter().any(|link| link.contains("terms#owner")));
        })
        .fact("a document is an LDP resource", |at| {
            prepared(at);
            let told = at.alice("GET x").gives(200);
            assert!(told.all("link").contains(&"<http://www.w3.org/ns/ldp#Resource>; rel=\"type\""));
            assert!(!told.all("link").iter().any(|link| link.contains("Container")));
        })
        .fact("an answer to OPTIONS has no content", |at| {
            prepared(at);
            for line in ["OPTIONS x", "OPTIONS ", "OPTIONS .acl"] {
                assert!(at.anybody(line).gives(204).body.is_empty());
            }
        })
        .fact("what was made says where it is", |at| {
            assert_eq!(
                at.alice("POST ").header("slug", "y").turtle("").gives(201).header("location"),
                Some(&*at.url("y"))
            );
            let told = at.alice("PUT z").turtle("").gives(201);
            assert!(told.header("location").is_none_or(|location| location == at.url("z")));
        })
        .fact("what was replaced says nowhere", |at| {
            prepared(at);
            assert_eq!(at.alice("PUT x").turtle("").gives(204).header("location"), None);
        })
        .hold();
}

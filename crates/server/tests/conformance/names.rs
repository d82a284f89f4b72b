//! Names: what a Slug becomes, names with and without a slash, spellings of one name, and names that try to be
//! something else.
//!
//! Spec: <https://solidproject.org/TR/protocol#uri>, <https://solidproject.org/TR/protocol#server-post-uri-assignment>,
//! RFC 5023 §9.7

use super::facts::{Facts, Place};

const CONTAINER: &str = "<http://www.w3.org/ns/ldp#BasicContainer>; rel=\"type\"";

/// A Slug and the name that comes of it; none for one that the server chooses; or the status of a refusal.
const SLUGS: &[(&str, Result<Option<&str>, u16>)] = &[
    ("foobar", Ok(Some("foobar"))),
    ("foo-bar_1.2~3", Ok(Some("foo-bar_1.2~3"))),
    ("note.ttl", Ok(Some("note.ttl"))),
    ("foo bar", Ok(Some("foo%20bar"))),
    ("foo%20bar", Ok(Some("foo%20bar"))),
    ("caf%C3%A9", Ok(Some("caf%C3%A9"))),
    ("a+b", Ok(Some("a%2Bb"))),
    ("a:b", Ok(Some("a%3Ab"))),
    ("a,b", Ok(Some("a%2Cb"))),
    ("a;b=c", Ok(Some("a%3Bb%3Dc"))),
    ("a?b#c", Ok(Some("a%3Fb%23c"))),
    ("100%", Ok(Some("100%25"))),
    ("$.ttl", Ok(Some("%24.ttl"))),
    ("...", Ok(Some("..."))),
    (".hidden", Ok(Some(".hidden"))),
    ("acl", Ok(Some("acl"))),
    ("x.aclx", Ok(Some("x.aclx"))),
    ("X.ACL", Ok(Some("X.ACL"))),
    ("foo/", Ok(Some("foo"))),
    ("", Ok(None)),
    ("/", Ok(None)),
    ("a/b", Err(400)),
    ("a%2Fb", Err(400)),
    ("../x", Err(400)),
    ("..", Err(400)),
    ("%2e%2e", Err(400)),
    (".", Err(400)),
    ("a\\b", Err(400)),
    ("a%5Cb", Err(400)),
    ("a%00b", Err(400)),
    ("a%0Ab", Err(400)),
    ("a%7Fb", Err(400)),
    ("%FF", Err(400)),
    (".acl", Err(403)),
    ("x.acl", Err(403)),
    ("x%2Eacl", Err(403)),
    (".meta", Err(403)),
    ("x.meta", Err(403)),
    ("x.acl/", Err(403)),
];

#[test]
fn a_slug_is_a_wish() {
    let mut facts = Facts::of("slugs");
    for (slug, becomes) in SLUGS {
        for container in [false, true] {
            let kind = if container { "a container" } else { "a document" };
            facts = facts.fact(format!("{kind} wished to be '{slug}' becomes {becomes:?}"), move |at| {
                let asked = at.alice("POST ").header("slug", *slug).turtle("");
                let asked = if container { asked.header("link", CONTAINER) } else { asked };
                let slash = if container { "/" } else { "" };
                match becomes {
                    Ok(name) => {
                        let told = asked.gives(201);
                        let location = told.header("location").unwrap();
                        let made = location.strip_prefix(&at.url("")).expect("within the container");
                        if let Some(name) = name {
                            assert_eq!(made, format!("{name}{slash}"));
                        }
                        assert_eq!(at.members(""), [made]);
                        at.alice(&format!("GET {made}")).gives(200);
                    }
                    Err(status) => {
                        asked.gives(*status);
                        assert!(at.members("").is_empty());
                    }
                }
            });
        }
    }
    facts
        .fact("a taken wish yields and is still in the name", |at| {
            at.with(&[("foobar", "<#old> <#old> 1 .")]);
            let told = at.alice("POST ").header("slug", "foobar").turtle("").gives(201);
            let location = told.header("location").unwrap();
            assert!(location.contains("foobar") && location != at.url("foobar"), "{location}");
            assert_eq!(at.statements("foobar").len(), 1);
        })
        .fact("a wish whose twin stands yields", |at| {
            at.with(&[("foobar/", "")]);
            let told = at.alice("POST ").header("slug", "foobar").turtle("").gives(201);
            assert_ne!(told.header("location").unwrap(), at.url("foobar"));
        })
        .fact("a container's wish whose twin stands yields", |at| {
            at.with(&[("foobar", "")]);
            let told = at.alice("POST ").header("slug", "foobar").header("link", CONTAINER).turtle("").gives(201);
            assert_ne!(told.header("location").unwrap(), at.url("foobar/"));
        })
        .fact("without a wish the server chooses, each time anew", |at| {
            let make = || at.alice("POST ").turtle("").gives(201).header("location").unwrap().to_owned();
            assert_ne!(make(), make());
            assert_eq!(at.members("").len(), 2);
        })
        .fact("a wish that leaves no room for more is still granted once", |at| {
            let long = "x".repeat(250);
            at.alice("POST ").header("slug", long.clone()).turtle("").gives(201);
            at.alice("POST ").header("slug", long).turtle("").gives(201);
            assert_eq!(at.members("").len(), 2);
        })
        .fact("a wish that is too long is refused", |at| {
            at.alice("POST ").header("slug", "x".repeat(256)).turtle("").gives(400);
        })
        .fact("ten members wished at once are ten", |at| {
            at.path();
            std::thread::scope(|scope| {
                for _ in 0..10 {
                    scope.spawn(|| at.alice("POST ").header("slug", "same").turtle("").gives(201));
                }
            });
            assert_eq!(at.members("").len(), 10);
        })
        .fact("a link of another relation makes no container", |at| {
            let link = CONTAINER.replace("type", "up");
            let told = at.alice("POST ").header("link", link).turtle("").gives(201);
            assert!(!told.header("location").unwrap().ends_with('/'));
        })
        .fact("ldp:Container makes a container too", |at| {
            let link = "<http://www.w3.org/ns/ldp#Container>; rel=\"type\"";
            let told = at.alice("POST ").header("link", link).turtle("").gives(201);
            assert!(told.header("location").unwrap().ends_with('/'));
        })
        .fact("ldp:Resource makes a document", |at| {
            let link = "<http://www.w3.org/ns/ldp#Resource>; rel=\"type\"";
            let told = at.alice("POST ").header("link", link).turtle("").gives(201);
            assert!(!told.header("location").unwrap().ends_with('/'));
        })
        .hold();
}

#[test]
fn a_name_with_a_slash_and_one_without_are_never_both() {
    Facts::of("slashes")
        .fact("a document has no twin", |at| {
            at.with(&[("x", "")]);
            at.alice("PUT x/").turtle("").gives(409);
            assert_eq!(at.members(""), ["x"]);
        })
        .fact("a container has no twin", |at| {
            at.with(&[("x/", "")]);
            at.alice("PUT x").turtle("").gives(409);
            assert_eq!(at.members(""), ["x/"]);
        })
        .fact("no patch makes a twin of a container", |at| {
            at.with(&[("x/", "")]);
            at.alice("PATCH x").patch("solid:inserts { <#a> <#b> 1 }").gives(409);
            at.alice("PATCH x").sparql("INSERT DATA { <#a> <#b> 1 }").gives(409);
        })
        .fact("no patch makes a twin of a document", |at| {
            at.with(&[("x", "")]);
            at.alice("PATCH x/").patch("solid:inserts { <#a> <#b> 1 }").gives(409);
        })
        .fact("nothing is below a document", |at| {
            at.with(&[("x", "")]);
            at.alice("PUT x/y").turtle("").gives(409);
            at.alice("PUT x/y/z").turtle("").gives(409);
            at.alice("PATCH x/y").patch("solid:inserts { <#a> <#b> 1 }").gives(409);
            assert_eq!(at.members(""), ["x"]);
        })
        .fact("nothing is below an image", |at| {
            at.alice("PUT x").content("image/png", [1, 2, 3]).gives(201);
            at.alice("PUT x/y").turtle("").gives(409);
        })
        .fact("the absent twin of a container is missed", |at| {
            at.with(&[("x/", "")]);
            at.alice("GET x").gives(404);
        })
        .fact("the absent twin of a document is missed", |at| {
            at.with(&[("x", "")]);
            at.alice("GET x/").gives(404);
        })
        .fact("the absent twin is authorized before it is missed", |at| {
            at.with(&[("x/", "")]);
            at.anybody("GET x").gives(401);
            at.bob("GET x").gives(403);
        })
        .fact("a deleted document makes room for a container", |at| {
            at.with(&[("x", "")]);
            at.alice("DELETE x").gives(204);
            at.alice("PUT x/").turtle("").gives(201);
            assert_eq!(at.members(""), ["x/"]);
        })
        .fact("a deleted container makes room for a document", |at| {
            at.with(&[("x/", "")]);
            at.alice("DELETE x/").gives(204);
            at.alice("PUT x").turtle("").gives(201);
            assert_eq!(at.members(""), ["x"]);
        })
        .fact("a query is no part of a name", |at| {
            at.alice("PUT x?version=1").turtle("<#a> <#b> 1 .").gives(201);
            at.alice("GET x?version=2").gives(200);
            at.alice("PUT x?version=2").turtle("<#a> <#b> 2 .").gives(204);
            assert_eq!(at.members(""), ["x"]);
            assert_eq!(at.statements("x").len(), 1);
        })
        .fact("twins that are made at once end as one", |at| {
            at.path();
            let made = std::thread::scope(|scope| {
                let made: Vec<_> = (0..10)
                    .map(|n| {
                        let name = if n % 2 == 0 { "PUT x" } else { "PUT x/" };
                        scope.spawn(move || at.alice(name).turtle("").send().status)
                    })
                    .collect();
                made.into_iter().map(|one| one.join().unwrap()).filter(|status| *status == 201).count()
            });
            assert_eq!((made, at.members("").len()), (1, 1));
        })
        .hold();
}

/// A name in the container and the status of a PUT to it by its owner.
const TRICKS: &[(&str, &str, u16)] = &[
    ("the container above", "..", 400),
    ("a walk out of the container", "../x", 400),
    ("an encoded walk", "%2e%2e", 400),
    ("an encoded walk with more", "%2E%2E/x", 400),
    ("a half-encoded walk", ".%2e/x", 400),
    ("another half-encoded walk", "%2e./x", 400),
    ("the container itself by a dot", ".", 400),
    ("a dot on the way", "./x", 400),
    ("a walk on the way", "a/../x", 400),
    ("a dot in the middle", "a/./x", 400),
    ("an encoded dot in the middle", "a/%2e/x", 400),
    ("an empty segment", "a//b", 400),
    ("an empty segment at the start", "/x", 400),
    ("an encoded slash", "a%2fb", 400),
    ("an encoded slash in upper case", "a%2Fb", 400),
    ("an encoded slash alone", "%2f", 400),
    ("an encoded backslash", "a%5cb", 400),
    ("a backslash", "a\\b", 400),
    ("a walk by a backslash", "..%5c..%5cx", 400),
    ("NUL", "%00", 400),
    ("NUL before an ACL's suffix", "x%00.acl", 400),
    ("a line feed", "a%0ab", 400),
    ("a carriage return", "a%0db", 400),
    ("a tab", "a%09b", 400),
    ("DEL", "a%7f", 400),
    ("a control of the second page", "%C2%80", 400),
    ("a percent sign alone", "a%", 400),
    ("a percent sign with one digit", "%4", 400),
    ("a percent sign with no digits", "%zz", 400),
    ("the other percent escape", "a%u002e", 400),
    ("overlong UTF-8 of a dot", "%c0%ae", 400),
    ("overlong UTF-8 of a slash", "%c0%af", 400),
    ("a lone surrogate", "%ed%a0%80", 400),
    ("what is no UTF-8", "%ff", 400),
    ("a bar", "a|b", 400),
    ("a caret", "a^b", 400),
    ("braces", "{a}", 400),
    ("quotes", "\"a\"", 400),
    ("an ACL of an ACL", "x.acl.acl", 403),
    ("an ACL of the container's ACL", ".acl.acl", 403),
    ("a description of a description", "x.meta.meta", 403),
    ("an ACL of a description", "kept.meta.acl", 403),
    ("a description of an ACL", "kept.acl.meta", 403),
    ("a container named like an ACL", "x.acl/", 403),
    ("something in an ACL", "x.acl/y", 403),
    ("something in a description", "x.meta/y", 403),
    ("something in the container's ACL", ".acl/x", 403),
    ("an ACL of nothing", "absent.acl", 404),
    ("a description of nothing", "absent.meta", 404),
    ("a container without a name", "sub//", 400),
];

/// Names that are unusual, and no trick.
const HONEST: &[&str] = &[
    "a%20b",
    "%24",
    "a;b=c",
    "a:b",
    "a@b",
    "a!b",
    "a'b",
    "(a)",
    "a,b",
    "a+b",
    "a=b",
    "a&b",
    "~a",
    "...",
    "..a",
    "a..",
    "a.",
    "%C3%A9",
    "e%CC%81",
    "%E2%80%AE",
    "%F0%9F%94%94",
    "a%25b",
    "%252e%252e",
    "%2525",
    "a%3Fb",
    "a%23b",
    "a%5Bb%5D",
    "acl",
    "meta",
    ".ACL",
    ".well-known",
    "CON",
    "con.txt",
    "x$.ttl",
    "index.html",
    "aclx.",
];

#[test]
fn names_cannot_be_something_else() {
    let mut facts = Facts::of("tricks");
    for (what, trick, status) in TRICKS {
        facts = facts.fact(format!("{what} ({trick}): {status}"), move |at| {
            at.with(&[("kept", "")]);
            at.alice(&format!("PUT {}{trick}", at.path())).turtle("").gives(*status);
            at.alice(&format!("GET {}{trick}", at.path())).gives_any(&[400, 404]);
            at.alice(&format!("DELETE {}{trick}", at.path())).gives_any(&[400, 404]);
            assert_eq!(at.members(""), ["kept"]);
        });
    }
    for name in HONEST {
        facts = facts.fact(format!("an unusual name is one: {name}"), move |at| {
            at.alice(&format!("PUT {name}")).turtle("<#a> <#b> 1 .").gives(201);
            assert_eq!(at.members(""), [*name]);
            assert_eq!(
                at.statements(name),
                [format!("<{0}#a> <{0}#b> \"1\"^^<http://www.w3.org/2001/XMLSchema#integer> .", at.url(name))]
            );
            at.alice(&format!("DELETE {name}")).gives(204);
            assert!(at.members("").is_empty());
        });
    }
    for (spelled, name) in [
        ("%61-b", "a-b"),
        ("a%2db", "a-b"),
        ("%61%2D%62", "a-b"),
        ("%7Ea", "~a"),
        ("a%5fb", "a_b"),
        ("%c3%a9", "%C3%A9"),
        ("x%2ettl", "x.ttl"),
    ] {
        facts = facts.fact(format!("{spelled} is {name}"), move |at| {
            at.with(&[(name, "<#a> <#b> 1 .")]);
            at.alice(&format!("GET {spelled}")).gives(200);
            at.alice(&format!("PUT {spelled}")).turtle("").gives(204);
            assert_eq!(at.members(""), [name]);
        });
    }
    for (one, other) in
        [("a", "A"), ("%C3%A9", "e%CC%81"), ("a", "a."), ("a", "a%20"), ("a", "a;"), ("a%3Fb", "a%253Fb")]
    {
        facts = facts.fact(format!("{one} is not {other}"), move |at| {
            at.with(&[(one, "<#a> <#b> 1 .")]);
            at.alice(&format!("GET {other}")).gives(404);
            at.alice(&format!("PUT {other}")).turtle("").gives(201);
            assert_eq!((at.members("").len(), at.statements(one).len()), (2, 1));
        });
    }
    for acl in ["%2eacl", ".%61cl", ".ac%6c", "%2E%61%63%6C"] {
        facts = facts.fact(format!("{acl} is the ACL and nobody's who lacks Control"), move |at| {
            at.rules(&super::world::public("acl:Read, acl:Write"));
            at.anybody(&format!("GET {acl}")).gives(401);
            at.anybody(&format!("PUT {acl}")).turtle("").gives(401);
            at.alice(&format!("GET {acl}")).gives(200);
        });
    }
    facts
        .fact("a segment of 255 bytes is a name", |at| {
            at.alice(&format!("PUT {}", "a".repeat(255))).turtle("").gives(201);
        })
        .fact("a segment of 256 bytes is none", |at| {
            at.alice(&format!("PUT {}", "a".repeat(256))).turtle("").gives(400);
        })
        .fact("a segment is measured as it is kept", |at| {
            at.alice(&format!("PUT {}", "%C3%A9".repeat(43))).turtle("").gives(400);
            at.alice(&format!("PUT {}", "%C3%A9".repeat(42))).turtle("").gives(201);
        })
        .fact("a path of 4,096 bytes is too long", |at| {
            at.alice(&format!("PUT {}", "a/".repeat(2_048))).turtle("").gives(414);
        })
        .fact("a deep path within bounds is made, or refused as a whole", |at| {
            at.alice(&format!("PUT {}x", "a/".repeat(40))).turtle("").gives(201);
            at.alice(&format!("PUT {}x", "b/".repeat(400))).turtle("").gives_any(&[400, 403, 422]);
            assert_eq!(at.members(""), ["a/"]);
        })
        .fact("a name in no pod is in none", |_| {
            let at = Place::of("nowhere");
            at.alice("PUT /nobody/x").turtle("").gives_any(&[401, 403, 404]);
            at.alice("GET /nobody/x").gives_any(&[401, 403, 404]);
        })
        .fact("no name outside of alice's pod is alice's", |at| {
            at.alice("PUT /bob/x").turtle("").gives(403);
            at.alice("PUT /alicex").turtle("").gives_any(&[403, 404]);
        })
        .hold();
}

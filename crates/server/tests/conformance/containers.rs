//! Containers: what they list and say of their members, how they come and go.
//!
//! Spec: <https://solidproject.org/TR/protocol#resource-containment>,
//! <https://solidproject.org/TR/protocol#server-contained-resource-metadata>,
//! <https://solidproject.org/TR/protocol#deleting-resources>

use super::{
    facts::{Facts, Place, repeated},
    world::{Reply, WORLD},
};

const LDP: &str = "http://www.w3.org/ns/ldp#";
const TYPE: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type";
const INTEGER: &str = "http://www.w3.org/2001/XMLSchema#integer";
const DATE_TIME: &str = "http://www.w3.org/2001/XMLSchema#dateTime";

/// Whether a listing says that of a member.
fn says(at: &Place, member: &str, predicate: &str, object: &str) -> bool {
    at.statements("").contains(&format!("<{}> <{predicate}> {object} .", at.url(member)))
}

/// The object of a statement about a member.
fn value(at: &Place, member: &str, predicate: &str) -> String {
    let start = format!("<{}> <{predicate}> ", at.url(member));
    let lines = at.statements("");
    let line = lines.iter().find_map(|line| line.strip_prefix(&start)).expect("a statement");
    line.strip_suffix(" .").unwrap().to_owned()
}

#[test]
fn containers_list_what_is_in_them() {
    Facts::of("containment")
        .fact("a new container is empty", |at| assert!(at.members("").is_empty()))
        .fact("a document that is put is listed", |at| {
            at.alice("PUT x").turtle("").gives(201);
            assert_eq!(at.members(""), ["x"]);
        })
        .fact("a document that is posted is listed", |at| {
            let told = at.alice("POST ").turtle("").gives(201);
            assert_eq!([told.header("location").unwrap()], [at.url(&at.members("")[0])]);
        })
        .fact("a document that a patch makes is listed", |at| {
            at.alice("PATCH x").patch("solid:inserts { <#a> <#b> 1 }").gives(201);
            assert_eq!(at.members(""), ["x"]);
        })
        .fact("a document that an update makes is listed", |at| {
            at.alice("PATCH x.txt").sparql("INSERT DATA { <#a> <#b> 1 }").gives(201);
            assert_eq!(at.members(""), ["x.txt"]);
            assert_eq!(at.alice("GET x.txt").gives(200).header("content-type"), Some("text/turtle"));
        })
        .fact("an image is listed", |at| {
            at.alice("PUT x.png").content("image/png", [0, 1]).gives(201);
            assert_eq!(at.members(""), ["x.png"]);
        })
        .fact("a container is listed", |at| {
            at.alice("PUT x/").turtle("").gives(201);
            assert_eq!(at.members(""), ["x/"]);
        })
        .fact("a container needs no body", |at| {
            at.alice("PUT x/").gives(201);
            assert_eq!(at.members(""), ["x/"]);
        })
        .fact("a container with the usual Link is made", |at| {
            let link = format!("<{LDP}BasicContainer>; rel=\"type\"");
            at.alice("PUT x/").header("link", link).turtle("").gives(201);
            assert_eq!(at.members(""), ["x/"]);
        })
        .fact("members are listed, and not what is in them", |at| {
            at.with(&[("a/b/c", "")]);
            assert_eq!(at.members(""), ["a/"]);
            assert_eq!(at.members("a/"), ["b/"]);
            assert_eq!(at.members("a/b/"), ["c"]);
        })
        .fact("auxiliaries are not listed", |at| {
            at.rules("").with(&[("x", "")]);
            at.alice("PUT x.meta").turtle("<x> <#says> 1 .").gives(201);
            at.alice("PUT x.acl").turtle("").gives(201);
            at.alice("PUT .meta").turtle("<./> <#says> 1 .").gives(201);
            assert_eq!(at.members(""), ["x"]);
            assert!(!at.statements("").join("\n").contains(".acl>"));
        })
        .fact("what is deleted is listed no longer", |at| {
            at.with(&[("x", ""), ("y", "")]);
            at.alice("DELETE x").gives(204);
            assert_eq!(at.members(""), ["y"]);
        })
        .fact("a hundred members are all listed", |at| {
            std::thread::scope(|scope| {
                for n in 0..4 {
                    scope.spawn(move || (0..25).for_each(|m| _ = at.with(&[(&format!("m{n}-{m}"), "")])));
                }
            });
            assert_eq!(at.members("").len(), 100);
        })
        .fact("a container says that it is one", |at| {
            for class in ["Resource", "Container", "BasicContainer"] {
                assert!(says(at, "", TYPE, &format!("<{LDP}{class}>")), "{class}");
            }
        })
        .fact("its links say that too", |at| {
            let told = at.alice("HEAD ").gives(200);
            for class in ["Resource", "Container", "BasicContainer"] {
                assert!(told.all("link").contains(&&*format!("<{LDP}{class}>; rel=\"type\"")), "{told:?}");
            }
        })
        .fact("its own statements are kept and shown", |at| {
            at.alice("PUT x/").turtle("<> <http://purl.org/dc/terms/title> \"A title\" .").gives(201);
            assert!(at.statements("x/").join("").contains("\"A title\""));
            assert!(at.statements("x/.meta").join("").contains("\"A title\""));
        })
        .fact("its description is shown with it", |at| {
            at.alice("PUT .meta").turtle("<./> <http://purl.org/dc/terms/title> \"A title\" .").gives(201);
            assert!(at.statements("").join("").contains("\"A title\""));
        })
        .fact("a minimal container has no members", |at| {
            at.with(&[("x", "")]);
            let prefer = "return=representation; include=\"http://www.w3.org/ns/ldp#PreferMinimalContainer\"";
            let told = at.alice("GET ").header("prefer", prefer).gives(200);
            assert!(told.header("preference-applied").is_some() && !told.text().contains("contains"));
        })
        .fact("a POST of a container posts one", |at| {
            let link = format!("<{LDP}BasicContainer>; rel=\"type\"");
            let told = at.alice("POST ").header("link", link).turtle("<> <#title> \"t\" .").gives(201);
            let name = told.header("location").unwrap().strip_prefix(&at.url("")).unwrap().to_owned();
            assert!(name.ends_with('/') && at.statements(&name).join("").contains("\"t\""));
        })
        .fact("a listing is had as JSON-LD", |at| {
            at.with(&[("x", "")]);
            let told = at.alice("GET ").accept("application/ld+json").gives(200);
            assert!(told.json().to_string().contains(&at.url("x")));
        })
        .fact("a HEAD of a container is that of its GET", |at| {
            at.with(&[("x", "")]);
            let (head, get) = (at.alice("HEAD ").gives(200), at.alice("GET ").gives(200));
            for name in ["etag", "last-modified", "content-type", "allow", "wac-allow"] {
                assert_eq!(head.header(name), get.header(name), "{name}");
            }
        })
        .hold();
}

#[test]
fn missing_containers_are_made_on_the_way() {
    let mut facts = Facts::of("intermediate containers");
    for depth in 1..=4 {
        for (how, line) in [("PUT", "PUT"), ("N3 patch", "PATCH n3"), ("update", "PATCH sparql")] {
            facts = facts.fact(format!("{how} makes {depth} containers on the way"), move |at| {
                let path = repeated(depth, |n| format!("c{n}/"));
                let asked = at.alice(&format!("{} {path}x.txt", line.split(' ').next().unwrap()));
                let asked = match line {
                    "PUT" => asked.content("text/plain", "text"),
                    "PATCH n3" => asked.patch("solid:inserts { <#a> <#b> 1 }"),
                    _ => asked.sparql("INSERT DATA { <#a> <#b> 1 }"),
                };
                asked.gives(201);
                let mut above = String::new();
                for n in 0..depth {
                    assert_eq!(at.members(&above), [format!("c{n}/")]);
                    above = repeated(n + 1, |n| format!("c{n}/"));
                }
                assert_eq!(at.members(&above), ["x.txt"]);
            });
        }
    }
    facts
        .fact("a container is made with those above it", |at| {
            at.alice("PUT a/b/").turtle("").gives(201);
            assert_eq!((at.members(""), at.members("a/")), (vec!["a/".to_owned()], vec!["b/".to_owned()]));
        })
        .fact("POST makes no container on the way", |at| {
            at.alice("POST absent/").turtle("").gives(404);
            assert!(at.members("").is_empty());
        })
        .fact("POST to an absent document is missed", |at| {
            drop(at.alice("POST absent").turtle("").gives_any(&[404, 405]));
        })
        .fact("a refused write makes nothing on the way", |at| {
            at.alice("PUT a/b/x").turtle("broken").gives(400);
            at.alice("PUT a/b/x").header("if-match", "*").turtle("").gives(412);
            at.alice("PATCH a/b/x").patch("solid:deletes { <#a> <#b> 1 }").gives(409);
            at.alice("PATCH a/b/x").patch("solid:where { <#a> <#b> ?c }; solid:inserts { <#a> <#b> ?c }").gives(409);
            assert!(at.members("").is_empty());
        })
        .fact("siblings that are made at once share what is made on the way", |at| {
            at.path();
            std::thread::scope(|scope| {
                for n in 0..10 {
                    scope.spawn(move || at.alice(&format!("PUT a/b/x{n}")).turtle("").gives(201));
                }
            });
            assert_eq!((at.members("").len(), at.members("a/b/").len()), (1, 10));
        })
        .hold();
}

#[test]
fn listings_tell_about_members() {
    const MEDIA: &str = "http://www.w3.org/ns/iana/media-types/";
    let mut facts = Facts::of("metadata");
    for (media_type, class) in [
        ("text/turtle", "text/turtle"),
        ("application/ld+json", "application/ld+json"),
        ("text/plain", "text/plain"),
        ("text/plain; charset=utf-8", "text/plain"),
        ("image/png", "image/png"),
        ("application/octet-stream", "application/octet-stream"),
        ("IMAGE/PNG", "image/png"),
        ("application/vnd.api+json", "application/vnd.api+json"),
    ] {
        facts = facts.fact(format!("a member of type {media_type} has the class of {class}"), move |at| {
            at.alice("PUT x").content(media_type, if class.ends_with("json") { "{}" } else { "" }).gives(201);
            assert!(says(at, "x", TYPE, &format!("<{MEDIA}{class}#Resource>")), "{:?}", at.statements(""));
        });
    }
    for size in [0, 1, 1_000, 70_000] {
        facts = facts.fact(format!("a member of {size} bytes has that stat:size"), move |at| {
            at.alice("PUT x").content("text/plain", "x".repeat(size)).gives(201);
            let told = value(at, "x", "http://www.w3.org/ns/posix/stat#size");
            assert_eq!(told, format!("\"{size}\"^^<{INTEGER}>"));
        });
    }
    facts
        .fact("a member's dcterms:modified is its Last-Modified", |at| {
            at.with(&[("x", "")]);
            let told = value(at, "x", "http://purl.org/dc/terms/modified");
            let date = told.strip_suffix(&format!("^^<{DATE_TIME}>")).unwrap().trim_matches('"').to_owned();
            let header = at.alice("HEAD x").gives(200).header("last-modified").unwrap().to_owned();
            assert_eq!(http_date(&date), header);
        })
        .fact("a member's stat:mtime is the same instant", |at| {
            at.with(&[("x", "")]);
            let told = value(at, "x", "http://www.w3.org/ns/posix/stat#mtime");
            let seconds: i64 = told.strip_suffix(&format!("^^<{INTEGER}>")).unwrap().trim_matches('"').parse().unwrap();
            let date = value(at, "x", "http://purl.org/dc/terms/modified");
            let date: jiff::Timestamp = date.trim_matches('"').split('"').next().unwrap().parse().unwrap();
            assert_eq!(date.as_second(), seconds);
        })
        .fact("the container's dcterms:modified is its Last-Modified", |at| {
            at.with(&[("x", "")]);
            let told = value(at, "", "http://purl.org/dc/terms/modified");
            let date = told.trim_matches('"').split('"').next().unwrap().to_owned();
            let header = at.alice("HEAD ").gives(200).header("last-modified").unwrap().to_owned();
            assert_eq!(http_date(&date), header);
        })
        .fact("a document that is RDF has the class of ldp:Resource", |at| {
            at.with(&[("x", "")]);
            assert!(says(at, "x", TYPE, &format!("<{LDP}Resource>")));
        })
        .fact("a member that is a container has its classes", |at| {
            at.with(&[("x/", "")]);
            assert!(says(at, "x/", TYPE, &format!("<{LDP}Container>")));
            assert!(says(at, "x/", TYPE, &format!("<{LDP}BasicContainer>")));
        })
        .fact("a member's size follows its content", |at| {
            at.alice("PUT x").content("text/plain", "four").gives(201);
            at.alice("PUT x").content("text/plain", "sixsix").gives(204);
            assert_eq!(value(at, "x", "http://www.w3.org/ns/posix/stat#size"), format!("\"6\"^^<{INTEGER}>"));
        })
        .fact("a container's tag changes when a member comes, changes and goes", |at| {
            let tag = || at.alice("HEAD ").gives(200).header("etag").unwrap().to_owned();
            let mut tags = vec![tag()];
            at.with(&[("x", "")]);
            tags.push(tag());
            at.with(&[("x", "<#a> <#b> 1 .")]);
            tags.push(tag());
            at.alice("DELETE x").gives(204);
            tags.push(tag());
            let all: std::collections::HashSet<_> = tags.iter().collect();
            assert_eq!(all.len(), 4, "{tags:?}");
        })
        .fact("a container's tag stays while nothing happens", |at| {
            let tag = || at.alice("HEAD ").gives(200).header("etag").unwrap().to_owned();
            let before = tag();
            at.alice("PUT x").turtle("broken").gives(400);
            at.bob("PUT x").turtle("").gives(403);
            assert_eq!(tag(), before);
        })
        .hold();
}

fn http_date(date: &str) -> String {
    let date: jiff::Timestamp = date.parse().unwrap();
    date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[test]
fn what_is_deleted_is_gone_with_what_belongs_to_it() {
    const GONE: [u16; 2] = [404, 410];
    Facts::of("deletion")
        .fact("a document is deleted", |at| {
            at.with(&[("x", "")]);
            at.alice("DELETE x").gives(204);
            at.alice("GET x").gives_any(&GONE);
            at.alice("HEAD x").gives_any(&GONE);
        })
        .fact("an image is deleted", |at| {
            at.alice("PUT x").content("image/png", [1]).gives(201);
            at.alice("DELETE x").gives(204);
            at.alice("GET x").gives_any(&GONE);
        })
        .fact("an empty container is deleted", |at| {
            at.with(&[("x/", "")]);
            at.alice("DELETE x/").gives(204);
            at.alice("GET x/").gives_any(&GONE);
            assert!(at.members("").is_empty());
        })
        .fact("a full container is not, and says why", |at| {
            at.with(&[("x/y", "")]);
            let told = at.alice("DELETE x/").gives(409);
            assert!(told.json()["detail"].as_str().unwrap().contains("empty"));
            at.alice("GET x/y").gives(200);
        })
        .fact("a container with a container in it is full", |at| {
            at.with(&[("x/y/", "")]);
            at.alice("DELETE x/").gives(409);
        })
        .fact("auxiliaries do not make a container full", |at| {
            at.with(&[("x/", "")]);
            at.alice("PUT x/.meta").turtle("<./> <#title> 1 .").gives(201);
            let rules = at.statements("/alice/.acl").join("\n");
            let (root, own) = (at.url("/alice/"), at.url("x/"));
            at.alice("PUT x/.acl").turtle(&rules.replace(&format!("<{root}>"), &format!("<{own}>"))).gives(201);
            at.alice("DELETE x/").gives(204);
        })
        .fact("a container that was emptied is deleted", |at| {
            at.with(&[("x/y", "")]);
            at.alice("DELETE x/y").gives(204);
            at.alice("DELETE x/").gives(204);
        })
        .fact("the ACL of a document goes with it", |at| {
            at.with(&[("x", "")]);
            at.alice("PUT x.acl").turtle(&everything(at, "x")).gives(201);
            at.alice("DELETE x").gives(204);
            at.alice("GET x.acl").gives(404);
            at.with(&[("x", "")]);
            at.alice("GET x.acl").gives(404);
        })
        .fact("the description of a document goes with it", |at| {
            at.with(&[("x", "")]);
            at.alice("PUT x.meta").turtle("<x> <#says> 1 .").gives(201);
            at.alice("DELETE x").gives(204);
            at.alice("GET x.meta").gives(404);
            at.with(&[("x", "")]);
            assert!(at.statements("x.meta").is_empty());
        })
        .fact("the description of a container goes with it", |at| {
            at.alice("PUT x/").turtle("<> <#title> \"t\" .").gives(201);
            at.alice("DELETE x/").gives(204);
            at.with(&[("x/", "")]);
            assert!(!at.statements("x/").join("").contains("\"t\""));
        })
        .fact("the root stays", |at| {
            let told = at.alice("DELETE /alice/").gives(405);
            assert!(!told.header("allow").unwrap().contains("DELETE"));
            assert_eq!(
                told.json()["requirement"],
                "https://solidproject.org/TR/protocol#server-delete-protect-root-container"
            );
        })
        .fact("the root stays to strangers too", |at| {
            at.bob("DELETE /alice/").gives(403);
            at.anybody("DELETE /alice/").gives(401);
        })
        .fact("what is absent is missed", |at| {
            at.alice("DELETE x").gives(404);
            at.alice("DELETE x/").gives(404);
        })
        .fact("what is deleted twice is missed the second time", |at| {
            at.with(&[("x", "")]);
            at.alice("DELETE x").gives(204);
            at.alice("DELETE x").gives(404);
        })
        .fact("what was deleted may be made again and is new", |at| {
            at.with(&[("x", "<#a> <#b> 1 .")]);
            let before = tag(&at.alice("GET x").gives(200));
            at.alice("DELETE x").gives(204);
            at.alice("PUT x").turtle("<#a> <#b> 1 .").gives(201);
            assert_ne!(tag(&at.alice("GET x").gives(200)), before);
        })
        .fact("a container is not deleted by the name of its twin", |at| {
            at.with(&[("x/", "")]);
            at.alice("DELETE x").gives(404);
            assert_eq!(at.members(""), ["x/"]);
        })
        .fact("of ten deletions at once one deletes", |at| {
            at.with(&[("x", "")]);
            let done = std::thread::scope(|scope| {
                let all: Vec<_> =
                    (0..10).map(|_| scope.spawn(|| at.alice("DELETE x").gives_any(&[204, 404]).status)).collect();
                all.into_iter().map(|one| one.join().unwrap()).filter(|status| *status == 204).count()
            });
            assert_eq!(done, 1);
        })
        .fact("a member that comes while its container goes is not lost", |at| {
            for _ in 0..5 {
                at.with(&[("x/", "")]);
                let (member, container) = std::thread::scope(|scope| {
                    let member = scope
                        .spawn(|| at.alice("POST x/").header("slug", "m").turtle("").gives_any(&[201, 404]).status);
                    let container = scope.spawn(|| at.alice("DELETE x/").gives_any(&[204, 409]).status);
                    (member.join().unwrap(), container.join().unwrap())
                });
                assert_eq!(member == 201, container == 409, "{member} {container}");
                if member == 201 {
                    at.alice("DELETE x/m").gives(204);
                    at.alice("DELETE x/").gives(204);
                }
            }
        })
        .hold();
}

fn tag(told: &Reply) -> String {
    told.header("etag").unwrap().to_owned()
}

/// An ACL that gives alice everything.
fn everything(at: &Place, name: &str) -> String {
    format!(
        "@prefix acl: <http://www.w3.org/ns/auth/acl#>. <#o> a acl:Authorization; acl:agent <{}>; acl:accessTo <{}>; \
         acl:mode acl:Read, acl:Write, acl:Control .",
        WORLD.webid("ALICE"),
        at.url(name)
    )
}

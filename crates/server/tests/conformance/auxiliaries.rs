//! Auxiliary resources: at most one of a kind for a subject, ruled by it, gone with it, and none of their own.
//!
//! Spec: <https://solidproject.org/TR/protocol#auxiliary-resources>

use super::{
    facts::Facts,
    world::{WORLD, for_bob, public},
};

const SAYS: &str = "<x> <http://purl.org/dc/terms/title> \"t\" .";

#[test]
fn auxiliaries_belong_to_their_subjects() {
    let mut facts = Facts::of("auxiliaries");
    for (subject, kind) in [("x", "a document"), ("sub/", "a container"), ("x.png", "an image")] {
        for (rel, suffix) in [("acl", ".acl"), ("describedby", ".meta")] {
            for method in ["GET", "HEAD", "OPTIONS"] {
                facts = facts.fact(format!("{method} of {kind} leads to one {rel}"), move |at| {
                    at.with(&[("x", ""), ("sub/", "")]);
                    at.alice("PUT x.png").content("image/png", [1]).gives(201);
                    let told = at.alice(&format!("{method} {subject}")).gives_any(&[200, 204]);
                    let end = format!(">; rel=\"{rel}\"");
                    let links: Vec<_> = told.all("link").into_iter().filter(|link| link.ends_with(&end)).collect();
                    assert_eq!(links, [format!("<{}{suffix}{end}", at.url(subject))]);
                });
            }
        }
        facts = facts
            .fact(format!("the description of {kind} was never written and is empty"), move |at| {
                at.with(&[("x", ""), ("sub/", "")]);
                at.alice("PUT x.png").content("image/png", [1]).gives(201);
                assert!(at.statements(&format!("{subject}.meta")).is_empty());
            })
            .fact(format!("the description of {kind} is put, patched and deleted"), move |at| {
                at.with(&[("x", ""), ("sub/", "")]);
                at.alice("PUT x.png").content("image/png", [1]).gives(201);
                let meta = format!("{subject}.meta");
                at.alice(&format!("PUT {meta}")).turtle(SAYS).gives(201);
                at.alice(&format!("PUT {meta}")).turtle(SAYS).gives(204);
                at.alice(&format!("PATCH {meta}")).patch("solid:inserts { <x> <#more> 1 }").gives(204);
                assert_eq!(at.statements(&meta).len(), 2);
                at.alice(&format!("DELETE {meta}")).gives(204);
                assert!(at.statements(&meta).is_empty());
            })
            .fact(format!("a description leads back to {kind}"), move |at| {
                at.with(&[("x", ""), ("sub/", "")]);
                at.alice("PUT x.png").content("image/png", [1]).gives(201);
                let told = at.alice(&format!("GET {subject}.meta")).gives(200);
                assert_eq!(told.link("describes"), Some(at.url(subject)));
                assert_eq!(told.link("acl"), Some(at.url(&format!("{subject}.acl"))));
            });
    }
    for status in [401, 403, 404] {
        facts = facts.fact(format!("a {status} leads to the auxiliaries too"), move |at| {
            at.with(&[("x", "")]);
            let told = match status {
                401 => at.anybody("GET x").gives(401),
                403 => at.bob("GET x").gives(403),
                _ => at.alice("GET y").gives(404),
            };
            assert!(told.link("acl").is_some() && told.link("describedby").is_some(), "{told:?}");
        });
    }
    for (line, status) in [("PUT x", 201), ("POST ", 201), ("PATCH x", 201), ("PUT y", 204)] {
        facts = facts.fact(format!("the {status} of {line} leads to the auxiliaries of what was written"), move |at| {
            at.with(&[("y", "")]);
            let asked = at.alice(line);
            let told =
                if line.starts_with("PATCH") { asked.patch("solid:inserts { <#a> <#b> 1 }") } else { asked.turtle("") };
            let told = told.gives(status);
            let made = told.header("location").map_or_else(|| at.url("y"), str::to_owned);
            assert_eq!(told.link("acl"), Some(format!("{made}.acl")));
            assert_eq!(told.link("describedby"), Some(format!("{made}.meta")));
        });
    }
    facts
        .fact("an ACL leads to no ACL", |at| {
            at.rules("");
            let told = at.alice("GET .acl").gives(200);
            assert_eq!((told.link("acl"), told.link("describedby")), (None, None));
        })
        .fact("a description leads to no description", |at| {
            assert_eq!(at.alice("GET .meta").gives(200).link("describedby"), None);
        })
        .fact("nothing absent is described", |at| {
            at.alice("GET absent.meta").gives(404);
            at.alice("PUT absent.meta").turtle("").gives(404);
            at.alice("PATCH absent.meta").patch("solid:inserts { <#a> <#b> 1 }").gives(404);
            at.alice("DELETE absent.meta").gives(404);
            assert!(at.members("").is_empty());
        })
        .fact("nothing absent has rules", |at| {
            at.alice("PATCH absent.acl").patch("solid:inserts { <#a> <#b> 1 }").gives(404);
            at.alice("DELETE absent.acl").gives(404);
            assert!(at.members("").is_empty());
        })
        .fact("an auxiliary is RDF", |at| {
            at.with(&[("x", "")]);
            for name in ["x.meta", "x.acl", ".meta"] {
                at.alice(&format!("PUT {name}")).content("text/plain", "text").gives(415);
                at.alice(&format!("PUT {name}")).content("image/png", [1]).gives(415);
                at.alice(&format!("PUT {name}")).turtle("<#a> broken").gives(400);
            }
        })
        .fact("an auxiliary may be written as JSON-LD", |at| {
            at.with(&[("x", "")]);
            at.alice("PUT x.meta").json_ld("{\"@id\":\"x\",\"http://x/says\":1}").gives(201);
            assert_eq!(at.statements("x.meta").len(), 1);
        })
        .fact("auxiliaries have none of their own", |at| {
            at.with(&[("x", "")]);
            for name in ["x.acl.acl", "x.meta.meta", "x.meta.acl", "x.acl.meta", ".acl.acl", ".meta.acl"] {
                at.alice(&format!("GET {name}")).gives(404);
                at.alice(&format!("PUT {name}")).turtle("").gives(403);
                at.alice(&format!("PATCH {name}")).patch("solid:inserts { <#a> <#b> 1 }").gives(403);
                at.alice(&format!("DELETE {name}")).gives(404);
            }
            assert_eq!(at.members(""), ["x"]);
        })
        .fact("no POST makes an auxiliary", |at| {
            for slug in ["x.acl", "x.meta", ".acl", ".meta"] {
                at.alice("POST ").header("slug", slug).turtle("").gives(403);
            }
            assert!(at.members("").is_empty());
        })
        .fact("an auxiliary takes no POST", |at| {
            at.rules("");
            at.alice("POST .acl").turtle("").gives(405);
            at.alice("POST .meta").turtle("").gives(405);
        })
        .fact("whoever may read the subject reads its description", |at| {
            at.with(&[("x", "")]).rules(&for_bob("acl:Read"));
            at.bob("GET x.meta").gives(200);
            at.bob("PUT x.meta").turtle("").gives(403);
            at.bob("PATCH x.meta").patch("solid:inserts { <#a> <#b> 1 }").gives(403);
            at.bob("DELETE x.meta").gives(403);
            at.anybody("GET x.meta").gives(401);
        })
        .fact("whoever may append to the subject appends to its description", |at| {
            at.with(&[("x", "")]).rules(&for_bob("acl:Append"));
            at.bob("PATCH x.meta").patch("solid:inserts { <#a> <#b> 1 }").gives(201);
            at.bob("GET x.meta").gives(403);
            at.bob("PUT x.meta").turtle("").gives(403);
        })
        .fact("whoever may write the subject writes its description", |at| {
            at.with(&[("x", "")]).rules(&for_bob("acl:Write"));
            at.bob("PUT x.meta").turtle("").gives(201);
            at.bob("DELETE x.meta").gives(204);
            at.bob("GET x.meta").gives(403);
        })
        .fact("whoever only controls the subject has no part in its description", |at| {
            at.with(&[("x", "")]).rules(&for_bob("acl:Control"));
            at.bob("GET x.meta").gives(403);
            at.bob("PUT x.meta").turtle("").gives(403);
        })
        .fact("what the public may read it may read about", |at| {
            at.with(&[("x", "")]).rules(&public("acl:Read"));
            at.anybody("GET x.meta").gives(200);
            at.anybody("GET x.acl").gives(401);
        })
        .fact("a description that is too large is refused", |at| {
            at.with(&[("x", "")]);
            at.alice("PUT x.meta").turtle(&format!("<x> <#says> \"{}\" .", "x".repeat(70_000))).gives(413);
        })
        .fact("a change of the description leaves the subject as it is", |at| {
            at.with(&[("x", "<#a> <#b> 1 .")]);
            at.alice("PUT x.meta").turtle(SAYS).gives(201);
            assert_eq!(at.statements("x").len(), 1);
        })
        .fact("a description is replaced only as it was seen", |at| {
            at.with(&[("x", "")]);
            at.alice("PUT x.meta").header("if-none-match", "*").turtle(SAYS).gives(201);
            at.alice("PUT x.meta").header("if-none-match", "*").turtle(SAYS).gives(412);
            at.alice("PUT x.meta").header("if-match", "\"x\"").turtle(SAYS).gives(412);
        })
        .fact("the description of the root is written too", |at| {
            let says = format!("{{ <{}> <#conformance> 1 }}", WORLD.url("/alice/"));
            at.alice("PATCH /alice/.meta").patch(&format!("solid:inserts {says}")).gives_any(&[201, 204]);
            at.alice("PATCH /alice/.meta").patch(&format!("solid:deletes {says}")).gives(204);
        })
        .hold();
}

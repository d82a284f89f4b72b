//! ACL resources: what becomes of them, who keeps them, and how soon a change of rules is felt.
//!
//! Spec: <https://solidproject.org/TR/wac#acl-resources>, <https://solid.github.io/web-access-control-spec/> (conditions)

use super::{
    facts::{Ask, Facts, Place},
    rules::{PREFIXES, acl, told},
    world::{WORLD, for_bob, public},
};

#[test]
fn rules_change_at_once_and_everywhere() {
    Facts::of("changing rules")
        .fact("the rules of a document replace those of its container", |at| {
            at.rules(&for_bob("acl:Read")).with(&[("doc", "")]);
            own(at, "doc", "acl:accessTo", "").gives(201);
            at.bob("GET doc").gives(403);
            at.bob("GET ").gives(200);
        })
        .fact("levels are never merged", |at| {
            at.rules(&for_bob("acl:Read")).with(&[("sub/doc", "")]);
            own(at, "sub/", "acl:default", &for_bob("acl:Append")).gives(201);
            at.bob("GET sub/doc").gives(403);
            at.bob("PATCH sub/doc").patch("solid:inserts { <#a> <#b> 1 }").gives(204);
        })
        .fact("a nearer ACL without default hides the farther one", |at| {
            at.rules(&for_bob("acl:Read")).with(&[("sub/doc", "")]);
            own(at, "sub/", "acl:accessTo", &for_bob("acl:Read")).gives(201);
            at.bob("GET sub/").gives(200);
            at.bob("GET sub/doc").gives(403);
        })
        .fact("deleting the own ACL brings the inherited one back", |at| {
            at.rules(&for_bob("acl:Read")).with(&[("doc", "")]);
            own(at, "doc", "acl:accessTo", "").gives(201);
            at.bob("GET doc").gives(403);
            at.alice("DELETE doc.acl").gives(204);
            at.bob("GET doc").gives(200);
        })
        .fact("a change far above is felt far below at once", |at| {
            at.with(&[("a/b/c/doc", "")]).rules(&for_bob("acl:Read"));
            at.bob("GET a/b/c/doc").gives(200);
            at.rules("");
            at.bob("GET a/b/c/doc").gives(403);
            at.rules(&for_bob("acl:Read"));
            at.bob("GET a/b/c/doc").gives(200);
        })
        .fact("an ACL that appears between is felt below at once", |at| {
            at.with(&[("a/b/doc", "")]).rules(&for_bob("acl:Read"));
            at.bob("GET a/b/doc").gives(200);
            own(at, "a/", "acl:default", "").gives(201);
            at.bob("GET a/b/doc").gives(403);
            at.alice("DELETE a/.acl").gives(204);
            at.bob("GET a/b/doc").gives(200);
        })
        .fact("whoever leaves a group loses at once what it granted", |at| {
            let member = format!("<#g> <http://www.w3.org/2006/vcard/ns#hasMember> <{}> .", WORLD.webid("BOB"));
            at.with(&[("group", &member), ("doc", "")]);
            at.rules(&format!("acl:agentGroup <{}#g>; acl:mode acl:Read", at.url("group")));
            at.bob("GET doc").gives(200);
            at.alice("PUT group").turtle("").gives(204);
            at.bob("GET doc").gives(403);
        })
        .fact("whoever joins a group by a patch gains at once", |at| {
            at.with(&[("group", "<#g> a <#Group> ."), ("doc", "")]);
            at.rules(&format!("acl:agentGroup <{}#g>; acl:mode acl:Read", at.url("group")));
            at.bob("GET doc").gives(403);
            let member = format!("<#g> <http://www.w3.org/2006/vcard/ns#hasMember> <{}> .", WORLD.webid("BOB"));
            at.alice("PATCH group").patch(&format!("solid:inserts {{ {member} }}")).gives(204);
            at.bob("GET doc").gives(200);
        })
        .fact("a group that is deleted names nobody", |at| {
            let member = format!("<#g> <http://www.w3.org/2006/vcard/ns#hasMember> <{}> .", WORLD.webid("BOB"));
            at.with(&[("group", &member), ("doc", "")]);
            at.rules(&format!("acl:agentGroup <{}#g>; acl:mode acl:Read", at.url("group")));
            at.alice("DELETE group").gives(204);
            at.bob("GET doc").gives(403);
        })
        .fact("a group is read although bob may not read its document", |at| {
            let member = format!("<#g> <http://www.w3.org/2006/vcard/ns#hasMember> <{}> .", WORLD.webid("BOB"));
            at.with(&[("group", &member), ("sub/", "")]);
            let group = format!("acl:agentGroup <{}#g>; acl:mode acl:Read", at.url("group"));
            own(at, "sub/", "acl:accessTo", &group).gives(201);
            at.bob("GET sub/").gives(200);
            at.bob("GET group").gives(403);
        })
        .fact("what is created anew inherits afresh", |at| {
            at.with(&[("doc", "")]);
            own(at, "doc", "acl:accessTo", &for_bob("acl:Read")).gives(201);
            at.bob("GET doc").gives(200);
            at.alice("DELETE doc").gives(204);
            at.with(&[("doc", "")]);
            at.alice("GET doc.acl").gives(404);
            at.bob("GET doc").gives(403);
        })
        .fact("a container created anew inherits afresh", |at| {
            at.with(&[("sub/", "")]);
            own(at, "sub/", "acl:default", &for_bob("acl:Read")).gives(201);
            at.alice("DELETE sub/").gives(204);
            at.with(&[("sub/doc", "")]);
            at.alice("GET sub/.acl").gives(404);
            at.bob("GET sub/doc").gives(403);
        })
        .fact("rules in JSON-LD rule", |at| {
            let json = format!(
                r##"{{"@context":{{"acl":"http://www.w3.org/ns/auth/acl#"}},"@id":"#r","@type":"acl:Authorization",
                "acl:agent":{{"@id":"{}"}},"acl:accessTo":{{"@id":"./"}},"acl:mode":{{"@id":"acl:Read"}}}}"##,
                WORLD.webid("BOB")
            );
            at.alice("PUT .acl").json_ld(&json).gives(201);
            at.bob("GET ").gives(200);
        })
        .fact("rules that a patch adds rule at once", |at| {
            at.rules("");
            at.bob("GET ").gives(403);
            let rule = format!(
                "<#b> a <http://www.w3.org/ns/auth/acl#Authorization>; <http://www.w3.org/ns/auth/acl#agent> <{}>; \
                 <http://www.w3.org/ns/auth/acl#accessTo> <./>; \
                 <http://www.w3.org/ns/auth/acl#mode> <http://www.w3.org/ns/auth/acl#Read> .",
                WORLD.webid("BOB")
            );
            at.alice("PATCH .acl").patch(&format!("solid:inserts {{ {rule} }}")).gives(204);
            at.bob("GET ").gives(200);
        })
        .fact("named graphs in an ACL grant nothing", |at| {
            let json = format!(
                r##"{{"@context":{{"acl":"http://www.w3.org/ns/auth/acl#"}},"@id":"#g","@graph":[{{"@id":"#r",
                "@type":"acl:Authorization","acl:agent":{{"@id":"{}"}},"acl:accessTo":{{"@id":"./"}},
                "acl:mode":{{"@id":"acl:Read"}}}}]}}"##,
                WORLD.webid("BOB")
            );
            at.alice("PUT .acl").json_ld(&json).gives(201);
            at.bob("GET ").gives(403);
        })
        .fact("the owner has Control though no ACL says so", |at| {
            at.with(&[("doc", "")]);
            at.alice("PUT doc.acl").turtle("").gives(201);
            at.alice("GET doc").gives(403);
            at.alice("GET doc.acl").gives(200);
            at.alice("DELETE doc.acl").gives(204);
            at.alice("GET doc").gives(200);
        })
        .hold();
}

/// Gives something rules of its own: alice everything, and what else is told.
fn own(at: &Place, name: &str, property: &str, other: &str) -> Ask {
    let target = at.url(name);
    let other = if other.is_empty() {
        String::new()
    } else {
        format!("<#other> a acl:Authorization; {property} <{target}>; {other} .")
    };
    let acl = format!(
        "{PREFIXES}<#owner> a acl:Authorization; acl:agent <{}>; acl:accessTo <{target}>; acl:default <{target}>; \
         acl:mode acl:Read, acl:Write, acl:Control .\n{other}",
        WORLD.webid("ALICE")
    );
    at.alice(&format!("PUT {name}.acl")).turtle(&acl)
}

#[test]
fn acls_are_kept_by_whoever_has_control() {
    const CONDITION: &str = "http://www.w3.org/ns/auth/acl#condition";
    Facts::of("ACL resources")
        .fact("an ACL that was never written is missed", |at| drop(at.alice("GET .acl").gives(404)))
        .fact("an ACL is read as Turtle", |at| {
            at.rules("");
            let told = at.alice("GET .acl").accept("text/turtle").gives(200);
            assert_eq!(told.header("content-type"), Some("text/turtle"));
        })
        .fact("an ACL is read as JSON-LD", |at| {
            at.rules("");
            at.alice("GET .acl").accept("application/ld+json").gives(200).json();
        })
        .fact("an ACL written as JSON-LD is Turtle by default", |at| {
            at.alice("PUT .acl").json_ld("{}").gives(201);
            assert_eq!(at.alice("GET .acl").gives(200).header("content-type"), Some("text/turtle"));
        })
        .fact("a broken ACL is refused and the old one rules", |at| {
            at.rules(&for_bob("acl:Read"));
            at.alice("PUT .acl").turtle("<#r> broken").gives(400);
            at.bob("GET ").gives(200);
        })
        .fact("an ACL that is no RDF is refused", |at| drop(at.alice("PUT .acl").content("text/plain", "x").gives(415)))
        .fact("an ACL without Content-Type is refused", |at| {
            let told = at.alice("PUT .acl").header("x", "y").header("content-type", "").send();
            assert!(told.status == 400 || told.status == 415, "{told:?}");
        })
        .fact("an ACL that is too large is refused", |at| {
            let large = format!("<#r> <#says> \"{}\" .", "x".repeat(70_000));
            at.alice("PUT .acl").turtle(&large).gives(413);
        })
        .fact("an unknown condition is refused", |at| {
            let acl = acl(at, "<#r> a acl:Authorization; acl:agent <BOB>; acl:accessTo <HERE>; acl:mode acl:Read; acl:condition [ a acl:MoonCondition ] .");
            at.alice("PUT .acl").turtle(&acl).gives(422);
        })
        .fact("an unknown condition is refused in a patch too", |at| {
            at.rules("");
            let rule = "<#r> a <http://www.w3.org/ns/auth/acl#Authorization>; <http://www.w3.org/ns/auth/acl#accessTo> <./>; \
                <http://www.w3.org/ns/auth/acl#agent> <http://example.org/#me>; <http://www.w3.org/ns/auth/acl#mode> <http://www.w3.org/ns/auth/acl#Read>; \
                <http://www.w3.org/ns/auth/acl#condition> <#c> .";
            at.alice("PATCH .acl").patch(&format!("solid:inserts {{ {rule} }}")).gives(422);
        })
        .fact("the root's ACL is there", |at| drop(at.alice("GET /alice/.acl").gives(200)))
        .fact("the root's ACL is not deleted", |at| {
            let told = at.alice("DELETE /alice/.acl").gives(405);
            assert!(!told.header("allow").unwrap().contains("DELETE"));
        })
        .fact("the root's ACL keeps an agent with Control", |at| {
            at.alice("PUT /alice/.acl").turtle("").gives_any(&[409, 422]);
            at.alice("GET /alice/").gives(200);
        })
        .fact("no patch takes Control from the root's ACL", |at| {
            let everything = at.statements("/alice/.acl").join(" ");
            at.alice("PATCH /alice/.acl").patch(&format!("solid:deletes {{ {everything} }}")).gives_any(&[409, 422]);
            at.alice("GET /alice/").gives(200);
        })
        .fact("whoever has Control reads and writes the ACL and nothing else", |at| {
            at.with(&[("doc", "")]).rules(&for_bob("acl:Control"));
            at.bob("GET .acl").gives(200);
            at.bob("GET doc.acl").gives(404);
            at.bob("GET doc").gives(403);
            at.bob("PUT doc").turtle("").gives(403);
            let theirs = acl(at, "");
            at.bob("PUT .acl").turtle(&theirs).gives(204);
            at.bob("GET .acl").gives(403);
        })
        .fact("whoever may read and write does not see the ACL", |at| {
            at.rules(&for_bob("acl:Read, acl:Write"));
            at.bob("GET .acl").gives(403);
            at.bob("HEAD .acl").gives(403);
            at.bob("PUT .acl").turtle("").gives(403);
            at.bob("PATCH .acl").patch("solid:inserts { <#a> <#b> 1 }").gives(403);
            at.bob("DELETE .acl").gives(403);
        })
        .fact("the public does not see the ACL", |at| {
            at.rules(&public("acl:Read, acl:Write"));
            at.anybody("GET .acl").gives(401);
            at.anybody("PUT .acl").turtle("").gives(401);
            at.anybody("DELETE .acl").gives(401);
        })
        .fact("the public may have Control, and then sees the ACL", |at| {
            at.rules(&public("acl:Control"));
            at.anybody("GET .acl").gives(200);
            at.anybody("GET ").gives(401);
        })
        .fact("an absent ACL is refused to whoever lacks Control", |at| {
            at.rules(&for_bob("acl:Read, acl:Write")).with(&[("doc", "")]);
            at.bob("GET doc.acl").gives(403);
            at.anybody("GET doc.acl").gives(401);
        })
        .fact("an absent subject has no ACL", |at| {
            at.alice("GET absent.acl").gives(404);
            at.alice("PUT absent.acl").turtle("").gives_any(&[404, 409]);
            at.alice("GET absent").gives(404);
        })
        .fact("WAC-Allow of an ACL tells all or nothing", |at| {
            at.rules(&for_bob("acl:Control"));
            let reply = at.bob("GET .acl").gives(200);
            assert_eq!((told(&reply, "user").as_str(), told(&reply, "public").as_str()), ("control read write", ""));
        })
        .fact("an ACL is replaced only as it was seen", |at| {
            at.rules("");
            let tag = at.alice("GET .acl").gives(200).header("etag").unwrap().to_owned();
            at.rules(&for_bob("acl:Read"));
            at.alice("PUT .acl").header("if-match", tag).turtle("").gives(412);
            at.bob("GET ").gives(200);
        })
        .fact("an ACL is created only where none is", |at| {
            at.alice("PUT .acl").header("if-none-match", "*").turtle(&acl(at, "")).gives(201);
            at.alice("PUT .acl").header("if-none-match", "*").turtle("").gives(412);
        })
        .fact("an ACL is deleted once", |at| {
            at.rules("");
            at.alice("DELETE .acl").gives(204);
            at.alice("DELETE .acl").gives(404);
        })
        .fact("an ACL takes no POST", |at| {
            at.rules("");
            at.alice("POST .acl").turtle("").gives(405);
        })
        .fact("the conditions that count are advertised with the ACL", |at| {
            at.rules("");
            for method in ["GET", "HEAD"] {
                let told = at.alice(&format!("{method} .acl")).gives(200);
                for kind in ["ClientCondition", "IssuerCondition"] {
                    let link = format!("<http://www.w3.org/ns/auth/acl#{kind}>; rel=\"{CONDITION}\"");
                    assert!(told.all("link").contains(&link.as_str()), "{told:?}");
                }
            }
        })
        .fact("conditions are advertised with nothing else", |at| {
            at.rules("").with(&[("doc", "")]);
            for name in ["", "doc", "doc.meta"] {
                let told = at.alice(&format!("GET {name}")).gives(200);
                assert!(!told.all("link").iter().any(|link| link.contains("condition")), "{told:?}");
            }
        })
        .hold();
}

//! Which refusal comes first: who asks and whether it is granted is judged before what is there and what it takes.
//!
//! Spec: <https://solidproject.org/TR/protocol#server-unauthenticated>, RFC 9110 §13.2.1

use super::{
    facts::{Ask, Facts, Place, n3},
    world::{ALICE, WORLD, for_bob, public},
};

/// What would be refused on another ground, were it granted: the ground, the request, its media type and its body.
const OTHERWISE: &[(&str, &str, &str, &str, u16)] = &[
    ("an absent document", "GET absent", "", "", 404),
    ("an absent container", "HEAD absent/", "", "", 404),
    ("an absent ACL", "GET doc.acl", "", "", 404),
    ("an absent description", "GET absent.meta", "", "", 404),
    ("a POST to an absent container", "POST absent/", "text/turtle", "", 404),
    ("a POST to a document", "POST doc", "text/turtle", "", 405),
    ("a DELETE of what is absent", "DELETE absent", "", "", 404),
    ("a DELETE of a full container", "DELETE full/", "", "", 409),
    ("a PUT on a container", "PUT full/", "text/turtle", "", 409),
    ("a PUT on the twin of a document", "PUT doc/", "text/turtle", "", 409),
    ("a PUT below a document", "PUT doc/below", "text/turtle", "", 409),
    ("a PUT of broken Turtle", "PUT new", "text/turtle", "<#a> broken", 400),
    ("a PUT of broken JSON-LD", "PUT new", "application/ld+json", "{", 400),
    ("a PUT of an unknown context", "PUT new", "application/ld+json", "{\"@context\":\"https://example.org/c\"}", 422),
    ("a PUT of text as a container", "PUT new/", "text/plain", "x", 415),
    ("a POST of a reserved Slug", "POST sub/ x.acl", "text/turtle", "", 403),
    ("a POST of a Slug with a slash", "POST sub/ a/b", "text/turtle", "", 400),
    ("a PATCH in no patch language", "PATCH doc", "text/plain", "x", 415),
    ("a PATCH that is broken", "PATCH doc", "text/n3", "<> solid:inserts {", 400),
    ("a PATCH that is none", "PATCH doc", "text/n3", "", 422),
    ("a PATCH that conflicts", "PATCH doc", "text/n3", "DELETES", 409),
    ("a PATCH of what is no RDF", "PATCH text", "text/n3", "INSERTS", 409),
    ("an unsupported update", "PATCH doc", "application/sparql-update", "CLEAR ALL", 422),
    ("a PATCH of managed statements", "PATCH sub/", "text/n3", "CONTAINS", 409),
    ("a representation that there is not", "GET doc accept", "", "", 406),
    ("a range beyond the end", "GET text range", "", "", 416),
    ("a read that fails its condition", "GET doc if-match", "", "", 412),
    ("a write that fails its condition", "PUT doc if-match", "text/turtle", "", 412),
    ("a deletion that fails its condition", "DELETE doc if-match", "", "", 412),
    ("a POST that fails its condition", "POST sub/ if-match", "text/turtle", "", 412),
    ("a name that is reserved", "PUT x.acl.acl", "text/turtle", "", 403),
    ("an ACL that says nothing readable", "PUT doc.acl", "text/turtle", "<#a> broken", 400),
    ("a PUT of an ACL of what is absent", "PUT absent.acl", "text/turtle", "", 404),
];

fn prepared(at: &Place) {
    at.with(&[("doc", "<#a> <#b> 1 ."), ("full/member", ""), ("sub/", "")]);
    at.alice("PUT text").content("text/plain", "text").gives(201);
}

fn asked(
    at: &Place,
    who: &'static super::world::Agent,
    (_, line, media_type, body, _): &(&str, &str, &str, &str, u16),
) -> Ask {
    let mut words = line.split(' ');
    let asked = at.ask(who, &format!("{} {}", words.next().unwrap(), words.next().unwrap()));
    let asked = match words.next() {
        Some("accept") => asked.accept("image/png"),
        Some("range") => asked.header("range", "bytes=100-"),
        Some("if-match") => asked.header("if-match", "\"other\""),
        Some(slug) => asked.header("slug", slug),
        None => asked,
    };
    let body = match *body {
        "DELETES" => n3("solid:deletes { <#not> <#there> 1 }"),
        "INSERTS" => n3("solid:inserts { <#a> <#b> 1 }"),
        "CONTAINS" => n3("solid:inserts { <> <http://www.w3.org/ns/ldp#contains> <x> }"),
        body => body.to_owned(),
    };
    if media_type.is_empty() { asked } else { asked.content(media_type, body) }
}

#[test]
fn what_is_granted_is_judged_first() {
    let mut facts = Facts::of("precedence");
    for case in OTHERWISE {
        let (ground, line, .., status) = case;
        facts = facts
            .fact(format!("{ground} is {status} to whoever may do it ({line})"), |at| {
                prepared(at);
                asked(at, &ALICE, case).gives(*status);
            })
            .fact(format!("{ground} is 403 to a stranger ({line})"), |at| {
                prepared(at);
                let told = asked(at, &super::world::BOB, case).gives(403);
                assert_eq!((told.header("etag"), told.header("wac-allow")), (None, None));
            })
            .fact(format!("{ground} is 401 to the public ({line})"), |at| {
                prepared(at);
                let told = asked(at, &super::world::ANYBODY, case).gives(401);
                assert_eq!((told.header("etag"), told.header("wac-allow")), (None, None));
            });
    }
    facts.hold();
}

#[test]
fn bad_credentials_are_never_taken_for_none() {
    let mut facts = Facts::of("credentials");
    for method in ["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE"] {
        for (what, authorization) in [
            ("a token without a proof", "DPoP abc"),
            ("a Bearer token that is none", "Bearer abc"),
            ("another scheme", "Basic YTpi"),
            ("no token", "DPoP"),
        ] {
            facts = facts.fact(format!("{what} is 401 to {method}, though everybody may"), move |at| {
                at.rules(&public("acl:Read, acl:Write")).with(&[("doc", "")]);
                let asked = at.anybody(&format!("{method} doc")).header("authorization", authorization);
                let asked = if method.starts_with('P') { asked.turtle("") } else { asked };
                let told = asked.gives(401);
                assert!(told.header("www-authenticate").unwrap().contains("DPoP"), "{told:?}");
            });
        }
    }
    facts
        .fact("a proof for another method is 401", |at| {
            at.rules(&for_bob("acl:Read"));
            let own = ALICE.credentials("POST", &at.url(""));
            let asked = own.into_iter().fold(at.anybody("GET "), |asked, (name, value)| asked.header(name, value));
            asked.gives(401);
        })
        .fact("a proof for another URL is 401", |at| {
            let own = ALICE.credentials("GET", &WORLD.url("/alice/other"));
            let asked = own.into_iter().fold(at.anybody("GET "), |asked, (name, value)| asked.header(name, value));
            asked.gives(401);
        })
        .fact("a proof that was used is 401", |at| {
            let own = ALICE.credentials("GET", &at.url(""));
            let asked = own.into_iter().fold(at.anybody("GET "), |asked, (name, value)| asked.header(name, value));
            asked.gives(200);
            asked.gives(401);
        })
        .hold();
}

#[test]
fn absence_is_told_to_those_who_could_see() {
    Facts::of("absence")
        .fact("whoever may read learns that nothing is there", |at| {
            at.rules(&for_bob("acl:Read"));
            at.bob("GET absent").gives(404);
            at.bob("DELETE absent").gives(404);
            at.bob("POST absent/").turtle("").gives(403);
        })
        .fact("whoever may only write does not", |at| {
            at.rules(&for_bob("acl:Write"));
            at.bob("GET absent").gives(403);
            at.bob("DELETE absent").gives(403);
        })
        .fact("whoever may only append does not", |at| {
            at.rules(&for_bob("acl:Append"));
            at.bob("GET absent").gives(403);
            at.bob("DELETE absent").gives(403);
        })
        .fact("whoever has only Control does not", |at| {
            at.rules(&for_bob("acl:Control"));
            at.bob("DELETE absent").gives(403);
        })
        .fact("the public that may only write does not", |at| {
            at.rules(&public("acl:Write"));
            at.anybody("DELETE absent").gives(401);
        })
        .fact("a 404 of a deleted document is that of one that never was", |at| {
            at.with(&[("gone", "")]);
            at.alice("DELETE gone").gives(204);
            let (gone, never) = (at.alice("GET gone").gives(404).text(), at.alice("GET never").gives(404).text());
            assert_eq!(gone.replace("gone", "never"), never);
        })
        .fact("a refusal is the same whether something is there or not", |at| {
            at.with(&[("there", "")]);
            let (there, gone) = (at.bob("GET there").gives(403).text(), at.bob("GET gone").gives(403).text());
            assert_eq!(there.replace("there", "gone"), gone);
        })
        .hold();
}

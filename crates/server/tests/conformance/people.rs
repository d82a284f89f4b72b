//! People: the inbox of Linked Data Notifications, and the documents of hosted WebIDs.
//!
//! Spec: <https://www.w3.org/TR/ldn/>, <https://solidproject.org/TR/protocol#ldn>,
//! <https://solid.github.io/webid-profile/>

use super::{
    facts::{Facts, Place},
    world::{ANYBODY, WORLD, for_bob, public},
};

const INBOX: &str = "http://www.w3.org/ns/ldp#inbox";
const NOTE: &str = r#"{"@context":"https://www.w3.org/ns/activitystreams","@id":"","@type":"Announce",
    "actor":{"@id":"https://example.org/#me"},"object":{"@id":"https://example.org/thing"}}"#;

#[test]
fn any_container_is_an_inbox() {
    Facts::of("inbox")
        .fact("a notification is taken and has a place", |at| {
            at.rules(&public("acl:Append"));
            let told = at.anybody("POST ").json_ld(NOTE).gives(201);
            assert!(told.header("location").unwrap().starts_with(&at.url("")));
        })
        .fact("notifications are listed", |at| {
            at.rules(&public("acl:Append"));
            for _ in 0..3 {
                at.anybody("POST ").json_ld(NOTE).gives(201);
            }
            assert_eq!(at.members("").len(), 3);
        })
        .fact("a notification is read as JSON-LD", |at| {
            at.rules(&public("acl:Append"));
            let told = at.anybody("POST ").json_ld(NOTE).gives(201);
            let name = told.header("location").unwrap().strip_prefix(&at.url("")).unwrap().to_owned();
            let told = at.alice(&format!("GET {name}")).accept("application/ld+json").gives(200);
            assert!(told.json().to_string().contains("https://example.org/thing"));
        })
        .fact("a notification is read as Turtle", |at| {
            let told = at.alice("POST ").json_ld(NOTE).gives(201);
            let name = told.header("location").unwrap().strip_prefix(&at.url("")).unwrap().to_owned();
            let told = at.alice(&format!("GET {name}")).accept("text/turtle").gives(200).text();
            assert!(told.contains("https://example.org/thing") && told.contains("activitystreams#"), "{told}");
        })
        .fact("a profile of JSON-LD is no matter", |at| {
            let kind = "application/ld+json;profile=\"https://www.w3.org/ns/activitystreams\"";
            at.alice("POST ").content(kind, NOTE).gives(201);
        })
        .fact("an inbox says what it takes", |at| {
            at.rules(&public("acl:Read, acl:Append"));
            for method in ["GET", "HEAD", "OPTIONS"] {
                let told = at.anybody(&format!("{method} ")).gives_any(&[200, 204]);
                assert_eq!(told.header("accept-post"), Some("*/*"));
            }
        })
        .fact("whoever sends a notification cannot read it or others", |at| {
            at.rules(&public("acl:Append"));
            let told = at.anybody("POST ").json_ld(NOTE).gives(201);
            let name = told.header("location").unwrap().strip_prefix(&at.url("")).unwrap().to_owned();
            at.anybody(&format!("GET {name}")).gives(401);
            at.anybody("GET ").gives(401);
            at.anybody(&format!("PUT {name}")).json_ld(NOTE).gives(401);
            at.anybody(&format!("DELETE {name}")).gives(401);
        })
        .fact("a broken notification is refused", |at| {
            at.rules(&public("acl:Append"));
            at.anybody("POST ").json_ld("{\"@context\":").gives(400);
            at.anybody("POST ").json_ld("{\"@context\":\"https://example.org/unknown\"}").gives(422);
            assert!(at.members("").is_empty());
        })
        .fact("a document leads to the inbox that its description names", |at| {
            at.with(&[("x", ""), ("inbox/", "")]);
            at.alice("PUT x.meta").turtle(&format!("<x> <{INBOX}> <inbox/> .")).gives(201);
            for method in ["GET", "HEAD"] {
                assert_eq!(at.alice(&format!("{method} x")).gives(200).link(INBOX), Some(at.url("inbox/")));
            }
        })
        .fact("a container leads to its inbox", |at| {
            at.alice("PUT .meta").turtle(&format!("<./> <{INBOX}> <inbox/> .")).gives(201);
            assert_eq!(at.alice("GET ").gives(200).link(INBOX), Some(at.url("inbox/")));
        })
        .fact("an image leads to its inbox", |at| {
            at.alice("PUT x").content("image/png", [1]).gives(201);
            at.alice("PUT x.meta").turtle(&format!("<x> <{INBOX}> <http://example.org/inbox/> .")).gives(201);
            assert_eq!(at.alice("GET x").gives(200).link(INBOX), Some("http://example.org/inbox/".into()));
        })
        .fact("an inbox of something else is not told", |at| {
            at.with(&[("x", "")]);
            at.alice("PUT x.meta").turtle(&format!("<y> <{INBOX}> <inbox/> .")).gives(201);
            assert_eq!(at.alice("GET x").gives(200).link(INBOX), None);
        })
        .fact("an inbox as text is none", |at| {
            at.with(&[("x", "")]);
            at.alice("PUT x.meta").turtle(&format!("<x> <{INBOX}> \"inbox/\" .")).gives(201);
            assert_eq!(at.alice("GET x").gives(200).link(INBOX), None);
        })
        .fact("an inbox is not told to those who may not read", |at| {
            at.with(&[("x", "")]);
            at.alice("PUT x.meta").turtle(&format!("<x> <{INBOX}> <inbox/> .")).gives(201);
            assert_eq!(at.anybody("GET x").gives(401).link(INBOX), None);
        })
        .fact("an inbox is told no longer when its description says so no longer", |at| {
            at.with(&[("x", "")]);
            at.alice("PUT x.meta").turtle(&format!("<x> <{INBOX}> <inbox/> .")).gives(201);
            at.alice("PATCH x.meta").patch(&format!("solid:deletes {{ <x> <{INBOX}> <inbox/> }}")).gives(204);
            assert_eq!(at.alice("GET x").gives(200).link(INBOX), None);
        })
        .hold();
}

const ISSUER: &str = "http://www.w3.org/ns/solid/terms#oidcIssuer";

/// A document that says who may speak for a WebID in it; bob may do there what alice may.
fn hosted(at: &Place) {
    at.with(&[("card", &format!("<#me> <{ISSUER}> <http://issuer.example/> ; <#name> \"A\" ."))]);
    at.rules(&for_bob("acl:Read, acl:Write"));
}

#[test]
fn hosted_webids_are_kept_by_the_owner() {
    let mut facts = Facts::of("WebID documents");
    for form in ["text/turtle", "application/ld+json", "application/n-triples"] {
        for who in ["alice", "bob"] {
            facts = facts.fact(format!("everybody reads {who}'s profile as {form}"), move |_| {
                let path = format!("/{who}/profile/card");
                let told = ANYBODY.ask("GET", &path, &[("accept", form)], "");
                assert_eq!((told.status, told.header("content-type")), (200, Some(form)));
                for part in [ISSUER, "http://www.w3.org/ns/pim/space#storage", &*WORLD.url(&format!("/{who}/"))] {
                    let text = told.text();
                    assert!(form == "text/turtle" || text.contains(part), "{part}: {text}");
                }
            });
        }
    }
    for (what, shown) in [
        ("a PUT that leaves it out", "PUT"),
        (
            "an N3 patch that deletes it",
            "solid:deletes { <#me> <http://www.w3.org/ns/solid/terms#oidcIssuer> <http://issuer.example/> }",
        ),
        (
            "an N3 patch that adds another",
            "solid:inserts { <#me> <http://www.w3.org/ns/solid/terms#oidcIssuer> <http://evil.example/> }",
        ),
        ("an update that deletes it", "DELETE WHERE { <#me> ?p ?o }"),
        (
            "an update that adds another",
            "INSERT DATA { <#me> <http://www.w3.org/ns/solid/terms#oidcIssuer> <http://evil.example/> }",
        ),
        (
            "an update that adds one to another WebID there",
            "INSERT DATA { <#you> <http://www.w3.org/ns/solid/terms#oidcIssuer> <http://evil.example/> }",
        ),
        ("a PUT of an image", "PNG"),
        ("a DELETE", "DELETE"),
    ] {
        let send = move |at: &Place, who: &'static super::world::Agent| match shown {
            "PUT" => at.ask(who, "PUT card").turtle("<#me> <#name> \"A\" ."),
            "PNG" => at.ask(who, "PUT card").content("image/png", [1]),
            "DELETE" => at.ask(who, "DELETE card"),
            patch if patch.starts_with("solid:") => at.ask(who, "PATCH card").patch(patch),
            update => at.ask(who, "PATCH card").sparql(update),
        };
        facts = facts
            .fact(format!("{what} by another is refused"), move |at| {
                hosted(at);
                send(at, &super::world::BOB).gives(409);
                assert!(at.statements("card").join("").contains("http://issuer.example/"));
            })
            .fact(format!("{what} by the owner is done"), move |at| {
                hosted(at);
                send(at, &super::world::ALICE).gives(204);
            });
    }
    facts
        .fact("whoever may write changes everything else of it", |at| {
            hosted(at);
            at.bob("PATCH card")
                .patch("solid:deletes { <#me> <#name> \"A\" }; solid:inserts { <#me> <#name> \"B\" }")
                .gives(204);
            at.bob("PUT card").turtle(&format!("<#me> <{ISSUER}> <http://issuer.example/> .")).gives(204);
        })
        .fact("an issuer is not told again in a named graph to be changed", |at| {
            hosted(at);
            let json = format!(
                r##"[{{"@id":"#g","@graph":[{{"@id":"#me","{ISSUER}":{{"@id":"http://issuer.example/"}}}}]}}]"##
            );
            at.bob("PUT card").json_ld(&json).gives(409);
        })
        .fact("an issuer of a WebID elsewhere is anybody's to tell", |at| {
            at.rules(&for_bob("acl:Read, acl:Write"));
            at.bob("PUT x").turtle(&format!("<http://example.org/#me> <{ISSUER}> <http://evil.example/> .")).gives(201);
            at.bob("DELETE x").gives(204);
        })
        .fact("a stranger does not write the profile", |at| {
            at.bob("PUT /alice/profile/card").turtle("").gives(403);
            at.bob("PATCH /alice/profile/card").sparql("DELETE WHERE { ?s ?p ?o }").gives(403);
            at.bob("DELETE /alice/profile/card").gives(403);
            at.anybody("DELETE /alice/profile/card").gives(401);
        })
        .fact("the public does not read the rest of the profile's container", |at| {
            at.anybody("GET /alice/profile/").gives(401);
            at.anybody("GET /alice/profile/card.acl").gives(401);
        })
        .fact("semantically broken content of a profile is 400 and loses nothing", |at| {
            at.alice("PUT /alice/profile/card").turtle("<#me> broken").gives(400);
            assert!(at.statements("/alice/profile/card").join("").contains(ISSUER));
        })
        .hold();
}

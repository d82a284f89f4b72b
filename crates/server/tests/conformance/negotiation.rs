//! Which representation is sent: forms of RDF, quality values, what is kept when a document changes its form.
//!
//! Spec: <https://solidproject.org/TR/protocol#server-representation-turtle-jsonld>, RFC 9110 §12.5.1

use super::{
    facts::{Facts, Place},
    world::Reply,
};

/// What a browser sees of RDF.
const PAGE: &str = "text/html; charset=utf-8";

const TURTLE: &str = "text/turtle";
const LD: &str = "application/ld+json";
const NT: &str = "application/n-triples";

/// `Accept` and, for a document stored as Turtle, as JSON-LD and as plain text, the type that is sent; none: 406.
const ACCEPTED: &[(&str, [Option<&str>; 3])] = &[
    ("*/*", [Some(TURTLE), Some(LD), Some("text/plain")]),
    ("*", [Some(TURTLE), Some(LD), Some("text/plain")]),
    ("text/turtle", [Some(TURTLE), Some(TURTLE), None]),
    ("application/ld+json", [Some(LD), Some(LD), None]),
    ("application/n-triples", [Some(NT), Some(NT), None]),
    ("TEXT/Turtle", [Some(TURTLE), Some(TURTLE), None]),
    ("text/*", [Some(TURTLE), Some(TURTLE), Some("text/plain")]),
    ("application/*", [Some(LD), Some(LD), None]),
    ("text/plain", [None, None, Some("text/plain")]),
    ("image/png", [None, None, None]),
    ("text/html, application/ld+json", [Some(LD), Some(LD), None]),
    ("text/html, */*;q=0.1", [Some(PAGE), Some(PAGE), Some("text/plain")]),
    ("application/xml, application/ld+json;q=0.5, text/turtle;q=0.4", [Some(LD), Some(LD), None]),
    ("text/turtle;q=0.4, application/ld+json;q=0.5", [Some(LD), Some(LD), None]),
    ("text/turtle;q=0.9, application/ld+json;q=0.8", [Some(TURTLE), Some(TURTLE), None]),
    ("text/turtle, application/ld+json", [Some(TURTLE), Some(LD), None]),
    ("application/ld+json, text/turtle", [Some(TURTLE), Some(LD), None]),
    ("text/turtle;q=0.001, application/ld+json;q=0.002", [Some(LD), Some(LD), None]),
    ("text/turtle;q=0, */*", [Some(LD), Some(LD), Some("text/plain")]),
    ("*/*;q=0", [None, None, None]),
    ("*/*;q=0.5, text/turtle;q=0.1", [Some(LD), Some(LD), Some("text/plain")]),
    ("text/*;q=0.1, application/ld+json;q=0.2", [Some(LD), Some(LD), Some("text/plain")]),
    ("text/turtle;charset=utf-8", [Some(TURTLE), Some(TURTLE), None]),
    ("application/ld+json;profile=\"http://www.w3.org/ns/json-ld#expanded\"", [Some(LD), Some(LD), None]),
    ("text/turtle ; q=1.0", [Some(TURTLE), Some(TURTLE), None]),
    ("text/turtle;q=1.000, application/ld+json;q=0.999", [Some(TURTLE), Some(TURTLE), None]),
    (
        "a/b;q=0.1, c/d;q=0.2, e/f;q=0.3, g/h;q=0.4, i/j;q=0.5, k/l;q=0.6, m/n;q=0.7, o/p;q=0.8, application/ld+json;q=0.85, text/turtle;q=0.9",
        [Some(TURTLE), Some(TURTLE), None],
    ),
    ("junk, text/turtle", [Some(TURTLE), Some(TURTLE), None]),
];

#[test]
fn the_best_form_that_is_accepted_is_sent() {
    let mut facts = Facts::of("negotiation");
    let stored = [(TURTLE, "<#a> <#b> 1 ."), (LD, "{\"@id\":\"#a\",\"http://x/b\":1}"), ("text/plain", "text")];
    for (accept, sent) in ACCEPTED {
        for ((stored, body), sent) in stored.into_iter().zip(sent) {
            facts = facts.fact(format!("'{accept}' of {stored} is {sent:?}"), move |at| {
                at.alice("PUT x").content(stored, body).gives(201);
                for method in ["GET", "HEAD"] {
                    let told =
                        at.alice(&format!("{method} x")).accept(accept).gives(if sent.is_some() { 200 } else { 406 });
                    if let Some(sent) = sent {
                        assert_eq!(told.header("content-type"), Some(*sent));
                    }
                    let vary = told.all("vary").join(",").to_ascii_lowercase();
                    assert!(vary.contains("accept"), "{told:?}");
                }
            });
        }
    }
    for (what, target) in [("a container", ""), ("an ACL", ".acl"), ("a description", ".meta")] {
        for (accept, sent) in [("", TURTLE), ("*/*", TURTLE), (TURTLE, TURTLE), (LD, LD), (NT, NT)] {
            facts = facts.fact(format!("{what} accepted as '{accept}' is {sent}"), move |at| {
                at.rules("");
                let asked = at.alice(&format!("GET {target}"));
                let asked = if accept.is_empty() { asked } else { asked.accept(accept) };
                assert_eq!(asked.gives(200).header("content-type"), Some(sent));
            });
        }
        facts = facts.fact(format!("{what} is no image"), move |at| {
            at.rules("");
            at.alice(&format!("GET {target}")).accept("image/png").gives(406);
        });
    }
    facts
        .fact("without Accept the stored form is sent", |at| {
            at.alice("PUT x").json_ld("{\"@id\":\"#a\",\"http://x/b\":1}").gives(201);
            assert_eq!(at.alice("GET x").gives(200).header("content-type"), Some(LD));
        })
        .fact("a 406 says what there is", |at| {
            at.with(&[("x", "")]);
            let told = at.alice("GET x").accept("image/png").gives(406).json();
            assert!(told["detail"].as_str().unwrap().contains(LD), "{told}");
        })
        .hold();
}

fn in_form(at: &Place, name: &str, form: &str) -> Reply {
    at.alice(&format!("GET {name}")).accept(form).gives(200)
}

#[test]
fn what_is_written_in_one_form_is_read_in_every_other() {
    let mut facts = Facts::of("forms of RDF");
    let turtle = |at: &Place| format!("<{0}#a> <http://x/b> <{0}#c>, \"v\"@en, 1 .", at.url("x"));
    for (form, how) in [(TURTLE, 0), (LD, 1), (NT, 2)] {
        for read in [TURTLE, LD, NT] {
            facts = facts.fact(format!("what is written as {form} is read as {read}"), move |at| {
                let url = at.url("x");
                let integer = "http://www.w3.org/2001/XMLSchema#integer";
                let body = match how {
                    0 => turtle(at),
                    1 => format!(r#"{{"@id":"{url}#a","http://x/b":[{{"@id":"{url}#c"}},{{"@value":"v","@language":"en"}},1]}}"#),
                    _ => format!("<{url}#a> <http://x/b> <{url}#c> .\n<{url}#a> <http://x/b> \"v\"@en .\n<{url}#a> <http://x/b> \"1\"^^<{integer}> ."),
                };
                at.alice("PUT x").content(form, body).gives(201);
                // Read in that form and written elsewhere, it is the same.
                let told = in_form(at, "x", read);
                at.alice("PUT y").content(read, &told.body).gives(201);
                assert_eq!(at.statements("y"), at.statements("x"));
                assert_eq!(at.statements("y").len(), 3);
            });
        }
    }
    facts
        .fact("relative IRIs of a PUT are of its URL", |at| {
            at.alice("PUT x").turtle("<> <#b> <y> .").gives(201);
            assert_eq!(at.statements("x"), [format!("<{0}> <{0}#b> <{1}> .", at.url("x"), at.url("y"))]);
        })
        .fact("relative IRIs of a POST are of the assigned URL", |at| {
            let told = at.alice("POST ").header("slug", "x").turtle("<> <#b> <y> .").gives(201);
            assert_eq!(told.header("location"), Some(&*at.url("x")));
            assert_eq!(at.statements("x"), [format!("<{0}> <{0}#b> <{1}> .", at.url("x"), at.url("y"))]);
        })
        .fact("relative IRIs in JSON-LD are of the URL too", |at| {
            at.alice("PUT x").json_ld("{\"@id\":\"\",\"http://x/b\":{\"@id\":\"y\"}}").gives(201);
            assert_eq!(at.statements("x"), [format!("<{}> <http://x/b> <{}> .", at.url("x"), at.url("y"))]);
        })
        .fact("a document stays in the form in which it was written, to the byte", |at| {
            let text = "# A remark\n@prefix : <#>.\n:a   :b   1 .\n";
            at.alice("PUT x").turtle(text).gives(201);
            assert_eq!(at.alice("GET x").gives(200).text(), text);
        })
        .fact("a named graph comes back intact", |at| {
            at.alice("PUT x").json_ld(GRAPH).gives(201);
            let told = in_form(at, "x", LD);
            at.alice("PUT y").json_ld(&told.text()).gives(201);
            assert!(told.text().contains("http://x/g") && in_form(at, "y", LD).text().contains("http://x/inside"));
        })
        .fact("Turtle is the default graph alone", |at| {
            at.alice("PUT x").json_ld(GRAPH).gives(201);
            let told = in_form(at, "x", TURTLE).text();
            assert!(told.contains("http://x/outside") && !told.contains("http://x/inside"), "{told}");
        })
        .fact("a patch of the default graph leaves a named graph as it is", |at| {
            at.alice("PUT x").json_ld(GRAPH).gives(201);
            at.alice("PATCH x").patch("solid:inserts { <http://x/s> <http://x/more> 1 }").gives(204);
            let told = in_form(at, "x", LD);
            assert_eq!(told.header("content-type"), Some(LD));
            assert!(
                told.text().contains("http://x/inside") && told.text().contains("http://x/more"),
                "{}",
                told.text()
            );
        })
        .fact("a patch sees nothing of a named graph", |at| {
            at.alice("PUT x").json_ld(GRAPH).gives(201);
            at.alice("PATCH x").patch("solid:deletes { <http://x/s> <http://x/inside> 1 }").gives(409);
        })
        .fact("an update of the default graph leaves a named graph as it is", |at| {
            at.alice("PUT x").json_ld(GRAPH).gives(201);
            at.alice("PATCH x").sparql("DELETE WHERE { ?s ?p ?o }").gives(204);
            let told = in_form(at, "x", LD).text();
            assert!(told.contains("http://x/inside") && !told.contains("http://x/outside"), "{told}");
        })
        .fact("blank nodes keep their shape in every form", |at| {
            at.alice("PUT x").turtle("<#a> <http://x/b> [ <http://x/c> [ <http://x/d> 1 ] ] .").gives(201);
            for form in [TURTLE, LD, NT] {
                at.alice(&format!("PUT y{}", form.len())).content(form, &in_form(at, "x", form).body).gives(201);
                assert_eq!(at.statements(&format!("y{}", form.len())).len(), 3);
            }
        })
        .fact("lists keep their order in every form", |at| {
            at.alice("PUT x").turtle("<#a> <http://x/b> ( 1 2 3 ) .").gives(201);
            let json = in_form(at, "x", LD);
            at.alice("PUT y").json_ld(&json.text()).gives(201);
            assert_eq!(at.statements("y").len(), 7);
        })
        .fact("a language and a datatype are kept", |at| {
            at.alice("PUT x")
                .turtle("<http://x/a> <http://x/b> \"x\"@en-GB, \"2020-01-01\"^^<http://x/date> .")
                .gives(201);
            let json = in_form(at, "x", LD).text();
            assert!(json.to_ascii_lowercase().contains("en-gb") && json.contains("http://x/date"), "{json}");
        })
        .fact("an empty document is one", |at| {
            at.alice("PUT x").turtle("").gives(201);
            assert!(at.statements("x").is_empty());
            in_form(at, "x", LD).json();
        })
        .fact("an image comes back to the byte", |at| {
            let bytes: Vec<u8> = (0..=255).collect();
            at.alice("PUT x").content("image/png", &bytes).gives(201);
            let told = at.alice("GET x").gives(200);
            assert_eq!((told.body, told.headers.iter().any(|(_, value)| value == "image/png")), (bytes, true));
        })
        .fact("a document may become an image, and an image a document", |at| {
            at.with(&[("x", "<#a> <#b> 1 .")]);
            at.alice("PUT x").content("image/png", [1]).gives(204);
            assert_eq!(at.alice("GET x").gives(200).header("content-type"), Some("image/png"));
            at.alice("PUT x").turtle("<#a> <#b> 1 .").gives(204);
            assert_eq!(at.statements("x").len(), 1);
        })
        .fact("a document may change its form", |at| {
            at.with(&[("x", "<#a> <#b> 1 .")]);
            at.alice("PUT x").json_ld("{}").gives(204);
            assert_eq!(at.alice("GET x").gives(200).header("content-type"), Some(LD));
        })
        .fact("the parameters of a type are kept with what is no RDF", |at| {
            at.alice("PUT x").content("text/plain; charset=utf-8", "é").gives(201);
            assert_eq!(at.alice("GET x").gives(200).header("content-type"), Some("text/plain; charset=utf-8"));
        })
        .fact("broken RDF is refused in each form", |at| {
            for (form, body) in [(TURTLE, "<#a> broken"), (LD, "{"), (NT, "<#a> <#b> <#c> .")] {
                at.alice("PUT x").content(form, body).gives(400);
                at.alice("POST ").content(form, body).gives(400);
            }
            assert!(at.members("").is_empty());
        })
        .fact("content without a type is refused", |at| {
            for line in ["PUT x", "POST ", "PATCH x"] {
                at.alice(line).header("x", "y").content_only("text").gives(400);
            }
            assert!(at.members("").is_empty());
        })
        .fact("a type that is none is refused", |at| {
            for line in ["PUT x", "POST ", "PATCH x"] {
                at.alice(line).content("nonsense", "text").gives_any(&[400, 415]);
            }
        })
        .hold();
}

const GRAPH: &str = r#"[{"@id":"http://x/g","@graph":[{"@id":"http://x/s","http://x/inside":1}]},
    {"@id":"http://x/s","http://x/outside":1}]"#;

//! SPARQL Update: data, patterns with blank nodes, sequences; each as a whole or not at all.
//!
//! Spec: <https://www.w3.org/TR/sparql11-update/>, <https://solidproject.org/TR/protocol#writing-resources>

use super::facts::{Facts, Place};

const TARGET: &str = "@prefix : <#>. :a :p :b ; :n 1 . :c :p :b . :d :q [ :r 1 ; :s 2 ] .";

/// An update of the target: how many statements (of six) are there then, and one of them if it matters; or a status.
type Does = Result<(usize, &'static str), u16>;

const UPDATES: &[(&str, &str, Does)] = &[
    ("inserts data", "INSERT DATA { <#a> <#p> <#new> }", Ok((7, "#new>"))),
    (
        "inserts several data",
        "INSERT DATA { <#a> <#p> <#e>, <#f> . <#g> <#p> 1 ; <#q> \"x\"@en }",
        Ok((10, "\"x\"@en")),
    ),
    ("inserts what is there", "INSERT DATA { <#a> <#p> <#b> }", Ok((6, ""))),
    ("inserts a blank node", "INSERT DATA { _:x <#p> 1 . _:x <#p> 2 }", Ok((8, ""))),
    ("inserts a described node", "INSERT DATA { <#a> <#p> [ <#q> 1 ] }", Ok((8, ""))),
    ("deletes data", "DELETE DATA { <#a> <#p> <#b> }", Ok((5, ""))),
    ("deletes data that is not there", "DELETE DATA { <#a> <#p> <#none> }", Ok((6, ""))),
    ("deletes some that is there", "DELETE DATA { <#a> <#p> <#none> ; <#n> 1 }", Ok((5, ""))),
    ("deletes and inserts data", "DELETE DATA { <#a> <#n> 1 } ; INSERT DATA { <#a> <#n> 2 }", Ok((6, "\"2\""))),
    ("inserts and deletes in that order", "INSERT DATA { <#a> <#n> 2 } ; DELETE DATA { <#a> <#n> 2 }", Ok((6, ""))),
    ("ends in a semicolon", "INSERT DATA { <#a> <#n> 2 } ;", Ok((7, ""))),
    (
        "has three steps",
        "INSERT DATA { <#a> <#n> 2 } ; INSERT DATA { <#a> <#n> 3 } ; DELETE DATA { <#a> <#n> 1 }",
        Ok((7, "")),
    ),
    ("deletes where it matches", "DELETE WHERE { ?x <#p> <#b> }", Ok((4, ""))),
    ("deletes where nothing matches", "DELETE WHERE { ?x <#none> <#b> }", Ok((6, ""))),
    ("deletes everything", "DELETE WHERE { ?s ?p ?o }", Ok((0, ""))),
    ("deletes a node with what it says", "DELETE WHERE { <#d> <#q> ?n . ?n ?p ?o }", Ok((3, ""))),
    ("replaces where it matches", "DELETE { ?x <#n> ?n } INSERT { ?x <#n> 5 } WHERE { ?x <#n> ?n }", Ok((6, "\"5\""))),
    ("replaces every match", "DELETE { ?x <#p> <#b> } INSERT { ?x <#p> <#e> } WHERE { ?x <#p> <#b> }", Ok((6, "#e>"))),
    ("inserts for every match", "INSERT { ?x <#seen> true } WHERE { ?x <#p> <#b> }", Ok((8, "#seen>"))),
    ("inserts a node for every match", "INSERT { ?x <#seen> [ <#by> 1 ] } WHERE { ?x <#p> <#b> }", Ok((10, "#seen>"))),
    ("inserts for no match", "INSERT { ?x <#seen> true } WHERE { ?x <#none> <#b> }", Ok((6, ""))),
    ("deletes for every match", "DELETE { ?x <#p> ?y } WHERE { ?x <#p> ?y }", Ok((4, ""))),
    ("takes a blank node for anything", "INSERT { <#a> <#seen> true } WHERE { _:any <#r> 1 }", Ok((7, ""))),
    (
        "finds what a blank node says",
        "DELETE { ?n <#r> 1 } INSERT { ?n <#r> 3 } WHERE { <#d> <#q> ?n . ?n <#r> 1 }",
        Ok((6, "\"3\"")),
    ),
    (
        "finds by a described node",
        "INSERT { ?x <#seen> true } WHERE { ?x <#q> [ <#r> 1 ; <#s> 2 ] }",
        Ok((7, "#seen>")),
    ),
    ("joins", "INSERT { ?y <#of> ?x } WHERE { ?x <#n> 1 . ?x <#p> ?y }", Ok((7, "#of>"))),
    (
        "sees in a later step what an earlier one did",
        "INSERT DATA { <#z> <#n> 9 } ; DELETE WHERE { ?x <#n> 9 }",
        Ok((6, "")),
    ),
    ("leaves out what would be no statement", "INSERT { ?n <#p> <#e> } WHERE { <#a> <#n> ?n }", Ok((6, ""))),
    ("has prefixes", "PREFIX ex: <http://x/> INSERT DATA { ex:a ex:b ex:c }", Ok((7, "http://x/c"))),
    ("has a base", "BASE <http://x/> INSERT DATA { <a> <b> <c> }", Ok((7, "http://x/c"))),
    ("has braces in a string", "INSERT DATA { <#a> <#says> \"{ ; }\" }", Ok((7, "{ ; }"))),
    ("has remarks", "# first\nINSERT DATA { <#a> <#n> 2 } # last", Ok((7, ""))),
    ("is written in lower case", "insert data { <#a> <#n> 2 }", Ok((7, ""))),
    ("inserts where nothing needs to be", "INSERT { <#a> <#n> 2 } WHERE {}", Ok((7, ""))),
    ("does nothing", "", Ok((6, ""))),
    ("clears", "CLEAR ALL", Err(422)),
    ("drops", "DROP DEFAULT", Err(422)),
    ("loads", "LOAD <http://example.org/>", Err(422)),
    ("creates a graph", "CREATE GRAPH <#g>", Err(422)),
    ("copies", "COPY <#g> TO DEFAULT", Err(422)),
    ("inserts into a named graph", "INSERT DATA { GRAPH <#g> { <#a> <#b> 1 } }", Err(422)),
    ("deletes from a named graph", "DELETE DATA { GRAPH <#g> { <#a> <#b> 1 } }", Err(422)),
    ("uses another graph", "INSERT { <#a> <#b> 1 } USING <#g> WHERE { ?s ?p ?o }", Err(422)),
    ("filters", "DELETE { ?x <#n> ?n } WHERE { ?x <#n> ?n FILTER(?n > 0) }", Err(422)),
    ("has an option", "DELETE { ?x <#n> ?n } WHERE { OPTIONAL { ?x <#n> ?n } }", Err(422)),
    ("has a union", "DELETE { ?x <#n> ?n } WHERE { { ?x <#n> ?n } UNION { ?x <#p> ?n } }", Err(422)),
    ("has a path", "DELETE { ?x <#n> ?n } WHERE { ?x <#n>/<#p> ?n }", Err(422)),
    ("asks another service", "INSERT { <#a> <#b> ?o } WHERE { SERVICE <http://example.org/> { ?s ?p ?o } }", Err(422)),
    ("is a query", "SELECT ?s WHERE { ?s ?p ?o }", Err(400)),
    ("does not parse", "INSERT DATA { <#a> <#b> ", Err(400)),
    ("has a variable in its data", "INSERT DATA { ?x <#b> 1 }", Err(400)),
    ("has a blank node in what it deletes", "DELETE DATA { _:x <#b> 1 }", Err(400)),
    ("has an unknown prefix", "INSERT DATA { x:a x:b x:c }", Err(400)),
    ("fails in its last step", "INSERT DATA { <#a> <#n> 2 } ; CLEAR ALL", Err(422)),
    ("fails to parse in its last step", "INSERT DATA { <#a> <#n> 2 } ; INSERT DATA {", Err(400)),
];

#[test]
fn updates_are_applied_as_a_whole() {
    let mut facts = Facts::of("SPARQL Update");
    for (what, update, does) in UPDATES {
        facts = facts.fact(format!("an update that {what}: {does:?}"), move |at| {
            at.with(&[("x", TARGET)]);
            let tag = || at.alice("GET x").gives(200).header("etag").unwrap().to_owned();
            let (tag_before, before) = (tag(), at.statements("x"));
            at.alice("PATCH x").sparql(update).gives(does.err().unwrap_or(204));
            let after = at.statements("x");
            match does {
                Ok((count, one)) => {
                    assert_eq!(after.len(), *count, "{after:?}");
                    assert!(after.join("\n").contains(one), "{after:?}");
                }
                Err(_) => assert_eq!((tag(), after.len()), (tag_before.clone(), before.len())),
            }
            if *does == Ok((6, "")) {
                assert_eq!(tag(), tag_before, "nothing has changed");
            }
        });
    }
    facts
        .fact("an update makes a document and what is above it", |at| {
            at.alice("PATCH a/b.txt").sparql("INSERT DATA { <#a> <#b> 1 }").gives(201);
            assert_eq!(at.alice("GET a/b.txt").gives(200).header("content-type"), Some("text/turtle"));
        })
        .fact("an update of what is no RDF conflicts", |at| {
            at.alice("PUT x").content("image/png", [1]).gives(201);
            at.alice("PATCH x").sparql("INSERT DATA { <#a> <#b> 1 }").gives(409);
        })
        .fact("relative IRIs of an update are of its target", |at| {
            at.alice("PATCH x").sparql("INSERT DATA { <> <#p> <y> }").gives(201);
            assert_eq!(at.statements("x"), [format!("<{0}> <{0}#p> <{1}> .", at.url("x"), at.url("y"))]);
        })
        .fact("nobody is asked for a language before who asks is known", |at| {
            at.anybody("PATCH x").sparql("INSERT DATA { <#a> <#b> 1 }").gives(401);
            at.bob("PATCH x").sparql("INSERT DATA { <#a> <#b> 1 }").gives(403);
            at.anybody("PATCH x").content("application/unknown", "x").gives(401);
        })
        .fact("whoever may append inserts and does not delete or look", |at| {
            at.with(&[("x", TARGET)]).rules(&super::world::for_bob("acl:Append"));
            at.bob("PATCH x").sparql("INSERT DATA { <#e> <#f> 1 }").gives(204);
            at.bob("PATCH x").sparql("DELETE DATA { <#a> <#n> 1 }").gives(403);
            at.bob("PATCH x").sparql("DELETE WHERE { ?s ?p ?o }").gives(403);
            at.bob("PATCH x").sparql("INSERT { ?s <#f> 2 } WHERE { ?s <#n> 1 }").gives(403);
            at.bob("PATCH x").sparql("INSERT DATA { <#e> <#f> 2 } ; DELETE DATA { <#a> <#n> 1 }").gives(403);
        })
        .fact("an ACL takes an update and is judged as it is then", |at| {
            at.rules("");
            at.alice("PATCH .acl").sparql("INSERT DATA { <#x> <#says> 1 }").gives(204);
            assert!(at.statements(".acl").join("").contains("#says>"));
        })
        .fact("a description takes an update", |at| {
            at.with(&[("x", "")]);
            at.alice("PATCH x.meta").sparql("INSERT DATA { <x> <#says> 1 }").gives(201);
            at.alice("PATCH x.meta").sparql("DELETE DATA { <x> <#says> 1 }").gives(204);
            assert!(at.statements("x.meta").is_empty());
        })
        .fact("a container takes an update of its own statements", |at| {
            at.with(&[("sub/x", "")]);
            at.alice("PATCH sub/").sparql("INSERT DATA { <> <#title> \"t\" }").gives(204);
            at.alice("PATCH sub/")
                .sparql("DELETE { <> <#title> ?t } INSERT { <> <#title> \"u\" } WHERE { <> <#title> ?t }")
                .gives(204);
            assert!(at.statements("sub/").join("").contains("\"u\""));
            assert_eq!(at.members("sub/"), ["x"]);
        })
        .fact("the edit that rdflib makes of a blank node works", |at| {
            at.with(&[("x", "<#me> <#address> [ <#street> \"A\" ; <#city> \"B\" ] .")]);
            let update = "DELETE { ?a <#street> \"A\" . } INSERT { ?a <#street> \"C\" . } \
                          WHERE { <#me> <#address> ?a . ?a <#street> \"A\" . ?a <#city> \"B\" . }";
            at.alice("PATCH x").sparql(update).gives(204);
            assert!(at.statements("x").join("").contains("\"C\"") && at.statements("x").len() == 3);
        })
        .fact("ten updates at once all survive", |at| {
            at.with(&[("x", TARGET)]);
            at_once(at);
            assert_eq!(at.statements("x").len(), 16);
        })
        .fact("more steps than are taken are refused", |at| {
            at.alice("PATCH x").sparql(&"INSERT DATA { <#a> <#b> 1 } ;".repeat(257)).gives(422);
        })
        .hold();
}

fn at_once(at: &Place) {
    std::thread::scope(|scope| {
        for n in 0..10 {
            scope.spawn(move || {
                let update = format!("INSERT DATA {{ <#a> <#many> {n} }}");
                at.alice("PATCH x").sparql(&update).gives(204)
            });
        }
    });
}

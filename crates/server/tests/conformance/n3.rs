//! N3 Patch: each rule of the document, what a patch does, and what it conflicts with.
//!
//! Spec: <https://solidproject.org/TR/protocol#n3-patch> (0.12: blank nodes in insertions become new nodes)

use super::facts::{Facts, Place, n3};

const SOLID: &str = "@prefix solid: <http://www.w3.org/ns/solid/terms#>.\n";
const TARGET: &str = "@prefix : <#>. :a :p :b ; :n 1 . :c :p :b . [] :q \"blank\" .";

/// A document that is no patch, and its status.
const DOCUMENTS: &[(&str, &str, u16)] = &[
    ("an empty document", "", 422),
    ("no patch", "<#x> <#says> 1 .", 422),
    ("two patches", "<#1> a solid:InsertDeletePatch. <#2> a solid:InsertDeletePatch.", 422),
    ("a patch and insertions of another", "<#1> a solid:InsertDeletePatch. <#2> solid:inserts {}.", 422),
    ("no type", "<#1> solid:inserts { <#a> <#b> 1 }.", 422),
    ("another type", "<#1> a solid:Patch; solid:inserts { <#a> <#b> 1 }.", 422),
    ("a variable as the patch", "?x a solid:InsertDeletePatch; solid:inserts { <#a> <#b> 1 }.", 422),
    ("two insertions", "<#1> a solid:InsertDeletePatch; solid:inserts { <#a> <#b> 1 }, { <#a> <#b> 2 }.", 422),
    ("two deletions", "<#1> a solid:InsertDeletePatch; solid:deletes { <#a> <#b> 1 }, { <#a> <#b> 2 }.", 422),
    ("two conditions", "<#1> a solid:InsertDeletePatch; solid:where { <#a> <#b> 1 }, { <#a> <#b> 2 }.", 422),
    ("two empty conditions", "<#1> a solid:InsertDeletePatch; solid:where {}, {}.", 422),
    ("an IRI for a formula", "<#1> a solid:InsertDeletePatch; solid:inserts <#x>.", 422),
    ("text for a formula", "<#1> a solid:InsertDeletePatch; solid:deletes \"x\".", 422),
    ("a blank node for a formula", "<#1> a solid:InsertDeletePatch; solid:where _:x.", 422),
    ("a described node for a formula", "<#1> a solid:InsertDeletePatch; solid:inserts [ <#a> <#b> ].", 422),
    ("a list for a formula", "<#1> a solid:InsertDeletePatch; solid:inserts ( <#a> ).", 422),
    ("a formula in a formula", "<#1> a solid:InsertDeletePatch; solid:inserts { <#a> <#b> { <#c> <#d> 1 } }.", 422),
    ("a list in a formula", "<#1> a solid:InsertDeletePatch; solid:inserts { <#a> <#b> (1 2) }.", 422),
    (
        "an implication in a formula",
        "<#1> a solid:InsertDeletePatch; solid:where { { <#a> <#b> 1 } => { <#c> <#d> 1 } }.",
        422,
    ),
    ("a literal for a subject", "<#1> a solid:InsertDeletePatch; solid:inserts { 1 <#b> <#c> }.", 422),
    ("a literal for a predicate", "<#1> a solid:InsertDeletePatch; solid:inserts { <#a> 1 <#c> }.", 422),
    ("a variable that nothing binds", "<#1> a solid:InsertDeletePatch; solid:inserts { ?x <#b> <#c> }.", 422),
    (
        "a variable in deletions that nothing binds",
        "<#1> a solid:InsertDeletePatch; solid:deletes { ?x <#b> <#c> }.",
        422,
    ),
    (
        "a variable that another binds",
        "<#1> a solid:InsertDeletePatch; solid:where { ?y <#p> <#b> }; solid:inserts { ?x <#b> <#c> }.",
        422,
    ),
    ("a blank node in deletions", "<#1> a solid:InsertDeletePatch; solid:deletes { _:x <#p> <#b> }.", 422),
    ("an unnamed blank node in deletions", "<#1> a solid:InsertDeletePatch; solid:deletes { [] <#p> <#b> }.", 422),
    (
        "a label in condition and insertions",
        "<#1> a solid:InsertDeletePatch; solid:where { _:x <#n> 1 }; solid:inserts { _:x <#p> 2 }.",
        422,
    ),
    ("a label in the document and in insertions", "_:x a solid:InsertDeletePatch; solid:inserts { _:x <#p> 2 }.", 422),
    ("what does not parse", "<#1> a solid:InsertDeletePatch; solid:inserts { <#a> ", 400),
    ("an unknown prefix", "<#1> a solid:InsertDeletePatch; solid:inserts { x:a <#b> 1 }.", 400),
    ("bytes that are no text", "<#1> a solid:InsertDeletePatch; solid:inserts { <#a> <#b> \"\u{0}", 400),
];

/// What is said of a patch, and what it comes to on the target: the statements that come and those that go, or a
/// conflict.
type Does = Result<(&'static [&'static str], usize), u16>;

const PATCHES: &[(&str, &str, Does)] = &[
    ("inserts", "solid:inserts { <#a> <#p> <#d> }", Ok((&["#a> #p> #d>"], 0))),
    (
        "inserts several",
        "solid:inserts { <#a> <#p> <#d>, <#e> . <#f> <#p> 1 }",
        Ok((&["#a> #p> #d>", "#a> #p> #e>", "#f> #p> \"1\""], 0)),
    ),
    ("inserts what is there", "solid:inserts { <#a> <#p> <#b> }", Ok((&[], 0))),
    ("deletes", "solid:deletes { <#a> <#p> <#b> }", Ok((&[], 1))),
    ("deletes several", "solid:deletes { <#a> <#p> <#b>; <#n> 1 }", Ok((&[], 2))),
    (
        "deletes and inserts",
        "solid:deletes { <#a> <#n> 1 }; solid:inserts { <#a> <#n> 2 }",
        Ok((&["#a> #n> \"2\""], 1)),
    ),
    ("deletes and inserts the same", "solid:deletes { <#a> <#n> 1 }; solid:inserts { <#a> <#n> 1 }", Ok((&[], 0))),
    ("binds a subject", "solid:where { ?x <#n> 1 }; solid:inserts { ?x <#p> <#d> }", Ok((&["#a> #p> #d>"], 0))),
    (
        "binds an object",
        "solid:where { <#a> <#n> ?n }; solid:deletes { <#a> <#n> ?n }; solid:inserts { <#a> <#n> 2 }",
        Ok((&["#a> #n> \"2\""], 1)),
    ),
    ("binds a predicate", "solid:where { <#c> ?p <#b> }; solid:inserts { <#c> ?p <#d> }", Ok((&["#c> #p> #d>"], 0))),
    ("binds two", "solid:where { ?x <#n> ?n }; solid:deletes { ?x <#n> ?n }", Ok((&[], 1))),
    ("joins", "solid:where { ?x <#n> 1 . ?x <#p> ?y }; solid:inserts { ?y <#of> ?x }", Ok((&["#b> #of> #a>"], 0))),
    (
        "binds a blank node to a variable",
        "solid:where { ?x <#q> \"blank\" }; solid:deletes { ?x <#q> \"blank\" }",
        Ok((&[], 1)),
    ),
    (
        "takes a blank node for anything",
        "solid:where { _:any <#p> <#b> }; solid:inserts { <#a> <#p> <#d> }",
        Ok((&["#a> #p> #d>"], 0)),
    ),
    (
        "holds a condition without variables",
        "solid:where { <#a> <#n> 1 }; solid:inserts { <#a> <#p> <#d> }",
        Ok((&["#a> #p> #d>"], 0)),
    ),
    ("says nothing", "solid:where {}; solid:inserts {}; solid:deletes {}", Ok((&[], 0))),
    ("has a condition alone", "solid:where { <#a> <#n> 1 }", Ok((&[], 0))),
    ("says something else besides", "<#note> \"x\"; solid:inserts { <#a> <#p> <#d> }", Ok((&["#a> #p> #d>"], 0))),
    ("deletes what is not there", "solid:deletes { <#a> <#p> <#none> }", Err(409)),
    (
        "deletes something that is there and something that is not",
        "solid:deletes { <#a> <#p> <#b>, <#none> }",
        Err(409),
    ),
    ("deletes and would insert", "solid:deletes { <#a> <#p> <#none> }; solid:inserts { <#a> <#p> <#d> }", Err(409)),
    ("matches nothing", "solid:where { ?x <#none> 1 }; solid:inserts { ?x <#p> <#d> }", Err(409)),
    ("matches nothing without variables", "solid:where { <#a> <#n> 2 }; solid:inserts { <#a> <#p> <#d> }", Err(409)),
    ("matches twice", "solid:where { ?x <#p> <#b> }; solid:inserts { ?x <#p> <#d> }", Err(409)),
    ("puts a literal as a subject", "solid:where { <#a> <#n> ?n }; solid:inserts { ?n <#p> <#d> }", Err(409)),
    ("puts a literal as a predicate", "solid:where { <#a> <#n> ?n }; solid:inserts { <#a> ?n <#d> }", Err(409)),
    ("puts a blank node as a predicate", "solid:where { ?x <#q> \"blank\" }; solid:inserts { <#a> ?x <#d> }", Err(409)),
    ("tells languages apart", "solid:deletes { _:x <#q> \"blank\"@en }", Err(422)),
    ("tells datatypes apart", "solid:deletes { <#a> <#n> \"1\" }", Err(409)),
    (
        "tells lexical forms apart",
        "solid:deletes { <#a> <#n> \"01\"^^<http://www.w3.org/2001/XMLSchema#integer> }",
        Err(409),
    ),
];

fn short(statement: &str, url: &str) -> String {
    let text = statement.replace(&format!("<{url}"), "").replace("^^<http://www.w3.org/2001/XMLSchema#integer>", "");
    text.trim_end_matches(" .").to_owned()
}

#[test]
fn n3_patches_are_read_and_applied_as_a_whole() {
    let mut facts = Facts::of("N3 Patch");
    for (what, document, status) in DOCUMENTS {
        for (target, there) in [("x", true), ("new", false)] {
            facts = facts.fact(format!("{what} is {status} (there: {there})"), move |at| {
                at.with(&[("x", TARGET)]);
                let before = at.alice("GET x").gives(200);
                at.alice(&format!("PATCH {target}")).content("text/n3", format!("{SOLID}{document}")).gives(*status);
                assert_eq!(at.alice("GET x").gives(200).header("etag"), before.header("etag"));
                at.alice("GET new").gives(404);
            });
        }
    }
    for (what, says, does) in PATCHES {
        facts = facts.fact(format!("a patch that {what}: {does:?}"), move |at| {
            at.with(&[("x", TARGET)]);
            let tag = || at.alice("GET x").gives(200).header("etag").unwrap().to_owned();
            let (tag_before, before) = (tag(), at.statements("x"));
            at.alice("PATCH x").patch(says).gives(does.err().unwrap_or(204));
            // Blank nodes have other labels each time, but they are as many.
            let (url, after) = (at.url("x"), at.statements("x"));
            let plain = |all: &[String]| -> Vec<String> {
                all.iter().filter(|line| !line.contains("_:")).map(|line| short(line, &url)).collect()
            };
            let (old, new) = (plain(&before), plain(&after));
            let came: Vec<_> = new.iter().filter(|line| !old.contains(line)).cloned().collect();
            let (expected, gone) = does.unwrap_or((&[], 0));
            let mut expected: Vec<_> = expected.iter().map(|line| (*line).to_owned()).collect();
            expected.sort();
            assert_eq!((came, after.len()), (expected.clone(), before.len() + expected.len() - gone), "{after:?}");
            assert_eq!(tag() != tag_before, does.is_ok() && (!expected.is_empty() || gone > 0));
        });
    }
    facts
        .fact("a patch makes a document in Turtle, whatever its name", |at| {
            at.alice("PATCH x.txt").patch("solid:inserts { <#a> <#b> 1 }").gives(201);
            assert_eq!(at.alice("GET x.txt").gives(200).header("content-type"), Some("text/turtle"));
        })
        .fact("a patch that deletes from nothing conflicts", |at| {
            at.alice("PATCH new").patch("solid:deletes { <#a> <#b> 1 }").gives(409);
            at.alice("GET new").gives(404);
        })
        .fact("a patch that looks in nothing conflicts", |at| {
            at.alice("PATCH new").patch("solid:where { ?a <#b> 1 }; solid:inserts { ?a <#b> 2 }").gives(409);
            at.alice("GET new").gives(404);
        })
        .fact("what is no RDF is not patched", |at| {
            at.alice("PUT x").content("text/plain", "text").gives(201);
            at.alice("PATCH x").patch("solid:inserts { <#a> <#b> 1 }").gives(409);
            assert_eq!(at.alice("GET x").gives(200).text(), "text");
        })
        .fact("a document in JSON-LD stays JSON-LD", |at| {
            at.alice("PUT x").json_ld("{\"@id\":\"#a\",\"http://x/b\":1}").gives(201);
            at.alice("PATCH x").patch("solid:inserts { <#a> <http://x/b> 2 }").gives(204);
            assert_eq!(at.alice("GET x").gives(200).header("content-type"), Some("application/ld+json"));
            assert_eq!(at.statements("x").len(), 2);
        })
        .fact("blank nodes in insertions are new", |at| {
            at.with(&[("x", "_:n <#p> 1 .")]);
            at.alice("PATCH x").patch("solid:inserts { _:n <#p> 1 . _:n <#p> 2 }").gives(204);
            assert_eq!(at.statements("x").len(), 3);
        })
        .fact("blank nodes in insertions are new each time", |at| {
            at.path();
            at.alice("PATCH x").patch("solid:inserts { _:n <#p> 1 }").gives(201);
            at.alice("PATCH x").patch("solid:inserts { _:n <#p> 1 }").gives(204);
            assert_eq!(at.statements("x").len(), 2);
        })
        .fact("one label in insertions is one node", |at| {
            at.alice("PATCH x").patch("solid:inserts { <#a> <#p> _:n . _:n <#q> 1 }").gives(201);
            let nodes: std::collections::HashSet<String> = nodes(&at.statements("x"));
            assert_eq!(nodes.len(), 1);
        })
        .fact("a described node in insertions is one node", |at| {
            at.alice("PATCH x").patch("solid:inserts { <#a> <#p> [ <#q> 1; <#r> [ <#s> 2 ] ] }").gives(201);
            assert_eq!((at.statements("x").len(), nodes(&at.statements("x")).len()), (4, 2));
        })
        .fact("a blank node that was found is deleted with what it says", |at| {
            at.with(&[("x", "<#a> <#p> [ <#q> 1 ] .")]);
            let both = "<#a> <#p> ?n . ?n <#q> 1";
            at.alice("PATCH x").patch(&format!("solid:where {{ {both} }}; solid:deletes {{ {both} }}")).gives(204);
            assert!(at.statements("x").is_empty());
        })
        .fact("relative IRIs of a patch are of its target", |at| {
            at.alice("PATCH x").patch("solid:inserts { <> <#p> <y> }").gives(201);
            assert_eq!(at.statements("x"), [format!("<{0}> <{0}#p> <{1}> .", at.url("x"), at.url("y"))]);
        })
        .fact("prefixes of a document are kept", |at| {
            at.with(&[("x", "@prefix ex: <http://x/>. <#a> ex:b ex:c .")]);
            at.alice("PATCH x").patch("solid:inserts { <#a> <http://x/b> 1 }").gives(204);
            assert!(at.alice("GET x").gives(200).text().contains("ex:b"));
        })
        .fact("parameters of text/n3 are no matter", |at| {
            let patch = n3("solid:inserts { <#a> <#b> 1 }");
            at.alice("PATCH x").content("text/n3;charset=utf-8", patch).gives(201);
        })
        .fact("text/turtle is no patch language", |at| {
            let told = at.alice("PATCH x").turtle("<#a> <#b> 1 .").gives(415);
            assert_eq!(told.header("accept-patch"), Some("text/n3, application/sparql-update"));
        })
        .fact("a patch may be a blank node", |at| {
            let patch = format!("{SOLID} [] a solid:InsertDeletePatch; solid:inserts {{ <#a> <#b> 1 }} .");
            at.alice("PATCH x").content("text/n3", patch).gives(201);
        })
        .fact("a patch may be the document itself", |at| {
            let patch = format!("{SOLID} <> a solid:InsertDeletePatch; solid:inserts {{ <#a> <#b> 1 }} .");
            at.alice("PATCH x").content("text/n3", patch).gives(201);
        })
        .fact("broken requirements are named", |at| {
            let told = at.alice("PATCH x").patch("solid:inserts { ?x <#b> 1 }").gives(422).json();
            assert!(told["requirement"].as_str().unwrap().contains("#server-patch-n3-"), "{told}");
        })
        .fact("ten patches at once all survive", |at| {
            at.with(&[("x", "<#a> <#b> 0 .")]);
            at_once(at, |n| at.alice("PATCH x").patch(&format!("solid:inserts {{ <#a> <#b> {n} }}")).gives(204));
            assert_eq!(at.statements("x").len(), 11);
        })
        .fact("ten patches at once that make a document all survive", |at| {
            at_once(at, |n| {
                at.alice("PATCH a/x").patch(&format!("solid:inserts {{ <#a> <#b> {n} }}")).gives_any(&[201, 204])
            });
            assert_eq!(at.statements("a/x").len(), 10);
        })
        .fact("ten counters at once count to ten", |at| {
            at.with(&[("x", "<#a> <#n> 0 .")]);
            at_once(at, |_| {
                loop {
                    let line = at.statements("x").remove(0);
                    let n: u32 = line.split('"').nth(1).unwrap().parse().unwrap();
                    let patch = format!("solid:deletes {{ <#a> <#n> {n} }}; solid:inserts {{ <#a> <#n> {} }}", n + 1);
                    let told = at.alice("PATCH x").patch(&patch).gives_any(&[204, 409]);
                    if told.status == 204 {
                        return told;
                    }
                }
            });
            assert!(at.statements("x")[0].contains("\"10\""), "{:?}", at.statements("x"));
        })
        .fact("a conflict tells nothing to those who may not read", |at| {
            at.with(&[("x", "<#a> <#b> 1 .")]).rules(&super::world::for_bob("acl:Append"));
            at.bob("PATCH x").patch("solid:where { ?a <#b> 2 }; solid:inserts { <#c> <#d> 1 }").gives(403);
            at.bob("PATCH x").patch("solid:deletes { <#a> <#b> 2 }").gives(403);
            at.bob("PATCH x").patch("solid:inserts { <#c> <#d> 1 }").gives(204);
        })
        .hold();
}

/// Ten requests at once.
fn at_once<T: Send>(at: &Place, ask: impl Fn(usize) -> T + Sync) {
    at.path();
    std::thread::scope(|scope| {
        for n in 1..=10 {
            let ask = &ask;
            scope.spawn(move || ask(n));
        }
    });
}

/// The labels of blank nodes in statements.
fn nodes(statements: &[String]) -> std::collections::HashSet<String> {
    statements
        .iter()
        .flat_map(|line| line.split(' '))
        .filter(|term| term.starts_with("_:"))
        .map(str::to_owned)
        .collect()
}

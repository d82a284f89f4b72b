//! Every cause for which a patch is refused, and what those do that are not.

use super::*;
use crate::problem::Kind;
use podbell_model::rdf::{self, RdfFormat};

const BASE: &str = "http://x/doc";
const TARGET: &str = "@prefix : <#>. :a :p :b ; :n 1 . :c :p :b . [] :p \"blank\" .";

fn target() -> ResourceIri {
    ResourceIri::parse(BASE).unwrap()
}

fn turtle(text: &str) -> Dataset {
    rdf::parse(RdfFormat::Turtle, BASE, text.as_bytes()).unwrap()
}

fn n3(body: &str) -> Result<Patch, Problem> {
    let text = format!("@prefix solid: <http://www.w3.org/ns/solid/terms#>. @prefix : <#>.\n{body}");
    Patch::parse("text/n3", &target(), text.as_bytes())
}

fn update(body: &str) -> Result<Patch, Problem> {
    Patch::parse("application/sparql-update", &target(), format!("PREFIX : <#> {body}").as_bytes())
}

/// Applies to [`TARGET`]: the graph afterwards and whether it changed, or the kind of refusal.
fn run(patch: Result<Patch, Problem>) -> Result<(Dataset, bool), Kind> {
    let mut dataset = turtle(TARGET);
    let effect = patch.and_then(|patch| Ok(patch.apply(&mut dataset)?)).map_err(|problem| problem.kind())?;
    Ok((dataset, effect.changed))
}

#[test]
fn each_broken_rule_has_its_error() {
    let patch = "<> a solid:InsertDeletePatch; ";
    let syntax = |error: &PatchError| matches!(error, PatchError::Syntax(_));
    let cases: Vec<(String, Box<dyn Fn(&PatchError) -> bool>)> = vec![
        ("<> a solid:InsertDeletePatch; solid:inserts { :a ".into(), Box::new(syntax)),
        ("".into(), Box::new(|e| *e == PatchError::Subjects(0))),
        (
            "<#1> a solid:InsertDeletePatch. <#2> a solid:InsertDeletePatch.".into(),
            Box::new(|e| *e == PatchError::Subjects(2)),
        ),
        ("<#1> a solid:InsertDeletePatch. <#2> solid:inserts {}.".into(), Box::new(|e| *e == PatchError::Subjects(2))),
        ("<> solid:inserts { :a :b :c }.".into(), Box::new(|e| *e == PatchError::NoType)),
        (
            format!("{patch} solid:inserts {{ :a :b :c }}, {{ :a :b :d }}."),
            Box::new(|e| *e == PatchError::Repeated("inserts")),
        ),
        (format!("{patch} solid:where {{}}, {{}}."), Box::new(|e| *e == PatchError::Repeated("where"))),
        (format!("{patch} solid:inserts <#x>."), Box::new(|e| *e == PatchError::NoFormula("inserts"))),
        (format!("{patch} solid:deletes \"x\"."), Box::new(|e| *e == PatchError::NoFormula("deletes"))),
        (format!("{patch} solid:where _:x."), Box::new(|e| *e == PatchError::NoFormula("where"))),
        (format!("{patch} solid:inserts [ :a :b ]."), Box::new(|e| *e == PatchError::NoFormula("inserts"))),
        (
            format!("{patch} solid:inserts {{ :a :b {{ :c :d :e }} }}."),
            Box::new(|e| *e == PatchError::NotPlain("inserts")),
        ),
        (format!("{patch} solid:inserts {{ :a :b (1 2) }}."), Box::new(|e| *e == PatchError::NotPlain("inserts"))),
        (
            format!("{patch} solid:where {{ {{ :a :b :c }} => {{ :d :e :f }} }}."),
            Box::new(|e| *e == PatchError::NotPlain("where")),
        ),
        (format!("{patch} solid:inserts {{ 1 :b :c }}."), Box::new(|e| *e == PatchError::NotPlain("inserts"))),
        (format!("{patch} solid:inserts {{ ?x :b :c }}."), Box::new(|e| *e == PatchError::Unbound("x".into()))),
        (
            format!("{patch} solid:where {{ ?y :p :b }}; solid:deletes {{ :a ?x :b }}."),
            Box::new(|e| *e == PatchError::Unbound("x".into())),
        ),
        (format!("{patch} solid:deletes {{ _:x :p :b }}."), Box::new(|e| *e == PatchError::BlankDeletion)),
        (format!("{patch} solid:deletes {{ :a :p [] }}."), Box::new(|e| *e == PatchError::BlankDeletion)),
        (
            format!("{patch} solid:where {{ _:x :p :b }}; solid:inserts {{ _:x :p :d }}."),
            Box::new(|e| *e == PatchError::SharedBlank("x".into())),
        ),
        (
            "_:x a solid:InsertDeletePatch; solid:inserts { _:x :p :d }.".into(),
            Box::new(|e| *e == PatchError::SharedBlank("x".into())),
        ),
    ];
    for (text, expected) in cases {
        let problem = n3(&text).unwrap_err();
        let kind = problem.kind();
        let Problem::Patch(error) = problem else { panic!("{text}: {problem}") };
        assert!(expected(&error), "{text}: {error:?}");
        assert_eq!(kind, if syntax(&error) { Kind::BadRequest } else { Kind::Unprocessable }, "{text}");
    }
}

#[test]
fn n3_patches_do_what_they_say_or_conflict() {
    let patch = "_:p a solid:InsertDeletePatch; :note \"tolerated\"; ";
    for (body, expected) in [
        ("solid:inserts { :a :p :d }", Ok((format!("{TARGET} <#a> <#p> <#d> ."), true))),
        ("solid:inserts { :a :p :b }", Ok((TARGET.into(), false))),
        ("solid:where {}; solid:inserts {}", Ok((TARGET.into(), false))),
        ("solid:where { :a :p :b }", Ok((TARGET.into(), false))),
        ("solid:where { ?x :n 1 }; solid:inserts { ?x :p :d }", Ok((format!("{TARGET} <#a> <#p> <#d> ."), true))),
        ("solid:where { ?x :p :b }; solid:inserts { ?x :p :d }", Err(Kind::Conflict)),
        ("solid:where { ?x :p :none }; solid:inserts { ?x :p :d }", Err(Kind::Conflict)),
        // Two blank nodes that fit are one mapping: they are not told apart.
        ("solid:where { _:any :p :b }; solid:inserts { :a :p :d }", Ok((format!("{TARGET} <#a> <#p> <#d> ."), true))),
        ("solid:deletes { :a :p :none }", Err(Kind::Conflict)),
        ("solid:deletes { :a :p :b, :none }", Err(Kind::Conflict)),
        ("solid:where { :a :n ?n }; solid:inserts { ?n :p :d }", Err(Kind::Conflict)),
        ("solid:where { :a :n ?n }; solid:inserts { :d ?n :d }", Err(Kind::Conflict)),
        ("solid:deletes { :a :p :b }; solid:inserts { :a :p :b }", Ok((TARGET.into(), false))),
        (
            "solid:where { :a :n ?n }; solid:deletes { :a :n ?n }; solid:inserts { :a :n 2 }",
            Ok((TARGET.replace(":n 1", ":n 2"), true)),
        ),
        (
            "solid:where { ?x :p \"blank\" }; solid:deletes { ?x :p \"blank\" }",
            Ok((TARGET.replace("[] :p \"blank\" .", ""), true)),
        ),
    ] {
        let expected = expected.map(|(text, changed)| (turtle(&text), changed));
        let (mut found, mut expected) = (run(n3(&format!("{patch} {body}."))), expected);
        for result in [&mut found, &mut expected] {
            if let Ok((dataset, _)) = result {
                dataset.canonicalize(oxrdf::dataset::CanonicalizationAlgorithm::Unstable);
            }
        }
        assert_eq!(found, expected, "{body}");
    }
}

#[test]
fn blank_nodes_in_insertions_are_new_each_time() {
    let patch = n3("<> a solid:InsertDeletePatch; solid:inserts { _:x :q 1 . _:x :q 2 }.").unwrap();
    let mut dataset = Dataset::new();
    assert!(patch.apply(&mut dataset).unwrap().changed);
    assert!(patch.apply(&mut dataset).unwrap().changed);
    assert_eq!(dataset.len(), 4);
}

#[test]
fn access_follows_the_parts_of_a_patch() {
    let all =
        n3("<> a solid:InsertDeletePatch; solid:where {?x :n 1}; solid:deletes {?x :n 1}; solid:inserts {?x :n 2}.");
    let all = all.unwrap();
    assert!(all.looks() && all.deletes() && all.inserts());
    let none = n3("<> a solid:InsertDeletePatch; solid:where {}.").unwrap();
    assert!(!none.looks() && !none.deletes() && !none.inserts());
    let data = update("INSERT DATA { :a :p :d }").unwrap();
    assert!(!data.looks() && !data.deletes() && data.inserts());
}

#[test]
fn sparql_updates_apply_to_every_match() {
    for (body, expected) in [
        ("INSERT DATA { :a :p :d }", Ok((format!("{TARGET} <#a> <#p> <#d> ."), true))),
        ("INSERT DATA { :a :p :b }", Ok((TARGET.into(), false))),
        ("DELETE DATA { :a :p :none }", Ok((TARGET.into(), false))),
        ("DELETE DATA { :a :n 1 }", Ok((TARGET.replace(" ; :n 1", ""), true))),
        ("DELETE DATA { :a :n 1 } ; INSERT DATA { :a :n 1 }", Ok((TARGET.into(), false))),
        ("DELETE { ?x :p :b } INSERT { ?x :p :d } WHERE { ?x :p :b }", Ok((TARGET.replace(":p :b", ":p :d"), true))),
        ("DELETE WHERE { ?x :p :b }", Ok((TARGET.replace(":p :b ; ", "").replace(":c :p :b .", ""), true))),
        ("INSERT { ?x :p :d } WHERE { ?x :none :b }", Ok((TARGET.into(), false))),
        ("INSERT DATA { GRAPH <#g> { :a :p :d } }", Err(Kind::Unprocessable)),
        ("INSERT { ?x :p :d } WHERE { ?x :n ?n FILTER(?n > 0) }", Err(Kind::Unprocessable)),
        ("INSERT { ?x :p :d } WHERE { { ?x :n 1 } UNION { ?x :n 2 } }", Err(Kind::Unprocessable)),
        ("INSERT { ?x :p :d } WHERE { ?x :n/:m 1 }", Err(Kind::Unprocessable)),
        ("CLEAR ALL", Err(Kind::Unprocessable)),
        ("LOAD <http://elsewhere/>", Err(Kind::Unprocessable)),
        ("INSERT DATA { :a :p ", Err(Kind::BadRequest)),
        ("nonsense", Err(Kind::BadRequest)),
    ] {
        let expected = expected.map(|(text, changed)| (turtle(&text), changed));
        let (mut found, mut expected) = (run(update(body)), expected);
        for result in [&mut found, &mut expected] {
            if let Ok((dataset, _)) = result {
                dataset.canonicalize(oxrdf::dataset::CanonicalizationAlgorithm::Unstable);
            }
        }
        assert_eq!(found, expected, "{body}");
    }
}

#[test]
fn strings_and_iris_may_hold_what_the_language_nests_with() {
    for data in [
        "INSERT DATA { :a :p \"{{ (a|b) }} ' \\\" \" }",
        "INSERT DATA { :a :p '' , \"\" , '''{{ ' (\n'''  }",
        "INSERT DATA { :a :p \"1\"^^<http://www.w3.org/2001/XMLSchema#integer> }",
        "INSERT DATA { <http://x/(a)/b?c=d#e> :p [ :q [ :r 1 ] ] } # {{ (",
    ] {
        assert_eq!(run(update(data)).map(|(_, changed)| changed), Ok(true), "{data}");
    }
}

#[test]
fn text_that_nests_is_refused_before_it_is_parsed() {
    for attack in [
        "{".repeat(1_000_000),
        format!("DELETE WHERE {{ ?x :p {} }}", "[ :p ".repeat(1_000_000)),
        format!("INSERT {{}} WHERE {{ ?x {} ?y }}", "^".repeat(1_000_000)),
        format!("INSERT {{}} WHERE {{ ?x {}:p ?y }}", ":p/".repeat(500_000)),
        format!("INSERT {{}} WHERE {{ FILTER {}1 }}", "!".repeat(1_000_000)),
        format!("INSERT DATA {{ :a\\é :p {} }}", "(".repeat(1_000_000)),
        format!("INSERT DATA {{ :a < {} }}", "(".repeat(1_000_000)),
    ] {
        assert!(matches!(update(&attack), Err(Problem::Patch(PatchError::Unsupported))), "{}", &attack[..40]);
    }
}

#[test]
fn a_pattern_that_explodes_is_cut_off() {
    let mut dataset = Dataset::new();
    let statements: String = (0..200).map(|n| format!("<#s{n}> <#p> <#o{n}> . ")).collect();
    dataset.extend(turtle(&statements).iter());
    let patterns: String = (0..8).map(|n| format!("_:s{n} :p _:o{n} . ")).collect();
    let body = format!("<> a solid:InsertDeletePatch; solid:where {{ {patterns} ?a :none ?b }}.");
    let unmatched = n3(&body).unwrap().apply(&mut dataset).unwrap_err();
    let patterns: String = (0..8).map(|n| format!("?s{n} :p ?o{n} . ")).collect();
    let exploding = format!("INSERT {{ ?s0 :q ?o1 }} WHERE {{ {patterns} }}");
    let exploded = update(&exploding).unwrap().apply(&mut dataset).unwrap_err();
    assert!(matches!(unmatched, PatchConflict::NoMapping | PatchConflict::TooMuchWork { .. }), "{unmatched:?}");
    assert!(matches!(exploded, PatchConflict::TooMuchWork { .. }), "{exploded:?}");
    assert_eq!(Problem::from(exploded).kind(), Kind::Unprocessable);
}

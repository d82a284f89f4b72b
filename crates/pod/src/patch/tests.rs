//! Every cause for which a patch is refused, and what those do that are not.

use super::*;
use crate::problem::Kind;
use oxrdf::dataset::CanonicalizationAlgorithm;
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
    let unreadable = n3("<> a solid:InsertDeletePatch; solid:inserts { :a ").unwrap_err();
    assert_eq!(unreadable.kind(), Kind::BadRequest);
    let cases: Vec<(String, PatchError)> = vec![
        (String::new(), PatchError::Subjects(0)),
        ("<#1> a solid:InsertDeletePatch. <#2> a solid:InsertDeletePatch.".into(), PatchError::Subjects(2)),
        ("<#1> a solid:InsertDeletePatch. <#2> solid:inserts {}.".into(), PatchError::Subjects(2)),
        ("<> solid:inserts { :a :b :c }.".into(), PatchError::NoType),
        (format!("{patch} solid:inserts {{ :a :b :c }}, {{ :a :b :d }}."), PatchError::Repeated("inserts")),
        (format!("{patch} solid:where {{}}, {{}}."), PatchError::Repeated("where")),
        (format!("{patch} solid:inserts <#x>."), PatchError::NoFormula("inserts")),
        (format!("{patch} solid:deletes \"x\"."), PatchError::NoFormula("deletes")),
        (format!("{patch} solid:where _:x."), PatchError::NoFormula("where")),
        (format!("{patch} solid:inserts [ :a :b ]."), PatchError::NoFormula("inserts")),
        (format!("{patch} solid:inserts {{ :a :b {{ :c :d :e }} }}."), PatchError::NotPlain("inserts")),
        (format!("{patch} solid:inserts {{ :a :b (1 2) }}."), PatchError::NotPlain("inserts")),
        (format!("{patch} solid:where {{ {{ :a :b :c }} => {{ :d :e :f }} }}."), PatchError::NotPlain("where")),
        (format!("{patch} solid:inserts {{ 1 :b :c }}."), PatchError::NotPlain("inserts")),
        (format!("{patch} solid:inserts {{ ?x :b :c }}."), PatchError::Unbound("x".into())),
        (format!("{patch} solid:where {{ ?y :p :b }}; solid:deletes {{ :a ?x :b }}."), PatchError::Unbound("x".into())),
        (format!("{patch} solid:deletes {{ _:x :p :b }}."), PatchError::BlankDeletion),
        (format!("{patch} solid:deletes {{ :a :p [] }}."), PatchError::BlankDeletion),
        (
            format!("{patch} solid:where {{ _:x :p :b }}; solid:inserts {{ _:x :p :d }}."),
            PatchError::SharedBlank("x".into()),
        ),
        ("_:x a solid:InsertDeletePatch; solid:inserts { _:x :p :d }.".into(), PatchError::SharedBlank("x".into())),
    ];
    for (text, expected) in cases {
        let problem = n3(&text).unwrap_err();
        assert_eq!(problem.kind(), Kind::Unprocessable, "{text}");
        let Problem::Patch(error) = problem else { panic!("{text}: {problem}") };
        assert_eq!(error, expected, "{text}");
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
        for (dataset, _) in [&mut found, &mut expected].into_iter().flatten() {
            dataset.canonicalize(CanonicalizationAlgorithm::Unstable);
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
        (
            "INSERT DATA { :a :list ( 1 ( :b [ :q () ] ) ) }",
            Ok((format!("{TARGET} <#a> <#list> (1 (<#b> [<#q> ()])) ."), true)),
        ),
        ("INSERT { ?x :list ( ?n ) } WHERE { ?x :n ?n }", Ok((format!("{TARGET} <#a> <#list> (1) ."), true))),
        ("DELETE DATA { :a :list ( 1 ) }", Err(Kind::BadRequest)),
        ("INSERT { ?x :p :d } WHERE { ?x :n ?n FILTER(?n) }", Err(Kind::Unprocessable)),
        ("INSERT { ?x :p :d } WHERE { ?x (:n) ?n }", Ok((format!("{TARGET} <#a> <#p> <#d> ."), true))),
        ("INSERT { ?x :p ?n } WHERE { ?x :p :b BIND(1 AS ?n) }", Err(Kind::Unprocessable)),
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
        for (dataset, _) in [&mut found, &mut expected].into_iter().flatten() {
            dataset.canonicalize(CanonicalizationAlgorithm::Unstable);
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
        format!("INSERT DATA {{ :a :p {}1{} }}", "(".repeat(5), ")".repeat(5)),
    ] {
        assert!(matches!(update(&attack), Err(Problem::Patch(PatchError::Unsupported))), "{}", &attack[..40]);
    }
}

/// As deep as it is let, where the parser tries in several ways: one that doubled them at each level would not come back.
#[test]
fn what_nests_a_little_is_read_or_refused() {
    for (open, inner, close) in
        [("((((", "1", "))))"), ("(((([", ":q 1", "]))))"), ("FILTER((((", "1", "))))"), ("?x ((((", ":p", ")))) 1 .")]
    {
        let much = format!("{open}{inner}{close} ").repeat(5_000);
        for text in [
            format!("INSERT DATA {{ :a :p {} }}", much.trim().replace(" (", " , (")),
            format!("DELETE {{ }} INSERT {{ }} WHERE {{ {much} }}"),
        ] {
            let told = update(&text);
            assert!(told.is_ok() || matches!(told, Err(Problem::Patch(_))), "{}", &text[..40]);
        }
    }
}

#[test]
fn a_pattern_that_explodes_is_cut_off() {
    let mut dataset = Dataset::new();
    let statements = joined(200, |n| format!("<#s{n}> <#p> <#o{n}> ."));
    dataset.extend(turtle(&statements).iter());
    let patterns = joined(8, |n| format!("_:s{n} :p _:o{n} ."));
    let body = format!("<> a solid:InsertDeletePatch; solid:where {{ {patterns} ?a :none ?b }}.");
    let unmatched = n3(&body).unwrap().apply(&mut dataset).unwrap_err();
    let patterns = joined(8, |n| format!("?s{n} :p ?o{n} ."));
    let exploding = format!("INSERT {{ ?s0 :q ?o1 }} WHERE {{ {patterns} }}");
    let exploded = update(&exploding).unwrap().apply(&mut dataset).unwrap_err();
    assert!(matches!(unmatched, PatchConflict::NoMapping | PatchConflict::TooMuchWork { .. }), "{unmatched:?}");
    assert!(matches!(exploded, PatchConflict::TooMuchWork { .. }), "{exploded:?}");
    assert_eq!(Problem::from(exploded).kind(), Kind::Unprocessable);
}

fn joined(count: usize, statement: impl Fn(usize) -> String) -> String {
    (0..count).map(statement).collect::<Vec<_>>().join(" ")
}

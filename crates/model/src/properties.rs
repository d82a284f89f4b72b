//! What holds for every input of the grammars of this crate, stated once: tried briefly by the tests below, and for
//! long by `fuzz/`. A property that does not hold panics.

use crate::{
    Auxiliary, ResourceIri,
    iri::{MAX_IRI, MAX_SEGMENT},
    rdf::{self, RdfFormat},
};
use oxrdf::{Dataset, GraphNameRef, dataset::CanonicalizationAlgorithm};
use std::collections::HashSet;

const BASE: &str = "http://x/box/doc";
/// With more blank nodes than this, comparing can take longer than anybody lives.
const MAX_BLANK: usize = 6;

/// A document that parses says the same in every syntax that it is written in; what does not parse harms nobody.
pub fn document(format: RdfFormat, bytes: &[u8]) {
    let Ok(dataset) = rdf::parse(format, BASE, bytes) else { return };
    let default: Dataset = dataset.quads_for_graph_name(GraphNameRef::DefaultGraph).collect();
    for syntax in [RdfFormat::NQuads, RdfFormat::JsonLd, RdfFormat::NTriples, RdfFormat::Turtle] {
        let carried = if matches!(syntax, RdfFormat::NQuads | RdfFormat::JsonLd) { &dataset } else { &default };
        let written = rdf::serialize(syntax, carried, &[("e", "http://e/"), ("x", "http://x/box/")]);
        let again = rdf::parse(syntax, BASE, &written);
        let again = again.unwrap_or_else(|error| panic!("{error} in\n{}", String::from_utf8_lossy(&written)));
        assert!(same(carried, &again), "{carried}became\n{again}by\n{}", String::from_utf8_lossy(&written));
    }
}

/// Whether two datasets say the same; labels of blank nodes say nothing.
pub fn same(one: &Dataset, other: &Dataset) -> bool {
    if one.len() != other.len() || labels(one) + labels(other) == 0 {
        return one == other;
    }
    if labels(one).max(labels(other)) > MAX_BLANK {
        return masked(one) == masked(other);
    }
    let canonical = |dataset: &Dataset| {
        let mut dataset = dataset.clone();
        dataset.canonicalize(CanonicalizationAlgorithm::Unstable);
        dataset
    };
    canonical(one) == canonical(other)
}

fn labels(dataset: &Dataset) -> usize {
    let text = dataset.to_string();
    text.split(' ').filter(|word| word.starts_with("_:")).collect::<HashSet<_>>().len()
}

fn masked(dataset: &Dataset) -> Vec<String> {
    let mask = |term: String| if term.starts_with("_:") { "_:".to_owned() } else { term };
    let mut lines: Vec<String> = dataset
        .iter()
        .map(|q| [q.subject.to_string(), q.predicate.to_string(), q.object.to_string(), q.graph_name.to_string()])
        .map(|terms| terms.map(mask).join(" "))
        .collect();
    lines.sort();
    lines
}

/// A name has one form, which stays what it is, lies below its containers, and leaves room for its auxiliaries' names.
pub fn iri(text: &str) {
    let Ok(iri) = ResourceIri::parse(text) else { return };
    assert_eq!(ResourceIri::parse(iri.as_str()), Ok(iri.clone()), "the normal form of {text:?}");
    assert!(iri.as_str().is_ascii() && !iri.as_str().contains(['?', '#', '\\', '<', '>', '"', ' ']), "{iri}");
    assert!(!iri.path()[1..].trim_end_matches('/').split('/').any(|segment| matches!(segment, "." | "..")), "{iri}");
    for container in iri.ancestors() {
        assert!(container.is_container() && iri.as_str().starts_with(container.as_str()), "{container} above {iri}");
    }
    if let Some(parent) = iri.parent() {
        assert_eq!(parent.child(iri.name(), iri.is_container()), Ok(iri.clone()));
    }
    if iri.as_auxiliary().is_none() {
        assert!(iri.as_str().len() <= MAX_IRI && iri.name().len() <= MAX_SEGMENT, "{iri}");
        for kind in [Auxiliary::Acl, Auxiliary::Description] {
            let auxiliary = iri.auxiliary(kind);
            assert_eq!(ResourceIri::parse(auxiliary.as_str()), Ok(auxiliary.clone()));
            assert_eq!(auxiliary.as_auxiliary(), Some((kind, iri.clone())));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*, sample::select};

    const TURTLE: &[&str] = &[
        "<a>",
        "<#b>",
        "<http://e/p>",
        "a",
        "e:p",
        "e:a\\-b",
        "_:b",
        "_:c",
        "[",
        "]",
        "(",
        ")",
        ".",
        ";",
        ",",
        "1",
        "-1.5e3",
        "true",
        "\"v\"",
        "\"\\u00e9\\n\"",
        "'''l\n'''",
        "@en",
        "@en-AT",
        "^^<http://d/t>",
        "^^e:t",
        "@prefix e: <http://e/> .",
        "@base <http://z/y> .",
        "<>",
        "<../up>",
        "é",
    ];
    const JSON: &[&str] = &[
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"@id\":\"a\"",
        "\"@id\":\"_:b\"",
        "\"@graph\":",
        "\"@type\":\"http://t/\"",
        "\"http://p/\":",
        "\"http://q/\":",
        "1",
        "1.5",
        "true",
        "null",
        "\"v\"",
        "{\"@value\":\"v\",\"@language\":\"en\"}",
        "{\"@list\":[1,\"@\"]}",
        "\"@context\":{\"t\":\"http://t/\"}",
        "\"t\":",
        "\"@reverse\":",
        "{\"@id\":\"#x\"}",
        "{\"@value\":\"1\",\"@type\":\"http://d/\"}",
        "\"@index\":\"i\"",
        "\"@set\":",
        "\"@included\":",
    ];

    fn soup(words: &'static [&'static str], glue: &'static str) -> impl Strategy<Value = String> {
        vec(select(words), 0..24).prop_map(move |words| words.join(glue))
    }

    fn statements() -> impl Strategy<Value = String> {
        let subject = select(&["<a>", "<#b>", "_:b", "_:c", "[ e:q 1 ]", "( 1 <a> )"][..]);
        let predicate =
            select(&["a", "e:p", "<http://p/?q=é#f>", "<p>", "<http://www.w3.org/1999/02/22-rdf-syntax-ns#first>"][..]);
        let object = prop_oneof![
            select(
                &[
                    "<a>",
                    "_:b",
                    "_:c",
                    "1",
                    "1.0",
                    "1e0",
                    "01",
                    "true",
                    "()",
                    "( _:b [] )",
                    "\"v\"@en",
                    "\"V\"@EN-at",
                    "\"x\"^^e:t"
                ][..]
            )
            .prop_map(str::to_owned),
            "\\PC{0,6}".prop_map(|text| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))),
        ];
        vec((subject, predicate, object).prop_map(|(s, p, o)| format!("{s} {p} {o} .")), 0..8)
            .prop_map(|lines| format!("@prefix e: <http://e/> .\n{}", lines.join("\n")))
    }

    proptest! {
        #[test]
        fn documents_say_the_same_in_every_syntax(turtle in statements(), words in soup(TURTLE, " "), json in soup(JSON, "")) {
            document(RdfFormat::Turtle, turtle.as_bytes());
            document(RdfFormat::Turtle, words.as_bytes());
            document(RdfFormat::JsonLd, json.as_bytes());
            document(RdfFormat::JsonLd, format!("[{{\"@id\":\"s\",\"http://p/\":[{json}]}}]").as_bytes());
        }

        #[test]
        fn no_bytes_harm_a_parser(bytes in vec(any::<u8>(), 0..200)) {
            for format in [RdfFormat::Turtle, RdfFormat::NTriples, RdfFormat::NQuads, RdfFormat::JsonLd] {
                document(format, &bytes);
            }
        }

        #[test]
        fn names_keep_their_form(path in "(/|\\.|%2[eEfF5]|%[4-7][0-9a-f]|%c3%a9|é|[a-z:@~?#&]|\\PC|\\.acl){0,24}", many in 0_usize..2_100) {
            iri(&format!("HTTP://X:80/{path}"));
            iri(&format!("https://é.example/{}{path}", "a".repeat(many)));
            iri(&format!("http://x/{}{path}", "é/".repeat(many / 3)));
            iri(&path);
        }
    }
}

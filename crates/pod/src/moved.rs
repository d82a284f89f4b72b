//! Statements about a pod, after it has moved.

use oxrdf::{Dataset, GraphName, NamedNode, NamedOrBlankNode, Quad, QuadRef, Term};

/// The same statements with every IRI below `from` below `to` instead.
pub(crate) fn moved(dataset: &Dataset, from: &str, to: &str) -> Dataset {
    let node = |node: NamedNode| match node.as_str().strip_prefix(from) {
        Some(rest) => NamedNode::new_unchecked(format!("{to}{rest}")),
        None => node,
    };
    let name = |name: NamedOrBlankNode| match name {
        NamedOrBlankNode::NamedNode(named) => node(named).into(),
        blank @ NamedOrBlankNode::BlankNode(_) => blank,
    };
    dataset
        .iter()
        .map(|quad| {
            let Quad { subject, predicate, object, graph_name } = quad.into_owned();
            let object = match object {
                Term::NamedNode(named) => node(named).into(),
                other => other,
            };
            let graph_name = match graph_name {
                GraphName::NamedNode(named) => node(named).into(),
                other => other,
            };
            Quad { subject: name(subject), predicate: node(predicate), object, graph_name }
        })
        .collect()
}

/// Whether two readings of one document say the same. Each reading names blank nodes anew, so their names are passed
/// over: it is one document, in which they stand in the same places.
pub(crate) fn is_same(one: &Dataset, other: &Dataset) -> bool {
    let lines = |dataset: &Dataset| {
        let mut lines: Vec<_> = dataset.iter().map(line).collect();
        lines.sort_unstable();
        lines
    };
    one.len() == other.len() && lines(one) == lines(other)
}

fn line(quad: QuadRef<'_>) -> String {
    let named = |name: String| if name.starts_with("_:") { "_:".to_owned() } else { name };
    let (subject, object) = (named(quad.subject.to_string()), named(quad.object.to_string()));
    format!("{subject} {} {object} {}", quad.predicate, named(quad.graph_name.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use podbell_model::rdf::{self, RdfFormat};

    #[test]
    fn a_document_of_relative_iris_is_the_same_elsewhere() {
        let at = |base: &str, turtle: &str| rdf::parse(RdfFormat::Turtle, base, turtle.as_bytes()).unwrap();
        for (turtle, expected) in [
            ("<> <p> <#it>, [ <q> <../x> ] .", true),
            ("<> <p> <https://other.example/>, _:a . _:a <q> _:b .", true),
            ("<> <p> <https://old.example/alice/x> .", false),
            ("<> <p> </alice/x> .", false),
            ("<> <p> [ <q> <https://old.example/alice/x> ] .", false),
        ] {
            let gone =
                moved(&at("https://old.example/alice/a/b", turtle), "https://old.example/alice/", "https://new/");
            assert_eq!(is_same(&gone, &at("https://new/a/b", turtle)), expected, "{turtle}");
        }
    }

    #[test]
    fn only_what_was_below_the_old_root_moves() {
        let old = "https://old.example/alice/";
        let turtle = "<> <p> </alice/x#me>, </alice>, <https://other.example/alice/>, \"https://old.example/alice/\" .";
        let graph = rdf::parse(RdfFormat::Turtle, "https://old.example/alice/.acl", turtle.as_bytes()).unwrap();
        let mut lines: Vec<_> = moved(&graph, old, "https://new/").iter().map(|quad| quad.object.to_string()).collect();
        lines.sort();
        assert_eq!(
            lines,
            [
                "\"https://old.example/alice/\"",
                "<https://new/x#me>",
                "<https://old.example/alice>",
                "<https://other.example/alice/>"
            ]
        );
        assert!(moved(&graph, old, "https://new/").iter().all(|quad| quad.predicate.as_str() == "https://new/p"));
    }
}

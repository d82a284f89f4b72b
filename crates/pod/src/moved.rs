//! Statements about a pod, after it has moved.

use oxrdf::{Dataset, GraphName, NamedNode, NamedOrBlankNode, Quad, Term};

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

#[cfg(test)]
mod tests {
    use super::*;
    use podbell_model::rdf::{self, RdfFormat};

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

//! RDF documents: bytes to datasets and back, with bounds, and never a look at the network.
//!
//! Blank nodes keep their labels only inside one document. JSON-LD contexts come from [`crate::contexts`] alone.

mod bounds;
mod pieces;

pub use bounds::{WrittenOut, check};
pub use pieces::Pieces;

use crate::contexts;
use bounds::{check_contexts, check_depth};
use oxjsonld::{JsonLdParser, JsonLdRemoteDocument};
use oxrdf::{BlankNode, Dataset, GraphName, NamedNodeRef, NamedOrBlankNode, Quad, Term, TermRef};
use oxttl::{NQuadsParser, NTriplesParser, TurtleParser};
use std::sync::{Arc, Mutex, PoisonError};

/// Most statements in one document.
pub const MAX_QUADS: usize = 200_000;
/// Most bytes in the terms of one document, each statement written out: short forms can stand for far more than they
/// take themselves.
pub const MAX_WRITTEN_OUT: usize = 128 * 1024 * 1024;
/// Deepest nesting of a JSON document.
pub const MAX_DEPTH: usize = 64;

/// Most terms in all inline contexts of one JSON-LD document.
pub const MAX_TERMS: usize = 64;

/// A syntax of RDF.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RdfFormat {
    /// `text/turtle`
    Turtle,
    /// `application/ld+json`
    JsonLd,
    /// `application/n-triples`
    NTriples,
    /// `application/n-quads`: the form in which datasets are kept.
    NQuads,
}

impl RdfFormat {
    /// Its media type, without parameters.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Turtle => "text/turtle",
            Self::JsonLd => "application/ld+json",
            Self::NTriples => "application/n-triples",
            Self::NQuads => "application/n-quads",
        }
    }

    /// The format of a media type without parameters, in any case.
    pub fn from_media_type(essence: &str) -> Option<Self> {
        [Self::Turtle, Self::JsonLd, Self::NTriples, Self::NQuads]
            .into_iter()
            .find(|format| format.media_type().eq_ignore_ascii_case(essence))
    }
}

/// Why bytes are no RDF document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RdfError {
    /// Not of the declared syntax.
    #[error("not valid {format}: {message}")]
    Syntax {
        /// The media type that was declared.
        format: &'static str,
        /// Where and what, in the parser's words.
        message: String,
    },
    /// JSON, but not JSON-LD that can be processed.
    #[error("JSON-LD that cannot be processed: {0}")]
    Unprocessable(String),
    /// A remote context that is not built in; remote contexts are never fetched.
    #[error("the JSON-LD context <{0}> is not known to this server, and remote contexts are never fetched")]
    UnknownContext(String),
    /// Past one of the bounds.
    #[error("the document has more than {limit} {what}")]
    TooComplex {
        /// What there is too much of.
        what: &'static str,
        /// How much is accepted.
        limit: usize,
    },
}

/// Parses a document; relative IRIs resolve against `base`.
///
/// Turtle and N-Triples yield the default graph only; JSON-LD may yield named graphs.
pub fn parse(format: RdfFormat, base: &str, bytes: &[u8]) -> Result<Dataset, RdfError> {
    let syntax =
        |error: &dyn std::fmt::Display| RdfError::Syntax { format: format.media_type(), message: error.to_string() };
    let (mut dataset, mut written_out) = (Dataset::new(), WrittenOut::default());
    let mut insert = |quad: Quad| {
        written_out.quad(quad.as_ref())?;
        dataset.insert(&quad);
        Ok(())
    };
    match format {
        RdfFormat::Turtle => {
            let parser = TurtleParser::new().with_base_iri(base).map_err(|e| syntax(&e))?;
            for triple in parser.for_slice(bytes) {
                insert(triple.map_err(|e| syntax(&e))?.in_graph(GraphName::DefaultGraph))?;
            }
        }
        RdfFormat::NTriples => {
            for triple in NTriplesParser::new().for_slice(bytes) {
                insert(triple.map_err(|e| syntax(&e))?.in_graph(GraphName::DefaultGraph))?;
            }
        }
        RdfFormat::NQuads => {
            for quad in NQuadsParser::new().for_slice(bytes) {
                insert(quad.map_err(|e| syntax(&e))?)?;
            }
        }
        RdfFormat::JsonLd => {
            parse_json_ld(base, bytes, insert)?;
        }
    }
    Ok(dataset)
}

fn parse_json_ld(
    base: &str,
    bytes: &[u8],
    mut insert: impl FnMut(Quad) -> Result<(), RdfError>,
) -> Result<(), RdfError> {
    check_depth(bytes)?;
    check_contexts(bytes)?;
    let unknown = Arc::new(Mutex::new(None));
    let asked = Arc::clone(&unknown);
    let parser = JsonLdParser::new()
        .with_base_iri(base)
        .map_err(|e| RdfError::Unprocessable(e.to_string()))?
        .for_slice(bytes)
        .with_load_document_callback(move |url, _| {
            let document = contexts::built_in(url).ok_or_else(|| {
                *asked.lock().unwrap_or_else(PoisonError::into_inner) = Some(url.to_owned());
                "the context is not built in"
            })?;
            Ok(JsonLdRemoteDocument { document: document.into(), document_url: url.into() })
        });
    for quad in parser {
        let quad = quad.map_err(|error| {
            let unknown = unknown.lock().unwrap_or_else(PoisonError::into_inner).take();
            match (unknown, error.code()) {
                (Some(context), _) => RdfError::UnknownContext(context),
                (None, Some(_)) => RdfError::Unprocessable(error.to_string()),
                (None, None) => RdfError::Syntax { format: RdfFormat::JsonLd.media_type(), message: error.to_string() },
            }
        })?;
        check_labels(&quad)?;
        insert(quad)?;
    }
    Ok(())
}

/// Refuses labels of blank nodes that no other syntax can hold; terms can expand to such.
fn check_labels(quad: &Quad) -> Result<(), RdfError> {
    let subject = match &quad.subject {
        NamedOrBlankNode::BlankNode(node) => Some(node),
        NamedOrBlankNode::NamedNode(_) => None,
    };
    let object = match &quad.object {
        Term::BlankNode(node) => Some(node),
        _ => None,
    };
    let graph = match &quad.graph_name {
        GraphName::BlankNode(node) => Some(node),
        _ => None,
    };
    // N-Triples once took colons, Turtle never did.
    let unfit = |label: &&str| label.contains(':') || BlankNode::new(*label).is_err();
    match [subject, object, graph].into_iter().flatten().map(BlankNode::as_str).find(unfit) {
        Some(label) => Err(RdfError::Unprocessable(format!("_:{label} is no blank node"))),
        None => Ok(()),
    }
}

/// Writes a dataset. Turtle and N-Triples hold the default graph only.
///
/// `prefixes` are used where the syntax knows prefixes; a prefix whose IRI does not parse is left out.
pub fn serialize(format: RdfFormat, dataset: &Dataset, prefixes: &[(&str, &str)]) -> Vec<u8> {
    let mut pieces = Pieces::new(format, prefixes);
    pieces.add(dataset);
    pieces.finish()
}

/// The named nodes `o` in `subject predicate o` of the default graph.
pub fn objects<'d>(dataset: &'d Dataset, subject: &str, predicate: &str) -> Vec<&'d str> {
    let (Ok(subject), Ok(predicate)) = (NamedNodeRef::new(subject), NamedNodeRef::new(predicate)) else {
        return Vec::new();
    };
    dataset
        .quads_for_subject(subject)
        .filter(|quad| quad.predicate == predicate && quad.graph_name.is_default_graph())
        .filter_map(|quad| match quad.object {
            TermRef::NamedNode(node) => Some(node.as_str()),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "http://x/doc";

    #[test]
    fn turtle_and_json_ld_carry_the_same_graph() {
        let turtle = b"@prefix e: <http://e/> . <#a> e:p <b>, \"v\"@en ; a e:T .";
        let dataset = parse(RdfFormat::Turtle, BASE, turtle).unwrap();
        for format in [RdfFormat::Turtle, RdfFormat::JsonLd, RdfFormat::NTriples, RdfFormat::NQuads] {
            let bytes = serialize(format, &dataset, &[("e", "http://e/")]);
            assert_eq!(parse(format, BASE, &bytes).unwrap(), dataset, "{}", String::from_utf8_lossy(&bytes));
        }
    }

    #[test]
    fn a_named_graph_survives_json_ld() {
        let json = br#"{"@id":"http://g/","@graph":[{"@id":"http://s/","http://p/":"o"}]}"#;
        let dataset = parse(RdfFormat::JsonLd, BASE, json).unwrap();
        let again = parse(RdfFormat::JsonLd, BASE, &serialize(RdfFormat::JsonLd, &dataset, &[])).unwrap();
        assert_eq!(again, dataset);
        assert_eq!(dataset.len(), 1);
    }

    #[test]
    fn unknown_contexts_are_refused_and_not_fetched() {
        let json = br#"{"@context":"https://elsewhere.example/context","a":"b"}"#;
        assert_eq!(
            parse(RdfFormat::JsonLd, BASE, json),
            Err(RdfError::UnknownContext("https://elsewhere.example/context".into()))
        );
    }

    #[test]
    fn every_built_in_context_is_processed() {
        for iri in contexts::IRIS {
            let json = format!(r#"{{"@context":"{iri}","id":"http://s/","http://p/":"o"}}"#);
            let json = if *iri == contexts::SECURITY { json.replace("\"id\"", "\"@id\"") } else { json };
            assert_eq!(parse(RdfFormat::JsonLd, BASE, json.as_bytes()).unwrap().len(), 1, "{iri}");
        }
    }

    #[test]
    fn the_two_ways_json_ld_fails_are_told_apart() {
        assert!(matches!(parse(RdfFormat::JsonLd, BASE, b"{\"a\":"), Err(RdfError::Syntax { .. })));
        let bad = br#"{"@context":{"a":{"@id":7}},"a":"b"}"#;
        assert!(matches!(parse(RdfFormat::JsonLd, BASE, bad), Err(RdfError::Unprocessable(_))));
    }

    #[test]
    fn a_blank_node_that_no_other_syntax_can_name_is_refused() {
        let json = br#"{"@context":"https://www.w3.org/ns/activitystreams","type":"Note_:"}"#;
        assert!(matches!(parse(RdfFormat::JsonLd, BASE, json), Err(RdfError::Unprocessable(_))));
        let json = br#"{"@id":"_:b","http://p/":{"@id":"_:b.c"}}"#;
        assert_eq!(parse(RdfFormat::JsonLd, BASE, json).unwrap().len(), 1);
    }

    #[test]
    fn a_long_chain_of_terms_is_refused_and_not_followed() {
        for length in [MAX_TERMS - 1, MAX_TERMS, 20_000] {
            let chain = (0..length).map(|n| format!(r#""t{n}":"t{}:x","#, n + 1)).collect::<Vec<_>>().concat();
            let context = format!(r#"{{{chain}"t{length}":"http://t/"}}"#);
            let scoped = format!(r#"[null,{{"x":{{"@id":"http://x/","@\u0063ontext":{context}}}}}]"#);
            for (context, extra) in [(context, 0), (scoped, 1)] {
                let json = format!(r#"{{"a":["@context"],"@context":{context},"http://p/":{{"http://q/":"o"}}}}"#);
                let parsed = parse(RdfFormat::JsonLd, BASE, json.as_bytes());
                let refused = matches!(parsed, Err(RdfError::TooComplex { limit: MAX_TERMS, .. }));
                assert_eq!(refused, length + 1 + extra > MAX_TERMS, "{length} {parsed:?}");
            }
        }
    }

    #[test]
    fn the_deepest_contexts_that_are_processed_leave_stack() {
        let chain = (0..30).map(|n| format!(r#""t{n}":{{"@id":"t{}:x"}},"#, n + 1)).collect::<Vec<_>>().concat();
        let mut context = format!(r#"{{{chain}"t30":"http://t/"}}"#);
        for level in 0..29 {
            context = format!(r#"{{"s{level}":{{"@id":"http://s/","@context":{context}}}}}"#);
        }
        let json = format!(r#"{{"@context":{context},"http://p/":"o"}}"#);
        assert_eq!(parse(RdfFormat::JsonLd, BASE, json.as_bytes()).unwrap().len(), 1);
    }

    #[test]
    fn terms_outside_of_contexts_are_not_counted() {
        let body = (0..1_000)
            .map(|n| format!(r#","http://p/{n}":{{"@context":"{}"}}"#, contexts::SOLID_OIDC))
            .collect::<Vec<_>>()
            .concat();
        let json = format!(r#"{{"@context":{{"a":"http://a/"}},"http://p/":"o"{body}}}"#);
        assert!(parse(RdfFormat::JsonLd, BASE, json.as_bytes()).is_ok());
    }

    #[test]
    fn what_is_short_and_comes_to_much_is_refused() {
        let long = "x".repeat(1_000_000);
        let many = |one: &str| (0..1_000).map(|n| format!("{one}{n}\":1")).collect::<Vec<_>>().join(",\"");
        for (format, body) in [
            (RdfFormat::Turtle, format!("@prefix p: <http://x/{long}> . <#a> <#b> p:a .")),
            (RdfFormat::Turtle, format!("@base <http://x/{long}/> . <> <http://x/p> 1 .")),
            (RdfFormat::JsonLd, format!("{{\"@context\":{{\"@vocab\":\"http://x/{long}\"}},\"{}}}", many("p"))),
            (
                RdfFormat::JsonLd,
                format!("{{\"@context\":{{\"p\":\"q:{long}\",\"q\":\"http://x/\"}},\"{}}}", many("p:")),
            ),
        ] {
            let parsed = parse(format, BASE, body.as_bytes());
            assert!(matches!(parsed, Err(RdfError::TooComplex { .. })), "{format:?} {parsed:?}");
        }
    }

    #[test]
    fn deep_nesting_is_refused() {
        let deep = "[".repeat(MAX_DEPTH + 1);
        assert!(matches!(
            parse(RdfFormat::JsonLd, BASE, deep.as_bytes()),
            Err(RdfError::TooComplex { limit: MAX_DEPTH, .. })
        ));
    }
}
